/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/net/net.h"
#include "tests/unit/api/socket_folder.h"
#include "tests/unit/net/exchange.h"

static uv_loop_t loop;
static struct net *net;
static struct exchange x;
static struct toy_api toy;
static struct socket_folder place;
static struct api_server *server;

/* Nothing of what is in force for others would let a call through. */
static int open_all(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    const char *denied[] = {"nowhere.invalid"};
    const struct net_settings settings = {
        .private_addresses = NET_PRIVATE_DENY,
        .deny = denied,
        .deny_count = 1,
        .http_proxy = "http://127.0.0.1:1",
        .name_servers = "127.0.0.1:1",
    };
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(net_create(&loop, &settings, &net, NULL), 0);
    socket_folder_make(&place);
    server = socket_folder_serve(&loop, &toy, place.path);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    socket_folder_close(&loop, server);
    exchange_close_net(&loop, net);
    assert_int_equal(uv_loop_close(&loop), 0);
    socket_folder_remove(&place);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    exchange_finish(&x);
    memset(&toy, 0, sizeof toy);
    return 0;
}

static struct net_request make_request(struct str url)
{
    return (struct net_request){
        .url = url,
        .unix_socket = str_from(place.path),
        .done = exchange_on_done,
        .user = &x,
        .timeout_ms = 240000,
    };
}

static void run(const struct net_request *request)
{
    exchange_finish(&x);
    assert_int_equal(net_send(net, request, NULL, NULL), 0);
    exchange_wait(&loop, &x);
}

static void test_net_unix__call_goes_to_the_socket(void **state)
{
    (void)state;
    const struct net_header headers[] = {{STR("Content-Type"), STR("application/json"), false},
                                         {STR("Idempotency-Key"), STR("k1"), false}};
    struct net_request request = make_request(STR("http://nowhere.invalid/echo?a=b"));
    request.method = STR("POST");
    request.headers = headers;
    request.header_count = 2;
    request.body = STR("{}");
    run(&request);
    assert_true(x.has_response);
    assert_int_equal(x.status, 200);
    assert_non_null(strstr(x.body.p, "path=/echo\n?a=b\n"));
    assert_non_null(strstr(x.body.p, "idempotency-key=k1\n"));
    assert_int_equal(x.remote_address.n, 0);
    run(&request);
    assert_true(x.is_reused);
}

static void test_net_unix__without_it_the_rules_apply(void **state)
{
    (void)state;
    struct net_request request = make_request(STR("http://nowhere.invalid/hello"));
    request.unix_socket = STR("");
    run(&request);
    assert_false(x.has_response);
    assert_int_equal(x.failure_class, NET_FAILED_FORBIDDEN);
}

static void test_net_unix__redirect_is_an_answer_like_others(void **state)
{
    (void)state;
    struct net_request request = make_request(STR("http://x/moved"));
    run(&request);
    assert_int_equal(x.status, 302);
    assert_string_equal(x.body.p, "moved");
}

static void test_net_unix__nobody_listens(void **state)
{
    (void)state;
    struct net_request request = make_request(STR("http://x/hello"));
    request.unix_socket = STR("/nowhere/control.sock");
    run(&request);
    assert_false(x.has_response);
    assert_int_equal(x.failure_class, NET_FAILED_REFUSED);
    assert_int_equal(x.effect, NET_EFFECT_NONE);
    assert_non_null(strstr(x.message.p, "'/nowhere/control.sock': No such file"));
}

static void test_net_unix__large_bodies_go_both_ways(void **state)
{
    (void)state;
    static char body[3 * 1024 * 1024];
    memset(body, '7', sizeof body);
    const struct net_header header = {STR("Content-Type"), STR("application/json"), false};
    struct net_request request = make_request(STR("http://x/echo"));
    request.method = STR("POST");
    request.headers = &header;
    request.header_count = 1;
    request.body = str_make(body, sizeof body);
    run(&request);
    assert_int_equal(x.status, 200);
    assert_in_range(x.body.n, sizeof body, sizeof body + 1000);
}

static void test_net_unix__stream_has_no_end_in_time(void **state)
{
    (void)state;
    struct net_request request = make_request(STR("http://x/stream"));
    request.timeout_ms = NET_NO_TIMEOUT;
    request.max_body_bytes = UINT64_MAX;
    request.on_chunk = exchange_on_chunk;
    struct net_call *call = NULL;
    assert_int_equal(net_send(net, &request, &call, NULL), 0);
    toy_run_until(&loop, &toy.held_count, 1);
    api_stream_write(toy.held[0], STR("data: 1\n\n"));
    toy_run_until(&loop, &x.chunk_count, 1);
    assert_string_equal(x.chunks.p, "data: 1\n\n");
    assert_int_equal(x.done_count, 0);
    net_abort(call);
    exchange_wait(&loop, &x);
    assert_int_equal(x.failure_class, NET_FAILED_CANCELED);
    toy_run_until(&loop, &toy.gone, 1);
}

static void test_net_unix__error_comes_whole_where_pieces_are_wanted(void **state)
{
    (void)state;
    struct net_request request = make_request(STR("http://x/error"));
    request.on_chunk = exchange_on_chunk;
    request.max_body_bytes = UINT64_MAX;
    run(&request);
    assert_int_equal(x.status, 409);
    assert_int_equal(x.chunk_count, 0);
    assert_string_equal(x.body.p, "{\"error\":{\"code\":\"conflict\",\"message\":\"it is 'so'\"}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_net_unix__call_goes_to_the_socket, clear),
        cmocka_unit_test_setup(test_net_unix__without_it_the_rules_apply, clear),
        cmocka_unit_test_setup(test_net_unix__redirect_is_an_answer_like_others, clear),
        cmocka_unit_test_setup(test_net_unix__nobody_listens, clear),
        cmocka_unit_test_setup(test_net_unix__large_bodies_go_both_ways, clear),
        cmocka_unit_test_setup(test_net_unix__stream_has_no_end_in_time, clear),
        cmocka_unit_test_setup(test_net_unix__error_comes_whole_where_pieces_are_wanted, clear),
    };
    int failed = cmocka_run_group_tests(tests, open_all, close_all);
    exchange_finish(&x);
    return failed;
}
