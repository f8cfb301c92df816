/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin `code` in the real host. A case that takes an interpreter which the machine does not
 * have is left out: what is told then has a test of its own.
 */
#include "tests/sdk/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "core/host/process.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

static struct rig rig;
static uint64_t last_token;

/* A config as JSON: `inputs` (JSON) and `more` (members, as ,"a":1) may be NULL. */
static char *make_config(const char *language, const char *code, const char *inputs,
                         const char *more)
{
    struct builder *b = builder_create();
    builder_string(b, str_from(code));
    cleanup_document struct document *document = NULL;
    assert_int_equal(builder_finish(b, &document, NULL), 0);
    struct strbuf text = STRBUF_INIT;
    strbuf_append_format(&text, "{\"language\":\"%s\",\"code\":", language);
    json_write(document_root(document), JSON_COMPACT, &text);
    if (inputs != NULL) {
        strbuf_append_format(&text, ",\"input_mapping\":%s", inputs);
    }
    strbuf_append_text(&text, more != NULL ? more : "");
    strbuf_append_char(&text, '}');
    char *config = strbuf_take(&text);
    assert_non_null(config);
    return config;
}

static void start(const char *language, const char *code, const char *inputs, const char *more)
{
    char *config = make_config(language, code, inputs, more);
    struct error err = {0};
    if (rig_start(&rig, ++last_token, "code", config, &err) != 0) {
        fail_msg("%s", err.message);
    }
    free(config);
}

static const char *run(const char *language, const char *code, const char *inputs, const char *more)
{
    start(language, code, inputs, more);
    return rig_wait(&rig, last_token);
}

static const char *logs(void)
{
    return rig.tasks[last_token].logs.p != NULL ? rig.tasks[last_token].logs.p : "";
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("no '%s' in: %s", part, text);
    }
}

static bool has_node(void)
{
    char *path = NULL;
    bool is_there = process_find(STR("node"), getenv("PATH"), &path, NULL) == 0;
    free(path);
    return is_there;
}

/* Runs each case and compares its end. */
struct case_of_code {
    const char *code;
    const char *inputs;
    const char *end;
};

static void check_ends(const char *language, const struct case_of_code *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(run(language, cases[i].code, cases[i].inputs, NULL), cases[i].end);
    }
}

/* The end is a failure that has each of the parts. */
struct failing_code {
    const char *code;
    const char *inputs;
    const char *parts[5];
};

static void check_failures(const char *language, const struct failing_code *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *end = run(language, cases[i].code, cases[i].inputs, NULL);
        assert_has(end, "failed {");
        for (size_t j = 0; j < 5 && cases[i].parts[j] != NULL; j++) {
            assert_has(end, cases[i].parts[j]);
        }
    }
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_code__python_returns_what_process_returns(void **state)
{
    (void)state;
    static const struct case_of_code cases[] = {
        {"def process(input_data):\n    return {'output': input_data * 2}", "{\"input_data\":21}",
         "done {\"output\":42}"},
        {"def process(a, b=3): return [a, b]", "{\"a\":1}", "done [1,3]"},
        {"def process(a, b=3): return [a, b]", "{\"b\":1,\"a\":2}", "done [2,1]"},
        {"def process(data): return data", "{\"x\":1,\"y\":[true,null]}",
         "done {\"x\":1,\"y\":[true,null]}"},
        {"def process(**all): return sorted(all)", "{\"x\":1,\"y\":2}", "done [\"x\",\"y\"]"},
        {"def process(): pass", NULL, "done null"},
        {"process = lambda a: (a, 'ü\\0€')", "{\"a\":9007199254740993}",
         "done [9007199254740993,\"ü\\u0000€\"]"},
        {"async def process(a):\n    import asyncio\n    await asyncio.sleep(0)\n    return a",
         "{\"a\":\"\\u0000\"}", "done \"\\u0000\""},
        {"import json\nprint('x')\nprint(json.dumps(inputs))", "{\"a\":{\"b\":1.5}}",
         "done {\"a\":{\"b\":1.5}}"},
    };
    check_ends("python", cases, COUNT(cases));
}

