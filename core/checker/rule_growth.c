/* SPDX-License-Identifier: Apache-2.0 */
/* The rule on what grows: from task to task, however tasks end, and from host to host. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/str.h"
#include "core/checker/heap_watch.h"
#include "core/checker/process_count.h"
#include "core/checker/rule.h"
#include "core/checker/stage.h"
#include "core/checker/subject.h"
#include "core/checker/trend.h"
#include "core/checker/verdict.h"
#include "core/host/manifest.h"
#include "opstream/exec.h"

enum {
    CONFIGS = 3,        /* of a node type */
    WINDOWS = 10,       /* of tasks, one after the other on one host */
    WARM = 3,           /* in which caches may fill */
    LIFE_WINDOWS = 6,   /* of hosts, for what init() and create() make */
    LIVES = 10,         /* hosts of a window */
    WARM_LIVES = 1,     /* windows in which caches may fill */
    LIVES_PARTS = 4,    /* of the time of the rule one is for hosts, and two are for tasks */
    SHARP_TASKS = 5000, /* with fewer a cache may still be filling: only SPARE_BYTES counts */
    SPARE_BYTES = 64 * 1024,
    SPARE_FOR_ONE = 4, /* bytes, for a task or a host: less than any allocation */
    SPARE_COUNT = 8,   /* threads of a pool, descriptors of a library */
    SPARE_VALUES = 64,
    PLAYS_MOST = 256,
    CODE_BYTES = 160,
    WHAT_BYTES = 96,
};

/* The least of memory that there was in each window, in blocks and in bytes. */
struct floors {
    uint32_t mark; /* of what is allocated in the first of them */
    uint64_t blocks[WINDOWS];
    uint64_t bytes[WINDOWS];
};

struct growth {
    struct chance chance; /* of what is done to tasks */
    uint64_t for_window;  /* tasks */
    uint64_t begun;       /* tasks */
    struct floors floors;
    ops_test_counts early; /* when what is judged begins, as the next two */
    size_t descriptors;
    size_t threads;
};

/* How much there was time for. */
struct played {
    uint64_t tasks;
    uint64_t hosts;
    bool is_cut;
    bool is_sharp;
};

/* What is judged. */
struct span {
    size_t first;    /* window */
    size_t last;     /* window */
    uint64_t each;   /* how often something was done in a window */
    unsigned pauses; /* windows in which nothing need have come */
};

static uint64_t span_times(struct span span)
{
    return (span.last - span.first) * span.each;
}

static void floors_begin(struct floors *floors, size_t window)
{
    heap_watch_mark(floors->mark + (uint32_t)window);
    floors->blocks[window] = UINT64_MAX;
    floors->bytes[window] = UINT64_MAX;
}

static void floors_look(struct floors *floors, size_t window)
{
    struct heap_count count = heap_watch_count();
    if (count.blocks < floors->blocks[window]) {
        floors->blocks[window] = count.blocks;
    }
    if (count.bytes < floors->bytes[window]) {
        floors->bytes[window] = count.bytes;
    }
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

/*
 * What is wrong with the end of such tasks run.cancel and run.faults tell, which have looked at
 * more steps and calls of fewer tasks; here it is a task in another state.
 */
static bool play_badly(struct stage *stage, const struct stage_act *act)
{
    return stage_play(stage, act, NULL, NULL) == STAGE_ENDED &&
           stage->verdict->outcome == VERDICT_OK;
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
                         struct stage_act *act)
{
    char what[WHAT_BYTES];
    ops_test_fault fault = {
        .where = "",
        .n = 1 + chance_below(&growth->chance, play->calls),
        .flags = chance_percent(&growth->chance, 50) ? OPS_TEST_IN_CALLBACK : 0,
    };
    if (ops_test_fault_add(stage->host, &fault) != OPS_OK) {
        verdict_fail(stage->verdict, "out of memory");
        return false;
    }
    (void)snprintf(what, sizeof what, "call %" PRIu64 " of the host fails%s", fault.n,
                   fault.flags != 0 ? " by its callback" : "");
    act->what = what;
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
    stage->mood = growth->begun % 4 == 0 ? MOOD_ANY : MOOD_GOOD;
    if (deed == 1 && play->steps > 0) {
        return play_cancelled(stage, play, growth, &act);
    }
    if (deed == 2 && play->calls > 0) {
        return play_refused(stage, play, growth, &act);
    }
    return play_plain(stage, play, &act);
}

/* ---- Verdicts ---- */

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
                     late.kept_bytes, growth->for_window * (WINDOWS - 1 - WARM));
    }
}

