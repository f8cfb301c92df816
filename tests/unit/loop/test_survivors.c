/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real processes: shells that this program starts with a mark in their environment, or without.
 * A dead owner is a child of this program that has been reaped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/loop/survivors.h"

enum { LONG_MS = 20000, SOME_MS = 1000, SHORT_MS = 2000, OTHER_USER = 65534, CHILDREN = 16 };

/* Waits for signals, and says when it is there. */
static const char sleeper[] = "echo; exec sleep 1000";

static char instance[32];                   /* no other program has it */
static char dead_mark[SURVIVORS_MARK_SIZE]; /* of that instance, epoch 4 */
static pid_t children[CHILDREN];
static size_t child_count;

/* The mark of a process that has been an owner and is no more. */
static void make_dead_mark(const char *of, uint64_t epoch, char out[SURVIVORS_MARK_SIZE])
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char mark[SURVIVORS_MARK_SIZE] = "";
        int status = survivors_format_mark(of, epoch, mark, NULL);
        _exit(status == 0 && write(ends[1], mark, sizeof mark) == sizeof mark ? 0 : 1);
    }
    assert_int_equal(read(ends[0], out, SURVIVORS_MARK_SIZE), SURVIVORS_MARK_SIZE);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(close(ends[1]), 0);
}

static int set_up(void **state)
{
    (void)state;
    child_count = 0;
    (void)snprintf(instance, sizeof instance, "itest%d", (int)getpid());
    make_dead_mark(instance, 4, dead_mark);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < child_count; i++) {
        (void)kill(children[i], SIGKILL); /* a child that is not reaped: the pid is its own */
        (void)waitpid(children[i], NULL, 0);
    }
    return 0;
}

/* A shell with this environment, which has written its first byte when this returns. */
static pid_t start_with(char *const *env, const char *script, uid_t user)
{
    int ends[2];
    char byte = 0;
    assert_true(child_count < CHILDREN);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, (char *)(uintptr_t)script, NULL};
        (void)dup2(ends[1], STDOUT_FILENO);
        if (user == geteuid() || setresuid(user, user, user) == 0) {
            (void)execve("/bin/sh", argv, env);
        }
        _exit(127);
    }
    children[child_count++] = pid;
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(close(ends[0]), 0);
    return pid;
}

static pid_t start(const char *mark, const char *script)
{
    char *env[] = {(char[]){"PATH=/usr/bin:/bin"}, (char *)(uintptr_t)mark, NULL};
    return start_with(env, script, geteuid());
}

