/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives runs: events go to the engine, its batch to the journal, and when that has it, records
 * to the observer and effects to host and timers. Nothing here decides anything.
 *
 * A task's token is its `struct loop_task`, which lives from its start to its one end.
 */
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/grow.h"
#include "core/engine/engine.h"
#include "core/engine/failure.h"
#include "core/journal/journal.h"
#include "core/loop/loop_state.h"
#include "core/loop/masking.h"
#include "core/model/catalogue.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"

enum { TASK_MAGIC = 0x7461736b };

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
};

/* The resolved settings of one plugin. */
struct plugin_settings {
    struct document *document;
    struct plugin_settings *next;
    struct str plugin; /* the pipeline's */
};

struct loop_run {
    struct loop *loop;
    struct run *run;
    const struct mask *mask; /* hides its secrets; NULL: it has none */
    struct run_observer observer;
    struct loop_task *tasks;
    struct plugin_settings *settings;
    struct loop_run *next; /* of the loop */
    struct loop_run *previous;
    struct loop_run *root;       /* the run that somebody started; itself when it is that one */
    bool is_awaited;             /* a node waits for its end */
    uint32_t children;           /* of a root: runs below it that have not ended */
    uint32_t kept;               /* ended runs of its nodes that it may want undone */
    struct loop_run *next_ended; /* while a batch is carried out */
    bool is_ended;
    bool is_leaving; /* in the list of those that ended */
};

/* A batch between submission and durability. */
struct commit {
    struct loop *loop;
    struct batch batch;
};

static void commit_destroy(struct commit *commit)
{
    batch_finish(&commit->batch);
    free(commit);
}

/* Memory ran out in the middle of a decision: the state in memory is not to be trusted. */
static void fail_loop(struct loop *loop, const struct error *err)
{
    if (loop->failure.code == 0) {
        loop->failure = *err;
    }
    uv_stop(&loop->uv);
}

static void on_durable(void *user, int status);

static void submit(struct loop *loop, struct commit *commit)
{
    struct error err = {0};
    if (commit->batch.record_count == 0 && commit->batch.effect_count == 0) {
        commit_destroy(commit);
        return;
    }
    if (journal_append(loop->journal, &commit->batch, on_durable, commit, &err) != 0) {
        commit_destroy(commit);
        fail_loop(loop, &err);
    }
}

static struct commit *commit_create(struct loop *loop)
{
    struct commit *commit = calloc(1, sizeof(*commit));
    if (commit == NULL) {
        struct error err = {0};
        (void)error_nomem(&err);
        fail_loop(loop, &err);
        return NULL;
    }
    commit->loop = loop;
    return commit;
}

static void handle_event(struct loop_run *run, const struct run_event *event)
{
    struct loop *loop = run->loop;
    struct commit *commit = commit_create(loop);
    if (commit == NULL) {
        return;
    }
    struct error err = {0};
    int status =
        event != NULL
            ? engine_handle(loop->engine, run->run, event, clock_unix_ms(), &commit->batch, &err)
            : engine_continue(loop->engine, run->run, clock_unix_ms(), &commit->batch, &err);
    if (status != 0) {
        commit_destroy(commit);
        fail_loop(loop, &err);
        return;
    }
    submit(loop, commit);
}

/* ---- tasks ---- */

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

static void task_destroy(struct loop_task *task)
{
    stop_telling(task);
    drop_items(task);
    free(task->items);
    if (task->previous != NULL) {
        task->previous->next = task->next;
    } else {
        task->run->tasks = task->next;
    }
    if (task->next != NULL) {
        task->next->previous = task->previous;
    }
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

/* What a task brought back, as the run may keep it: owned. False after fail_loop(). */
static bool hide_secrets(const struct loop_run *run, const struct document *document,
                         struct document **out_document)
{
    if (masking_document(run->mask, document, out_document) == 0) {
        return true;
    }
    struct error err = {0};
    (void)error_nomem(&err);
    fail_loop(run->loop, &err);
    return false;
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
        handle_event(task->run, &event);
        drop_items(task);
    }
}

void run_driver_tell_items(struct loop *loop)
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

