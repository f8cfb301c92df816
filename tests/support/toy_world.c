/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/toy_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/engine/failure.h"
#include "core/engine/record_json.h"
#include "core/model/pipeline.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/support/cache_items.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/run_compare.h"
#include "tests/support/run_rows.h"

#define HOLDS(condition) ((condition) ? (void)0 : broken_promise(#condition, __LINE__))

_Noreturn static void broken_promise(const char *promise, int line)
{
    (void)fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, line, promise);
    abort();
}

static void hold_promise(const char *broken, int line)
{
    if (broken != NULL) {
        broken_promise(broken, line);
    }
}

static void *reserve(void *items, size_t *cap, size_t count, size_t size)
{
    void *grown = array_reserve(items, cap, count, size);
    HOLDS(grown != NULL);
    return grown;
}

/* ---- runs ---- */

static struct toy_run *add_run(struct toy_world *world, const struct pipeline *pipeline,
                               struct document *input)
{
    struct toy_run *run = calloc(1, sizeof(*run));
    HOLDS(run != NULL);
    run->world = world;
    run->pipeline = pipeline_ref(pipeline);
    run->input = input;
    run_watch_init(&run->watch, pipeline);
    world->runs = reserve((void *)world->runs, &world->run_cap, world->run_count + 1,
                          sizeof(struct toy_run *));
    world->runs[world->run_count++] = run;
    return run;
}

/* A child is first heard of when its start is recorded. */
static struct toy_run *run_of(struct toy_world *world, struct run *run,
                              const struct document *input)
{
    struct toy_run *known = engine_run_user(run);
    if (known == NULL) {
        known = add_run(world, run_pipeline(run), document_ref(input));
        engine_set_run_user(run, known);
    }
    known->run = run;
    return known;
}

/* What is kept of a run beside its records. */
static void know(struct toy_run *known)
{
    known->id = str_dup(run_id(known->run));
    HOLDS(known->id != NULL);
    known->number = run_number(known->run);
    known->depth = run_depth(known->run);
    known->has_rollback = run_has_rollback(known->run);
    if (engine_find_call(known->run, &known->call)) {
        known->caller = engine_run_user(known->call.run);
    }
}

/* ---- records ---- */

static void keep_record(struct toy_world *world, const struct record *record)
{
    world->records = reserve(world->records, &world->record_cap, world->record_count + 1,
                             sizeof(*world->records));
    struct record *kept = &world->records[world->record_count++];
    *kept = *record;
    kept->path = NULL; /* the batch's */
    (void)document_ref(record->output);
    (void)document_ref(record->error);
    (void)document_ref(record->detail);
    (void)document_ref(record->done);
    HOLDS(edge_set_copy(&record->taken, &kept->taken) == 0);
}

static void see_record(struct toy_world *world, const struct record *record)
{
    struct toy_run *run = run_of(world, record->run, record->output);
    if (run->id == NULL) {
        know(run);
    }
    hold_promise(run_watch_record(&run->watch, record), __LINE__);
    if (record->type == RECORD_RUN_ENDED) {
        run->end_state = record->run_state;
        run->output = document_ref(record->output);
        run->error = document_ref(record->error);
    }
    keep_record(world, record);
}

/* ---- effects ---- */

static char *path_of(const struct toy_run *run, uint64_t frame, uint32_t node)
{
    struct strbuf path = STRBUF_INIT;
    run_append_path(run->run, frame, node, &path);
    char *text = strbuf_take(&path);
    HOLDS(text != NULL);
    return text;
}

static void start_task(struct toy_run *run, const struct effect *effect)
{
    struct toy_world *world = run->world;
    struct watched_node *node = run_watch_node(&run->watch, effect->frame, effect->node);
    if (node->path == NULL) {
        node->path = path_of(run, effect->frame, effect->node);
    }
    world->live++;
    world->most_live = world->live > world->most_live ? world->live : world->most_live;
}

static void arm_timer(struct toy_run *run, const struct effect *effect)
{
    run->timers = reserve(run->timers, &run->timer_cap, run->timer_count + 1, sizeof(*run->timers));
    run->timers[run->timer_count++] = (struct toy_timer){.frame = effect->frame,
                                                         .node = effect->node,
                                                         .attempt = effect->attempt,
                                                         .kind = effect->timer,
                                                         .at = effect->at_unix_ms};
}