static void test_code__python_failures_say_what_and_where(void **state)
{
    (void)state;
    static const struct failing_code cases[] = {
        {"def process(a):\n  x = 1\n  return 1 / a",
         "{\"a\":0}",
         {"ZeroDivisionError: division by zero (line 3 of the code)", "code.exception",
          "\"line\":3", "return 1 / a", "\"exit_code\":1"}},
        {"def process(:\n  pass", NULL, {"SyntaxError: invalid syntax (line 1", "CONFIG", "/code"}},
        {"def process(a, c): return 1",
         "{\"a\":1}",
         {"process() takes 'c', which input_mapping does not give"}},
        {"def process(a): return 1",
         "{\"a\":1,\"z\":2}",
         {"input_mapping gives 'z', which process() does not take"}},
        {"def process(): return {'a': [1, {2}]}",
         NULL,
         {"the result is of type set at '/a/1', which JSON cannot hold", "code.result"}},
        {"def process(): return float('nan')", NULL, {"the result is nan, which JSON"}},
        {"def process(): return '\\ud800'", NULL, {"half a surrogate pair"}},
        {"import sys\nsys.exit('too bad')", NULL, {"python3 ended with exit code 1: too bad"}},
        {"import os\nos._exit(7)", NULL, {"exit code 7", "\"exit_code\":7"}},
        {"print('no json')",
         NULL,
         {"the last line that python3 wrote is not JSON (line 1, column 1: expected a value, found "
          "'n'): no json"}},
        {"x = 1", NULL, {"python3 ended without a result", "code.no_result", "define process()"}},
        {"import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)",
         NULL,
         {"python3 was ended by SIGSEGV (signal 11)", "\"signal\":\"SIGSEGV\""}},
        {"import sys\nsys.setrecursionlimit(10**6)\nraise ValueError('\\x00\\ud800' * 3)",
         NULL,
         {"ValueError: "}},
    };
    check_failures("python", cases, COUNT(cases));
}

static void test_code__what_python_prints_cannot_break_the_result(void **state)
{
    (void)state;
    const char *end = run("python",
                          "import sys, os\n"
                          "def process():\n"
                          "    print('{\"value\": \"forged\"}')\n"
                          "    sys.stderr.write('to stderr\\n')\n"
                          "    sys.stdout.buffer.write(b'raw \\xff\\n')\n"
                          "    sys.stdin.read()\n"
                          "    os.system('echo from a child')\n"
                          "    return 'true'",
                          NULL, NULL);
    assert_string_equal(end, "done \"true\"");
    assert_has(logs(), "info {\"value\": \"forged\"}");
    assert_has(logs(), "info raw \xEF\xBF\xBD");
    assert_has(logs(), "warn to stderr");
    assert_has(logs(), "info from a child");
}

static void test_code__javascript_returns_what_process_returns(void **state)
{
    (void)state;
    if (!has_node()) {
        skip();
    }
    static const struct case_of_code cases[] = {
        {"function process(input_data) { return {output: input_data * 2}; }", "{\"input_data\":21}",
         "done {\"output\":42}"},
        {"function process(a, b = 3) { return [a, b]; }", "{\"a\":1}", "done [1,3]"},
        {"function process(a, b) { return [a, b]; }", "{\"b\":1,\"a\":2}", "done [2,1]"},
        {"const process = ({x, y}) => x + y;", "{\"x\":1,\"y\":2}", "done 3"},
        {"function process(data) { return data }", "{\"x\":1}", "done {\"x\":1}"},
        {"async function process(a) { await new Promise((r) => setTimeout(r, 5)); return a; }",
         "{\"a\":\"ü\"}", "done \"ü\""},
        {"function process() {}", NULL, "done null"},
        {"console.log('x'); console.log(JSON.stringify(inputs));", "{\"a\":1}", "done {\"a\":1}"},
        {"return [inputs.a, typeof require('fs').readFileSync];", "{\"a\":1}",
         "done [1,\"function\"]"},
        {"function process(a, b /* , c */, d = ',)') { return d; }", "{\"a\":1,\"b\":2}",
         "done \",)\""},
    };
    check_ends("javascript", cases, COUNT(cases));
}

static void test_code__javascript_failures_say_what_and_where(void **state)
{
    (void)state;
    if (!has_node()) {
        skip();
    }
    static const struct failing_code cases[] = {
        {"function process(a) {\n  return a.b.c;\n}",
         "{\"a\":{}}",
         {"TypeError: Cannot read properties of undefined", "(line 2 of the code)"}},
        {"let x = ;", NULL, {"SyntaxError: ", "(line 1 of the code)", "CONFIG"}},
        {"throw 'a text'", NULL, {"thrown: a text"}},
        {"async function process() {\n  throw new RangeError('late');\n}",
         NULL,
         {"RangeError: late (line 2"}},
        {"function process(a, c) {}", "{\"a\":1}", {"process() takes 'c', which"}},
        {"function process(a, b) {}", "{\"a\":1,\"b\":2,\"z\":1}", {"input_mapping gives 'z'"}},
        {"return {a: [new Set()]}", NULL, {"the result is a Set at '/a/0'", "code.result"}},
        {"return 1n", NULL, {"of type bigint"}},
        {"process.exit(3)", NULL, {"node ended with exit code 3"}},
        {"process.kill(process.pid, 'SIGABRT'); setTimeout(() => {}, 60000)",
         NULL,
         {"node was ended by SIGABRT (signal 6)"}},
        {"console.log('no json')", NULL, {"the last line that node wrote is not JSON"}},
    };
    check_failures("javascript", cases, COUNT(cases));
}

