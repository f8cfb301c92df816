/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/api/job_path.h"
#include "core/api/numbers.h"
#include "core/api/route.h"
#include "core/value/value.h"
#include "tests/unit/api/fake_reader.h"

#define HISTORY "/api/v1/jobs/" FAKE_RUN_2 "/history"
#define LOGS    "/api/v1/jobs/" FAKE_RUN_2 "/logs"

static void test_route_history__has_the_records_in_order(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct fake_answer got = fake_get(&reader, HISTORY, "");
    assert_int_equal(value_count(value_get(got.root, STR("history"))), 5);
    fake_expect(&got, "/id", "\"" FAKE_RUN_2 "\"");
    fake_expect(&got, "/history/2",
                "{\"id\":13,\"run_id\":\"" FAKE_RUN_2 "\",\"seq\":3,"
                "\"at\":\"2027-01-15T07:59:31.000Z\",\"type\":\"node_ended\",\"path\":\"get\","
                "\"attempt\":2,\"body\":{\"node\":0,\"state\":\"completed\","
                "\"output\":{\"status\":200}}}");
    fake_expect(&got, "/history/0/path", "null");
    fake_expect(&got, "/next_after", "null");
    fake_expect(&got, "/last", "5");
    fake_answer_finish(&got);
}

static void test_route_history__comes_in_pages(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct fake_answer got = fake_get(&reader, HISTORY, "limit=2");
    assert_int_equal(value_count(value_get(got.root, STR("history"))), 2);
    fake_expect(&got, "/next_after", "2");
    fake_answer_finish(&got);
    got = fake_get(&reader, HISTORY, "limit=3&after=2");
    fake_expect(&got, "/history/0/seq", "3");
    fake_expect(&got, "/next_after", "null");
    fake_answer_finish(&got);
    got = fake_get(&reader, HISTORY, "after=5");
    fake_expect(&got, "/history", "[]");
    fake_expect(&got, "/last", "5");
    fake_answer_finish(&got);
}

static void test_route_history__may_have_that_of_child_runs(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    reader.runs++; /* the tree of run 2 is asked for */
    reader.run_count--;
    struct fake_answer got = fake_get(&reader, HISTORY, "children=true&after=13");
    fake_expect(&got, "/history/1/run_id", "\"" FAKE_RUN_3 "\"");
    fake_expect(&got, "/history/1/path", "\"call\"");
    fake_expect(&got, "/last", "16");
    fake_answer_finish(&got);
    got = fake_get(&reader, "/api/v1/jobs/" FAKE_PATH_3 "/history", "children=true");
    assert_int_equal(value_count(value_get(got.root, STR("history"))), 1);
    fake_expect(&got, "/history/0/path", "null");
    fake_answer_finish(&got);
}

static void test_route_history__refuses_bad_parameters(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    fake_refused(&reader, HISTORY, "after=-1", 400, "'after'");
    fake_refused(&reader, HISTORY, "limit=1000", 400, "'limit'");
    fake_refused(&reader, HISTORY, "node=a", 400, "'node'");
    fake_refused(&reader, "/api/v1/jobs/none/history", "", 404, "'none'");
    fake_refused(NULL, HISTORY, "", 404, "there is no run");
}

static void test_route_logs__has_lines_of_the_tree(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct fake_answer got = fake_get(&reader, LOGS, "");
    assert_int_equal(value_count(value_get(got.root, STR("logs"))), 3);
    fake_expect(&got, "/logs/0",
                "{\"id\":101,\"run_id\":\"" FAKE_RUN_2 "\",\"at\":\"2027-01-15T07:59:30.000Z\","
                "\"level\":\"warn\",\"path\":\"get\",\"attempt\":1,"
                "\"line\":\"slow \xEF\xBF\xBD server\"}");
    fake_expect(&got, "/logs/2/level", "\"error\"");
    fake_expect(&got, "/logs/2/path", "\"call/load\"");
    fake_expect(&got, "/last", "103");
    fake_answer_finish(&got);
    got = fake_get(&reader, "/api/v1/jobs/" FAKE_PATH_3 "/logs", "");
    assert_int_equal(value_count(value_get(got.root, STR("logs"))), 1);
    fake_expect(&got, "/logs/0/line", "\"of the child\"");
    fake_answer_finish(&got);
}

static void test_route_logs__of_a_node_that_is_not_there(void **state)
{
    (void)state;
    struct journal_run run = {.number = 4,
                              .id = STR(FAKE_RUN_4),
                              .workflow = STR("w"),
                              .root = 4,
                              .nodes_total = 9,
                              .ended_at = 1};
    struct journal_reader reader = fake_sample();
    reader.runs = &run;
    reader.run_count = 1;
    reader.log_count = 0;
    fake_refused(&reader, "/api/v1/jobs/" FAKE_RUN_4 "/logs", "node=nope", 404,
                 "no node 'nope' has run in it; there are: 'get', 'poll', 'each', 'undo:get', "
                 "'call', 'ask'");
    fake_refused(&reader, "/api/v1/jobs/" FAKE_RUN_4 "/logs", "node=nope[1].fix", 404, "'nope'");
    struct fake_answer got =
        fake_get(&reader, "/api/v1/jobs/" FAKE_RUN_4 "/logs", "node=each[7].gone");
    fake_expect(&got, "/logs", "[]");
    fake_answer_finish(&got);
    run.ended_at = 0; /* it may come */
    got = fake_get(&reader, "/api/v1/jobs/" FAKE_RUN_4 "/logs", "node=later");
    fake_expect(&got, "/logs", "[]");
    fake_answer_finish(&got);
    run.nodes_total = 5;
    fake_refused(&reader, "/api/v1/jobs/" FAKE_RUN_4 "/logs", "node=later", 404, "'later'");
    reader.node_count = 0;
    run.ended_at = 1;
    fake_refused(&reader, "/api/v1/jobs/" FAKE_RUN_4 "/logs", "node=a", 404,
                 "no node 'a' has run in it");
}

