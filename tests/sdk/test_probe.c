/* SPDX-License-Identifier: Apache-2.0 */

/* Plugins that crash, end, hang and worse, tried by the real opstream-plugin-host. */

#include "core/host/probe.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/module.h"
#include "core/host/probe_result.h"
#include "tests/sdk/deadly_file.h"
#include "tests/support/scratch_folder.h"

/* A slow machine must not make a hang of what is none; what hangs waits for less. */
enum { PATIENT_MS = 60000, SHORT_MS = 700 };

static struct scratch_folder scratch;

static int make_folder(void **state)
{
    (void)state;
    scratch_folder_make(&scratch);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    scratch_folder_remove(&scratch);
    return 0;
}

static int try_file(const char *path, int64_t limit_ms, struct probe_result *out, struct error *err)
{
    const char *folder = NULL;
    assert_int_equal(module_folder(&folder, NULL), 0);
    const struct probe_spec spec = {.folder = folder,
                                    .file = path,
                                    .shown = "/somewhere/bad.so",
                                    .limit_ms = limit_ms,
                                    .now_unix_ms = 1700000000000,
                                    .stop_fd = -1};
    return probe_run(&spec, out, err);
}

static void try_wish(const char *wish, int64_t limit_ms, struct probe_result *out)
{
    char path[512];
    struct error err = {0};
    deadly_file_make(scratch.path, "deadly", wish, path);
    if (try_file(path, limit_ms, out, &err) != 0) {
        fail_msg("'%s': %s", wish, err.message);
    }
}

struct expected {
    const char *wish;
    enum probe_outcome outcome;
    enum probe_stage stage;
    int number; /* of the signal, or the exit code */
};

static void expect(const struct expected *wanted, int64_t limit_ms)
{
    struct probe_result result = PROBE_RESULT_INIT;
    struct strbuf text = STRBUF_INIT;
    try_wish(wanted->wish, limit_ms, &result);
    probe_result_append_text(&result, &text);
    int number = result.outcome == PROBE_CRASHED  ? result.signal
                 : result.outcome == PROBE_EXITED ? result.exit_code
                                                  : 0;
    if (result.outcome != wanted->outcome || result.stage != wanted->stage ||
        number != wanted->number) {
        fail_msg("'%s': %s\n%s\n%s", wanted->wish, text.p, result.stack.p, result.output.p);
    }
    assert_int_equal(result.tried_unix_ms, 1700000000000);
    strbuf_finish(&text);
    probe_result_finish(&result);
}

static void test_probe__a_good_plugin_passes(void **state)
{
    struct probe_result result = PROBE_RESULT_INIT;
    (void)state;
    try_wish("none:nothing", PATIENT_MS, &result);
    assert_int_equal(result.outcome, PROBE_PASSED);
    assert_int_equal(result.stage, PROBE_EXIT);
    assert_int_equal(result.stack.n, 0);
    assert_int_equal(result.output.n, 0);
    assert_string_equal(result.file.p, "/somewhere/bad.so");
    probe_result_finish(&result);
}

static void test_probe__crashes_are_known_by_stage_and_signal(void **state)
{
    static const struct expected rows[] = {
        {"dlopen:segv", PROBE_CRASHED, PROBE_DLOPEN, SIGSEGV},
        {"dlopen:abort", PROBE_CRASHED, PROBE_DLOPEN, SIGABRT},
        {"dlopen:kill", PROBE_CRASHED, PROBE_DLOPEN, SIGKILL},
        {"init:segv", PROBE_CRASHED, PROBE_INIT, SIGSEGV},
        {"init:overflow", PROBE_CRASHED, PROBE_INIT, SIGSEGV},
        {"init:crashing", PROBE_CRASHED, PROBE_INIT, SIGSEGV},
        {"create:abort", PROBE_CRASHED, PROBE_CREATE, SIGABRT},
        {"destroy:segv", PROBE_CRASHED, PROBE_DESTROY, SIGSEGV},
        {"shutdown:kill", PROBE_CRASHED, PROBE_SHUTDOWN, SIGKILL},
        {"exit:segv", PROBE_CRASHED, PROBE_EXIT, SIGSEGV},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect(&rows[i], PATIENT_MS);
    }
}

