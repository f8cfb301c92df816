/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that change runs, over a loop with a state of its own and no socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/api/answer.h"
#include "core/api/control.h"
#include "core/base/error.h"
#include "core/engine/record.h"
#include "core/loop/loop.h"
#include "core/model/load.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/scratch_folder.h"
#include "tests/unit/journal/store_fixture.h"

static struct scratch_folder scratch;
static struct load_options loading;
static struct loop *loop;
static struct control *control;

/* The latest answer. */
static struct {
    bool is_there;
    int status;
    struct document *document;
} got;

static const char *no_env(void *user, struct str name)
{
    (void)user;
    return str_equal_text(name, "HERE") ? "engine" : NULL;
}

static void on_answer(void *user, const struct answer *answer)
{
    (void)user;
    struct error err = {0};
    assert_non_null(answer);
    document_unref(got.document);
    got.document = NULL;
    got.status = answer->status;
    if (json_read(str_trim(strbuf_str(&answer->body)), NULL, &got.document, &err) != 0) {
        fail_msg("%s", err.message);
    }
    got.is_there = true;
}

static void ask_with(const char *method, const char *path, const char *body, const char *key)
{
    const struct control_question question = {.method = str_from(method),
                                              .path = str_from(path),
                                              .body = str_from(body),
                                              .key = str_from(key),
                                              .who = STR("uid 7")};
    got.is_there = false;
    control_handle(control, &question, on_answer, NULL);
    loop_wait(loop, &got.is_there);
    assert_int_equal(control_waiting(control), 0);
}

static void post(const char *path, const char *body)
{
    ask_with("POST", path, body, "");
}

/* The text at a pointer of the answer; "" when there is none. */
static const char *text_at(const char *pointer)
{
    static char text[1024];
    const struct value *value = value_pointer(document_root(got.document), str_from(pointer));
    struct str found = value_is(value, VALUE_STRING) ? value_str(value) : STR("");
    (void)snprintf(text, sizeof(text), "%.*s", STR_ARG(found));
    return text;
}

static void expect_refusal(int status, const char *words)
{
    assert_int_equal(got.status, status);
    if (strstr(text_at("/error/message"), words) == NULL) {
        fail_msg("'%s' has no '%s'", text_at("/error/message"), words);
    }
}

static void begin(const char *folder)
{
    struct loop_options options = {0};
    struct error err = {0};
    loading = (struct load_options){.engine_types = pipeline_fixture_options()->engine_types,
                                    .env = no_env};
    const struct control_options control_options = {.loading = &loading, .version = "test 1"};
    struct control_options own = control_options;
    assert_int_equal(loop_create(&options, &loop, &err), 0);
    assert_int_equal(loop_keep_state(loop, folder, &loading, &err), 0);
    own.loop = loop;
    own.folder = folder;
    assert_int_equal(control_create(&own, &control, &err), 0);
}

static void end(void)
{
    document_unref(got.document);
    got.document = NULL;
    control_destroy(control);
    loop_close(loop);
}

static int set_up(void **state)
{
    (void)state;
    scratch_folder_make(&scratch);
    begin(scratch.path);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    end();
    scratch_folder_remove(&scratch);
    return 0;
}

#define WAITS "{\"definition\": \"id: p\\nnodes: [{id: w, type: wait, config: {event: go}}]\\n\"}"

/* Starts a run that waits for an event; "/api/v1/jobs/ID" and `below`. */
static const char *start_waiting(const char *below)
{
    static char path[200];
    post("/api/v1/jobs", WAITS);
    assert_int_equal(got.status, 201);
    (void)snprintf(path, sizeof(path), "/api/v1/jobs/%s%s", text_at("/id"), below);
    return path;
}

/* ---- starts ---- */

