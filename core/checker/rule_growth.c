/* SPDX-License-Identifier: Apache-2.0 */
/* The rule on what grows: from task to task, however tasks end, and from host to host. */
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

#include "core/base/str.h"
#include "core/checker/process_count.h"
#include "core/checker/rule.h"
#include "core/checker/stage.h"
#include "core/checker/subject.h"
#include "core/checker/verdict.h"
#include "core/host/manifest.h"
#include "opstream/exec.h"

enum {
    CONFIGS = 3,     /* of a node type */
    ROUNDS = 10,     /* hosts, one after the other */
    WARM_ROUNDS = 4, /* in which caches may fill */
    SPARE_BYTES = 64 * 1024,
    SPARE_FOR_TASK = 4, /* bytes: less than any allocation */
    SPARE_COUNT = 8,    /* threads of a pool, descriptors of a library */
    SPARE_VALUES = 64,
    PLAYS_MOST = 256,
    LIVES = 60,      /* more hosts, for what init() and create() make */
    WARM_LIVES = 10, /* in which caches may fill */
};

struct growth {
    struct chance chance; /* of what is done to tasks */
    uint64_t for_round;
    bool is_measured;      /* how many tasks a round has is decided */
    uint64_t begun;        /* of this round */
    ops_test_counts early; /* when a quarter of the round is over */
};

/* Bytes that are allocated, by malloc() and as mappings for large blocks. */
static size_t allocated(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

struct play {
    const struct manifest_node *node;
    char *config;   /* owned */
    uint64_t steps; /* that it made when it was left in peace; 0: not known yet */
    uint64_t calls; /* of the host, as well */
};

/* What is played, made once: it would take longer than the tasks. */
struct plays {
    struct play plays[PLAYS_MOST];
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
    plays->plays[plays->count++] = (struct play){.node = act->node, .config = config};
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
        free(plays->plays[i].config);
    }
}

/* ---- What is done to a task ---- */

/* Left in peace, it shows how many steps and calls it makes. */
static bool play_plain(struct stage *stage, struct play *play, const struct stage_act *act)
{
    uint64_t before = ops_test_calls(stage->host, "");
    bool is_good = stage_play(stage, act, &play->steps, NULL) == STAGE_ENDED &&
                   stage->verdict->outcome != VERDICT_FAILED;
    play->calls = ops_test_calls(stage->host, "") - before;
    return is_good;
}

/* What is wrong with the end of such tasks run.cancel and run.faults tell. */
static bool play_badly(struct stage *stage, const struct stage_act *act)
{
    ops_test_counts counts;
    stage->view = VIEW_NOTHING;
    enum stage_result result = stage_play(stage, act, NULL, NULL);
    stage->view = VIEW_CONDUCT;
    ops_test_count(stage->host, &counts);
    if (result == STAGE_ENDED && counts.abandoned == 0) {
        return true;
    }
    verdict_skip(stage->verdict, "a task does not end when it is cancelled, or when a call fails, "
                                 "as run.cancel and run.faults tell");
    return false;
}

static bool play_cancelled(struct stage *stage, const struct play *play, struct growth *growth,
                           struct stage_act *act)
{
    act->cancel_step = 1 + chance_below(&growth->chance, play->steps);
    act->cancel_moment = (uint32_t)chance_below(&growth->chance, OPS_TEST_LATER + 1);
    act->cancel_how = OPS_CANCEL_REQUESTED + (uint32_t)chance_below(&growth->chance, 3);
    return play_badly(stage, act);
}

static bool play_refused(struct stage *stage, const struct play *play, struct growth *growth,
                         const struct stage_act *act)
{
    ops_test_fault fault = {
        .where = "",
        .n = 1 + chance_below(&growth->chance, play->calls),
        .flags = chance_percent(&growth->chance, 50) ? OPS_TEST_IN_CALLBACK : 0,
    };
    if (ops_test_fault_add(stage->host, &fault) != OPS_OK) {
        verdict_fail(stage->verdict, "out of memory");
        return false;
    }
    bool is_good = play_badly(stage, act);
    ops_test_fault_clear(stage->host);
    return is_good;
}

