/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the world outside has seen of each run. It survives the process, so that what the durability
 * page promises can be held against what the next process does. Each promise is a function with
 * its number.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/grow.h"
#include "core/engine/record_json.h"
#include "core/engine/run_state.h"
#include "core/journal/journal.h"
#include "core/model/policy.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_store.h"

/* ---- executions ---- */

static struct sim_execution *find_execution(struct sim_run *run, struct str path)
{
    for (size_t i = 0; i < run->execution_count; i++) {
        if (str_equal_text(path, run->executions[i].path)) {
            return &run->executions[i];
        }
    }
    struct sim_execution *items = array_reserve(run->executions, &run->execution_cap,
                                                run->execution_count + 1, sizeof(*items));
    SIM_HOLDS(run->sim, items != NULL);
    run->executions = items;
    items[run->execution_count] = (struct sim_execution){.path = str_dup(path), .may_start = 1};
    SIM_HOLDS(run->sim, items[run->execution_count].path != NULL);
    return &items[run->execution_count++];
}

static struct sim_execution *execution_at(struct sim_run *run, const struct run *in, uint64_t frame,
                                          uint32_t node)
{
    struct strbuf path = STRBUF_INIT;
    run_append_path(in, frame, node, &path);
    struct sim_execution *found = find_execution(run, strbuf_str(&path));
    strbuf_finish(&path);
    return found;
}

static void forget_executions(struct sim_run *run)
{
    for (size_t i = 0; i < run->execution_count; i++) {
        free(run->executions[i].path);
    }
    run->execution_count = 0;
}

void sim_ledger_finish(struct sim_run *run)
{
    forget_executions(run);
    free(run->executions);
}

/* ---- P1 ---- */

static void check_p1_acknowledged_starts_are_there(const struct sim_run *root)
{
    bool an_acknowledged_start_is_durable = !root->is_started ||
                                            sim_store_has_run(root->sim->store, root->number);
    SIM_HOLDS(root->sim, an_acknowledged_start_is_durable);
}

/* ---- P2 ---- */

/* Whoever heard no answer asks again with the same key. */
static void check_p2_same_key_finds_the_run(const struct sim_run *root)
{
    bool the_run_of_that_key_is_there = sim_store_has_run(root->sim->store, root->number);
    SIM_HOLDS(root->sim, the_run_of_that_key_is_there);
}

/* ---- the retry queue ---- */

/* The item of a node that ended so: {"status": "queued", ..., "queue_id": ID}; NULL: another end.
 */
static struct str queue_id_of(const struct record *record)
{
    const struct value *map = record->type == RECORD_NODE_ENDED && record->output != NULL
                                  ? document_root(record->output)
                                  : NULL;
    const struct value *id = value_get(map, STR("queue_id"));
    return value_is(id, VALUE_STRING) ? value_str(id) : STR("");
}

static bool is_item_durable(const struct sim *sim, struct str id)
{
    for (size_t i = 0; i < sim->run_count; i++) {
        const struct sim_run *run = sim->runs[i];
        if (run->is_item && str_equal_text(id, run->id) &&
            sim_store_has_run(sim->store, run->number)) {
            return true;
        }
    }
    return false;
}

static int check_queued(void *user, const struct record *record)
{
    const struct sim_run *run = user;
    struct str id = queue_id_of(record);
    bool what_is_queued_is_as_durable_as_its_node = id.n == 0 || is_item_durable(run->sim, id);
    SIM_HOLDS(run->sim, what_is_queued_is_as_durable_as_its_node);
    return 0;
}

/* Whoever counts by keys counts the call once, however often it is tried, and by whom. */
void sim_ledger_queued(struct sim_run *item, const struct effect *effect)
{
    const struct sim *sim = item->sim;
    int status = run_idempotency_key(effect->run, effect->frame, effect->node, item->item_key);
    SIM_HOLDS(sim, status == 0);
    for (size_t i = 0; i < sim->run_count; i++) {
        const struct sim_run *other = sim->runs[i];
        bool no_other_item_has_its_key = other == item || !other->is_item || other->is_gone ||
                                         strcmp(other->item_key, item->item_key) != 0;
        SIM_HOLDS(sim, no_other_item_has_its_key);
    }
}

static void check_item_key(const struct sim_run *run, const char *key)
{
    bool an_item_has_the_key_of_its_call = !run->is_item || strcmp(run->item_key, key) == 0;
    SIM_HOLDS(run->sim, an_item_has_the_key_of_its_call);
}

void sim_ledger_ended(const struct sim_run *run, enum run_state state)
{
    if (!run->is_item) {
        return;
    }
    bool is_delivered = run->execution_count == 1 && run->executions[0].effects > 0;
    bool what_completed_was_delivered = state != RUN_COMPLETED || run->is_settled || is_delivered;
    SIM_HOLDS(run->sim, what_completed_was_delivered);
    run->sim->queued++;
    run->sim->delivered += is_delivered ? 1 : 0;
}