static void test_control__start_says_what_is_wrong_with_a_definition(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int status;
        const char *words;
    } rows[] = {
        {"", 400, "no 'definition'"},
        {"[]", 400, "no JSON object"},
        {"{\"definition\": ", 400, "cannot be read as JSON"},
        {"{\"definition\": \"id: p\\nnodes:\\n  - {id: a, type: nix}\\n\"}", 400,
         "line 3, column 19: unknown node type 'nix'"},
        {"{\"definition\": \"x: [\"}", 400, "the definition, line 1"},
        {"{\"definition\": \"id: p\\nnodes: [{id: a, type: start}]\", \"workflow\": \"q\"}", 404,
         "'q'"},
        {"{\"definition\": \"workflows:\\n  a: {nodes: [{id: n, type: start}]}\\n  b: {nodes: "
         "[{id: n, type: start}]}\\n\"}",
         400, "2 pipelines"},
        {"{\"bundle\": \"{}\"}", 400, ""},
        {"{\"definition\": \"id: p\\nnodes: [{id: a, type: start}]\", \"input\": 3}", 400,
         "'input' of the body has to be a map"},
        {"{\"definition\": \"id: p\\ninput: {type: object, required: [n]}\\nnodes: [{id: a, type: "
         "start}]\"}",
         400, "input: "},
        {"{\"definition\": \"id: p\\nnodes: [{id: a, type: start}]\", \"events\": [{}]}", 400,
         "event 1 of 'events' has no name"},
        {"{\"definition\": \"x\", \"key\": 123}", 400, "'key' of the body has to be text"},
        {"{\"definition\": \"x\", \"key\": \"\"}", 400, "'key' of the body has to be text"},
        {"{\"definition\": \"x\", \"inputs\": {}}", 400, "unknown member 'inputs'"},
        {"{\"definition\": \"x\", \"env\": {\"PATH\": 1}}", 400, "'env' of the body has to be"},
        {"{\"definition\": \"id: p\\nnodes: [{id: a, type: set, config: {x: '${GONE}'}}]\"}", 400,
         "GONE"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        post("/api/v1/jobs", rows[i].body);
        expect_refusal(rows[i].status, rows[i].words);
    }
    ask_with("GET", "/api/v1/jobs", "", "");
    assert_int_equal(value_count(value_pointer(document_root(got.document), STR("/jobs"))), 0);
}

static void test_control__start_is_there_when_it_is_answered(void **state)
{
    (void)state;
    ask_with("GET", start_waiting(""), "", "");
    assert_int_equal(got.status, 200);
    assert_string_equal(text_at("/status"), "running");
    assert_string_equal(text_at("/audit/0/who"), "uid 7");
    assert_string_equal(text_at("/audit/0/action"), "start");
}

static void test_control__values_of_the_environment_come_from_the_client_first(void **state)
{
    (void)state;
    static const char yaml[] = "id: p\\nnodes: [{id: a, type: set, config: {x: '${HERE}'}}]";
    static const char *const envs[] = {"", ",\"env\": {\"HERE\": \"client\"}"};
    static const char *const wanted[] = {"engine", "client"};
    for (size_t i = 0; i < 2; i++) {
        char body[300];
        char path[100];
        (void)snprintf(body, sizeof(body), "{\"definition\": \"%s\"%s}", yaml, envs[i]);
        post("/api/v1/jobs", body);
        assert_int_equal(got.status, 201);
        (void)snprintf(path, sizeof(path), "/api/v1/jobs/%s", text_at("/id"));
        ask_with("GET", path, "", "");
        assert_string_equal(text_at("/output/a/x"), wanted[i]);
    }
}

static void test_control__a_key_is_one_run(void **state)
{
    (void)state;
    char id[64];
    ask_with("POST", "/api/v1/jobs", WAITS, "k1");
    assert_int_equal(got.status, 201);
    (void)snprintf(id, sizeof(id), "%s", text_at("/id"));
    ask_with("POST", "/api/v1/jobs", WAITS, "k1");
    assert_int_equal(got.status, 200);
    assert_string_equal(text_at("/id"), id);
    ask_with("POST", "/api/v1/jobs",
             "{\"definition\": \"id: p\\nnodes: [{id: w, type: start}]\\n\"}", "k1");
    expect_refusal(409, "was started with another definition");
    ask_with("POST", "/api/v1/jobs", WAITS, "k2");
    assert_int_equal(got.status, 201);
    assert_string_not_equal(text_at("/id"), id);
}

