/* SPDX-License-Identifier: Apache-2.0 */
/* The rule on init() and create() whose host refuses them something. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/checker/rule.h"
#include "core/checker/stage.h"
#include "core/checker/subject.h"
#include "core/checker/verdict.h"
#include "core/host/manifest.h"

enum {
    CALLS_MOST = 400, /* of one init() or create(), that are made to fail */
    WHAT_BYTES = 96,
};

struct starts {
    size_t nodes;        /* types that could be created */
    size_t init_calls;   /* that were made to fail */
    size_t create_calls; /* the same */
};

/* "There is no such zone": one can go on with that. */
static bool is_answer(const char *where)
{
    return strcmp(where, "ops.timer.zone_offset") == 0 || strcmp(where, "ops.process.find") == 0;
}

/* Without any fault all is as it was. False: it is not, and the verdict says so. */
static bool open_again(struct stage *stage, const char *after)
{
    ops_test_problem why = {.text = ""};
    if (stage_reopen(stage, NULL, &why)) {
        return true;
    }
    verdict_fail(stage->verdict, "%s, and then init() fails for good, though no call does: %s",
                 after, why.text);
    return false;
}

/* ---- init() ---- */

/* What it went on with must do. */
static bool play_one(struct stage *stage, const struct stage_act *plain, void *user)
{
    struct stage_act act = *plain;
    act.what = user;
    stage->mood = MOOD_GOOD;
    return stage_play(stage, &act, NULL, NULL) != STAGE_STUCK;
}

/* The n-th call fails. False: there is no such call, or nothing more can be done. */
static bool fail_in_init(struct stage *stage, uint64_t n, struct starts *starts)
{
    char what[WHAT_BYTES];
    ops_test_fault fault = {.where = "", .n = n};
    ops_test_problem why = {.text = ""};
    (void)snprintf(what, sizeof what, "call %" PRIu64 " of the host fails in init()", n);
    verdict_stage(stage->verdict, "loading it, %s", what);
    if (!stage_reopen(stage, &fault, &why)) {
        starts->init_calls++;
        return open_again(stage, what);
    }
    if (ops_test_fault_hits(stage->host) == 0) {
        return false;
    }
    starts->init_calls++;
    if (!is_answer(ops_test_fault_last(stage->host))) {
        verdict_fail(stage->verdict, "%s (%s), and init() succeeds all the same", what,
                     ops_test_fault_last(stage->host));
        return true;
    }
    stage_each(stage, 1, play_one, what);
    return true;
}

/* ---- create() ---- */

static bool judge_refusal(struct stage *stage, const struct stage_act *act)
{
    ops_test_problem why = {.text = ""};
    ops_test_fault_clear(stage->host);
    if (stage_create(stage, act, &why)) {
        return true;
    }
    verdict_fail(stage->verdict,
                 "%.*s, %s, and then create() fails for good, though no call does: %s",
                 STR_ARG(act->node->type.name), act->what, why.text);
    return false;
}

/* It has succeeded although a call failed. */
static bool judge_success(struct stage *stage, const struct stage_act *act)
{
    if (is_answer(ops_test_fault_last(stage->host))) {
        stage->mood = MOOD_GOOD;
        return stage_play(stage, act, NULL, NULL) != STAGE_STUCK;
    }
    verdict_fail(stage->verdict, "%.*s, %s (%s), and create() succeeds all the same",
                 STR_ARG(act->node->type.name), act->what, ops_test_fault_last(stage->host));
    return true;
}

/* On a host of its own: what has been created is not created again. As fail_in_init(). */
static bool fail_in_create(struct stage *stage, const struct stage_act *plain, uint64_t n,
                           struct starts *starts)
{
    char what[WHAT_BYTES];
    const ops_test_fault fault = {.where = "", .n = n};
    struct stage_act act = *plain;
    (void)snprintf(what, sizeof what, "call %" PRIu64 " of the host fails in create()", n);
    act.what = what;
    if (!open_again(stage, "it was created and destroyed") ||
        ops_test_fault_add(stage->host, &fault) != OPS_OK) {
        return false;
    }
    bool is_made = stage_create(stage, &act, NULL);
    bool was_hit = ops_test_fault_hits(stage->host) > 0;
    starts->nodes += n == 1 && (is_made || was_hit) ? 1 : 0;
    if (!was_hit) {
        return false;
    }
    starts->create_calls++;
    return is_made ? judge_success(stage, &act) : judge_refusal(stage, &act);
}

static bool fail_creates(struct stage *stage, const struct stage_act *act, void *user)
{
    uint64_t n = 1;
    while (n <= CALLS_MOST && fail_in_create(stage, act, n, user)) {
        n++;
    }
    return stage->host != NULL;
}

/* ---- The rule ---- */

void rule_run_start(const struct subject *subject, struct verdict *verdict)
{
    struct stage stage;
    struct starts starts = {0};
    if (stage_open(&stage, subject, verdict)) {
        uint64_t n = 1;
        while (n <= CALLS_MOST && fail_in_init(&stage, n, &starts)) {
            n++;
        }
        if (stage.host != NULL) {
            stage_each(&stage, 1, fail_creates, &starts);
        }
        verdict_remark(verdict, "%zu calls in init(), %zu in create()", starts.init_calls,
                       starts.create_calls);
    }
    if (starts.nodes == 0 && starts.init_calls == 0) {
        verdict_skip(verdict, "nothing could be started, as run.configs tells");
    }
    stage_close(&stage);
}