static void on_task_done(void *user, uint64_t token, struct str port, const struct document *output)
{
    (void)user; /* the token leads to everything */
    struct loop_task *task = task_of(token);
    struct loop_run *run = task->run;
    struct run_event event = {.type = RUN_EVENT_DONE,
                              .frame = task->frame,
                              .node = task->node,
                              .attempt = task->attempt,
                              .port = port};
    cleanup_document struct document *shown = NULL;
    tell_items(task); /* they came before */
    task_destroy(task);
    if (hide_secrets(run, output, &shown)) {
        event.output = shown;
        handle_event(run, &event);
    }
}

static void on_task_failed(void *user, uint64_t token, const struct document *error)
{
    (void)user;
    struct loop_task *task = task_of(token);
    struct loop_run *run = task->run;
    struct run_event event = {.type = RUN_EVENT_FAILED,
                              .frame = task->frame,
                              .node = task->node,
                              .attempt = task->attempt};
    cleanup_document struct document *shown = NULL;
    tell_items(task);
    task_destroy(task);
    if (hide_secrets(run, error, &shown)) {
        event.error = shown;
        handle_event(run, &event);
    }
}

static struct run_place place_of(const struct loop_task *task)
{
    return (struct run_place){.run = task->run->run, .frame = task->frame, .node = task->node};
}

static void on_task_progress(void *user, uint64_t token, double fraction, struct str note)
{
    (void)user;
    const struct loop_task *task = task_of(token);
    const struct run_observer *observer = &task->run->root->observer;
    struct strbuf masked = STRBUF_INIT;
    if (observer->on_progress != NULL) {
        const struct run_place place = place_of(task);
        observer->on_progress(observer->user, &place, fraction,
                              masking_text(task->run->mask, note, &masked));
    }
    strbuf_finish(&masked);
}

/* Items that no loop reads are counted off, so that their producer goes on. */
static void on_task_item(void *user, uint64_t token, const struct document *item)
{
    struct loop *loop = user;
    struct loop_task *task = task_of(token);
    cleanup_document struct document *shown = NULL;
    if (!run_pipeline(task->run->run)->nodes[task->node].has_readers) {
        host_task_credit(loop->host, task->handle, 1);
    } else if (hide_secrets(task->run, item, &shown) && keep_item(task, shown) != 0) {
        struct error err = {0};
        (void)error_nomem(&err);
        fail_loop(loop, &err);
    }
}

static void on_task_log(void *user, uint64_t token, int level, struct str line)
{
    (void)user;
    const struct loop_task *task = task_of(token);
    const struct run_observer *observer = &task->run->root->observer;
    struct strbuf masked = STRBUF_INIT;
    if (observer->on_log != NULL) {
        const struct run_place place = place_of(task);
        observer->on_log(observer->user, &place, level,
                         masking_text(task->run->mask, line, &masked));
    }
    strbuf_finish(&masked);
}

const struct host_events run_driver_events = {
    .on_done = on_task_done,
    .on_failed = on_task_failed,
    .on_progress = on_task_progress,
    .on_item = on_task_item,
    .on_log = on_task_log,
};

static int find_settings(struct loop_run *run, struct str plugin,
                         const struct document **out_settings, struct error *err)
{
    for (struct plugin_settings *s = run->settings; s != NULL; s = s->next) {
        if (str_equal(s->plugin, plugin)) {
            *out_settings = s->document;
            return 0;
        }
    }
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
    *out_settings = settings->document;
    return 0;
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
        .wall_ms = node->limits.wall_ms,
        .credits = effect->count,
        .token = (uint64_t)(uintptr_t)task,
    };
    if (status != 0 || strbuf_status(&path) != 0) {
        status = error_nomem(err);
    }
    if (status == 0) {
        status = find_settings(run, node->type->plugin, &spec.settings, err);
    }
    if (status == 0) {
        status = host_task_start(run->loop->host, &spec, &task->handle, err);
    }
    strbuf_finish(&path);
    return status;
}

static void fail_start(struct loop_run *run, const struct effect *effect, const struct error *err)
{
    const char *code = err->code == E_INVALID ? FAILURE_CONFIG : FAILURE_PLUGIN;
    cleanup_document struct document *failure = failure_from_error(code, err);
    cleanup_document struct document *shown = NULL;
    if (!hide_secrets(run, failure, &shown)) {
        return;
    }
    handle_event(run, &(struct run_event){.type = RUN_EVENT_FAILED,
                                          .frame = effect->frame,
                                          .node = effect->node,
                                          .attempt = effect->attempt,
                                          .error = shown});
}

