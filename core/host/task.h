/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_TASK_H
#define CORE_HOST_TASK_H

/*
 * Task: one attempt to execute one node, from host_task_start() to its one event; or one check of
 * what its plugin calls, from host_check_start().
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

struct deadline;
struct document;
struct instance;
struct op;
struct plugin;

enum { TASK_MAGIC = 0x4F504803, TASK_CREDITS = 64, TASK_NOTE_BYTES = 256 };

struct task {
    uint32_t magic;
    struct host *host;
    struct plugin *plugin;
    struct instance *instance;
    uint64_t handle;
    uint64_t token;
    struct scope scope;
    struct scope *open_scopes; /* those that the plugin opened in it; under the lock */
    ops_val config;            /* 0: it is a check */
    ops_str origin;            /* of a check; in the scope */
    ops_task_info info;        /* constant; its texts are in the scope */

    struct strand *strand;
    struct strand_item execute_item;
    struct strand_item cancel_item;
    struct job job; /* a blocking execute() */
    struct task *next;
    struct task **prev; /* NULL: not in the host's list */
    struct op *ops;
    struct deadline *grace; /* NULL: not cancelled */

    atomic_bool is_ended;      /* claimed */
    atomic_uint cancel_reason; /* 0: none */
    bool is_started;           /* execute() was called, or waits for a thread */
    bool is_on_pool;           /* it has a job there */
    bool is_over;              /* the loop knows of its end */
    bool is_abandoned;         /* given up while the plugin may still use it */
    bool is_killed;            /* given up because somebody asked for it: no news */
    struct mailbox_item start_item;
    struct mailbox_item end_item;  /* posted by who claimed the end */
    const struct document *output; /* of the end: one of the two */
    const struct document *error;
    struct str port;

    _Atomic(void *) user; /* the plugin's */
    atomic_int credits;
    pthread_mutex_t lock; /* of what follows */
    void (*on_writable)(void *user, ops_task task);
    void *writable_user;
    struct mailbox_item writable_item;
    struct strand_item writable_call;
    bool is_writable_posted;
    struct mailbox_item progress_item;
    bool is_progress_posted;
    bool is_progress_new;
    bool has_progress; /* some was told; the loop's */
    double fraction;
    char *note; /* TASK_NOTE_BYTES, owned; NULL: it has told none. Most tasks that wait do not */
    size_t note_bytes;
    uint64_t progress_at_ms;       /* when the last was told; the loop's */
    struct deadline *progress_due; /* NULL: none waits */
};

/*
 * [any] The task of plugin `h` with a hold: task_release(). NULL for a handle that is over, made up
 * or another plugin's, and for a bad `h`.
 */
struct task *task_acquire(void *h, ops_task handle);
void task_hold(struct task *task);
void task_release(struct task *task);
/* Of a task that was given up, when the host ends: its instance goes before it. */
void task_leave_instance(struct task *task);

/*
 * [any] Claims the end and posts it; the document is taken, and `port` must live as long as the
 * plugin. False: the task had ended already.
 */
bool task_end_done(struct task *task, struct str port, const struct document *output);
bool task_end_failed(struct task *task, const struct document *error);

/* Ends the task as failed: what it needs cannot be had for want of memory. */
void task_fail_nomem(struct task *task);

/* Around each call of the plugin: one that takes over 10 ms is logged. Tells of the step. */
uint64_t task_call_begin(struct task *task);
void task_call_end(struct task *task, uint64_t began);

/* For host.c. `spec` is borrowed; on success the task will run and tell its one end. */
int task_start(struct host *host, struct instance *instance, const struct host_task_spec *spec,
               host_task *out_task, struct error *err);
int task_start_check(struct host *host, struct instance *instance,
                     const struct host_check_spec *spec, host_task *out_task, struct error *err);
void task_cancel(struct task *task, enum host_cancel_reason reason);
void task_kill(struct task *task, enum host_cancel_reason reason);
void task_add_credits(struct task *task, uint32_t count);

/* Wakes a task that waits for credits, because it is cancelled. */
void task_wake_writer(struct task *task);

/* For ops.exec, [any]: their contracts are in opstream/exec.h. `item` is taken. */
ops_status task_progress(struct task *task, double fraction, struct str note);
/* [loop] Tells what waits: nothing comes after it. */
void task_progress_flush(struct task *task);
ops_status task_emit(struct task *task, const struct document *item);
void task_on_writable(struct task *task, void (*call)(void *user, ops_task task), void *user);
ops_status task_post(struct task *task, void (*call)(void *user, ops_task task), void *user);

/* [any] A scope of its own inside the task. 0 when out of memory. */
uint64_t task_open_scope(struct task *task);
/* [any] Ends it, once; false: it had ended. The caller has a hold on both. */
bool task_close_scope(struct task *task, struct scope *scope);

/* For the handle table only. */
void task_free(void *task);

#endif
