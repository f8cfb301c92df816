/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "core/base/error.h"
#include "core/base/module.h"
#include "core/base/str.h"
#include "core/host/cgroup_files.h"
#include "core/host/cgroup_home.h"
#include "core/host/process.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/scratch_folder.h"

enum { ARGV_MAX = 8 };

/* One child and what came of it. */
struct child {
    struct process *process;
    struct strbuf text[3];
    struct strbuf tail;
    struct process_end end;
    int ended;
    size_t kill_at; /* stdout bytes after which it is killed; 0: never */
    size_t pause_at;
};

static uv_loop_t loop;
static struct cgroup_home home;       /* of this machine */
static struct cgroup_home *used_home; /* NULL: children have no group */
static char helper[4096];
static const char *const plain_env[] = {"PATH=/usr/bin:/bin", "COLOUR=blue", NULL};

static void on_bytes(void *user, enum process_stream stream, struct str bytes)
{
    struct child *child = user;
    assert_true(bytes.n > 0);
    strbuf_append_str(&child->text[stream], bytes);
    size_t n = child->text[PROCESS_STDOUT].n;
    if (child->kill_at != 0 && n >= child->kill_at) {
        process_terminate(child->process);
    }
    if (child->pause_at != 0 && n >= child->pause_at) {
        process_set_paused(child->process, true);
    }
}

static void on_end(void *user, const struct process_end *end)
{
    struct child *child = user;
    child->ended++;
    child->end = *end;
    strbuf_append_str(&child->tail, end->stderr_tail);
    child->process = NULL;
}

static struct process_spec make_spec(struct child *child, const char *const *argv)
{
    memset(child, 0, sizeof(*child));
    return (struct process_spec){
        .loop = &loop,
        .helper = helper,
        .argv = argv,
        .env = plain_env,
        .flags = PROCESS_WANTS_STDOUT | PROCESS_WANTS_STDERR | PROCESS_WANTS_RESULT,
        .umask = -1,
        .home = used_home,
        .limits = {.wall_ms = 60000},
        .user = child,
        .on_bytes = on_bytes,
        .on_end = on_end,
    };
}

static void run(const struct process_spec *spec)
{
    struct child *child = spec->user;
    assert_int_equal(process_start(spec, &child->process, NULL), 0);
    assert_int_equal(child->ended, 0);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(child->ended, 1);
}

static void run_bash(struct child *child, const char *script)
{
    const char *argv[] = {"/bin/bash", "-c", script, NULL};
    struct process_spec spec = make_spec(child, argv);
    run(&spec);
}

static const char *text(struct strbuf *buf)
{
    strbuf_append(buf, "", 0);
    return buf->p != NULL ? buf->p : "";
}

static void child_finish(struct child *child)
{
    for (size_t i = 0; i < 3; i++) {
        strbuf_finish(&child->text[i]);
    }
    strbuf_finish(&child->tail);
}

static void assert_exit(const struct child *child, int code)
{
    assert_int_equal(child->end.exec_errno, 0);
    assert_int_equal(child->end.signal, 0);
    assert_int_equal(child->end.exit_code, code);
}

static size_t count_entries(const char *folder)
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    size_t count = 0;
    while (readdir(dir) != NULL) {
        count++;
    }
    (void)closedir(dir);
    return count;
}

