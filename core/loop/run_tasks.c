/* SPDX-License-Identifier: Apache-2.0 */
/* A task's token is its `struct loop_task`, which lives from its start to its one end. */
#include "core/loop/run_tasks.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/cleanup.h"
#include "core/base/grow.h"
#include "core/base/log.h"
#include "core/engine/failure.h"
#include "core/engine/run.h"
#include "core/host/start_failure.h"
#include "core/journal/journal.h"
#include "core/loop/health_checks.h"
#include "core/loop/loop_state.h"
#include "core/loop/masking.h"
#include "core/loop/run_driver.h"
#include "core/loop/run_timers.h"
#include "core/loop/secret_guard.h"
#include "core/model/catalogue.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"

enum { TASK_MAGIC = 0x7461736b, NO_TIMEOUT = -1 };

struct loop_task {
    uint32_t magic;
    uint64_t frame;
    uint32_t node;
    uint32_t attempt;
    struct loop_run *run;
    host_task handle;
    struct loop_task *next; /* of the run */
    struct loop_task *previous;
    const struct document **items; /* emitted, and not yet told */
    size_t item_count;
    size_t item_cap;
    uint64_t told; /* items that were told */
    struct loop_task *next_telling;
    bool is_telling; /* it is in the loop's list of those with items to tell */
    uint32_t pauses;
    int64_t time_left_ms;      /* of its time-out, while it is paused; NO_TIMEOUT: it has none */
    struct budget_slip *slips; /* owned by budget_desk */
    struct effect *start; /* its plugin is being tried, and this is then carried out; else NULL */
    struct loop_task *next_waiting; /* in the loop's list */
};

/* The resolved settings of one plugin. */
struct plugin_settings {
    struct document *document;
    struct plugin_settings *next;
    struct str plugin; /* the pipeline's */
};

static struct loop_task *task_create(struct loop_run *run, const struct effect *effect)
{
    struct loop_task *task = calloc(1, sizeof(*task));
    if (task == NULL) {
        return NULL;
    }
    task->magic = TASK_MAGIC;
    task->frame = effect->frame;
    task->node = effect->node;
    task->attempt = effect->attempt;
    task->run = run;
    task->next = run->tasks;
    if (run->tasks != NULL) {
        run->tasks->previous = task;
    }
    run->tasks = task;
    run->root->task_count++;
    run->loop->numbers.tasks++;
    return task;
}

static void drop_items(struct loop_task *task)
{
    for (size_t i = 0; i < task->item_count; i++) {
        document_unref(task->items[i]);
    }
    task->item_count = 0;
}

static void stop_telling(struct loop_task *task)
{
    struct loop_task **at = &task->run->loop->telling;
    while (task->is_telling && *at != task) {
        at = &(*at)->next_telling;
    }
    if (task->is_telling) {
        *at = task->next_telling;
    }
    task->is_telling = false;
}

static bool unlink_waiting(struct loop_task **at, const struct loop_task *task)
{
    while (*at != NULL && *at != task) {
        at = &(*at)->next_waiting;
    }
    bool is_found = *at != NULL;
    if (is_found) {
        *at = task->next_waiting;
    }
    return is_found;
}

static void effect_free(struct effect *effect)
{
    document_unref(effect->config);
    free(effect);
}

/* What it waited to do: owned; NULL: it did not wait. */
static struct effect *stop_waiting(struct loop_task *task)
{
    struct loop *loop = task->run->loop;
    struct effect *start = take_pointer(&task->start);
    if (start != NULL) {
        CHECK(unlink_waiting(&loop->waiting, task) || unlink_waiting(&loop->called, task));
    }
    return start;
}

static void task_destroy(struct loop_task *task)
{
    struct effect *start = stop_waiting(task);
    if (start != NULL) {
        effect_free(start);
    }
    stop_telling(task);
    drop_items(task);
    budget_desk_forget(task);
    free(task->items);
    if (task->previous != NULL) {
        task->previous->next = task->next;
    } else {
        task->run->tasks = task->next;
    }
    if (task->next != NULL) {
        task->next->previous = task->previous;
    }
    task->run->root->task_count--;
    task->run->loop->numbers.tasks--;
    task->magic = 0;
    free(task);
}