static void carry_out_start(struct loop_run *run, const struct effect *effect)
{
    struct error err = {0};
    struct loop_task *task = task_create(run, effect);
    if (task == NULL) {
        (void)error_nomem(&err);
        fail_start(run, effect, &err);
        return;
    }
    if (start_task(run, effect, task, &err) != 0) {
        task_destroy(task);
        fail_start(run, effect, &err);
    }
}

/* ---- timers ---- */

static int64_t monotonic_ms(void)
{
    return clock_monotonic_ns() / 1000000;
}

static void on_uv_timer(uv_timer_t *timer)
{
    run_driver_on_timer(timer->data);
}

static void arm_next(struct loop *loop)
{
    const struct heap_timer *first = timer_heap_first(&loop->timers);
    if (first == NULL) {
        (void)uv_timer_stop(&loop->timer); /* cannot fail */
        return;
    }
    int64_t delay = first->due_ms - monotonic_ms();
    uv_update_time(&loop->uv);
    (void)uv_timer_start(&loop->timer, on_uv_timer, delay > 0 ? (uint64_t)delay : 0, 0);
}

void run_driver_on_timer(struct loop *loop)
{
    struct heap_timer timer;
    while (timer_heap_pop(&loop->timers, monotonic_ms(), &timer)) {
        handle_event(timer.run, &(struct run_event){.type = RUN_EVENT_TIMER,
                                                    .frame = timer.frame,
                                                    .node = timer.node,
                                                    .attempt = timer.attempt,
                                                    .timer = timer.kind});
    }
    arm_next(loop);
}

static void carry_out_arm(struct loop_run *run, const struct effect *effect)
{
    int64_t delay = effect->at_unix_ms - clock_unix_ms();
    /* The two clocks do not tick together: counted from the last tick it would fire too early. */
    int64_t next_tick_ms = (clock_monotonic_ns() + 999999) / 1000000;
    struct heap_timer timer = {
        .due_ms = delay > 0 ? next_tick_ms + delay : 0,
        .run = run,
        .frame = effect->frame,
        .node = effect->node,
        .attempt = effect->attempt,
        .kind = effect->timer,
    };
    if (timer_heap_add(&run->loop->timers, &timer) != 0) {
        struct error err = {0};
        (void)error_nomem(&err);
        fail_loop(run->loop, &err);
        return;
    }
    arm_next(run->loop);
}

static void carry_out_disarm(struct loop_run *run, const struct effect *effect)
{
    timer_heap_remove(&run->loop->timers, &(struct heap_timer){.run = run,
                                                               .frame = effect->frame,
                                                               .node = effect->node,
                                                               .kind = effect->timer});
    arm_next(run->loop);
}

/* ---- effects ---- */

/* Runs that nobody waited for are part of the one that started them. */
static void tell_end(struct loop_run *root)
{
    if (root->observer.on_ended != NULL) {
        root->observer.on_ended(root->observer.user);
    }
}

static void carry_out(struct loop_run *run, const struct effect *effect)
{
    const struct loop_task *task = NULL;
    switch (effect->type) {
    case EFFECT_START:
        carry_out_start(run, effect);
        return;
    case EFFECT_STOP:
        task = find_task(run, effect);
        if (task != NULL) {
            host_task_cancel(run->loop->host, task->handle,
                             (enum host_cancel_reason)effect->reason);
        }
        return;
    case EFFECT_CREDIT:
        task = find_task(run, effect);
        if (task != NULL && task->attempt == effect->attempt) {
            host_task_credit(run->loop->host, task->handle, effect->count);
        }
        return;
    case EFFECT_ARM_TIMER:
        carry_out_arm(run, effect);
        return;
    case EFFECT_DISARM:
        carry_out_disarm(run, effect);
        return;
    case EFFECT_RUN_ENDED:
        run->is_ended = true;
        if (run->root != run) {
            run->root->children--;
        }
        if (run->root->is_ended && run->root->children == 0) {
            tell_end(run->root);
        }
        return;
    case EFFECT_CONTINUE:
        handle_event(run, NULL);
        return;
    case EFFECT_WANT_START:
    case EFFECT_RELEASE:
    case EFFECT_START_CHILD:
    case EFFECT_UNDO_CHILD:
    case EFFECT_RUN_UNDONE:
        return; /* dispatch's, done inside the engine */
    }
    unreachable_state("effect", (int)effect->type);
}

static void run_link(struct loop *loop, struct loop_run *run);

