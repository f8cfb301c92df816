/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/op.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/host/runtime.h"
#include "core/host/task.h"

enum { OP_MAGIC = 0x4F504804 };

/* What op_request() posts. */
struct op_message {
    struct mailbox_item item;
    struct op *op; /* held */
    void (*run)(struct op *op, int64_t argument);
    int64_t argument;
};

/* What op_invoke() queues. */
struct op_piece {
    struct strand_item item;
    struct op *op;
    op_bytes_cb call;
    struct str bytes;
};

static void op_link(struct op *op)
{
    struct task *task = op->task;
    op->next = task->ops;
    op->prev = &task->ops;
    if (op->next != NULL) {
        op->next->prev = &op->next;
    }
    task->ops = op;
}

static void op_unlink(struct op *op)
{
    if (op->prev == NULL) {
        return;
    }

    *op->prev = op->next;
    if (op->next != NULL) {
        op->next->prev = op->prev;
    }
    op->prev = NULL;
}

void op_free(void *object)
{
    struct op *op = object;
    struct task *task = op->task;
    CHECK_MAGIC(op, OP_MAGIC);
    op->magic = 0;
    op->type->destroy(op);
    task_release(task);
}

ops_task op_task(const struct op *op)
{
    return op->task->handle;
}

ops_status op_init(struct op *op, const struct op_type *type, void *h, ops_task task_handle)
{
    struct plugin *plugin = plugin_from(h);
    if (plugin == NULL) {
        return OPS_E_INTERNAL;
    }

    struct task *task = task_acquire(h, task_handle);
    if (task == NULL) {
        return OPS_E_STALE;
    }
    *op = (struct op){.magic = OP_MAGIC, .type = type, .host = plugin->host, .task = task};
    return OPS_OK;
}

void op_discard(struct op *op)
{
    op_free(op);
}

static void op_start(struct mailbox_item *item)
{
    struct op *op = (struct op *)((char *)item - offsetof(struct op, item));
    CHECK_MAGIC(op, OP_MAGIC);
    struct task *task = op->task;
    if (task->is_over) {
        op->is_dropped = true;
        op_finish(op, NULL);
        return;
    }
    if (atomic_load(&task->cancel_reason) != 0) {
        op->is_cancelled = true;
        op_finish(op, op->call);
        return;
    }

    op_link(op);
    op->is_started = true;
    op->type->start(op);
}

ops_status op_submit(struct op *op, op_call_cb on_cancelled, ops_op *out)
{
    struct host *host = op->host;
    op->call = on_cancelled;
    op->item.run = op_start;
    op->handle = handle_create(&host->ops, op->task->plugin->number, op);
    if (op->handle == 0) {
        op_discard(op);
        return OPS_E_RESOURCE;
    }

    if (out != NULL) {
        *out = op->handle;
    }
    mailbox_post(&host->mailbox, &op->item);
    return OPS_OK;
}

static bool op_is_silent(const struct op *op)
{
    return op->is_dropped || atomic_load(&op->task->is_ended);
}

bool op_is_direct(const struct op *op)
{
    return op_is_silent(op) || strand_is_idle(op->task->strand);
}

static void op_call_piece(struct op *op, op_bytes_cb call, struct str bytes)
{
    if (!op_is_silent(op)) {
        uint64_t began = task_call_begin(op->task);
        call(op, bytes);
        task_call_end(op->task, began);
    }
}

static void on_direct_piece(struct strand_item *item)
{
    struct op_piece *piece = (struct op_piece *)item;
    op_call_piece(piece->op, piece->call, piece->bytes);
}

static void on_queued_piece(struct strand_item *item)
{
    struct op_piece *piece = (struct op_piece *)item;
    struct op *op = piece->op;
    op_call_piece(op, piece->call, piece->bytes);
    free(piece);
    handle_release(&op->host->ops, op->handle);
}

void op_invoke(struct op *op, op_bytes_cb call, struct str bytes)
{
    CHECK_MAGIC(op, OP_MAGIC);
    if (op_is_silent(op)) {
        return;
    }
    if (strand_is_idle(op->task->strand)) {
        struct op_piece direct = {{NULL, on_direct_piece}, op, call, bytes};
        strand_post(op->task->strand, &direct.item);
        return;
    }

    struct op_piece *piece = malloc(sizeof *piece + bytes.n);
    if (piece == NULL) {
        task_fail_nomem(op->task);
        return;
    }
    char *copy = (char *)(piece + 1);
    if (bytes.n > 0) {
        memcpy(copy, bytes.p, bytes.n);
    }
    *piece = (struct op_piece){{NULL, on_queued_piece}, op, call, {copy, bytes.n}};
    handle_hold(&op->host->ops, op->handle);
    strand_post(op->task->strand, &piece->item);
}

static void on_final(struct strand_item *item)
{
    struct op *op = (struct op *)((char *)item - offsetof(struct op, final));
    CHECK_MAGIC(op, OP_MAGIC);
    if (op->call != NULL && !op_is_silent(op)) {
        uint64_t began = task_call_begin(op->task);
        op->call(op);
        task_call_end(op->task, began);
    }
    handle_retire(&op->host->ops, op->handle);
}

void op_finish(struct op *op, op_call_cb call)
{
    CHECK_MAGIC(op, OP_MAGIC);
    CHECK(!op->is_finished);
    op->is_finished = true;
    op_unlink(op);
    op->call = call;
    op->final.run = on_final;
    strand_post(op->task->strand, &op->final);
}

void op_abort_started(struct op *op, enum op_abort how)
{
    if (!op->is_started || op->is_finished || (how == OP_ABORT_CANCEL && op->is_cancelled)) {
        return;
    }

    op->is_cancelled = true;
    op->is_dropped = how == OP_ABORT_DROP;
    op->type->abort(op, how);
}

static void on_request(struct mailbox_item *item)
{
    struct op_message *message = (struct op_message *)item;
    struct op *op = message->op;
    if (op->is_started && !op->is_finished) {
        message->run(op, message->argument);
    }
    free(message);
    handle_release(&op->host->ops, op->handle);
}

ops_status op_request(void *h, ops_op handle, const struct op_type *type,
                      void (*run)(struct op *op, int64_t argument), int64_t argument)
{
    struct plugin *plugin = plugin_from(h);
    if (plugin == NULL) {
        return OPS_E_INTERNAL;
    }

    struct handle_table *table = &plugin->host->ops;
    struct op *op = handle_acquire(table, plugin->number, handle);
    if (op == NULL) {
        return OPS_E_STALE;
    }
    if (op->type != type) {
        handle_release(table, handle);
        return OPS_E_STALE;
    }
    struct op_message *message = malloc(sizeof *message);
    if (message == NULL) {
        handle_release(table, handle);
        return OPS_E_RESOURCE;
    }

    *message = (struct op_message){{NULL, on_request}, op, run, argument};
    mailbox_post(&plugin->host->mailbox, &message->item);
    return OPS_OK;
}

static void run_abort(struct op *op, int64_t argument)
{
    (void)argument;
    op_abort_started(op, OP_ABORT_CANCEL);
}

ops_status op_request_abort(void *h, ops_op handle, const struct op_type *type)
{
    return op_request(h, handle, type, run_abort, 0);
}
