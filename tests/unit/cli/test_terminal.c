/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/cli/command.h"
#include "core/cli/terminal.h"
#include "core/value/value.h"
#include "tests/unit/cli/capture.h"
#include "tests/unit/cli/pipeline_fixture.h"

const struct command *const command_table[] = {NULL};

static void check_safe(struct str text, const char *wanted)
{
    struct strbuf out = STRBUF_INIT;
    terminal_append_safe(&out, text);
    assert_string_equal(strbuf_str(&out).p, wanted);
    strbuf_finish(&out);
}

static void test_terminal__text_cannot_steer_it(void **state)
{
    (void)state;
    check_safe(STR(""), "");
    check_safe(STR("plain \xC3\xA9 \xE6\xBC\xA2 \xF0\x9F\x98\x80"),
               "plain \xC3\xA9 \xE6\xBC\xA2 \xF0\x9F\x98\x80");
    check_safe(STR("\033[2Jgone"), "\\x1b[2Jgone");
    check_safe(STR("bell\a back\b null\0 del\x7F"), "bell\\x07 back\\x08 null\\x00 del\\x7f");
    check_safe(STR("a\nb\rc"), "a\\nb\\rc");
    check_safe(STR("csi \xC2\x9B"
                   "31m"),
               "csi \\u009b31m");
    check_safe(STR("bidi \xE2\x80\xAE"
                   "cod"),
               "bidi \\u202ecod");
    check_safe(STR("isolate \xE2\x81\xA6x"), "isolate \\u2066x");
    check_safe(STR("bad \xFF\xC3"), "bad \\xff\\xc3");
}

static void test_terminal__a_tab_becomes_spaces(void **state)
{
    (void)state;
    check_safe(STR("\ta\t\tb\t"), "    a        b    ");
}

static void test_terminal__an_expression_takes_one_line(void **state)
{
    (void)state;
    struct strbuf out = STRBUF_INIT;
    terminal_append_line(&out, STR("{\n  'a':  acc.a,\r\n\t'b': \"x\\n\"\n} \n"));
    assert_string_equal(strbuf_str(&out).p, "{ 'a':  acc.a, 'b': \"x\\n\" }");
    strbuf_clear(&out);
    terminal_append_line(&out, STR("\n\n"));
    terminal_append_line(&out, STR("no\tbreak \033[2J"));
    assert_string_equal(strbuf_str(&out).p, "no    break \\x1b[2J");
    strbuf_finish(&out);
}

static void test_terminal__json_for_people_cannot_steer_it(void **state)
{
    (void)state;
    cleanup_document struct document *document =
        fixture_json("{\"a\":\"\\u009b31m\",\"b\":[\"\\u202e\",\"\\u001b\"]}");
    struct strbuf out = STRBUF_INIT;
    terminal_append_json(&out, document_root(document), JSON_PRETTY);
    assert_string_equal(strbuf_str(&out).p, "{\n  \"a\": \"\\u009b31m\",\n  \"b\": [\n"
                                            "    \"\\u202e\",\n    \"\\u001b\"\n  ]\n}");
    strbuf_finish(&out);
}

static void test_terminal__wide_characters_take_two_columns(void **state)
{
    (void)state;
    assert_int_equal(terminal_width(STR("")), 0);
    assert_int_equal(terminal_width(STR("abc")), 3);
    assert_int_equal(terminal_width(STR("\xE6\xBC\xA2\xE5\xAD\x97")), 4);
    assert_int_equal(terminal_width(STR("\xF0\x9F\x98\x80")), 2);
    assert_int_equal(terminal_width(STR("e\xCC\x81")), 1);
    assert_int_equal(terminal_width(STR("\xFF\xFE")), 2);
}