/* Before the first start is durable nobody has been told of it, but its key is taken. */
static void test_control__a_key_is_one_run_also_at_the_same_moment(void **state)
{
    (void)state;
    const struct control_question question = {
        .method = STR("POST"), .path = STR("/api/v1/jobs"), .body = STR(WAITS), .key = STR("k")};
    got.is_there = false;
    control_handle(control, &question, on_answer, NULL);
    control_handle(control, &question, on_answer, NULL);
    assert_false(got.is_there);
    while (control_waiting(control) > 0) {
        got.is_there = false;
        loop_wait(loop, &got.is_there);
    }
    ask_with("GET", "/api/v1/jobs", "", "");
    assert_int_equal(value_count(value_pointer(document_root(got.document), STR("/jobs"))), 1);
}

/* ---- what is too much ---- */

static size_t refusals;

/* Of what is asked beside something else. */
static void on_refused(void *user, const struct answer *answer)
{
    (void)user;
    assert_non_null(answer);
    assert_int_equal(answer->status, 429);
    assert_int_equal(answer->retry_after_s, 10); /* nothing has ended yet */
    assert_non_null(strstr(strbuf_str(&answer->body).p, "\"code\":\"busy\""));
    assert_non_null(strstr(strbuf_str(&answer->body).p, "\"retry_after\":10"));
    assert_non_null(strstr(strbuf_str(&answer->body).p, " runs are in memory, as many as may ("));
    refusals++;
}

/* A start on its way to the disk, and meanwhile `path`. */
static void ask_beside_a_start(const char *path, const char *body, control_reply_cb cb)
{
    const struct control_question start = {
        .method = STR("POST"), .path = STR("/api/v1/jobs"), .body = STR(WAITS), .key = STR("k")};
    const struct control_question beside = {
        .method = STR("POST"), .path = str_from(path), .body = str_from(body)};
    got.is_there = false;
    control_handle(control, &start, on_answer, NULL);
    assert_false(got.is_there);
    control_handle(control, &beside, cb, NULL);
    while (control_waiting(control) > 0) {
        got.is_there = false;
        loop_wait(loop, &got.is_there);
    }
}

static int64_t count_jobs(void)
{
    ask_with("GET", "/api/v1/jobs", "", "");
    return (int64_t)value_count(value_pointer(document_root(got.document), STR("/jobs")));
}

static void test_control__over_the_bound_a_start_is_refused_before_it_is_kept(void **state)
{
    (void)state;
    refusals = 0;
    loop_set_admission(loop, &(struct admission_load){.runs = 1});
    ask_beside_a_start("/api/v1/jobs", WAITS, on_refused);
    assert_int_equal(refusals, 1);
    assert_int_equal(count_jobs(), 1);
    assert_int_equal(loop_numbers(loop).refused[ADMISSION_RUNS], 1);
}

static void test_control__over_the_bound_a_known_key_is_still_its_run(void **state)
{
    (void)state;
    char body[300];
    (void)snprintf(body, sizeof(body), "%.*s, \"key\": \"k\"}", (int)sizeof(WAITS) - 2, WAITS);
    loop_set_admission(loop, &(struct admission_load){.runs = 1});
    ask_beside_a_start("/api/v1/jobs", body, on_answer);
    assert_true(got.status == 201 || got.status == 200);
    assert_int_equal(loop_numbers(loop).refused[ADMISSION_RUNS], 0);
    assert_int_equal(count_jobs(), 1);
}

