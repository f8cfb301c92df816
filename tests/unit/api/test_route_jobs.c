/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/api/numbers.h"
#include "core/api/route.h"
#include "core/base/error.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/api/fake_reader.h"

#define JOBS "/api/v1/jobs"

static void test_route_jobs__newest_first_without_child_runs(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct fake_answer got = fake_get(&reader, JOBS, "");
    assert_int_equal(value_count(value_get(got.root, STR("jobs"))), 4);
    fake_expect(&got, "/jobs/0/id", "\"" FAKE_RUN_5 "\"");
    fake_expect(&got, "/jobs/3/id", "\"" FAKE_RUN_1 "\"");
    fake_expect(&got, "/next_cursor", "null");
    fake_answer_finish(&got);
}

static void test_route_jobs__each_has_its_members(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct fake_answer got = fake_get(&reader, JOBS, "");
    fake_expect(
        &got, "/jobs/3",
        "{\"id\":\"" FAKE_RUN_1 "\",\"execution_id\":\"" FAKE_RUN_1 "\","
        "\"workflow\":\"nightly\",\"name\":\"Nightly build\",\"version\":\"3\","
        "\"status\":\"completed\",\"reason\":null,\"labels\":{\"team\":\"web\"},"
        "\"created_at\":\"2027-01-15T07:00:00.000Z\","
        "\"started_at\":\"2027-01-15T07:00:01.000Z\","
        "\"completed_at\":\"2027-01-15T07:01:02.500Z\",\"total_duration_seconds\":61.5,"
        "\"progress\":{\"done\":3,\"total\":3,\"fraction\":1.0},\"failed_steps\":0,\"usage\":null,"
        "\"wake_at\":null,\"triggered_by\":\"manual\",\"key\":\"k1\",\"plan_id\":null,"
        "\"short_id\":"
        "\"019a0000-1111\",\"parent\":null,"
        "\"parent_path\":null}");
    fake_expect(&got, "/jobs/2/progress", "{\"done\":1,\"total\":4,\"fraction\":0.25}");
    fake_expect(&got, "/jobs/2/total_duration_seconds", "30.0");
    fake_expect(&got, "/jobs/2/labels", "{}");
    fake_expect(&got, "/jobs/0/status", "\"blocked\"");
    fake_expect(&got, "/jobs/0/short_id", "\"019aaaaa-5555\"");
    fake_expect(&got, "/jobs/0/reason", "\"plugin 'web' is missing\"");
    fake_expect(&got, "/jobs/0/started_at", "null");
    fake_answer_finish(&got);
}

static void test_route_jobs__pages_follow_each_other(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct fake_answer got = fake_get(&reader, JOBS, "limit=3");
    assert_int_equal(value_count(value_get(got.root, STR("jobs"))), 3);
    struct strbuf query = STRBUF_INIT;
    strbuf_append_text(&query, "limit=3&cursor=");
    strbuf_append_str(&query, value_str(value_get(got.root, STR("next_cursor"))));
    fake_answer_finish(&got);
    got = fake_get(&reader, JOBS, strbuf_str(&query).p);
    assert_int_equal(value_count(value_get(got.root, STR("jobs"))), 1);
    fake_expect(&got, "/jobs/0/id", "\"" FAKE_RUN_1 "\"");
    fake_expect(&got, "/next_cursor", "null");
    fake_answer_finish(&got);
    strbuf_finish(&query);
}

static void test_route_jobs__filters_reach_the_journal(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct fake_answer got =
        fake_get(&reader, JOBS,
                 "status=failed&workflow=deploy&label=team%3Dweb&since=2h&until=1h&live=true"
                 "&children=true&limit=7");
    assert_true(str_equal_text(reader.asked.state, "failed"));
    assert_true(str_equal_text(reader.asked.workflow, "deploy"));
    assert_true(str_equal_text(reader.asked.label_key, "team"));
    assert_true(str_equal_text(reader.asked.label_value, "web"));
    assert_int_equal(reader.asked.created_after, ((int64_t)FAKE_NOW - 7200) * 1000);
    assert_int_equal(reader.asked.created_before, ((int64_t)FAKE_NOW - 3600) * 1000);
    assert_true(reader.asked.is_live);
    assert_true(reader.asked.has_children);
    assert_int_equal(reader.asked.limit, 8);
    fake_answer_finish(&got);
    got = fake_get(&reader, JOBS, "label=team");
    assert_true(str_equal_text(reader.asked.label_key, "team"));
    assert_int_equal(reader.asked.label_value.n, 0);
    fake_answer_finish(&got);
}

