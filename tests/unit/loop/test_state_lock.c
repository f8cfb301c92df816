/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/loop/state_folder.h"
#include "core/loop/state_lock.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/scratch_folder.h"

enum { LONG_MS = 60000, SHORT_MS = 30 };

/* What came of a wait. */
struct waiter {
    struct state_wait *wait;
    int calls;
    int status;
    struct state_lock *lock;
    char message[1024];
};

static struct scratch_folder scratch;
static struct state_folder *folder;
static uv_loop_t loop;

static int set_up(void **state)
{
    (void)state;
    scratch_folder_make(&scratch);
    struct state_folder_options options = {.path = scratch.path};
    assert_int_equal(state_folder_open(&options, &folder, NULL), 0);
    assert_int_equal(uv_loop_init(&loop), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
    state_folder_close(folder);
    scratch_folder_remove(&scratch);
    return 0;
}

static struct state_lock *must_lock(void)
{
    struct state_lock *lock = NULL;
    struct error err = {0};
    int status = state_lock_try(folder, STATE_OWNER_CLI, &lock, NULL, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(status, 0);
    assert_non_null(lock);
    return lock;
}

static struct state_owner must_be_busy(void)
{
    struct state_lock *lock = NULL;
    struct state_owner owner = {.pid = -1};
    assert_int_equal(state_lock_try(folder, STATE_OWNER_CLI, &lock, &owner, NULL), STATE_LOCK_BUSY);
    assert_null(lock);
    return owner;
}

/* A process that has the lock when this returns, until it is killed. */
static pid_t start_holder(void)
{
    int ready[2];
    char byte = 0;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct state_lock *lock = NULL;
        if (state_lock_try(folder, STATE_OWNER_SERVE, &lock, NULL, NULL) != 0 ||
            write(ready[1], "x", 1) != 1) {
            _exit(1);
        }
        for (;;) {
            (void)pause();
        }
    }
    assert_int_equal(close(ready[1]), 0);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(close(ready[0]), 0);
    return pid;
}

static void kill_holder(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* ---- trying ---- */

static void test_state_lock__has_one_owner_at_a_time(void **state)
{
    (void)state;
    struct state_lock *lock = must_lock();
    (void)must_be_busy();
    state_lock_release(lock);
    lock = must_lock();
    (void)must_be_busy();
    state_lock_release(lock);
    state_lock_release(NULL);
}

static void test_state_lock__tells_others_who_has_it(void **state)
{
    (void)state;
    int64_t before = clock_unix_ms();
    pid_t pid = start_holder();
    struct state_owner owner = must_be_busy();
    assert_int_equal(owner.kind, STATE_OWNER_SERVE);
    assert_int_equal(owner.pid, pid);
    assert_in_range(owner.started_unix_ms, before, clock_unix_ms());
    kill_holder(pid);
    struct state_lock *lock = must_lock();
    owner = must_be_busy();
    assert_int_equal(owner.kind, STATE_OWNER_CLI);
    assert_int_equal(owner.pid, getpid());
    state_lock_release(lock);
}

static void test_state_lock__is_free_when_its_owner_is_killed(void **state)
{
    (void)state;
    pid_t pid = start_holder();
    (void)must_be_busy();
    kill_holder(pid);
    state_lock_release(must_lock());
}

static void test_state_lock__is_not_kept_by_children(void **state)
{
    (void)state;
    char *argv[] = {(char[]){"cat"}, NULL};
    int input[2];
    pid_t pid = 0;
    posix_spawn_file_actions_t actions;
    assert_int_equal(pipe2(input, O_CLOEXEC), 0);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO), 0);
    struct state_lock *lock = must_lock();
    assert_int_equal(posix_spawnp(&pid, "cat", &actions, NULL, argv, environ), 0);
    state_lock_release(lock);
    state_lock_release(must_lock());
    assert_int_equal(kill(pid, 0), 0);
    assert_int_equal(close(input[1]), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(close(input[0]), 0);
    assert_int_equal(posix_spawn_file_actions_destroy(&actions), 0);
}

static void test_state_lock__leaves_a_private_file(void **state)
{
    (void)state;
    struct stat st;
    mode_t old = umask(0);
    state_lock_release(must_lock());
    (void)umask(old);
    assert_int_equal(stat(state_folder_file(folder, STATE_FILE_LOCK), &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0600);
}

static void test_state_lock__needs_no_room_on_the_disk(void **state)
{
    (void)state;
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    struct rlimit none = {0, old.rlim_max};
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    struct state_lock *lock = must_lock();
    struct state_owner owner = must_be_busy();
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(owner.kind, STATE_OWNER_UNKNOWN);
    state_lock_release(lock);
}

static void write_lock_file(const char *text)
{
    int fd = open(state_folder_file(folder, STATE_FILE_LOCK), O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

static void test_state_lock__does_not_believe_every_file(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "\n",
        "cli",
        "cli \n",
        "cli x 5 ",
        "cli 5 \n",
        "cli 0 5",
        "cli -3 5 ",
        "cli 5 -7 ",
        "boss 5 5 \n",
        "clique 5 5 ",
        "cli 5 5",
        "cli  5 5 ",
        "cli 99999999999 5 ",
        "cli 5 99999999999999999999 ",
        "serve",
    };
    struct state_lock *lock = must_lock();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        write_lock_file(bad[i]);
        struct state_owner owner = must_be_busy();
        assert_int_equal(owner.kind, STATE_OWNER_UNKNOWN);
        assert_int_equal(owner.pid, 0);
    }
    write_lock_file("serve 5 7 rest that a later version writes");
    assert_int_equal(must_be_busy().pid, 5);
    state_lock_release(lock);
}

static void test_state_lock__refuses_a_link(void **state)
{
    (void)state;
    struct state_lock *lock = NULL;
    struct error err = {0};
    assert_int_equal(symlink("/etc/passwd", state_folder_file(folder, STATE_FILE_LOCK)), 0);
    assert_int_equal(state_lock_try(folder, STATE_OWNER_CLI, &lock, NULL, &err), E_INVALID);
    assert_null(lock);
}

static void assert_owner_text(struct state_owner owner, const char *expected)
{
    struct strbuf text = STRBUF_INIT;
    state_owner_append(&owner, &text);
    assert_int_equal(strbuf_status(&text), 0);
    assert_string_equal(strbuf_str(&text).p, expected);
    strbuf_finish(&text);
}

static void test_state_lock__owners_have_a_text(void **state)
{
    (void)state;
    assert_owner_text((struct state_owner){STATE_OWNER_SERVE, 4711, 1738333353123},
                      "process 4711 (opstream serve, since 2025-01-31T14:22:33.123Z)");
    assert_owner_text((struct state_owner){STATE_OWNER_CLI, 1, 0},
                      "process 1 (opstream, since 1970-01-01T00:00:00.000Z)");
    assert_owner_text((struct state_owner){0}, "another process");
}

static void test_state_lock__try_survives_each_failed_allocation(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct state_lock *lock = NULL;
        failing_alloc_arm(n);
        int status = state_lock_try(folder, STATE_OWNER_CLI, &lock, NULL, NULL);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            state_lock_release(lock);
            break;
        }
        assert_int_equal(status, E_NOMEM);
        assert_null(lock);
        state_lock_release(must_lock());
    }
}

