/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/check.h"

struct thing {
    uint32_t magic;
};

enum { THING_MAGIC = 0x1234 };

static void break_check(void)
{
    CHECK(1 + 1 == 3);
}

static void break_named(void)
{
    CHECK_NAMED(0, "node 'x'");
}

static void break_magic(void)
{
    struct thing thing = {0};
    CHECK_MAGIC(&thing, THING_MAGIC);
}

static void break_null(void)
{
    struct thing *thing = NULL;
    CHECK_MAGIC(thing, THING_MAGIC);
}

static void break_state(void)
{
    unreachable_state("run", 7);
}

/* Runs `broken` in a child, which must abort and say `message`. */
static void expect_abort(void (*broken)(void), const char *message)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        (void)signal(SIGABRT, SIG_DFL); /* cmocka's handler would report a failure */
        (void)dup2(ends[1], STDERR_FILENO);
        broken();
        _exit(0);
    }
    (void)close(ends[1]);
    char text[512] = "";
    size_t used = 0;
    ssize_t n = 0;
    while (used < sizeof(text) - 1 &&
           (n = read(ends[0], text + used, sizeof(text) - 1 - used)) > 0) {
        used += (size_t)n;
    }
    (void)close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_string_equal(text, message);
}

static void test_check__a_broken_one_says_what_and_aborts(void **state)
{
    (void)state;
    expect_abort(break_check, "opstream: bug: break_check: '1 + 1 == 3' is false\n");
    expect_abort(break_named, "opstream: bug: break_named: '0' is false for node 'x'\n");
    expect_abort(break_state, "opstream: bug: run cannot be in state 7\n");
}

static void test_check__magic_tells_wrong_objects(void **state)
{
    (void)state;
    const char *text = "opstream: bug: break_magic: '(&thing) != 0 && (&thing)->magic == "
                       "(THING_MAGIC)' is false\n";
    expect_abort(break_magic, text);
    text =
        "opstream: bug: break_null: '(thing) != 0 && (thing)->magic == (THING_MAGIC)' is false\n";
    expect_abort(break_null, text);
    struct thing thing = {THING_MAGIC};
    CHECK_MAGIC(&thing, THING_MAGIC);
    assert_int_equal(thing.magic, THING_MAGIC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check__a_broken_one_says_what_and_aborts),
        cmocka_unit_test(test_check__magic_tells_wrong_objects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