static struct loop_task *task_of(uint64_t token)
{
    struct loop_task *task = (struct loop_task *)(uintptr_t)token;
    CHECK_MAGIC(task, TASK_MAGIC);
    return task;
}

static struct loop_task *find_task(const struct loop_run *run, const struct effect *effect)
{
    struct loop_task *task = run->tasks;
    while (task != NULL && (task->node != effect->node || task->frame != effect->frame)) {
        task = task->next;
    }
    return task;
}

/* ---- calls that wait ---- */

struct loop_task *run_tasks_of(uint64_t token)
{
    return task_of(token);
}

struct run_place run_tasks_place(const struct loop_task *task)
{
    return (struct run_place){.run = task->run->run, .frame = task->frame, .node = task->node};
}

struct spender run_tasks_spender(const struct loop_task *task)
{
    return (struct spender){
        .run = task->run->run, .frame = task->frame, .node = task->node, .attempt = task->attempt};
}

struct loop_run *run_tasks_run(const struct loop_task *task)
{
    return task->run;
}

struct budget_slip **run_tasks_slips(struct loop_task *task)
{
    return &task->slips;
}

static struct heap_timer timeout_of(const struct loop_task *task)
{
    return (struct heap_timer){.run = task->run,
                               .frame = task->frame,
                               .node = task->node,
                               .attempt = task->attempt,
                               .kind = TIMER_NODE_TIMEOUT};
}

void run_tasks_begin_pause(struct loop_task *task)
{
    if (task->pauses++ == 0) {
        struct heap_timer timeout = timeout_of(task);
        task->time_left_ms = run_timers_hold(task->run->loop, &timeout) ? timeout.due_ms
                                                                        : NO_TIMEOUT;
    }
}

void run_tasks_end_pause(struct loop_task *task)
{
    if (--task->pauses == 0 && task->time_left_ms != NO_TIMEOUT) {
        struct heap_timer timeout = timeout_of(task);
        timeout.due_ms = task->time_left_ms;
        run_timers_go_on(task->run->loop, &timeout);
    }
}

void run_tasks_forget_timeout(struct loop_run *run, const struct effect *effect)
{
    struct loop_task *task = find_task(run, effect);
    if (task != NULL) {
        task->time_left_ms = NO_TIMEOUT;
    }
}

/* Of this moment: a secret may have got a new value since the run began. */
static const struct mask *mask_of(const struct loop_run *run)
{
    return masking_of(run->loop->secrets, run_pipeline(run->run));
}

static bool is_hidden(const struct loop_run *run, int status)
{
    struct error err = {0};
    if (status != 0) {
        (void)error_nomem(&err);
        run_driver_fail(run->loop, &err);
    }
    return status == 0;
}

/* What a task brought back, as the run may keep it: owned. False after run_driver_fail(). */
static bool hide_secrets(const struct loop_run *run, const struct document *document,
                         struct document **out_document)
{
    return is_hidden(run, masking_document(mask_of(run), document, out_document));
}

/* The same for why it failed. */
static bool hide_in_failure(const struct loop_run *run, const struct document *failure,
                            struct document **out_failure)
{
    return is_hidden(run, masking_failure(mask_of(run), failure, out_failure));
}

/* What the task has emitted so far goes to the engine, as one event. */
static void tell_items(struct loop_task *task)
{
    struct run_event event = {.type = RUN_EVENT_ITEMS,
                              .frame = task->frame,
                              .node = task->node,
                              .attempt = task->attempt,
                              .items = task->items,
                              .item_count = task->item_count,
                              .index = task->told};
    stop_telling(task);
    if (task->item_count > 0) {
        task->told += task->item_count;
        run_driver_handle(task->run, &event);
        drop_items(task);
    }
}

