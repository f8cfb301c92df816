/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_BUDGET_DESK_H
#define CORE_LOOP_BUDGET_DESK_H

/*
 * Budget desk: ops.budget for the host, over the engine. A task that asks for more than is left
 * waits while others of its tree hold what they may give back; when nobody does, it is refused. Who
 * holds something itself does not wait: so those who are waited for always go on.
 *
 * What a task leaves unsettled is spent with its end.
 *
 * Used by:  loop, run_tasks.
 * Uses:     engine (spender), host (budget.h), commit, run_tasks.
 * Threads:  [loop]
 */

#include <stdint.h>

#include "core/base/str.h"
#include "core/engine/spender.h"

struct budget_wait;
struct host_budget;
struct loop;
struct loop_task;

/* All zero is empty. */
struct budget_desk {
    struct budget_wait *first; /* who waits for others, in the order of asking */
    uint64_t last_reservation;
};

/*
 * Calls `each` for the tasks of `root`, and of runs below it, that wait for others to give back, in
 * the order of asking. `why` is what they do not fit into, as a sentence; borrowed for the call.
 */
typedef void (*budget_desk_cb)(void *user, const struct spender *spender, struct str why);
void budget_desk_each_wait(const struct loop *loop, const struct run *root, budget_desk_cb each,
                           void *user);

/* What the host is given; `loop` is kept. */
void budget_desk_init(struct host_budget *budget, struct loop *loop);

/* The task has ended, and its run is about to hear of it. */
void budget_desk_end_task(struct loop_task *task);

/* The task goes without a word to its run: what it held stays held there. */
void budget_desk_forget(struct loop_task *task);

#endif
