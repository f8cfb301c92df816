/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/loop/engine_log.h"
#include "core/loop/state_folder.h"
#include "tests/support/scratch_folder.h"

static struct scratch_folder scratch;
static struct state_folder *folder;

static int set_up(void **state)
{
    (void)state;
    scratch_folder_make(&scratch);
    struct state_folder_options options = {.path = scratch.path};
    assert_int_equal(state_folder_open(&options, &folder, NULL), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    state_folder_close(folder);
    scratch_folder_remove(&scratch);
    return 0;
}

static void write_text(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static int64_t size_of(enum state_file file)
{
    struct stat st;
    if (lstat(state_folder_file(folder, file), &st) != 0) {
        return -1;
    }
    assert_int_equal(st.st_mode & 07777, 0600);
    return st.st_size;
}

static int must_open(void)
{
    int fd = -1;
    struct error err = {0};
    int status = engine_log_open(folder, &fd, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(status, 0);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    return fd;
}

/* A file with holes is as long as a written one. */
static void make_long(int fd, int64_t size)
{
    assert_int_equal(ftruncate(fd, size), 0);
}

static void test_engine_log__is_appended_to(void **state)
{
    (void)state;
    int first = must_open();
    write_text(first, "one\n");
    int second = must_open();
    write_text(second, "two\n");
    write_text(first, "three\n");
    assert_int_equal(size_of(STATE_FILE_LOG), 14);
    assert_int_equal(size_of(STATE_FILE_OLD_LOG), -1);
    assert_int_equal(close(first), 0);
    assert_int_equal(close(second), 0);
}

static void test_engine_log__one_that_is_too_long_is_put_aside(void **state)
{
    (void)state;
    int fd = must_open();
    make_long(fd, ENGINE_LOG_BYTES - 1);
    assert_int_equal(close(must_open()), 0);
    assert_int_equal(size_of(STATE_FILE_LOG), ENGINE_LOG_BYTES - 1);
    write_text(fd, "x");
    int fresh = must_open();
    assert_int_equal(size_of(STATE_FILE_LOG), 0);
    assert_int_equal(size_of(STATE_FILE_OLD_LOG), ENGINE_LOG_BYTES);
    write_text(fresh, "new\n");
    make_long(fresh, ENGINE_LOG_BYTES + 5);
    assert_int_equal(close(must_open()), 0);
    assert_int_equal(size_of(STATE_FILE_LOG), 0);
    assert_int_equal(size_of(STATE_FILE_OLD_LOG), ENGINE_LOG_BYTES + 5);
    assert_int_equal(close(fd), 0);
    assert_int_equal(close(fresh), 0);
}

static void test_engine_log__refuses_a_link(void **state)
{
    (void)state;
    int fd = -1;
    struct error err = {0};
    assert_int_equal(symlink("/dev/null", state_folder_file(folder, STATE_FILE_LOG)), 0);
    assert_int_equal(engine_log_open(folder, &fd, &err), E_INVALID);
    assert_int_equal(fd, -1);
}

/* Runs engine_log_bound() with descriptors 1 and 2 as given, and puts the old ones back. */
static void bound_with(int output, int errors)
{
    int old_output = dup(STDOUT_FILENO);
    int old_errors = dup(STDERR_FILENO);
    (void)dup2(output, STDOUT_FILENO);
    (void)dup2(errors, STDERR_FILENO);
    int status = engine_log_bound(folder, NULL);
    ssize_t written = write(STDOUT_FILENO, "out\n", 4) + write(STDERR_FILENO, "err\n", 4);
    (void)dup2(old_output, STDOUT_FILENO);
    (void)dup2(old_errors, STDERR_FILENO);
    (void)close(old_output);
    (void)close(old_errors);
    assert_int_equal(status, 0);
    assert_int_equal(written, 8);
}

static void test_engine_log__of_a_running_owner_is_bounded(void **state)
{
    (void)state;
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int fd = must_open();
    bound_with(fd, fd);
    assert_int_equal(size_of(STATE_FILE_LOG), 8);
    make_long(fd, ENGINE_LOG_BYTES);
    bound_with(null, null);
    assert_int_equal(size_of(STATE_FILE_LOG), ENGINE_LOG_BYTES);
    bound_with(fd, fd);
    assert_int_equal(size_of(STATE_FILE_LOG), 8);
    assert_int_equal(size_of(STATE_FILE_OLD_LOG), ENGINE_LOG_BYTES);
    assert_int_equal(close(fd), 0);
    fd = must_open();
    make_long(fd, ENGINE_LOG_BYTES);
    bound_with(null, fd);
    assert_int_equal(size_of(STATE_FILE_LOG), 4);
    assert_int_equal(close(fd), 0);
    assert_int_equal(close(null), 0);
}

static void assert_last_line(int64_t from, const char *expected)
{
    struct strbuf line = STRBUF_INIT;
    engine_log_append_last_line(folder, from, &line);
    assert_int_equal(strbuf_status(&line), 0);
    assert_string_equal(strbuf_str(&line).p, expected);
    strbuf_finish(&line);
}

static void test_engine_log__gives_its_last_line(void **state)
{
    (void)state;
    assert_last_line(0, "");
    int fd = must_open();
    assert_last_line(0, "");
    write_text(fd, "one\ntwo\n\n");
    assert_last_line(0, "two");
    assert_last_line(4, "two");
    assert_last_line(8, "");
    assert_last_line(1000, "");
    write_text(fd, "\x1b[31mred");
    assert_last_line(0, "\\x1b[31mred");
    for (int i = 0; i < 10000; i++) {
        write_text(fd, "y");
    }
    struct strbuf line = STRBUF_INIT;
    engine_log_append_last_line(folder, 0, &line);
    assert_int_equal(line.n, 4096);
    strbuf_finish(&line);
    assert_int_equal(close(fd), 0);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_engine_log__is_appended_to),
        WITH_FOLDER(test_engine_log__one_that_is_too_long_is_put_aside),
        WITH_FOLDER(test_engine_log__refuses_a_link),
        WITH_FOLDER(test_engine_log__of_a_running_owner_is_bounded),
        WITH_FOLDER(test_engine_log__gives_its_last_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
