/* SPDX-License-Identifier: Apache-2.0 */

/* A streaming node: emits the numbers 1 to N, never faster than they are taken. */

#include "opstream/sdk.h"

struct count {
    int64_t next;
    int64_t last;
};

static void finish(const struct count *count, ops_task task)
{
    struct ops_map out = ops_map_begin(task);
    ops_map_i64(&out, "count", count->last);
    ops_complete_map(task, &out);
}

static ops_status emit_next(const struct count *count, ops_task task, ops_scope scope)
{
    ops_val item = 0;
    ops_status status = ops.value->new_i64(ops.h, scope, count->next, &item);
    return status == OPS_OK ? ops.exec->emit(ops.h, task, ops_text(NULL), item) : status;
}

/* Emits until the consumer is behind. The values of the items are not kept for longer. */
static ops_status emit_some(struct count *count, ops_task task)
{
    ops_scope scope = 0;
    ops_status status = ops.value->scope_open(ops.h, task, &scope);
    while (status == OPS_OK && count->next <= count->last) {
        status = emit_next(count, task, scope);
        if (status == OPS_OK) {
            count->next++;
        }
    }
    (void)ops.value->scope_close(ops.h, scope); /* or it ends with the task */
    return status;
}

/* Emits, then waits to be called again; also called by a cancel. */
static void on_writable(void *user, ops_task task)
{
    struct count *count = (struct count *)user;
    if (ops.exec->cancelled(ops.h, task) != 0) {
        ops_fail_text(task, OPS_E_CANCELLED, "stopped while counting");
        return;
    }

    ops_status status = emit_some(count, task);
    if (status == OPS_OK) {
        finish(count, task);
        return;
    }
    if (status == OPS_E_WOULD_BLOCK) {
        status = ops.exec->on_writable(ops.h, task, on_writable, count);
    }
    if (status != OPS_OK) {
        ops_fail_text(task, status, "an item could not be emitted");
    }
}

static void count_execute(ops_node *node, ops_task task, ops_val config)
{
    struct count *count = (struct count *)ops_task_alloc(task, sizeof *count);
    (void)node;
    if (count == NULL) {
        return;
    }

    count->next = 1;
    count->last = ops_get_i64(config, "to", 10);
    on_writable(count, task);
}

static const ops_node_type count_type = OPS_NODE("count", OPS_NODE_PARALLEL, count_execute);

OPS_PLUGIN("count", "1.0.0", &count_type);