void run_tasks_tell_items(struct loop *loop)
{
    while (loop->telling != NULL) {
        tell_items(loop->telling);
    }
}

/* Many items come in one turn of the loop: they wait for its end. */
static int keep_item(struct loop_task *task, const struct document *item)
{
    struct loop *loop = task->run->loop;
    const struct document **items = array_reserve(task->items, &task->item_cap,
                                                  task->item_count + 1, sizeof(struct document *));
    if (items == NULL) {
        return E_NOMEM;
    }
    task->items = items;
    items[task->item_count++] = document_ref(item);
    if (!task->is_telling) {
        task->is_telling = true;
        task->next_telling = loop->telling;
        loop->telling = task;
        loop_tell_items_soon(loop);
    }
    return 0;
}

/* In the log of the node. */
static void warn(const struct loop_task *task, struct str line)
{
    const struct run_observer *observer = &task->run->root->observer;
    if (observer->on_log != NULL) {
        const struct run_place place = run_tasks_place(task);
        observer->on_log(observer->user, &place, LOG_LEVEL_WARN, line);
    }
}

/* The process is leaving: in the state the task is at work, and starts anew elsewhere. */
static bool is_left_behind(struct loop_task *task)
{
    if (task->run->loop->is_leaving) {
        task_destroy(task);
        return true;
    }
    return false;
}

static void on_task_done(void *user, uint64_t token, struct str port, const struct document *output)
{
    (void)user; /* the token leads to everything */
    if (health_checks_own(token)) {
        health_checks_answer(token, NULL);
        return;
    }
    struct loop_task *task = task_of(token);
    if (is_left_behind(task)) {
        return;
    }
    struct loop_run *run = task->run;
    struct run_event event = {.type = RUN_EVENT_DONE,
                              .frame = task->frame,
                              .node = task->node,
                              .attempt = task->attempt,
                              .port = port};
    cleanup_document struct document *shown = NULL;
    tell_items(task); /* they came before */
    budget_desk_end_task(task);
    bool is_kept = hide_secrets(run, output, &shown);
    if (is_kept && shown != output) {
        warn(task, STR("its output holds a secret: *** stands for it, also where it is read"));
    }
    task_destroy(task);
    if (is_kept) {
        event.output = shown;
        run_driver_handle(run, &event);
    }
    loop_check_drained(run->loop);
}

static void on_task_failed(void *user, uint64_t token, const struct document *error)
{
    (void)user;
    if (health_checks_own(token)) {
        health_checks_answer(token, error);
        return;
    }
    struct loop_task *task = task_of(token);
    if (is_left_behind(task)) {
        return;
    }
    struct loop_run *run = task->run;
    struct run_event event = {.type = RUN_EVENT_FAILED,
                              .frame = task->frame,
                              .node = task->node,
                              .attempt = task->attempt};
    cleanup_document struct document *shown = NULL;
    tell_items(task);
    budget_desk_end_task(task);
    task_destroy(task);
    if (hide_in_failure(run, error, &shown)) {
        event.error = shown;
        run_driver_handle(run, &event);
    }
    loop_check_drained(run->loop);
}

/* As people may see it: `buffers` are two, which the caller ends. */
static struct str show(const struct loop_run *run, struct str text, struct strbuf *buffers)
{
    struct str shown = masking_text(mask_of(run), text, &buffers[0]);
    return masking_by_patterns(run_pipeline(run->run), shown, &buffers[1]);
}

static void end_buffers(struct strbuf *buffers)
{
    strbuf_finish(&buffers[0]);
    strbuf_finish(&buffers[1]);
}

static void on_task_progress(void *user, uint64_t token, double fraction, struct str note)
{
    (void)user;
    if (health_checks_own(token)) {
        return; /* it is short */
    }
    const struct loop_task *task = task_of(token);
    const struct run_observer *observer = &task->run->root->observer;
    struct strbuf buffers[2] = {STRBUF_INIT, STRBUF_INIT};
    if (observer->on_progress != NULL) {
        const struct run_place place = run_tasks_place(task);
        observer->on_progress(observer->user, &place, fraction, show(task->run, note, buffers));
    }
    end_buffers(buffers);
}

