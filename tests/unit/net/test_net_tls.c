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
        .url = str_from(url), .done = exchange_on_done, .user = &x, .timeout_ms = 240000};
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

static struct http_server *start_with(struct http_server_options options, char url[256])
{
    options.has_tls = true;
    struct http_server *server = http_server_start(&options);
    assert_non_null(server);
    (void)snprintf(url, 256, "%s/json", http_server_url(server));
    return server;
}

static struct http_server *start(int days, const char *name, char url[256])
{
    return start_with((struct http_server_options){.certificate_days = days, .name = name}, url);
}

/* The whole message; the origin stands between the parts. */
static void assert_message(const struct http_server *server, const char *before, const char *after)
{
    char expected[512];
    (void)snprintf(expected, sizeof expected, "%shttps://localhost:%u%s", before,
                   http_server_port(server), after);
    assert_string_equal(x.message.p, expected);
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
    assert_string_equal(x.tls_subject.p, "CN=OpStream test server");
    assert_string_equal(x.tls_issuer.p, "CN=OpStream test server");
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
        .url = str_from(url), .done = exchange_on_done, .user = &x, .timeout_ms = 240000};
    assert_int_equal(net_create(&loop, &settings, &net, NULL), 0);
    for (int i = 0; i < 2; i++) {
        exchange_finish(&x);
        assert_int_equal(net_send(net, &request, NULL, NULL), 0);
        exchange_wait(&loop, &x);
        assert_int_equal(x.is_reused, i == 1);
        assert_int_equal(x.tls_days_left, 5);
        assert_string_equal(x.tls_subject.p, "CN=OpStream test server");
    }
    exchange_close_net(&loop, net);
    http_server_stop(server);
}

static void test_net_tls__self_signed_certificate_is_refused(void **state)
{
    (void)state;
    char url[256];
    struct http_server *server = start(0, NULL, url);
    get(NULL, url);
    assert_tls_failure("self-signed");
    assert_message(server, "the certificate of '", "' is self-signed, and not one that is trusted");
    assert_string_equal(x.hint.p, "if it is meant, let SSL_CERT_FILE name a file with it");
    http_server_stop(server);
}

static void test_net_tls__certificate_of_an_unknown_authority_is_refused(void **state)
{
    (void)state;
    char url[256];
    struct http_server *server = start_with((struct http_server_options){.is_issued = true}, url);
    get(NULL, url);
    assert_tls_failure("issued by");
    assert_message(server, "the certificate of '",
                   "' was issued by 'CN=OpStream test authority', which is not trusted or whose "
                   "own certificate is not sent");
    http_server_stop(server);
}

static void test_net_tls__expired_certificate_is_refused(void **state)
{
    (void)state;
    char url[256];
    char end[64];
    time_t now = time(NULL) - (time_t)3 * 86400;
    struct http_server *server = start(-3, NULL, url);
    get(http_server_ca_file(server), url);
    assert_tls_failure("' has expired: it was valid until ");
    (void)strftime(end, sizeof end, "until %Y-%m-%dT", gmtime(&now));
    if (strstr(x.message.p, end) == NULL) {
        now += 600; /* its end is ten minutes later: the next day */
        (void)strftime(end, sizeof end, "until %Y-%m-%dT", gmtime(&now));
        assert_tls_failure(end);
    }
    http_server_stop(server);
}

static void test_net_tls__certificate_of_tomorrow_is_refused(void **state)
{
    (void)state;
    char url[256];
    struct http_server *server = start_with((struct http_server_options){.is_early = true}, url);
    get(http_server_ca_file(server), url);
    assert_tls_failure("' is not valid yet: it will be from ");
    assert_non_null(strstr(x.hint.p, "clock"));
    http_server_stop(server);
}

static void test_net_tls__certificate_of_another_name_is_refused(void **state)
{
    (void)state;
    char url[256];
    struct http_server *server = start(0, "other.example", url);
    get(http_server_ca_file(server), url);
    assert_tls_failure("other.example");
    assert_message(server, "the certificate of '", "' is for 'other.example', not for 'localhost'");
    http_server_stop(server);
}

static void test_net_tls__names_of_a_certificate_are_cut_and_cleaned(void **state)
{
    (void)state;
    char url[256];
    char names[200];
    (void)snprintf(
        names, sizeof names, "%.90s,DNS:b\033[1m,DNS:c.example,DNS:d.example",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaa");
    struct http_server *server = start(0, names, url);
    get(http_server_ca_file(server), url);
    assert_tls_failure("aaa...', 'b?[1m', 'c.example', ..., not for 'localhost'");
    http_server_stop(server);
}

static void test_net_tls__abort_while_shaking_hands_ends_the_call(void **state)
{
    (void)state;
    char url[256];
    struct net *net = NULL;
    struct http_server *server = start(0, NULL, url);
    const struct net_settings settings = {.ca_file = http_server_ca_file(server)};
    for (int steps = 1; steps < 12; steps++) {
        struct net_call *call = NULL;
        const struct net_request request = {
            .url = str_from(url), .done = exchange_on_done, .user = &x, .timeout_ms = 240000};
        exchange_finish(&x);
        assert_int_equal(net_create(&loop, &settings, &net, NULL), 0);
        assert_int_equal(net_send(net, &request, &call, NULL), 0);
        for (int i = 0; i < steps && x.done_count == 0; i++) {
            (void)uv_run(&loop, UV_RUN_ONCE);
        }
        if (x.done_count == 0) {
            net_abort(call);
            exchange_wait(&loop, &x);
        }
        assert_true(x.has_response || x.failure_class == NET_FAILED_CANCELED);
        exchange_close_net(&loop, net);
    }
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
        cmocka_unit_test(test_net_tls__self_signed_certificate_is_refused),
        cmocka_unit_test(test_net_tls__certificate_of_an_unknown_authority_is_refused),
        cmocka_unit_test(test_net_tls__expired_certificate_is_refused),
        cmocka_unit_test(test_net_tls__certificate_of_tomorrow_is_refused),
        cmocka_unit_test(test_net_tls__certificate_of_another_name_is_refused),
        cmocka_unit_test(test_net_tls__names_of_a_certificate_are_cut_and_cleaned),
        cmocka_unit_test(test_net_tls__abort_while_shaking_hands_ends_the_call),
        cmocka_unit_test(test_net_tls__missing_authority_file_says_what_to_do),
        cmocka_unit_test(test_net_tls__plain_server_is_a_tls_failure),
    };
    return cmocka_run_group_tests(tests, open_loop, close_loop);
}
