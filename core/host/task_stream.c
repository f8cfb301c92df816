/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a task tells on its way: progress and items; and its way back to its strand. All of it may
 * come from any thread and goes through the mailbox, so that its order is kept.
 */

#include "core/host/task.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/host/deadline.h"
#include "core/host/host_timer.h"
#include "core/host/op.h"
#include "core/host/runtime.h"
#include "core/value/value.h"

/* Four a second. */
static const uint64_t progress_interval_ms = 250;

struct task_item {
    struct mailbox_item item;
    struct task *task; /* held */
    const struct document *document;
};

struct task_call {
    struct mailbox_item item;
    struct strand_item strand_item;
    struct task *task; /* held */
    void (*call)(void *user, ops_task task);
    void *user;
};

/* ---- Progress ---- */

static uint64_t progress_now_ms(const struct host *host)
{
    return host->clock != NULL ? host_now_ns(host) / 1000000 : uv_now(host->loop);
}

/* Tells the newest and forgets it; nothing when there is none. */
static void progress_tell(struct task *task)
{
    char note[TASK_NOTE_BYTES];
    (void)pthread_mutex_lock(&task->lock);
    bool is_new = task->is_progress_new;
    double fraction = task->fraction;
    size_t note_bytes = task->note_bytes;
    if (note_bytes > 0) {
        memcpy(note, task->note, note_bytes);
    }
    task->is_progress_new = false;
    (void)pthread_mutex_unlock(&task->lock);
    if (!is_new || task->is_over) {
        return;
    }

    const struct host_events *events = &task->host->events;
    task->progress_at_ms = progress_now_ms(task->host);
    task->has_progress = true;
    events->on_progress(events->user, task->token, fraction, str_make(note, note_bytes));
}

static void on_progress_due(struct task *task)
{
    deadline_stop(take_pointer(&task->progress_due));
    progress_tell(task);
}

static void on_progress(struct mailbox_item *item)
{
    struct task *task = (struct task *)((char *)item - offsetof(struct task, progress_item));
    CHECK_MAGIC(task, TASK_MAGIC);
    (void)pthread_mutex_lock(&task->lock);
    task->is_progress_posted = false;
    (void)pthread_mutex_unlock(&task->lock);

    uint64_t since = progress_now_ms(task->host) - task->progress_at_ms;
    if (task->is_over || task->progress_due != NULL) {
        task_release(task);
        return;
    }
    if (!task->has_progress || since >= progress_interval_ms ||
        deadline_start(task, progress_interval_ms - since, on_progress_due, &task->progress_due) !=
            0) {
        progress_tell(task);
    }
    task_release(task);
}

void task_progress_flush(struct task *task)
{
    progress_tell(task);
}

ops_status task_progress(struct task *task, double fraction, struct str note)
{
    size_t n = note.n < TASK_NOTE_BYTES ? note.n : utf8_whole_prefix(note.p, TASK_NOTE_BYTES);
    (void)pthread_mutex_lock(&task->lock);
    if (n > 0 && task->note == NULL) {
        task->note = malloc(TASK_NOTE_BYTES);
        if (task->note == NULL) {
            (void)pthread_mutex_unlock(&task->lock);
            return OPS_E_RESOURCE;
        }
    }
    task->fraction = fraction < 0 ? -1 : fraction > 1 ? 1 : fraction;
    if (n > 0) {
        memcpy(task->note, note.p, n);
    }
    task->note_bytes = n;
    task->is_progress_new = true;
    bool needs_post = !task->is_progress_posted;
    task->is_progress_posted = true;
    (void)pthread_mutex_unlock(&task->lock);
    if (needs_post) {
        task_hold(task); /* by the item */
        task->progress_item.run = on_progress;
        mailbox_post(&task->host->mailbox, &task->progress_item);
    }
    return OPS_OK;
}

/* ---- Items ---- */

