/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fd.h"

enum { MUCH = 1024 * 1024 }; /* more than a pipe takes at once */

/* Reads to the end; the exit code says whether all was there. */
static void read_all(int fd)
{
    char space[4096];
    size_t total = 0;
    ssize_t n = 0;
    while ((n = read(fd, space, sizeof space)) > 0) {
        total += (size_t)n;
    }
    _exit(total == MUCH ? 0 : 1);
}

static void test_fd__more_than_one_write_takes_is_written(void **state)
{
    int ends[2];
    int status = 0;
    char *much = calloc(1, MUCH);
    (void)state;
    assert_non_null(much);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t reader = fork();
    if (reader == 0) {
        (void)close(ends[1]);
        read_all(ends[0]);
    }
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(fd_write_all(ends[1], str_make(much, MUCH)), 0);
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(waitpid(reader, &status, 0), reader);
    assert_int_equal(status, 0);
    free(much);
}

static void test_fd__says_why_it_cannot(void **state)
{
    int ends[2];
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(fd_write_all(ends[1], STR("x")), EPIPE);
    assert_int_equal(fd_write_all(ends[1], STR("")), 0); /* nothing is tried */
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(fd_write_all(-1, STR("x")), EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fd__more_than_one_write_takes_is_written),
        cmocka_unit_test(test_fd__says_why_it_cannot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
