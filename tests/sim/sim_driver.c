/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands for the loop's driver: an event goes to the engine, its batch to the store, and when
 * that has it, the answers and the effects to the world. The order that the durability page asks
 * for is kept here, and broken here on purpose (see enum sim_plant).
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/journal/journal.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_store.h"

/* ---- runs ---- */

struct sim_run *sim_run_add(struct sim *sim, struct pipeline *pipeline, struct document *input)
{
    struct sim_run *run = calloc(1, sizeof(*run));
    SIM_HOLDS(sim, run != NULL);
    struct sim_run **runs = array_reserve((void *)sim->runs, &sim->run_cap, sim->run_count + 1,
                                          sizeof(struct sim_run *));
    SIM_HOLDS(sim, runs != NULL);
    *run = (struct sim_run){
        .sim = sim, .index = (uint32_t)sim->run_count, .pipeline = pipeline, .input = input};
    run->root = run;
    run_watch_init(&run->watch, pipeline);
    sim->runs = runs;
    runs[sim->run_count++] = run;
    return run;
}

static void know(struct sim_run *known, const struct run *run)
{
    known->number = run_number(run);
    known->depth = run_depth(run);
    known->has_rollback = run_has_rollback(run);
    (void)snprintf(known->id, sizeof(known->id), "%.*s", STR_ARG(run_id(run)));
}

static void know_child(struct sim_run *known, const struct run *run)
{
    known->is_child = true;
    known->is_started = true; /* nobody waits for an answer */
    bool somebody_called_it = engine_find_call(run, &known->call);
    SIM_HOLDS(known->sim, somebody_called_it);
    known->caller = engine_run_user(known->call.run);
    known->root = known->caller->root;
}

/* A child, or an item of the queue, is first heard of when its start is recorded. */
static struct sim_run *run_of(struct sim *sim, struct run *run, const struct document *input)
{
    struct sim_run *known = engine_run_user(run);
    if (known == NULL) {
        known = sim_run_add(sim, pipeline_ref(run_pipeline(run)), document_ref(input));
        known->is_item = engine_take_origin(run) != NULL;
        if (known->is_item) {
            known->place = SIM_LOADED;
            known->life++;
        } else {
            know_child(known, run);
        }
        known->loaded_at = sim->now;
        engine_set_run_user(run, known);
        know(known, run);
        known->run = run;
        sim_world_schedule_end(sim, known->index);
    }
    known->run = run;
    return known;
}

/* A run that its caller may have undone, as long as the caller's own end was not told. */
static bool is_needed(const struct sim_run *run)
{
    struct engine_call call = {0};
    bool is_kept = engine_keeps(run->run);
    while (is_kept && engine_find_call(run->run, &call)) {
        run = engine_run_user(call.run);
        if (!run->is_told) {
            return true;
        }
        is_kept = engine_keeps(run->run);
    }
    return false;
}

/*
 * Child runs that nobody needs any more. One that has called others stays as long as they do, so
 * that all runs of a tree are found below its root.
 */
static void give_up_ended(struct sim *sim)
{
    for (size_t i = sim->run_count; i > 0; i--) {
        struct sim_run *run = sim->runs[i - 1];
        if (run->run != NULL && run->is_child && run->is_told && !is_needed(run) &&
            engine_next_below(run->run, run->run) == NULL) {
            sim_check_ended(run);
            engine_remove(sim->engine, run->run);
            run->run = NULL;
        }
    }
}

/* ---- effects ---- */

static void arm(struct sim_run *run, const struct effect *effect)
{
    sim_schedule(run->sim, (struct sim_event){
                               .at = effect->at_unix_ms + random_below(&run->sim->random, 50),
                               .type = SIM_TIMER,
                               .run = run->index,
                               .frame = effect->frame,
                               .node = effect->node,
                               .attempt = effect->attempt,
                               .timer = effect->timer,
                               .life = run->root->life,
                           });
}