static void test_code__bash_gets_inputs_and_prints_json(void **state)
{
    (void)state;
    static const struct case_of_code cases[] = {
        {"echo \"[$a, $B, \\\"$text\\\", \\\"$none\\\"]\"",
         "{\"a\":1,\"B\":{\"x\":[2]},\"text\":\"ü y\",\"none\":null}",
         "done [1, {\"x\":[2]}, \"ü y\", \"\"]"},
        {"cat", "{\"z\":1,\"a\":[\"b\"]}", "done {\"z\":1,\"a\":[\"b\"]}"},
        {"cat", NULL, "done {}"},
        {"echo first; echo; echo 42; echo; echo", NULL, "done 42"},
        {"printf true", NULL, "done true"},
        {"echo \"$0 $#\" >&2; echo '${HOME} {{ x }}' >/dev/null; echo 1", NULL, "done 1"},
    };
    for (size_t i = 1; i < COUNT(cases); i++) {
        check_ends("bash", &cases[i], 1);
    }
    assert_string_equal(run("bash", cases[0].code, cases[0].inputs, NULL),
                        "done [1,{\"x\":[2]},\"ü y\",\"\"]");
}

static void test_code__bash_failures_keep_stderr(void **state)
{
    (void)state;
    static const struct failing_code cases[] = {
        {"echo one >&2; echo 'the reason' >&2; exit 3",
         NULL,
         {"bash ended with exit code 3: the reason", "one\\nthe reason\\n", "\"exit_code\":3"}},
        {"kill -KILL $$", NULL, {"bash was ended by SIGKILL (signal 9)"}},
        {"echo hello",
         NULL,
         {"the last line that bash wrote is not JSON (line 1, column 1: expected a value, found "
          "'h'): hello",
          "result: text"}},
        {"true", NULL, {"bash ended without a result"}},
        {"if", NULL, {"exit code 2", "syntax error"}},
        {"no-such-command-here", NULL, {"exit code 127: ", "command not found"}},
        {"printf '\\377\\376 bad' >&2; exit 1", NULL, {"\xEF\xBF\xBD\xEF\xBF\xBD bad"}},
    };
    check_failures("bash", cases, COUNT(cases));
}

static void test_code__text_and_none_are_results_too(void **state)
{
    (void)state;
    assert_string_equal(run("bash", "printf 'a\\nb\\n\\n'", NULL, ",\"result\":\"text\""),
                        "done \"a\\nb\"");
    assert_string_equal(run("bash", "printf '\\377'", NULL, ",\"result\":\"text\""),
                        "done \"\xEF\xBF\xBD\"");
    assert_string_equal(run("bash", "echo shown", NULL, ",\"result\":\"none\""), "done null");
    assert_has(logs(), "info shown;");
    assert_string_equal(run("bash", ":", NULL, ",\"result\":\"text\""), "done \"\"");
}

static void test_code__script_is_another_name(void **state)
{
    (void)state;
    assert_string_equal(
        rig_run(&rig, ++last_token, "code", "{\"language\":\"bash\",\"script\":\"echo 5\"}"),
        "done 5");
}

static void test_code__logs_all_lines_but_the_result(void **state)
{
    (void)state;
    assert_string_equal(run("bash", "echo 1; echo two; echo; echo three; echo 4", NULL, NULL),
                        "done 4");
    assert_string_equal(logs(), "info 1;info two;info three;");
}

static void test_code__large_and_odd_inputs_reach_bash(void **state)
{
    (void)state;
    size_t n = 300000;
    struct strbuf inputs = STRBUF_INIT;
    strbuf_append_text(&inputs,
                       "{\"small\":\"s\",\"nul\":\"a\\u0000b\",\"my-name\":1,\"large\":\"");
    for (size_t i = 0; i < n; i++) {
        strbuf_append_char(&inputs, 'x');
    }
    strbuf_append_text(&inputs, "\"}");
    assert_string_equal(
        run("bash", "echo \"[\\\"$small\\\", ${#large}, ${#nul}, $(wc -c)]\"", inputs.p, NULL),
        "done [\"s\",0,0,300054]");
    assert_has(logs(), "read it from the standard input");
    strbuf_finish(&inputs);
}