static void test_route_jobs__bad_parameters_are_named(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    fake_refused(&reader, JOBS, "status=done", 400,
                 "parameter 'status' is 'done', there is: pending");
    fake_refused(&reader, JOBS, "limit=0", 400, "'limit'");
    fake_refused(&reader, JOBS, "limit=501", 400, "from 1 to 500");
    fake_refused(&reader, JOBS, "cursor=5", 400, "'cursor'");
    fake_refused(&reader, JOBS, "cursor=n", 400, "'cursor'");
    fake_refused(&reader, JOBS, "cursor=n1x", 400, "'cursor'");
    fake_refused(&reader, JOBS, "cursor=n99999999999999999999", 400, "'cursor'");
    fake_refused(&reader, JOBS, "label=%3Dx", 400, "'label'");
    fake_refused(&reader, JOBS, "label=x%3D", 400, "'label'");
    fake_refused(&reader, JOBS, "since=soon", 400, "'since'");
    fake_refused(&reader, JOBS, "live=1", 400, "'live'");
    fake_refused(&reader, JOBS, "page=2", 400, "unknown parameter 'page'");
    fake_refused(&reader, JOBS, "limit=1&limit=2", 400, "given twice");
}

static void test_route_jobs__children_of_a_run(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct fake_answer got = fake_get(&reader, JOBS, "parent=019a0000-2");
    assert_int_equal(value_count(value_get(got.root, STR("jobs"))), 1);
    fake_expect(&got, "/jobs/0/id", "\"" FAKE_RUN_3 "\"");
    fake_expect(&got, "/jobs/0/short_id", "\"019a0000-2222/call\"");
    fake_expect(&got, "/jobs/0/parent", "\"" FAKE_RUN_2 "\"");
    fake_expect(&got, "/jobs/0/parent_path", "\"call\"");
    fake_answer_finish(&got);
    got = fake_get(&reader, JOBS, "parent=" FAKE_RUN_2 "&status=failed");
    fake_expect(&got, "/jobs", "[]");
    fake_answer_finish(&got);
    fake_refused(&reader, JOBS, "parent=nothing", 404, "there is no run 'nothing'");
    fake_refused(&reader, JOBS, "parent=019a", 409, "several");
}

static void test_route_jobs__the_run_of_a_key(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct fake_answer got = fake_get(&reader, JOBS, "key=k1");
    assert_int_equal(value_count(value_get(got.root, STR("jobs"))), 1);
    fake_expect(&got, "/jobs/0/id", "\"" FAKE_RUN_1 "\"");
    fake_answer_finish(&got);
    got = fake_get(&reader, JOBS, "key=k2");
    fake_expect(&got, "/jobs", "[]");
    fake_answer_finish(&got);
}

static void test_route_jobs__without_a_state_there_are_none(void **state)
{
    (void)state;
    struct fake_answer got = fake_get(NULL, JOBS, "limit=2");
    fake_expect(&got, "", "{\"jobs\":[],\"next_cursor\":null,\"trouble\":null,\"at_work\":false}");
    fake_answer_finish(&got);
}

/* ---- whether anything happens ---- */

static void test_route_jobs__says_whether_an_engine_is_at_work(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct api_numbers numbers = {.version = "1"};
    struct fake_answer got =
        fake_ask(&(struct fake_request){.path = JOBS, .reader = &reader, .numbers = &numbers});
    fake_expect(&got, "/at_work", "true");
    fake_answer_finish(&got);
    got = fake_get(&reader, JOBS, "");
    fake_expect(&got, "/at_work", "false");
    fake_answer_finish(&got);
}

/* `hint` of run `id` in the state `status`, blocked for `blocked`; NULL: it is null. */
static void expect_hint(const struct journal_run *run, const struct api_numbers *numbers,
                        const char *hint)
{
    struct journal_reader reader = {.runs = run, .run_count = 1};
    char path[128];
    (void)snprintf(path, sizeof(path), JOBS "/%.*s", STR_ARG(run->id));
    struct fake_answer got =
        fake_ask(&(struct fake_request){.path = path, .reader = &reader, .numbers = numbers});
    fake_expect(&got, "/at_work", numbers != NULL ? "true" : "false");
    fake_expect(&got, "/hint", hint);
    fake_answer_finish(&got);
}