/* Items that nobody takes are counted off, so that their producer goes on. */
static void on_task_item(void *user, uint64_t token, const struct document *item)
{
    struct loop *loop = user;
    if (health_checks_own(token)) {
        return; /* nobody reads it, and its credits end */
    }
    struct loop_task *task = task_of(token);
    cleanup_document struct document *shown = NULL;
    if (!node_has_stream(&run_pipeline(task->run->run)->nodes[task->node])) {
        host_task_credit(loop->host, task->handle, 1);
    } else if (hide_secrets(task->run, item, &shown) && keep_item(task, shown) != 0) {
        struct error err = {0};
        (void)error_nomem(&err);
        run_driver_fail(loop, &err);
    }
}

/* For who looks at the run's log later. */
static void keep_log(const struct loop_task *task, int level, struct str line)
{
    struct loop_run *run = task->run;
    struct strbuf path = STRBUF_INIT;
    if (run->number != 0) {
        run_append_path(run->run, task->frame, task->node, &path);
        loop_keep_log(run->loop, &(struct journal_log){.run = run->number,
                                                       .path = strbuf_str(&path),
                                                       .attempt = task->attempt,
                                                       .level = level,
                                                       .line = line});
    }
    strbuf_finish(&path);
}

void run_tasks_log(const struct loop_task *task, int level, struct str line)
{
    const struct run_observer *observer = &task->run->root->observer;
    struct strbuf buffers[2] = {STRBUF_INIT, STRBUF_INIT};
    struct str shown = show(task->run, line, buffers);
    if (observer->on_log != NULL) {
        const struct run_place place = run_tasks_place(task);
        observer->on_log(observer->user, &place, level, shown);
    }
    keep_log(task, level, shown);
    end_buffers(buffers);
}

void run_tasks_note(struct loop_run *run, const struct effect *effect)
{
    const struct loop_task place = {
        .run = run, .frame = effect->frame, .node = effect->node, .attempt = effect->attempt};
    run_tasks_log(&place, LOG_LEVEL_INFO, value_str(document_root(effect->config)));
}

static void on_task_log(void *user, uint64_t token, int level, struct str line)
{
    (void)user;
    if (health_checks_own(token)) {
        health_checks_log(token, level, line);
    } else {
        run_tasks_log(task_of(token), level, line);
    }
}

static void on_task_given_up(void *user, uint64_t token)
{
    (void)user;
    if (health_checks_own(token)) {
        health_checks_give_up(token);
    }
}

static void on_plugin_tried(void *user);

const struct host_events run_tasks_events = {
    .on_done = on_task_done,
    .on_failed = on_task_failed,
    .on_progress = on_task_progress,
    .on_item = on_task_item,
    .on_log = on_task_log,
    .on_given_up = on_task_given_up,
    .on_tried = on_plugin_tried,
};

static struct plugin_settings *find_settings(const struct loop_run *run, struct str plugin)
{
    struct plugin_settings *settings = run->settings;
    while (settings != NULL && !str_equal(settings->plugin, plugin)) {
        settings = settings->next;
    }
    return settings;
}

static bool reads_secrets(const struct loop_run *run, struct str plugin)
{
    const struct integration *integration =
        pipeline_find_integration(run_pipeline(run->run), plugin);
    return integration != NULL && integration->secrets.n > 0;
}

static int add_settings(struct loop_run *run, struct str plugin,
                        struct plugin_settings **out_settings, struct error *err)
{
    struct plugin_settings *settings = calloc(1, sizeof(*settings));
    if (settings == NULL) {
        return error_nomem(err);
    }
    int status = run_resolve_settings(run->run, plugin, &settings->document, err);
    if (status != 0) {
        free(settings);
        return status;
    }
    settings->plugin = plugin;
    settings->next = run->settings;
    run->settings = settings;
    *out_settings = settings;
    return 0;
}