/* One in three is left in peace, one is cancelled, of one a call of the host fails. */
static bool play_and_count(struct stage *stage, struct plays *plays, struct growth *growth)
{
    struct play *play = &plays->plays[growth->begun % plays->count];
    struct stage_act act = {.node = play->node, .config = play->config, .what = ""};
    size_t deed = chance_below(&growth->chance, 3);
    growth->begun++;
    if (growth->begun == growth->for_round / 4) {
        ops_test_count(stage->host, &growth->early);
    }
    stage->mood = growth->begun % 4 == 0 ? MOOD_ANY : MOOD_GOOD;
    if (deed == 1 && play->steps > 0) {
        return play_cancelled(stage, play, growth, &act);
    }
    if (deed == 2 && play->calls > 0) {
        return play_refused(stage, play, growth, &act);
    }
    return play_plain(stage, play, &act);
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

/* ---- Hosts ---- */

struct host_life {
    const struct subject *subject;
    struct plays *plays;
    struct verdict *verdict;
    struct growth *growth;
    bool is_good; /* it may go on */
};

static void *play_round(void *user)
{
    struct host_life *life = user;
    struct growth *growth = life->growth;
    struct stage stage;
    life->is_good = stage_open(&stage, life->subject, life->verdict);
    growth->begun = 0;
    while (life->is_good && growth->begun < growth->for_round) {
        life->is_good = play_and_count(&stage, life->plays, growth);
        if (!growth->is_measured && stage_is_late(&stage, ROUNDS)) {
            growth->for_round = growth->begun;
            ops_test_count(stage.host, &growth->early);
        }
    }
    growth->is_measured = true;
    if (life->is_good) {
        judge_kept(&stage, growth);
    }
    stage_close(&stage);
    return NULL;
}

/* One host, on which each node type is created for one task. */
static void *play_life(void *user)
{
    struct host_life *life = user;
    struct stage stage;
    const struct manifest_node *last = NULL;
    life->is_good = stage_open(&stage, life->subject, life->verdict);
    for (size_t i = 0; life->is_good && i < life->plays->count; i++) {
        const struct play *play = &life->plays->plays[i];
        struct stage_act act = {.node = play->node, .config = play->config, .what = ""};
        if (play->node != last) {
            life->is_good = stage_play(&stage, &act, NULL, NULL) == STAGE_ENDED;
        }
        last = play->node;
    }
    stage_close(&stage);
    return NULL;
}

/*
 * In a thread of its own: what malloc() keeps at hand for a thread counts as allocated, and is
 * given back when the thread ends. False: it goes on no further.
 */
static bool run_host(void *(*play)(void *), struct host_life *life)
{
    pthread_t thread;
    life->is_good = false;
    if (pthread_create(&thread, NULL, play, life) != 0) {
        verdict_fail(life->verdict, "no thread can be started");
        return false;
    }
    (void)pthread_join(thread, NULL); /* cannot fail: it is ours */
    return life->is_good && life->verdict->outcome == VERDICT_OK;
}

static void judge_growth(const char *what, size_t before, size_t after, size_t spare,
                         uint64_t tasks, struct verdict *verdict)
{
    if (after > before + spare) {
        verdict_fail(verdict, "%s grew from %zu to %zu in %" PRIu64 " tasks", what, before, after,
                     tasks);
    }
}

static void play_rounds(const struct subject *subject, struct plays *plays, struct verdict *verdict)
{
    size_t bytes = 0;
    size_t descriptors = 0;
    size_t threads = 0;
    struct growth growth = {.chance = {subject->seed},
                            .for_round = subject->tasks < ROUNDS ? 1 : subject->tasks / ROUNDS};
    struct host_life life = {subject, plays, verdict, &growth, false};
    for (int i = 0; i < ROUNDS; i++) {
        if (i == WARM_ROUNDS) {
            bytes = allocated();
            descriptors = process_count("/proc/self/fd");
            threads = process_count("/proc/self/task");
        }
        if (!run_host(play_round, &life)) {
            if (verdict->outcome == VERDICT_OK) {
                verdict_skip(verdict, "a task could not be started, as run.configs tells");
            }
            return;
        }
    }
    uint64_t tasks = growth.for_round * (ROUNDS - WARM_ROUNDS);
    judge_growth("allocated memory (bytes)", bytes, allocated(),
                 SPARE_BYTES + (size_t)tasks * SPARE_FOR_TASK, tasks, verdict);
    judge_growth("the number of open descriptors", descriptors, process_count("/proc/self/fd"),
                 SPARE_COUNT, tasks, verdict);
    judge_growth("the number of threads", threads, process_count("/proc/self/task"), SPARE_COUNT,
                 tasks, verdict);
    bool is_whole = growth.for_round * ROUNDS >= subject->tasks / ROUNDS * ROUNDS;
    verdict_remark(verdict, "%" PRIu64 " tasks%s", growth.for_round * ROUNDS,
                   is_whole ? "" : ": more take too long");
}

/* ---- From host to host ---- */

static void play_lives(const struct subject *subject, struct plays *plays, struct verdict *verdict)
{
    struct host_life life = {.subject = subject, .plays = plays, .verdict = verdict};
    size_t bytes = 0;
    for (int i = 0; i < LIVES; i++) {
        if (i == WARM_LIVES) {
            bytes = allocated();
        }
        if (!run_host(play_life, &life)) {
            return; /* tasks have shown it before, and the verdict has it */
        }
    }
    size_t now = allocated();
    if (now > bytes + SPARE_BYTES) {
        verdict_fail(verdict,
                     "allocated memory (bytes) grew from %zu to %zu in %d hosts with one task for "
                     "each node type: what init() and create() make is not freed by shutdown() and "
                     "destroy()",
                     bytes, now, LIVES - WARM_LIVES);
    }
}

void rule_run_growth(const struct subject *subject, struct verdict *verdict)
{
    struct plays plays = {.count = 0};
    collect(subject, &plays);
    if (plays.count > 0) {
        play_rounds(subject, &plays, verdict);
        if (verdict->outcome == VERDICT_OK) {
            play_lives(subject, &plays, verdict);
        }
    } else {
        verdict_skip(verdict, "no config can be made, as run.configs tells");
    }
    forget_plays(&plays);
}