static void test_route_job__says_what_lets_it_go_on(void **state)
{
    (void)state;
    struct api_numbers numbers = {.version = "1"};
    struct journal_run run = {.number = 1,
                              .id = STR(FAKE_RUN_1),
                              .state = STR("running"),
                              .root = 1,
                              .workflow = STR("w")};
    expect_hint(&run, &numbers, "null");
    expect_hint(&run, NULL,
                "\"no engine is at work: 'opstream resume " FAKE_RUN_1
                "' or 'opstream serve' goes on with it\"");
    run.state = STR("paused");
    expect_hint(&run, &numbers, "\"'opstream resume " FAKE_RUN_1 "' goes on with it\"");
    run.state = STR("approval_required");
    expect_hint(&run, NULL,
                "\"look what became of the node, then say it: 'opstream resolve " FAKE_RUN_1
                " NODE' with --output JSON, --fail or --again\"");
    run.state = STR("running");
    run.blocked = STR("plugin 'web' is missing");
    expect_hint(&run, &numbers, "\"bring what is missing, then 'opstream resume " FAKE_RUN_1 "'\"");
    run.blocked = STR("");
    run.state = STR("completed");
    run.ended_at = 5;
    expect_hint(&run, NULL, "null");
}

/* ---- one ---- */

static void test_route_job__has_steps_of_the_root_body_and_inner_ones(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct fake_answer got = fake_get(&reader, JOBS "/" FAKE_RUN_2, "");
    const struct value *steps = value_get(got.root, STR("step_results"));
    assert_int_equal(value_count(steps), 5);
    fake_expect(&got, "/step_results/0",
                "{\"step_id\":\"get\",\"path\":\"get\",\"status\":\"completed\",\"attempt\":2,"
                "\"started_at\":\"2027-01-15T07:59:30.000Z\","
                "\"completed_at\":\"2027-01-15T07:59:31.000Z\",\"duration_seconds\":1.0,"
                "\"output\":{\"status\":200},\"error\":null}");
    fake_expect(&got, "/step_results/2/path", "\"poll@2\"");
    fake_expect(&got, "/step_results/2/step_id", "\"poll\"");
    fake_expect(&got, "/step_results/2/status", "\"running\"");
    fake_expect(&got, "/step_results/2/output", "null");
    fake_expect(&got, "/step_results/2/duration_seconds", "null");
    fake_expect(&got, "/step_results/1/error", "{\"code\":\"E\",\"message\":\"no\"}");
    fake_expect(&got, "/step_results/1/errors", "[1]");
    fake_expect(&got, "/step_results/1/counts", "{\"failed\":1}");
    fake_expect(&got, "/inner_results/0/path", "\"each[0].fix\"");
    fake_expect(&got, "/inner_results/0/step_id", "\"fix\"");
    fake_expect(&got, "/inner_results/1/step_id", "\"get\"");
    fake_expect(&got, "/inner_results_left_out", "0");
    fake_expect(&got, "/success_count", "1");
    fake_expect(&got, "/failure_count", "1");
    fake_answer_finish(&got);
}

static void test_route_job__says_what_it_waits_for_and_how_long(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    reader.nodes_of = 2;
    struct fake_answer got = fake_get(&reader, JOBS "/019a0000-2", "");
    fake_expect(&got, "/waits_for",
                "[{\"path\":\"poll@2\",\"for\":\"time\",\"until\":\"2027-01-15T08:01:00.000Z\","
                "\"event\":null},{\"path\":\"ask\",\"for\":\"event\",\"until\":null,"
                "\"event\":\"approved\"}]");
    fake_expect(&got, "/usual_duration_seconds", "45.0");
    fake_expect(&got, "/estimated_remaining_seconds", "15.0");
    fake_expect(&got, "/children",
                "[{\"id\":\"" FAKE_RUN_3 "\",\"path\":\"call\",\"workflow\":\"fetch\","
                "\"status\":\"running\"}]");
    fake_expect(&got, "/audit/0",
                "{\"at\":\"2027-01-15T07:59:30.000Z\",\"who\":\"uid 1000 (ann)\","
                "\"action\":\"start\",\"run_id\":\"" FAKE_RUN_2
                "\",\"detail\":{\"from\":\"cli\"}}");
    fake_expect(&got, "/audit/1/who", "\"engine\"");
    fake_expect(&got, "/output", "null");
    fake_answer_finish(&got);
}