static void tell_child(const struct loop_run *child, const struct engine_call *call)
{
    const struct run_observer *observer = &child->root->observer;
    if (observer->on_child != NULL) {
        struct run_place place = {.run = call->run, .frame = call->frame, .node = call->node};
        observer->on_child(observer->user, child->run, &place);
    }
}

/* The driver's side of a child run, made when the child is first heard of. NULL: no memory. */
static struct loop_run *adopt(struct loop *loop, struct run *run)
{
    struct engine_call call = {0};
    struct loop_run *child = calloc(1, sizeof(*child));
    if (child == NULL) {
        struct error err = {0};
        (void)error_nomem(&err);
        fail_loop(loop, &err);
        return NULL;
    }
    CHECK_NAMED(engine_find_call(run, &call), run_id(run).p);
    const struct loop_run *parent = engine_run_user(call.run);
    child->loop = loop;
    child->run = run;
    child->mask = masking_of(loop->secrets, run_pipeline(run));
    child->root = parent->root;
    child->is_awaited = call.is_awaited;
    child->root->children++;
    engine_set_run_user(run, child);
    run_link(loop, child);
    tell_child(child, &call);
    return child;
}

static struct loop_run *run_of(struct loop *loop, struct run *run)
{
    struct loop_run *known = engine_run_user(run);
    return known != NULL ? known : adopt(loop, run);
}

/* Its caller may have it undone, as long as the caller's own end is not durable. */
static bool is_needed(const struct loop_run *run)
{
    struct engine_call call = {0};
    bool is_kept = engine_keeps(run->run);
    while (is_kept && engine_find_call(run->run, &call)) {
        run = engine_run_user(call.run);
        if (!run->is_ended) {
            return true;
        }
        is_kept = engine_keeps(run->run);
    }
    return false;
}

static void leave(struct loop_run *run, struct loop_run **ended)
{
    if (run->root != run && !run->is_leaving && !is_needed(run)) {
        run->is_leaving = true;
        run->next_ended = *ended;
        *ended = run;
    }
}

/* A child run that has ended is given up, unless its caller may have it undone. */
static void collect_ended(struct loop_run *run, struct loop_run **ended)
{
    struct engine_call call = {0};
    leave(run, ended);
    if (run->root != run && !run->is_leaving && engine_find_call(run->run, &call)) {
        struct loop_run *caller = engine_run_user(call.run);
        caller->kept++;
    }
    for (struct loop_run *other = run->loop->runs; run->kept > 0 && other != NULL;
         other = other->next) {
        if (other->is_ended && other->root == run->root) {
            leave(other, ended);
        }
    }
}

static void release_ended(struct loop_run *ended)
{
    while (ended != NULL) {
        struct loop_run *next = ended->next_ended;
        loop_run_release(ended);
        ended = next;
    }
}

/* A batch may have records of several roots: each hears of the end of its own part. */
static void tell_records(const struct commit *commit)
{
    const struct run_observer *observer = NULL;
    for (size_t i = 0; i < commit->batch.record_count; i++) {
        const struct record *record = &commit->batch.records[i];
        const struct loop_run *run = run_of(commit->loop, record->run);
        const struct run_observer *before = observer;
        observer = run != NULL ? &run->root->observer : NULL;
        if (before != NULL && before != observer && before->on_batch != NULL) {
            before->on_batch(before->user);
        }
        if (observer != NULL && observer->on_record != NULL) {
            observer->on_record(observer->user, record);
        }
    }
    if (observer != NULL && observer->on_batch != NULL) {
        observer->on_batch(observer->user);
    }
}

static void on_durable(void *user, int status)
{
    struct commit *commit = user;
    if (status != 0) {
        struct error err = {0};
        (void)error_set(&err, status, "the journal could not keep a batch");
        fail_loop(commit->loop, &err);
        commit_destroy(commit);
        return;
    }
    tell_records(commit);
    struct loop_run *ended = NULL;
    /* Without a host nothing can be carried out any more: the loop is closing. */
    size_t effect_count = commit->loop->is_host_closed ? 0 : commit->batch.effect_count;
    for (size_t i = 0; i < effect_count; i++) {
        const struct effect *effect = &commit->batch.effects[i];
        struct loop_run *run = run_of(commit->loop, effect->run);
        if (run == NULL) {
            break;
        }
        carry_out(run, effect);
        if (effect->type == EFFECT_RUN_ENDED) {
            collect_ended(run, &ended);
        }
    }
    commit_destroy(commit);
    release_ended(ended);
}