static void judge_count(const char *what, size_t before, size_t after, const struct growth *growth,
                        struct verdict *verdict)
{
    if (after > before + SPARE_COUNT) {
        verdict_fail(verdict, "the number of %s grew from %zu to %zu in %" PRIu64 " tasks", what,
                     before, after, growth->for_window * (WINDOWS - 1 - WARM));
    }
}

/*
 * One block for some hundreds of tasks is found by its trend. That of bytes, in blocks that stay,
 * is only believed when it is steep: those in a cache go up and down by chance.
 */
static bool has_trend(const struct floors *floors, struct span span)
{
    size_t count = span.last - span.first + 1;
    bool is_steep = floors->bytes[span.last] >= floors->bytes[span.first] + span_times(span);
    return trend_goes_on(&floors->blocks[span.first], count, span.pauses) ||
           (is_steep && trend_goes_on(&floors->bytes[span.first], count, 0));
}

static bool has_grown_much(const struct floors *floors, struct span span)
{
    uint64_t spare = SPARE_BYTES + span_times(span) * SPARE_FOR_ONE;
    return floors->bytes[span.last] > floors->bytes[span.first] + spare;
}

/* `where` is what follows the numbers: "tasks". */
static void complain_of_growth(const struct floors *floors, struct span span, const char *where,
                               struct verdict *verdict)
{
    char code[CODE_BYTES] = "";
    bool is_known = heap_watch_blame(floors->mark + (uint32_t)span.first, code, sizeof code);
    verdict_fail(verdict,
                 "allocated memory grew from %" PRIu64 " blocks (%" PRIu64 " bytes) to %" PRIu64
                 " (%" PRIu64 ") in %" PRIu64 " %s%s%s",
                 floors->blocks[span.first], floors->bytes[span.first], floors->blocks[span.last],
                 floors->bytes[span.last], span_times(span), where,
                 is_known ? "; most of it is taken at " : "", code);
}

static bool is_sharp(const struct growth *growth)
{
    return growth->for_window * WINDOWS >= SHARP_TASKS;
}

static void judge_tasks(struct stage *stage, const struct growth *growth)
{
    const struct floors *floors = &growth->floors;
    const struct span span = {WARM, WINDOWS - 1, growth->for_window, 1};
    if ((is_sharp(growth) && has_trend(floors, span)) || has_grown_much(floors, span)) {
        complain_of_growth(floors, span, "tasks", stage->verdict);
    }
    judge_count("open descriptors", growth->descriptors, process_count("/proc/self/fd"), growth,
                stage->verdict);
    judge_count("threads", growth->threads, process_count("/proc/self/task"), growth,
                stage->verdict);
    judge_kept(stage, growth);
}

/* ---- From task to task ---- */

static bool play_window(struct stage *stage, struct plays *plays, size_t window,
                        struct growth *growth)
{
    floors_begin(&growth->floors, window);
    for (uint64_t i = 0; i < growth->for_window; i++) {
        if (!play_and_count(stage, plays, growth) || stage->verdict->outcome != VERDICT_OK) {
            return false;
        }
        floors_look(&growth->floors, window);
        if (window == 0 && stage_is_late(stage, WINDOWS)) {
            growth->for_window = growth->begun; /* as many as there is time for */
        }
    }
    return true;
}

static bool play_windows(struct stage *stage, struct plays *plays, struct growth *growth)
{
    for (size_t i = 0; i < WINDOWS; i++) {
        if (i == WARM + 1) {
            ops_test_count(stage->host, &growth->early);
            growth->descriptors = process_count("/proc/self/fd");
            growth->threads = process_count("/proc/self/task");
        }
        if (!play_window(stage, plays, i, growth)) {
            return false;
        }
    }
    return true;
}

