/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/run_adoption.h"

#include <string.h>

#include "core/base/check.h"
#include "core/engine/engine.h"
#include "core/journal/journal.h"
#include "core/loop/commit.h"
#include "core/loop/loop_state.h"
#include "core/loop/run_driver.h"
#include "core/loop/run_rows.h"

/* What was brought for the run that queued the call is there for the call. */
static void give_env(const struct loop_run *item, const struct loop_run *from,
                     struct commit *commit)
{
    struct run_env *env = &item->loop->env;
    const struct document *values = run_env_find(env, from->root->number);
    if (values != NULL && run_env_set(env, item->number, values) != 0) {
        commit->has_failed = true;
    }
}

/* An item of the queue is nobody's child. NULL after run_driver_fail(). */
static struct loop_run *adopt_item(struct loop *loop, struct run *run, struct run *origin,
                                   struct commit *commit)
{
    const struct loop_run *from = engine_run_user(origin);
    from = from != NULL ? from : run_adoption_begin(loop, origin, commit);
    struct loop_run *item = from != NULL ? run_driver_create(loop, run, NULL) : NULL;
    if (item == NULL) {
        return NULL;
    }
    item->is_known = true;
    memcpy(item->definition, from->root->definition, sizeof(item->definition));
    give_env(item, from, commit);
    run_rows_add_item(commit, item);
    return item;
}

struct loop_run *run_adoption_begin(struct loop *loop, struct run *run, struct commit *commit)
{
    struct engine_call call = {0};
    struct run *origin = engine_take_origin(run);
    if (origin != NULL) {
        return adopt_item(loop, run, origin, commit);
    }
    CHECK_NAMED(engine_find_call(run, &call), run_id(run).p);
    const struct loop_run *caller = engine_run_user(call.run);
    if (caller == NULL) {
        caller = run_adoption_begin(loop, call.run, commit); /* as deep as child runs may be */
    }
    struct loop_run *child = caller != NULL ? run_driver_create(loop, run, caller->root) : NULL;
    if (child == NULL) {
        return NULL;
    }
    child->is_awaited = call.is_awaited;
    child->root->children++;
    if (journal_keeps(loop->journal)) {
        run_rows_add_child(commit, run, &call, child->root);
    }
    return child;
}
