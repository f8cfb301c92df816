/* SPDX-License-Identifier: Apache-2.0 */
/* Rules on what is left in the process: what it was changed to, and how it grows. */
#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/str.h"
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

/* Of the process: what /proc/self/`name` has. */
static size_t count_entries(const char *name)
{
    size_t count = 0;
    DIR *folder = opendir(name);
    while (folder != NULL && readdir(folder) != NULL) {
        count++;
    }
    if (folder != NULL) {
        (void)closedir(folder); /* only read */
    }
    return count;
}

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

void rule_run_process(const struct subject *subject, struct verdict *verdict)
{
    struct process_state before;
    struct process_state after;
    look(&before);
    play_all(subject, verdict);
    (void)fflush(stdout); /* what it left in the buffer was meant for stdout, too */
    look(&after);
    compare(&before, &after, verdict);
    forget(&before);
    forget(&after);

    /* Only now: libraries open some when they are first used, and keep them. */
    size_t descriptors = count_entries("/proc/self/fd");
    play_all(subject, verdict);
    size_t more = count_entries("/proc/self/fd");
    if (more > descriptors) {
        verdict_fail(verdict, "%zu descriptors more are open after its shutdown() than before",
                     more - descriptors);
    }
}

/* ---- Growth ---- */

enum {
    ROUNDS = 10,     /* hosts, one after the other */
    WARM_ROUNDS = 4, /* in which caches may fill */
    SPARE_BYTES = 64 * 1024,
    SPARE_FOR_TASK = 4, /* bytes: less than any allocation */
    SPARE_COUNT = 8,    /* threads of a pool, descriptors of a library */
    SPARE_VALUES = 64,
    PLAYS_MOST = 256,
};

struct growth {
    uint64_t for_round;
    uint64_t begun;        /* of this round */
    ops_test_counts early; /* when a quarter of the round is over */
};

/* Bytes that are allocated, by malloc() and as mappings for large blocks. */
static size_t allocated(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* What is played, made once: it would take longer than the tasks. */
struct plays {
    const struct manifest_node *nodes[PLAYS_MOST];
    char *configs[PLAYS_MOST]; /* owned */
    size_t count;
};

static bool add_play(struct stage *stage, const struct stage_act *act, void *user)
{
    struct plays *plays = user;
    char *config = plays->count < PLAYS_MOST ? str_dup(str_from(act->config)) : NULL;
    (void)stage;
    if (config == NULL) {
        return false;
    }
    plays->nodes[plays->count] = act->node;
    plays->configs[plays->count++] = config;
    return true;
}

static void collect(const struct subject *subject, struct plays *plays)
{
    struct stage stage = {.subject = subject}; /* no host: nothing is played yet */
    stage_each(&stage, CONFIGS, add_play, plays);
}

static void forget_plays(struct plays *plays)
{
    for (size_t i = 0; i < plays->count; i++) {
        free(plays->configs[i]);
    }
}

static bool play_and_count(struct stage *stage, const struct plays *plays, struct growth *growth)
{
    size_t i = growth->begun % plays->count;
    struct stage_act act = {.node = plays->nodes[i], .config = plays->configs[i], .what = ""};
    growth->begun++;
    if (growth->begun == growth->for_round / 4) {
        ops_test_count(stage->host, &growth->early);
    }
    stage->mood = growth->begun % 4 == 0 ? MOOD_ANY : MOOD_GOOD;
    return stage_play(stage, &act, NULL, NULL) == STAGE_ENDED &&
           stage->verdict->outcome != VERDICT_FAILED;
}

static void judge_kept(struct stage *stage, const struct growth *growth)
{
    ops_test_counts late;
    ops_test_count(stage->host, &late);
    if (late.kept_values > growth->early.kept_values + SPARE_VALUES ||
        late.kept_bytes > growth->early.kept_bytes + SPARE_BYTES) {
        verdict_fail(stage->verdict,
                     "what it keeps in scopes of nodes and of the plugin grew from %" PRIu64
                     " values (%" PRIu64 " bytes) to %" PRIu64 " (%" PRIu64 ") in %" PRIu64
                     " tasks",
                     growth->early.kept_values, growth->early.kept_bytes, late.kept_values,
                     late.kept_bytes, growth->for_round - growth->for_round / 4);
    }
}

/* False: it goes on no further. */
static bool play_round(const struct subject *subject, const struct plays *plays,
                       struct verdict *verdict, struct growth *growth)
{
    struct stage stage;
    bool is_good = stage_open(&stage, subject, verdict);
    growth->begun = 0;
    while (is_good && growth->begun < growth->for_round) {
        is_good = play_and_count(&stage, plays, growth);
    }
    if (is_good) {
        judge_kept(&stage, growth);
    }
    stage_close(&stage);
    return is_good && verdict->outcome != VERDICT_FAILED;
}

static void judge_growth(const char *what, size_t before, size_t after, size_t spare,
                         uint64_t tasks, struct verdict *verdict)
{
    if (after > before + spare) {
        verdict_fail(verdict, "%s grew from %zu to %zu in %" PRIu64 " tasks", what, before, after,
                     tasks);
    }
}

static void play_rounds(const struct subject *subject, const struct plays *plays,
                        struct verdict *verdict)
{
    size_t bytes = 0;
    size_t descriptors = 0;
    size_t threads = 0;
    struct growth growth = {.for_round = subject->tasks < ROUNDS ? 1 : subject->tasks / ROUNDS};
    for (int i = 0; i < ROUNDS; i++) {
        if (i == WARM_ROUNDS) {
            bytes = allocated();
            descriptors = count_entries("/proc/self/fd");
            threads = count_entries("/proc/self/task");
        }
        if (!play_round(subject, plays, verdict, &growth)) {
            verdict_skip(verdict, "a task could not be started, as run.configs tells");
            return; /* or the verdict has it */
        }
    }
    uint64_t tasks = growth.for_round * (ROUNDS - WARM_ROUNDS);
    judge_growth("allocated memory (bytes)", bytes, allocated(),
                 SPARE_BYTES + (size_t)tasks * SPARE_FOR_TASK, tasks, verdict);
    judge_growth("the number of open descriptors", descriptors, count_entries("/proc/self/fd"),
                 SPARE_COUNT, tasks, verdict);
    judge_growth("the number of threads", threads, count_entries("/proc/self/task"), SPARE_COUNT,
                 tasks, verdict);
    verdict_remark(verdict, "%" PRIu64 " tasks", growth.for_round * ROUNDS);
}

void rule_run_growth(const struct subject *subject, struct verdict *verdict)
{
    struct plays plays = {.count = 0};
    collect(subject, &plays);
    if (plays.count > 0) {
        play_rounds(subject, &plays, verdict);
    } else {
        verdict_skip(verdict, "no config can be made, as run.configs tells");
    }
    forget_plays(&plays);
}
