/* SPDX-License-Identifier: Apache-2.0 */

/* ops.exec. The contract is in opstream/exec.h; nothing that a plugin passes is trusted. */

#include <stddef.h>
#include <string.h>

#include "core/base/log.h"
#include "core/host/bytes.h"
#include "core/host/instance.h"
#include "core/host/manifest.h"
#include "core/host/runtime.h"
#include "core/host/task.h"
#include "core/host/task_failure.h"
#include "core/value/builder.h"
#include "core/value/value.h"

enum { INFO_SIZE_MIN = offsetof(ops_task_info, run_id), INFO_SIZE_MAX = 65536 };

/* The task behind `handle`, held and not ended; NULL otherwise. */
static struct task *acquire_running(void *h, ops_task handle)
{
    struct task *task = task_acquire(h, handle);
    if (task != NULL && atomic_load(&task->is_ended)) {
        task_release(task);
        return NULL;
    }
    return task;
}

static ops_status service_info(void *h, ops_task handle, ops_task_info *io)
{
    if (io == NULL || io->size < INFO_SIZE_MIN || io->size > INFO_SIZE_MAX) {
        return OPS_E_INTERNAL;
    }
    struct task *task = acquire_running(h, handle);
    if (task == NULL) {
        return OPS_E_STALE;
    }

    uint32_t size = io->size;
    memset(io, 0, size);
    memcpy(io, &task->info, size < sizeof task->info ? size : sizeof task->info);
    io->size = size;
    task_release(task);
    return OPS_OK;
}

/* An end that came after the end: harmless, and told with the plugin's name. */
static ops_status refuse_end(void *h, ops_task handle)
{
    struct plugin *plugin = plugin_from(h);
    if (plugin == NULL) {
        return OPS_E_INTERNAL;
    }

    unsigned count = atomic_fetch_add(&plugin->stale_ends, 1) + 1;
    if ((count & (count - 1)) == 0) { /* the 1st, 2nd, 4th, 8th ... */
        log_write(LOG_LEVEL_WARN, "a plugin ended a task that is over; ignored",
                  LOG_FIELDS(log_text("plugin", plugin->id), log_int("task", (int64_t)handle),
                             log_int("count", (int64_t)count)));
    }
    return OPS_E_STALE;
}

/* The type's port of that name, whose text lives as long as the plugin. False: there is none. */
static bool find_port(struct task *task, ops_str port, struct str *out_port)
{
    const struct node_type *type = &task->instance->node->type;
    struct str wanted = str_from_ops(port);
    *out_port = str_make("", 0);
    if (wanted.n == 0) {
        return true;
    }
    for (size_t i = 0; i < type->port_count; i++) {
        if (str_equal(type->ports[i], wanted)) {
            *out_port = type->ports[i];
            return true;
        }
    }
    if (type->ports_from.n == 0) {
        return false;
    }
    *out_port = scope_dup(&task->scope, wanted);
    return out_port->p != NULL;
}

/* The value as a document of its own; owned. */
static ops_status value_to_document(void *h, ops_val v, const struct document **out)
{
    struct plugin *plugin = h;
    struct scope_value value;
    struct scope *scope = NULL;
    if (!value_acquire(plugin, v, &value, &scope)) {
        return OPS_E_INPUT;
    }

    struct document *document = NULL;
    if (value.value != NULL && value.value == document_root(value.document)) {
        document = document_ref(value.document);
    } else {
        struct builder *b = builder_create();
        int status = 0;
        if (value.value != NULL) {
            builder_embed(b, value.document, value.value);
        } else {
            status = bytes_build_base64(b, value.bytes);
        }
        if (status != 0) {
            builder_destroy(b);
        } else {
            (void)builder_finish(b, &document, NULL); /* can only lack memory: NULL then */
        }
    }
    scope_release(plugin, scope);
    *out = document;
    return document != NULL ? OPS_OK : OPS_E_RESOURCE;
}