static void assert_no_children(void)
{
    errno = 0;
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

/* It has been killed; being gone takes it a moment. */
static void assert_gone(long pid)
{
    assert_true(pid > 1);
    int pidfd = pidfd_open((pid_t)pid, 0);
    if (pidfd < 0) {
        assert_int_equal(errno, ESRCH);
        return;
    }
    struct pollfd gone = {.fd = pidfd, .events = POLLIN};
    assert_int_equal(poll(&gone, 1, 10000), 1);
    assert_int_equal(close(pidfd), 0);
}

static void test_process__keeps_the_three_streams_apart(void **state)
{
    (void)state;
    struct child child;
    run_bash(&child, "echo out; echo err >&2; echo '{\"a\":1}' >&3; exit 7");
    assert_exit(&child, 7);
    assert_string_equal(text(&child.text[PROCESS_STDOUT]), "out\n");
    assert_string_equal(text(&child.text[PROCESS_STDERR]), "err\n");
    assert_string_equal(text(&child.text[PROCESS_RESULT]), "{\"a\":1}\n");
    assert_string_equal(text(&child.tail), "err\n");
    assert_true(child.end.wall_us > 0);
    assert_true(child.end.max_memory_bytes > 0);
    child_finish(&child);
}

static void test_process__gives_input_environment_and_folder(void **state)
{
    (void)state;
    struct child child;
    const char *argv[] = {"/bin/bash", "-c", "cat; pwd; env | grep -v ^_= | sort; umask", NULL};
    struct process_spec spec = make_spec(&child, argv);
    spec.input = STR("one\0two\n");
    spec.cwd = "/usr";
    spec.umask = 027;
    run(&spec);
    assert_exit(&child, 0);
    struct str got = strbuf_str(&child.text[PROCESS_STDOUT]);
    assert_true(str_starts_with(got, STR("one\0two\n/usr\nCOLOUR=blue\n")));
    assert_true(str_ends_with(got, STR("\n0027\n")));
    child_finish(&child);
}

static void test_process__takes_large_input_that_nobody_reads(void **state)
{
    (void)state;
    struct child child;
    size_t n = 8u << 20;
    char *bytes = malloc(n);
    assert_non_null(bytes);
    memset(bytes, 'x', n);
    const char *argv[] = {"/bin/true", NULL};
    struct process_spec spec = make_spec(&child, argv);
    spec.input = str_make(bytes, n);
    run(&spec);
    assert_exit(&child, 0);
    child_finish(&child);

    const char *count[] = {"/bin/bash", "-c", "wc -c", NULL};
    spec = make_spec(&child, count);
    spec.input = str_make(bytes, n);
    run(&spec);
    assert_string_equal(text(&child.text[PROCESS_STDOUT]), "8388608\n");
    child_finish(&child);
    free(bytes);
}

static void test_process__inherits_no_descriptor_signal_or_session(void **state)
{
    (void)state;
    int leaked = dup(0);
    assert_true(leaked > 0);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction before;
    assert_int_equal(sigaction(SIGPIPE, &ignore, &before), 0);
    struct child child;
    const char *const argvs[][5] = {
        {"/bin/ls", "/proc/self/fd", NULL}, /* 3 is the folder that it reads */
        {"/bin/grep", "-P", "^Sig(Blk|Ign):\t.{9}.*[^0]", "/proc/self/status", NULL},
        {"/bin/bash", "-c", "ps -o sid= -p $$ | tr -d ' ' | grep -x $$ >&2; ulimit -c", NULL},
    };
    const char *const expected[] = {"0\n1\n2\n3\n", "", "0\n"};
    for (size_t i = 0; i < 3; i++) {
        struct process_spec spec = make_spec(&child, argvs[i]);
        spec.flags &= ~(unsigned)PROCESS_WANTS_RESULT;
        run(&spec);
        assert_string_equal(text(&child.text[PROCESS_STDOUT]), expected[i]);
        assert_true((child.tail.n > 0) == (i == 2)); /* its session is its own */
        child_finish(&child);
    }
    assert_int_equal(sigaction(SIGPIPE, &before, NULL), 0);
    assert_int_equal(close(leaked), 0);
}

static void test_process__merges_errors_into_output(void **state)
{
    (void)state;
    struct child child;
    const char *argv[] = {"/bin/bash", "-c", "echo a; echo b >&2; echo c", NULL};
    struct process_spec spec = make_spec(&child, argv);
    spec.flags |= PROCESS_MERGES_STDERR;
    run(&spec);
    assert_string_equal(text(&child.text[PROCESS_STDOUT]), "a\nb\nc\n");
    assert_int_equal(child.tail.n, 0);
    child_finish(&child);
}

static void test_process__says_why_a_program_does_not_run(void **state)
{
    (void)state;
    const struct {
        const char *program;
        const char *cwd;
        int expected_errno;
        const char *step;
    } cases[] = {
        {"/no/such/program", NULL, ENOENT, "run the program"},
        {"/etc/passwd", NULL, EACCES, "run the program"},
        {"/bin/true", "/no/such/folder", ENOENT, "enter the working folder"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct child child;
        const char *argv[] = {cases[i].program, NULL};
        struct process_spec spec = make_spec(&child, argv);
        spec.cwd = cases[i].cwd;
        run(&spec);
        assert_int_equal(child.end.exec_errno, cases[i].expected_errno);
        assert_string_equal(child.end.exec_step, cases[i].step);
        child_finish(&child);
    }
}

static void test_process__names_the_signal_that_ended_it(void **state)
{
    (void)state;
    struct child child;
    run_bash(&child, "kill -SEGV $$");
    assert_int_equal(child.end.exit_code, -1);
    assert_int_equal(child.end.signal, SIGSEGV);
    assert_int_equal(child.end.limit, PROCESS_LIMIT_NONE);
    assert_false(child.end.is_killed);
    child_finish(&child);
}

static void test_process__wall_limit_kills_grandchildren_too(void **state)
{
    (void)state;
    struct child child;
    const char *argv[] = {"/bin/bash", "-c",
                          "trap '' TERM; (trap '' TERM; while :; do sleep 60; done) & "
                          "echo $!; while :; do sleep 60; done",
                          NULL};
    /* A busy machine may not have begun them by then: they have more time, then. */
    for (uint64_t wall_ms = 500;; wall_ms *= 4) {
        struct process_spec spec = make_spec(&child, argv);
        spec.limits.wall_ms = wall_ms;
        spec.limits.grace_ms = 50;
        run(&spec);
        assert_int_equal(child.end.limit, PROCESS_LIMIT_WALL);
        assert_no_children();
        if (child.text[PROCESS_STDOUT].n > 0 || wall_ms > 60000) {
            break;
        }
        child_finish(&child);
    }
    assert_int_equal(child.end.signal, SIGKILL); /* SIGTERM was not enough */
    assert_gone(strtol(text(&child.text[PROCESS_STDOUT]), NULL, 10));
    child_finish(&child);
}

static void test_process__terminating_is_polite_first(void **state)
{
    (void)state;
    struct child child;
    const char *argv[] = {"/bin/bash", "-c",
                          "trap 'echo bye; exit 3' TERM; echo hi; while :; do sleep 0.01; done",
                          NULL};
    struct process_spec spec = make_spec(&child, argv);
    spec.limits.grace_ms = 30000;
    child.kill_at = 3;
    run(&spec);
    assert_exit(&child, 3);
    assert_true(child.end.is_killed);
    assert_string_equal(text(&child.text[PROCESS_STDOUT]), "hi\nbye\n");
    child_finish(&child);
}

static void test_process__killing_is_not(void **state)
{
    (void)state;
    struct child child;
    const char *argv[] = {"/bin/bash", "-c", "trap '' TERM; while :; do sleep 60; done", NULL};
    struct process_spec spec = make_spec(&child, argv);
    spec.limits.grace_ms = 30000;
    assert_int_equal(process_start(&spec, &child.process, NULL), 0);
    process_terminate(child.process);
    process_terminate(child.process);
    process_kill(child.process);
    process_kill(child.process);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(child.ended, 1);
    /* It may have been killed by the SIGTERM before it could ignore it. */
    assert_true(child.end.signal == SIGKILL || child.end.signal == SIGTERM);
    assert_true(child.end.is_killed);
    assert_no_children();
    child_finish(&child);
}

static void test_process__signals_reach_the_whole_group(void **state)
{
    (void)state;
    struct child child;
    const char *argv[] = {"/bin/sleep", "60", NULL};
    struct process_spec spec = make_spec(&child, argv);
    assert_int_equal(process_start(&spec, &child.process, NULL), 0);
    assert_int_equal(process_signal(child.process, 0), E_INVALID);
    assert_int_equal(process_signal(child.process, 4711), E_INVALID);
    assert_int_equal(process_signal(child.process, SIGHUP), 0);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(child.end.signal, SIGHUP);
    child_finish(&child);
}

static void test_process__output_over_the_limit_kills_it(void **state)
{
    (void)state;
    struct child child;
    const char *argv[] = {"/bin/bash", "-c", "yes | head -c 200000 >&3; yes", NULL};
    struct process_spec spec = make_spec(&child, argv);
    spec.limits.output_bytes = 300000;
    run(&spec);
    assert_int_equal(child.end.limit, PROCESS_LIMIT_OUTPUT);
    assert_int_equal(child.text[PROCESS_STDOUT].n + child.text[PROCESS_RESULT].n, 300000);
    assert_no_children();
    child_finish(&child);
}

static void test_process__keeps_the_tail_of_errors_whole_characters(void **state)
{
    (void)state;
    struct child child;
    run_bash(&child, "for i in {1..30000}; do printf 'ä' >&2; done; printf end >&2; exit 1");
    assert_exit(&child, 1);
    assert_in_range(child.tail.n, PROCESS_TAIL_BYTES - 1, PROCESS_TAIL_BYTES);
    assert_memory_equal(child.tail.p, "\xc3\xa4", 2);
    assert_true(str_ends_with(strbuf_str(&child.tail), STR("äend")));
    assert_int_equal(child.text[PROCESS_STDERR].n, 60003);
    child_finish(&child);
}

static void test_process__does_not_wait_for_grandchildren_that_keep_pipes(void **state)
{
    (void)state;
    struct child child;
    uint64_t begun = uv_hrtime();
    run_bash(&child, "sleep 50 & echo $!; exit 0");
    assert_exit(&child, 0);
    assert_true(uv_hrtime() - begun < 20u * 1000000000u);
    assert_gone(strtol(text(&child.text[PROCESS_STDOUT]), NULL, 10));
    child_finish(&child);
}

static void test_process__reads_what_grandchildren_write_last(void **state)
{
    (void)state;
    struct child child;
    run_bash(&child, "(for i in {1..100}; do echo late; done) & exit 0");
    assert_int_equal(child.text[PROCESS_STDOUT].n, 500);
    child_finish(&child);
}

/* Runs `script`, which prints the pid of what it leaves behind. */
static long run_marked(struct child *child, const char *script)
{
    static const char *const env[] = {"PATH=/usr/bin:/bin", "STEP=test-7", NULL};
    const char *argv[] = {"/bin/bash", "-c", script, NULL};
    struct process_spec spec = make_spec(child, argv);
    spec.env = env;
    spec.mark = env[1];
    run(&spec);
    long pid = strtol(text(&child->text[PROCESS_STDOUT]), NULL, 10);
    assert_true(pid > 1);
    return pid;
}

static void test_process__what_left_the_group_or_the_session_is_killed(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "set -m; sleep 600 >&- 2>&- & echo $!",
        "setsid sh -c 'echo $$; exec sleep 600 >&- 2>&-' & read -t 0.2 <> <(:); exit 0",
        "setsid setsid -f sh -c 'echo $$; sleep 600 & exec sleep 600' >&1 2>&-; exit 0",
        "(setsid sh -c 'echo $$; trap \"\" TERM HUP; sleep 60 >&-; :' &); read -t 0.2 <> <(:) || :",
    };
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct child child;
        long pid = run_marked(&child, scripts[i]);
        assert_exit(&child, 0);
        assert_int_equal(kill((pid_t)pid, 0), -1); /* not even a zombie is left */
        assert_no_children();
        child_finish(&child);
    }
}

