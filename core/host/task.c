/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/task.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/host/call_mark.h"
#include "core/host/deadline.h"
#include "core/host/instance.h"
#include "core/host/manifest.h"
#include "core/host/op.h"
#include "core/host/plugin.h"
#include "core/host/runtime.h"
#include "core/host/task_failure.h"
#include "core/value/value.h"

static const uint64_t strand_budget_ns = 10 * 1000 * 1000;

/* ---- Holds ---- */

struct task *task_acquire(void *h, ops_task handle)
{
    struct plugin *plugin = plugin_from(h);
    return plugin != NULL ? handle_acquire(&plugin->host->tasks, plugin->number, handle) : NULL;
}

void task_hold(struct task *task)
{
    handle_hold(&task->host->tasks, task->handle);
}

void task_release(struct task *task)
{
    handle_release(&task->host->tasks, task->handle);
}

uint64_t task_open_scope(struct task *task)
{
    struct scope *scope = scope_create(task->plugin);
    if (scope == NULL) {
        return 0;
    }

    (void)pthread_mutex_lock(&task->lock);
    scope->task = task->handle;
    scope->is_open = true;
    scope->next_open = task->open_scopes;
    if (task->open_scopes != NULL) {
        task->open_scopes->previous_open = scope;
    }
    task->open_scopes = scope;
    (void)pthread_mutex_unlock(&task->lock);
    return scope->handle;
}

/* Under the task's lock. */
static void scope_unlink(struct task *task, struct scope *scope)
{
    if (scope->previous_open != NULL) {
        scope->previous_open->next_open = scope->next_open;
    } else {
        task->open_scopes = scope->next_open;
    }
    if (scope->next_open != NULL) {
        scope->next_open->previous_open = scope->previous_open;
    }
    scope->is_open = false;
}

bool task_close_scope(struct task *task, struct scope *scope)
{
    (void)pthread_mutex_lock(&task->lock);
    bool is_open = scope->is_open;
    if (is_open) {
        scope_unlink(task, scope);
    }
    (void)pthread_mutex_unlock(&task->lock);
    if (is_open) {
        handle_retire(&task->host->scopes, scope->handle);
    }
    return is_open;
}

void task_free(void *object)
{
    struct task *task = object;
    CHECK_MAGIC(task, TASK_MAGIC);
    while (task->open_scopes != NULL) {
        struct scope *scope = task->open_scopes;
        scope_unlink(task, scope);
        handle_retire(&task->host->scopes, scope->handle);
    }
    task->magic = 0;
    document_unref(task->output);
    document_unref(task->error);
    scope_finish(&task->scope);
    strand_unref(task->strand);
    (void)pthread_mutex_destroy(&task->lock);
    task_leave_instance(task);
    free(task->note);
    free(task);
}

void task_leave_instance(struct task *task)
{
    struct instance *instance = take_pointer(&task->instance);
    if (instance != NULL) {
        instance_leave(instance);
    }
}

/* ---- The end ---- */

static void task_unlink(struct task *task)
{
    *task->prev = task->next;
    if (task->next != NULL) {
        task->next->prev = task->prev;
    }
    task->prev = NULL;
}

static void task_drop_ops(struct task *task)
{
    struct op *following = NULL;
    for (struct op *op = task->ops; op != NULL; op = following) {
        following = op->next;
        op_abort_started(op, OP_ABORT_DROP);
    }
}

static void task_tell_end(struct task *task)
{
    const struct host_events *events = &task->host->events;
    if (task->is_abandoned && events->on_given_up != NULL) {
        events->on_given_up(events->user, task->token);
    }
    if (task->output != NULL) {
        events->on_done(events->user, task->token, task->port, task->output);
    } else {
        events->on_failed(events->user, task->token, task->error);
    }
}

/* What a plugin may still use stays in memory until the host ends; its handles are over. */
static void task_abandon(struct task *task)
{
    struct host *host = task->host;
    task_hold(task);
    task->next = host->abandoned;
    host->abandoned = task;
    host->abandoned_count++;
    if (!task->is_killed) {
        log_write(LOG_LEVEL_WARN, "a task did not end in time and was given up",
                  LOG_FIELDS(log_text("plugin", task->plugin->id),
                             log_text("type", task->instance->type->name)));
    }
}

