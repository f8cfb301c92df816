/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/run_ends.h"

#include "core/base/check.h"
#include "core/engine/engine.h"
#include "core/loop/loop_state.h"
#include "core/loop/parking.h"
#include "core/loop/run_driver.h"
#include "core/loop/run_timers.h"

/* Its caller may have it undone, as long as the caller's own end is not durable. */
static bool is_needed(const struct loop_run *run)
{
    struct engine_call call = {0};
    bool is_kept = engine_keeps(run->run);
    while (is_kept && engine_find_call(run->run, &call)) {
        run = engine_run_user(call.run);
        if (!run->is_ended) {
            return true;
        }
        is_kept = engine_keeps(run->run);
    }
    return false;
}

/* One that has called others stays as long as they do: all of a tree is found below its root. */
static bool may_leave(const struct loop_run *run)
{
    return run->root != run && run->is_ended && !run->is_leaving && !is_needed(run) &&
           engine_next_below(run->run, run->run) == NULL;
}

static void leave(struct loop_run *run, struct loop_run **ended)
{
    if (may_leave(run)) {
        run->is_leaving = true;
        run->next_ended = *ended;
        *ended = run;
    }
}

void run_ends_collect(struct loop_run *run, struct loop_run **ended)
{
    struct engine_call call = {0};
    leave(run, ended);
    if (run->root != run && !run->is_leaving && engine_find_call(run->run, &call)) {
        struct loop_run *caller = engine_run_user(call.run);
        caller->kept++;
    }
    for (struct loop_run *other = run->loop->runs; run->kept > 0 && other != NULL;
         other = other->next) {
        if (other->is_ended && other->root == run->root) {
            leave(other, ended);
        }
    }
}

void run_ends_give_up(struct loop_run *run)
{
    while (run != NULL) {
        struct engine_call call = {0};
        struct loop_run *caller = engine_find_call(run->run, &call) ? engine_run_user(call.run)
                                                                    : NULL;
        CHECK(run->is_ended);
        run_timers_drop(run);
        engine_remove(run->loop->engine, run->run);
        run_driver_free(run);
        run = caller != NULL && may_leave(caller) ? caller : NULL;
    }
}

/* Gives the roots that they were below, each once. */
static struct loop_run *release_ended(struct loop_run *ended)
{
    struct loop_run *roots = NULL;
    while (ended != NULL) {
        struct loop_run *next = ended->next_ended;
        struct loop_run *root = ended->root;
        run_ends_give_up(ended);
        if (!root->is_left) {
            root->is_left = true;
            root->next_ended = roots;
            roots = root;
        }
        ended = next;
    }
    return roots;
}

/* What is left below them may only wait. */
static void look_at_left(struct loop_run *roots)
{
    while (roots != NULL) {
        struct loop_run *next = roots->next_ended;
        roots->is_left = false;
        parking_look(roots);
        roots = next;
    }
}

void run_ends_release(struct loop_run *ended)
{
    look_at_left(release_ended(ended));
}
