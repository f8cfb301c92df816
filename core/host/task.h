/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_TASK_H
#define CORE_HOST_TASK_H

/*
 * Task: one attempt to execute one node, from host_task_start() to its one event.
 *
 *     waiting -> running -> ended
 *
 * `ended` is claimed by one compare-and-swap: by the plugin's complete() or fail() from any thread,
 * or by the host that gives it up; who comes second is told OPS_E_STALE. The claim is followed by
 * an item in the mailbox, which tells the loop, drops the operations and retires the handle.
 *
 * Used by:  host.
 * Uses:     scope, strand, op.
 * Threads:  [loop] unless a function says otherwise.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/host/host.h"
#include "core/host/job.h"
#include "core/host/mailbox.h"
#include "core/host/scope.h"
#include "core/host/strand.h"
#include "opstream/plugin.h"

struct document;
struct instance;
struct op;
struct plugin;

enum { TASK_MAGIC = 0x4F504803, TASK_CREDITS = 64 };

struct task {
    uint32_t magic;
    struct host *host;
    struct plugin *plugin;
    struct instance *instance;
    uint64_t handle;
    uint64_t token;
    struct scope scope;
    ops_val config;
    ops_task_info info; /* constant; its texts are in the scope */

    struct strand *strand;
    struct strand_item execute_item;
    struct strand_item cancel_item;
    struct job job; /* a blocking execute() */
    struct task *next;
    struct task **prev; /* NULL: not in the host's list */
    struct op *ops;
    uv_timer_t *timer; /* of the grace, or NULL */

    atomic_bool is_ended;          /* claimed */
    atomic_uint cancel_reason;     /* 0: none */
    bool is_started;               /* execute() was called */
    bool is_over;                  /* the loop knows of its end */
    struct mailbox_item end_item;  /* posted by who claimed the end */
    const struct document *output; /* of the end: one of the two */
    const struct document *error;
    struct str port;

    atomic_int credits;
    pthread_mutex_t lock; /* of what follows */
    void (*on_writable)(void *user, ops_task task);
    void *writable_user;
    struct mailbox_item writable_item;
    bool is_writable_posted;
    struct mailbox_item progress_item;
    bool is_progress_posted;
    double fraction;
    char note[256];
    uint16_t note_bytes;
    uint64_t progress_at_ms; /* when the last was told; the loop's */
    uv_timer_t *progress_timer;
};

/*
 * [any] The task of plugin `h` with a hold: task_release(). NULL for a handle that is over, made up
 * or another plugin's, and for a bad `h`.
 */
struct task *task_acquire(void *h, ops_task handle);
void task_hold(struct task *task);
void task_release(struct task *task);

/* [any] Claims the end and posts it; `error` is taken. False: it had ended already. */
bool task_end_failed(struct task *task, const struct document *error);

#endif