static void on_end(struct mailbox_item *item)
{
    struct task *task = (struct task *)((char *)item - offsetof(struct task, end_item));
    CHECK_MAGIC(task, TASK_MAGIC);
    task_progress_flush(task);
    task->is_over = true;
    task_unlink(task);
    task_drop_ops(task);
    deadline_stop(take_pointer(&task->grace));
    deadline_stop(take_pointer(&task->progress_due));
    if (task->is_abandoned) {
        task_abandon(task);
    }
    task_tell_end(task);
    handle_retire(&task->host->tasks, task->handle);
}

/* True for exactly one caller. */
static bool task_claim_end(struct task *task)
{
    bool was_ended = false;
    return atomic_compare_exchange_strong(&task->is_ended, &was_ended, true);
}

static void task_post_end(struct task *task)
{
    task->end_item.run = on_end;
    mailbox_post(&task->host->mailbox, &task->end_item);
}

bool task_end_done(struct task *task, struct str port, const struct document *output)
{
    if (!task_claim_end(task)) {
        document_unref(output);
        return false;
    }

    task->port = port;
    task->output = output;
    task_post_end(task);
    return true;
}

bool task_end_failed(struct task *task, const struct document *error)
{
    if (!task_claim_end(task)) {
        document_unref(error);
        return false;
    }

    task->error = error != NULL ? error : document_ref(task->host->no_memory);
    task_post_end(task);
    return true;
}

void task_fail_nomem(struct task *task)
{
    (void)task_end_failed(task, NULL);
}

/* ---- Calls of the plugin ---- */

static void task_tell_step(struct task *task, enum host_step step)
{
    const struct host_events *events = &task->host->events;
    if (events->on_step != NULL) {
        events->on_step(events->user, task->token, step);
    }
}

uint64_t task_call_begin(struct task *task)
{
    task_tell_step(task, HOST_STEP_BEGINS);
    uint64_t began = uv_hrtime();
    call_mark_set(&(struct call_mark){task->plugin->id, task->instance->type->name, began});
    return began;
}

void task_call_end(struct task *task, uint64_t began)
{
    uint64_t took = uv_hrtime() - began;
    call_mark_set(&(struct call_mark){.plugin = NULL});
    task_tell_step(task, HOST_STEP_ENDS);
    if (took <= strand_budget_ns) {
        return;
    }

    uint64_t count = ++task->instance->slow_calls;
    if ((count & (count - 1)) == 0) { /* the 1st, 2nd, 4th, 8th ... */
        log_write(LOG_LEVEL_WARN, "a call of a node held the loop up for more than 10 ms",
                  LOG_FIELDS(log_text("type", task->instance->type->name),
                             log_int("ms", (int64_t)(took / 1000000)),
                             log_int("count", (int64_t)count)));
    }
}

static void task_call(struct task *task)
{
    const ops_node_type *type = task->instance->type;
    if (task->config == 0) {
        plugin_check_of(type)(task->instance->self, task->handle, task->origin);
    } else {
        type->execute(task->instance->self, task->handle, task->config);
    }
}

static void job_execute(struct job *job)
{
    struct task *task = (struct task *)((char *)job - offsetof(struct task, job));
    CHECK_MAGIC(task, TASK_MAGIC);
    if (!atomic_load(&task->is_ended)) {
        task_call(task);
    }
}

static void job_executed(struct job *job)
{
    struct task *task = (struct task *)((char *)job - offsetof(struct task, job));
    task->is_on_pool = false;
    if (task->is_started) { /* it was not taken back */
        task_tell_step(task, HOST_STEP_ENDS);
    }
    strand_resume(task->strand);
    task_release(task);
}

/* The hold of the execute item goes over to the job. */
static void task_execute_on_pool(struct task *task)
{
    task->job = (struct job){.work = job_execute, .done = job_executed};
    int status = job_pool_submit(task->host->jobs, &task->job);
    if (status != 0) {
        const char *why = status == E_LIMIT ? "too many tasks wait for a thread of the job pool"
                                            : "no thread can be started for the job pool";
        (void)task_end_failed(
            task, task_failure_create(OPS_E_RESOURCE, str_from(why), (struct str){NULL, 0}));
        task_release(task);
        return;
    }

    task->is_on_pool = true;
    strand_block(task->strand);
}

static void on_execute(struct strand_item *item)
{
    struct task *task = (struct task *)((char *)item - offsetof(struct task, execute_item));
    CHECK_MAGIC(task, TASK_MAGIC);
    if (atomic_load(&task->is_ended)) {
        task_release(task);
        return;
    }

    task->is_started = true;
    if ((task->instance->type->flags & OPS_NODE_BLOCKING) != 0) {
        task_tell_step(task, HOST_STEP_BEGINS_APART);
        task_execute_on_pool(task);
        return;
    }
    uint64_t began = task_call_begin(task);
    task_call(task);
    task_call_end(task, began);
    task_release(task);
}