/* One that ends at once must not leave its orphans to somebody else. */
static void test_process__orphans_are_expected_before_a_child_is_there(void **state)
{
    (void)state;
    struct child child;
    int is_reaper = 1;
    const char *const argv[] = {"/bin/true", NULL};
    struct process_spec spec = make_spec(&child, argv);
    spec.helper = "/no/such/helper";
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0), 0);
    assert_int_equal(process_start(&spec, &child.process, NULL), E_NOT_FOUND);
    assert_int_equal(prctl(PR_GET_CHILD_SUBREAPER, &is_reaper, 0, 0, 0), 0);
    assert_int_equal(is_reaper, 1);
}

static void test_process__who_takes_out_the_mark_lives_on(void **state)
{
    (void)state;
    struct child child;
    long pid = run_marked(
        &child, "env -u STEP setsid -f sh -c 'echo $$; exec sleep 600 >&- 2>&- 3>&-'; exit 0");
    assert_int_equal(kill((pid_t)pid, 0), 0);
    assert_int_equal(kill((pid_t)pid, SIGKILL), 0);
    assert_int_equal(waitpid((pid_t)pid, NULL, 0), pid); /* it has become ours */
    child_finish(&child);
}

static void test_process__another_child_s_kin_is_left_alone(void **state)
{
    (void)state;
    struct child one;
    struct child two;
    const char *stays[] = {"/bin/bash", "-c",
                           "(setsid sh -c 'echo x; exec sleep 600' &); "
                           "while :; do sleep 0.05; done",
                           NULL};
    static const char *const env[] = {"PATH=/usr/bin:/bin", "STEP=test-8", NULL};
    struct process_spec spec = make_spec(&one, stays);
    spec.env = env;
    spec.mark = env[1];
    spec.limits.grace_ms = 0;
    assert_int_equal(process_start(&spec, &one.process, NULL), 0);
    while (one.text[PROCESS_STDOUT].n == 0) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    const char *argv[] = {"/bin/true", NULL};
    struct process_spec other = make_spec(&two, argv);
    assert_int_equal(process_start(&other, &two.process, NULL), 0);
    while (two.ended == 0) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    assert_int_equal(one.ended, 0);
    process_terminate(one.process);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(one.ended, 1);
    assert_no_children();
    child_finish(&one);
    child_finish(&two);
}

