/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_JOB_H
#define CORE_HOST_JOB_H

/*
 * Job: a bounded pool of threads for plugin work that blocks. Threads are started when they are
 * needed and end when there has been nothing to do for a while.
 *
 * Used by:  host (blocking nodes, ops.job).
 * Uses:     mailbox.
 * Threads:  see each function.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/host/mailbox.h"

struct error;
struct job_pool;

enum { JOB_QUEUE_MAX = 65536 };

/* Embedded in its owner, which must live until `done` has begun. */
struct job {
    struct job *next; /* the pool's */
    struct mailbox_item item;
    void (*work)(struct job *job); /* on a thread of the pool; not called when taken back */
    void (*done)(struct job *job); /* on the loop thread, after `work`; exactly once */
};

/*
 * `threads` 0: as many as there are processors, 4 to 32. `mailbox` is kept. Starts none yet.
 * On success `*out_pool` is owned: job_pool_stop(). Fails with E_NOMEM.
 */
int job_pool_create(struct mailbox *mailbox, uint32_t threads, struct job_pool **out_pool,
                    struct error *err);

/*
 * [any] Queues a job. Fails with E_LIMIT when JOB_QUEUE_MAX are waiting, E_NOMEM when not a
 * single thread can be started; `done` is not called then.
 */
int job_pool_submit(struct job_pool *pool, struct job *job);

/* [loop] True when the job had not begun: neither `work` nor `done` will be called. */
bool job_pool_take_back(struct job_pool *pool, struct job *job);

/*
 * [loop] Ends the pool: no new jobs, those that wait are dropped without a call. Waits at most
 * `wait_ms` for those that run. True: all threads have ended and the pool is freed. False: a job
 * hangs; the pool and what its jobs use must stay in memory for ever.
 */
bool job_pool_stop(struct job_pool *pool, int64_t wait_ms);

#endif
