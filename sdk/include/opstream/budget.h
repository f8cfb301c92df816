/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPSTREAM_BUDGET_H
#define OPSTREAM_BUDGET_H

/*
 * ops.budget 1: for calls that are paid for, by tokens or money. A task says what it took with
 * settle(), and the run shows it. Where the run, or what the node is in, has a `budget`, the task
 * also asks before the call, with reserve(): what is granted is held for it, so that calls at the
 * same time, of other nodes and of runs below it too, never take more than there is.
 *
 *     reserve(the most that the call can take) -> done(OK) -> the call -> settle(what it took)
 *
 * A call that took more than was reserved for it counts in full, also beyond the budget.
 *
 * A task that is refused ends with OPS_E_BUDGET, which is never retried: edges with `outcome:
 * budget` are taken then. What was granted and is never settled counts as taken: the call may have
 * been made. This is so too when the process ends in between, and the next attempt asks anew.
 *
 * A plugin without this interface is not bounded by budgets, and takes nothing from them.
 */

#include "opstream/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OPS_IF_BUDGET "ops.budget"

/* What a call may take at most, in one request. */
#define OPS_BUDGET_MOST_TOKENS  1000000000000
#define OPS_BUDGET_MOST_CALLS   1000000000u
#define OPS_BUDGET_MOST_DOLLARS 1e6

/* Borrowed by `done`. */
typedef struct ops_budget_answer {
    uint32_t size;
    uint32_t reserved0;
    uint64_t reservation; /* OK: for settle() */
    ops_str model;        /* BUDGET: what to ask in the place of this, if that fits; or empty */
    ops_str why;          /* BUDGET: one sentence for people */
} ops_budget_answer;

/*
 * [strand] The answer, exactly once, but not after the task has ended.
 *   OK           it is held, and durable: make the call
 *   BUDGET       it is more than is left, and will be when all others have settled; nothing is held
 *   UNAVAILABLE  the state cannot be written
 *   RESOURCE     out of memory
 *   CANCELLED    the task is being cancelled
 *
 * `answer` is NULL unless it is OK or BUDGET. With BUDGET it says why, and which model the pipeline
 * wants asked instead: ask again, once, for what a call of that takes.
 */
typedef void (*ops_budget_done)(void *user, ops_task task, ops_status status,
                                const ops_budget_answer *answer);

/* Borrowed by reserve(). The most that the calls can take. */
typedef struct ops_budget_req {
    uint32_t size;
    uint32_t calls;
    int64_t tokens;       /* read and written; not negative */
    double cost;          /* US dollars; negative: the price is not known */
    ops_budget_done done; /* must not be NULL */
    void *user;           /* kept until `done`, or until the task ends */
} ops_budget_req;

/* Borrowed by settle(). What calls took; negative: not known, and counts as it was reserved. */
typedef struct ops_budget_used {
    uint32_t size;
    uint32_t calls;       /* 0: none was made after all */
    uint64_t reservation; /* 0: none was asked for */
    int64_t input_tokens; /* those from a cache among them */
    int64_t output_tokens;
    int64_t cached_tokens; /* of the input, from a cache of the service */
    double cost;           /* US dollars */
} ops_budget_used;

typedef struct ops_if_budget {
    uint32_t size;
    uint32_t version;
    /*
     * [any-thread] Before the task ends; in whatever comes of the task it counts. OPS_E_INPUT: more
     * than a call can take; OPS_E_STALE: the task has ended. A reservation is settled once: what
     * comes later takes nothing back.
     */
    ops_status (*settle)(void *h, ops_task task, const ops_budget_used *used);
    /*
     * [any-thread] `out` (may be NULL) names the operation for abort(). OPS_E_INPUT: more than a
     * call can take; OPS_E_INTERNAL: no `done`.
     */
    ops_status (*reserve)(void *h, ops_task task, const ops_budget_req *req, ops_op *out);
    /* [any-thread] One that has not begun ends with CANCELLED; what has begun goes to its end. */
    ops_status (*abort)(void *h, ops_op op);
} ops_if_budget;

#ifdef __cplusplus
}
#endif
#endif
