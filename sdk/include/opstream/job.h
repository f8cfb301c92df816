/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPSTREAM_JOB_H
#define OPSTREAM_JOB_H

/*
 * ops.job 1: a bounded pool of threads, the place for work that blocks or computes for long.
 *
 * A whole node that blocks needs none of this: OPS_NODE_BLOCKING in its type has the host call
 * execute() on the same pool.
 */

#include "opstream/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OPS_IF_JOB "ops.job"

/* On a thread of the pool: as [any-thread], it overlaps the task's strand; it may block. */
typedef void (*ops_job_work)(void *user);

/* [strand] OK: `work` has run; CANCELLED, RESOURCE: it has not. */
typedef void (*ops_job_done)(void *user, ops_task task, ops_status status);

typedef struct ops_if_job {
    uint32_t size;
    uint32_t version;
    /*
     * [any-thread] Queues `work`. It runs on a thread of the pool, at the same time as the task's
     * strand; then `done` comes on the strand, exactly once, but not after the task has ended.
     * `user` is kept until `work` has returned, even if the task ends before, so it must be memory
     * that lives as long. A cancel does not interrupt `work` (poll cancelled()); work that had not
     * begun is not run, and `done` gets CANCELLED; where too many wait already it gets RESOURCE.
     * `out` (may be NULL) names it for abort(). OPS_E_INTERNAL: no `work`, no `done`; OPS_E_STALE;
     * OPS_E_RESOURCE.
     */
    ops_status (*run)(void *h, ops_task task, ops_job_work work, ops_job_done done, void *user,
                      ops_op *out);
    /* [any-thread] Takes it back if it has not begun: `done` comes with CANCELLED. */
    ops_status (*abort)(void *h, ops_op op);
} ops_if_job;

#ifdef __cplusplus
}
#endif
#endif