static void run_with_processes(struct child *child, uint64_t most, const char *times)
{
    /* Three in the session, one outside of it, and the shell. */
    const char *argv[] = {"/bin/bash",
                          "-c",
                          "sleep 600 & sleep 600 & (sleep 600 &) ; setsid sleep 600 & "
                          "for ((i = 0; i < $1; i++)); do read -t 0.05 <> <(:); done; exit 7",
                          "bash",
                          times,
                          NULL};
    static const char *const env[] = {"PATH=/usr/bin:/bin", "STEP=test-9", NULL};
    struct process_spec spec = make_spec(child, argv);
    spec.env = env;
    spec.mark = env[1];
    spec.limits.processes = most;
    run(&spec);
    assert_no_children();
    child_finish(child);
}

static void test_process__too_many_processes_end_it(void **state)
{
    (void)state;
    struct child child;
    run_with_processes(&child, 4, "2400"); /* it does not come to its end */
    assert_int_equal(child.end.limit, PROCESS_LIMIT_COUNT);
    assert_int_equal(child.end.signal, SIGKILL);
    run_with_processes(&child, 8, "8");
    assert_int_equal(child.end.limit, PROCESS_LIMIT_NONE);
    assert_exit(&child, 7);
}

static void test_process__limits_reach_the_program(void **state)
{
    (void)state;
    struct child child;
    const char *argv[] = {"/bin/bash", "-c", "ulimit -d; ulimit -t; ulimit -f; ulimit -n", NULL};
    struct process_spec spec = make_spec(&child, argv);
    spec.limits.memory_bytes = 512u << 20;
    spec.limits.cpu_ms = 1500;
    spec.limits.file_bytes = 4096;
    spec.limits.open_files = 64;
    spec.limits.processes = 100000;
    run(&spec);
    assert_string_equal(text(&child.text[PROCESS_STDOUT]), "524288\n2\n4\n64\n");
    child_finish(&child);
}

