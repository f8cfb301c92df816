/* SPDX-License-Identifier: Apache-2.0 */
/* The rule on what the process was changed to. */
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/str.h"
#include "core/checker/process_count.h"
#include "core/checker/rule.h"
#include "core/checker/stage.h"
#include "core/checker/subject.h"
#include "core/checker/verdict.h"
#include "core/host/manifest.h"

enum { SIGNALS = 64, CONFIGS = 3 };

/* ---- What is of the whole process ---- */

struct process_state {
    char folder[PATH_MAX];
    mode_t umask;
    char *locale;              /* owned */
    struct strbuf environment; /* owned */
    struct sigaction actions[SIGNALS + 1];
    sigset_t blocked;
    off_t output; /* bytes on stdout, which is a file in memory */
};

static void look(struct process_state *state)
{
    struct stat info = {.st_size = 0};
    *state = (struct process_state){.umask = umask(0)};
    (void)umask(state->umask);
    if (getcwd(state->folder, sizeof state->folder) == NULL) {
        state->folder[0] = '\0';
    }
    state->locale = str_dup(str_from(setlocale(LC_ALL, NULL)));
    for (char **entry = environ; *entry != NULL; entry++) {
        strbuf_append_text(&state->environment, *entry);
        strbuf_append_char(&state->environment, '\n');
    }
    for (int i = 1; i <= SIGNALS; i++) {
        (void)sigaction(i, NULL, &state->actions[i]); /* of some numbers there is none: zero */
    }
    (void)sigprocmask(SIG_SETMASK, NULL, &state->blocked);
    (void)fstat(STDOUT_FILENO, &info);
    state->output = info.st_size;
}

static void forget(struct process_state *state)
{
    free(state->locale);
    strbuf_finish(&state->environment);
}

static void compare_signals(const struct process_state *before, const struct process_state *after,
                            struct verdict *verdict)
{
    for (int i = 1; i <= SIGNALS; i++) {
        if (before->actions[i].sa_handler != after->actions[i].sa_handler) {
            verdict_fail(verdict, "it changed what happens on signal %d (%s)", i, strsignal(i));
        }
        if (sigismember(&before->blocked, i) != sigismember(&after->blocked, i)) {
            verdict_fail(verdict, "it blocked or unblocked signal %d (%s)", i, strsignal(i));
        }
    }
}

static void compare(const struct process_state *before, const struct process_state *after,
                    struct verdict *verdict)
{
    if (strcmp(before->folder, after->folder) != 0) {
        verdict_fail(verdict, "it changed the working folder to '%s'", after->folder);
    }
    if (before->umask != after->umask) {
        verdict_fail(verdict, "it changed the umask from %03o to %03o", before->umask,
                     after->umask);
    }
    if (before->locale != NULL && after->locale != NULL &&
        strcmp(before->locale, after->locale) != 0) {
        verdict_fail(verdict, "it changed the locale to '%s'", after->locale);
    }
    if (!str_equal(strbuf_str(&before->environment), strbuf_str(&after->environment))) {
        verdict_fail(verdict, "it changed the environment");
    }
    if (after->output > before->output) {
        verdict_fail(verdict, "it wrote %lld bytes to stdout",
                     (long long)(after->output - before->output));
    }
    compare_signals(before, after, verdict);
}

static bool play_once(struct stage *stage, const struct stage_act *act, void *user)
{
    (void)user;
    stage->mood = MOOD_GOOD;
    return stage_play(stage, act, NULL, NULL) == STAGE_ENDED;
}

static void play_all(const struct subject *subject, struct verdict *verdict)
{
    struct stage stage;
    if (stage_open(&stage, subject, verdict)) {
        stage_each(&stage, CONFIGS, play_once, NULL);
    }
    stage_close(&stage);
}

/* The host starts none here; what they have orphaned comes to us. */
static void look_for_children(struct verdict *verdict)
{
    pid_t pid = waitpid(-1, NULL, WNOHANG | __WALL);
    if (pid >= 0) {
        verdict_fail(verdict, "it started a child process%s: the host knows nothing of it",
                     pid > 0 ? "" : ", which still runs");
    }
}

void rule_run_process(const struct subject *subject, struct verdict *verdict)
{
    struct process_state before;
    struct process_state after;
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* children of children are seen then, too */
    look(&before);
    play_all(subject, verdict);
    (void)fflush(stdout); /* what it left in the buffer was meant for stdout, too */
    look(&after);
    compare(&before, &after, verdict);
    look_for_children(verdict);
    forget(&before);
    forget(&after);

    /* Only now: libraries open some when they are first used, and keep them. */
    size_t descriptors = process_count("/proc/self/fd");
    play_all(subject, verdict);
    size_t more = process_count("/proc/self/fd");
    if (more > descriptors) {
        verdict_fail(verdict, "%zu descriptors more are open after its shutdown() than before",
                     more - descriptors);
    }
}
