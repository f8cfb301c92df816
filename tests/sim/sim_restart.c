/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process dies; another one claims the live runs one by one, restores each with those below it,
 * parents first, from what is durable, and lets them recover. Any of it may be cut off again.
 */
#include <stdio.h>

#include "core/base/error.h"
#include "core/engine/failure.h"
#include "core/journal/journal.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_store.h"
#include "tests/support/run_rows.h"

enum { MOST_CLAIMS = 10 };

/* ---- the end ---- */

/* All that the process knew of it is gone. */
static void forget(struct sim_run *run)
{
    run_destroy(run->shadow);
    run_watch_finish(&run->watch);
    run_watch_init(&run->watch, run->pipeline);
    run->shadow = NULL;
    run->run = NULL;
    run->has_continue = false;
}

static int see_end(void *user, const struct record *record)
{
    bool *is_over = user;
    if (record->type == RECORD_RUN_ENDED || record->type == RECORD_RUN_UNDONE) {
        *is_over = true;
    } else if (record->type == RECORD_RUN_UNDOING) {
        *is_over = false;
    }
    return 0;
}

static bool is_over(const struct sim_run *run)
{
    bool is_over = false;
    (void)sim_store_read(run->sim->store, run->number, see_end, &is_over);
    return is_over;
}

/* One look at the whole tree of a root, whose place it decides. */
static void leave_root(struct sim_run *root)
{
    struct sim *sim = root->sim;
    bool all_are_over = true;
    if (root->is_item) { /* nobody waits for an answer; one that is lost is queued anew */
        root->is_started = true;
        root->is_gone = !sim_store_has_run(sim->store, root->number);
        root->place = SIM_OVER;
    }
    if (root->is_gone) {
        return;
    }
    if (!root->is_started) { /* whoever started it hears nothing, and starts it again */
        sim_schedule(sim, (struct sim_event){
                              .at = sim_later(sim, 1000), .type = SIM_START, .run = root->index});
    }
    if (!sim_store_has_run(sim->store, root->number)) {
        root->place = SIM_NEW;
        return;
    }
    for (size_t i = root->index; i < sim->run_count; i++) {
        const struct sim_run *run = sim->runs[i];
        all_are_over = all_are_over && (run->root != root || run->is_gone || is_over(run));
    }
    root->place = all_are_over ? SIM_OVER : SIM_AWAY;
}

static void leave_all(struct sim *sim)
{
    for (size_t i = 0; i < sim->run_count; i++) {
        struct sim_run *run = sim->runs[i];
        forget(run);
        run->is_gone = run->is_gone ||
                       (run->is_child && !sim_store_has_run(sim->store, run->number));
    }
    for (size_t i = 0; i < sim->run_count; i++) {
        struct sim_run *root = sim->runs[i];
        if (root->is_child) {
            continue;
        }
        sim_ledger_left(root);
        root->life++;
        root->is_asleep = false;
        if (root->place == SIM_LOADED || root->place == SIM_PARKED) {
            leave_root(root);
        }
    }
}

void sim_crash(struct sim *sim)
{
    uint32_t waiting = (uint32_t)sim_store_waiting(sim->store);
    uint32_t dice = random_below(&sim->random, 3);
    uint32_t kept = dice == 0 ? 0 : dice == 1 ? waiting : random_below(&sim->random, waiting + 1);
    sim_note(sim, "       the process dies; of %u writes that wait %u are there", waiting, kept);
    sim->crashes++;
    sim_store_crash(sim->store, kept);
    SIM_KEEPS(sim, sim_store_fault(sim->store));
    engine_destroy(sim->engine);
    sim->engine = NULL;
    sim->is_dying = false;
    sim->dies_after = 0;
    sim->dies_with = 0;
    sim->life++;
    sim_budget_crash(sim);
    leave_all(sim);
    sim_schedule(sim, (struct sim_event){.at = sim_later(sim, 500), .type = SIM_RESTART});
}

/* ---- the beginning ---- */