static void test_route_job__an_engine_knows_what_may_not_start_yet(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    const struct api_numbers numbers = {.version = "1"};
    const struct fake_request request = {
        .path = JOBS "/" FAKE_RUN_2,
        .reader = &reader,
        .numbers = &numbers,
        .live = "{\"waits\":[{\"path\":\"call/get\",\"for\":\"breaker\",\"until\":null,"
                "\"event\":null,\"scope\":\"http http://a:80\",\"state\":\"half_open\"}],"
                "\"left_out\":12}"};
    struct fake_answer got = fake_ask(&request);
    const struct value *waits = value_get(got.root, STR("waits_for"));
    char pointer[32];
    (void)snprintf(pointer, sizeof(pointer), "/waits_for/%zu/scope", value_count(waits) - 1);
    fake_expect(&got, pointer, "\"http http://a:80\"");
    fake_expect(&got, "/waits_left_out", "12");
    fake_answer_finish(&got);
}

static void test_route_job__waits_of_a_child_are_its_callers(void **state)
{
    (void)state;
    static const struct journal_run runs[] = {
        {.number = 1,
         .root = 1,
         .id = {"aaaaaaaa", 8},
         .state = {"running", 7},
         .workflow = {"a", 1}},
        {.number = 2,
         .root = 1,
         .parent = 1,
         .id = {"aaaaaaaa/sub", 12},
         .parent_path = {"sub", 3},
         .state = {"running", 7},
         .workflow = {"b", 1}},
        {.number = 3,
         .root = 1,
         .parent = 2,
         .id = {"aaaaaaaa/sub/deep", 17},
         .parent_path = {"deep", 4},
         .state = {"running", 7},
         .workflow = {"c", 1}},
        {.number = 4,
         .root = 1,
         .parent = 1,
         .id = {"aaaaaaaa/old", 12},
         .parent_path = {"old", 3},
         .state = {"failed", 6},
         .workflow = {"b", 1},
         .ended_at = 5},
    };
    static const struct journal_node nodes[] = {
        {.path = {"call", 4},
         .state = {"retry_wait", 10},
         .attempt = 2,
         .started_at = 1,
         .ended_at = 2,
         .wake_at = 1800000005000},
    };
    struct journal_reader reader = {
        .runs = runs, .run_count = 4, .nodes = nodes, .node_count = 1, .nodes_of = 3};
    struct fake_answer got = fake_get(&reader, JOBS "/aaaaaaaa", "");
    fake_expect(&got, "/waits_for",
                "[{\"path\":\"sub/deep/call\",\"for\":\"attempt\","
                "\"until\":\"2027-01-15T08:00:05.000Z\",\"event\":null}]");
    fake_answer_finish(&got);
    /* It has its time, and the engine says what it waits for now. */
    got = fake_ask(&(struct fake_request){
        .path = JOBS "/aaaaaaaa",
        .reader = &reader,
        .live = "{\"waits\":[{\"path\":\"sub/deep/call\",\"for\":\"budget\"}],\"left_out\":0}"});
    fake_expect(&got, "/waits_for", "[{\"path\":\"sub/deep/call\",\"for\":\"budget\"}]");
    fake_answer_finish(&got);
}

static void test_route_job__an_unknown_node_waits_for_a_decision(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    static const struct journal_node nodes[] = {
        {.path = {"pay", 3}, .state = {"unknown", 7}, .attempt = 1, .started_at = 1000},
        {.path = {"again", 5}, .state = {"completed", 9}, .wake_at = 5000, .ended_at = 2000},
    };
    reader.nodes_of = 2;
    reader.nodes = nodes;
    reader.node_count = 2;
    struct fake_answer got = fake_get(&reader, JOBS "/" FAKE_RUN_2, "");
    fake_expect(&got, "/waits_for",
                "[{\"path\":\"pay\",\"for\":\"decision\",\"until\":null,\"event\":null},"
                "{\"path\":\"again\",\"for\":\"time\",\"until\":\"1970-01-01T00:00:05.000Z\","
                "\"event\":null}]");
    fake_answer_finish(&got);
}