static void disarm_timer(struct toy_run *run, const struct effect *effect)
{
    for (size_t i = 0; i < run->timer_count; i++) {
        const struct toy_timer *timer = &run->timers[i];
        if (timer->frame == effect->frame && timer->node == effect->node &&
            timer->kind == effect->timer) {
            run->timers[i] = run->timers[--run->timer_count];
            return;
        }
    }
}

static void stop_task(struct toy_run *run, const struct effect *effect)
{
    bool is_child = run->pipeline->nodes[effect->node].kind == NODE_WORKFLOW;
    HOLDS(is_child || run_watch_node(&run->watch, effect->frame, effect->node)->is_live);
}

/* ---- the cache ---- */

static void keep_entry(struct toy_world *world, const struct cache_entry *entry)
{
    world->cache =
        reserve(world->cache, &world->cache_cap, world->cache_count + 1, sizeof(*world->cache));
    struct toy_entry *kept = &world->cache[world->cache_count++];
    *kept = (struct toy_entry){.entry = *entry, .port = str_dup(entry->port)};
    kept->entry.output = cache_items_of(entry, world->records, world->record_count);
    HOLDS(kept->port != NULL && (kept->entry.output != NULL || entry->output == NULL));
}

static const struct toy_entry *find_newest(const struct toy_world *world,
                                           const struct toy_question *question)
{
    for (size_t i = world->cache_count; i > 0; i--) {
        const struct toy_entry *at = &world->cache[i - 1];
        if (strcmp(at->entry.key, question->key) == 0) {
            return at->entry.at_unix_ms >= question->after ? at : NULL;
        }
    }
    return NULL;
}

static void keep_question(struct toy_run *run, const struct effect *effect)
{
    struct toy_world *world = run->world;
    world->questions = reserve(world->questions, &world->question_cap, world->question_count + 1,
                               sizeof(*world->questions));
    struct toy_question *question = &world->questions[world->question_count++];
    *question = (struct toy_question){.run = run,
                                      .frame = effect->frame,
                                      .node = effect->node,
                                      .turn = effect->turn,
                                      .after = effect->at_unix_ms};
    (void)snprintf(question->key, sizeof(question->key), "%.*s",
                   STR_ARG(value_str(document_root(effect->config))));
}

static void keep_queue_effect(struct toy_run *run, const struct effect *effect)
{
    struct toy_world *world = run->world;
    struct strbuf config = STRBUF_INIT;
    world->queue_effects = reserve(world->queue_effects, &world->queue_effect_cap,
                                   world->queue_effect_count + 1, sizeof(*world->queue_effects));
    struct toy_queue_effect *kept = &world->queue_effects[world->queue_effect_count++];
    *kept = (struct toy_queue_effect){.run = run, .effect = *effect};
    kept->effect.config = NULL;
    if (effect->config != NULL) {
        json_write(document_root(effect->config), JSON_COMPACT, &config);
        HOLDS(strbuf_status(&config) == 0);
        kept->config = str_dup(strbuf_str(&config));
    }
    strbuf_finish(&config);
}

/* Returns true when the engine wants to go on. */
static bool carry_out(struct toy_run *run, const struct effect *effect)
{
    hold_promise(run_watch_effect(&run->watch, effect), __LINE__);
    switch (effect->type) {
    case EFFECT_START:
        start_task(run, effect);
        return false;
    case EFFECT_STOP:
        stop_task(run, effect);
        return false;
    case EFFECT_ARM_TIMER:
        arm_timer(run, effect);
        return false;
    case EFFECT_DISARM:
        disarm_timer(run, effect);
        return false;
    case EFFECT_RUN_ENDED:
        HOLDS(++run->ended_effects == 1 && run->watch.ends == 1);
        HOLDS(run->timer_count == 0);
        return false;
    case EFFECT_ASK_CACHE:
        keep_question(run, effect);
        return false;
    case EFFECT_ASK_QUEUE:
    case EFFECT_WORK_QUEUE:
    case EFFECT_END_QUEUE:
        keep_queue_effect(run, effect);
        return false;
    case EFFECT_CONTINUE:
        return true;
    case EFFECT_LOG: /* the watch has it */
    case EFFECT_CREDIT:
    case EFFECT_WANT_START:
    case EFFECT_RELEASE:
    case EFFECT_START_CHILD:
    case EFFECT_QUEUE:
    case EFFECT_UNDO_CHILD:
    case EFFECT_RUN_UNDONE:
        return false;
    }
    broken_promise("an effect is of a known type", __LINE__);
}

