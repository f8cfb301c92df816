/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives runs: events go to the engine, its batch to the journal, and when that has it, records
 * to the observer and effects to host and timers. Nothing here decides anything.
 */
#include "core/loop/run_driver.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/engine/engine.h"
#include "core/journal/journal.h"
#include "core/loop/breakers.h"
#include "core/loop/commit.h"
#include "core/loop/deliveries.h"
#include "core/loop/health_checks.h"
#include "core/loop/http_gate.h"
#include "core/loop/kept_scopes.h"
#include "core/loop/loop_state.h"
#include "core/loop/masking.h"
#include "core/loop/parking.h"
#include "core/loop/pruning.h"
#include "core/loop/run_adoption.h"
#include "core/loop/run_cache.h"
#include "core/loop/run_ends.h"
#include "core/loop/run_rows.h"
#include "core/loop/run_table.h"
#include "core/loop/run_tasks.h"
#include "core/loop/run_timers.h"
#include "core/model/pipeline.h"

void run_driver_fail(struct loop *loop, const struct error *err)
{
    if (loop->failure.code == 0) {
        loop->failure = *err;
    }
    uv_stop(&loop->uv);
}

/* ---- the driver's side of runs ---- */

struct loop_run *run_driver_create(struct loop *loop, struct run *run, struct loop_run *root)
{
    struct loop_run *created = calloc(1, sizeof(*created));
    if (created == NULL || run_table_reserve(loop) != 0) {
        struct error err = {0};
        free(created);
        (void)error_nomem(&err);
        run_driver_fail(loop, &err);
        return NULL;
    }
    created->loop = loop;
    created->run = run;
    created->number = run_number(run);
    created->root = root != NULL ? root : created;
    engine_set_run_user(run, created);
    run_table_add(created);
    return created;
}

/* Of the list of those that decide on. */
static void take_out(struct loop_run *run)
{
    struct loop_run **at = &run->loop->first_going;
    while (*at != run) {
        at = &(*at)->next_going;
    }
    *at = run->next_going;
}

void run_driver_free(struct loop_run *run)
{
    if (run->goes_on) {
        take_out(run);
    }
    run_table_remove(run);
    health_checks_drop_run(run);
    run_tasks_finish(run);
    free(run);
}

void run_driver_tell_child(struct loop_run *child, const struct engine_call *call)
{
    const struct run_observer *observer = &child->root->observer;
    if (!child->is_known && child->root != child && observer->on_child != NULL) {
        struct run_place place = {.run = call->run, .frame = call->frame, .node = call->node};
        observer->on_child(observer->user, child->run, &place);
    }
    child->is_known = true;
}

/* ---- to the journal ---- */

static void on_durable(void *user, int status);

/* Child runs that begin in the batch get their rows, and each record is counted as on its way. */
static bool prepare(struct commit *commit)
{
    struct loop *loop = commit->loop;
    for (size_t i = 0; i < commit->batch.record_count; i++) {
        struct run *run = commit->batch.records[i].run;
        struct loop_run *known = engine_run_user(run);
        known = known != NULL ? known : run_adoption_begin(loop, run, commit);
        if (known == NULL) {
            return false;
        }
        known->root->records_out++;
        loop->numbers.nodes_started += commit->batch.records[i].type == RECORD_NODE_STARTED ? 1u
                                                                                            : 0u;
    }
    return true;
}

/* Whoever made progress has not crashed the process. */
static void forget_crashes(struct commit *commit)
{
    for (size_t i = 0; i < commit->batch.record_count; i++) {
        const struct record *record = &commit->batch.records[i];
        struct loop_run *root = ((struct loop_run *)engine_run_user(record->run))->root;
        bool is_progress = record->type == RECORD_NODE_ENDED || record->type == RECORD_NODE_AGAIN;
        if (root->crashes > 0 && is_progress) {
            root->crashes = 0;
            commit_add_mark(
                commit, &(struct journal_mark){.run = root->number, .kind = JOURNAL_MARK_CRASHES});
        }
    }
}

/* What a row says of a run that was to be parked is over with the first record that follows. */
static void forget_marks(struct commit *commit)
{
    for (size_t i = 0; i < commit->batch.record_count; i++) {
        struct loop_run *root =
            ((struct loop_run *)engine_run_user(commit->batch.records[i].run))->root;
        if (root->is_marked) {
            root->is_marked = false;
            commit_add_mark(
                commit, &(struct journal_mark){.run = root->number, .kind = JOURNAL_MARK_ACTIVE});
        }
    }
}