static void test_probe__code_that_ends_the_process_is_no_good_plugin(void **state)
{
    static const struct expected rows[] = {
        {"dlopen:exit", PROBE_EXITED, PROBE_DLOPEN, 3},
        {"dlopen:_exit", PROBE_EXITED, PROBE_DLOPEN, 0},
        {"init:_exit", PROBE_EXITED, PROBE_INIT, 0},
        {"shutdown:exit", PROBE_EXITED, PROBE_SHUTDOWN, 3},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect(&rows[i], PATIENT_MS);
    }
}

static void test_probe__what_hangs_is_killed(void **state)
{
    static const struct expected rows[] = {
        {"dlopen:hang", PROBE_HUNG, PROBE_DLOPEN, 0},
        {"init:hang", PROBE_HUNG, PROBE_INIT, 0},
        {"init:deaf", PROBE_HUNG, PROBE_INIT, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t start_ns = clock_monotonic_ns();
        expect(&rows[i], SHORT_MS);
        assert_true(clock_monotonic_ns() - start_ns < (int64_t)60 * 1000000000);
    }
}

static void test_probe__threads_and_output_are_no_fault(void **state)
{
    static const struct expected rows[] = {
        {"dlopen:thread", PROBE_PASSED, PROBE_EXIT, 0},
        {"dlopen:write", PROBE_PASSED, PROBE_EXIT, 0},
        {"create:refuse", PROBE_PASSED, PROBE_EXIT, 0},
    };
    struct probe_result result = PROBE_RESULT_INIT;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect(&rows[i], PATIENT_MS);
    }
    try_wish("init:say", PATIENT_MS, &result);
    assert_int_equal(result.outcome, PROBE_PASSED);
    assert_string_equal(result.output.p, "hello? from inside\n");
    probe_result_finish(&result);
    try_wish("dlopen:write", PATIENT_MS, &result);
    assert_int_equal(result.output.n, PROBE_OUTPUT_BYTES);
    probe_result_finish(&result);
}

/* How many processes have the mark of a probe of ours in their environment. */
static int count_left(void)
{
    char wanted[64];
    char path[300];
    static char text[65536];
    int count = 0;
    (void)snprintf(wanted, sizeof wanted, "OPSTREAM_PROBE=%ld-", (long)getpid());
    DIR *processes = opendir("/proc");
    assert_non_null(processes);
    const struct dirent *entry = NULL;
    while ((entry = readdir(processes)) != NULL) {
        (void)snprintf(path, sizeof path, "/proc/%s/environ", entry->d_name);
        FILE *file = fopen(path, "re");
        size_t n = file != NULL ? fread(text, 1, sizeof text, file) : 0;
        count += memmem(text, n, wanted, strlen(wanted)) != NULL ? 1 : 0;
        if (file != NULL) {
            (void)fclose(file);
        }
    }
    (void)closedir(processes);
    return count;
}

static void test_probe__nothing_that_was_started_is_left(void **state)
{
    static const struct expected row = {"init:fork", PROBE_PASSED, PROBE_EXIT, 0};
    (void)state;
    expect(&row, PATIENT_MS);
    assert_int_equal(count_left(), 0);
}

/* Who says that all is well, and ends well, is as good as one that is: but nothing breaks. */
static void test_probe__a_forged_report_breaks_nothing(void **state)
{
    static const struct expected row = {"init:lie", PROBE_PASSED, PROBE_EXIT, 0};
    (void)state;
    expect(&row, PATIENT_MS);
}

static void assert_stack(const char *wish, int64_t limit_ms, const char *wanted)
{
    struct probe_result result = PROBE_RESULT_INIT;
    try_wish(wish, limit_ms, &result);
    struct str stack = strbuf_str(&result.stack);
    if (memmem(stack.p, stack.n, wanted, strlen(wanted)) == NULL) {
        fail_msg("'%s': '%s' is not in '%.*s'", wish, wanted, STR_ARG(stack));
    }
    probe_result_finish(&result);
}

static void test_probe__a_stack_names_file_offset_and_build(void **state)
{
    (void)state;
    assert_stack("init:segv", PATIENT_MS, "bad.so+0x");
    assert_stack("init:segv", PATIENT_MS, " (build-id ");
    assert_stack("init:segv", PATIENT_MS, "\nopstream-plugin-host+0x");
    assert_stack("init:overflow", PATIENT_MS, "bad.so+0x");
    assert_stack("init:crashing", PATIENT_MS, "bad.so+0x");
    assert_stack("dlopen:hang", SHORT_MS, "bad.so+0x");
}

