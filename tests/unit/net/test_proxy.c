/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/net/net_module.h"
#include "core/net/url.h"
#include "tests/support/failing_alloc.h"

static int clear_environment(void **state)
{
    (void)state;
    static const char *const names[] = {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
                                        "all_proxy",  "ALL_PROXY",  "no_proxy",    "NO_PROXY"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)unsetenv(names[i]);
    }
    return 0;
}

static const struct proxy *find(const struct proxy_set *set, const char *text)
{
    struct url url;
    assert_int_equal(url_parse(str_from(text), &url, NULL), 0);
    const struct proxy *proxy = proxy_for(set, &url);
    url_finish(&url);
    return proxy;
}

static void test_proxy__environment_is_obeyed(void **state)
{
    (void)state;
    struct proxy_set set;
    const struct net_client_options options = {0};
    (void)setenv("HTTP_PROXY", "http://evil:1", 1); /* which a CGI request could set */
    (void)setenv("HTTPS_PROXY", "secure.example", 1);
    assert_int_equal(proxy_set_init(&set, &options, NULL), 0);
    assert_null(find(&set, "http://service.example/"));
    assert_string_equal(find(&set, "https://service.example/")->host, "secure.example");
    assert_int_equal(find(&set, "https://service.example/")->port, 1080);
    proxy_set_finish(&set);

    (void)setenv("all_proxy", "https://[2001:db8::1]", 1);
    assert_int_equal(proxy_set_init(&set, &options, NULL), 0);
    const struct proxy *proxy = find(&set, "http://service.example/");
    assert_string_equal(proxy->host, "2001:db8::1");
    assert_int_equal(proxy->port, 443);
    assert_int_equal(proxy->address.size, 16);
    proxy_set_finish(&set);
}

static void test_proxy__settings_win_over_the_environment(void **state)
{
    (void)state;
    struct proxy_set set;
    const struct net_client_options options = {.http_proxy = "",
                                               .https_proxy = "http://u:p@own:8080"};
    (void)setenv("http_proxy", "http://other:1", 1);
    (void)setenv("https_proxy", "http://other:1", 1);
    assert_int_equal(proxy_set_init(&set, &options, NULL), 0);
    assert_null(find(&set, "http://service.example/"));
    assert_string_equal(find(&set, "https://service.example/")->host, "own");
    assert_int_equal(find(&set, "https://service.example/")->port, 8080);
    proxy_set_finish(&set);
}

static void test_proxy__exceptions_are_hosts_domains_and_networks(void **state)
{
    (void)state;
    struct proxy_set set;
    const struct net_client_options options = {
        .http_proxy = "http://p:1",
        .no_proxy = "direct.example, .lan 10.0.0.0/8,192.168.1.1",
    };
    static const char *const direct[] = {"http://direct.example/", "http://a.direct.example/",
                                         "http://nas.lan/",        "http://10.1.2.3/",
                                         "http://192.168.1.1/",    "http://localhost/",
                                         "http://a.localhost/",    "http://127.0.0.1/",
                                         "http://[::1]/",          "http://DIRECT.example:8080/"};
    static const char *const through[] = {"http://indirect.example/", "http://lan.example/",
                                          "http://11.0.0.1/", "http://192.168.1.10/"};
    assert_int_equal(proxy_set_init(&set, &options, NULL), 0);
    for (size_t i = 0; i < sizeof direct / sizeof direct[0]; i++) {
        assert_null(find(&set, direct[i]));
    }
    for (size_t i = 0; i < sizeof through / sizeof through[0]; i++) {
        assert_non_null(find(&set, through[i]));
    }
    proxy_set_finish(&set);

    const struct net_client_options all = {.http_proxy = "http://p:1", .no_proxy = "*"};
    assert_int_equal(proxy_set_init(&set, &all, NULL), 0);
    assert_null(find(&set, "http://service.example/"));
    proxy_set_finish(&set);
}

static void test_proxy__what_is_no_proxy_is_bad(void **state)
{
    (void)state;
    static const char *const bad[] = {"socks5://x:1", "http://", "http://x:0", "http://x:70000",
                                      "ftp://x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct proxy_set set;
        const struct net_client_options options = {.http_proxy = bad[i]};
        assert_int_equal(proxy_set_init(&set, &options, NULL), 0);
        assert_true(find(&set, "http://service.example/")->is_bad);
        proxy_set_finish(&set);
    }
}

static void test_proxy__init_survives_failing_allocations(void **state)
{
    (void)state;
    const struct net_client_options options = {.http_proxy = "http://p:1", .https_proxy = "q"};
    for (long n = 0;; n++) {
        struct proxy_set set;
        failing_alloc_arm(n);
        int status = proxy_set_init(&set, &options, NULL);
        bool is_reached = failing_alloc_disarm();
        bool is_usable = status == 0 && !set.http.is_bad && !set.https.is_bad;
        proxy_set_finish(&set);
        if (!is_reached) {
            assert_true(is_usable);
            break;
        }
        assert_int_equal(status, E_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_proxy__environment_is_obeyed, clear_environment),
        cmocka_unit_test_setup(test_proxy__settings_win_over_the_environment, clear_environment),
        cmocka_unit_test_setup(test_proxy__exceptions_are_hosts_domains_and_networks,
                               clear_environment),
        cmocka_unit_test_setup(test_proxy__what_is_no_proxy_is_bad, clear_environment),
        cmocka_unit_test_setup(test_proxy__init_survives_failing_allocations, clear_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