/* A secret in them may have a new value; without one the document stays the same. */
static int renew_settings(const struct loop_run *run, struct plugin_settings *settings,
                          struct error *err)
{
    struct document *now = NULL;
    int status = run_resolve_settings(run->run, settings->plugin, &now, err);
    if (status != 0) {
        return status;
    }
    bool is_same = value_equal(document_root(now), document_root(settings->document));
    document_unref(is_same ? now : settings->document);
    settings->document = is_same ? settings->document : now;
    return 0;
}

int run_tasks_settings(struct loop_run *run, struct str plugin,
                       const struct document **out_settings, struct error *err)
{
    struct plugin_settings *settings = find_settings(run, plugin);
    int status = 0;
    if (settings == NULL) {
        status = add_settings(run, plugin, &settings, err);
    } else if (reads_secrets(run, plugin)) {
        status = renew_settings(run, settings, err);
    }
    if (status == 0) {
        *out_settings = settings->document;
    }
    return status;
}

static int start_task(struct loop_run *run, const struct effect *effect, struct loop_task *task,
                      struct error *err)
{
    const struct node *node = &run_pipeline(run->run)->nodes[effect->node];
    struct strbuf path = STRBUF_INIT;
    char key[32];
    int status = run_idempotency_key(run->run, effect->frame, effect->node, key);
    run_append_path(run->run, effect->frame, effect->node, &path);
    struct host_task_spec spec = {
        .type = node->type,
        .config = effect->config,
        .run_id = run_id(run->run),
        .workflow = run_pipeline(run->run)->id,
        .path = strbuf_str(&path),
        .idempotency_key = str_from(key),
        .attempt = effect->attempt,
        .deadline_unix_ms = effect->at_unix_ms,
        .memory_bytes = node->limits.memory_bytes,
        .output_bytes = node->limits.output_bytes,
        .file_bytes = node->limits.file_bytes,
        .wall_ms = node->limits.wall_ms,
        .cpu_ms = node->limits.cpu_ms,
        .open_files = node->limits.open_files,
        .processes = node->limits.processes,
        .credits = effect->count,
        .token = (uint64_t)(uintptr_t)task,
    };
    if (status != 0 || strbuf_status(&path) != 0) {
        status = error_nomem(err);
    }
    if (status == 0) {
        status = masking_begin(run->loop->secrets, run_pipeline(run->run), err);
    }
    if (status == 0 && (node->type->flags & NODE_TYPE_PROCESSES) != 0) {
        const struct secret_guard guard = {run->loop->secrets, run_pipeline(run->run), node};
        status = secret_guard_check_process(&guard, err);
    }
    if (status == 0) {
        status = run_tasks_settings(run, node->type->plugin, &spec.settings, err);
    }
    if (status == 0) {
        status = host_task_start(run->loop->host, &spec, &task->handle, err);
    }
    if (status == 0) {
        health_checks_note_task(run, effect->node, spec.settings, spec.config);
    }
    strbuf_finish(&path);
    return status;
}

static void fail_start(struct loop_run *run, const struct effect *effect, const struct error *err)
{
    const char *passing = start_failure_name(err->code);
    const char *code = passing != NULL           ? passing
                       : err->code == E_INVALID  ? FAILURE_CONFIG
                       : err->code == E_CONFLICT ? FAILURE_PERMISSION
                                                 : FAILURE_PLUGIN;
    cleanup_document struct document *failure = failure_from_error(code, err);
    cleanup_document struct document *shown = NULL;
    if (!hide_in_failure(run, failure, &shown)) {
        return;
    }
    run_driver_handle(run, &(struct run_event){.type = RUN_EVENT_FAILED,
                                               .frame = effect->frame,
                                               .node = effect->node,
                                               .attempt = effect->attempt,
                                               .error = shown});
}

