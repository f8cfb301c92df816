/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_JOB_H
#define CORE_HOST_JOB_H

/*
 * Job: a bounded pool of threads for plugin work that blocks. Threads are started when they are
 * needed and end when there has been nothing to do for a while.
 *
 * A job that runs for ever cannot be stopped from outside: it costs its thread until the process
 * ends. job_pool_give_up() lets another thread take that one's place, a bounded number of times,
 * so that a few bad jobs do not stop the others.
 *
 * Used by:  host (blocking nodes, ops.job).
 * Uses:     mailbox.
 * Threads:  see each function.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/host/mailbox.h"

struct error;
struct job_pool;

enum {
    JOB_QUEUE_MAX = 65536,
    JOB_THREADS_MIN = 4,
    JOB_THREADS_MAX = 32,
    JOB_LOST_MAX = 16, /* threads that job_pool_give_up() replaces */
    JOB_IDLE_MS = 10000,
};

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
 * single thread can be started, E_CANCELED when the pool was stopped; `done` is not called then.
 */
int job_pool_submit(struct job_pool *pool, struct job *job);

/* [loop] True when the job had not begun: neither `work` nor `done` will be called. */
bool job_pool_take_back(struct job_pool *pool, struct job *job);

/*
 * [loop] Stops counting on a job that runs: another thread may be started in the place of its own,
 * which ends with the job. `done` still comes should the work ever end. False when the job does
 * not run, was given up already, or JOB_LOST_MAX threads are lost.
 */
bool job_pool_give_up(struct job_pool *pool, struct job *job);

/*
 * [loop] Ends the pool: no new jobs, those that wait are dropped without a call. Waits at most
 * `wait_ms` for those that run; their `done` comes through the mailbox. True: all threads have
 * ended and the pool is freed. False: a job hangs; the pool and what its jobs use must stay in
 * memory for ever, and `done` will not come. NULL is fine.
 */
bool job_pool_stop(struct job_pool *pool, int64_t wait_ms);

struct job_counts {
    uint32_t threads; /* alive, the lost ones among them */
    uint32_t lost;
    uint32_t queued;
    uint32_t running;
};

/* [any] */
struct job_counts job_pool_counts(struct job_pool *pool);

/* [any] Whether the thread is of the pool; `tid` is what gettid() says in it. */
bool job_pool_has_thread(struct job_pool *pool, pid_t tid);

#endif
