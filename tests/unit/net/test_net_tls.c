/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/net.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/error.h"
#include "tests/support/http_server.h"
#include "tests/unit/net/exchange.h"

static uv_loop_t loop;
static struct exchange x;

static int open_loop(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)unsetenv("SSL_CERT_FILE");
    (void)unsetenv("SSL_CERT_DIR");
    return uv_loop_init(&loop);
}

static int close_loop(void **state)
{
    (void)state;
    exchange_finish(&x);
    return uv_loop_close(&loop);
}

/* One GET by a new net, which trusts `ca_file`. */
static void get(const char *ca_file, const char *url)
{
    struct net *net = NULL;
    const struct net_settings settings = {.ca_file = ca_file};
    const struct net_request request = {
        .url = str_from(url), .done = exchange_on_done, .user = &x, .timeout_ms = 20000};
    exchange_finish(&x);
    assert_int_equal(net_create(&loop, &settings, &net, NULL), 0);
    assert_int_equal(net_send(net, &request, NULL, NULL), 0);
    exchange_wait(&loop, &x);
    exchange_close_net(&loop, net);
}

static void assert_tls_failure(const char *words)
{
    if (x.has_response || x.failure_class != NET_FAILED_TLS || strstr(x.message.p, words) == NULL) {
        fail_msg("expected a tls failure with '%s', got %d '%s'", words, x.status, x.message.p);
    }
    assert_int_equal(x.effect, NET_EFFECT_NONE);
}

static struct http_server *start(int days, const char *name, char url[256])
{
    const struct http_server_options options = {
        .has_tls = true, .certificate_days = days, .name = name};
    struct http_server *server = http_server_start(&options);
    assert_non_null(server);
    (void)snprintf(url, 256, "%s/json", http_server_url(server));
    return server;
}

static void test_net_tls__trusted_server_answers_and_shows_its_certificate(void **state)
{
    (void)state;
    char url[256];
    struct http_server *server = start(12, NULL, url);
    get(http_server_ca_file(server), url);
    assert_true(x.has_response);
    assert_int_equal(x.status, 200);
    assert_int_equal(x.tls_days_left, 12);
    assert_in_range(x.tls_not_after_unix, (uint64_t)time(NULL) + 12 * 86400,
                    (uint64_t)time(NULL) + 13 * 86400);
    assert_true(x.timings.tls_ms >= x.timings.connect_ms && x.timings.connect_ms > 0);

    (void)setenv("SSL_CERT_FILE", http_server_ca_file(server), 1);
    get(NULL, url);
    assert_true(x.has_response);
    (void)unsetenv("SSL_CERT_FILE");
    http_server_stop(server);
}

static void test_net_tls__reused_connection_shows_the_certificate_too(void **state)
{
    (void)state;
    char url[256];
    struct net *net = NULL;
    struct http_server *server = start(5, NULL, url);
    const struct net_settings settings = {.ca_file = http_server_ca_file(server)};
    const struct net_request request = {
        .url = str_from(url), .done = exchange_on_done, .user = &x, .timeout_ms = 20000};
    assert_int_equal(net_create(&loop, &settings, &net, NULL), 0);
    for (int i = 0; i < 2; i++) {
        exchange_finish(&x);
        assert_int_equal(net_send(net, &request, NULL, NULL), 0);
        exchange_wait(&loop, &x);
        assert_int_equal(x.is_reused, i == 1);
        assert_int_equal(x.tls_days_left, 5);
    }
    exchange_close_net(&loop, net);
    http_server_stop(server);
}

static void test_net_tls__unknown_authority_is_refused(void **state)
{
    (void)state;
    char url[256];
    struct http_server *server = start(0, NULL, url);
    get(NULL, url);
    assert_false(x.has_response);
    assert_int_equal(x.failure_class, NET_FAILED_TLS);
    http_server_stop(server);
}

static void test_net_tls__expired_certificate_is_refused(void **state)
{
    (void)state;
    char url[256];
    struct http_server *server = start(-3, NULL, url);
    get(http_server_ca_file(server), url);
    assert_tls_failure("expired");
    http_server_stop(server);
}

static void test_net_tls__certificate_of_another_name_is_refused(void **state)
{
    (void)state;
    char url[256];
    struct http_server *server = start(0, "other.example", url);
    get(http_server_ca_file(server), url);
    assert_tls_failure("localhost");
    http_server_stop(server);
}

static void test_net_tls__missing_authority_file_says_what_to_do(void **state)
{
    (void)state;
    char url[256];
    struct http_server *server = start(0, NULL, url);
    get("/nonexistent/ca.pem", url);
    assert_tls_failure("ca-certificates");
    http_server_stop(server);
}

static void test_net_tls__plain_server_is_a_tls_failure(void **state)
{
    (void)state;
    char url[256];
    struct http_server *server = http_server_start(NULL);
    assert_non_null(server);
    (void)snprintf(url, sizeof url, "https://localhost:%u/", http_server_port(server));
    get(NULL, url);
    assert_false(x.has_response);
    assert_int_equal(x.failure_class, NET_FAILED_TLS);
    http_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_net_tls__trusted_server_answers_and_shows_its_certificate),
        cmocka_unit_test(test_net_tls__reused_connection_shows_the_certificate_too),
        cmocka_unit_test(test_net_tls__unknown_authority_is_refused),
        cmocka_unit_test(test_net_tls__expired_certificate_is_refused),
        cmocka_unit_test(test_net_tls__certificate_of_another_name_is_refused),
        cmocka_unit_test(test_net_tls__missing_authority_file_says_what_to_do),
        cmocka_unit_test(test_net_tls__plain_server_is_a_tls_failure),
    };
    return cmocka_run_group_tests(tests, open_loop, close_loop);
}