/*
 * What a run decides on does not wait for the disk, only what it does: so the disk gets the next
 * write while it is at the one before. Some are enough.
 */
enum { MOST_AHEAD = 4 };

static void on_going(uv_idle_t *idle)
{
    struct loop *loop = idle->data;
    struct loop_run *run = loop->first_going;
    (void)uv_idle_stop(idle); /* cannot fail */
    loop->first_going = NULL;
    while (run != NULL && !loop->is_leaving) {
        struct loop_run *next = run->next_going;
        run->goes_on = false;
        run->gone_on++;
        run_driver_handle(run, NULL);
        run = next;
    }
}

static void go_on_soon(struct commit *commit)
{
    struct loop *loop = commit->loop;
    for (size_t i = 0; i < commit->batch.effect_count; i++) {
        const struct effect *effect = &commit->batch.effects[i];
        struct loop_run *run = effect->type == EFFECT_CONTINUE ? engine_run_user(effect->run)
                                                               : NULL;
        if (run != NULL && !run->goes_on && run->root->is_known) {
            run->goes_on = true;
            run->next_going = loop->first_going;
            loop->first_going = run;
            (void)uv_idle_start(&loop->going, on_going); /* cannot fail with a callback */
        }
    }
}

/* Who sees that a node or a run has ended sees what it logged before. */
static void take_log_lines(struct commit *commit)
{
    struct commit *lines = commit->loop->log_lines;
    commit->loop->log_lines = NULL;
    for (size_t i = 0; lines != NULL && i < lines->log_count; i++) {
        commit_add_log(commit, &lines->logs[i]);
    }
    if (lines != NULL) {
        commit_destroy(lines);
    }
}

void run_driver_submit(struct commit *commit)
{
    struct loop *loop = commit->loop;
    struct error err = {0};
    run_timers_look_at_shared(loop);
    run_waits_note(&loop->waits_told);
    http_gate_let_go(loop, commit);
    if (commit_is_empty(commit)) {
        commit_destroy(commit);
        return;
    }
    take_log_lines(commit);
    if (!prepare(commit)) {
        commit_tell(commit, E_NOMEM);
        commit_destroy(commit);
        return;
    }
    forget_crashes(commit);
    forget_marks(commit);
    run_rows_note_turns(commit);
    if (journal_keeps(loop->journal) && loop->numbers.writes_waiting < MOST_AHEAD) {
        go_on_soon(commit);
    }
    uint32_t log_writes = commit->log_count > 0 ? 1 : 0;
    loop->numbers.writes_waiting++;
    loop->log_writes += log_writes;
    if (commit_submit(commit, on_durable, &err) != 0) {
        loop->numbers.writes_waiting--;
        loop->log_writes -= log_writes;
        run_driver_fail(loop, &err);
    }
}

bool run_driver_decide(struct loop_run *run, const struct run_event *event, struct commit *commit)
{
    struct engine *engine = run->loop->engine;
    struct error err = {0};
    int64_t now = clock_unix_ms();
    int status = event != NULL ? engine_handle(engine, run->run, event, now, &commit->batch, &err)
                               : engine_continue(engine, run->run, now, &commit->batch, &err);
    if (status != 0) {
        run_driver_fail(run->loop, &err);
    }
    return status == 0;
}

void run_driver_tick(struct loop *loop)
{
    struct commit *commit = commit_create(loop);
    struct error err = {0};
    if (commit == NULL) {
        return;
    }
    if (engine_tick(loop->engine, clock_unix_ms(), &commit->batch, &err) == 0) {
        run_driver_submit(commit);
        return;
    }
    run_driver_fail(loop, &err);
    commit_destroy(commit);
}

void run_driver_handle(struct loop_run *run, const struct run_event *event)
{
    struct commit *commit = commit_create(run->loop);
    if (commit == NULL) {
        return;
    }
    if (run_driver_decide(run, event, commit)) {
        run_driver_submit(commit);
    } else {
        commit_destroy(commit);
    }
}

/* ---- effects ---- */