/* ---- waiting ---- */

static void on_end(void *user, int status, struct state_lock *lock, const struct error *err)
{
    struct waiter *waiter = user;
    waiter->calls++;
    waiter->status = status;
    waiter->lock = lock;
    waiter->wait = NULL;
    (void)snprintf(waiter->message, sizeof waiter->message, "%s", err->message);
}

static void start_wait(struct waiter *waiter, uint64_t timeout_ms)
{
    memset(waiter, 0, sizeof *waiter);
    struct state_wait_options options = {.loop = &loop,
                                         .folder = folder,
                                         .kind = STATE_OWNER_CLI,
                                         .timeout_ms = timeout_ms,
                                         .cb = on_end,
                                         .user = waiter};
    assert_int_equal(state_wait_start(&options, &waiter->wait, NULL), 0);
    assert_int_equal(waiter->calls, 0);
}

static void run_until_called(const struct waiter *waiter)
{
    while (waiter->calls == 0) {
        (void)uv_run(&loop, UV_RUN_ONCE); /* whether handles are left does not matter */
    }
    assert_int_equal(waiter->calls, 1);
}

static void test_state_lock__a_wait_for_a_free_lock_ends_at_once(void **state)
{
    (void)state;
    struct waiter waiter;
    start_wait(&waiter, LONG_MS);
    run_until_called(&waiter);
    assert_int_equal(waiter.status, 0);
    assert_int_equal(must_be_busy().pid, getpid());
    state_lock_release(waiter.lock);
    state_lock_release(must_lock());
}