static int begin_waiting(struct loop_task *task, const struct effect *effect, struct error *err)
{
    struct loop *loop = task->run->loop;
    struct effect *start = malloc(sizeof(*start));
    if (start == NULL) {
        return error_nomem(err);
    }
    *start = *effect;
    start->config = document_ref(effect->config);
    task->start = start;
    task->next_waiting = loop->waiting;
    loop->waiting = task;
    return 0;
}

static void begin_task(struct loop_run *run, const struct effect *effect, struct loop_task *task)
{
    struct error err = {0};
    int status = start_task(run, effect, task, &err);
    if (status == HOST_WAITS) {
        status = begin_waiting(task, effect, &err);
    }
    if (status != 0) {
        task_destroy(task);
        fail_start(run, effect, &err);
    }
}

void run_tasks_start(struct loop_run *run, const struct effect *effect)
{
    struct error err = {0};
    struct loop_task *task = task_create(run, effect);
    if (task == NULL) {
        (void)error_nomem(&err);
        fail_start(run, effect, &err);
        return;
    }
    begin_task(run, effect, task);
}

/* What one of them leads to may end others of the list; who waits for another plugin is put back.
 */
static void on_plugin_tried(void *user)
{
    struct loop *loop = user;
    loop->called = take_pointer(&loop->waiting);
    while (loop->called != NULL) {
        struct loop_task *task = loop->called;
        struct effect *start = stop_waiting(task);
        if (!is_left_behind(task)) {
            begin_task(task->run, start, task);
        }
        effect_free(start);
    }
    loop_check_drained(loop);
}

/* As the host ends a task that has not begun. */
static void end_waiting(struct loop_task *task, enum host_cancel_reason reason)
{
    bool is_timeout = reason == HOST_CANCEL_TIMEOUT;
    cleanup_document struct document *failure =
        failure_create(is_timeout ? FAILURE_TIMEOUT : FAILURE_CANCELLED,
                       STR("its plugin was still being tried"), NULL);
    const struct run_event event = {.type = RUN_EVENT_FAILED,
                                    .frame = task->frame,
                                    .node = task->node,
                                    .attempt = task->attempt,
                                    .error = failure};
    struct loop_run *run = task->run;
    task_destroy(task);
    run_driver_handle(run, &event);
    loop_check_drained(run->loop);
}

void run_tasks_stop(struct loop_run *run, const struct effect *effect)
{
    struct loop_task *task = find_task(run, effect);
    if (task != NULL && task->start != NULL) {
        end_waiting(task, (enum host_cancel_reason)effect->reason);
    } else if (task != NULL) {
        host_task_cancel(run->loop->host, task->handle, (enum host_cancel_reason)effect->reason);
    }
}

void run_tasks_credit(struct loop_run *run, const struct effect *effect)
{
    const struct loop_task *task = find_task(run, effect);
    if (task != NULL && task->attempt == effect->attempt) {
        host_task_credit(run->loop->host, task->handle, effect->count);
    }
}

void run_tasks_each(const struct loop_run *run, loop_task_cb cb, void *user)
{
    for (const struct loop_task *task = run->tasks; task != NULL; task = task->next) {
        struct strbuf path = STRBUF_INIT;
        run_append_path(run->run, task->frame, task->node, &path);
        cb(user, run_id(run->run), strbuf_str(&path));
        strbuf_finish(&path);
    }
}

void run_tasks_kill(struct loop_run *run)
{
    for (const struct loop_task *task = run->tasks; task != NULL; task = task->next) {
        if (task->start == NULL) { /* else it has not begun, and ends when it is stopped */
            host_task_kill(run->loop->host, task->handle, HOST_CANCEL_REQUESTED);
        }
    }
}

void run_tasks_finish(struct loop_run *run)
{
    while (run->tasks != NULL) {
        task_destroy(run->tasks);
    }
    while (run->settings != NULL) {
        struct plugin_settings *settings = run->settings;
        run->settings = settings->next;
        document_unref(settings->document);
        free(settings);
    }
}