/* ---- P3, P5 ---- */

struct wanted {
    enum record_type type;
    uint64_t frame;
    uint32_t node;
    uint32_t attempt;
};

static int match(void *user, const struct record *record)
{
    const struct wanted *wanted = user;
    return record->type == wanted->type && record->frame == wanted->frame &&
                   record->node == wanted->node && record->attempt == wanted->attempt
               ? 1
               : 0;
}

static bool is_durable(const struct sim_run *run, struct wanted wanted)
{
    return sim_store_read(run->sim->store, run->number, match, &wanted) == 1;
}

static void check_p3_intent_is_durable(const struct sim_run *run, const struct effect *effect)
{
    struct wanted wanted = {RECORD_NODE_STARTED, effect->frame, effect->node, effect->attempt};
    bool a_task_starts_once_its_record_is_durable = is_durable(run, wanted);
    SIM_HOLDS(run->sim, a_task_starts_once_its_record_is_durable);
}

static void check_p5_same_key(const struct sim_run *run, struct sim_execution *execution,
                              const struct effect *effect)
{
    char key[32] = "";
    int status = run_idempotency_key(run->run, effect->frame, effect->node, key);
    SIM_HOLDS(run->sim, status == 0);
    bool each_attempt_starts_once = effect->attempt > execution->last_attempt;
    SIM_HOLDS(run->sim, each_attempt_starts_once);
    bool each_attempt_has_the_same_key = execution->starts == 0 || strcmp(execution->key, key) == 0;
    SIM_HOLDS(run->sim, each_attempt_has_the_same_key);
    for (size_t i = 0; i < run->execution_count; i++) {
        const struct sim_execution *other = &run->executions[i];
        bool no_other_has_it = other == execution || strcmp(other->key, key) != 0;
        SIM_HOLDS(run->sim, no_other_has_it);
    }
    memcpy(execution->key, key, sizeof(key));
}

static void check_p5_at_most_once(const struct sim_run *run, const struct sim_execution *execution)
{
    bool what_may_run_once_runs_again_only_when_somebody_says_so =
        !execution->is_at_most_once || execution->starts <= execution->may_start;
    SIM_HOLDS(run->sim, what_may_run_once_runs_again_only_when_somebody_says_so);
}

static void see_start(struct sim_run *run, const struct effect *effect)
{
    struct run_node_view view = run_frame_node(run->run, effect->frame, effect->node);
    bool its_node_is_in_this_attempt = view.attempt == effect->attempt &&
                                       (view.state == NODE_RUNNING || view.state == NODE_STOPPING);
    SIM_HOLDS(run->sim, its_node_is_in_this_attempt || run->sim->plant == SIM_PLANT_O2);
    struct sim_execution *execution = execution_at(run, run->run, effect->frame, effect->node);
    check_p5_same_key(run, execution, effect);
    check_item_key(run, execution->key);
    execution->starts++;
    execution->last_attempt = effect->attempt;
    execution->is_at_most_once = run->pipeline->nodes[effect->node].is_at_most_once;
    check_p5_at_most_once(run, execution);
}

void sim_ledger_again(struct sim_run *run, uint64_t frame, uint32_t node)
{
    execution_at(run, run->run, frame, node)->may_start++;
}

/* Zombies, too. */
void sim_ledger_outside(struct sim_run *run, uint64_t frame, uint32_t node)
{
    if (run->run == NULL || frame_find(run->run, frame) == NULL) {
        return; /* which execution that was nobody knows any more */
    }
    struct sim_execution *execution = execution_at(run, run->run, frame, node);
    bool it_was_started = execution->starts > 0;
    execution->effects += it_was_started ? 1 : 0;
}

/* ---- P4 ---- */

/* Neither is there another one, nor does it run again. */
static void check_p4_result_stays(const struct sim_run *run, const struct sim_execution *execution)
{
    bool a_durable_result_never_changes = !execution->has_result;
    SIM_HOLDS(run->sim, a_durable_result_never_changes);
}

/* What follows from the records that are there was written with them. */
static void check_p4_consequences_are_there(struct sim_run *run)
{
    const struct run *left = run->run;
    uint64_t last = run_last_seq(left);
    bool is_in_portions = last < run->portions.n && run->portions.p[last] == 'c';
    if (last < run->portions.n) {
        run->portions.n = last + 1; /* what was lost gets other records */
    }
    if (is_in_portions) {
        return;
    }
    bool what_ended_was_written_with_what_follows =
        left->first_settled == NULL && (left->first_listed != NULL || !run_has_work(left));
    SIM_HOLDS(run->sim, what_ended_was_written_with_what_follows);
    for (const struct run_node *at = left->first_listed; at != NULL; at = at->next_listed) {
        enum node_kind kind = left->pipeline->nodes[run_node_index(at)].kind;
        bool only_who_asks_waits = at->state == NODE_READY &&
                                   (kind == NODE_PLUGIN || kind == NODE_QUEUE);
        SIM_HOLDS(run->sim, only_who_asks_waits);
    }
}