static void test_process__names_the_limit_of_the_kernel(void **state)
{
    (void)state;
    struct child child;
    const char *spin[] = {"/bin/bash", "-c", "while :; do :; done", NULL};
    struct process_spec spec = make_spec(&child, spin);
    spec.limits.cpu_ms = 1;
    run(&spec);
    assert_int_equal(child.end.limit, PROCESS_LIMIT_CPU);
    child_finish(&child);

    char path[] = "/tmp/test_process_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    const char *write_much[] = {"/usr/bin/dd", "if=/dev/zero", "bs=1k", "count=64", NULL, NULL};
    char of[64];
    (void)snprintf(of, sizeof(of), "of=%s", path);
    write_much[4] = of;
    spec = make_spec(&child, write_much);
    spec.limits.file_bytes = 4096;
    run(&spec);
    assert_int_equal(child.end.limit, PROCESS_LIMIT_FILE);
    child_finish(&child);
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(path), 0);
}

static void on_resume(uv_timer_t *timer)
{
    struct child *child = timer->data;
    assert_true(child->text[PROCESS_STDOUT].n < 1000000);
    child->pause_at = 0;
    process_set_paused(child->process, false);
    uv_close((uv_handle_t *)timer, NULL);
}

static void test_process__waits_while_it_is_paused(void **state)
{
    (void)state;
    struct child child;
    const char *argv[] = {"/bin/bash", "-c", "yes | head -c 1000000", NULL};
    struct process_spec spec = make_spec(&child, argv);
    child.pause_at = 1;
    uv_timer_t timer;
    assert_int_equal(uv_timer_init(&loop, &timer), 0);
    timer.data = &child;
    assert_int_equal(uv_timer_start(&timer, on_resume, 100, 0), 0);
    run(&spec);
    assert_exit(&child, 0);
    assert_int_equal(child.text[PROCESS_STDOUT].n, 1000000);
    child_finish(&child);
}

