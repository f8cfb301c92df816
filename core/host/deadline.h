/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_DEADLINE_H
#define CORE_HOST_DEADLINE_H

/*
 * Deadline: one call about a task, some milliseconds from now.
 *
 * Used by:  task.
 * Uses:     libuv.
 * Threads:  [loop]
 */

#include <stdint.h>

struct deadline;
struct task;

/*
 * Calls `fire` once after `ms`, with the task, which is held until then. On success `*out_deadline`
 * is owned: deadline_stop(), also after it has fired. Fails with E_NOMEM.
 */
int deadline_start(struct task *task, uint64_t ms, void (*fire)(struct task *task),
                   struct deadline **out_deadline);

/* Stops and frees it. NULL is fine. */
void deadline_stop(struct deadline *deadline);

#endif