/* No timer outlives its frame. */
static void check_timers(struct toy_run *run)
{
    for (size_t i = 0; i < run->timer_count; i++) {
        HOLDS(run_watch_frame(&run->watch, run->timers[i].frame) != NULL);
    }
}

static void see_scope(struct toy_world *world, const struct scope_change *change)
{
    size_t i = 0;
    while (i < world->scope_count && (strcmp(change->kind, world->scopes[i].kind) != 0 ||
                                      !str_equal_text(change->key, world->scopes[i].key))) {
        i++;
    }
    if (i == world->scope_count) {
        world->scopes = reserve(world->scopes, &world->scope_cap, world->scope_count + 1,
                                sizeof(*world->scopes));
        world->scopes[world->scope_count++] =
            (struct toy_scope){.kind = change->kind, .key = str_dup(change->key)};
    }
    document_unref(world->scopes[i].state);
    world->scopes[i].state = document_ref(change->state);
    world->scope_changes++;
}

/* Takes the batch: its records are kept, its effects carried out. Runs that want to go on do. */
static void take_batch(struct toy_world *world, struct batch *batch)
{
    world->batches++;
    world->largest_batch = batch->record_count > world->largest_batch ? batch->record_count
                                                                      : world->largest_batch;
    for (size_t i = 0; i < batch->record_count; i++) {
        see_record(world, &batch->records[i]);
    }
    for (size_t i = 0; i < batch->scope_count; i++) {
        see_scope(world, &batch->scopes[i]);
    }
    for (size_t i = 0; i < batch->cache_count; i++) {
        keep_entry(world, &batch->caches[i]);
    }
    struct batch next = BATCH_INIT;
    struct error err = {0};
    for (size_t i = 0; i < batch->effect_count; i++) {
        const struct effect *effect = &batch->effects[i];
        if (carry_out(engine_run_user(effect->run), effect)) {
            HOLDS(engine_continue(world->engine, effect->run, world->now, &next, &err) == 0);
        }
    }
    for (size_t i = 0; i < batch->record_count; i++) {
        if (batch->records[i].type == RECORD_FRAME_ENDED) {
            check_timers(engine_run_user(batch->records[i].run));
        }
    }
    batch_finish(batch);
    *batch = next;
}

/* The oldest question, or none. */
static void answer_one(struct toy_world *world, struct batch *batch)
{
    struct toy_question question = world->questions[0];
    const struct toy_entry *found = find_newest(world, &question);
    struct run_event event = {.type = RUN_EVENT_CACHED,
                              .frame = question.frame,
                              .node = question.node,
                              .index = question.turn};
    if (found != NULL) {
        event.output = found->entry.output;
        event.port = str_from(found->port);
    }
    world->question_count--;
    memmove(world->questions, world->questions + 1,
            world->question_count * sizeof(*world->questions));
    HOLDS(engine_handle(world->engine, question.run->run, &event, world->now, batch, NULL) == 0);
}

static void take_all(struct toy_world *world, struct batch *batch)
{
    for (;;) {
        if (batch->record_count > 0 || batch->effect_count > 0 || batch->scope_count > 0) {
            take_batch(world, batch);
        } else if (world->question_count > 0 && !world->is_cache_slow) {
            answer_one(world, batch);
        } else {
            break;
        }
    }
    batch_finish(batch);
}

void toy_world_answer(struct toy_world *world)
{
    struct batch batch = BATCH_INIT;
    bool is_slow = world->is_cache_slow;
    world->is_cache_slow = false;
    take_all(world, &batch);
    world->is_cache_slow = is_slow;
}

void toy_world_take(struct toy_world *world, struct batch *batch)
{
    take_all(world, batch);
}

/* ---- the world ---- */