static void disarm(struct sim_run *run, const struct effect *effect)
{
    struct sim *sim = run->sim;
    if (random_percent(&sim->random, 20)) {
        return; /* it fires all the same */
    }
    for (size_t i = 0; i < sim->event_count; i++) {
        const struct sim_event *event = &sim->events[i];
        if (event->type == SIM_TIMER && event->run == run->index && event->frame == effect->frame &&
            event->node == effect->node && event->timer == effect->timer) {
            sim->events[i] = sim->events[--sim->event_count];
            return;
        }
    }
}

static void go_on(struct sim_run *run)
{
    struct error err = {0};
    struct sim_commit *commit = sim_commit_create(run->sim);
    run->has_continue = false;
    int status = engine_continue(run->sim->engine, run->run, run->sim->now, &commit->batch, &err);
    SIM_HOLDS(run->sim, status == 0);
    sim_commit_submit(commit);
}

static void carry_out(struct sim_run *run, const struct effect *effect)
{
    sim_ledger_effect(run, effect);
    sim_check_effect(run, effect);
    switch (effect->type) {
    case EFFECT_START:
        sim_task_start(run, effect);
        return;
    case EFFECT_STOP:
        sim_task_stop(run, effect);
        return;
    case EFFECT_ARM_TIMER:
        arm(run, effect);
        return;
    case EFFECT_DISARM:
        disarm(run, effect);
        return;
    case EFFECT_RUN_ENDED:
        run->is_told = true;
        run->told_state = run_state(run->run);
        return;
    case EFFECT_CONTINUE:
        go_on(run);
        return;
    case EFFECT_ASK_CACHE:
        sim_cache_ask(run, effect);
        return;
    case EFFECT_ASK_QUEUE:
    case EFFECT_WORK_QUEUE:
    case EFFECT_END_QUEUE:
        sim_queue_ask(run, effect);
        return;
    case EFFECT_LOG:
    case EFFECT_CREDIT: /* the watch counts it */
    case EFFECT_WANT_START:
    case EFFECT_RELEASE:
    case EFFECT_START_CHILD:
    case EFFECT_QUEUE:
    case EFFECT_UNDO_CHILD:
    case EFFECT_RUN_UNDONE:
        return; /* the engine's */
    }
}

/* Effects that a plant carries out as soon as they are decided. */
static bool is_too_early(const struct sim *sim, const struct effect *effect)
{
    return (sim->plant == SIM_PLANT_O2 && effect->type == EFFECT_START) ||
           (sim->plant == SIM_PLANT_O5 && effect->type == EFFECT_ARM_TIMER) ||
           (sim->plant == SIM_PLANT_O8 && effect->type == EFFECT_RUN_ENDED);
}

static bool is_answer_too_early(const struct sim_commit *commit)
{
    enum sim_plant plant = commit->sim->plant;
    return (plant == SIM_PLANT_O1 && commit->answer == SIM_ANSWER_START) ||
           (plant == SIM_PLANT_O6 && commit->answer == SIM_ANSWER_CLAIM) ||
           (plant == SIM_PLANT_O8 &&
            (commit->answer == SIM_ANSWER_CANCEL || commit->answer == SIM_ANSWER_PAUSE));
}

/* ---- answers ---- */

static void answer_pause(const struct sim_run *run)
{
    for (const struct run *at = run->run; at != NULL; at = engine_next_below(run->run, at)) {
        struct sim_run *paused = engine_run_user(at);
        paused->is_paused = run_is_paused(at);
    }
}

static void answer(const struct sim_commit *commit)
{
    struct sim_run *run = commit->run;
    switch (commit->answer) {
    case SIM_ANSWER_NONE:
        return;
    case SIM_ANSWER_START:
        run->is_started = true;
        return;
    case SIM_ANSWER_CANCEL:
        run->is_cancelled = true;
        return;
    case SIM_ANSWER_PAUSE:
        if (run->run != NULL) {
            answer_pause(run);
        }
        return;
    case SIM_ANSWER_CLAIM:
        if (sim_load(run, true)) {
            sim_claim_next(run->sim);
        }
        return;
    case SIM_ANSWER_GRANTED:
        sim_budget_granted(commit->sim, commit->call);
        return;
    }
}