static uint64_t next_run(void *user)
{
    const struct sim *sim = user;
    return journal_next_run(sim->store);
}

static int restore_breaker(void *user, const struct journal_scope_row *row)
{
    struct sim *sim = user;
    return engine_restore_breaker(sim->engine, row->key, row->state, sim->now, NULL);
}

static int restore_limiter(void *user, const struct journal_scope_row *row)
{
    struct sim *sim = user;
    return engine_restore_limiter(sim->engine, row->key, row->state, sim->now, NULL);
}

void sim_restart(struct sim *sim)
{
    struct error err = {0};
    static const uint32_t portions[] = {0, 3, 20};
    const struct engine_options options = {
        .steps_per_batch = portions[sim->seed % 3], .next_run = next_run, .user = sim};
    SIM_HOLDS(sim, engine_create(&options, &sim->engine, &err) == 0);
    sim->shared_due = INT64_MAX;
    SIM_HOLDS(sim, sim_store_scopes(sim->store, ENGINE_SCOPE_BREAKER, restore_breaker, sim) == 0);
    SIM_HOLDS(sim, sim_store_scopes(sim->store, ENGINE_SCOPE_LIMITER, restore_limiter, sim) == 0);
    sim_claim_next(sim);
}

void sim_claim_next(struct sim *sim)
{
    for (size_t i = 0; i < sim->run_count; i++) {
        struct sim_run *root = sim->runs[i];
        if (root->is_child || root->place != SIM_AWAY) {
            continue;
        }
        root->claims = sim_store_crashes(sim->store, root->number) + 1;
        struct sim_commit *commit = sim_commit_create(sim);
        commit->run = root;
        commit->answer = SIM_ANSWER_CLAIM;
        sim_commit_submit(commit);
        return;
    }
}

/* ---- loading ---- */

static int watch_record(void *user, const struct record *record)
{
    struct sim_run *run = user;
    SIM_KEEPS(run->sim, run_watch_record(&run->watch, record));
    return 0;
}

static int apply_row(void *user, const struct record *record)
{
    const char *refused = run_rows_apply(user, record);
    if (refused != NULL) {
        (void)fprintf(stderr, "%s\n", refused);
    }
    return refused != NULL ? E_CORRUPT : 0;
}

struct run *sim_replay_text(const struct sim_run *run)
{
    struct run *replayed = sim_fresh_run(run);
    SIM_HOLDS(run->sim, sim_store_read(run->sim->store, run->number, apply_row, replayed) == 0);
    return replayed;
}

static void restore_run(struct sim_run *run)
{
    struct sim *sim = run->sim;
    struct error err = {0};
    struct run_options options = {
        .number = run->number,
        .pipeline = run->pipeline,
        .id = str_from(run->id),
        .triggered_by = run->is_child  ? STR("workflow")
                        : run->is_item ? STR("queue")
                                       : STR("manual"),
        .depth = run->depth,
        .has_rollback = run->has_rollback,
        .user = run,
    };
    if (run->is_child) {
        run->call.run = run->caller->run;
    }
    int status =
        engine_restore(sim->engine, &options, run->is_child ? &run->call : NULL, &run->run, &err);
    SIM_HOLDS(sim, status == 0);
    status = sim_store_read(sim->store, run->number, apply_row, run->run);
    bool its_records_can_be_applied = status == 0;
    SIM_HOLDS(sim, its_records_can_be_applied);
    run->shadow = sim_replay_records(run);
    (void)sim_store_read(sim->store, run->number, watch_record, run);
    run_watch_crashed(&run->watch);
    sim_ledger_restored(run);
    if (run_is_ended(run->run)) {
        run->is_told = true;
        run->told_state = run_state(run->run);
    }
}