static void test_route_job__an_overdue_run_has_no_time_left(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    reader.usual_ms = 1000;
    struct fake_answer got = fake_get(&reader, JOBS "/" FAKE_RUN_2, "steps=false");
    fake_expect(&got, "/estimated_remaining_seconds", "0.0");
    assert_null(value_get(got.root, STR("step_results")));
    fake_answer_finish(&got);
    reader.usual_ms = 0;
    got = fake_get(&reader, JOBS "/" FAKE_RUN_2, "steps=false");
    fake_expect(&got, "/estimated_remaining_seconds", "null");
    fake_expect(&got, "/usual_duration_seconds", "null");
    fake_answer_finish(&got);
}

static void test_route_job__says_how_it_ended(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct fake_answer got = fake_get(&reader, JOBS "/" FAKE_RUN_4, "");
    fake_expect(&got, "/status", "\"failed\"");
    fake_expect(&got, "/error", "{\"code\":\"FAILED\",\"message\":\"broken\",\"node\":\"bad\"}");
    fake_expect(&got, "/error_message", "\"node 'bad': broken\"");
    fake_expect(&got, "/output", "null");
    fake_expect(&got, "/failed_steps", "1");
    fake_expect(&got, "/estimated_remaining_seconds", "null");
    fake_answer_finish(&got);
    got = fake_get(&reader, JOBS "/" FAKE_RUN_1, "");
    fake_expect(&got, "/output", "{\"x\":1}");
    fake_expect(&got, "/error_message", "null");
    fake_answer_finish(&got);
}

static void test_route_job__a_child_run_has_its_own_audit(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct fake_answer got = fake_get(&reader, JOBS "/" FAKE_PATH_3, "");
    fake_expect(&got, "/parent", "\"" FAKE_RUN_2 "\"");
    assert_int_equal(value_count(value_get(got.root, STR("audit"))), 1);
    fake_expect(&got, "/audit/0/who", "\"engine\"");
    fake_expect(&got, "/children", "[]");
    fake_answer_finish(&got);
}

static void test_route_job__many_inner_steps_are_counted(void **state)
{
    (void)state;
    enum { MANY = 1003 };
    static struct journal_node nodes[MANY];
    struct journal_reader reader = fake_sample();
    for (size_t i = 0; i < MANY; i++) {
        nodes[i] = (struct journal_node){.path = STR("each[1].a"), .state = STR("completed")};
    }
    reader.nodes = nodes;
    reader.node_count = MANY;
    struct fake_answer got = fake_get(&reader, JOBS "/" FAKE_RUN_2, "");
    assert_int_equal(value_count(value_get(got.root, STR("inner_results"))), 1000);
    fake_expect(&got, "/inner_results_left_out", "3");
    fake_answer_finish(&got);
}

static void test_route_job__steps_stand_in_the_order_of_their_starts(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    static const struct journal_node nodes[] = {
        {.path = {"a", 1}, .state = {"running", 7}, .started_at = 5},
        {.path = {"b", 1}, .state = {"completed", 9}, .started_at = 5, .record = 9},
        {.path = {"c", 1}, .state = {"not_run", 7}, .ended_at = 5, .record = 7},
        {.path = {"d", 1}, .state = {"completed", 9}, .started_at = 4, .record = 10},
        {.path = {"e", 1}, .state = {"running", 7}, .started_at = 5},
    };
    static const char *const order[] = {"\"d\"", "\"c\"", "\"b\"", "\"a\"", "\"e\""};
    reader.nodes = nodes;
    reader.node_count = 5;
    struct fake_answer got = fake_get(&reader, JOBS "/" FAKE_RUN_2, "");
    for (size_t i = 0; i < 5; i++) {
        char pointer[64];
        (void)snprintf(pointer, sizeof(pointer), "/step_results/%zu/path", i);
        fake_expect(&got, pointer, order[i]);
    }
    fake_answer_finish(&got);
}

/* Their numbers count on over visits and rounds. */
static void test_route_job__attempts_are_those_of_the_latest_visit(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    static const struct journal_node nodes[] = {
        {.path = {"a", 1}, .state = {"completed", 9}, .attempt = 2, .started_at = 1},
        {.path = {"a#2", 3}, .state = {"completed", 9}, .attempt = 3, .started_at = 2},
        {.path = {"a#3", 3}, .state = {"running", 7}, .attempt = 5, .started_at = 3},
        {.path = {"b#2", 3}, .state = {"completed", 9}, .attempt = 4, .started_at = 5},
        {.path = {"b", 1}, .state = {"completed", 9}, .attempt = 2, .started_at = 4},
    };
    reader.nodes = nodes;
    reader.node_count = 5;
    struct fake_answer got = fake_get(&reader, JOBS "/" FAKE_RUN_2, "");
    assert_int_equal(value_count(value_get(got.root, STR("step_results"))), 2);
    fake_expect(&got, "/step_results/0/path", "\"a#3\"");
    fake_expect(&got, "/step_results/0/attempt", "2");
    fake_expect(&got, "/step_results/1/path", "\"b#2\"");
    fake_expect(&got, "/step_results/1/attempt", "2");
    fake_answer_finish(&got);
}