static void test_code__code_that_bash_cannot_take_is_refused(void **state)
{
    (void)state;
    size_t n = 140000;
    char *code = malloc(n + 1);
    assert_non_null(code);
    memset(code, '#', n);
    code[n] = '\0';
    const char *end = run("bash", code, NULL, NULL);
    assert_has(end, "longer than 131,071 bytes");
    assert_has(end, "CONFIG");
    code[0] = '1';
    assert_has(run("python", code, NULL, NULL), "without a result"); /* it goes another way */
    free(code);
    assert_has(
        rig_run(&rig, ++last_token, "code", "{\"language\":\"bash\",\"code\":\"echo \\u0000\"}"),
        "the code has a NUL byte");
}

static void test_code__output_over_the_limit_ends_it(void **state)
{
    (void)state;
    rig.output_bytes = 100000;
    const char *end = run("bash", "yes", NULL, NULL);
    rig.output_bytes = 0;
    assert_has(end, "RESOURCE");
    assert_has(end, "bash was killed at its limit of 100 KB of output");
    assert_has(end, "code.output_limit");
}

static void test_code__what_is_said_badly_is_left_out(void **state)
{
    (void)state;
    const char *end = run("bash",
                          "echo '{\"error\": {\"code\": 5, \"message\": 9, \"retry\": \"perhaps\", "
                          "\"retry_after\": \"soon\", \"effect\": [1]}}'; exit 6",
                          NULL, NULL);
    assert_has(end, "\"code\":\"UPSTREAM\"");
    assert_has(end, "bash ended with exit code 6");
    assert_has(end, "\"retry\":\"default\"");
    assert_has(end, "\"effect\":\"maybe\"");
    assert_null(strstr(end, "retry_after"));
    end = run("bash", "echo '{\"error\": {\"code\": \"AUTH\"}'; exit 6", NULL, NULL);
    assert_has(end, "\"code\":\"UPSTREAM\""); /* no JSON: a bracket is missing */
}

static void test_code__memory_that_was_only_used_is_no_limit(void **state)
{
    (void)state;
    rig.memory_bytes = 64u << 20;
    const char *end = run("python",
                          "def process():\n    a = bytearray(52 << 20)\n"
                          "    a[::4096] = b'x' * len(a[::4096])\n    raise KeyError('k')",
                          NULL, NULL);
    rig.memory_bytes = 0;
    assert_has(end, "KeyError: 'k'");
    assert_has(end, "code.exception");
}

static void test_code__huge_errors_keep_their_end(void **state)
{
    (void)state;
    const char *end =
        run("bash", "for i in {1..20000}; do echo line $i; done >&2; exit 1", NULL, NULL);
    assert_has(end, "exit code 1: line 20000");
    assert_has(end, "line 19999\\nline 20000\\n");
    assert_null(strstr(end, "line 10000\\n"));
}

static void test_code__memory_over_the_limit_is_named(void **state)
{
    (void)state;
    rig.memory_bytes = 200u << 20;
    const char *end = run("python",
                          "def process():\n    a = bytearray(185 << 20)\n"
                          "    return len(bytearray(185 << 20))",
                          NULL, NULL);
    rig.memory_bytes = 0;
    assert_has(end, "failed");
    assert_has(end, "MemoryError");
}

static long number_in_logs(void)
{
    const char *at = strstr(logs(), "info ");
    assert_non_null(at);
    return strtol(at + 5, NULL, 10);
}

static void assert_gone(long pid)
{
    assert_true(pid > 1);
    int pidfd = pidfd_open((pid_t)pid, 0);
    if (pidfd < 0) {
        assert_int_equal(errno, ESRCH);
        return;
    }
    struct pollfd gone = {.fd = pidfd, .events = POLLIN};
    assert_int_equal(poll(&gone, 1, 120000), 1);
    assert_int_equal(close(pidfd), 0);
}

static void test_code__wall_limit_kills_grandchildren(void **state)
{
    (void)state;
    const char *end = "";
    /* A busy machine may not have begun by then: it has more time, then. */
    for (rig.wall_ms = 500; rig.wall_ms < 60000; rig.wall_ms *= 4) {
        end = run("bash", "sleep 60 & echo $!; echo x; wait", NULL, NULL);
        if (rig.tasks[last_token].logs.n > 0) {
            break;
        }
    }
    rig.wall_ms = 0;
    assert_has(end, "TIMEOUT");
    assert_has(end, "bash was killed at its limit of ");
    assert_has(end, " by the clock");
    assert_has(end, "code.wall_limit");
    assert_gone(number_in_logs());
}