static void note_end(struct loop_run *root)
{
    struct loop_numbers *numbers = &root->loop->numbers;
    enum run_state state = run_state(root->run);
    numbers->runs_completed += state == RUN_COMPLETED ? 1u : 0u;
    numbers->runs_failed += state == RUN_FAILED ? 1u : 0u;
    numbers->runs_cancelled += state == RUN_CANCELLED ? 1u : 0u;
}

/* Runs that nobody waited for are part of the one that started them. */
static void tell_end(struct loop_run *root)
{
    if (root->observer.on_ended != NULL) {
        root->observer.on_ended(root->observer.user);
    }
}

static void carry_out_end(struct loop_run *run)
{
    run->is_ended = true;
    health_checks_drop_run(run);
    admission_note_end(&run->loop->admission, clock_unix_ms());
    alerts_note_end(run);
    if (run->root != run) {
        run->root->children--;
    } else {
        note_end(run);
    }
    if (run->root->is_ended && run->root->children == 0) {
        run_env_end(&run->loop->env, run->root->number);
        pruning_look(run->loop->pruning);
        kept_scopes_prune(run->loop);
        tell_end(run->root);
    }
}

/* Unless its turn has come already, or comes. */
static void carry_out_continue(struct loop_run *run)
{
    if (run->goes_on) {
        run->goes_on = false;
        take_out(run);
    } else if (run->gone_on > 0) {
        run->gone_on--;
        return;
    }
    run_driver_handle(run, NULL);
}

static void carry_out(struct loop_run *run, const struct effect *effect)
{
    switch (effect->type) {
    case EFFECT_START:
        run_tasks_start(run, effect);
        return;
    case EFFECT_STOP:
        run_tasks_stop(run, effect);
        return;
    case EFFECT_ASK_CACHE:
        run_cache_answer(run, effect);
        return;
    case EFFECT_ASK_QUEUE:
        deliveries_find(run, effect);
        return;
    case EFFECT_WORK_QUEUE:
        deliveries_start(run, effect);
        return;
    case EFFECT_END_QUEUE:
        deliveries_end(run, effect);
        return;
    case EFFECT_LOG:
        run_tasks_note(run, effect);
        return;
    case EFFECT_CREDIT:
        run_tasks_credit(run, effect);
        return;
    case EFFECT_ARM_TIMER:
        run_timers_arm(run, effect);
        return;
    case EFFECT_DISARM:
        run_timers_disarm(run, effect);
        return;
    case EFFECT_RUN_ENDED:
        carry_out_end(run);
        return;
    case EFFECT_CONTINUE:
        carry_out_continue(run);
        return;
    case EFFECT_WANT_START:
    case EFFECT_RELEASE:
    case EFFECT_START_CHILD:
    case EFFECT_QUEUE:
    case EFFECT_UNDO_CHILD:
    case EFFECT_RUN_UNDONE:
        return; /* dispatch's, done inside the engine */
    }
    unreachable_state("effect", (int)effect->type);
}

/* ---- durable ---- */

static void tell_known(struct loop_run *run)
{
    struct engine_call call = {0};
    if (!run->is_known) {
        (void)engine_find_call(run->run, &call); /* a root has none, and nobody to tell */
        run_driver_tell_child(run, &call);
    }
}

static void tell_root(const struct loop_run *run, const struct record *record)
{
    const struct loop *loop = run->loop;
    bool is_told = record->type == RECORD_RUN_STARTED || record->type == RECORD_RUN_ENDED;
    if (is_told && run->root == run && loop->on_root != NULL) {
        loop->on_root(loop->root_user, record);
    }
}

/* A batch may have records of several roots: each hears of the end of its own part. */
static void tell_records(const struct commit *commit)
{
    const struct run_observer *observer = NULL;
    for (size_t i = 0; i < commit->batch.record_count; i++) {
        const struct record *record = &commit->batch.records[i];
        struct loop_run *run = engine_run_user(record->run);
        const struct run_observer *before = observer;
        tell_known(run);
        run->root->records_out--;
        observer = &run->root->observer;
        if (before != NULL && before != observer && before->on_batch != NULL) {
            before->on_batch(before->user);
        }
        if (observer->on_record != NULL) {
            observer->on_record(observer->user, record);
        }
        tell_root(run, record);
        if (record->type == RECORD_RUN_STARTED) {
            health_checks_note_run(run);
        }
    }
    if (observer != NULL && observer->on_batch != NULL) {
        observer->on_batch(observer->user);
    }
}