/* ---- Start ---- */

static void on_start(struct mailbox_item *item)
{
    struct task *task = (struct task *)((char *)item - offsetof(struct task, start_item));
    task->execute_item.run = on_execute;
    strand_post(task->strand, &task->execute_item);
}

/* False: out of memory. */
static bool task_copy_text(struct task *task, struct str text, ops_str *out)
{
    struct str copy = scope_dup(&task->scope, text);
    *out = ops_from_str(copy);
    return copy.p != NULL;
}

/* Where the plugin keeps what is its own, made once; empty where nothing is kept. */
static bool plugin_fill_state_folder(struct plugin *plugin)
{
    struct strbuf path = STRBUF_INIT;
    if (plugin->host->state_folder == NULL || plugin->state_folder.n > 0) {
        return true;
    }
    strbuf_append_format(&path, "%s/plugins/%s", plugin->host->state_folder, plugin->id);
    if (strbuf_status(&path) == 0) {
        plugin->state_folder = scope_dup(plugin->scope, strbuf_str(&path));
    }
    strbuf_finish(&path);
    return plugin->state_folder.n > 0;
}

static bool task_fill_info(struct task *task, const struct host_task_spec *spec)
{
    ops_task_info *info = &task->info;
    *info = (ops_task_info){
        .size = sizeof *info,
        .attempt = spec->attempt,
        .deadline_unix_ms = spec->deadline_unix_ms,
        .memory_bytes = spec->memory_bytes,
        .output_bytes = spec->output_bytes,
        .wall_ms = spec->wall_ms > 0 ? (uint64_t)spec->wall_ms : 0,
        .cpu_ms = spec->cpu_ms > 0 ? (uint64_t)spec->cpu_ms : 0,
        .file_bytes = spec->file_bytes,
        .open_files = spec->open_files,
        .processes = spec->processes,
    };
    info->type = ops_from_str(str_from(task->instance->type->name));
    bool has_folder = plugin_fill_state_folder(task->plugin);
    info->state_folder = ops_from_str(task->plugin->state_folder);
    return has_folder && task_copy_text(task, spec->run_id, &info->run_id) &&
           task_copy_text(task, spec->workflow, &info->workflow) &&
           task_copy_text(task, spec->path, &info->node) &&
           task_copy_text(task, spec->idempotency_key, &info->idempotency_key);
}

static bool task_fill(struct task *task, const struct host_task_spec *spec)
{
    task->config = scope_add(&task->scope, spec->config, document_root(spec->config));
    return task->config != 0 && task_fill_info(task, spec);
}

static void task_link(struct task *task)
{
    struct host *host = task->host;
    task->next = host->first_task;
    task->prev = &host->first_task;
    if (task->next != NULL) {
        task->next->prev = &task->next;
    }
    host->first_task = task;
}

/* Without what it works on. NULL: out of memory. */
static struct task *task_create(struct host *host, struct instance *instance, uint64_t token,
                                uint32_t credits)
{
    struct strand *shared = instance->strand;
    struct task *task = calloc(1, sizeof *task);
    if (task == NULL) {
        return NULL;
    }

    task->magic = TASK_MAGIC;
    task->host = host;
    task->plugin = instance->plugin;
    task->instance = instance;
    instance_enter(instance);
    task->token = token;
    atomic_init(&task->credits, credits != 0 ? (int)credits : TASK_CREDITS);
    (void)pthread_mutex_init(&task->lock, NULL); /* default attributes: cannot fail on Linux */
    scope_init(&task->scope, &host->values, instance->plugin->number, 0);
    task->handle = handle_create(&host->tasks, instance->plugin->number, task);
    if (task->handle == 0) {
        task_free(task);
        return NULL;
    }

    task->scope.handle = task->handle;
    task->strand = shared != NULL ? strand_ref(shared) : strand_create();
    if (task->strand == NULL) {
        handle_retire(&host->tasks, task->handle);
        return NULL;
    }
    return task;
}

static host_task task_begin(struct task *task)
{
    task_link(task);
    task_hold(task); /* by the execute item */
    task->start_item.run = on_start;
    mailbox_post(&task->host->mailbox, &task->start_item);
    return task->handle;
}

int task_start(struct host *host, struct instance *instance, const struct host_task_spec *spec,
               host_task *out_task, struct error *err)
{
    struct task *task = task_create(host, instance, spec->token, spec->credits);
    if (task == NULL) {
        return error_nomem(err);
    }
    if (!task_fill(task, spec)) {
        handle_retire(&host->tasks, task->handle);
        return error_nomem(err);
    }

    *out_task = task_begin(task);
    return 0;
}