static void test_route_job__what_a_person_has_said_took_no_time(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    static const struct journal_node nodes[] = {
        {.path = {"pay", 3},
         .state = {"completed", 9},
         .attempt = 1,
         .started_at = 1000,
         .ended_at = 9000},
        {.path = {"again", 5},
         .state = {"completed", 9},
         .attempt = 2,
         .started_at = 8000,
         .ended_at = 9000},
        {.path = {"g.in", 4},
         .state = {"failed", 6},
         .attempt = 1,
         .started_at = 1000,
         .ended_at = 9000},
    };
    static const struct journal_audit_row audits[] = {
        {.id = 1,
         .at = 9000,
         .action = {"resolve", 7},
         .run_id = {FAKE_RUN_2, 36},
         .detail = {"{\"node\":\"pay\",\"output\":1}", 25}},
        {.id = 2,
         .at = 7000,
         .action = {"resolve", 7},
         .run_id = {FAKE_RUN_2, 36},
         .detail = {"{\"node\":\"again\",\"again\":true}", 29}},
        {.id = 3,
         .at = 9000,
         .who = {"uid 7", 5},
         .action = {"resolve", 7},
         .run_id = {FAKE_RUN_2, 36},
         .detail = {"{\"node\":\"g.in\",\"error\":{}}", 26}},
    };
    reader.nodes = nodes;
    reader.node_count = 3;
    reader.audits = audits;
    reader.audit_count = 3;
    struct fake_answer got = fake_get(&reader, JOBS "/" FAKE_RUN_2, "");
    fake_expect(&got, "/step_results/0/duration_seconds", "null");
    fake_expect(&got, "/step_results/0/resolved", "true");
    fake_expect(&got, "/step_results/1/duration_seconds", "1.0");
    assert_null(value_pointer(got.root, STR("/step_results/1/resolved")));
    fake_expect(&got, "/inner_results/0/resolved", "true");
    fake_expect(&got, "/approved_by", "\"uid 7\"");
    fake_expect(&got, "/approval_timestamp", "\"1970-01-01T00:00:09.000Z\"");
    fake_expect(&got, "/plan_id", "\"d2\"");
    fake_answer_finish(&got);
}

static void test_route_job__the_last_decision_counts_however_many_rows_precede_it(void **state)
{
    (void)state;
    enum { COUNT = 2500 };
    static struct journal_audit_row audits[COUNT];
    struct journal_reader reader = fake_sample();
    for (size_t i = 0; i < COUNT; i++) {
        bool is_of_child = i >= COUNT - 500;
        audits[i] = (struct journal_audit_row){
            .id = i + 1,
            .at = 1000,
            .who = STR("uid 6"),
            .action = i == 0 ? STR("resolve") : STR("send"),
            .run_id = is_of_child ? STR(FAKE_RUN_3) : STR(FAKE_RUN_2),
        };
    }
    audits[1999].action = STR("resolve");
    audits[1999].who = STR("uid 7");
    reader.audits = audits;
    reader.audit_count = COUNT;
    struct fake_answer got = fake_get(&reader, JOBS "/" FAKE_RUN_2, "");
    fake_expect(&got, "/approved_by", "\"uid 7\"");
    assert_int_equal(value_count(value_get(got.root, STR("audit"))), 1000);
    fake_answer_finish(&got);
    got = fake_get(&reader, JOBS "/" FAKE_PATH_3, "");
    fake_expect(&got, "/approved_by", "null");
    assert_int_equal(value_count(value_get(got.root, STR("audit"))), 500);
    fake_answer_finish(&got);
}