void toy_world_init(struct toy_world *world, const struct engine_options *options)
{
    struct error err = {0};
    *world = (struct toy_world){.now = (int64_t)TOY_WORLD_START * 1000};
    world->options = options != NULL ? *options : (struct engine_options){0};
    HOLDS(engine_create(&world->options, &world->engine, &err) == 0);
}

static void free_run(struct toy_run *run)
{
    run_watch_finish(&run->watch);
    document_unref(run->input);
    document_unref(run->output);
    document_unref(run->error);
    pipeline_unref(run->pipeline);
    free(run->timers);
    free(run->id);
    free(run);
}

void toy_world_finish(struct toy_world *world)
{
    for (size_t i = 0; i < world->run_count; i++) {
        const struct toy_run *run = world->runs[i];
        HOLDS(run_is_ended(run->run) == (run->watch.ends == 1));
        HOLDS(run->ended_effects == (int)run->watch.ends);
        HOLDS(toy_run_replay_agrees(run, true));
        HOLDS(toy_run_replay_agrees(run, false));
    }
    engine_destroy(world->engine);
    for (size_t i = 0; i < world->run_count; i++) {
        free_run(world->runs[i]);
    }
    for (size_t i = 0; i < world->record_count; i++) {
        document_unref(world->records[i].output);
        document_unref(world->records[i].error);
        document_unref(world->records[i].detail);
        document_unref(world->records[i].done);
        edge_set_finish(&world->records[i].taken);
    }
    for (size_t i = 0; i < world->scope_count; i++) {
        free(world->scopes[i].key);
        document_unref(world->scopes[i].state);
    }
    for (size_t i = 0; i < world->cache_count; i++) {
        document_unref(world->cache[i].entry.output);
        free(world->cache[i].port);
    }
    for (size_t i = 0; i < world->queue_effect_count; i++) {
        free(world->queue_effects[i].config);
    }
    free(world->queue_effects);
    free(world->cache);
    free(world->questions);
    free(world->scopes);
    free((void *)world->runs);
    free(world->records);
}

struct toy_run *toy_world_run_pipeline(struct toy_world *world, struct pipeline *pipeline,
                                       const char *input)
{
    struct toy_run *run =
        add_run(world, pipeline, pipeline_fixture_json(input != NULL ? input : "{}"));
    char id[32];
    (void)snprintf(id, sizeof(id), "run%zu", world->run_count);
    const struct engine_options *own = &world->options;
    struct run_options options = {
        .number = own->next_run != NULL ? own->next_run(own->user) : 0,
        .pipeline = pipeline,
        .input = run->input,
        .id = str_from(id),
        .triggered_by = STR("manual"),
        .user = run,
    };
    struct batch batch = BATCH_INIT;
    struct error err = {0};
    struct run *started = NULL;
    HOLDS(engine_start(world->engine, &options, world->now, &batch, &started, &err) == 0);
    take_all(world, &batch);
    run->run = started;
    return run;
}

struct toy_run *toy_world_run(struct toy_world *world, const char *yaml, const char *input)
{
    struct pipeline *pipeline = pipeline_fixture_load(yaml);
    struct toy_run *run = toy_world_run_pipeline(world, pipeline, input);
    pipeline_unref(pipeline);
    return run;
}

struct toy_run *toy_world_find(const struct toy_world *world, const char *id)
{
    for (size_t i = 0; i < world->run_count; i++) {
        if (str_equal_text(run_id(world->runs[i]->run), id)) {
            return world->runs[i];
        }
    }
    (void)fprintf(stderr, "the test is broken: no run '%s'\n", id);
    abort();
}

void toy_run_event(struct toy_run *run, const struct run_event *event)
{
    struct batch batch = BATCH_INIT;
    struct error err = {0};
    HOLDS(engine_handle(run->world->engine, run->run, event, run->world->now, &batch, &err) == 0);
    take_all(run->world, &batch);
}

/* ---- paths ---- */

static bool find_in_frame(const struct toy_run *run, uint64_t frame, const char *path,
                          uint32_t *out_node)
{
    const struct body *body = &run->pipeline->bodies[run_frame_body(run->run, frame)];
    for (uint32_t i = body->first_node; i < body->first_node + body->node_count; i++) {
        char *text = path_of(run, frame, i);
        bool is_it = strcmp(text, path) == 0;
        free(text);
        if (is_it) {
            *out_node = i;
            return true;
        }
    }
    return false;
}