static void test_route_logs__of_one_node_in_pages(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct fake_answer got = fake_get(&reader, LOGS, "node=get&limit=1");
    fake_expect(&got, "/next_after", "101");
    fake_answer_finish(&got);
    got = fake_get(&reader, LOGS, "node=get&limit=2&after=101");
    fake_expect(&got, "/logs/0/line", "\"200\"");
    fake_expect(&got, "/next_after", "null");
    fake_answer_finish(&got);
    got = fake_get(&reader, LOGS, "node=call");
    assert_int_equal(value_count(value_get(got.root, STR("logs"))), 1);
    fake_expect(&got, "/logs/0/line", "\"of the child\"");
    fake_answer_finish(&got);
    got = fake_get(&reader, LOGS, "node=ca&limit=1");
    fake_expect(&got, "/logs", "[]");
    fake_expect(&got, "/next_after", "101");
    fake_answer_finish(&got);
    fake_refused(&reader, LOGS, "after=x", 400, "'after'");
}

static void test_job_path__knows_what_is_inside(void **state)
{
    (void)state;
    static const char *const inside[] = {"each",   "each[1]", "each[1].fix", "each.fix",
                                         "each#2", "each@3",  "each[1]/say"};
    for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
        assert_true(job_path_is_inside(str_from(inside[i]), STR("each")));
        assert_true(job_path_is_inside(str_from(inside[i]), STR("")));
    }
    assert_false(job_path_is_inside(STR("each-other"), STR("each")));
    assert_false(job_path_is_inside(STR("eac"), STR("each")));
    assert_false(job_path_is_inside(STR(""), STR("each")));
}

static void test_job_path__is_seen_from_a_run(void **state)
{
    (void)state;
    struct strbuf out = STRBUF_INIT;
    assert_true(job_path_append(STR("r/a"), STR("r/a/b[1]/c"), STR("x"), &out));
    assert_string_equal(strbuf_str(&out).p, "b[1]/c/x");
    assert_false(job_path_append(STR("r/a"), STR("r"), STR("x"), &out));
    assert_false(job_path_append(STR("r/a"), STR("r/ab"), STR("x"), &out));
    assert_string_equal(strbuf_str(&out).p, "b[1]/c/x");
    strbuf_finish(&out);
}

static void test_route_ping__answers_without_a_state(void **state)
{
    (void)state;
    struct fake_answer got = fake_get(NULL, "/ping", "");
    fake_expect(&got, "", "{\"message\":\"pong\"}");
    fake_answer_finish(&got);
    fake_refused(NULL, "/ping", "a=1", 400, "unknown parameter 'a'");
}

static void test_route_health__says_what_is_wrong(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct api_numbers numbers = {.version = "1.2",
                                  .started_at_unix_ms = ((int64_t)FAKE_NOW - 90) * 1000,
                                  .runs_in_memory = 4};
    struct fake_request request = {.path = "/health", .reader = &reader, .numbers = &numbers};
    struct fake_answer got = fake_ask(&request);
    assert_int_equal(got.answer.status, 200);
    fake_expect(&got, "/status", "\"ok\"");
    fake_expect(&got, "/instance", "\"iabc123def456\"");
    fake_expect(&got, "/epoch", "7");
    fake_expect(&got, "/uptime_seconds", "90.0");
    fake_expect(&got, "/runs_in_memory", "4");
    fake_answer_finish(&got);
    numbers.trouble = "the disk is full";
    got = fake_ask(&request);
    assert_int_equal(got.answer.status, 503);
    fake_expect(&got, "/status", "\"unavailable\"");
    fake_expect(&got, "/reason", "\"the disk is full\"");
    fake_answer_finish(&got);
    got = fake_get(NULL, "/health", "");
    fake_expect(&got, "/at_work", "false");
    fake_expect(&got, "/instance", "null");
    fake_answer_finish(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_route_history__has_the_records_in_order),
        cmocka_unit_test(test_route_history__comes_in_pages),
        cmocka_unit_test(test_route_history__may_have_that_of_child_runs),
        cmocka_unit_test(test_route_history__refuses_bad_parameters),
        cmocka_unit_test(test_route_logs__has_lines_of_the_tree),
        cmocka_unit_test(test_route_logs__of_a_node_that_is_not_there),
        cmocka_unit_test(test_route_logs__of_one_node_in_pages),
        cmocka_unit_test(test_job_path__knows_what_is_inside),
        cmocka_unit_test(test_job_path__is_seen_from_a_run),
        cmocka_unit_test(test_route_ping__answers_without_a_state),
        cmocka_unit_test(test_route_health__says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