static void carry_out_all(struct commit *commit, struct loop_run **ended)
{
    /* Without a host nothing can be carried out any more: the loop is closing. */
    bool is_over = commit->loop->is_host_closed || commit->loop->is_leaving;
    for (size_t i = 0; !is_over && i < commit->batch.effect_count; i++) {
        const struct effect *effect = &commit->batch.effects[i];
        struct loop_run *run = engine_run_user(effect->run);
        if (run == NULL) { /* a child whose first record comes with a later batch: its start */
            continue;
        }
        carry_out(run, effect);
        if (effect->type == EFFECT_RUN_ENDED) {
            run_ends_collect(run, ended);
        }
    }
}

static void note_brought_back(const struct loop_run *root)
{
    for (struct run *at = root->run; at != NULL; at = engine_next_below(root->run, at)) {
        struct loop_run *run = engine_run_user(at);
        if (run != NULL) {
            health_checks_note_run(run);
        }
    }
}

/* Roots of the write that wait now, or have ended and that nobody holds. */
static void look_at_roots(struct commit *commit)
{
    struct loop *loop = commit->loop;
    uint64_t last = 0;
    for (size_t i = 0; !loop->is_leaving && i < commit->batch.record_count; i++) {
        uint64_t number = commit->batch.records[i].run_number;
        struct loop_run *root = number != 0 && number != last ? run_table_find_root(loop, number)
                                                              : NULL;
        last = number;
        if (root != NULL) {
            parking_look(root);
        }
    }
    /* Those that were just brought back may have been waiting all along. */
    for (size_t i = 0; !loop->is_leaving && i < commit->mark_count; i++) {
        struct loop_run *root = commit->marks[i].kind == JOURNAL_MARK_ACTIVE
                                    ? run_table_find_root(loop, commit->marks[i].run)
                                    : NULL;
        if (root != NULL) {
            note_brought_back(root);
            parking_look(root);
        }
    }
}

static void tell_logged(const struct loop *loop)
{
    if (loop->on_logged != NULL) {
        loop->on_logged(loop->logged_user, loop->log_writes + (loop->log_lines != NULL ? 1 : 0));
    }
}

/* They need no memory any more. */
static void forget_lines(const struct commit *commit)
{
    for (size_t i = 0; i < commit->log_count; i++) {
        commit->loop->log_bytes -= commit->logs[i].line.n + LOG_LINE_BYTES;
    }
}

static void on_durable(void *user, int status)
{
    struct commit *commit = user;
    struct loop *loop = commit->loop;
    bool has_logs = commit->log_count > 0;
    loop->numbers.writes_waiting--;
    loop->log_writes -= has_logs ? 1 : 0;
    forget_lines(commit);
    if (status != 0) {
        struct error err = {0};
        loop->trouble.records_lost += commit->batch.record_count;
        (void)error_set(&err, status, "there was no room to keep what happened");
        run_driver_fail(loop, &err);
        commit_tell(commit, status);
        commit_destroy(commit);
        return;
    }
    loop->numbers.writes_committed++;
    if (has_logs) {
        tell_logged(loop);
    }
    breakers_note(loop, &commit->batch);
    tell_records(commit);
    if (loop->on_batch != NULL &&
        (commit->batch.record_count > 0 || commit->batch.scope_count > 0)) {
        loop->on_batch(loop->batch_user, &commit->batch);
    }
    struct loop_run *ended = NULL;
    carry_out_all(commit, &ended);
    deliveries_note(loop, &commit->batch);
    commit_tell(commit, 0);
    run_ends_release(ended);
    look_at_roots(commit);
    commit_destroy(commit);
    loop_check_drained(loop);
}

/* ---- the end of the loop ---- */

/* Of a state folder nothing is told: in it all goes on. Tasks end with the host. */
void run_driver_stop_all(struct loop *loop)
{
    if (loop->is_leaving) {
        return;
    }
    for (struct loop_run *run = loop->runs; run != NULL; run = run->next) {
        if (!run->is_ended && run->root == run) {
            loop_run_kill(run, STR(""));
        }
    }
}

void run_driver_free_all(struct loop *loop)
{
    while (loop->runs != NULL) {
        run_driver_free(loop->runs);
    }
    commit_free_spares(loop);
    run_table_finish(loop);
}