/* ---- writes ---- */

struct sim_commit *sim_commit_create(struct sim *sim)
{
    struct sim_commit *commit = calloc(1, sizeof(*commit));
    SIM_HOLDS(sim, commit != NULL);
    commit->sim = sim;
    return commit;
}

static void commit_free(struct sim_commit *commit)
{
    batch_finish(&commit->batch);
    free(commit);
}

/* The process may die between two of them. */
static bool dies_now(struct sim *sim)
{
    bool is_quiet = sim->now > SIM_QUIET_MS;
    sim->is_dying = sim->is_dying || (!is_quiet && sim->dies_after > 0 && --sim->dies_after == 0);
    return sim->is_dying;
}

static void on_durable(void *user, int status)
{
    struct sim_commit *commit = user;
    struct sim *sim = commit->sim;
    if (status == E_CANCELED || sim->is_dying) {
        commit_free(commit);
        return;
    }
    SIM_HOLDS(sim, status == 0);
    for (size_t i = 0; i < commit->batch.record_count; i++) {
        const struct record *record = &commit->batch.records[i];
        sim_ledger_durable(engine_run_user(record->run), record);
    }
    sim_cache_keep(sim, &commit->batch);
    for (size_t i = 0; i < commit->batch.effect_count && !dies_now(sim); i++) {
        const struct effect *effect = &commit->batch.effects[i];
        if (!is_too_early(sim, effect)) {
            carry_out(engine_run_user(effect->run), effect);
        }
    }
    if (!sim->is_dying && !is_answer_too_early(commit)) {
        answer(commit);
    }
    commit_free(commit);
}

static void note_queued(struct sim *sim, const struct effect *effect)
{
    struct strbuf id = STRBUF_INIT;
    struct sim_run *item = NULL;
    strbuf_append_str(&id, run_id(effect->run));
    strbuf_append_char(&id, '/');
    run_append_child_path(effect->run, effect, &id);
    for (size_t i = 0; i < sim->run_count; i++) {
        struct sim_run *run = sim->runs[i];
        bool is_it = run->is_item && !run->is_gone && str_equal_text(strbuf_str(&id), run->id);
        bool a_call_is_queued_once = !is_it || item == NULL;
        SIM_HOLDS(sim, a_call_is_queued_once);
        item = is_it ? run : item;
    }
    strbuf_finish(&id);
    bool what_is_queued_begins_with_it = item != NULL;
    SIM_HOLDS(sim, what_is_queued_begins_with_it);
    sim_ledger_queued(item, effect);
}

static void note_portion(struct sim_run *run)
{
    uint64_t seq = run_last_seq(run->run);
    if (!run->has_continue) {
        return;
    }
    while (run->portions.n <= seq) {
        strbuf_append_char(&run->portions, ' ');
    }
    run->portions.p[seq] = 'c';
}

static void note_records(struct sim *sim, const struct sim_commit *commit)
{
    for (size_t i = 0; i < commit->batch.record_count; i++) {
        const struct record *record = &commit->batch.records[i];
        struct sim_run *run = run_of(sim, record->run, record->output);
        sim_check_record(run, record);
    }
    for (size_t i = 0; i < commit->batch.effect_count; i++) {
        const struct effect *effect = &commit->batch.effects[i];
        struct sim_run *run = engine_run_user(effect->run);
        if (effect->type == EFFECT_CONTINUE) {
            run->has_continue = true;
        } else if (effect->type == EFFECT_QUEUE) {
            note_queued(sim, effect);
        }
    }
    for (size_t i = 0; i < commit->batch.record_count; i++) {
        note_portion(run_of(sim, commit->batch.records[i].run, commit->batch.records[i].output));
    }
}

