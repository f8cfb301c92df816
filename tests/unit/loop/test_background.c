/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner that is started is this program itself, in the mode that its first argument names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/loop/background.h"
#include "core/loop/state_folder.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/scratch_folder.h"

enum { LONG_MS = 60000, SHORT_MS = 50 };

static struct scratch_folder scratch;
static struct state_folder *folder;

/* ---- the owner ---- */

static void print_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] != '.' && strtoll(entry->d_name, NULL, 10) != dirfd(dir)) {
            (void)printf("descriptor %s\n", entry->d_name);
        }
    }
    (void)closedir(dir);
}

static void print_facts(char **argv)
{
    char cwd[64];
    char byte = 0;
    sigset_t blocked;
    struct sigaction action;
    (void)sigprocmask(SIG_SETMASK, NULL, &blocked);
    (void)sigaction(SIGPIPE, NULL, &action);
    (void)printf("session %d\n", getsid(0) == getpid());
    (void)printf("cwd %s\n", getcwd(cwd, sizeof cwd));
    (void)printf("input %zd\n", read(STDIN_FILENO, &byte, 1));
    (void)printf("blocked %d ignored %d\n", sigismember(&blocked, SIGTERM),
                 action.sa_handler == SIG_IGN);
    (void)printf("told %d\n", getenv("OPSTREAM_TELL_FD") != NULL);
    (void)printf("argument %s\n", argv[2] != NULL ? argv[2] : "none");
    for (char **at = environ; *at != NULL; at++) {
        (void)printf("env %s\n", *at);
    }
    print_descriptors();
    (void)fflush(stdout);
}

static int be_owner(char **argv)
{
    struct background background;
    struct error err = {0};
    background_init(&background);
    if (strcmp(argv[1], "die") == 0) {
        (void)fprintf(stderr, "first line\nthe disk\x1b fell off\n");
        return 7;
    }
    if (strcmp(argv[1], "crash") == 0) {
        (void)raise(SIGKILL);
    }
    if (strcmp(argv[1], "fail") == 0) {
        error_set(&err, E_CONFLICT, "somebody else is the owner");
        background_tell_failure(&background, &err);
        background_tell_ready(&background);
        return 1;
    }
    if (strcmp(argv[1], "babble") == 0) {
        return write(3, argv[2], strlen(argv[2])) > 0 ? 0 : 1;
    }
    if (strcmp(argv[1], "facts") == 0) {
        print_facts(argv);
    }
    if (strcmp(argv[1], "silent") != 0) {
        background_tell_ready(&background);
        background_tell_ready(&background);
    }
    for (;;) {
        (void)pause();
    }
}

/* ---- the command ---- */

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
    /* A parent that lives on has no zombies of owners that failed. */
    errno = 0;
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    state_folder_close(folder);
    scratch_folder_remove(&scratch);
    return 0;
}

struct outcome {
    int status;
    pid_t pid;
    struct error err;
};

static struct outcome start(const char *mode, const char *argument, uint64_t timeout_ms)
{
    struct outcome outcome = {0};
    const char *argv[] = {"owner", mode, argument, NULL};
    struct background_options options = {.folder = folder, .argv = argv, .timeout_ms = timeout_ms};
    outcome.status = background_start(&options, &outcome.pid, &outcome.err);
    return outcome;
}