/* Turns the loop until the task has logged its first line. */
static void wait_for_log(void)
{
    for (int i = 0; i < 12000 && rig.tasks[last_token].logs.n == 0; i++) {
        rig_turn(&rig, 10);
    }
    assert_true(rig.tasks[last_token].logs.n > 0);
}

static void test_code__cancel_and_time_out_end_it(void **state)
{
    (void)state;
    static const struct {
        enum host_cancel_reason reason;
        const char *code;
        const char *message;
    } cases[] = {
        {HOST_CANCEL_REQUESTED, "CANCELLED", "bash was ended by a cancel"},
        {HOST_CANCEL_TIMEOUT, "TIMEOUT", "bash did not end in time and was killed"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        start("bash", "sleep 60 & echo $!; echo x; wait", NULL, NULL);
        wait_for_log();
        host_task_cancel(rig.host, rig.tasks[last_token].handle, cases[i].reason);
        const char *end = rig_wait(&rig, last_token);
        assert_has(end, cases[i].code);
        assert_has(end, cases[i].message);
        assert_gone(number_in_logs());
    }
}

static void test_code__killing_does_not_wait(void **state)
{
    (void)state;
    start("bash", "trap '' TERM; echo $$; echo x; while :; do sleep 60; done", NULL, NULL);
    wait_for_log();
    host_task_kill(rig.host, rig.tasks[last_token].handle, HOST_CANCEL_REQUESTED);
    assert_has(rig_wait(&rig, last_token), "CANCELLED");
    assert_gone(number_in_logs());
}

static void test_code__a_missing_interpreter_is_named(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"python", "apt install python3"},
        {"javascript", "apt install nodejs"},
        {"bash", "apt install bash"},
    };
    char *before = strdup(getenv("PATH"));
    assert_non_null(before);
    assert_int_equal(setenv("PATH", "/var/empty", 1), 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *end = run(cases[i][0], "1", NULL, NULL);
        assert_has(end, "NOT_FOUND");
        assert_has(end, "could not be started: ");
        assert_has(end, cases[i][1]);
    }
    assert_int_equal(setenv("PATH", before, 1), 0);
    free(before);
}

static void test_code__many_run_at_once(void **state)
{
    (void)state;
    uint64_t first = last_token + 1;
    for (int i = 0; i < 20; i++) {
        start("bash", "echo $i", "{\"i\":7}", NULL);
    }
    for (uint64_t token = first; token < first + 20; token++) {
        assert_string_equal(rig_wait(&rig, token), "done 7");
    }
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
        cmocka_unit_test(test_code__python_returns_what_process_returns),
        cmocka_unit_test(test_code__python_failures_say_what_and_where),
        cmocka_unit_test(test_code__what_python_prints_cannot_break_the_result),
        cmocka_unit_test(test_code__javascript_returns_what_process_returns),
        cmocka_unit_test(test_code__javascript_failures_say_what_and_where),
        cmocka_unit_test(test_code__bash_gets_inputs_and_prints_json),
        cmocka_unit_test(test_code__bash_failures_keep_stderr),
        cmocka_unit_test(test_code__text_and_none_are_results_too),
        cmocka_unit_test(test_code__script_is_another_name),
        cmocka_unit_test(test_code__logs_all_lines_but_the_result),
        cmocka_unit_test(test_code__large_and_odd_inputs_reach_bash),
        cmocka_unit_test(test_code__code_that_bash_cannot_take_is_refused),
        cmocka_unit_test(test_code__output_over_the_limit_ends_it),
        cmocka_unit_test(test_code__what_is_said_badly_is_left_out),
        cmocka_unit_test(test_code__memory_that_was_only_used_is_no_limit),
        cmocka_unit_test(test_code__huge_errors_keep_their_end),
        cmocka_unit_test(test_code__memory_over_the_limit_is_named),
        cmocka_unit_test(test_code__wall_limit_kills_grandchildren),
        cmocka_unit_test(test_code__cancel_and_time_out_end_it),
        cmocka_unit_test(test_code__killing_does_not_wait),
        cmocka_unit_test(test_code__a_missing_interpreter_is_named),
        cmocka_unit_test(test_code__many_run_at_once),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