int task_start_check(struct host *host, struct instance *instance,
                     const struct host_check_spec *spec, host_task *out_task, struct error *err)
{
    const struct host_task_spec alike = {.attempt = 1, .deadline_unix_ms = spec->deadline_unix_ms};
    struct task *task = task_create(host, instance, spec->token, 0);
    if (task == NULL) {
        return error_nomem(err);
    }
    if (!task_fill_info(task, &alike) || !task_copy_text(task, spec->origin, &task->origin)) {
        handle_retire(&host->tasks, task->handle);
        return error_nomem(err);
    }

    *out_task = task_begin(task);
    return 0;
}

/* ---- Cancel ---- */

static const struct document *cancel_failure(enum host_cancel_reason reason)
{
    bool is_timeout = reason == HOST_CANCEL_TIMEOUT;
    struct str message = is_timeout                       ? STR("the node's time is over")
                         : reason == HOST_CANCEL_SHUTDOWN ? STR("opstream shuts down")
                                                          : STR("the node was cancelled");
    return task_failure_create(is_timeout ? OPS_E_TIMEOUT : OPS_E_CANCELLED, message,
                               (struct str){NULL, 0});
}

static enum host_cancel_reason task_reason(struct task *task)
{
    return (enum host_cancel_reason)atomic_load(&task->cancel_reason);
}

static void task_give_up(struct task *task)
{
    if (atomic_load(&task->is_ended)) {
        return;
    }

    /* The item of the end runs on this thread, later: the mark is there before it. */
    if (task_end_failed(task, cancel_failure(task_reason(task)))) {
        task->is_abandoned = task->is_started;
        if (task->is_on_pool) {
            (void)job_pool_give_up(task->host->jobs, &task->job); /* false: enough are lost */
        }
    }
}

static void on_cancel(struct strand_item *item)
{
    struct task *task = (struct task *)((char *)item - offsetof(struct task, cancel_item));
    CHECK_MAGIC(task, TASK_MAGIC);
    if (!atomic_load(&task->is_ended)) {
        uint64_t began = task_call_begin(task);
        task->instance->type->cancel(task->instance->self, task->handle,
                                     (uint32_t)task_reason(task));
        task_call_end(task, began);
    }
    task_release(task);
}

/* Nothing of the plugin has run yet, or will: the task ends at once. */
static bool task_cancel_waiting(struct task *task)
{
    if (task->is_on_pool && job_pool_take_back(task->host->jobs, &task->job)) {
        task->is_started = false;
        (void)task_end_failed(task, cancel_failure(task_reason(task)));
        job_executed(&task->job);
        return true;
    }
    if (!task->is_started) {
        (void)task_end_failed(task, cancel_failure(task_reason(task)));
        return true;
    }
    return false;
}

static void task_cancel_ops(struct task *task)
{
    struct op *following = NULL;
    for (struct op *op = task->ops; op != NULL; op = following) {
        following = op->next;
        op_abort_started(op, OP_ABORT_CANCEL);
    }
}

static void task_tell_cancel(struct task *task)
{
    task_cancel_ops(task);
    task_wake_writer(task);
    if (task->instance->type->cancel != NULL) {
        task_hold(task); /* by the cancel item */
        task->cancel_item.run = on_cancel;
        strand_post(task->strand, &task->cancel_item);
    }
}

void task_cancel(struct task *task, enum host_cancel_reason reason)
{
    if (atomic_load(&task->is_ended) || atomic_load(&task->cancel_reason) != 0) {
        return;
    }

    atomic_store(&task->cancel_reason, reason);
    if (task_cancel_waiting(task)) {
        return;
    }
    if (deadline_start(task, (uint64_t)task->host->cancel_grace_ms, task_give_up, &task->grace) !=
        0) {
        task_give_up(task);
        return;
    }
    task_tell_cancel(task);
}

void task_kill(struct task *task, enum host_cancel_reason reason)
{
    if (atomic_load(&task->is_ended)) {
        return;
    }

    unsigned none = 0;
    bool is_first = atomic_compare_exchange_strong(&task->cancel_reason, &none, (unsigned)reason);
    if (task_cancel_waiting(task)) {
        return;
    }
    if (is_first) {
        task_tell_cancel(task); /* so that the plugin stops what it does on threads */
    }
    task->is_killed = true;
    task_give_up(task);
}
