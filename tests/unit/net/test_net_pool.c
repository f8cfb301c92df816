/* SPDX-License-Identifier: Apache-2.0 */

/* Connections: how many, which ones, through what, and their end. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/net/net_rig.h"

static void test_net_pool__nothing_is_sent_twice(void **state)
{
    (void)state;
    struct net *own = net;
    assert_int_equal(net_create(&loop, NULL, &net, NULL), 0); /* an empty pool */
    get("/dying");
    assert_body(200, "none");
    uint64_t before = http_server_request_count(server);
    char url[512];
    struct net_request request = make_request("/echo", url);
    request.method = STR("POST");
    run(&request);
    assert_failed(NET_FAILED_RESET, "closed the connection without an answer");
    assert_int_equal(x.effect, NET_EFFECT_MAYBE);
    assert_int_equal(http_server_request_count(server), before);
    exchange_close_net(&loop, net);
    net = own;
}

static void test_net_pool__connection_that_ended_is_not_used_again(void **state)
{
    (void)state;
    char later[128];
    (void)snprintf(later, sizeof later, "%s/delay/5", http_server_url(other));
    get("/leave");
    assert_body(200, "ends");
    get(later); /* the end comes while nobody uses the connection */
    assert_body(200, "late");
    get("/json");
    assert_body(200, "opstream");
    assert_false(x.is_reused);
}

enum { FAN_OUT = 60 };

static void test_net_pool__connections_are_limited_and_reused(void **state)
{
    (void)state;
    struct net *own = net;
    const struct net_settings settings = {.max_connections_per_host = 4};
    assert_int_equal(net_create(&loop, &settings, &net, NULL), 0);
    http_server_reset_counts(server);
    static struct exchange all[FAN_OUT];
    char url[512];
    struct net_request request = make_request("/delay/2", url);
    for (int i = 0; i < FAN_OUT; i++) {
        request.user = &all[i];
        assert_int_equal(net_send(net, &request, NULL, NULL), 0);
    }
    for (int i = 0; i < FAN_OUT; i++) {
        exchange_wait(&loop, &all[i]);
        assert_true(all[i].has_response);
        assert_int_equal(all[i].done_count, 1);
        exchange_finish(&all[i]);
    }
    assert_int_equal(http_server_connection_count(server), 4);
    assert_int_equal(http_server_request_count(server), FAN_OUT);
    exchange_close_net(&loop, net);
    net = own;
}

static void test_net_pool__total_connections_are_limited_over_hosts(void **state)
{
    (void)state;
    struct net *own = net;
    const struct net_settings settings = {.max_connections = 1};
    assert_int_equal(net_create(&loop, &settings, &net, NULL), 0);
    static struct exchange all[8];
    char url[512];
    char other_url[512];
    (void)snprintf(other_url, sizeof other_url, "%s/delay/2", http_server_url(other));
    for (int i = 0; i < 8; i++) {
        struct net_request request = make_request(i % 2 == 0 ? "/delay/2" : other_url, url);
        request.user = &all[i];
        assert_int_equal(net_send(net, &request, NULL, NULL), 0);
    }
    for (int i = 0; i < 8; i++) {
        exchange_wait(&loop, &all[i]);
        assert_true(all[i].has_response);
        assert_true(i == 0 || all[i].timings.queue_ms > 0);
        exchange_finish(&all[i]);
    }
    exchange_close_net(&loop, net);
    net = own;
}

static void test_net_pool__close_ends_what_is_under_way(void **state)
{
    (void)state;
    struct net *own = net;
    const struct net_settings settings = {.max_connections_per_host = 1};
    assert_int_equal(net_create(&loop, &settings, &net, NULL), 0);
    static struct exchange all[4];
    char url[512];
    for (int i = 0; i < 4; i++) { /* running, queued, and not begun */
        struct net_request request = make_request("/delay/5000", url);
        request.user = &all[i];
        assert_int_equal(net_send(net, &request, NULL, NULL), 0);
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    }
    exchange_close_net(&loop, net);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(all[i].done_count, 1);
        assert_int_equal(all[i].failure_class, NET_FAILED_CANCELED);
        exchange_finish(&all[i]);
    }
    net = own;
}