static ops_status service_complete(void *h, ops_task handle, ops_str port, ops_val output)
{
    if (ops_str_is_bad(port)) {
        return OPS_E_INTERNAL;
    }
    struct task *task = acquire_running(h, handle);
    if (task == NULL) {
        return refuse_end(h, handle);
    }

    struct str port_text;
    const struct document *document = NULL;
    ops_status status = find_port(task, port, &port_text) ? value_to_document(h, output, &document)
                                                          : OPS_E_INPUT;
    if (status == OPS_OK && !task_end_done(task, port_text, document)) {
        status = refuse_end(h, handle);
    }
    task_release(task);
    return status;
}

static ops_status service_fail(void *h, ops_task handle, const ops_error *error)
{
    struct task *task = acquire_running(h, handle);
    if (task == NULL) {
        return refuse_end(h, handle);
    }

    bool was_first = task_end_failed(task, task_failure_from_plugin(task->plugin, error));
    task_release(task);
    return was_first ? OPS_OK : refuse_end(h, handle);
}

static uint32_t service_cancelled(void *h, ops_task handle)
{
    struct task *task = acquire_running(h, handle);
    if (task == NULL) {
        return OPS_CANCEL_REQUESTED;
    }

    uint32_t reason = atomic_load(&task->cancel_reason);
    task_release(task);
    return reason;
}

static ops_status service_progress(void *h, ops_task handle, double fraction, ops_str note)
{
    if (fraction != fraction || ops_str_is_bad(note)) {
        return OPS_E_INPUT;
    }
    struct task *task = acquire_running(h, handle);
    if (task == NULL) {
        return OPS_E_STALE;
    }

    ops_status status = task_progress(task, fraction, str_from_ops(note));
    task_release(task);
    return status;
}

static ops_status service_emit(void *h, ops_task handle, ops_str port, ops_val item)
{
    if (port.n > 0) {
        return OPS_E_UNSUPPORTED;
    }
    struct task *task = acquire_running(h, handle);
    if (task == NULL) {
        return OPS_E_STALE;
    }

    ops_status status = OPS_E_WOULD_BLOCK;
    const struct document *document = NULL;
    if (atomic_load(&task->credits) > 0) {
        status = value_to_document(h, item, &document);
    }
    if (status == OPS_OK) {
        status = task_emit(task, document);
    }
    task_release(task);
    return status;
}

static ops_status service_on_writable(void *h, ops_task handle,
                                      void (*call)(void *user, ops_task task), void *user)
{
    if (call == NULL) {
        return OPS_E_INTERNAL;
    }
    struct task *task = acquire_running(h, handle);
    if (task == NULL) {
        return OPS_E_STALE;
    }

    task_on_writable(task, call, user);
    task_release(task);
    return OPS_OK;
}

static ops_status service_post(void *h, ops_task handle, void (*call)(void *user, ops_task task),
                               void *user)
{
    if (call == NULL) {
        return OPS_E_INTERNAL;
    }
    struct task *task = acquire_running(h, handle);
    if (task == NULL) {
        return OPS_E_STALE;
    }

    ops_status status = task_post(task, call, user);
    task_release(task);
    return status;
}

static ops_status service_set_user(void *h, ops_task handle, void *user)
{
    struct task *task = acquire_running(h, handle);
    if (task == NULL) {
        return OPS_E_STALE;
    }

    atomic_store(&task->user, user);
    task_release(task);
    return OPS_OK;
}

static void *service_get_user(void *h, ops_task handle)
{
    struct task *task = acquire_running(h, handle);
    if (task == NULL) {
        return NULL;
    }

    void *user = atomic_load(&task->user);
    task_release(task);
    return user;
}

const ops_if_exec service_exec = {
    .size = sizeof(ops_if_exec),
    .version = 1,
    .info = service_info,
    .complete = service_complete,
    .fail = service_fail,
    .cancelled = service_cancelled,
    .progress = service_progress,
    .emit = service_emit,
    .on_writable = service_on_writable,
    .post = service_post,
    .set_user = service_set_user,
    .get_user = service_get_user,
};