/* ---- runs ---- */

static void run_unlink(struct loop_run *run)
{
    if (run->previous != NULL) {
        run->previous->next = run->next;
    } else {
        run->loop->runs = run->next;
    }
    if (run->next != NULL) {
        run->next->previous = run->previous;
    }
}

static void run_link(struct loop *loop, struct loop_run *run)
{
    run->next = loop->runs;
    if (loop->runs != NULL) {
        loop->runs->previous = run;
    }
    loop->runs = run;
}

/* In the batch of the start, so that nobody sees the run wait for what is here already. */
static void send_events(struct loop_run *run, const struct loop_run_options *options,
                        struct batch *batch)
{
    struct error err = {0};
    int status = 0;
    for (size_t i = 0; status == 0 && i < options->event_count; i++) {
        const struct run_event event = {.type = RUN_EVENT_SIGNAL,
                                        .port = options->events[i].name,
                                        .output = options->events[i].data};
        status = engine_handle(run->loop->engine, run->run, &event, clock_unix_ms(), batch, &err);
    }
    if (status != 0) {
        fail_loop(run->loop, &err); /* loop_run() says so */
    }
}

int loop_run_start(struct loop *loop, const struct loop_run_options *options,
                   struct loop_run **out_run, struct error *err)
{
    struct loop_run *run = calloc(1, sizeof(*run));
    struct commit *commit = calloc(1, sizeof(*commit));
    if (run == NULL || commit == NULL) {
        free(run);
        free(commit);
        return error_nomem(err);
    }
    run->loop = loop;
    run->root = run;
    run->mask = masking_of(loop->secrets, options->pipeline);
    run->observer = options->observer;
    commit->loop = loop;
    struct run_options run_options = {
        .pipeline = options->pipeline,
        .input = options->input,
        .id = options->id,
        .triggered_by = options->triggered_by,
        .secrets = loop->secrets,
        .user = run,
    };
    int status =
        engine_start(loop->engine, &run_options, clock_unix_ms(), &commit->batch, &run->run, err);
    if (status != 0) {
        free(run);
        commit_destroy(commit);
        return status;
    }
    send_events(run, options, &commit->batch);
    run_link(loop, run);
    submit(loop, commit);
    *out_run = run;
    return 0;
}

void loop_run_cancel(struct loop_run *run)
{
    for (struct loop_run *below = run->loop->runs; below != NULL; below = below->next) {
        if (below->root == run && !below->is_awaited && !below->is_ended) {
            handle_event(below,
                         &(struct run_event){.type = RUN_EVENT_CANCEL, .reason = STOP_REQUESTED});
        }
    }
}

void loop_run_kill(struct loop_run *run)
{
    for (struct loop_run *below = run->loop->runs; below != NULL; below = below->next) {
        if (below->root == run) {
            handle_event(below,
                         &(struct run_event){.type = RUN_EVENT_CANCEL, .reason = STOP_SHUTDOWN});
        }
    }
    for (struct loop_run *below = run->loop->runs; below != NULL; below = below->next) {
        for (struct loop_task *task = below->tasks; below->root == run && task != NULL;
             task = task->next) {
            host_task_kill(run->loop->host, task->handle, HOST_CANCEL_REQUESTED);
        }
    }
}

static void run_free(struct loop_run *run)
{
    run_unlink(run);
    while (run->tasks != NULL) {
        task_destroy(run->tasks);
    }
    while (run->settings != NULL) {
        struct plugin_settings *settings = run->settings;
        run->settings = settings->next;
        document_unref(settings->document);
        free(settings);
    }
    free(run);
}

void loop_run_release(struct loop_run *run)
{
    if (run == NULL) {
        return;
    }
    CHECK(run->is_ended);
    timer_heap_remove_run(&run->loop->timers, run);
    journal_drop(run->loop->journal, run_id(run->run));
    engine_remove(run->loop->engine, run->run);
    run_free(run);
}

void run_driver_stop_all(struct loop *loop)
{
    for (struct loop_run *run = loop->runs; run != NULL; run = run->next) {
        if (!run->is_ended && run->root == run) {
            loop_run_kill(run);
        }
    }
}

void run_driver_free_all(struct loop *loop)
{
    while (loop->runs != NULL) {
        run_free(loop->runs);
    }
}
