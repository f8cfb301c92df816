/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/api/route.h"
#include "core/base/error.h"
#include "core/value/value.h"
#include "tests/support/random.h"
#include "tests/unit/api/fake_reader.h"

struct found {
    const char *method;
    const char *path;
    enum route_action action;
    const char *id;
};

static void test_route__finds_what_is_asked_for(void **state)
{
    (void)state;
    static const struct found rows[] = {
        {"GET", "/api/v1/jobs", ROUTE_READ, ""},
        {"HEAD", "/api/v1/jobs", ROUTE_READ, ""},
        {"POST", "/api/v1/jobs", ROUTE_START, ""},
        {"GET", "/api/v1/jobs/abc", ROUTE_READ, "abc"},
        {"GET", "/api/v1/jobs/abc/logs", ROUTE_READ, "abc"},
        {"GET", "/api/v1/jobs/abc/history", ROUTE_READ, "abc"},
        {"GET", "/api/v1/jobs/abc/stream", ROUTE_STREAM, "abc"},
        {"POST", "/api/v1/jobs/abc/cancel", ROUTE_CANCEL, "abc"},
        {"POST", "/api/v1/jobs/abc/pause", ROUTE_PAUSE, "abc"},
        {"POST", "/api/v1/jobs/abc/resume", ROUTE_RESUME, "abc"},
        {"POST", "/api/v1/jobs/abc/retry", ROUTE_RETRY, "abc"},
        {"POST", "/api/v1/jobs/abc/resolve", ROUTE_RESOLVE, "abc"},
        {"POST", "/api/v1/jobs/abc/events", ROUTE_SEND, "abc"},
        {"GET", "/api/v1/jobs/abc~each[1]~x/logs", ROUTE_READ, "abc/each[1]/x"},
        {"POST", "/api/v1/workflows/a.b-c/execute", ROUTE_EXECUTE, "a.b-c"},
        {"GET", "/health", ROUTE_READ, ""},
        {"GET", "/ping", ROUTE_READ, ""},
        {"GET", "/metrics", ROUTE_READ, ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct answer answer = ANSWER_INIT;
        struct route_match match = {0};
        int status =
            route_find(str_from(rows[i].method), str_from(rows[i].path), &match, &answer, NULL);
        assert_int_equal(status, ROUTE_FOUND);
        assert_int_equal(match.action, rows[i].action);
        assert_string_equal(match.id, rows[i].id);
        assert_int_equal(match.read != NULL, rows[i].action == ROUTE_READ);
    }
}

static void test_route__unknown_paths_are_404(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    static const char *const paths[] = {"",
                                        "/",
                                        "/api",
                                        "/api/v1/job",
                                        "/api/v1/jobs/",
                                        "/api/v1/jobs//logs",
                                        "/api/v1/jobs/a/logs/b",
                                        "/api/v1/jobs/a/log",
                                        "/healthy",
                                        "/api/v1/workflows/a",
                                        "/api/v1/jobs/a/\xff"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct fake_answer got =
            fake_ask(&(struct fake_request){.path = paths[i], .reader = &reader});
        assert_int_equal(got.answer.status, 404);
        fake_expect(&got, "/error/code", "\"unknown_route\"");
        fake_answer_finish(&got);
    }
}

static void test_route__too_long_an_id_is_404(void **state)
{
    (void)state;
    struct strbuf path = STRBUF_INIT;
    strbuf_append_text(&path, "/api/v1/jobs/");
    for (int i = 0; i < ROUTE_ID_SIZE; i++) {
        strbuf_append_char(&path, 'a');
    }
    fake_refused(NULL, strbuf_str(&path).p, "", 404, "there is nothing at");
    strbuf_finish(&path);
}

static void expect_allow(const char *method, const char *path, const char *allow)
{
    struct fake_answer got = fake_ask(&(struct fake_request){.method = method, .path = path});
    struct answer_headers headers;
    struct api_answer answer = answer_to_api(&got.answer, &headers);
    assert_int_equal(answer.status, 405);
    assert_int_equal(answer.header_count, 1);
    assert_string_equal(headers.header.name, "Allow");
    assert_true(str_equal_text(headers.header.value, allow));
    fake_expect(&got, "/error/code", "\"method_not_allowed\"");
    fake_answer_finish(&got);
}

static void test_route__another_method_is_405_with_allow(void **state)
{
    (void)state;
    expect_allow("DELETE", "/api/v1/jobs", "GET, HEAD, POST");
    expect_allow("POST", "/api/v1/jobs/abc", "GET, HEAD");
    expect_allow("GET", "/api/v1/jobs/abc/cancel", "POST");
    expect_allow("get", "/ping", "GET, HEAD");
    expect_allow("", "/metrics", "GET, HEAD");
}

static void test_route__without_an_engine_nothing_changes(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct fake_answer got = fake_ask(&(struct fake_request){
        .method = "POST", .path = "/api/v1/jobs/" FAKE_RUN_2 "/cancel", .reader = &reader});
    assert_int_equal(got.answer.status, 503);
    fake_expect(&got, "/error/code", "\"no_engine\"");
    fake_answer_finish(&got);
}

static void test_route__ids_may_be_short_while_unique(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    char id[ROUTE_ID_SIZE];
    struct answer answer = ANSWER_INIT;
    assert_int_equal(route_resolve_id(&reader, STR("019a9"), id, &answer, NULL), ROUTE_FOUND);
    assert_string_equal(id, FAKE_RUN_4);
    assert_int_equal(route_resolve_id(&reader, STR(FAKE_RUN_3), id, &answer, NULL), ROUTE_FOUND);
    assert_string_equal(id, FAKE_RUN_3);
    assert_int_equal(answer.status, 0);
    fake_refused(&reader, "/api/v1/jobs/019a0000-22~none", "", 404,
                 "there is no run '019a0000-22/none'");
    fake_refused(&reader, "/api/v1/jobs/019a~call", "", 409, "beginning of several");
    assert_int_equal(route_resolve_id(&reader, STR("019a0000-22/call"), id, &answer, NULL),
                     ROUTE_FOUND);
    assert_string_equal(id, FAKE_RUN_3);
    fake_refused(&reader, "/api/v1/jobs/zzzz", "", 404, "there is no run 'zzzz'");
    fake_refused(NULL, "/api/v1/jobs/019a9", "", 404, "there is no run '019a9'");
}

static void test_route__an_ambiguous_id_has_candidates(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct fake_answer got =
        fake_ask(&(struct fake_request){.path = "/api/v1/jobs/019a0", .reader = &reader});
    assert_int_equal(got.answer.status, 409);
    fake_expect(&got, "/error/code", "\"ambiguous\"");
    assert_int_equal(value_count(value_pointer(got.root, STR("/error/candidates"))), 2);
    fake_expect(&got, "/error/candidates/0/id", "\"" FAKE_RUN_2 "\"");
    fake_expect(&got, "/error/candidates/0/status", "\"running\"");
    fake_expect(&got, "/error/candidates/1/short_id", "\"019a0000-1111\"");
    fake_expect(&got, "/error/candidates/1/workflow", "\"nightly\"");
    fake_answer_finish(&got);
}

static void test_route__the_key_of_a_run_is_no_id(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    fake_refused(&reader, "/api/v1/jobs/k1", "", 404,
                 "there is no run 'k1', but it is the key of run " FAKE_RUN_1);
}

static void test_route__what_the_journal_fails_with_is_an_answer(void **state)
{
    (void)state;
    static const char *const paths[] = {"/api/v1/jobs",
                                        "/api/v1/jobs/" FAKE_RUN_2,
                                        "/api/v1/jobs/" FAKE_RUN_2 "/history",
                                        "/api/v1/jobs/" FAKE_RUN_2 "/logs",
                                        "/health",
                                        "/metrics"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct journal_reader reader = fake_sample();
        reader.fails_with = E_CORRUPT;
        struct fake_answer got =
            fake_ask(&(struct fake_request){.path = paths[i], .reader = &reader});
        assert_int_equal(got.answer.status, 500);
        fake_expect(&got, "/error/code", "\"corrupt\"");
        fake_expect(&got, "/error/message", "\"the disk is broken\"");
        fake_answer_finish(&got);
    }
}

/* Pieces of real requests and bytes by chance. */
static void append_anything(struct random *random, struct strbuf *out)
{
    static const char *const pieces[] = {
        "/api/v1/jobs", "/",         FAKE_RUN_2, "019a",    "/logs",  "/history", "~call",
        "/stream",      "cursor",    "=",        "&",       "limit=", "9",        "%",
        "after=",       "children=", "true",     "parent=", "label="};
    for (uint64_t n = random_below(random, 8); n > 0; n--) {
        if (random_below(random, 4) == 0) {
            strbuf_append_char(out, (char)(1 + random_below(random, 255)));
        } else {
            strbuf_append_text(out,
                               pieces[random_below(random, sizeof(pieces) / sizeof(pieces[0]))]);
        }
    }
}

static void test_route__anything_gets_an_answer(void **state)
{
    (void)state;
    struct random random = {.state = 7};
    for (int i = 0; i < 5000; i++) {
        struct journal_reader reader = fake_sample();
        struct strbuf path = STRBUF_INIT;
        struct strbuf query = STRBUF_INIT;
        struct query_text text;
        struct answer answer = ANSWER_INIT;
        strbuf_append_text(&path, random_percent(&random, 70) ? "/api/v1/jobs/" FAKE_RUN_2 : "");
        append_anything(&random, &path);
        append_anything(&random, &query);
        if (query_text_read(strbuf_str(&query), &text, NULL) == 0) {
            struct route_request request = {.query = {text.params, text.count},
                                            .reader = &reader,
                                            .now_unix_ms = (int64_t)FAKE_NOW * 1000};
            assert_int_equal(route_answer(STR("GET"), strbuf_str(&path), &request, &answer, NULL),
                             0);
            assert_true(answer.status >= 200 && answer.status < 600 && answer.status != 500);
        }
        answer_finish(&answer);
        query_text_finish(&text);
        strbuf_finish(&path);
        strbuf_finish(&query);
    }
}

static void test_answer__each_code_of_core_has_a_status(void **state)
{
    (void)state;
    assert_int_equal(answer_status_of(E_INVALID), 400);
    assert_int_equal(answer_status_of(E_NOT_FOUND), 404);
    assert_int_equal(answer_status_of(E_CONFLICT), 409);
    assert_int_equal(answer_status_of(E_EXISTS), 409);
    assert_int_equal(answer_status_of(E_LIMIT), 422);
    assert_int_equal(answer_status_of(E_NOMEM), 503);
    assert_int_equal(answer_status_of(E_IO), 500);
    assert_int_equal(answer_status_of(-1000), 500);
}

static void test_answer__a_message_that_is_no_text_is_mended(void **state)
{
    (void)state;
    struct answer answer = ANSWER_INIT;
    struct answer_problem problem = {.status = ANSWER_CONFLICT,
                                     .code = "conflict",
                                     .message = STR("a\xff\"b\n"),
                                     .hint = "wait"};
    assert_int_equal(answer_problem(&answer, &problem, NULL), 0);
    assert_string_equal(strbuf_str(&answer.body).p,
                        "{\"error\":{\"code\":\"conflict\",\"message\":\"a\xEF\xBF\xBD\\\"b\\n\","
                        "\"hint\":\"wait\"}}\n");
    answer_finish(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_route__finds_what_is_asked_for),
        cmocka_unit_test(test_route__unknown_paths_are_404),
        cmocka_unit_test(test_route__too_long_an_id_is_404),
        cmocka_unit_test(test_route__another_method_is_405_with_allow),
        cmocka_unit_test(test_route__without_an_engine_nothing_changes),
        cmocka_unit_test(test_route__ids_may_be_short_while_unique),
        cmocka_unit_test(test_route__an_ambiguous_id_has_candidates),
        cmocka_unit_test(test_route__the_key_of_a_run_is_no_id),
        cmocka_unit_test(test_route__what_the_journal_fails_with_is_an_answer),
        cmocka_unit_test(test_route__anything_gets_an_answer),
        cmocka_unit_test(test_answer__each_code_of_core_has_a_status),
        cmocka_unit_test(test_answer__a_message_that_is_no_text_is_mended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