static void test_control__over_the_bound_nothing_is_done_again_or_woken(void **state)
{
    (void)state;
    char job[160];
    char path[200];
    refusals = 0;
    (void)snprintf(job, sizeof(job), "%s", start_waiting(""));
    loop_set_admission(loop, &(struct admission_load){.runs = loop_numbers(loop).runs + 1});
    (void)snprintf(path, sizeof(path), "%s/retry", job);
    ask_beside_a_start(path, "{}", on_refused);
    assert_int_equal(refusals, 1);
    loop_set_admission(loop, &(struct admission_load){.writes = 1000000});
    (void)snprintf(path, sizeof(path), "%s/events", job);
    post(path, "{\"name\": \"go\"}");
    assert_int_equal(got.status, 200);
}

static void test_control__too_many_values_refuse_a_start(void **state)
{
    (void)state;
    loop_set_admission(loop, &(struct admission_load){.memory_bytes = 1});
    post("/api/v1/jobs", WAITS);
    expect_refusal(429, "the values of runs take 0 MiB, as much as they may (0)");
    assert_int_equal(count_jobs(), 0);
    loop_set_admission(loop, &(struct admission_load){0});
    post("/api/v1/jobs", WAITS);
    assert_int_equal(got.status, 201);
}

static void test_control__a_run_keeps_so_many_events(void **state)
{
    (void)state;
    char path[200];
    post("/api/v1/jobs", "{\"definition\": \"id: p\\nnodes: [{id: w, type: wait, config: {event: "
                         "go, match: 'signal.data == 7'}}]\\n\"}");
    assert_int_equal(got.status, 201);
    (void)snprintf(path, sizeof(path), "/api/v1/jobs/%s/events", text_at("/id"));
    for (int i = 0; i < 1000; i++) {
        post(path, "{\"name\": \"go\", \"data\": 1}");
        assert_int_equal(got.status, 200);
    }
    post(path, "{\"name\": \"go\", \"data\": 7}");
    expect_refusal(429, "the run keeps 1000 events that nothing has taken, as many as may");
}

static void test_control__while_many_writes_wait_a_start_is_refused(void **state)
{
    (void)state;
    loop_set_admission(loop, &(struct admission_load){.writes = 1});
    ask_beside_a_start("/api/v1/jobs", WAITS, on_answer);
    assert_int_equal(loop_numbers(loop).refused[ADMISSION_WRITES], 1);
    assert_int_equal(count_jobs(), 1);
}

/* ---- commands ---- */

static void test_control__a_body_is_json_of_a_limited_depth(void **state)
{
    (void)state;
    struct strbuf deep = STRBUF_INIT;
    post("/api/v1/jobs", "{\"a\": ");
    expect_refusal(400, "the body cannot be read as JSON: line 1, column 7");
    strbuf_append_text(&deep, "{\"input\": ");
    for (size_t i = 0; i < 100; i++) {
        strbuf_append_char(&deep, '[');
    }
    post("/api/v1/jobs", deep.p);
    expect_refusal(400, "nested deeper than the limit of 64 levels");
    strbuf_finish(&deep);
}

static void test_control__commands_refuse_what_cannot_be(void **state)
{
    (void)state;
    char path[200];
    post("/api/v1/jobs/01234567/cancel", "");
    expect_refusal(404, "there is no run");
    (void)snprintf(path, sizeof(path), "%s", start_waiting("/events"));
    post(path, "{}");
    expect_refusal(400, "'name'");
    post(path, "{\"name\": 3}");
    expect_refusal(400, "'name'");
    (void)snprintf(path, sizeof(path), "%s", start_waiting("/resolve"));
    post(path, "{\"again\": true}");
    expect_refusal(400, "'node'");
    post(path, "{\"node\": \"w\", \"again\": true, \"output\": 1}");
    expect_refusal(400, "one of 'again', 'error' and 'output'");
    post(path, "{\"node\": \"w\", \"again\": false}");
    expect_refusal(400, "'again' of the body has to be true");
    post(path, "{\"node\": \"w\", \"output\": 1}");
    expect_refusal(409, "node 'w' is running, not unknown: there is nothing to resolve");
    post(path, "{\"node\": \"nope\", \"output\": 1}");
    expect_refusal(409, "the run has no node 'nope' at work: there is nothing to resolve");
    post(start_waiting("/resume"), "");
    expect_refusal(409, "the run is not paused: it is at work");
    post(start_waiting("/retry"), "{}");
    expect_refusal(409, "the run has not ended, it is running; 'opstream cancel' ends it");
    ask_with("DELETE", "/api/v1/jobs", "", "");
    assert_int_equal(got.status, 405);
}