static void test_route_job__says_what_it_ends_as(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct journal_row rows[] = {
        {.id = 20,
         .run = 4,
         .seq = 1,
         .type = STR("run_stopping"),
         .body = STR("{\"state\":\"failing\",\"error\":{\"message\":\"no\"}}")},
        {.id = 21,
         .run = 4,
         .seq = 2,
         .type = STR("run_ending"),
         .body = STR("{\"state\":\"failed\",\"error\":{\"message\":\"no\"}}")},
    };
    static const struct journal_node nodes[] = {
        {.path = {"undo:a", 6}, .state = {"running", 7}, .attempt = 1, .started_at = 5},
    };
    struct journal_run run = {.number = 4,
                              .id = STR(FAKE_RUN_4),
                              .state = STR("running"),
                              .last_seq = 2,
                              .root = 4,
                              .workflow = STR("w")};
    reader.runs = &run;
    reader.run_count = 1;
    reader.rows = rows;
    reader.row_count = 1;
    reader.nodes = nodes;
    reader.node_count = 0;
    struct fake_answer got = fake_get(&reader, JOBS "/" FAKE_RUN_4, "");
    fake_expect(&got, "/ending",
                "{\"status\":\"failed\",\"phase\":\"stopping\",\"error\":{\"message\":\"no\"}}");
    fake_answer_finish(&got);
    reader.row_count = 2;
    got = fake_get(&reader, JOBS "/" FAKE_RUN_4, "");
    fake_expect(&got, "/ending/phase", "\"endings\"");
    fake_answer_finish(&got);
    reader.node_count = 1;
    rows[1].body = STR("{\"state\":\"cancelled\"}");
    got = fake_get(&reader, JOBS "/" FAKE_RUN_4, "");
    fake_expect(&got, "/ending", "{\"status\":\"cancelled\",\"phase\":\"undoing\",\"error\":null}");
    fake_answer_finish(&got);
}

static void test_route_job__large_outputs_are_left_out(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct strbuf body = STRBUF_INIT;
    strbuf_append_text(&body, "{\"output\":\"");
    for (size_t i = 0; i < (size_t)9 << 20; i++) {
        strbuf_append_char(&body, 'x');
    }
    strbuf_append_text(&body, "\"}");
    const struct journal_node nodes[] = {
        {.path = STR("a"), .state = STR("completed"), .body = strbuf_str(&body)},
        {.path = STR("b"), .state = STR("completed"), .body = strbuf_str(&body)},
    };
    reader.nodes = nodes;
    reader.node_count = 2;
    struct fake_answer got = fake_get(&reader, JOBS "/" FAKE_RUN_2, "");
    assert_null(value_pointer(got.root, STR("/step_results/0/output_left_out")));
    fake_expect(&got, "/step_results/1/output", "null");
    fake_expect(&got, "/step_results/1/output_left_out", "true");
    fake_answer_finish(&got);
    strbuf_finish(&body);
}

static void test_route_job__damaged_bodies_do_no_harm(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    static const struct journal_node nodes[] = {
        {.path = {"a", 1}, .state = {"completed", 9}, .body = {"{\"output\":", 10}},
        {.path = {"\xff", 1}, .state = {"failed", 6}, .body = {"[1]", 3}},
    };
    reader.nodes = nodes;
    reader.node_count = 2;
    struct fake_answer got = fake_get(&reader, JOBS "/" FAKE_RUN_2, "");
    fake_expect(&got, "/step_results/0/output", "null");
    fake_expect(&got, "/step_results/1/step_id", "\"\xEF\xBF\xBD\"");
    fake_answer_finish(&got);
}

/* ---- memory ---- */

/* Each answer is whole, or the failure is said. */
static void fail_each_allocation(const char *path, const char *query)
{
    for (long n = 0;; n++) {
        struct journal_reader reader = fake_sample();
        struct query_text text;
        assert_int_equal(query_text_read(str_from(query), &text, NULL), 0);
        struct route_request request = {.query = {text.params, text.count},
                                        .reader = &reader,
                                        .now_unix_ms = (int64_t)FAKE_NOW * 1000};
        struct answer answer = ANSWER_INIT;
        struct error err = {0};
        failing_alloc_arm(n);
        int status = route_answer(STR("GET"), str_from(path), &request, &answer, &err);
        bool is_reached = failing_alloc_disarm();
        if (status == 0 && is_reached) {
            assert_int_equal(answer.status, 503);
            assert_non_null(strstr(strbuf_str(&answer.body).p, "no_memory"));
        } else if (status != 0) {
            assert_int_equal(status, E_NOMEM);
        } else {
            assert_int_equal(answer.status, 200);
        }
        answer_finish(&answer);
        query_text_finish(&text);
        if (!is_reached) {
            break;
        }
    }
}