static void test_terminal__fit_never_splits_a_character(void **state)
{
    (void)state;
    struct str wide = STR("a\xE6\xBC\xA2\xE5\xAD\x97");
    assert_int_equal(terminal_fit(wide, 0), 0);
    assert_int_equal(terminal_fit(wide, 1), 1);
    assert_int_equal(terminal_fit(wide, 2), 1);
    assert_int_equal(terminal_fit(wide, 3), 4);
    assert_int_equal(terminal_fit(wide, 4), 4);
    assert_int_equal(terminal_fit(wide, 5), 7);
    assert_int_equal(terminal_fit(wide, 99), 7);
    assert_int_equal(terminal_fit(STR("e\xCC\x81x"), 1), 3);
}

static void test_terminal__colour_only_when_asked_for(void **state)
{
    (void)state;
    struct strbuf out = STRBUF_INIT;
    terminal_append_color(&out, false, COLOR_RED, STR("a"));
    terminal_append_color(&out, true, COLOR_NONE, STR("b"));
    terminal_append_color(&out, true, COLOR_RED, STR("c"));
    assert_string_equal(out.p, "ab\033[31mc\033[0m");
    strbuf_finish(&out);
}

static void test_terminal__a_file_is_none(void **state)
{
    (void)state;
    struct capture capture;
    capture_begin(&capture, STDOUT_FILENO);
    (void)setenv("TERM", "xterm", 1);
    bool is_live = terminal_is_live(STDOUT_FILENO);
    bool has_color = terminal_has_color(STDOUT_FILENO);
    struct terminal_size size = terminal_size(STDOUT_FILENO);
    free(capture_end(&capture));
    assert_false(is_live);
    assert_false(has_color);
    assert_int_equal(size.rows, 24);
    assert_int_equal(size.columns, 80);
}

static void check_terminal(const char *term, const char *no_color, bool is_live, bool has_color)
{
    int leader = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(leader >= 0 && grantpt(leader) == 0 && unlockpt(leader) == 0);
    int fd = open(ptsname(leader), O_RDWR | O_NOCTTY);
    assert_true(fd >= 0);
    assert_int_equal(term != NULL ? setenv("TERM", term, 1) : unsetenv("TERM"), 0);
    assert_int_equal(no_color != NULL ? setenv("NO_COLOR", no_color, 1) : unsetenv("NO_COLOR"), 0);
    assert_int_equal(terminal_is_live(fd), is_live);
    assert_int_equal(terminal_has_color(fd), has_color);
    (void)close(fd);
    (void)close(leader);
}

static void test_terminal__obeys_term_and_no_color(void **state)
{
    (void)state;
    check_terminal("xterm", NULL, true, true);
    check_terminal("xterm", "", true, true);
    check_terminal("xterm", "1", true, false);
    check_terminal("dumb", NULL, false, false);
    check_terminal("", NULL, false, false);
    check_terminal(NULL, NULL, false, false);
}

static void test_terminal__output_that_cannot_be_written_is_told(void **state)
{
    (void)state;
    struct capture out;
    struct capture err;
    capture_begin(&err, STDERR_FILENO);
    capture_begin(&out, STDOUT_FILENO);
    int full = open("/dev/full", O_WRONLY);
    assert_true(dup2(full, STDOUT_FILENO) >= 0);
    int code = terminal_write_stdout(STR("text"));
    (void)close(full);
    free(capture_end(&out));
    char *said = capture_end(&err);
    assert_int_equal(code, EXIT_STATE);
    assert_string_equal(said, "opstream: cannot write the output: No space left on device\n");
    free(said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terminal__text_cannot_steer_it),
        cmocka_unit_test(test_terminal__a_tab_becomes_spaces),
        cmocka_unit_test(test_terminal__an_expression_takes_one_line),
        cmocka_unit_test(test_terminal__json_for_people_cannot_steer_it),
        cmocka_unit_test(test_terminal__wide_characters_take_two_columns),
        cmocka_unit_test(test_terminal__fit_never_splits_a_character),
        cmocka_unit_test(test_terminal__colour_only_when_asked_for),
        cmocka_unit_test(test_terminal__a_file_is_none),
        cmocka_unit_test(test_terminal__obeys_term_and_no_color),
        cmocka_unit_test(test_terminal__output_that_cannot_be_written_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
