/* SPDX-License-Identifier: Apache-2.0 */
/* Rules on nodes that are cancelled, or whose host refuses them something. */
#include <inttypes.h>
#include <stdio.h>

#include "core/checker/rule.h"
#include "core/checker/stage.h"
#include "core/checker/subject.h"
#include "core/checker/verdict.h"
#include "core/host/manifest.h"
#include "opstream/exec.h"

enum {
    CONFIGS = 3,        /* of a node type */
    STEPS_FIRST = 20,   /* of a task, that are all cancelled at */
    STEPS_SPREAD = 40,  /* of those behind them */
    CALLS_FIRST = 400,  /* of a task, that are all made to fail */
    CALLS_SPREAD = 100, /* of those behind them */
    WHAT_BYTES = 96,
};

/* How many steps or calls there were, and how many of them were looked at. */
struct looked {
    size_t all;
    size_t some;
};

/* What is looked at of 1 to `all`: the first ones, and by chance one of each part of the rest. */
struct sample {
    uint64_t all;
    uint64_t first;
    uint64_t spread;
    struct chance chance;
};

static uint64_t sample_count(const struct sample *sample)
{
    uint64_t most = sample->first + sample->spread;
    return sample->all < most ? sample->all : most;
}

/* The `i`-th of them, from 0. */
static uint64_t sample_at(struct sample *sample, uint64_t i)
{
    if (i < sample->first || sample->all <= sample->first + sample->spread) {
        return i + 1;
    }
    uint64_t rest = sample->all - sample->first;
    uint64_t begin = rest * (i - sample->first) / sample->spread;
    uint64_t end = rest * (i + 1 - sample->first) / sample->spread;
    return sample->first + begin + 1 + chance_below(&sample->chance, (size_t)(end - begin));
}

/* The same services give the same answers each time: only what is done to the task differs. */
static enum stage_result play_again(struct stage *stage, const struct stage_act *act,
                                    struct chance answers, uint64_t *out_steps)
{
    stage->mood = MOOD_GOOD;
    stage->chance = answers;
    return stage_play(stage, act, out_steps, NULL);
}

/* ---- Cancel ---- */

/* At each moment of one step, and for each reason in turn. */
static bool cancel_at(struct stage *stage, const struct stage_act *plain, struct chance answers,
                      uint64_t step)
{
    static const uint32_t reasons[] = {OPS_CANCEL_REQUESTED, OPS_CANCEL_TIMEOUT,
                                       OPS_CANCEL_SHUTDOWN};
    for (uint32_t moment = OPS_TEST_BEFORE; moment <= OPS_TEST_LATER; moment++) {
        struct stage_act act = *plain;
        act.cancel_step = step;
        act.cancel_moment = moment;
        act.cancel_how = reasons[(step + moment) % 3];
        if (play_again(stage, &act, answers, NULL) == STAGE_STUCK) {
            return false;
        }
    }
    return true;
}

static bool cancel_everywhere(struct stage *stage, const struct stage_act *act, void *user)
{
    struct looked *looked = user;
    struct chance answers = stage->chance;
    uint64_t steps = 0;
    if (play_again(stage, act, answers, &steps) != STAGE_ENDED) {
        return false;
    }
    bool goes_on = true;
    struct sample sample = {steps, STEPS_FIRST, STEPS_SPREAD, {stage->subject->seed}};
    looked->all += steps;
    uint64_t count = sample_count(&sample);
    for (uint64_t i = 0; goes_on && i < count && !stage_is_late(stage, 1); i++) {
        goes_on = cancel_at(stage, act, answers, sample_at(&sample, i));
        looked->some++;
    }
    return goes_on;
}

void rule_run_cancel(const struct subject *subject, struct verdict *verdict)
{
    struct stage stage;
    struct looked looked = {0};
    if (stage_open(&stage, subject, verdict)) {
        stage_each(&stage, CONFIGS, cancel_everywhere, &looked);
        stage_each_check(&stage, cancel_everywhere, &looked);
        verdict_remark(verdict, "at %zu of %zu steps", looked.some, looked.all);
    }
    if (looked.some == 0) {
        verdict_skip(verdict, "nothing could be started, as run.configs tells");
    }
    stage_close(&stage);
}

/* ---- Faults ---- */

/* The n-th call fails. False: there is no such call. */
static bool fail_call(struct stage *stage, const struct stage_act *act, struct chance answers,
                      const ops_test_fault *fault, enum stage_result *out_result)
{
    ops_test_fault_clear(stage->host);
    if (ops_test_fault_add(stage->host, fault) != OPS_OK) {
        return false;
    }
    *out_result = play_again(stage, act, answers, NULL);
    bool was_hit = ops_test_fault_hits(stage->host) > 0;
    ops_test_fault_clear(stage->host);
    return was_hit;
}

struct trouble {
    struct looked calls;
    size_t by_callback;
};

/* False: nothing more can be done. */
static bool fail_some(struct stage *stage, const struct stage_act *plain, struct chance answers,
                      struct sample *sample, uint32_t flags, size_t *count)
{
    enum stage_result result = STAGE_ENDED;
    bool was_hit = true;
    uint64_t most = sample_count(sample);
    bool goes_on = true;
    for (uint64_t i = 0; was_hit && goes_on && i < most && !stage_is_late(stage, 1); i++) {
        char what[WHAT_BYTES];
        ops_test_fault fault = {.where = "", .n = sample_at(sample, i), .flags = flags};
        struct stage_act act = *plain;
        act.what = what;
        (void)snprintf(what, sizeof what, "call %" PRIu64 " of the host fails%s", fault.n,
                       flags != 0 ? " by its callback" : "");
        was_hit = fail_call(stage, &act, answers, &fault, &result);
        goes_on = result != STAGE_STUCK;
        *count += was_hit ? 1 : 0;
    }
    return goes_on;
}

/*
 * How many of the calls can fail by a callback is not known: those are looked for among as many as
 * there are calls, until one is not there.
 */
static bool fail_everywhere(struct stage *stage, const struct stage_act *act, void *user)
{
    struct trouble *trouble = user;
    struct chance answers = stage->chance;
    uint64_t before = ops_test_calls(stage->host, "");
    if (play_again(stage, act, answers, NULL) != STAGE_ENDED) {
        return false;
    }
    uint64_t calls = ops_test_calls(stage->host, "") - before;
    struct sample sample = {calls, CALLS_FIRST, CALLS_SPREAD, {stage->subject->seed}};
    trouble->calls.all += calls;
    bool goes_on =
        fail_some(stage, act, answers, &sample, 0, &trouble->calls.some) &&
        fail_some(stage, act, answers, &sample, OPS_TEST_IN_CALLBACK, &trouble->by_callback);
    (void)chance_next(&stage->chance); /* the next config gets other answers */
    return goes_on;
}

void rule_run_faults(const struct subject *subject, struct verdict *verdict)
{
    struct stage stage;
    struct trouble trouble = {.by_callback = 0};
    if (stage_open(&stage, subject, verdict)) {
        stage_each(&stage, CONFIGS, fail_everywhere, &trouble);
        stage_each_check(&stage, fail_everywhere, &trouble);
        verdict_remark(verdict, "%zu of %zu calls at once, %zu by their callbacks",
                       trouble.calls.some, trouble.calls.all, trouble.by_callback);
    }
    if (trouble.calls.some == 0) {
        verdict_skip(verdict, "nothing could be started, as run.configs tells");
    }
    stage_close(&stage);
}