/* A run that ended the process ten times is a dead letter: it fails, and starts nothing more. */
static int abandon(struct sim_run *root, struct batch *batch)
{
    struct sim *sim = root->sim;
    struct error err = {0};
    struct document *error = failure_create("CRASHED", STR("it ended the process"), NULL);
    const struct run_event event = {.type = RUN_EVENT_ABANDON, .error = error};
    sim_note(sim, "       run %u is a dead letter", root->index);
    root->is_cancelled = true; /* nothing goes forward any more */
    root->is_touched = true;
    root->is_dead_letter = true;
    int status = engine_handle(sim->engine, root->run, &event, sim->now, batch, &err);
    document_unref(error);
    return status;
}

static void recover(struct sim_run *root, bool is_claimed)
{
    struct sim *sim = root->sim;
    struct error err = {0};
    struct sim_commit *commit = sim_commit_create(sim);
    int status = root->claims > MOST_CLAIMS ? abandon(root, &commit->batch) : 0;
    SIM_HOLDS(sim, status == 0);
    status = engine_recover(sim->engine, root->run, sim->now, &commit->batch, &err);
    if (status != 0) {
        sim_broken(sim, err.message, __FILE__, __LINE__);
    }
    commit->run = root;
    commit->is_recovery = is_claimed;
    sim_commit_submit(commit);
}

bool sim_load(struct sim_run *root, bool is_claimed)
{
    struct sim *sim = root->sim;
    bool its_claim_is_durable = !is_claimed ||
                                sim_store_crashes(sim->store, root->number) == root->claims;
    SIM_HOLDS(sim, its_claim_is_durable);
    if (is_claimed && root->is_poison && root->claims <= MOST_CLAIMS) {
        sim->is_dying = true;
        return false;
    }
    root->place = SIM_LOADED;
    root->is_asleep = false;
    root->loaded_at = sim->now;
    for (size_t i = root->index; i < sim->run_count; i++) {
        struct sim_run *run = sim->runs[i];
        if (run->root == root && !run->is_gone) {
            restore_run(run);
        }
    }
    recover(root, is_claimed);
    return true;
}

/* ---- runs that only wait ---- */

static bool is_tree_over(const struct sim_run *root)
{
    for (const struct run *at = root->run; at != NULL; at = engine_next_below(root->run, at)) {
        if (!run_is_ended(at)) {
            return false;
        }
    }
    return true;
}

void sim_park(struct sim_run *root)
{
    struct sim *sim = root->sim;
    struct engine_rest wait = {.wake_at = INT64_MAX};
    if (sim_store_waiting(sim->store) > 0 || is_tree_over(root) ||
        !engine_only_waits(root->run, &wait)) {
        return;
    }
    for (size_t i = 0; i < sim->run_count; i++) {
        struct sim_run *run = sim->runs[i];
        if (run->root == root && run->run != NULL) {
            sim_check_replay(run);
        }
    }
    if (wait.guard != NULL) {
        SIM_HOLDS(sim, engine_sleep(sim->engine, root->run, &wait) == 0);
        sim->asleep++;
        root->is_asleep = true;
    } else {
        engine_unload(sim->engine, root->run);
    }
    for (size_t i = 0; i < sim->run_count; i++) {
        if (sim->runs[i]->root == root) {
            forget(sim->runs[i]);
        }
    }
    root->place = SIM_PARKED;
    root->life++;
    sim->parked++;
    if (wait.guard == NULL && wait.wake_at != INT64_MAX) {
        sim_schedule(
            sim, (struct sim_event){
                     .at = wait.wake_at, .type = SIM_WAKE, .run = root->index, .life = root->life});
    }
    sim_driver_look_at_shared(sim);
}

void sim_wake_sleepers(struct sim *sim)
{
    uint64_t number = 0;
    while (!sim->is_dying && sim->engine != NULL &&
           engine_next_awake(sim->engine, sim->now, &number)) {
        struct sim_run *root = NULL;
        for (size_t i = 0; i < sim->run_count; i++) {
            root = sim->runs[i]->number == number ? sim->runs[i] : root;
        }
        bool who_is_woken_sleeps = root != NULL && root->place == SIM_PARKED;
        SIM_HOLDS(sim, who_is_woken_sleeps);
        (void)sim_load(root, false);
    }
}
