/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/value/secret_hosts.h"

static void test_secret_hosts__know_a_pattern(void **state)
{
    static const char *const good[] = {"api.github.com", "api.github.com:443",  "localhost",
                                       "*.example.com",  "*.example.com:8443",  "127.0.0.1:1",
                                       "[::1]",          "[2001:db8::1]:65535", "a_b-c.d"};
    static const char *const bad[] = {
        "",    "https://a", "a/b",  "a b",    "user@a",  "a:",       "a:0",     "a:65536",
        "a:x", "::1",       "[::1", "[]",     "[x]",     "*",        "*.",      "a.*.b",
        ".a",  "a.",        "a..b", "[::1]x", "*.[::1]", "a:123456", "\xC3\xA9"};
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const char *fault = secret_hosts_fault_of(str_from(good[i]));
        if (fault != NULL) {
            fail_msg("%s %s", good[i], fault);
        }
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (secret_hosts_fault_of(str_from(bad[i])) == NULL) {
            fail_msg("'%s' has no fault", bad[i]);
        }
    }
    assert_string_equal(secret_hosts_fault_of(STR("https://a")), "is a URL: write its host alone");
}

static void test_secret_hosts__allow_what_they_name(void **state)
{
    static const struct {
        const char *pattern;
        const char *host;
        uint16_t port;
        bool is_allowed;
    } cases[] = {
        {"api.github.com", "api.github.com", 443, true},
        {"api.github.com", "api.github.com", 80, true},
        {"API.GitHub.com", "api.github.com", 443, true},
        {"api.github.com", "xapi.github.com", 443, false},
        {"api.github.com", "api.github.com.evil.example", 443, false},
        {"github.com", "api.github.com", 443, false},
        {"api.github.com:443", "api.github.com", 443, true},
        {"api.github.com:443", "api.github.com", 80, false},
        {"*.github.com", "api.github.com", 443, true},
        {"*.github.com", "a.b.github.com", 443, true},
        {"*.github.com", "github.com", 443, false},
        {"*.github.com", "evilgithub.com", 443, false},
        {"*.github.com:443", "api.github.com", 80, false},
        {"[::1]", "::1", 443, true},
        {"[::1]:8080", "::1", 443, false},
        {"127.0.0.1", "127.0.0.2", 443, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct strbuf list = STRBUF_INIT;
        secret_hosts_add(&list, STR("first.example"));
        secret_hosts_add(&list, str_from(cases[i].pattern));
        bool is_allowed =
            secret_hosts_allow(strbuf_str(&list), str_from(cases[i].host), cases[i].port);
        if (is_allowed != cases[i].is_allowed) {
            fail_msg("%s: %s:%u", cases[i].pattern, cases[i].host, cases[i].port);
        }
        strbuf_finish(&list);
    }
    assert_false(secret_hosts_allow(STR(""), STR("a"), 80));
}

static void test_secret_hosts__are_a_list_without_doubles(void **state)
{
    struct strbuf list = STRBUF_INIT;
    (void)state;
    secret_hosts_add(&list, STR("b.example"));
    secret_hosts_add(&list, STR("A.example:1"));
    secret_hosts_add(&list, STR("B.example"));
    assert_string_equal(list.p, "b.example\na.example:1\n");
    assert_true(str_equal(secret_hosts_at(strbuf_str(&list), 1), STR("a.example:1")));
    assert_int_equal(secret_hosts_at(strbuf_str(&list), 2).n, 0);
    strbuf_finish(&list);
}

/* Only a host that nothing behind can change. */
static void test_secret_hosts__take_the_host_of_a_url(void **state)
{
    static const struct {
        const char *text;
        bool is_whole;
        const char *lines;
    } cases[] = {
        {"https://api.github.com", true, "api.github.com:443\n"},
        {"https://api.github.com", false, ""},
        {"https://api.github.com/", false, "api.github.com:443\n"},
        {"https://api.github.com?x=", false, "api.github.com:443\n"},
        {"https://api.github.com#", false, "api.github.com:443\n"},
        {"HTTP://API.github.com/a", true, "api.github.com:80\n"},
        {"http://localhost:8080/", false, "localhost:8080\n"},
        {"http://localhost:80", false, ""},
        {"http://localhost:", false, ""},
        {"http://localhost:/", true, ""},
        {"http://[::1]:8080/", false, "[::1]:8080\n"},
        {"https://[::1]/", false, "[::1]:443\n"},
        {"https://me@api.github.com/", true, ""},
        {"https://api.github.com@", false, ""},
        {"https://api.github.com\\@evil.example/", true, ""},
        {"https://api.github.com.", true, ""},
        {"https://*.github.com/", true, ""},
        {"https:///path", true, ""},
        {"https://", true, ""},
        {"ftp://a/", true, ""},
        {"see https://a/", true, ""},
        {"api.github.com/", true, ""},
        {"", true, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct strbuf list = STRBUF_INIT;
        secret_hosts_add_url(&list, str_from(cases[i].text), cases[i].is_whole);
        if (!str_equal(strbuf_str(&list), str_from(cases[i].lines))) {
            fail_msg("%s: %.*s", cases[i].text, STR_ARG(strbuf_str(&list)));
        }
        strbuf_finish(&list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secret_hosts__know_a_pattern),
        cmocka_unit_test(test_secret_hosts__allow_what_they_name),
        cmocka_unit_test(test_secret_hosts__are_a_list_without_doubles),
        cmocka_unit_test(test_secret_hosts__take_the_host_of_a_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