static void end_owner(pid_t pid)
{
    assert_true(pid > 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static char *read_log(void)
{
    struct strbuf text = STRBUF_INIT;
    int fd = open(state_folder_file(folder, STATE_FILE_LOG), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    for (;;) {
        char *at = strbuf_reserve(&text, 65536);
        ssize_t n = read(fd, at, 65536);
        assert_true(n >= 0);
        text.n += (size_t)n;
        if (n == 0) {
            break;
        }
    }
    assert_int_equal(close(fd), 0);
    return strbuf_take(&text);
}

static void assert_in(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("'%s' is not in '%s'", part, text);
    }
}

static void test_background__an_owner_stands_on_its_own(void **state)
{
    (void)state;
    sigset_t term;
    int open_one = dup(STDOUT_FILENO); /* inherited, were it not for the start */
    (void)sigemptyset(&term);
    (void)sigaddset(&term, SIGTERM);
    assert_int_equal(sigprocmask(SIG_BLOCK, &term, NULL), 0);
    (void)signal(SIGPIPE, SIG_IGN);
    struct outcome outcome = start("facts", "an argument", LONG_MS);
    (void)signal(SIGPIPE, SIG_DFL);
    assert_int_equal(sigprocmask(SIG_UNBLOCK, &term, NULL), 0);
    assert_string_equal(outcome.err.message, "");
    assert_int_equal(outcome.status, 0);
    char *log = read_log();
    assert_in(log, "session 1\n");
    assert_in(log, "cwd /\n");
    assert_in(log, "input 0\n");
    assert_in(log, "blocked 0 ignored 0\n");
    assert_in(log, "told 0\n");
    assert_in(log, "argument an argument\n");
    for (int fd = 0; fd <= 3; fd++) {
        char line[32];
        (void)snprintf(line, sizeof line, "descriptor %d\n", fd);
        assert_in(log, line);
    }
    assert_null(strstr(strstr(log, "descriptor 3\n") + 5, "descriptor"));
    free(log);
    end_owner(outcome.pid);
    assert_int_equal(close(open_one), 0);
}

static void test_background__the_environment_goes_on_without_what_is_ours_alone(void **state)
{
    (void)state;
    assert_int_equal(setenv("COLOUR", "blue", 1), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", "/run/x", 1), 0);
    assert_int_equal(setenv("WATCHDOG_USEC", "1", 1), 0);
    assert_int_equal(setenv("OPSTREAM_OWNER", "i1-2", 1), 0);
    struct outcome outcome = start("facts", NULL, LONG_MS);
    assert_int_equal(unsetenv("COLOUR"), 0);
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    assert_int_equal(unsetenv("WATCHDOG_USEC"), 0);
    assert_int_equal(unsetenv("OPSTREAM_OWNER"), 0);
    assert_int_equal(outcome.status, 0);
    char *log = read_log();
    assert_in(log, "env COLOUR=blue\n");
    assert_in(log, "env PATH=");
    assert_null(strstr(log, "env NOTIFY_SOCKET"));
    assert_null(strstr(log, "env WATCHDOG"));
    assert_null(strstr(log, "env OPSTREAM_OWNER"));
    free(log);
    end_owner(outcome.pid);
}

static void test_background__an_environment_that_is_given_is_all_there_is(void **state)
{
    (void)state;
    pid_t pid = 0;
    const char *argv[] = {"owner", "facts", NULL};
    const char *env[] = {"SHAPE=round", "OPSTREAM_TELL_FD=9", NULL};
    struct background_options options = {
        .folder = folder, .argv = argv, .env = env, .timeout_ms = LONG_MS};
    assert_int_equal(background_start(&options, &pid, NULL), 0);
    char *log = read_log();
    assert_in(log, "env SHAPE=round\n");
    assert_null(strstr(log, "env PATH="));
    free(log);
    end_owner(pid);
}

static void test_background__what_the_owner_says_is_why_it_failed(void **state)
{
    (void)state;
    struct outcome outcome = start("fail", NULL, LONG_MS);
    assert_int_equal(outcome.status, E_CONFLICT);
    assert_int_equal(outcome.err.code, E_CONFLICT);
    assert_string_equal(outcome.err.message, "somebody else is the owner");
    assert_int_equal(outcome.pid, 0);
}

static void test_background__one_that_ends_without_a_word_is_described(void **state)
{
    (void)state;
    struct outcome outcome = start("die", NULL, LONG_MS);
    assert_int_equal(outcome.status, E_IO);
    assert_in(outcome.err.message, "ended at once (exit status 7): the disk\\x1b fell off: see '/");
    assert_in(outcome.err.message, "/engine.log'");
    outcome = start("crash", NULL, LONG_MS);
    assert_int_equal(outcome.status, E_IO);
    assert_in(outcome.err.message, "ended at once (signal 9): see '/");
}

static void test_background__what_is_no_answer_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"hello\n",        "\n",           "ready",
                                      "failed\n",       "failed x y\n", "failed 0 y\n",
                                      "failed -99 y\n", "failed -2\n",  "failed 2 y\n",
                                      "readyready\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct outcome outcome = start("babble", bad[i], LONG_MS);
        assert_int_equal(outcome.status, E_IO);
        assert_int_equal(outcome.pid, 0);
    }
}

static void test_background__waiting_is_bounded_and_the_owner_goes_on(void **state)
{
    (void)state;
    char text[64];
    struct outcome outcome = start("silent", NULL, SHORT_MS);
    assert_int_equal(outcome.status, E_TIMEOUT);
    const char *at = strstr(outcome.err.message, "(process ");
    assert_non_null(at);
    pid_t pid = (pid_t)strtol(at + 9, NULL, 10);
    (void)snprintf(text, sizeof text, "(process %d) does not listen yet: see '", (int)pid);
    assert_in(outcome.err.message, text);
    assert_int_equal(kill(pid, 0), 0);
    end_owner(pid);
}

static void test_background__a_program_that_is_not_there_is_named(void **state)
{
    (void)state;
    const char *argv[] = {"owner", NULL};
    struct error err = {0};
    struct background_options options = {
        .folder = folder, .program = "/nowhere/opstream", .argv = argv, .timeout_ms = LONG_MS};
    assert_int_equal(background_start(&options, NULL, &err), E_NOT_FOUND);
    assert_string_equal(err.message, "'/nowhere/opstream' is not there: install OpStream again");
}

static void test_background__needs_a_log_of_ours(void **state)
{
    (void)state;
    assert_int_equal(symlink("/dev/null", state_folder_file(folder, STATE_FILE_LOG)), 0);
    struct outcome outcome = start("ready", NULL, LONG_MS);
    assert_int_equal(outcome.status, E_INVALID);
    assert_in(outcome.err.message, "is a link: remove it");
}

static void test_background__its_log_is_private_and_appended_to(void **state)
{
    (void)state;
    struct stat st;
    (void)start("die", NULL, LONG_MS);
    (void)start("die", NULL, LONG_MS);
    assert_int_equal(stat(state_folder_file(folder, STATE_FILE_LOG), &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0600);
    assert_int_equal(st.st_size, 2 * strlen("first line\nthe disk\x1b fell off\n"));
}

static void test_background__a_program_that_nobody_waits_for_tells_nothing(void **state)
{
    (void)state;
    struct background background;
    struct error err = {.code = E_IO};
    background_init(&background);
    assert_false(background_is_awaited(&background));
    background_tell_ready(&background);
    background_tell_failure(&background, &err);
    /* Whatever stands in the environment, a descriptor that is no socket is left alone. */
    int old = dup(3);
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_int_equal(dup2(fd, 3), 3);
    assert_int_equal(setenv("OPSTREAM_TELL_FD", "3", 1), 0);
    background_init(&background);
    assert_false(background_is_awaited(&background));
    assert_null(getenv("OPSTREAM_TELL_FD"));
    assert_int_equal(fcntl(3, F_GETFD), 0);
    (void)close(3);
    if (old >= 0) {
        (void)dup2(old, 3);
        (void)close(old);
    }
    if (fd != 3) {
        (void)close(fd);
    }
}

static void test_background__start_survives_each_failed_allocation(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        failing_alloc_arm(n);
        struct outcome outcome = start("ready", NULL, LONG_MS);
        if (!failing_alloc_disarm()) {
            assert_int_equal(outcome.status, 0);
            assert_true(n > 0);
            end_owner(outcome.pid);
            break;
        }
        assert_int_equal(outcome.status, E_NOMEM);
        assert_int_equal(outcome.pid, 0);
    }
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_background__an_owner_stands_on_its_own),
        WITH_FOLDER(test_background__the_environment_goes_on_without_what_is_ours_alone),
        WITH_FOLDER(test_background__an_environment_that_is_given_is_all_there_is),
        WITH_FOLDER(test_background__what_the_owner_says_is_why_it_failed),
        WITH_FOLDER(test_background__one_that_ends_without_a_word_is_described),
        WITH_FOLDER(test_background__what_is_no_answer_is_refused),
        WITH_FOLDER(test_background__waiting_is_bounded_and_the_owner_goes_on),
        WITH_FOLDER(test_background__a_program_that_is_not_there_is_named),
        WITH_FOLDER(test_background__needs_a_log_of_ours),
        WITH_FOLDER(test_background__its_log_is_private_and_appended_to),
        WITH_FOLDER(test_background__a_program_that_nobody_waits_for_tells_nothing),
        WITH_FOLDER(test_background__start_survives_each_failed_allocation),
    };
    return argc > 1 ? be_owner(argv) : cmocka_run_group_tests(tests, NULL, NULL);
}