static void test_state_lock__a_wait_ends_when_the_owner_is_killed(void **state)
{
    (void)state;
    struct waiter waiter;
    pid_t pid = start_holder();
    start_wait(&waiter, LONG_MS);
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(waiter.calls, 0);
    kill_holder(pid);
    run_until_called(&waiter);
    assert_int_equal(waiter.status, 0);
    struct state_owner owner = must_be_busy();
    assert_int_equal(owner.pid, getpid());
    assert_int_equal(owner.kind, STATE_OWNER_CLI);
    state_lock_release(waiter.lock);
}

static void test_state_lock__of_three_that_wait_one_after_the_other_gets_it(void **state)
{
    (void)state;
    struct waiter waiters[3];
    struct state_lock *lock = must_lock();
    for (size_t i = 0; i < 3; i++) {
        start_wait(&waiters[i], 0);
    }
    state_lock_release(lock);
    for (int turn = 1; turn <= 3; turn++) {
        struct waiter *winner = NULL;
        while (winner == NULL) {
            (void)uv_run(&loop, UV_RUN_ONCE); /* whether handles are left does not matter */
            for (size_t i = 0; i < 3; i++) {
                winner = waiters[i].lock != NULL ? &waiters[i] : winner;
            }
        }
        assert_int_equal(waiters[0].calls + waiters[1].calls + waiters[2].calls, turn);
        (void)must_be_busy();
        state_lock_release(take_pointer(&winner->lock));
    }
}

static void test_state_lock__a_wait_is_bounded_and_says_who_has_it(void **state)
{
    (void)state;
    struct waiter waiter;
    char part[64];
    pid_t pid = start_holder();
    start_wait(&waiter, SHORT_MS);
    run_until_called(&waiter);
    assert_int_equal(waiter.status, E_TIMEOUT);
    assert_null(waiter.lock);
    (void)snprintf(part, sizeof part, "is still in use by process %d (opstream serve", (int)pid);
    assert_non_null(strstr(waiter.message, part));
    kill_holder(pid);
    state_lock_release(must_lock());
}

static void test_state_lock__a_cancelled_wait_is_never_heard_of(void **state)
{
    (void)state;
    struct waiter waiter;
    struct state_lock *lock = must_lock();
    for (int i = 0; i < 50; i++) {
        start_wait(&waiter, LONG_MS);
        state_wait_cancel(waiter.wait);
        assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
        assert_int_equal(waiter.calls, 0);
    }
    state_wait_cancel(NULL);
    state_lock_release(lock);
    state_lock_release(must_lock());
}

/* The thread has the lock, and the loop does not know yet. */
static void test_state_lock__a_wait_cancelled_too_late_gives_the_lock_back(void **state)
{
    (void)state;
    struct waiter waiter;
    for (int i = 0; i < 20; i++) {
        struct pollfd told = {.fd = uv_backend_fd(&loop), .events = POLLIN};
        struct state_lock *lock = must_lock();
        start_wait(&waiter, LONG_MS);
        (void)uv_run(&loop, UV_RUN_NOWAIT); /* now the descriptor knows what it waits for */
        state_lock_release(lock);
        assert_int_equal(poll(&told, 1, LONG_MS), 1);
        state_wait_cancel(waiter.wait);
        assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
        assert_int_equal(waiter.calls, 0);
        state_lock_release(must_lock());
    }
}