static void test_probe__a_proper_refusal_is_kept_with_its_words(void **state)
{
    struct probe_result result = PROBE_RESULT_INIT;
    struct error err = {0};
    char path[512];
    (void)state;
    deadly_file_make(scratch.path, "deadly", "init:refuse", path);
    assert_int_equal(try_file(path, PATIENT_MS, &result, &err), 0);
    assert_int_equal(result.outcome, PROBE_REFUSED);
    assert_int_equal(result.stage, PROBE_INIT);
    assert_string_equal(result.message.p, "init() failed with AUTH: no licence was found");
    probe_result_finish(&result);
    assert_int_equal(try_file("/nowhere/bad.so", PATIENT_MS, &result, &err), E_NOT_FOUND);
    probe_result_finish(&result);
}

static void test_probe__without_its_programs_nothing_is_tried(void **state)
{
    struct probe_result result = PROBE_RESULT_INIT;
    struct error err = {0};
    (void)state;
    const struct probe_spec spec = {
        .folder = scratch.path, .file = "x", .shown = "x", .limit_ms = 1, .stop_fd = -1};
    assert_int_equal(probe_run(&spec, &result, &err), E_NOT_FOUND);
    assert_non_null(strstr(err.message, "opstream-plugin-host is missing at '"));
    assert_non_null(strstr(err.message, "/opstream-plugin-host': install the package opstream"));
}

static void test_probe__one_that_does_not_answer_is_of_another_build(void **state)
{
    struct probe_result result = PROBE_RESULT_INIT;
    struct error err = {0};
    const char *folder = NULL;
    char from[512];
    char to[512];
    (void)state;
    assert_int_equal(module_folder(&folder, NULL), 0);
    (void)snprintf(from, sizeof from, "%s/opstream-exec", folder);
    (void)snprintf(to, sizeof to, "%s/opstream-exec", scratch.path);
    assert_int_equal(symlink(from, to), 0);
    (void)snprintf(to, sizeof to, "%s/opstream-plugin-host", scratch.path);
    assert_int_equal(symlink("/bin/true", to), 0);
    const struct probe_spec spec = {
        .folder = scratch.path, .file = "x", .shown = "x", .limit_ms = PATIENT_MS, .stop_fd = -1};
    assert_int_equal(probe_run(&spec, &result, &err), E_VERSION);
    assert_string_equal(err.message,
                        "opstream-plugin-host does not answer, or is of another build than this "
                        "program: install both from one package");
}

static void test_probe__can_be_stopped(void **state)
{
    struct probe_result result = PROBE_RESULT_INIT;
    struct error err = {0};
    const char *folder = NULL;
    char path[512];
    (void)state;
    assert_int_equal(module_folder(&folder, NULL), 0);
    deadly_file_make(scratch.path, "deadly", "init:hang", path);
    int stop = eventfd(1, EFD_CLOEXEC);
    const struct probe_spec spec = {
        .folder = folder, .file = path, .shown = path, .limit_ms = PATIENT_MS, .stop_fd = stop};
    assert_int_equal(probe_run(&spec, &result, &err), E_CANCELED);
    assert_int_equal(count_left(), 0);
    (void)close(stop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probe__a_good_plugin_passes),
        cmocka_unit_test(test_probe__crashes_are_known_by_stage_and_signal),
        cmocka_unit_test(test_probe__code_that_ends_the_process_is_no_good_plugin),
        cmocka_unit_test(test_probe__what_hangs_is_killed),
        cmocka_unit_test(test_probe__threads_and_output_are_no_fault),
        cmocka_unit_test(test_probe__nothing_that_was_started_is_left),
        cmocka_unit_test(test_probe__a_forged_report_breaks_nothing),
        cmocka_unit_test(test_probe__a_stack_names_file_offset_and_build),
        cmocka_unit_test(test_probe__a_proper_refusal_is_kept_with_its_words),
        cmocka_unit_test(test_probe__without_its_programs_nothing_is_tried),
        cmocka_unit_test(test_probe__one_that_does_not_answer_is_of_another_build),
        cmocka_unit_test(test_probe__can_be_stopped),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