/* The rows of the runs that begin with these records, parents first. */
static size_t make_rows(const struct batch *batch, struct journal_new_run *rows)
{
    size_t count = 0;
    for (size_t i = 0; i < batch->record_count; i++) {
        if (batch->records[i].type == RECORD_RUN_STARTED) {
            const struct sim_run *run = engine_run_user(batch->records[i].run);
            rows[count++] = (struct journal_new_run){
                .number = run->number,
                .root = run->root->number,
                .parent = run->caller != NULL ? run->caller->number : 0,
            };
        }
    }
    return count;
}

static void write(struct sim_commit *commit)
{
    struct sim *sim = commit->sim;
    size_t count = commit->batch.record_count;
    struct journal_new_run *rows = calloc(count + 1, sizeof(*rows));
    SIM_HOLDS(sim, rows != NULL);
    struct journal_mark mark = {.kind = JOURNAL_MARK_CRASHES};
    bool has_mark = commit->answer == SIM_ANSWER_CLAIM || commit->is_recovery;
    if (has_mark) {
        mark.run = commit->run->number;
        mark.at = commit->is_recovery ? 0 : commit->run->claims;
    }
    struct journal_write it = {
        .batch = &commit->batch,
        .runs = rows,
        .run_count = make_rows(&commit->batch, rows),
        .marks = &mark,
        .mark_count = has_mark ? 1 : 0,
    };
    SIM_HOLDS(sim, journal_append(sim->store, &it, on_durable, commit, NULL) == 0);
    free(rows);
}

/* How many records a plant writes apart from the others; 0: none. */
static size_t find_split(const struct sim_commit *commit)
{
    const struct batch *batch = &commit->batch;
    for (size_t i = 0; i + 1 < batch->record_count; i++) {
        const struct record *record = &batch->records[i];
        bool is_result = record->type == RECORD_NODE_ENDED || record->type == RECORD_NODE_AGAIN ||
                         record->type == RECORD_FRAME_ENDED;
        bool is_other = record[1].run != record->run;
        if ((commit->sim->plant == SIM_PLANT_O3 && is_result && !is_other) ||
            (commit->sim->plant == SIM_PLANT_O4 && is_other)) {
            return i + 1;
        }
    }
    return 0;
}

/* The first `count` records become a write of their own, before the rest. */
static void write_first(struct sim_commit *commit, size_t count)
{
    struct sim_commit *first = sim_commit_create(commit->sim);
    struct batch *batch = &commit->batch;
    for (size_t i = 0; i < count; i++) {
        batch_add_record(&first->batch, &batch->records[i]);
        document_unref(batch->records[i].output);
        document_unref(batch->records[i].error);
        document_unref(batch->records[i].detail);
        document_unref(batch->records[i].done);
    }
    batch->record_count -= count;
    for (size_t i = 0; i < batch->record_count; i++) {
        batch->records[i] = batch->records[i + count];
    }
    write(first);
}

void sim_driver_look_at_shared(struct sim *sim)
{
    int64_t due = engine_next_due(sim->engine);
    if (due != sim->shared_due && due != INT64_MAX) {
        sim_schedule(sim, (struct sim_event){.at = due + random_below(&sim->random, 50),
                                             .type = SIM_SHARED});
    }
    sim->shared_due = due;
}

void sim_driver_tick(struct sim *sim)
{
    struct error err = {0};
    if (sim->engine == NULL) {
        return;
    }
    struct sim_commit *commit = sim_commit_create(sim);
    SIM_HOLDS(sim, engine_tick(sim->engine, sim->now, &commit->batch, &err) == 0);
    sim_commit_submit(commit);
}

/* Who waits for a breaker soon waits for nothing else: a time to be parked. */
static void park_soon(struct sim *sim)
{
    for (uint32_t i = 0; sim->is_disturbed && i < sim->run_count; i++) {
        if (!sim->runs[i]->is_child && random_percent(&sim->random, 50)) {
            sim_schedule(
                sim, (struct sim_event){.at = sim_later(sim, 2000), .type = SIM_PARK, .run = i});
        }
    }
}

