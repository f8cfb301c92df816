/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/probe_result.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/host/probe_stack.h"
#include "tests/support/scratch_folder.h"

static struct scratch_folder scratch;
static char path[300];

static int make_folder(void **state)
{
    (void)state;
    scratch_folder_make(&scratch);
    (void)snprintf(path, sizeof path, "%s/abc.json", scratch.path);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    scratch_folder_remove(&scratch);
    return 0;
}

static void write_one(void)
{
    struct probe_result result = {.outcome = PROBE_CRASHED,
                                  .stage = PROBE_INIT,
                                  .signal = SIGSEGV,
                                  .tried_unix_ms = 1234567890123};
    strbuf_append_text(&result.version, "9.8.7");
    strbuf_append_text(&result.file, "/a/b.so");
    strbuf_append_text(&result.stack, "b.so+0x10\nlibc.so.6+0x20");
    strbuf_append_text(&result.output, "said \"so\"\n");
    assert_int_equal(probe_result_write(scratch.path, "abc", &result), 0);
    probe_result_finish(&result);
}

static void test_probe_result__is_read_as_it_was_written(void **state)
{
    struct probe_result result = PROBE_RESULT_INIT;
    (void)state;
    write_one();
    assert_true(probe_result_read(scratch.path, "abc", &result));
    assert_int_equal(result.outcome, PROBE_CRASHED);
    assert_int_equal(result.stage, PROBE_INIT);
    assert_int_equal(result.signal, SIGSEGV);
    assert_int_equal(result.tried_unix_ms, 1234567890123);
    assert_string_equal(result.version.p, "9.8.7");
    assert_string_equal(result.file.p, "/a/b.so");
    assert_string_equal(result.stack.p, "b.so+0x10\nlibc.so.6+0x20");
    assert_string_equal(result.output.p, "said \"so\"\n");
    probe_result_finish(&result);
    assert_true(probe_result_remove(scratch.path, "abc"));
    assert_false(probe_result_remove(scratch.path, "abc"));
    assert_false(probe_result_read(scratch.path, "abc", &result));
}

static size_t read_text(char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, out, size - 1);
    assert_true(fd >= 0 && n > 0);
    (void)close(fd);
    out[n] = '\0';
    return (size_t)n;
}

static void write_text(const char *text, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, text, n), n);
    assert_int_equal(close(fd), 0);
}

static void expect_none(void)
{
    struct probe_result result = PROBE_RESULT_INIT;
    assert_false(probe_result_read(scratch.path, "abc", &result));
    assert_null(result.stack.p);
}

static void test_probe_result__damage_makes_it_none(void **state)
{
    static char text[4096];
    (void)state;
    write_one();
    size_t n = read_text(text, sizeof text);
    for (size_t cut = 0; cut < n - 2; cut++) { /* the last two: the bracket and the line end */
        write_text(text, cut);
        expect_none();
    }
}

