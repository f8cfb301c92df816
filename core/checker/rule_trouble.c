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
    CONFIGS = 3,      /* of a node type */
    STEPS_MOST = 20,  /* of a task, that are cancelled at */
    CALLS_MOST = 400, /* of a task, that are made to fail */
    WHAT_BYTES = 96,
};

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
    size_t *points = user;
    struct chance answers = stage->chance;
    uint64_t steps = 0;
    if (play_again(stage, act, answers, &steps) != STAGE_ENDED) {
        return false;
    }
    bool goes_on = true;
    for (uint64_t step = 1; goes_on && step <= steps && step <= STEPS_MOST; step++) {
        goes_on = cancel_at(stage, act, answers, step);
        *points += 3;
    }
    return goes_on;
}

void rule_run_cancel(const struct subject *subject, struct verdict *verdict)
{
    struct stage stage;
    size_t points = 0;
    if (stage_open(&stage, subject, verdict)) {
        stage_each(&stage, CONFIGS, cancel_everywhere, &points);
        verdict_remark(verdict, "at %zu points", points);
    }
    if (points == 0) {
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

/* All of them in turn; `calls` counts. False: nothing more can be done. */
static bool fail_all(struct stage *stage, const struct stage_act *plain, struct chance answers,
                     uint32_t flags, size_t *calls)
{
    enum stage_result result = STAGE_ENDED;
    bool was_hit = true;
    for (uint64_t n = 1; was_hit && result != STAGE_STUCK && n <= CALLS_MOST; n++) {
        char what[WHAT_BYTES];
        ops_test_fault fault = {.where = "", .n = n, .flags = flags};
        struct stage_act act = *plain;
        act.what = what;
        (void)snprintf(what, sizeof what, "call %" PRIu64 " of the host fails%s", n,
                       flags != 0 ? " by its callback" : "");
        was_hit = fail_call(stage, &act, answers, &fault, &result);
        *calls += was_hit ? 1 : 0;
    }
    return result != STAGE_STUCK;
}

static bool fail_everywhere(struct stage *stage, const struct stage_act *act, void *user)
{
    struct chance answers = stage->chance;
    bool goes_on = fail_all(stage, act, answers, 0, user) &&
                   fail_all(stage, act, answers, OPS_TEST_IN_CALLBACK, user);
    (void)chance_next(&stage->chance); /* the next config gets other answers */
    return goes_on;
}

void rule_run_faults(const struct subject *subject, struct verdict *verdict)
{
    struct stage stage;
    size_t calls = 0;
    if (stage_open(&stage, subject, verdict)) {
        stage_each(&stage, CONFIGS, fail_everywhere, &calls);
        verdict_remark(verdict, "%zu calls", calls);
    }
    if (calls == 0) {
        verdict_skip(verdict, "nothing could be started, as run.configs tells");
    }
    stage_close(&stage);
}