static struct survivors_count end_all(uint64_t grace_ms)
{
    struct survivors_count count = {99, 99};
    struct error err = {0};
    struct survivors_options options = {.instance = instance, .epoch = 5, .grace_ms = grace_ms};
    int status = survivors_end(&options, &count, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(status, 0);
    return count;
}

/* It has ended by this signal. */
static void assert_ended(pid_t pid, int signal_number)
{
    siginfo_t info = {0};
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
    assert_int_equal(info.si_pid, pid);
    assert_int_equal(info.si_code, CLD_KILLED);
    assert_int_equal(info.si_status, signal_number);
}

static void assert_alive(pid_t pid)
{
    siginfo_t info = {0};
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
    assert_int_equal(info.si_pid, 0);
}

static void test_survivors__of_a_dead_owner_are_ended(void **state)
{
    (void)state;
    pid_t one = start(dead_mark, sleeper);
    pid_t two = start(dead_mark, sleeper);
    struct survivors_count count = end_all(LONG_MS);
    assert_ended(one, SIGTERM);
    assert_ended(two, SIGTERM);
    assert_int_equal(count.found, 2);
    assert_int_equal(count.killed, 0);
}

static void test_survivors__where_there_are_none_nothing_happens(void **state)
{
    (void)state;
    int64_t before = clock_monotonic_ns();
    struct survivors_count count = end_all(LONG_MS);
    assert_int_equal(count.found, 0);
    assert_int_equal(count.killed, 0);
    assert_in_range(clock_monotonic_ns() - before, 0, (int64_t)LONG_MS * 1000000 / 2);
}

static void test_survivors__those_that_ignore_sigterm_are_killed(void **state)
{
    (void)state;
    pid_t stubborn = start(dead_mark, "trap '' TERM; echo; exec sleep 1000");
    pid_t polite = start(dead_mark, sleeper);
    struct survivors_count count = end_all(SHORT_MS);
    assert_ended(stubborn, SIGKILL);
    assert_ended(polite, SIGTERM);
    assert_int_equal(count.found, 2);
    assert_int_equal(count.killed, 1);
}

static void test_survivors__what_they_started_is_found_by_the_same_mark(void **state)
{
    (void)state;
    /* Its child leads a session of its own, and outlives it. */
    pid_t parent = start(dead_mark, "setsid sh -c 'echo; exec sleep 1000' & exec sleep 1000");
    struct survivors_count count = end_all(LONG_MS);
    assert_ended(parent, SIGTERM);
    assert_int_equal(count.found, 2);
}

static void test_survivors__what_they_start_while_they_end_is_ended_too(void **state)
{
    (void)state;
    int ends[2];
    char script[256];
    assert_int_equal(pipe(ends), 0);
    /*
     * All have the pipe's end, which is closed when they are gone. A child that is signalled before
     * its exec has the shell's handler, and sleeps on: the grace is short for it.
     */
    (void)snprintf(script, sizeof script,
                   "trap 'sleep 1000 >&%d & exit' TERM; echo; while :; do sleep 1000 & wait; done",
                   ends[1]);
    pid_t parent = start(dead_mark, script);
    assert_int_equal(close(ends[1]), 0);
    struct survivors_count count = end_all(SOME_MS);
    struct pollfd last = {.fd = ends[0], .events = POLLIN};
    assert_int_equal(poll(&last, 1, 0), 1);
    assert_true((last.revents & POLLHUP) != 0);
    siginfo_t info = {0};
    assert_int_equal(waitid(P_PID, (id_t)parent, &info, WEXITED | WNOHANG | WNOWAIT), 0);
    assert_int_equal(info.si_pid, parent);
    assert_in_range(count.found, 2, 5);
    assert_int_equal(close(ends[0]), 0);
}

/* None of these is touched, while one that is marked as it should be ends. */
static void assert_spared(const char *entry)
{
    pid_t spared = start(entry, sleeper);
    pid_t survivor = start(dead_mark, sleeper);
    struct survivors_count count = end_all(LONG_MS);
    assert_alive(spared);
    assert_ended(survivor, SIGTERM);
    assert_int_equal(count.found, 1);
    (void)kill(spared, SIGKILL);
    assert_int_equal(waitpid(spared, NULL, 0), spared);
    assert_int_equal(waitpid(survivor, NULL, 0), survivor);
    child_count -= 2;
}

static void test_survivors__without_our_mark_nothing_is_touched(void **state)
{
    (void)state;
    char text[SURVIVORS_MARK_SIZE + 16];
    const char *value = strchr(dead_mark, '=') + 1;
    const char *numbers = strchr(value, '-');
    assert_spared("COLOUR=blue");
    (void)snprintf(text, sizeof text, "XOPSTREAM_OWNER=%s", value);
    assert_spared(text);
    (void)snprintf(text, sizeof text, "OPSTREAM_OWNERS=%s", value);
    assert_spared(text);
    (void)snprintf(text, sizeof text, "OPSTREAM_OWNER =%s", value);
    assert_spared(text);
    (void)snprintf(text, sizeof text, "X=OPSTREAM_OWNER=%s", value);
    assert_spared(text);
    (void)snprintf(text, sizeof text, "OPSTREAM_OWNER=%s2%s", instance, numbers);
    assert_spared(text);
    (void)snprintf(text, sizeof text, "OPSTREAM_OWNER=%.5s%s", instance, numbers);
    assert_spared(text);
    (void)snprintf(text, sizeof text, "OPSTREAM_OWNER=%s", numbers);
    assert_spared(text);
    (void)snprintf(text, sizeof text, "%s-1", dead_mark);
    assert_spared(text);
    (void)snprintf(text, sizeof text, "%s ", dead_mark);
    assert_spared(text);
}

static void test_survivors__marks_that_are_none_spare_the_process(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "-", "-4", "-4-1", "-4-1-", "--4-1-1", "-x-1-1", "- 4-1-1", "-99999999999999999999-1-1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "OPSTREAM_OWNER=%s%s", instance, bad[i]);
        assert_spared(text);
    }
    assert_spared("OPSTREAM_OWNER=");
    assert_spared("OPSTREAM_OWNER");
}

