/* SPDX-License-Identifier: Apache-2.0 */

/* The client itself, not behind its module: each of its allocations fails in turn. */

#include "core/net/client.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "core/base/error.h"
#include "core/net/rules.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/http_server.h"

static uv_loop_t loop;
static struct net_rules *rules;
static struct http_server *server;

/* What came of a call, without any allocation. */
struct outcome {
    int done_count;
    int status;
    int code;
};

static int open_all(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    server = http_server_start(NULL);
    assert_non_null(server);
    assert_int_equal(net_rules_create(NULL, &rules, NULL), 0);
    return uv_loop_init(&loop);
}

static int close_all(void **state)
{
    (void)state;
    http_server_stop(server);
    net_rules_destroy(rules);
    return uv_loop_close(&loop);
}

static int create(struct net_client **out_client)
{
    const struct net_client_options options = {
        .loop = &loop,
        .rules = rules,
        .http_proxy = "http://127.0.0.1:1",
        .https_proxy = "",
        .no_proxy = "*",
        .max_connections_per_host = 2,
        .max_connections = 4,
    };
    return client_table.create(&options, out_client, NULL);
}

static void on_closed(void *user)
{
    *(bool *)user = true;
}

static void close_client(struct net_client *client)
{
    bool is_closed = false;
    client_table.close(client, on_closed, &is_closed);
    assert_false(is_closed);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_true(is_closed);
}

static void on_done(void *user, const struct net_response *response,
                    const struct net_failure *failure)
{
    struct outcome *outcome = user;
    outcome->done_count++;
    outcome->status = response != NULL ? response->status : 0;
    outcome->code = failure != NULL ? failure->code : 0;
}

static void test_client__create_survives_failing_allocations(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct net_client *client = NULL;
        failing_alloc_arm(n);
        int status = create(&client);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            close_client(client);
            assert_true(n > 3);
            break;
        }
        assert_int_equal(status, E_NOMEM);
        assert_null(client);
    }
}

/* One call by a client of its own, in which allocation `n` fails. False: it was not reached. */
static bool call_with_failure(long n, const char *url, struct outcome *outcome)
{
    struct net_client *client = NULL;
    const struct net_header header = {STR("X-Test"), STR("value"), false};
    const struct net_request request = {
        .method = STR("POST"),
        .url = str_from(url),
        .headers = &header,
        .header_count = 1,
        .body = STR("body"),
        .done = on_done,
        .user = outcome,
    };
    assert_int_equal(create(&client), 0);
    failing_alloc_arm(n);
    int status = client_table.send(client, &request, NULL, NULL);
    while (status == 0 && outcome->done_count == 0) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    bool is_reached = failing_alloc_disarm();
    close_client(client);
    assert_int_equal(outcome->done_count, status == 0 ? 1 : 0);
    if (status != 0) {
        outcome->code = status;
    }
    return is_reached;
}

static void survive(const char *host, const char *path)
{
    char url[256];
    (void)snprintf(url, sizeof url, "http://%s:%u%s", host, http_server_port(server), path);
    for (long n = 0;; n++) {
        struct outcome outcome = {0};
        if (!call_with_failure(n, url, &outcome)) {
            assert_int_equal(outcome.status, 200);
            assert_true(n > 10);
            break;
        }
        assert_true(outcome.code < 0);
    }
}

static void test_client__call_survives_failing_allocations(void **state)
{
    (void)state;
    survive("127.0.0.1", "/echo");
    survive("localhost", "/echo");
}

static void test_client__redirected_call_survives_failing_allocations(void **state)
{
    (void)state;
    survive("127.0.0.1", "/redirect/0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client__create_survives_failing_allocations),
        cmocka_unit_test(test_client__call_survives_failing_allocations),
        cmocka_unit_test(test_client__redirected_call_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