static void test_control__commands_are_durable_when_answered(void **state)
{
    (void)state;
    char job[160];
    char path[200];
    (void)snprintf(job, sizeof(job), "%s", start_waiting(""));
    (void)snprintf(path, sizeof(path), "%s/pause", job);
    post(path, "");
    assert_int_equal(got.status, 200);
    ask_with("GET", job, "", "");
    assert_string_equal(text_at("/status"), "paused");
    post(path, "");
    expect_refusal(409, "the run is paused already; 'opstream resume' goes on with it");
    (void)snprintf(path, sizeof(path), "%s/cancel", job);
    post(path, "");
    assert_int_equal(got.status, 200);
    ask_with("GET", job, "", "");
    assert_string_equal(text_at("/status"), "cancelled");
    post(path, "");
    expect_refusal(409, "the run has been cancelled: there is nothing to cancel");
    ask_with("GET", job, "", "");
    assert_string_equal(text_at("/audit/1/action"), "pause");
    assert_string_equal(text_at("/audit/2/action"), "cancel");
}

/* ---- circuit breakers ---- */

static struct store_fixture store;

#define SCOPE "http https://a.example:443"

/* An engine that finds the open breakers of two services. */
static int set_up_breakers(void **state)
{
    static const char *const scopes[] = {SCOPE, "http https://b.example:443"};
    struct batch batch = BATCH_INIT;
    struct document *known = pipeline_fixture_json(
        "{\"breaker\":1,\"state\":\"open\",\"generation\":1,\"changed_at\":1000,"
        "\"due_at\":61000,\"openings\":1}");
    (void)state;
    store_fixture_init(&store);
    for (size_t i = 0; i < 2; i++) {
        batch_add_scope(&batch, &(struct scope_change){
                                    .kind = "breaker", .key = str_from(scopes[i]), .state = known});
    }
    store_fixture_write(&store, &batch);
    store_fixture_close(&store);
    batch_finish(&batch);
    document_unref(known);
    begin(store.folder);
    return 0;
}

static int tear_down_breakers(void **state)
{
    (void)state;
    end();
    store_fixture_finish(&store);
    return 0;
}

#define BREAKERS "/api/v1/breakers"

static void test_control__orders_for_breakers_refuse_what_cannot_be(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int status;
        const char *words;
        const char *code;
    } rows[] = {
        {"", 400, "'order' of the body has to be 'open', 'close'", "invalid"},
        {"{\"scope\": \"a\", \"order\": \"ajar\"}", 400, "'order' of the body", "invalid"},
        {"{\"order\": \"open\"}", 400, "the body has no 'scope'", "invalid"},
        {"{\"scope\": \"\", \"order\": \"open\"}", 400, "'scope' of the body", "invalid"},
        {"{\"scope\": 1, \"order\": \"open\"}", 400, "'scope' of the body", "invalid"},
        {"{\"scope\": \"a\", \"until\": 1}", 400, "unknown member 'until'", "invalid"},
        {"{\"scope\": \"a.exmaple\", \"order\": \"open\"}", 404, "did you mean '" SCOPE "'?",
         "no_such_scope"},
        {"{\"scope\": \"example\", \"order\": \"open\"}", 409, "is in 2 scopes", "ambiguous"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        post(BREAKERS, rows[i].body);
        expect_refusal(rows[i].status, rows[i].words);
        assert_string_equal(text_at("/error/code"), rows[i].code);
    }
    ask_with("GET", BREAKERS, "", "");
    assert_string_equal(text_at("/breakers/0/state"), "open");
    store_fixture_expect(&store, "SELECT count(*) FROM audit", "0");
}