static void test_survivors__of_our_own_or_a_later_epoch_are_none(void **state)
{
    (void)state;
    char mark[SURVIVORS_MARK_SIZE];
    make_dead_mark(instance, 5, mark);
    assert_spared(mark);
    make_dead_mark(instance, 6, mark);
    assert_spared(mark);
    make_dead_mark("other", 4, mark);
    assert_spared(mark);
}

static void test_survivors__of_an_owner_that_lives_are_none(void **state)
{
    (void)state;
    char mark[SURVIVORS_MARK_SIZE];
    assert_int_equal(survivors_format_mark(instance, 3, mark, NULL), 0);
    assert_spared(mark);
    /* Somebody else has the dead owner's pid: it began at another time. */
    char *start_time = strrchr(mark, '-');
    (void)snprintf(start_time, 8, "-1");
    pid_t pid = start(mark, sleeper);
    assert_int_equal(end_all(LONG_MS).found, 1);
    assert_ended(pid, SIGTERM);
}

/* A killed owner whose parent has not heard of it yet. */
static void test_survivors__an_owner_that_is_a_zombie_is_dead(void **state)
{
    (void)state;
    int ends[2];
    char mark[SURVIVORS_MARK_SIZE];
    siginfo_t info = {0};
    assert_int_equal(pipe(ends), 0);
    pid_t owner = fork();
    assert_true(owner >= 0);
    if (owner == 0) {
        char own[SURVIVORS_MARK_SIZE] = "";
        int status = survivors_format_mark(instance, 4, own, NULL);
        _exit(status == 0 && write(ends[1], own, sizeof own) == sizeof own ? 0 : 1);
    }
    assert_int_equal(read(ends[0], mark, sizeof mark), sizeof mark);
    assert_int_equal(waitid(P_PID, (id_t)owner, &info, WEXITED | WNOWAIT), 0);
    pid_t pid = start(mark, sleeper);
    assert_int_equal(end_all(LONG_MS).found, 1);
    assert_ended(pid, SIGTERM);
    assert_int_equal(waitpid(owner, NULL, 0), owner);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(close(ends[1]), 0);
}

static void test_survivors__are_found_behind_any_environment(void **state)
{
    (void)state;
    /* The mark around the border of the pieces that it is read in. */
    static const size_t lengths[] = {1, 16300, 16340, 16383, 16384, 16385, 100000};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char *large = malloc(lengths[i] + 3);
        assert_non_null(large);
        memset(large, 'x', lengths[i] + 2);
        large[lengths[i] + 2] = '\0';
        large[1] = '=';
        char *env[] = {large, (char[]){"PATH=/usr/bin:/bin"}, dead_mark, (char[]){"Z=1"}, NULL};
        pid_t pid = start_with(env, sleeper, geteuid());
        free(large);
        assert_int_equal(end_all(LONG_MS).found, 1);
        assert_ended(pid, SIGTERM);
    }
}