/* Begins to wait, and returns when the waiting thread has opened the file that is there now. */
static void start_wait_until_opened(struct waiter *waiter)
{
    struct pollfd told = {.fd = inotify_init1(IN_CLOEXEC), .events = POLLIN};
    const char *path = state_folder_file(folder, STATE_FILE_LOCK);
    assert_true(inotify_add_watch(told.fd, path, IN_OPEN) >= 0);
    start_wait(waiter, LONG_MS);
    assert_int_equal(poll(&told, 1, LONG_MS), 1);
    assert_int_equal(close(told.fd), 0);
}

static void test_state_lock__a_removed_file_is_not_waited_for(void **state)
{
    (void)state;
    struct waiter waiter;
    struct state_lock *old = must_lock();
    start_wait_until_opened(&waiter);
    assert_int_equal(unlink(state_folder_file(folder, STATE_FILE_LOCK)), 0);
    struct state_lock *current = must_lock();
    state_lock_release(old);
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(waiter.calls, 0);
    state_lock_release(current);
    run_until_called(&waiter);
    assert_int_equal(waiter.status, 0);
    (void)must_be_busy();
    state_lock_release(waiter.lock);
}

static void test_state_lock__a_wait_says_what_is_wrong_with_the_file(void **state)
{
    (void)state;
    struct waiter waiter;
    assert_int_equal(symlink("/etc/passwd", state_folder_file(folder, STATE_FILE_LOCK)), 0);
    start_wait(&waiter, LONG_MS);
    run_until_called(&waiter);
    assert_int_equal(waiter.status, E_INVALID);
    assert_null(waiter.lock);
    assert_non_null(strstr(waiter.message, "is a link: remove it"));
}

static void test_state_lock__wait_survives_each_failed_allocation(void **state)
{
    (void)state;
    /* The loop grows its own tables at first use, and ends the program when it cannot. */
    struct waiter waiter = {0};
    struct state_lock *lock = must_lock();
    start_wait(&waiter, LONG_MS);
    for (long n = 0; n < 2; n++) {
        struct waiter failing = {0};
        struct state_wait_options options = {
            .loop = &loop, .folder = folder, .cb = on_end, .user = &failing};
        struct error err = {0};
        failing_alloc_arm(n);
        int status = state_wait_start(&options, &failing.wait, &err);
        assert_true(failing_alloc_disarm());
        assert_int_equal(status, E_NOMEM);
        assert_int_equal(err.code, E_NOMEM);
        assert_null(failing.wait);
        assert_int_equal(failing.calls, 0);
    }
    state_wait_cancel(waiter.wait);
    state_lock_release(lock);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_state_lock__has_one_owner_at_a_time),
        WITH_FOLDER(test_state_lock__tells_others_who_has_it),
        WITH_FOLDER(test_state_lock__is_free_when_its_owner_is_killed),
        WITH_FOLDER(test_state_lock__is_not_kept_by_children),
        WITH_FOLDER(test_state_lock__leaves_a_private_file),
        WITH_FOLDER(test_state_lock__needs_no_room_on_the_disk),
        WITH_FOLDER(test_state_lock__does_not_believe_every_file),
        WITH_FOLDER(test_state_lock__refuses_a_link),
        WITH_FOLDER(test_state_lock__owners_have_a_text),
        WITH_FOLDER(test_state_lock__try_survives_each_failed_allocation),
        WITH_FOLDER(test_state_lock__a_wait_for_a_free_lock_ends_at_once),
        WITH_FOLDER(test_state_lock__a_wait_ends_when_the_owner_is_killed),
        WITH_FOLDER(test_state_lock__of_three_that_wait_one_after_the_other_gets_it),
        WITH_FOLDER(test_state_lock__a_wait_is_bounded_and_says_who_has_it),
        WITH_FOLDER(test_state_lock__a_cancelled_wait_is_never_heard_of),
        WITH_FOLDER(test_state_lock__a_wait_cancelled_too_late_gives_the_lock_back),
        WITH_FOLDER(test_state_lock__a_removed_file_is_not_waited_for),
        WITH_FOLDER(test_state_lock__a_wait_says_what_is_wrong_with_the_file),
        WITH_FOLDER(test_state_lock__wait_survives_each_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