static void test_process__leaks_no_descriptor_and_no_child(void **state)
{
    (void)state;
    size_t before = count_entries("/proc/self/fd");
    for (int i = 0; i < 50; i++) {
        struct child child;
        run_bash(&child,
                 i % 2 == 0 ? "echo a; exit 1" : "sleep 9 >/dev/null 2>&1 3>&- & kill -9 $$");
        child_finish(&child);
    }
    assert_int_equal(count_entries("/proc/self/fd"), before);
    assert_no_children();
}

static void test_process__refuses_to_start_without_its_means(void **state)
{
    (void)state;
    struct child child;
    struct error err = {0};
    const char *argv[] = {"/bin/true", NULL};
    struct process_spec spec = make_spec(&child, argv);
    spec.helper = "/no/such/opstream-exec";
    size_t before = count_entries("/proc/self/fd");
    assert_int_equal(process_start(&spec, &child.process, &err), E_NOT_FOUND);
    assert_non_null(strstr(err.message, "'/no/such/opstream-exec' is not there"));

    spec.helper = helper;
    struct rlimit limit = {0};
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    struct rlimit few = {8, limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    int status = process_start(&spec, &child.process, &err);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(status, E_LIMIT);
    assert_non_null(strstr(err.message, "ulimit -n"));
    assert_int_equal(count_entries("/proc/self/fd"), before);
    assert_int_equal(child.ended, 0);
}

static void test_process__starting_survives_each_failed_allocation(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct child child;
        const char *argv[] = {"/bin/true", NULL};
        struct process_spec spec = make_spec(&child, argv);
        failing_alloc_arm(n);
        int status = process_start(&spec, &child.process, NULL);
        bool is_reached = failing_alloc_disarm();
        if (status == 0) {
            assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
            assert_int_equal(child.ended, 1);
            child_finish(&child);
        }
        if (!is_reached) {
            break;
        }
        assert_int_equal(status, E_NOMEM);
    }
    assert_no_children();
}

