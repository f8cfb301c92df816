/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin `jq` in the real host. */
#include "tests/sdk/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/host/runtime.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

/*
 * With a sanitizer a malloc that fails ends the process, what libjq had in its hands then counts as
 * leaked, and how long a step takes is another matter.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { IS_SANITIZED = 1 };
#else
enum { IS_SANITIZED = 0 };
#endif

static struct rig rig;
static uint64_t last_token;

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("no '%s' in: %s", part, text);
    }
}

/*
 * `input` is JSON or NULL; `more` are members, as ,"a":1, or NULL. There is time enough for a busy
 * machine, unless they say how much.
 */
static void start(const char *program, const char *input, const char *more)
{
    struct builder *b = builder_create();
    builder_string(b, str_from(program));
    cleanup_document struct document *document = NULL;
    assert_int_equal(builder_finish(b, &document, NULL), 0);
    struct strbuf config = STRBUF_INIT;
    strbuf_append_text(&config, "{\"program\":");
    json_write(document_root(document), JSON_COMPACT, &config);
    if (input != NULL) {
        strbuf_append_format(&config, ",\"input\":%s", input);
    }
    strbuf_append_text(&config, more != NULL ? more : "");
    if (more == NULL || strstr(more, "time_limit_ms") == NULL) {
        strbuf_append_text(&config, ",\"time_limit_ms\":200000");
    }
    strbuf_append_char(&config, '}');
    assert_int_equal(strbuf_status(&config), 0);
    struct error err = {0};
    last_token = (last_token + 1) % RIG_TASKS;
    if (rig_start(&rig, last_token, "jq", config.p, &err) != 0) {
        fail_msg("%s", err.message);
    }
    strbuf_finish(&config);
}

static const char *run(const char *program, const char *input, const char *more)
{
    start(program, input, more);
    return rig_wait(&rig, last_token);
}

static void test_jq__reshapes_values(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {".", "{\"b\":1,\"a\":[true,null,\"ü\"]}", "done {\"b\":1,\"a\":[true,null,\"ü\"]}"},
        {"[.[] | select(.n > 1) | .name]", "[{\"n\":1,\"name\":\"a\"},{\"n\":2,\"name\":\"b\"}]",
         "done [\"b\"]"},
        {"map(.x) | add", "[{\"x\":1},{\"x\":2.5}]", "done 3.5"},
        {".", NULL, "done null"},
        {"empty", "1", "done null"},
        {"\"{{ not a template }} \\(.a)\"", "{\"a\":1}", "done \"{{ not a template }} 1\""},
        {"def f: . * 2; f # twice", "4", "done 8"},
        {"9007199254740992 + .", "0", "done 9007199254740992"},
        {"@base64", "\"\\u0000x\"", "done \"AHg=\""},
        {"test(\"^a+$\")", "\"aaa\"", "done true"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_string_equal(run(cases[i][0], cases[i][1], NULL), cases[i][2]);
    }
}

static void test_jq__gives_one_the_first_or_all_results(void **state)
{
    (void)state;
    assert_string_equal(run(".[]", "[1,2]", ",\"results\":\"all\""), "done [1,2]");
    assert_string_equal(run("empty", NULL, ",\"results\":\"all\""), "done []");
    assert_string_equal(run(".[]", "[1,2]", ",\"results\":\"first\""), "done 1");
    assert_string_equal(run("repeat(1)", NULL, ",\"results\":\"first\""), "done 1");
    const char *end = run(".[]", "[1,2]", NULL);
    assert_has(end, "the program gave more than one result");
    assert_has(end, "results: first");
    assert_string_equal(run(".[]", "[7]", NULL), "done 7"); /* the same program, again */
}

static void test_jq__refuses_what_reaches_out(void **state)
{
    (void)state;
    static const char *const refused[][2] = {
        {"env.HOME", "'env'"},
        {"$ENV.HOME", "'$ENV'"},
        {".a | env", "'env'"},
        {"[1, env]", "'env'"},
        {"{a: env}", "'env'"},
        {"{a: 1 | env, b: 2}", "'env'"},
        {"{(env | tostring): 1}", "'env'"},
        {"\"x \\(env | length)\"", "'env'"},
        {"\"a\\(\"b\\($ENV)\")\"", "'$ENV'"},
        {"input", "'input'"},
        {"[inputs]", "'inputs'"},
        {"# a comment\ninput_filename", "'input_filename' may not be used (line 2"},
        {"import \"a\" as a; .", "'import'"},
        {"include \"a\"; .", "'include'"},
        {"debug", "'debug'"},
        {"stderr", "'stderr'"},
        {"halt", "'halt'"},
        {"\"x\" | halt_error", "'halt_error'"},
        {"input_line_number", "'input_line_number'"},
        {"get_search_list", "'get_search_list'"},
        {"\"a\" | modulemeta", "'modulemeta'"},
    };
    for (size_t i = 0; i < COUNT(refused); i++) {
        const char *end = run(refused[i][0], NULL, NULL);
        assert_has(end, "CONFIG");
        assert_has(end, refused[i][1]);
        assert_has(end, "may not be used");
        assert_has(end, "\"hint\":");
    }
}