/* On one host, as in an orchestrator: what only shutdown() frees has grown until then. */
static void play_tasks(const struct subject *subject, struct plays *plays, struct verdict *verdict,
                       struct played *out)
{
    struct stage stage;
    uint64_t wanted = subject->tasks < WINDOWS ? 1 : subject->tasks / WINDOWS;
    struct growth growth = {.chance = {subject->seed}, .for_window = wanted};
    if (stage_open(&stage, subject, verdict) && play_windows(&stage, plays, &growth)) {
        judge_tasks(&stage, &growth);
        out->tasks = growth.begun;
        out->is_cut = growth.for_window != wanted;
        out->is_sharp = is_sharp(&growth);
    } else if (verdict->outcome == VERDICT_OK) {
        verdict_skip(verdict, "a task could not be started, as run.configs tells");
    }
    stage_close(&stage);
}

/* ---- From host to host ---- */

struct lives {
    struct floors floors;
    uint64_t for_window; /* hosts */
    uint64_t begun;      /* hosts */
    uint64_t began_ms;
};

/* One host, on which each node type is created for one task. */
static bool play_life(const struct subject *subject, struct plays *plays, struct verdict *verdict)
{
    struct stage stage;
    const struct manifest_node *last = NULL;
    bool is_good = stage_open(&stage, subject, verdict);
    for (size_t i = 0; is_good && i < plays->count; i++) {
        const struct play *play = &plays->plays[i];
        struct stage_act act = {.node = play->node, .config = play->config, .what = ""};
        if (play->node != last) {
            is_good = stage_play(&stage, &act, NULL, NULL) == STAGE_ENDED;
        }
        last = play->node;
    }
    stage_close(&stage);
    return is_good && verdict->outcome == VERDICT_OK;
}

/* As many as there is time for. False: no more, and the verdict may say why. */
static bool play_life_window(const struct subject *subject, struct plays *plays, size_t window,
                             struct lives *lives, struct verdict *verdict)
{
    uint64_t most_ms = subject->timeout_ms / LIVES_PARTS;
    floors_begin(&lives->floors, window);
    for (uint64_t i = 0; i < lives->for_window; i++) {
        if (!play_life(subject, plays, verdict)) {
            return false; /* tasks have shown it before, and the verdict has it */
        }
        floors_look(&lives->floors, window);
        lives->begun++;
        uint64_t took_ms = stage_now_ms() - lives->began_ms;
        if (took_ms > most_ms) {
            return false;
        }
        if (window == 0 && took_ms > most_ms / LIFE_WINDOWS) {
            lives->for_window = lives->begun;
        }
    }
    return true;
}

static void play_lives(const struct subject *subject, struct plays *plays, struct verdict *verdict,
                       struct played *out)
{
    struct lives lives = {
        .floors = {.mark = WINDOWS}, .for_window = LIVES, .began_ms = stage_now_ms()};
    bool is_whole = true;
    for (size_t i = 0; is_whole && i < LIFE_WINDOWS; i++) {
        is_whole = play_life_window(subject, plays, i, &lives, verdict);
    }
    out->hosts = lives.begun;
    out->is_cut = out->is_cut || !is_whole || lives.for_window != LIVES;
    if (!is_whole) {
        return;
    }
    const struct span span = {WARM_LIVES, LIFE_WINDOWS - 1, lives.for_window, 0};
    if (has_trend(&lives.floors, span) || has_grown_much(&lives.floors, span)) {
        complain_of_growth(&lives.floors, span,
                           "hosts with one task for each node type: what init() and create() make "
                           "is not freed by shutdown() and destroy()",
                           verdict);
    }
}

static void tell(const struct played *played, struct verdict *verdict)
{
    char cut[WHAT_BYTES] = "";
    if (played->is_cut) {
        (void)snprintf(cut, sizeof cut, ", %" PRIu64 " hosts: more take too long", played->hosts);
    }
    verdict_remark(verdict, "%" PRIu64 " tasks%s%s", played->tasks, cut,
                   played->is_sharp ? "" : "; small leaks are found with 5000 or more");
}

void rule_run_growth(const struct subject *subject, struct verdict *verdict)
{
    struct plays plays = {.count = 0};
    struct played played = {.tasks = 0};
    collect(subject, &plays);
    if (plays.count == 0) {
        verdict_skip(verdict, "no config can be made, as run.configs tells");
    } else if (!heap_watch_begin()) {
        verdict_fail(verdict, "out of memory");
    } else {
        play_tasks(subject, &plays, verdict, &played);
        if (verdict->outcome == VERDICT_OK) {
            play_lives(subject, &plays, verdict, &played);
            tell(&played, verdict);
        }
        heap_watch_end();
    }
    forget_plays(&plays);
}
