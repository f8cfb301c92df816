/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/parking.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/base/log.h"
#include "core/engine/engine.h"
#include "core/journal/journal_reader.h"
#include "core/loop/commit.h"
#include "core/loop/loop_state.h"
#include "core/loop/restorer.h"
#include "core/loop/run_driver.h"
#include "core/loop/run_table.h"
#include "core/loop/run_timers.h"

/* What was accepted comes before what is new: it may take memory where no start would. */
enum { WAKES_AT_ONCE = 256, WAKES_BEYOND = 2 };

/* `wait` says for which breaker it sleeps; NULL: its row says when to wake it. */
static void unload(struct loop_run *root, const struct engine_rest *wait)
{
    struct loop *loop = root->loop;
    struct run *top = root->run;
    struct loop_run *list = NULL;
    for (struct run *at = top; at != NULL; at = engine_next_below(top, at)) {
        struct loop_run *run = engine_run_user(at);
        if (run != NULL) {
            run->next_ended = list;
            list = run;
        }
    }
    if (wait == NULL) {
        engine_unload(loop->engine, top);
    } else if (engine_sleep(loop->engine, top, wait) != 0) {
        return; /* it waits in memory */
    }
    while (list != NULL) {
        struct loop_run *run = list;
        list = run->next_ended;
        run_timers_drop(run);
        run_driver_free(run);
    }
    run_timers_look_at_shared(loop);
    parking_check_idle(loop);
}

void parking_check_idle(struct loop *loop)
{
    if (loop->run_count == 0 && loop->on_idle != NULL) {
        loop->on_idle(loop->idle_user);
    }
}

static bool may_be_given_up(const struct loop_run *root)
{
    return !root->is_held && root->records_out == 0 && root->task_count == 0 &&
           root->loop->state_folder != NULL && !root->loop->is_leaving;
}

bool parking_pays(const struct run *root, struct engine_rest *out_wait)
{
    if (!engine_only_waits(root, out_wait)) {
        return false;
    }
    int64_t sooner = out_wait->guard_due < out_wait->wake_at ? out_wait->guard_due
                                                             : out_wait->wake_at;
    return sooner - clock_unix_ms() > PARKING_SHORTEST_MS;
}

static bool only_waits(const struct loop_run *root, struct engine_rest *out_wait)
{
    return may_be_given_up(root) && parking_pays(root->run, out_wait);
}

/* What has happened meanwhile keeps it here. */
static void on_parked(void *user, int status)
{
    struct loop_run *root = user;
    struct engine_rest wait = {0};
    root->is_parking = false;
    if (status == 0 && only_waits(root, &wait) && wait.guard == NULL) {
        root->loop->numbers.parked++;
        run_timers_wake_at(root->loop, wait.wake_at);
        unload(root, NULL);
    }
}

/*
 * Who waits for a breaker has no mark: another process would ask for it anew. And the row of one
 * that has one says already that it may be left alone.
 */
static void park(struct loop_run *root, const struct engine_rest *wait)
{
    if (wait->guard != NULL) {
        if (!root->is_marked) {
            unload(root, wait);
        }
        return;
    }
    struct commit *commit = commit_create(root->loop);
    if (commit == NULL) {
        return;
    }
    root->is_parking = true;
    root->is_marked = true;
    commit_add_mark(commit, &(struct journal_mark){.run = root->number,
                                                   .kind = JOURNAL_MARK_WAKE,
                                                   .at = wait->wake_at});
    commit_add_ack(commit, on_parked, root);
    run_driver_submit(commit);
}

void parking_look(struct loop_run *root)
{
    struct engine_rest wait = {0};
    if (root->is_parking || !may_be_given_up(root)) {
        return;
    }
    if (root->is_ended && root->children == 0) {
        unload(root, NULL);
    } else if (only_waits(root, &wait)) {
        park(root, &wait);
    }
}

/* ---- waking ---- */

struct due {
    uint64_t numbers[WAKES_AT_ONCE];
    size_t count;
};

static int note_due(void *user, const struct journal_run *run)
{
    struct due *due = user;
    due->numbers[due->count++] = run->number;
    return 0;
}

static void wake_one(struct loop *loop, uint64_t number)
{
    struct error err = {0};
    struct loop_run *root = NULL;
    if (run_table_find(loop, number) != NULL) {
        return;
    }
    int status = restorer_load(loop, number, &root, &err);
    if (status < 0) {
        run_driver_fail(loop, &err);
    }
}

void parking_wake_sleepers(struct loop *loop)
{
    uint64_t number = 0;
    while (!loop->is_leaving && engine_next_awake(loop->engine, clock_unix_ms(), &number)) {
        wake_one(loop, number);
    }
}

void parking_wake(struct loop *loop)
{
    struct error err = {0};
    struct due due = {.count = 0};
    int64_t next = INT64_MAX;
    int64_t now = clock_unix_ms();
    bool is_full = loop->run_count >= WAKES_BEYOND * loop->admission.limits.runs;
    int status =
        is_full ? 0 : journal_reader_due(loop->reader, now, WAKES_AT_ONCE, note_due, &due, &err);
    for (size_t i = 0; status == 0 && i < due.count; i++) {
        wake_one(loop, due.numbers[i]);
    }
    if (status == 0) {
        status = journal_reader_next_wake(loop->reader, &next, &err);
    }
    if (status != 0) {
        run_driver_fail(loop, &err);
        return;
    }
    /* Those that were just loaded are still marked until their writes are durable. */
    bool is_behind = due.count == WAKES_AT_ONCE || next <= now;
    if (next != INT64_MAX) {
        run_timers_wake_at(loop, is_behind ? now + 100 : next);
    }
}