/* ---- P6 ---- */

static void check_p6_end_is_durable(const struct sim_run *run)
{
    struct wanted wanted = {.type = RECORD_RUN_ENDED, .node = RECORD_NO_NODE};
    bool an_end_is_shown_once = !run->is_told;
    SIM_HOLDS(run->sim, an_end_is_shown_once);
    bool an_end_is_shown_when_it_is_durable = is_durable(run, wanted);
    SIM_HOLDS(run->sim, an_end_is_shown_when_it_is_durable);
}

static void check_p6_told_end_stays(const struct sim_run *run, const struct run *left)
{
    bool what_was_shown_as_the_end_stays = !run->is_told || run_state(left) == run->told_state;
    SIM_HOLDS(run->sim, what_was_shown_as_the_end_stays);
}

/* ---- P8 ---- */

/* Its own, or the deadline of all its attempts. */
static int64_t time_of_timeout(const struct node *def, const struct run_node *node)
{
    bool has_deadline = def->kind == NODE_PLUGIN && def->policies->retry.has_deadline;
    int64_t own = def->timeout_ms > 0 ? node->started_at + def->timeout_ms : INT64_MAX;
    int64_t all = has_deadline ? node->first_try_at + def->policies->retry.deadline_ms : INT64_MAX;
    return own < all ? own : all;
}

/* Of what ends because a time has come; `before` is the node as it was. */
static void check_p8_not_too_early(const struct sim_run *run, const struct record *record,
                                   const struct run_node *before)
{
    const struct node *def = &run->pipeline->nodes[record->node];
    bool is_wait = def->kind == NODE_WAIT && before->state == NODE_RUNNING;
    bool is_over = record->type == RECORD_NODE_ENDED && is_wait && !before->is_delayed &&
                   before->waits_for == NULL && record->node_state == NODE_COMPLETED;
    bool is_timeout = record->type == RECORD_NODE_STOPPING && record->reason == STOP_TIMEOUT;
    int64_t due = is_timeout ? time_of_timeout(def, before) : before->due_at;
    if (record->type == RECORD_NODE_DUE || is_over || is_timeout) {
        bool a_timer_fires_when_it_is_due = record->at_unix_ms >= due;
        SIM_HOLDS(run->sim, a_timer_fires_when_it_is_due);
    }
}

/* The record that set the time of `effect`. A `repeat` waits with TIMER_WAIT, too. */
static bool is_time_durable(const struct sim_run *run, const struct effect *effect)
{
    struct wanted again = {RECORD_NODE_AGAIN, effect->frame, effect->node, effect->attempt};
    struct wanted retry = {RECORD_NODE_RETRY, effect->frame, effect->node, effect->attempt};
    struct wanted started = {RECORD_NODE_STARTED, effect->frame, effect->node, effect->attempt};
    if (effect->node == RECORD_NO_NODE) {
        return sim_store_last_seq(run->sim->store, run->number) > 0;
    }
    enum node_kind kind = run->pipeline->nodes[effect->node].kind;
    bool is_repeat = effect->timer == TIMER_WAIT && kind != NODE_WAIT && kind != NODE_QUEUE;
    return (!is_repeat && is_durable(run, started)) ||
           (effect->timer == TIMER_WAIT && (is_durable(run, again) || is_durable(run, retry)));
}

/* O5 */
static void check_p8_time_is_durable(const struct sim_run *run, const struct effect *effect)
{
    bool a_timer_is_armed_once_its_time_is_durable = is_time_durable(run, effect);
    SIM_HOLDS(run->sim, a_timer_is_armed_once_its_time_is_durable);
}

/* ---- P9, P10 ---- */

static void check_p9_nothing_starts(const struct sim_run *run)
{
    bool is_for_a_paused_caller = run->caller != NULL && run->caller->is_paused &&
                                  run->run != NULL && run_is_undoing(run->run);
    bool nothing_starts_after_the_answer_to_a_pause = !run->is_paused && !is_for_a_paused_caller;
    SIM_HOLDS(run->sim, nothing_starts_after_the_answer_to_a_pause);
}

static bool is_of_endings(const struct frame *frame)
{
    for (; frame != NULL; frame = frame->parent) {
        if (frame->kind == FRAME_ENDING || frame->kind == FRAME_UNDO ||
            frame->kind == FRAME_NOTICE) {
            return true;
        }
    }
    return false;
}