static void test_control__orders_for_breakers_are_durable_when_answered(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"open", "forced_open"}, {"close", "closed"}, {"disable", "disabled"}, {"reset", "closed"}};
    for (size_t i = 0; i < 4; i++) {
        char body[100];
        (void)snprintf(body, sizeof(body), "{\"scope\": \"a.example\", \"order\": \"%s\"}",
                       rows[i][0]);
        post(BREAKERS, body);
        assert_int_equal(got.status, 200);
        assert_string_equal(text_at("/scope"), SCOPE);
        assert_string_equal(text_at("/state"), rows[i][1]);
        ask_with("GET", BREAKERS, "", "");
        assert_string_equal(text_at("/breakers/0/state"), rows[i][1]);
        assert_string_equal(text_at("/breakers/1/state"), "open");
    }
    store_fixture_expect(&store, "SELECT who, count(*) FROM audit WHERE action = 'breaker'",
                         "uid 7|4");
}

/* ---- again ---- */

static void test_control__retry_takes_over_what_completed(void **state)
{
    (void)state;
    char path[200];
    post("/api/v1/jobs",
         "{\"definition\": \"id: p\\nnodes:\\n  - {id: a, type: set, config: {x: '{{ input.n }}'}}"
         "\\n  - {id: b, type: fail, depends_on: [a], config: {message: no}}\\n\", "
         "\"input\": {\"n\": 1}}");
    assert_int_equal(got.status, 201);
    (void)snprintf(path, sizeof(path), "/api/v1/jobs/%s/retry", text_at("/id"));
    post(path, "{\"from\": \"nobody\"}");
    expect_refusal(404, "no node 'nobody'");
    post(path, "{}");
    assert_int_equal(got.status, 201);
    (void)snprintf(path, sizeof(path), "/api/v1/jobs/%s", text_at("/id"));
    ask_with("GET", path, "", "");
    assert_string_equal(text_at("/triggered_by"), "retry");
    const struct value *steps = value_pointer(document_root(got.document), STR("/step_results"));
    const struct value *taken = value_pointer(steps, STR("/0/output/x"));
    assert_int_equal(value_int(taken), 1);
    assert_int_equal(value_int(value_pointer(steps, STR("/0/attempt"))), 0);
}

static void test_control__who_ends_looks_and_changes_nothing(void **state)
{
    (void)state;
    char run[200];
    (void)snprintf(run, sizeof(run), "%s", start_waiting(""));
    control_stop(control);
    post("/api/v1/jobs", WAITS);
    expect_refusal(503, "this engine is ending: ask again");
    assert_string_equal(text_at("/error/code"), "stopped");
    ask_with("GET", run, "", "");
    assert_int_equal(got.status, 200);
    assert_string_equal(text_at("/status"), "running");
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test_control__##test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FRESH(start_says_what_is_wrong_with_a_definition),
        FRESH(start_is_there_when_it_is_answered),
        FRESH(values_of_the_environment_come_from_the_client_first),
        FRESH(a_key_is_one_run),
        FRESH(a_key_is_one_run_also_at_the_same_moment),
        FRESH(over_the_bound_a_start_is_refused_before_it_is_kept),
        FRESH(over_the_bound_a_known_key_is_still_its_run),
        FRESH(over_the_bound_nothing_is_done_again_or_woken),
        FRESH(too_many_values_refuse_a_start),
        FRESH(a_run_keeps_so_many_events),
        FRESH(while_many_writes_wait_a_start_is_refused),
        FRESH(a_body_is_json_of_a_limited_depth),
        FRESH(commands_refuse_what_cannot_be),
        FRESH(commands_are_durable_when_answered),
        FRESH(retry_takes_over_what_completed),
        FRESH(who_ends_looks_and_changes_nothing),
        cmocka_unit_test_setup_teardown(test_control__orders_for_breakers_refuse_what_cannot_be,
                                        set_up_breakers, tear_down_breakers),
        cmocka_unit_test_setup_teardown(test_control__orders_for_breakers_are_durable_when_answered,
                                        set_up_breakers, tear_down_breakers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