static void test_net_pool__close_without_a_request_is_asynchronous(void **state)
{
    (void)state;
    struct net *own = NULL;
    assert_int_equal(net_create(&loop, NULL, &own, NULL), 0);
    exchange_close_net(&loop, own);
}

static void on_done_send_again(void *user, const struct net_response *response,
                               const struct net_failure *failure)
{
    char url[512];
    struct net_request request = make_request("/json", url);
    assert_null(failure);
    assert_int_equal(response->status, 200);
    (void)user;
    assert_int_equal(net_send(net, &request, NULL, NULL), 0);
}

static void test_net_pool__done_may_send_again(void **state)
{
    (void)state;
    char url[512];
    struct net_request request = make_request("/json", url);
    request.done = on_done_send_again;
    assert_int_equal(net_send(net, &request, NULL, NULL), 0);
    exchange_wait(&loop, &x);
    assert_body(200, "opstream");
}

static void test_net_pool__proxy_gets_the_request(void **state)
{
    (void)state;
    struct net *own = net;
    char proxy[128];
    (void)snprintf(proxy, sizeof proxy, "127.0.0.1:%u", http_server_port(other));
    const struct net_settings settings = {
        .http_proxy = proxy, .https_proxy = proxy, .no_proxy = "direct.example, .lan"};
    assert_int_equal(net_create(&loop, &settings, &net, NULL), 0);
    get("http://service.example/echo");
    assert_body(200, "\"proxied\":true");
    assert_body(200, "\"host\":\"service.example\"");
    get("/echo"); /* this machine */
    assert_body(200, "\"proxied\":false");
    get("https://service.example/echo"); /* the test server opens no tunnel */
    assert_failed(NET_FAILED_PROXY, "");
    assert_int_equal(x.effect, NET_EFFECT_NONE);
    get("http://169.254.169.254/");
    assert_failed(NET_FAILED_FORBIDDEN, "metadata");
    exchange_close_net(&loop, net);
    net = own;
}

static void test_net_pool__bad_proxy_is_a_proxy_failure(void **state)
{
    (void)state;
    struct net *own = net;
    const struct net_settings settings = {.http_proxy = "socks4://x", .https_proxy = "127.0.0.1:1"};
    assert_int_equal(net_create(&loop, &settings, &net, NULL), 0);
    get("http://service.example/echo");
    assert_failed(NET_FAILED_PROXY, "no http:// or https:// URL");
    get("https://service.example/echo");
    assert_failed(NET_FAILED_PROXY, "cannot connect to the proxy '127.0.0.1:1'");
    exchange_close_net(&loop, net);
    net = own;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_net_pool__nothing_is_sent_twice, clear),
        cmocka_unit_test_setup(test_net_pool__connection_that_ended_is_not_used_again, clear),
        cmocka_unit_test_setup(test_net_pool__connections_are_limited_and_reused, clear),
        cmocka_unit_test_setup(test_net_pool__total_connections_are_limited_over_hosts, clear),
        cmocka_unit_test_setup(test_net_pool__close_ends_what_is_under_way, clear),
        cmocka_unit_test_setup(test_net_pool__close_without_a_request_is_asynchronous, clear),
        cmocka_unit_test_setup(test_net_pool__done_may_send_again, clear),
        cmocka_unit_test_setup(test_net_pool__proxy_gets_the_request, clear),
        cmocka_unit_test_setup(test_net_pool__bad_proxy_is_a_proxy_failure, clear),
    };
    int failed = cmocka_run_group_tests(tests, open_all, close_all);
    exchange_finish(&x);
    return failed;
}