static void test_route_jobs__survives_each_failed_allocation(void **state)
{
    (void)state;
    fail_each_allocation(JOBS, "children=true&limit=3");
    fail_each_allocation(JOBS, "parent=" FAKE_RUN_2);
}

static void test_route_job__survives_each_failed_allocation(void **state)
{
    (void)state;
    fail_each_allocation(JOBS "/" FAKE_RUN_2, "");
    fail_each_allocation(JOBS "/" FAKE_RUN_4, "");
}

static void test_route_history__survives_each_failed_allocation(void **state)
{
    (void)state;
    fail_each_allocation(JOBS "/" FAKE_RUN_2 "/history", "");
    fail_each_allocation(JOBS "/" FAKE_RUN_2 "/logs", "");
    fail_each_allocation(JOBS "/" FAKE_RUN_2 "/logs", "node=each");
    fail_each_allocation("/metrics", "");
    fail_each_allocation("/api/v1/breakers", "");
    fail_each_allocation("/api/v1/status", "");
    fail_each_allocation("/health", "");
}

static void test_route_definition__is_the_text_that_the_run_keeps(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct fake_answer got = fake_get(&reader, "/api/v1/jobs/" FAKE_RUN_2 "/definition", "");
    fake_expect(&got, "",
                "{\"digest\":\"d2\",\"source\":\"{\\\"bundle\\\": 1}\","
                "\"compiled_by\":\"opstream 0.1\"}");
    fake_answer_finish(&got);
    fake_refused(&reader, "/api/v1/jobs/" FAKE_RUN_1 "/definition", "", 404, "no definition");
    fake_refused(&reader, "/api/v1/jobs/none/definition", "", 404, "'none'");
    fake_refused(&reader, "/api/v1/jobs/" FAKE_RUN_2 "/definition", "a=1", 400, "'a'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_route_jobs__newest_first_without_child_runs),
        cmocka_unit_test(test_route_jobs__each_has_its_members),
        cmocka_unit_test(test_route_jobs__pages_follow_each_other),
        cmocka_unit_test(test_route_jobs__filters_reach_the_journal),
        cmocka_unit_test(test_route_jobs__bad_parameters_are_named),
        cmocka_unit_test(test_route_jobs__children_of_a_run),
        cmocka_unit_test(test_route_jobs__the_run_of_a_key),
        cmocka_unit_test(test_route_jobs__without_a_state_there_are_none),
        cmocka_unit_test(test_route_jobs__says_whether_an_engine_is_at_work),
        cmocka_unit_test(test_route_job__says_what_lets_it_go_on),
        cmocka_unit_test(test_route_job__attempts_are_those_of_the_latest_visit),
        cmocka_unit_test(test_route_job__what_a_person_has_said_took_no_time),
        cmocka_unit_test(test_route_job__the_last_decision_counts_however_many_rows_precede_it),
        cmocka_unit_test(test_route_job__says_what_it_ends_as),
        cmocka_unit_test(test_route_job__has_steps_of_the_root_body_and_inner_ones),
        cmocka_unit_test(test_route_job__says_what_it_waits_for_and_how_long),
        cmocka_unit_test(test_route_job__an_engine_knows_what_may_not_start_yet),
        cmocka_unit_test(test_route_job__waits_of_a_child_are_its_callers),
        cmocka_unit_test(test_route_job__an_unknown_node_waits_for_a_decision),
        cmocka_unit_test(test_route_job__an_overdue_run_has_no_time_left),
        cmocka_unit_test(test_route_job__says_how_it_ended),
        cmocka_unit_test(test_route_job__a_child_run_has_its_own_audit),
        cmocka_unit_test(test_route_job__many_inner_steps_are_counted),
        cmocka_unit_test(test_route_job__steps_stand_in_the_order_of_their_starts),
        cmocka_unit_test(test_route_job__large_outputs_are_left_out),
        cmocka_unit_test(test_route_job__damaged_bodies_do_no_harm),
        cmocka_unit_test(test_route_jobs__survives_each_failed_allocation),
        cmocka_unit_test(test_route_job__survives_each_failed_allocation),
        cmocka_unit_test(test_route_history__survives_each_failed_allocation),
        cmocka_unit_test(test_route_definition__is_the_text_that_the_run_keeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