static void test_process__finds_programs_in_a_path(void **state)
{
    (void)state;
    char *path = NULL;
    assert_int_equal(process_find(STR("sh"), "relative::/no/such:/usr/bin", &path, NULL), 0);
    assert_string_equal(path, "/usr/bin/sh");
    free(path);
    path = NULL;
    assert_int_equal(process_find(STR("./tool"), "/usr/bin", &path, NULL), 0);
    assert_string_equal(path, "./tool");
    free(path);
    path = NULL;
    assert_int_equal(process_find(STR("sh"), NULL, &path, NULL), 0);
    free(path);
    path = NULL;
    struct error err = {0};
    assert_int_equal(process_find(STR("no-such-tool"), "/usr/bin:/bin", &path, &err), E_NOT_FOUND);
    assert_string_equal(err.message, "'no-such-tool' is not in /usr/bin:/bin");
    assert_int_equal(process_find(STR("passwd"), "/etc", &path, &err), E_NOT_FOUND);
    assert_int_equal(process_find(STR("bin"), "/usr", &path, &err), E_NOT_FOUND);
    assert_int_equal(process_find(STR(""), "/usr/bin", &path, &err), E_INVALID);
    assert_int_equal(process_find(STR("a\0b"), "/usr/bin", &path, &err), E_INVALID);
    assert_null(path);
}

static int open_loop(void **state)
{
    (void)state;
    const char *folder = NULL;
    if (module_folder(&folder, NULL) != 0) {
        return -1;
    }
    (void)snprintf(helper, sizeof(helper), "%s/opstream-exec", folder);
    return uv_loop_init(&loop);
}

static int close_loop(void **state)
{
    (void)state;
    return uv_loop_close(&loop);
}

/* ---- in control groups of this machine ---- */

static void assert_no_group_is_left(void)
{
    char path[4200];
    (void)snprintf(path, sizeof path, "%s/step-%u", home.path.p, (unsigned)home.last_step);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_true(home.last_step > 0);
}

static void test_process__is_in_a_group_from_its_first_moment(void **state)
{
    (void)state;
    struct child child;
    run_bash(&child, "read -r line < <(grep ^0:: /proc/self/cgroup); echo ${line##*/}");
    char expected[64];
    (void)snprintf(expected, sizeof expected, "step-%u\n", (unsigned)home.last_step);
    assert_string_equal(text(&child.text[PROCESS_STDOUT]), expected);
    assert_exit(&child, 0);
    assert_no_group_is_left();
    child_finish(&child);
}

static void test_process__what_hides_is_ended_with_its_group(void **state)
{
    (void)state;
    struct child child;
    run_bash(&child, "setsid env -i /bin/sleep 3177 & cat < /dev/null");
    assert_exit(&child, 0);
    assert_no_group_is_left(); /* it could not be removed with a process in it */
    child_finish(&child);
}

static void test_process__what_hides_is_counted(void **state)
{
    (void)state;
    struct child child;
    const char *argv[] = {"/bin/bash", "-c",
                          "for i in 1 2 3 4; do setsid env -i /bin/sleep 3178 & done; sleep 3178",
                          NULL};
    struct process_spec spec = make_spec(&child, argv);
    spec.limits.processes = 3;
    run(&spec);
    assert_int_equal(child.end.limit, PROCESS_LIMIT_COUNT);
    assert_no_group_is_left();
    child_finish(&child);
}

static void test_process__a_group_computes_for_so_long_together(void **state)
{
    (void)state;
    struct child child;
    const char *argv[] = {"/bin/bash", "-c",
                          "for i in {1..40}; do bash -c 'for j in {1..50000}; do :; done'; done",
                          NULL};
    struct process_spec spec = make_spec(&child, argv);
    spec.limits.cpu_ms = 300;
    run(&spec);
    assert_int_equal(child.end.limit, PROCESS_LIMIT_CPU);
    assert_true(child.end.cpu_us >= 300000);
    assert_no_group_is_left();
    child_finish(&child);
}

/* A folder that is no group: the kernel refuses, and the child is started without. */
static void test_process__does_without_a_group_that_is_refused(void **state)
{
    (void)state;
    struct child child;
    struct scratch_folder scratch;
    struct cgroup_home broken = {.files = &cgroup_files_real, .is_open = true, .lock_fd = -1};
    const char *argv[] = {"/bin/bash", "-c", "echo 7", NULL};
    scratch_folder_make(&scratch);
    strbuf_append_text(&broken.path, scratch.path);
    struct process_spec spec = make_spec(&child, argv);
    spec.home = &broken;
    run(&spec);
    assert_exit(&child, 0);
    assert_string_equal(text(&child.text[PROCESS_STDOUT]), "7\n");
    assert_string_equal(text(&broken.trouble),
                        "cannot start a process in a group: Bad file descriptor");
    child_finish(&child);
    broken.is_open = false; /* the folder is not its own */
    cgroup_home_finish(&broken);
    scratch_folder_remove(&scratch);
}