void sim_commit_submit(struct sim_commit *commit)
{
    struct sim *sim = commit->sim;
    if (commit->batch.scope_count > 0) {
        park_soon(sim);
    }
    sim_driver_look_at_shared(sim);
    bool is_empty = commit->batch.record_count == 0 && commit->batch.effect_count == 0 &&
                    commit->batch.scope_count == 0;
    if (is_empty && commit->answer == SIM_ANSWER_NONE && !commit->is_recovery) {
        commit_free(commit);
        return;
    }
    note_records(sim, commit);
    size_t split = find_split(commit);
    if (split > 0) {
        write_first(commit, split);
    }
    struct sim_commit early = *commit;
    write(commit);
    for (size_t i = 0; i < early.batch.effect_count; i++) {
        const struct effect *effect = &early.batch.effects[i];
        if (is_too_early(sim, effect)) {
            carry_out(engine_run_user(effect->run), effect);
        }
    }
    if (is_answer_too_early(&early)) {
        answer(&early);
    }
}

/* ---- events for the engine ---- */

void sim_driver_tell(struct sim_run *run, const struct run_event *event, enum sim_answer answer)
{
    struct error err = {0};
    struct sim_commit *commit = sim_commit_create(run->sim);
    int status =
        engine_handle(run->sim->engine, run->run, event, run->sim->now, &commit->batch, &err);
    SIM_HOLDS(run->sim, status == 0);
    commit->run = run;
    commit->answer = answer;
    sim_commit_submit(commit);
}

void sim_driver_pause(struct sim_run *run, enum run_event_type type)
{
    struct error err = {0};
    struct sim_commit *commit = sim_commit_create(run->sim);
    int status =
        engine_pause(run->sim->engine, run->run, type, run->sim->now, &commit->batch, &err);
    SIM_HOLDS(run->sim, status == 0);
    commit->run = run;
    commit->answer = type == RUN_EVENT_PAUSE ? SIM_ANSWER_PAUSE : SIM_ANSWER_NONE;
    sim_commit_submit(commit);
}

void sim_driver_start(struct sim *sim, struct sim_run *run)
{
    (void)snprintf(run->id, sizeof(run->id), "run-%u", run->index);
    struct run_options options = {
        .number = journal_next_run(sim->store),
        .pipeline = run->pipeline,
        .input = run->input,
        .id = str_from(run->id),
        .triggered_by = STR("manual"),
        .user = run,
    };
    struct error err = {0};
    struct sim_commit *commit = sim_commit_create(sim);
    int status = engine_start(sim->engine, &options, sim->now, &commit->batch, &run->run, &err);
    SIM_HOLDS(sim, status == 0);
    know(run, run->run);
    run->place = SIM_LOADED;
    run->life++;
    run->loaded_at = sim->now;
    commit->run = run;
    commit->answer = SIM_ANSWER_START;
    sim_commit_submit(commit);
}

void sim_driver_wake(void *user)
{
    struct sim *sim = user;
    sim_schedule(
        sim, (struct sim_event){.at = sim_later(sim, 20), .type = SIM_COMMIT, .life = sim->life});
    if (sim->now < SIM_QUIET_MS && sim->dies_with > 0 && --sim->dies_with == 0) {
        sim_schedule(sim,
                     (struct sim_event){.at = sim_later(sim, 8), .type = SIM_CRASH, .attempt = 1});
    }
}

/* A commit takes some or all of what waits; what is left over has a commit of its own to come. */
void sim_driver_commit(struct sim *sim)
{
    size_t waiting = sim_store_waiting(sim->store);
    if (waiting == 0) {
        return;
    }
    sim_store_commit(sim->store, 1 + random_below(&sim->random, (uint32_t)waiting));
    SIM_KEEPS(sim, sim_store_fault(sim->store));
    if (sim->is_dying) {
        return;
    }
    give_up_ended(sim);
    if (sim_store_waiting(sim->store) > 0) {
        sim_driver_wake(sim);
    }
}