static void replace(const char *from, const char *to)
{
    static char text[4096];
    static char other[4096];
    write_one();
    (void)read_text(text, sizeof text);
    const char *at = strstr(text, from);
    if (at == NULL) {
        fail_msg("'%s' is not in '%s'", from, text);
    }
    int n =
        snprintf(other, sizeof other, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    write_text(other, (size_t)n);
}

static void test_probe_result__what_is_not_of_this_build_or_odd_is_none(void **state)
{
    struct probe_result result = PROBE_RESULT_INIT;
    (void)state;
    replace("\"host\": \"", "\"host\": \"0");
    expect_none();
    replace("\"format\": 2", "\"format\": 1");
    expect_none();
    replace("\"crashed\"", "\"sang\"");
    expect_none();
    replace("\"init\"", "\"finit\"");
    expect_none();
    replace("\"signal\": 11", "\"signal\": -11");
    expect_none();
    replace("\"signal\": 11", "\"signal\": 1000");
    expect_none();
    replace("\"stack\": \"", "\"stock\": \"");
    expect_none();
    replace("crashed", "crashed"); /* the same: else none of the above shows anything */
    assert_true(probe_result_read(scratch.path, "abc", &result));
    probe_result_finish(&result);
    assert_int_equal(chmod(path, 0602), 0);
    expect_none();
}

static void expect_text(const struct probe_result *result, const char *wanted)
{
    struct strbuf text = STRBUF_INIT;
    probe_result_append_text(result, &text);
    assert_string_equal(text.p, wanted);
    strbuf_finish(&text);
}

static void test_probe_result__says_what_happened(void **state)
{
    (void)state;
    expect_text(&(struct probe_result){.outcome = PROBE_PASSED}, "passed");
    expect_text(
        &(struct probe_result){.outcome = PROBE_CRASHED, .stage = PROBE_DLOPEN, .signal = 6},
        "crashed in dlopen with SIGABRT");
    expect_text(&(struct probe_result){.outcome = PROBE_CRASHED, .stage = PROBE_EXIT, .signal = 99},
                "crashed in exit with signal 99");
    expect_text(
        &(struct probe_result){.outcome = PROBE_EXITED, .stage = PROBE_INIT, .exit_code = 3},
        "ended the process with code 3 in init");
    expect_text(
        &(struct probe_result){.outcome = PROBE_HUNG, .stage = PROBE_INIT, .limit_ms = 5000},
        "hung in init: killed after 5 s");
    struct probe_result refused = {.outcome = PROBE_REFUSED, .stage = PROBE_INIT};
    strbuf_append_text(&refused.message, "no licence");
    expect_text(&refused, "refused in init (no licence)");
    probe_result_finish(&refused);
}

/* ---- Stacks ---- */

static void expect_stack(const char *maps, uint64_t address, const char *wanted)
{
    struct strbuf text = STRBUF_INIT;
    const struct probe_stack stack = {.addresses = &address,
                                      .count = 1,
                                      .maps = str_from(maps),
                                      .file = "/copies/12.so",
                                      .shown = "/plugins/bad.so"};
    probe_stack_append(&stack, &text);
    assert_string_equal(text.p, wanted);
    strbuf_finish(&text);
}

static void test_probe_stack__addresses_are_named_by_file(void **state)
{
    static const char maps[] = "1000-2000 r--p 00000000 08:01 5    /copies/12.so\n"
                               "2000-3000 r-xp 00001000 08:01 5    /copies/12.so\n"
                               "5000-6000 r-xp 00000000 08:01 6    /lib/x\x1b.so (deleted)\n"
                               "7000-8000 rw-p 00000000 00:00 0    [heap]\n"
                               "9000-a000 rw-p 00000000 00:00 0\n";
    (void)state;
    expect_stack(maps, 0x2010, "bad.so+0x1010");
    expect_stack(maps, 0x5001, "x?.so (deleted)+0x1");
    expect_stack(maps, 0x7001, "0x7001");
    expect_stack(maps, 0x4000, "0x4000");
    expect_stack(maps, 0, "0x0");
}

static void test_probe_stack__odd_maps_break_nothing(void **state)
{
    static const char *const odd[] = {"",
                                      "\n\n\n",
                                      "-",
                                      "1-",
                                      "zz-zz /a",
                                      "1-2 /",
                                      "ffffffffffffffffff-1",
                                      "1000-2000 r-xp /a",
                                      "1000"};
    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        expect_stack(odd[i], 0x9999, "0x9999");
    }
    expect_stack("1000-2000 r-xp 0 0 0 /a/b", 0x1fff, "b+0xfff");
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_probe_result__is_read_as_it_was_written),
        IN_FOLDER(test_probe_result__damage_makes_it_none),
        IN_FOLDER(test_probe_result__what_is_not_of_this_build_or_odd_is_none),
        cmocka_unit_test(test_probe_result__says_what_happened),
        cmocka_unit_test(test_probe_stack__addresses_are_named_by_file),
        cmocka_unit_test(test_probe_stack__odd_maps_break_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