/* A node whose frame lives. */
static bool find_live(const struct toy_run *run, const char *path, uint64_t *out_frame,
                      uint32_t *out_node)
{
    int64_t root = pipeline_find_node(run->pipeline, str_from(path));
    *out_frame = 0;
    if (root >= 0) {
        *out_node = (uint32_t)root;
        return true;
    }
    while (run_next_frame(run->run, out_frame)) {
        if (find_in_frame(run, *out_frame, path, out_node)) {
            return true;
        }
    }
    return false;
}

static struct watched_node *find_node(const struct toy_run *run, const char *path)
{
    struct run_watch *watch = &((struct toy_run *)(uintptr_t)run)->watch;
    uint64_t frame = 0;
    uint32_t node = 0;
    if (find_live(run, path, &frame, &node)) {
        return run_watch_node(watch, frame, node);
    }
    for (size_t i = watch->node_count; i > 0; i--) {
        const char *known = watch->nodes[i - 1]->path;
        if (known != NULL && strcmp(known, path) == 0) {
            return watch->nodes[i - 1];
        }
    }
    return NULL;
}

/* ---- events ---- */

/* The task's end, as an event for the attempt that runs. */
static struct run_event end_task(struct toy_run *run, const char *path, enum run_event_type type)
{
    struct watched_node *node = find_node(run, path);
    if (node == NULL || !node->is_live) {
        (void)fprintf(stderr, "no task of '%s' is at work\n", path);
        abort();
    }
    run_watch_task_ended(&run->watch, node);
    run->world->live--;
    return (struct run_event){
        .type = type, .frame = node->frame, .node = node->node, .attempt = node->attempt};
}

void toy_run_done_port(struct toy_run *run, const char *path, const char *port, const char *output)
{
    struct document *document = output != NULL ? pipeline_fixture_json(output) : NULL;
    struct run_event event = end_task(run, path, RUN_EVENT_DONE);
    event.port = str_from(port);
    event.output = document;
    toy_run_event(run, &event);
    document_unref(document);
}

void toy_run_done(struct toy_run *run, const char *path, const char *output)
{
    toy_run_done_port(run, path, "", output);
}

static void fail_task(struct toy_run *run, const char *path, const struct document *error)
{
    struct run_event event = end_task(run, path, RUN_EVENT_FAILED);
    event.error = error;
    toy_run_event(run, &event);
}

void toy_run_failed(struct toy_run *run, const char *path, const char *code)
{
    struct document *error = failure_create(code, STR("the toy broke"), NULL);
    fail_task(run, path, error);
    document_unref(error);
}

void toy_run_failed_with(struct toy_run *run, const char *path, const char *failure)
{
    const struct document *error = pipeline_fixture_json(failure);
    fail_task(run, path, error);
    document_unref(error);
}

void toy_run_emit(struct toy_run *run, const char *path, uint32_t count, const char *json)
{
    struct watched_node *node = find_node(run, path);
    HOLDS(node != NULL && node->is_live);
    HOLDS(count <= node->credits);
    const struct document **items = calloc((size_t)count + 1, sizeof(const struct document *));
    HOLDS(items != NULL);
    for (uint32_t i = 0; i < count; i++) {
        char number[16];
        (void)snprintf(number, sizeof(number), "%u", (unsigned)(node->emitted + i));
        items[i] = pipeline_fixture_json(json != NULL ? json : number);
    }
    struct run_event event = {.type = RUN_EVENT_ITEMS,
                              .frame = node->frame,
                              .node = node->node,
                              .attempt = node->attempt,
                              .items = items,
                              .item_count = count,
                              .index = node->emitted};
    node->credits -= count;
    node->emitted += count;
    toy_run_event(run, &event);
    for (uint32_t i = 0; i < count; i++) {
        document_unref(items[i]);
    }
    free((void *)items);
}

void toy_run_cancel(struct toy_run *run)
{
    toy_run_event(run, &(struct run_event){.type = RUN_EVENT_CANCEL, .reason = STOP_REQUESTED});
}