static void check_p10_nothing_goes_forward(const struct sim_run *run, const struct frame *frame)
{
    bool is_machine = run->pipeline->bodies[0].kind == BODY_STATES; /* may have a way for it */
    bool nothing_goes_forward_after_the_answer_to_a_cancel = !run->is_cancelled || is_machine ||
                                                             is_of_endings(frame);
    SIM_HOLDS(run->sim, nothing_goes_forward_after_the_answer_to_a_cancel);
}

/* ---- P13 ---- */

/* What had been written and not reported when the process died may be there or not. */
static void check_p13_nothing_shown_is_lost(const struct sim_run *run)
{
    bool what_was_shown_is_durable = sim_store_last_seq(run->sim->store, run->number) >=
                                     run->told_seq;
    SIM_HOLDS(run->sim, what_was_shown_is_durable);
}

/* ---- retries ---- */

/* `before` is the node as it was. */
static void check_retry(const struct sim_run *run, const struct record *record,
                        const struct run_node *before)
{
    const struct retry_settings *retry = &run->pipeline->nodes[record->node].policies->retry;
    bool attempts_are_bounded = before->failures + 1 < retry->max_attempts;
    SIM_HOLDS(run->sim, attempts_are_bounded);
    bool nothing_that_may_have_had_its_effect_is_repeated =
        !value_is(value_get(document_root(record->error), STR("effect")), VALUE_STRING) ||
        !str_equal_text(value_str(value_get(document_root(record->error), STR("effect"))), "maybe");
    SIM_HOLDS(run->sim, nothing_that_may_have_had_its_effect_is_repeated);
}

/* ---- what comes ---- */

void sim_ledger_asked_again(struct sim_run *root)
{
    check_p2_same_key_finds_the_run(root);
    root->is_started = true;
}

void sim_ledger_record(struct sim_run *run, const struct record *record)
{
    const struct frame *frame = frame_find(run->shadow, record->frame);
    if (record->type == RECORD_RUN_RESUMED || record->type == RECORD_RUN_ENDED ||
        record->type == RECORD_RUN_UNDONE) {
        run->is_paused = false;
    }
    if (record->type == RECORD_NODE_RETRY && record->path != NULL) {
        check_retry(run, record, frame_node(frame, record->node));
        find_execution(run, str_from(record->path))->may_start++;
    }
    if (record->type == RECORD_NODE_STARTED) {
        check_p9_nothing_starts(run);
        check_p10_nothing_goes_forward(run, frame);
    }
    bool is_of_node = record->type == RECORD_NODE_ENDED || record->type == RECORD_NODE_AGAIN ||
                      record->type == RECORD_NODE_DUE || record->type == RECORD_NODE_STOPPING;
    if (is_of_node && frame != NULL) {
        check_p8_not_too_early(run, record, frame_node(frame, record->node));
    }
    bool is_start_or_result = record->type == RECORD_NODE_STARTED ||
                              record->type == RECORD_NODE_ENDED ||
                              record->type == RECORD_NODE_AGAIN;
    if (is_start_or_result && record->path != NULL) {
        check_p4_result_stays(run, find_execution(run, str_from(record->path)));
    }
}

void sim_ledger_durable(struct sim_run *run, const struct record *record)
{
    bool is_result = record->type == RECORD_NODE_ENDED || record->type == RECORD_NODE_AGAIN;
    if (record_is_lazy(record)) {
        return;
    }
    run->told_seq = record->seq;
    run->is_started = run->is_started || (run->is_item && record->type == RECORD_RUN_STARTED);
    (void)check_queued(run, record); /* always 0 */
    if (is_result && record->path != NULL) {
        find_execution(run, str_from(record->path))->has_result = true;
    }
}

void sim_ledger_effect(struct sim_run *run, const struct effect *effect)
{
    if (effect->type == EFFECT_START) {
        check_p3_intent_is_durable(run, effect);
        check_p9_nothing_starts(run);
        check_p10_nothing_goes_forward(run, frame_find(run->run, effect->frame));
        see_start(run, effect);
    } else if (effect->type == EFFECT_ARM_TIMER) {
        check_p8_time_is_durable(run, effect);
    } else if (effect->type == EFFECT_RUN_ENDED) {
        check_p6_end_is_durable(run);
    }
}

void sim_ledger_restored(struct sim_run *run)
{
    check_p13_nothing_shown_is_lost(run);
    check_p4_consequences_are_there(run);
    check_p6_told_end_stays(run, run->run);
}

void sim_ledger_left(const struct sim_run *root)
{
    if (root->is_gone) {
        return;
    }
    check_p1_acknowledged_starts_are_there(root);
    if (root->number != 0) {
        (void)sim_store_read(root->sim->store, root->number, check_queued, (void *)(uintptr_t)root);
    }
}