static void on_item(struct mailbox_item *item)
{
    struct task_item *message = (struct task_item *)item;
    struct task *task = message->task;
    const struct host_events *events = &task->host->events;
    if (!task->is_over) {
        events->on_item(events->user, task->token, message->document);
    }
    document_unref(message->document);
    free(message);
    task_release(task);
}

static bool credit_take(struct task *task)
{
    int credits = atomic_load(&task->credits);
    do {
        if (credits <= 0) {
            return false;
        }
    } while (!atomic_compare_exchange_weak(&task->credits, &credits, credits - 1));
    return true;
}

ops_status task_emit(struct task *task, const struct document *item)
{
    if (!credit_take(task)) {
        document_unref(item);
        return OPS_E_WOULD_BLOCK;
    }

    struct task_item *message = malloc(sizeof *message);
    if (message == NULL) {
        (void)atomic_fetch_add(&task->credits, 1);
        document_unref(item);
        return OPS_E_RESOURCE;
    }
    task_hold(task);
    *message = (struct task_item){{NULL, on_item}, task, item};
    mailbox_post(&task->host->mailbox, &message->item);
    return OPS_OK;
}

/* ---- Writable ---- */

static void on_writable_call(struct strand_item *item)
{
    struct task *task = (struct task *)((char *)item - offsetof(struct task, writable_call));
    (void)pthread_mutex_lock(&task->lock);
    void (*call)(void *user, ops_task task) = task->on_writable;
    void *user = task->writable_user;
    task->on_writable = NULL;
    task->is_writable_posted = false;
    (void)pthread_mutex_unlock(&task->lock);
    if (call != NULL && !atomic_load(&task->is_ended)) {
        uint64_t began = task_call_begin(task);
        call(user, task->handle);
        task_call_end(task, began);
    }
    task_release(task);
}

static void on_writable(struct mailbox_item *item)
{
    struct task *task = (struct task *)((char *)item - offsetof(struct task, writable_item));
    task->writable_call.run = on_writable_call;
    strand_post(task->strand, &task->writable_call);
}

static void writable_check(struct task *task)
{
    (void)pthread_mutex_lock(&task->lock);
    bool needs_post = task->on_writable != NULL && !task->is_writable_posted &&
                      (atomic_load(&task->credits) > 0 || atomic_load(&task->cancel_reason) != 0);
    task->is_writable_posted = task->is_writable_posted || needs_post;
    (void)pthread_mutex_unlock(&task->lock);
    if (needs_post) {
        task_hold(task); /* by the item */
        task->writable_item.run = on_writable;
        mailbox_post(&task->host->mailbox, &task->writable_item);
    }
}

void task_on_writable(struct task *task, void (*call)(void *user, ops_task task), void *user)
{
    (void)pthread_mutex_lock(&task->lock);
    task->on_writable = call;
    task->writable_user = user;
    (void)pthread_mutex_unlock(&task->lock);
    writable_check(task);
}

void task_add_credits(struct task *task, uint32_t count)
{
    (void)atomic_fetch_add(&task->credits, (int)count);
    writable_check(task);
}

void task_wake_writer(struct task *task)
{
    writable_check(task);
}

/* ---- Post ---- */

static void on_call(struct strand_item *item)
{
    struct task_call *call =
        (struct task_call *)((char *)item - offsetof(struct task_call, strand_item));
    struct task *task = call->task;
    if (!atomic_load(&task->is_ended)) {
        uint64_t began = task_call_begin(task);
        call->call(call->user, task->handle);
        task_call_end(task, began);
    }
    free(call);
    task_release(task);
}

static void on_posted(struct mailbox_item *item)
{
    struct task_call *call = (struct task_call *)item;
    strand_post(call->task->strand, &call->strand_item);
}

ops_status task_post(struct task *task, void (*call)(void *user, ops_task task), void *user)
{
    struct task_call *message = malloc(sizeof *message);
    if (message == NULL) {
        return OPS_E_RESOURCE;
    }

    task_hold(task);
    *message = (struct task_call){{NULL, on_posted}, {NULL, on_call}, task, call, user};
    mailbox_post(&task->host->mailbox, &message->item);
    return OPS_OK;
}