void toy_run_send(struct toy_run *run, const char *name, const char *data)
{
    struct document *document = data != NULL ? pipeline_fixture_json(data) : NULL;
    toy_run_event(run, &(struct run_event){
                           .type = RUN_EVENT_SIGNAL, .port = str_from(name), .output = document});
    document_unref(document);
}

static void pause_run(struct toy_run *run, enum run_event_type type)
{
    struct batch batch = BATCH_INIT;
    struct error err = {0};
    HOLDS(engine_pause(run->world->engine, run->run, type, run->world->now, &batch, &err) == 0);
    take_all(run->world, &batch);
}

void toy_run_pause(struct toy_run *run)
{
    pause_run(run, RUN_EVENT_PAUSE);
}

void toy_run_resume(struct toy_run *run)
{
    pause_run(run, RUN_EVENT_RESUME);
}

void toy_run_resolve(struct toy_run *run, const char *path, enum run_resolution resolution,
                     const char *output)
{
    struct run_event event = {.type = RUN_EVENT_RESOLVE, .resolution = resolution};
    struct document *document = NULL;
    HOLDS(find_live(run, path, &event.frame, &event.node));
    if (resolution == RUN_RESOLVE_FAIL) {
        document = failure_create(output, STR("nobody knows"), NULL);
        event.error = document;
    } else if (output != NULL) {
        document = pipeline_fixture_json(output);
        event.output = document;
    }
    toy_run_event(run, &event);
    document_unref(document);
}

/* ---- another process ---- */

static void restore_run(struct toy_world *world, struct toy_run *run)
{
    struct run_options options = {
        .number = run->number,
        .pipeline = run->pipeline,
        .id = str_from(run->id),
        .triggered_by = STR("manual"),
        .depth = run->depth,
        .has_rollback = run->has_rollback,
        .user = run,
    };
    struct error err = {0};
    const struct run *before = run->run;
    run->timer_count = 0;
    run_watch_crashed(&run->watch);
    if (run->caller != NULL) {
        run->call.run = run->caller->run;
    }
    HOLDS(engine_restore(world->engine, &options, run->caller != NULL ? &run->call : NULL,
                         &run->run, &err) == 0);
    for (size_t i = 0; i < world->record_count; i++) {
        struct record *record = &world->records[i];
        if (record->run != before) {
            continue;
        }
        record->run = run->run;
        hold_promise(run_rows_apply(run->run, record), __LINE__);
    }
}

/* No journal keeps them. */
static void drop_lazy_records(struct toy_world *world)
{
    size_t kept = 0;
    for (size_t i = 0; i < world->record_count; i++) {
        if (!record_is_lazy(&world->records[i])) {
            world->records[kept++] = world->records[i];
        }
    }
    world->record_count = kept;
}

static void restore_scopes(struct toy_world *world)
{
    for (size_t i = 0; i < world->scope_count; i++) {
        struct strbuf text = STRBUF_INIT;
        if (world->scopes[i].state == NULL) { /* it was forgotten */
            continue;
        }
        json_write(document_root(world->scopes[i].state), JSON_COMPACT, &text);
        bool is_breaker = strcmp(world->scopes[i].kind, ENGINE_SCOPE_BREAKER) == 0;
        HOLDS((is_breaker ? engine_restore_breaker
                          : engine_restore_limiter)(world->engine, str_from(world->scopes[i].key),
                                                    strbuf_str(&text), world->now, NULL) == 0);
        strbuf_finish(&text);
    }
}

void toy_world_crash(struct toy_world *world)
{
    struct engine *dead = world->engine;
    struct error err = {0};
    HOLDS(engine_create(&world->options, &world->engine, &err) == 0);
    restore_scopes(world);
    world->live = 0;
    world->question_count = 0;
    drop_lazy_records(world);
    for (size_t i = 0; i < world->run_count; i++) {
        restore_run(world, world->runs[i]);
    }
    engine_destroy(dead);
}

void toy_world_recover(struct toy_world *world)
{
    for (size_t i = 0; i < world->run_count; i++) {
        struct batch batch = BATCH_INIT;
        struct error err = {0};
        if (world->runs[i]->caller == NULL) {
            HOLDS(engine_recover(world->engine, world->runs[i]->run, world->now, &batch, &err) ==
                  0);
            take_all(world, &batch);
        }
    }
}