static void test_survivors__many_are_ended_in_rounds(void **state)
{
    (void)state;
    pid_t pid = start(dead_mark, "i=0; while [ $i -lt 300 ]; do sleep 1000 & i=$((i+1)); done; "
                                 "echo; exec sleep 1000");
    struct survivors_count count = end_all(LONG_MS);
    assert_ended(pid, SIGTERM);
    assert_int_equal(count.found, 301);
    assert_int_equal(count.killed, 0);
}

static void test_survivors__processes_of_other_users_are_none(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    char *env[] = {(char[]){"PATH=/usr/bin:/bin"}, dead_mark, NULL};
    pid_t pid = start_with(env, sleeper, OTHER_USER);
    assert_int_equal(end_all(LONG_MS).found, 0);
    assert_alive(pid);
}

static void test_survivors__the_one_who_looks_is_none(void **state)
{
    (void)state;
    /* Who recovers may itself have been started by a node of the dead owner. */
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char *argv[] = {(char[]){"test"}, instance, NULL};
        char *env[] = {dead_mark, NULL};
        (void)execve("/proc/self/exe", argv, env);
        _exit(127);
    }
    int how = 0;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
}

static int recover(const char *of)
{
    struct survivors_count count;
    struct survivors_options options = {.instance = of, .epoch = 5, .grace_ms = LONG_MS};
    return survivors_end(&options, &count, NULL) == 0 && count.found == 0 ? 0 : 1;
}

static void test_survivors__marks_name_instance_epoch_and_owner(void **state)
{
    (void)state;
    char mark[SURVIVORS_MARK_SIZE];
    char part[64];
    struct error err = {0};
    assert_int_equal(survivors_format_mark("iabc123", UINT64_MAX, mark, NULL), 0);
    (void)snprintf(part, sizeof part, "OPSTREAM_OWNER=iabc123-18446744073709551615-%d-",
                   (int)getpid());
    assert_memory_equal(mark, part, strlen(part));
    assert_true(strtoull(mark + strlen(part), NULL, 10) > 0);
    assert_int_equal(survivors_format_mark("", 1, mark, &err), E_INVALID);
    assert_int_equal(survivors_format_mark("a-b", 1, mark, &err), E_INVALID);
    assert_string_equal(err.message, "'a-b' is no instance");
    char text[66];
    memset(text, 'i', 65);
    text[65] = '\0';
    assert_int_equal(survivors_format_mark(text, 1, mark, NULL), E_INVALID);
    assert_int_equal(survivors_format_mark(text + 1, UINT64_MAX, mark, NULL), 0);
}

#define WITH_CHILDREN(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        WITH_CHILDREN(test_survivors__of_a_dead_owner_are_ended),
        WITH_CHILDREN(test_survivors__where_there_are_none_nothing_happens),
        WITH_CHILDREN(test_survivors__those_that_ignore_sigterm_are_killed),
        WITH_CHILDREN(test_survivors__what_they_started_is_found_by_the_same_mark),
        WITH_CHILDREN(test_survivors__what_they_start_while_they_end_is_ended_too),
        WITH_CHILDREN(test_survivors__without_our_mark_nothing_is_touched),
        WITH_CHILDREN(test_survivors__marks_that_are_none_spare_the_process),
        WITH_CHILDREN(test_survivors__of_our_own_or_a_later_epoch_are_none),
        WITH_CHILDREN(test_survivors__of_an_owner_that_lives_are_none),
        WITH_CHILDREN(test_survivors__an_owner_that_is_a_zombie_is_dead),
        WITH_CHILDREN(test_survivors__are_found_behind_any_environment),
        WITH_CHILDREN(test_survivors__many_are_ended_in_rounds),
        WITH_CHILDREN(test_survivors__processes_of_other_users_are_none),
        WITH_CHILDREN(test_survivors__the_one_who_looks_is_none),
        WITH_CHILDREN(test_survivors__marks_name_instance_epoch_and_owner),
    };
    return argc > 1 ? recover(argv[1]) : cmocka_run_group_tests(tests, NULL, NULL);
}
