/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child writes its verdict into memory that it shares with us, so that what it had found, and
 * what it was doing, is there whatever becomes of it.
 *
 *     fork ─▶ keeper: own process group; waits for the child, writes down how it ended
 *       │       └─ fork ─▶ child: folder, stdout, stderr; runs the rule; is_whole; _exit
 *       └──▶ we: wait for the keeper's pidfd, at most the timeout; kill the group; read how it
 * ended
 *
 * The keeper is there to be the child's parent: a plugin that kills its parent kills that.
 */
#include "core/checker/trial.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/str.h"
#include "core/checker/cage.h"
#include "core/checker/rule.h"
#include "core/checker/subject.h"
#include "core/checker/verdict.h"
#include "core/host/manifest.h"
#include "core/host/version.h"

enum { TAIL_BYTES = 1200, FOLDERS_OPEN = 16 };

struct trial {
    char folder[PATH_MAX];
    int output;                      /* what it writes to stderr */
    const struct manifest *manifest; /* of the plugin; NULL: unknown */
    pid_t pid;
};

struct verdict *trial_create_verdict(void)
{
    void *memory = mmap(NULL, sizeof(struct verdict), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory != MAP_FAILED ? memory : NULL;
}

void trial_destroy_verdict(struct verdict *verdict)
{
    if (verdict != NULL) {
        (void)munmap(verdict, sizeof *verdict); /* cannot fail: it was mapped */
    }
}

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- The folder ---- */

static int make_folder(struct trial *trial, struct error *err)
{
    const char *parent = getenv("TMPDIR");
    int n = snprintf(trial->folder, sizeof trial->folder, "%s/opstream-check-XXXXXX",
                     parent != NULL && parent[0] == '/' ? parent : "/tmp");
    if (n < 0 || n >= (int)sizeof trial->folder || mkdtemp(trial->folder) == NULL) {
        return error_set_errno(err, E_IO, errno, "cannot make the folder '%s'", trial->folder);
    }
    return 0;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    (void)remove(path); /* best effort: it is a folder for temporary files */
    return 0;
}

static void remove_folder(const struct trial *trial)
{
    (void)nftw(trial->folder, remove_one, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS); /* best effort */
}

/* ---- The child ---- */

static bool enter(const struct trial *trial, int stdout_fd)
{
    struct rlimit no_core = {0, 0};
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && setrlimit(RLIMIT_CORE, &no_core) == 0 &&
           chdir(trial->folder) == 0 && setenv("TMPDIR", trial->folder, 1) == 0 &&
           setenv("HOME", trial->folder, 1) == 0 && dup2(stdout_fd, STDOUT_FILENO) >= 0 &&
           dup2(trial->output, STDERR_FILENO) >= 0;
}

/* Never returns. Nothing that the plugin left for the end of the process runs. */
static void run_child(const struct trial *trial, int stdout_fd, const struct rule *rule,
                      const struct subject *subject, struct verdict *verdict)
{
    if (!enter(trial, stdout_fd)) {
        verdict_fail(verdict, "the process for this rule could not be set up: %s", strerror(errno));
    } else {
        cage_enter(trial->folder);
        rule->run(subject, verdict);
    }
    verdict->is_whole = 1;
    _exit(0);
}

/* Never returns. */
static void run_keeper(const struct trial *trial, int stdout_fd, const struct rule *rule,
                       const struct subject *subject, struct verdict *verdict)
{
    bool is_set_up = setpgid(0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
    pid_t pid = is_set_up ? fork() : -1;
    if (pid == 0) {
        run_child(trial, stdout_fd, rule, subject, verdict);
    }
    if (pid < 0) {
        verdict_fail(verdict, "the process for this rule could not be set up: %s", strerror(errno));
        verdict->is_whole = 1;
        _exit(0);
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    verdict->end_status = status;
    verdict->has_ended = 1;
    _exit(0);
}

/* ---- How it ended ---- */

/* The end of what it wrote to stderr, which is where assertions and sanitizers speak. */
static void append_tail(const struct trial *trial, struct strbuf *out)
{
    char tail[TAIL_BYTES];
    off_t size = lseek(trial->output, 0, SEEK_END);
    off_t at = size > TAIL_BYTES ? size - TAIL_BYTES : 0;
    ssize_t n = size > 0 ? pread(trial->output, tail, sizeof tail, at) : 0;
    while (n > 0 && (tail[n - 1] == '\n' || tail[n - 1] == '\0')) {
        n--;
    }
    if (n > 0) {
        strbuf_append_text(out, "; it wrote: ");
        strbuf_append(out, tail, (size_t)n);
    }
}

/* What the host gives only to those whose manifest names it, and is NULL for others. */
static void append_missing(const struct trial *trial, struct strbuf *out)
{
    const char *between = "; not in 'interfaces' of the manifest, so that they are NULL: ";
    const struct version_interface *interface = NULL;
    for (unsigned i = 0; (interface = version_interface_at(i)) != NULL; i++) {
        if (trial->manifest != NULL && interface->is_basic == 0 &&
            manifest_find_interface(trial->manifest, str_from(interface->id)) == NULL) {
            strbuf_append_format(out, "%s%s", between, interface->id);
            between = ", ";
        }
    }
}

static void complain(const struct trial *trial, struct verdict *verdict, const char *what)
{
    struct strbuf text = STRBUF_INIT;
    verdict->stage[sizeof verdict->stage - 1] = '\0';
    strbuf_append_text(&text, what);
    if (verdict->stage[0] != '\0') {
        strbuf_append_format(&text, ", while: %s", verdict->stage);
    }
    if (verdict->has_ended != 0 && WIFSIGNALED(verdict->end_status) &&
        WTERMSIG(verdict->end_status) == SIGSEGV) {
        append_missing(trial, &text);
    }
    append_tail(trial, &text);
    verdict_fail(verdict, "%s", text.p != NULL ? text.p : what);
    strbuf_finish(&text);
}

/* `status` is the keeper's. */
static void judge_end(const struct trial *trial, int status, struct verdict *verdict)
{
    char what[128];
    if (verdict->has_ended != 0) {
        status = verdict->end_status;
    } else if (WIFSIGNALED(status)) {
        (void)snprintf(what, sizeof what, "it killed its parent process, by signal %d (%s)",
                       WTERMSIG(status), strsignal(WTERMSIG(status)));
        complain(trial, verdict, what);
        return;
    }
    if (WIFSIGNALED(status)) {
        (void)snprintf(what, sizeof what, "it was ended by signal %d (%s)", WTERMSIG(status),
                       strsignal(WTERMSIG(status)));
        complain(trial, verdict, what);
    } else if (verdict->is_whole == 0) {
        (void)snprintf(what, sizeof what, "it ended the process with exit code %d",
                       WEXITSTATUS(status));
        complain(trial, verdict, what);
    }
}

static bool has_ended(pid_t pid, int64_t timeout_ms)
{
    cleanup_fd int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    int64_t end = now_ms() + timeout_ms;
    for (int64_t left = timeout_ms; left > 0; left = end - now_ms()) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (poll(&wait, 1, left < INT_MAX ? (int)left : INT_MAX) > 0) {
            return true;
        }
    }
    return false;
}

static void wait_for_child(const struct trial *trial, int64_t timeout_ms, struct verdict *verdict)
{
    int status = 0;
    bool is_in_time = has_ended(trial->pid, timeout_ms);
    /* With all that it started; before it is waited for, so that the number is still its own. */
    (void)kill(-trial->pid, SIGKILL);
    (void)kill(trial->pid, SIGKILL); /* in case that it never came to make a group */
    while (waitpid(trial->pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (is_in_time) {
        judge_end(trial, status, verdict);
        return;
    }
    char what[128];
    (void)snprintf(what, sizeof what, "it did not end within %lld s",
                   (long long)(timeout_ms / 1000));
    complain(trial, verdict, what);
}

static int run_apart(const struct rule *rule, const struct subject *subject, int64_t timeout_ms,
                     struct verdict *verdict, struct error *err)
{
    cleanup_fd int output = memfd_create("stderr", MFD_CLOEXEC);
    cleanup_fd int stdout_fd = memfd_create("stdout", MFD_CLOEXEC);
    struct trial trial = {.output = output, .manifest = subject->manifest};
    if (output < 0 || stdout_fd < 0) {
        return error_set_errno(err, E_IO, errno, "cannot make a file in memory");
    }
    int status = make_folder(&trial, err);
    if (status != 0) {
        return status;
    }

    trial.pid = fork();
    if (trial.pid == 0) {
        run_keeper(&trial, stdout_fd, rule, subject, verdict);
    }
    if (trial.pid < 0) {
        status = error_set_errno(err, E_IO, errno, "cannot start a process");
    } else {
        wait_for_child(&trial, timeout_ms, verdict);
    }
    remove_folder(&trial);
    return status;
}

int trial_run(const struct rule *rule, const struct subject *subject,
              const struct trial_options *options, struct verdict **out_verdict, struct error *err)
{
    struct verdict *verdict = trial_create_verdict();
    if (verdict == NULL) {
        return error_nomem(err);
    }

    int status = 0;
    int64_t start = now_ms();
    if (options->is_in_process && strcmp(rule->id, "run.process") == 0) {
        verdict_skip(verdict, "with --in-process the process is the checker's own");
    } else if (options->is_in_process) {
        rule->run(subject, verdict);
        verdict->is_whole = 1;
    } else {
        status = run_apart(rule, subject, options->timeout_ms, verdict, err);
    }
    if (status != 0) {
        trial_destroy_verdict(verdict);
        return status;
    }
    verdict->took_ms = now_ms() - start;
    *out_verdict = verdict;
    return 0;
}