static void test_jq__allows_the_same_words_elsewhere(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {".env", "{\"env\":1}", "done 1"},
        {".input.inputs", "{\"input\":{\"inputs\":2}}", "done 2"},
        {"{env: 1, input}", "{\"input\":3}", "done {\"env\":1,\"input\":3}"},
        {"{input}", "{\"input\":3}", "done {\"input\":3}"},
        {"\"env input \\(.a) env\"", "{\"a\":1}", "done \"env input 1 env\""},
        {"1 # env and $ENV", NULL, "done 1"},
        {". as $input | $input", "5", "done 5"},
        {"{\"env\": 1}[\"env\"]", NULL, "done 1"},
        {"\"\\\"env\\\\\"", NULL, "done \"\\\"env\\\\\""},
        {".a.debug?", "{\"a\":{\"debug\":1}}", "done 1"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_string_equal(run(cases[i][0], cases[i][1], NULL), cases[i][2]);
    }
}

static void test_jq__errors_are_told(void **state)
{
    (void)state;
    static const char *const cases[][4] = {
        {".a", "[1]", "INPUT", "Cannot index array with string \\\"a\\\""},
        {"error(\"mine\")", NULL, "INPUT", "mine"},
        {"error({a: 1})", NULL, "INPUT", "{\\\"a\\\":1}"},
        {".a[", NULL, "CONFIG", "the program does not compile: syntax error"},
        {"nosuch(1)", NULL, "CONFIG", "nosuch/1 is not defined"},
        {"1 +", NULL, "CONFIG", "does not compile"},
        {"reduce range(100) as $i (0; [.])", NULL, "INPUT", "deeper than 63"},
        {"[range(1000000)] | map(\"0123456789abcdefgh\")", NULL, "RESOURCE", "16 MiB"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *end = run(cases[i][0], cases[i][1], NULL);
        assert_has(end, cases[i][2]);
        assert_has(end, cases[i][3]);
    }
    assert_has(rig_run(&rig, 250, "jq", "{\"program\":\"1\\u0000\"}"), "NUL byte");
}

static void test_jq__a_program_that_never_ends_is_stopped(void **state)
{
    (void)state;
    static const char *const endless[] = {
        "def f: f; f",
        "until(false; .)",
        "last(repeat(1))",
        "[limit(1; repeat(empty))]",
    };
    for (size_t i = 0; i < COUNT(endless); i++) {
        const char *end = run(endless[i], "1", ",\"time_limit_ms\":50");
        assert_has(end, "TIMEOUT");
        assert_has(end, "time_limit_ms");
    }
    assert_string_equal(run("1", NULL, NULL), "done 1"); /* and the threads are free again */
}

static void test_jq__cancel_ends_it_at_once(void **state)
{
    (void)state;
    static const struct {
        enum host_cancel_reason reason;
        const char *code;
    } cases[] = {{HOST_CANCEL_REQUESTED, "CANCELLED"}, {HOST_CANCEL_TIMEOUT, "TIMEOUT"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        start("def f: f; f", NULL, NULL);
        rig_turn(&rig, 50);
        assert_int_equal(rig.tasks[last_token].ends, 0);
        host_task_cancel(rig.host, rig.tasks[last_token].handle, cases[i].reason);
        assert_has(rig_wait(&rig, last_token), cases[i].code);
    }
    assert_string_equal(run("1", NULL, NULL), "done 1");
}

static void test_jq__cancel_reaches_those_that_wait(void **state)
{
    (void)state;
    uint64_t tokens[8];
    for (size_t i = 0; i < COUNT(tokens); i++) { /* the rig has four threads */
        start("def f: f; f", NULL, NULL);
        tokens[i] = last_token;
    }
    rig_turn(&rig, 50);
    for (size_t i = 0; i < COUNT(tokens); i++) {
        host_task_cancel(rig.host, rig.tasks[tokens[i]].handle, HOST_CANCEL_REQUESTED);
    }
    for (size_t i = 0; i < COUNT(tokens); i++) {
        assert_has(rig_wait(&rig, tokens[i]), "CANCELLED");
    }
}

static void test_jq__a_step_that_cannot_be_stopped_is_given_up(void **state)
{
    (void)state;
    if (IS_SANITIZED) {
        skip();
    }
    /*
     * One instruction that takes long, by the square of the number: how long is the machine's. The
     * limit is long enough for a busy one to have begun with it: before it, the program can stop.
     */
    static const char *const steps[] = {
        "(\"ab\" * 30000) | [match(\"b\"; \"g\")] | length",
        "(\"ab\" * 60000) | [match(\"b\"; \"g\")] | length",
        "(\"ab\" * 120000) | [match(\"b\"; \"g\")] | length",
        "(\"ab\" * 200000) | [match(\"b\"; \"g\")] | length",
    };
    const char *end = "";
    for (size_t i = 0; i < COUNT(steps) && strstr(end, "could not be stopped") == NULL; i++) {
        end = run(steps[i], NULL, ",\"time_limit_ms\":1000");
    }
    assert_has(end, "TIMEOUT");
    assert_has(end, "could not be stopped");
    assert_string_equal(run("1", NULL, NULL), "done 1");
    for (int i = 0; i < 30000 && job_pool_counts(rig.host->jobs).lost > 0; i++) {
        rig_turn(&rig, 10);
    }
    assert_int_equal(job_pool_counts(rig.host->jobs).lost, 0);
}

static void test_jq__killing_stops_the_program(void **state)
{
    (void)state;
    start("def f: f; f", NULL, NULL);
    rig_turn(&rig, 50);
    host_task_kill(rig.host, rig.tasks[last_token].handle, HOST_CANCEL_REQUESTED);
    assert_has(rig_wait(&rig, last_token), "CANCELLED");
    for (int i = 0; i < 12000 && job_pool_counts(rig.host->jobs).running > 0; i++) {
        rig_turn(&rig, 10);
    }
    assert_int_equal(job_pool_counts(rig.host->jobs).running, 0);
}

static void test_jq__too_much_memory_is_an_error(void **state)
{
    (void)state;
    if (IS_SANITIZED) {
        skip();
    }
    const char *end = run(".[1000000000] = 1 | length", "[]", NULL);
    assert_has(end, "RESOURCE");
    assert_has(end, "out of memory");
    rig.memory_bytes = 50u << 20;
    end = run("[repeat(1)] | length", NULL, ",\"time_limit_ms\":200000");
    rig.memory_bytes = 0;
    assert_has(end, "RESOURCE");
    assert_has(end, "limits: {memory");
}

static void test_jq__programs_are_compiled_once(void **state)
{
    (void)state;
    assert_string_equal(run("def add1: . + 1; add1", "1", NULL), "done 2");
    uint64_t begun = uv_hrtime();
    for (int i = 0; i < 200; i++) {
        rig.tasks[(last_token + 1) % RIG_TASKS].ends = 0;
        strbuf_clear(&rig.tasks[(last_token + 1) % RIG_TASKS].end);
        assert_string_equal(run("def add1: . + 1; add1", "1", NULL), "done 2");
    }
    /* Compiling takes 5 to 15 ms on any machine of today: 200 of them could not be that fast. */
    assert_true(uv_hrtime() - begun < UINT64_C(900) * 1000 * 1000);
}

static int open_rig(void **state)
{
    (void)state;
    rig_open_folder(&rig, PLUGIN_DIR);
    rig.memory_bytes = 0;
    return 0;
}

static int close_rig(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jq__reshapes_values),
        cmocka_unit_test(test_jq__gives_one_the_first_or_all_results),
        cmocka_unit_test(test_jq__refuses_what_reaches_out),
        cmocka_unit_test(test_jq__allows_the_same_words_elsewhere),
        cmocka_unit_test(test_jq__errors_are_told),
        cmocka_unit_test(test_jq__a_program_that_never_ends_is_stopped),
        cmocka_unit_test(test_jq__cancel_ends_it_at_once),
        cmocka_unit_test(test_jq__cancel_reaches_those_that_wait),
        cmocka_unit_test(test_jq__a_step_that_cannot_be_stopped_is_given_up),
        cmocka_unit_test(test_jq__killing_stops_the_program),
        cmocka_unit_test(test_jq__too_much_memory_is_an_error),
        cmocka_unit_test(test_jq__programs_are_compiled_once),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
