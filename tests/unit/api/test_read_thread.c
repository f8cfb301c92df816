/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "core/api/answer.h"
#include "core/api/exchange.h"
#include "core/api/read_thread.h"
#include "core/api/route.h"
#include "core/base/error.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/journal/store_fixture.h"

static struct store_fixture fixture;
static uv_loop_t loop;
static struct read_thread *reads;

static int set_up(void **state)
{
    (void)state;
    struct error err = {0};
    store_fixture_init(&fixture);
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(read_thread_open(&loop, fixture.folder, &reads, &err), 0);
    return 0;
}

static void close_reads(void)
{
    read_thread_close(reads);
    reads = NULL;
    (void)uv_run(&loop, UV_RUN_DEFAULT);
}

static int tear_down(void **state)
{
    (void)state;
    close_reads();
    assert_int_equal(uv_loop_close(&loop), 0);
    store_fixture_finish(&fixture);
    return 0;
}

/* What came back, in the order in which it came. */
struct got {
    size_t count;
    size_t none; /* NULL */
    int statuses[READ_THREAD_MOST];
    char body[2048]; /* of the last one */
};

static void on_reply(void *user, const struct answer *answer)
{
    struct got *got = user;
    if (answer == NULL) {
        got->none++;
        return;
    }
    got->statuses[got->count++ % READ_THREAD_MOST] = answer->status;
    (void)snprintf(got->body, sizeof(got->body), "%.*s", STR_ARG(strbuf_str(&answer->body)));
}

static int ask(struct got *got, const char *path, struct query query, struct error *err)
{
    struct route_match match;
    struct answer refused = ANSWER_INIT;
    assert_int_equal(route_find(STR("GET"), str_from(path), &match, &refused, NULL), ROUTE_FOUND);
    assert_int_equal(match.action, ROUTE_READ);
    const struct read_question question = {
        .match = &match,
        .query = query,
        .numbers = {.version = "v", .runs_in_memory = 7},
        .now_unix_ms = 5000,
    };
    return read_thread_ask(reads, &question, on_reply, got, err);
}

static void wait_for(const struct got *got, size_t count)
{
    while (got->count + got->none < count) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
}

static void start(uint64_t number, const char *id)
{
    struct journal_new_run run = store_fixture_run(number, id);
    store_fixture_start(&fixture, &run);
    store_fixture_wait(&fixture);
}

static void test_read_thread__answers_in_order(void **state)
{
    (void)state;
    struct got got = {0};
    struct error err = {0};
    start(1, "run-1");
    assert_int_equal(ask(&got, "/api/v1/jobs/run-1", (struct query){0}, &err), 0);
    assert_int_equal(ask(&got, "/api/v1/jobs/none", (struct query){0}, &err), 0);
    assert_int_equal(ask(&got, "/api/v1/jobs", (struct query){0}, &err), 0);
    assert_int_equal(got.count, 0);
    wait_for(&got, 3);
    assert_int_equal(got.statuses[0], ANSWER_OK);
    assert_int_equal(got.statuses[1], ANSWER_NOT_FOUND);
    assert_int_equal(got.statuses[2], ANSWER_OK);
    assert_non_null(strstr(got.body, "run-1"));
}

/* Whoever was told that something is durable finds it there. */
static void test_read_thread__sees_what_was_durable_before(void **state)
{
    (void)state;
    struct error err = {0};
    for (uint64_t i = 1; i <= 50; i++) {
        struct got got = {0};
        char id[32];
        char path[64];
        (void)snprintf(id, sizeof(id), "run-%llu", (unsigned long long)i);
        (void)snprintf(path, sizeof(path), "/api/v1/jobs/%s", id);
        start(i, id);
        assert_int_equal(ask(&got, path, (struct query){0}, &err), 0);
        wait_for(&got, 1);
        assert_int_equal(got.statuses[0], ANSWER_OK);
    }
}

/* The request is gone when its turn comes. */
static void test_read_thread__copies_the_query(void **state)
{
    (void)state;
    struct got got = {0};
    struct error err = {0};
    char limit[] = "1";
    char name[] = "limit";
    struct api_parameter params[] = {{str_from(name), str_from(limit)}};
    start(1, "run-1");
    start(2, "run-2");
    assert_int_equal(ask(&got, "/api/v1/jobs", (struct query){.params = params, .count = 1}, &err),
                     0);
    memset(limit, 'x', 1);
    memset(name, 'x', 5);
    memset(params, 0, sizeof(params));
    wait_for(&got, 1);
    assert_int_equal(got.statuses[0], ANSWER_OK);
    assert_non_null(strstr(got.body, "run-2"));
    assert_null(strstr(got.body, "run-1"));
}

static void test_read_thread__refuses_too_many(void **state)
{
    (void)state;
    struct got got = {0};
    struct error err = {0};
    for (size_t i = 0; i < READ_THREAD_MOST; i++) {
        assert_int_equal(ask(&got, "/ping", (struct query){0}, &err), 0);
    }
    assert_int_equal(ask(&got, "/ping", (struct query){0}, &err), E_LIMIT);
    assert_string_equal(err.message, "256 questions wait, as many as may");
    wait_for(&got, READ_THREAD_MOST);
    assert_int_equal(ask(&got, "/ping", (struct query){0}, &err), 0);
    wait_for(&got, READ_THREAD_MOST + 1);
    assert_int_equal(got.statuses[0], ANSWER_OK);
}

static void test_read_thread__close_answers_those_that_wait(void **state)
{
    (void)state;
    struct got got = {0};
    struct error err = {0};
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(ask(&got, "/api/v1/jobs", (struct query){0}, &err), 0);
    }
    close_reads();
    assert_int_equal(got.count + got.none, 100);
    assert_int_equal(read_thread_open(&loop, fixture.folder, &reads, &err), 0);
}

static void test_read_thread__without_a_state_there_are_no_runs(void **state)
{
    (void)state;
    struct got got = {0};
    struct error err = {0};
    close_reads();
    assert_int_equal(read_thread_open(&loop, "/nowhere/at/all", &reads, &err), 0);
    assert_int_equal(ask(&got, "/api/v1/jobs/run-1", (struct query){0}, &err), 0);
    wait_for(&got, 1);
    assert_int_equal(got.statuses[0], ANSWER_NOT_FOUND);
    close_reads();
    assert_int_equal(read_thread_open(&loop, fixture.folder, &reads, &err), 0);
}

static void test_read_thread__survives_a_failing_allocation(void **state)
{
    (void)state;
    bool is_reached = true;
    close_reads();
    for (long n = 0; is_reached; n++) {
        struct error err = {0};
        struct read_thread *made = NULL;
        failing_alloc_arm(n);
        int status = read_thread_open(&loop, fixture.folder, &made, &err);
        is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        read_thread_close(made);
        (void)uv_run(&loop, UV_RUN_DEFAULT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_read_thread__answers_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read_thread__sees_what_was_durable_before, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_read_thread__copies_the_query, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read_thread__refuses_too_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read_thread__close_answers_those_that_wait, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_read_thread__without_a_state_there_are_no_runs, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_read_thread__survives_a_failing_allocation, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
