/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_OP_H
#define CORE_HOST_OP_H

/*
 * Op: one operation that the host does for a task (a timer, a call, a job, a child process), and
 * all that is the same for each kind: its handle, its start on the loop, cancel, its callbacks on
 * the task's strand, and that nobody is called back once the task has ended.
 *
 * A service embeds `struct op` as the FIRST member of its own struct, malloc'd:
 *
 *     service function, [any]:
 *         op_init()        checks the plugin's `h` and task
 *         (check and copy the arguments; on failure op_discard())
 *         op_submit()
 *     then, on the loop thread:
 *         type->start(op)  begin; must lead to one op_finish(), at once or later
 *         op_invoke(op, call, bytes)   pieces on the way, any number
 *         type->abort(op, how)         op_finish() must follow, at once or later
 *         op_finish(op, call)          `call` on the strand (not if the task has ended), then
 *                                      type->destroy(op)
 *
 * Used by:  the services timer, http, job, process.
 * Uses:     task, strand, mailbox, handle.
 * Threads:  [loop] unless a function says otherwise.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/host/mailbox.h"
#include "core/host/strand.h"
#include "opstream/abi.h"

struct host;
struct op;
struct task;

enum op_abort {
    OP_ABORT_CANCEL, /* the plugin or a cancel asks: be polite; the callback still comes */
    OP_ABORT_DROP,   /* the task has ended, nobody listens: end at once */
};

struct op_type {
    const char *name;
    bool is_real; /* it goes on by itself: a child process */
    void (*start)(struct op *op);
    /* Only after start and before op_finish(). DROP may follow a CANCEL. */
    void (*abort)(struct op *op, enum op_abort how);
    /* [any] Frees the whole struct. */
    void (*destroy)(struct op *op);
};

struct op {
    uint32_t magic;
    const struct op_type *type;
    struct host *host;
    struct task *task; /* held */
    uint64_t handle;
    struct op *next; /* of the task's */
    struct op **prev;
    struct mailbox_item item;
    struct strand_item final;
    void (*call)(struct op *op);
    bool is_started;
    bool is_finished;
    bool is_cancelled; /* an abort came, or the task was cancelled before the start */
    bool is_dropped;   /* the task has ended: no callbacks */
};

typedef void (*op_call_cb)(struct op *op);
typedef void (*op_bytes_cb)(struct op *op, struct str bytes);

/* The handle of the op's task: what callbacks get. */
ops_task op_task(const struct op *op);

/* [any] Fills `op` (cleared memory). OPS_E_STALE, OPS_E_INTERNAL for a bad `h`. */
ops_status op_init(struct op *op, const struct op_type *type, void *h, ops_task task);

/* [any] Ends an op that was not submitted, with type->destroy(). */
void op_discard(struct op *op);

/*
 * [any] Takes `op`, also on failure. `*out` (may be NULL) is its handle. If the task ends or is
 * cancelled before start: start is not called, but `on_cancelled` on the strand, if it has not
 * ended.
 */
ops_status op_submit(struct op *op, op_call_cb on_cancelled, ops_op *out);

/*
 * Calls `call` on the strand with `bytes`: at once when the strand is free, else later with a copy.
 * Nothing is called when the task has ended.
 */
void op_invoke(struct op *op, op_bytes_cb call, struct str bytes);

/* True when op_invoke() and op_finish() would call at once, so that borrowed data need no copy. */
bool op_is_direct(const struct op *op);

/* The last call; `op` is freed after it. Once. `call` may be NULL. */
void op_finish(struct op *op, op_call_cb call);

/* [any] The plugin's abort(h, op). OPS_E_STALE, OPS_E_RESOURCE. */
ops_status op_request_abort(void *h, ops_op handle, const struct op_type *type);

/*
 * [any] Has `run(op, argument)` called on the loop if the op has started and not finished by then.
 * OPS_E_STALE (not an op of this plugin and type), OPS_E_RESOURCE.
 */
ops_status op_request(void *h, ops_op handle, const struct op_type *type,
                      void (*run)(struct op *op, int64_t argument), int64_t argument);

/* For the task only: aborts an op that has started and not finished. */
void op_abort_started(struct op *op, enum op_abort how);

/* For the handle table only. */
void op_free(void *op);

#endif