void toy_world_restart(struct toy_world *world)
{
    toy_world_crash(world);
    toy_world_recover(world);
}

/* The next timer that is due by `until`, taken out; false when there is none. */
static bool take_due(struct toy_world *world, int64_t until, struct toy_run **out_run,
                     struct toy_timer *out_timer)
{
    struct toy_run *due_run = NULL;
    size_t due = 0;
    for (size_t i = 0; i < world->run_count; i++) {
        struct toy_run *run = world->runs[i];
        for (size_t k = 0; k < run->timer_count; k++) {
            bool is_earlier = due_run == NULL || run->timers[k].at < due_run->timers[due].at;
            if (run->timers[k].at <= until && is_earlier) {
                due_run = run;
                due = k;
            }
        }
    }
    if (due_run == NULL) {
        return false;
    }
    *out_run = due_run;
    *out_timer = due_run->timers[due];
    due_run->timers[due] = due_run->timers[--due_run->timer_count];
    return true;
}

static void tick(struct toy_world *world)
{
    struct batch batch = BATCH_INIT;
    HOLDS(engine_tick(world->engine, world->now, &batch, NULL) == 0);
    take_all(world, &batch);
}

void toy_world_pass(struct toy_world *world, int64_t ms)
{
    struct toy_run *run = NULL;
    struct toy_timer timer = {0};
    int64_t until = world->now + ms;
    for (;;) {
        int64_t shared = engine_next_due(world->engine);
        if (take_due(world, shared < until ? shared : until, &run, &timer)) {
            world->now = timer.at > world->now ? timer.at : world->now;
            toy_run_event(run, &(struct run_event){.type = RUN_EVENT_TIMER,
                                                   .frame = timer.frame,
                                                   .node = timer.node,
                                                   .attempt = timer.attempt,
                                                   .timer = timer.kind});
        } else if (shared <= until) {
            world->now = shared > world->now ? shared : world->now;
            tick(world);
        } else {
            break;
        }
    }
    world->now = until;
}

/* ---- questions ---- */

struct run_node_view toy_run_view(const struct toy_run *run, const char *path)
{
    uint64_t frame = 0;
    uint32_t node = 0;
    return find_live(run, path, &frame, &node) ? run_frame_node(run->run, frame, node)
                                               : (struct run_node_view){0};
}

const struct watched_node *toy_run_node(const struct toy_run *run, const char *path)
{
    static const struct watched_node none;
    const struct watched_node *node = find_node(run, path);
    return node != NULL ? node : &none;
}

const char *toy_run_state(const struct toy_run *run, const char *path)
{
    return node_state_name(toy_run_view(run, path).state);
}

bool toy_run_is_live(const struct toy_run *run, const char *path)
{
    return toy_run_node(run, path)->is_live;
}

size_t toy_run_timer_count(const struct toy_run *run)
{
    return run->timer_count;
}

/* ---- replay ---- */

bool toy_run_replay_agrees(const struct toy_run *run, bool with_lazy_records)
{
    const struct toy_world *world = run->world;
    struct run_options options = {
        .pipeline = run->pipeline,
        .input = run->input,
        .id = run_id(run->run),
        .triggered_by = STR("manual"),
        .has_rollback = run_has_rollback(run->run),
    };
    struct error err = {0};
    struct run *replayed = NULL;
    char text[400];
    HOLDS(run_create(&options, &replayed, &err) == 0);
    for (size_t i = 0; i < world->record_count; i++) {
        bool is_lazy = world->records[i].type == RECORD_NODE_QUEUED;
        if (world->records[i].run == run->run && (with_lazy_records || !is_lazy)) {
            run_apply(replayed, &world->records[i]);
        }
    }
    bool agrees = run_compare(run->run, replayed,
                              with_lazy_records ? RUN_COMPARE_ALL : RUN_COMPARE_NO_LAZY, text,
                              sizeof(text));
    if (!agrees) {
        struct str id = run_id(run->run);
        (void)fprintf(stderr, "the replay of run '%.*s' differs: %s\n", STR_ARG(id), text);
    }
    run_destroy(replayed);
    return agrees;
}