/* What may differ from children without groups, and more. */
static int run_in_groups(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_process__keeps_the_three_streams_apart),
        cmocka_unit_test(test_process__inherits_no_descriptor_signal_or_session),
        cmocka_unit_test(test_process__merges_errors_into_output),
        cmocka_unit_test(test_process__says_why_a_program_does_not_run),
        cmocka_unit_test(test_process__names_the_signal_that_ended_it),
        cmocka_unit_test(test_process__wall_limit_kills_grandchildren_too),
        cmocka_unit_test(test_process__terminating_is_polite_first),
        cmocka_unit_test(test_process__what_left_the_group_or_the_session_is_killed),
        cmocka_unit_test(test_process__too_many_processes_end_it),
        cmocka_unit_test(test_process__limits_reach_the_program),
        cmocka_unit_test(test_process__leaks_no_descriptor_and_no_child),
        cmocka_unit_test(test_process__is_in_a_group_from_its_first_moment),
        cmocka_unit_test(test_process__what_hides_is_ended_with_its_group),
        cmocka_unit_test(test_process__what_hides_is_counted),
        cmocka_unit_test(test_process__a_group_computes_for_so_long_together),
    };
    cgroup_home_init(&home, &cgroup_files_real, "");
    if (!home.is_open) {
        print_message("no groups on this machine: %s\n", text(&home.text));
        cgroup_home_finish(&home);
        return 0;
    }
    used_home = &home;
    int failed = cmocka_run_group_tests_name("process in groups", tests, open_loop, close_loop);
    cgroup_home_finish(&home);
    return failed;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_process__keeps_the_three_streams_apart),
        cmocka_unit_test(test_process__gives_input_environment_and_folder),
        cmocka_unit_test(test_process__takes_large_input_that_nobody_reads),
        cmocka_unit_test(test_process__inherits_no_descriptor_signal_or_session),
        cmocka_unit_test(test_process__merges_errors_into_output),
        cmocka_unit_test(test_process__says_why_a_program_does_not_run),
        cmocka_unit_test(test_process__names_the_signal_that_ended_it),
        cmocka_unit_test(test_process__wall_limit_kills_grandchildren_too),
        cmocka_unit_test(test_process__terminating_is_polite_first),
        cmocka_unit_test(test_process__killing_is_not),
        cmocka_unit_test(test_process__signals_reach_the_whole_group),
        cmocka_unit_test(test_process__output_over_the_limit_kills_it),
        cmocka_unit_test(test_process__keeps_the_tail_of_errors_whole_characters),
        cmocka_unit_test(test_process__does_not_wait_for_grandchildren_that_keep_pipes),
        cmocka_unit_test(test_process__reads_what_grandchildren_write_last),
        cmocka_unit_test(test_process__what_left_the_group_or_the_session_is_killed),
        cmocka_unit_test(test_process__orphans_are_expected_before_a_child_is_there),
        cmocka_unit_test(test_process__who_takes_out_the_mark_lives_on),
        cmocka_unit_test(test_process__another_child_s_kin_is_left_alone),
        cmocka_unit_test(test_process__too_many_processes_end_it),
        cmocka_unit_test(test_process__limits_reach_the_program),
        cmocka_unit_test(test_process__names_the_limit_of_the_kernel),
        cmocka_unit_test(test_process__waits_while_it_is_paused),
        cmocka_unit_test(test_process__leaks_no_descriptor_and_no_child),
        cmocka_unit_test(test_process__refuses_to_start_without_its_means),
        cmocka_unit_test(test_process__starting_survives_each_failed_allocation),
        cmocka_unit_test(test_process__finds_programs_in_a_path),
        cmocka_unit_test(test_process__does_without_a_group_that_is_refused),
    };
    int failed = cmocka_run_group_tests(tests, open_loop, close_loop);
    return failed + run_in_groups();
}
