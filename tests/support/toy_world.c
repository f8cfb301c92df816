/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/toy_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/engine/failure.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/support/pipeline_fixture.h"

#define HOLDS(condition) ((condition) ? (void)0 : broken_promise(#condition, __LINE__))

_Noreturn static void broken_promise(const char *promise, int line)
{
    (void)fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, line, promise);
    abort();
}

static void *reserve(void *items, size_t *cap, size_t count, size_t size)
{
    void *grown = array_reserve(items, cap, count, size);
    HOLDS(grown != NULL);
    return grown;
}

/* ---- records ---- */

static void keep_record(struct toy_world *world, const struct record *record)
{
    world->records = reserve(world->records, &world->record_cap, world->record_count + 1,
                             sizeof(*world->records));
    struct record *kept = &world->records[world->record_count++];
    *kept = *record;
    (void)document_ref(record->output);
    (void)document_ref(record->error);
    (void)document_ref(record->detail);
    HOLDS(edge_set_copy(&record->taken, &kept->taken) == 0);
}

static void check_node_end(struct toy_run *run, const struct record *record)
{
    struct toy_node *node = &run->nodes[record->node];
    HOLDS(++node->ends == 1);
    HOLDS(!node->is_live); /* its task has ended first */
    HOLDS(run->ends == 0);
    bool is_output_fit = record->output == NULL || record->node_state == NODE_COMPLETED;
    HOLDS(is_output_fit);
    HOLDS(record->node_state != NODE_FAILED || record->error != NULL);
    if (run->pipeline->bodies[0].kind == BODY_STATES && !run->is_stopping) {
        node->ends = 0; /* a state may be visited again */
    }
}

static void check_record(struct toy_run *run, const struct record *record)
{
    if (record->frame != 0) {
        return;
    }
    switch (record->type) {
    case RECORD_RUN_STARTED:
        HOLDS(run->run == NULL && run->ends == 0);
        return;
    case RECORD_NODE_QUEUED:
    case RECORD_NODE_STARTED:
        HOLDS(!run->is_stopping && run->nodes[record->node].ends == 0);
        return;
    case RECORD_NODE_STOPPING:
        HOLDS(run->nodes[record->node].ends == 0);
        return;
    case RECORD_NODE_ENDED:
        check_node_end(run, record);
        return;
    case RECORD_NODE_AGAIN:
    case RECORD_NODE_DUE:
    case RECORD_FRAME_STARTED:
    case RECORD_FRAME_STOPPING:
    case RECORD_FRAME_ENDED:
    case RECORD_LOOP_REDUCED:
    case RECORD_SIGNAL:
    case RECORD_SIGNAL_TAKEN:
    case RECORD_SIGNALS_SEEN:
    case RECORD_RUN_ENDING:
    case RECORD_CHILD_UNDOING:
    case RECORD_CHILD_UNDONE:
    case RECORD_ENDINGS_DROPPED:
    case RECORD_RUN_UNDOING:
    case RECORD_RUN_UNDONE:
        return;
    case RECORD_RUN_STOPPING:
        HOLDS(!run->is_stopping && run->ends == 0);
        run->is_stopping = true;
        return;
    case RECORD_RUN_ENDED:
        HOLDS(++run->ends == 1);
        run->end_state = record->run_state;
        run->output = document_ref(record->output);
        run->error = document_ref(record->error);
        return;
    }
    broken_promise("a record is of a known type", __LINE__);
}

/* ---- effects ---- */

static void start_task(struct toy_run *run, const struct effect *effect)
{
    struct toy_node *node = &run->nodes[effect->node];
    HOLDS(!node->is_live && effect->config != NULL);
    document_unref(node->config);
    node->config = document_ref(effect->config);
    node->is_live = true;
    node->attempt = effect->attempt;
    node->starts++;
    struct toy_world *world = run->world;
    world->live++;
    world->most_live = world->live > world->most_live ? world->live : world->most_live;
}

static void arm_timer(struct toy_run *run, const struct effect *effect)
{
    run->timers = reserve(run->timers, &run->timer_cap, run->timer_count + 1, sizeof(*run->timers));
    run->timers[run->timer_count++] = (struct toy_timer){.node = effect->node,
                                                         .attempt = effect->attempt,
                                                         .kind = effect->timer,
                                                         .at = effect->at_unix_ms};
}

static void disarm_timer(struct toy_run *run, const struct effect *effect)
{
    for (size_t i = 0; i < run->timer_count; i++) {
        if (run->timers[i].node == effect->node && run->timers[i].kind == effect->timer) {
            run->timers[i] = run->timers[--run->timer_count];
            return;
        }
    }
}

/* Returns true when the engine wants to go on. */
static bool carry_out(struct toy_run *run, const struct effect *effect)
{
    switch (effect->type) {
    case EFFECT_START:
        start_task(run, effect);
        return false;
    case EFFECT_STOP:
        HOLDS(run->nodes[effect->node].is_live);
        HOLDS(run->nodes[effect->node].attempt == effect->attempt);
        run->nodes[effect->node].stopped = (int)effect->reason;
        return false;
    case EFFECT_ARM_TIMER:
        arm_timer(run, effect);
        return false;
    case EFFECT_DISARM:
        disarm_timer(run, effect);
        return false;
    case EFFECT_RUN_ENDED:
        HOLDS(++run->ended_effects == 1 && run->ends == 1);
        return false;
    case EFFECT_CONTINUE:
        return true;
    case EFFECT_WANT_START:
    case EFFECT_RELEASE:
    case EFFECT_START_CHILD:
    case EFFECT_UNDO_CHILD:
    case EFFECT_RUN_UNDONE:
        return false;
    }
    broken_promise("an effect is of a known type", __LINE__);
}

/* Takes the batch: its records are kept, its effects carried out. Runs that want to go on do. */
static void take_batch(struct toy_world *world, struct batch *batch)
{
    world->batches++;
    world->largest_batch = batch->record_count > world->largest_batch ? batch->record_count
                                                                      : world->largest_batch;
    for (size_t i = 0; i < batch->record_count; i++) {
        check_record(engine_run_user(batch->records[i].run), &batch->records[i]);
        keep_record(world, &batch->records[i]);
    }
    struct batch next = BATCH_INIT;
    struct error err = {0};
    for (size_t i = 0; i < batch->effect_count; i++) {
        const struct effect *effect = &batch->effects[i];
        if (carry_out(engine_run_user(effect->run), effect)) {
            HOLDS(engine_continue(world->engine, effect->run, world->now, &next, &err) == 0);
        }
    }
    batch_finish(batch);
    *batch = next;
}

static void take_all(struct toy_world *world, struct batch *batch)
{
    while (batch->record_count > 0 || batch->effect_count > 0) {
        take_batch(world, batch);
    }
    batch_finish(batch);
}

/* ---- the world ---- */

void toy_world_init(struct toy_world *world, const struct engine_options *options)
{
    struct engine_options defaults = {0};
    struct error err = {0};
    *world = (struct toy_world){.now = (int64_t)TOY_WORLD_START * 1000};
    HOLDS(engine_create(options != NULL ? options : &defaults, &world->engine, &err) == 0);
}

static void free_run(struct toy_run *run)
{
    for (uint32_t i = 0; i < run->pipeline->node_count; i++) {
        document_unref(run->nodes[i].config);
    }
    document_unref(run->input);
    document_unref(run->output);
    document_unref(run->error);
    pipeline_unref(run->pipeline);
    free(run->nodes);
    free(run->timers);
    free(run);
}

void toy_world_finish(struct toy_world *world)
{
    for (size_t i = 0; i < world->run_count; i++) {
        const struct toy_run *run = world->runs[i];
        HOLDS(run_is_ended(run->run) == (run->ends == 1));
        HOLDS(run->ended_effects == run->ends);
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
        edge_set_finish(&world->records[i].taken);
    }
    free(world->runs);
    free(world->records);
}

struct toy_run *toy_world_run_pipeline(struct toy_world *world, struct pipeline *pipeline,
                                       const char *input)
{
    struct toy_run *run = calloc(1, sizeof(*run));
    HOLDS(run != NULL);
    run->world = world;
    run->pipeline = pipeline_ref(pipeline);
    run->input = pipeline_fixture_json(input != NULL ? input : "{}");
    run->nodes = calloc((size_t)pipeline->node_count + 1, sizeof(*run->nodes));
    HOLDS(run->nodes != NULL);
    world->runs = reserve(world->runs, &world->run_cap, world->run_count + 1, sizeof(void *));
    world->runs[world->run_count++] = run;
    char id[32];
    (void)snprintf(id, sizeof(id), "run%zu", world->run_count);
    struct run_options options = {
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

void toy_run_event(struct toy_run *run, const struct run_event *event)
{
    struct batch batch = BATCH_INIT;
    struct error err = {0};
    HOLDS(engine_handle(run->world->engine, run->run, event, run->world->now, &batch, &err) == 0);
    take_all(run->world, &batch);
}

/* The task's end, as an event for the attempt that runs. */
static struct run_event end_task(struct toy_run *run, const char *id, enum run_event_type type)
{
    uint32_t node = pipeline_fixture_node(run->pipeline, id);
    HOLDS(run->nodes[node].is_live);
    run->nodes[node].is_live = false;
    run->world->live--;
    return (struct run_event){.type = type, .node = node, .attempt = run->nodes[node].attempt};
}

void toy_run_done_port(struct toy_run *run, const char *id, const char *port, const char *output)
{
    struct document *document = output != NULL ? pipeline_fixture_json(output) : NULL;
    struct run_event event = end_task(run, id, RUN_EVENT_DONE);
    event.port = str_from(port);
    event.output = document;
    toy_run_event(run, &event);
    document_unref(document);
}

void toy_run_done(struct toy_run *run, const char *id, const char *output)
{
    toy_run_done_port(run, id, "", output);
}

void toy_run_failed(struct toy_run *run, const char *id, const char *code)
{
    struct document *error = failure_create(code, STR("the toy broke"), NULL);
    struct run_event event = end_task(run, id, RUN_EVENT_FAILED);
    event.error = error;
    toy_run_event(run, &event);
    document_unref(error);
}

void toy_run_cancel(struct toy_run *run)
{
    toy_run_event(run, &(struct run_event){.type = RUN_EVENT_CANCEL, .reason = STOP_REQUESTED});
}

/* The next timer that is due, taken out; false when there is none. */
static bool take_due(struct toy_world *world, struct toy_run **out_run, struct toy_timer *out_timer)
{
    struct toy_run *due_run = NULL;
    size_t due = 0;
    for (size_t i = 0; i < world->run_count; i++) {
        struct toy_run *run = world->runs[i];
        for (size_t k = 0; k < run->timer_count; k++) {
            bool is_earlier = due_run == NULL || run->timers[k].at < due_run->timers[due].at;
            if (run->timers[k].at <= world->now && is_earlier) {
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

void toy_world_pass(struct toy_world *world, int64_t ms)
{
    struct toy_run *run = NULL;
    struct toy_timer timer = {0};
    world->now += ms;
    while (take_due(world, &run, &timer)) {
        toy_run_event(run, &(struct run_event){.type = RUN_EVENT_TIMER,
                                               .node = timer.node,
                                               .attempt = timer.attempt,
                                               .timer = timer.kind});
    }
}

/* ---- questions ---- */

struct run_node_view toy_run_view(const struct toy_run *run, const char *id)
{
    return run_node(run->run, pipeline_fixture_node(run->pipeline, id));
}

const struct toy_node *toy_run_node(const struct toy_run *run, const char *id)
{
    return &run->nodes[pipeline_fixture_node(run->pipeline, id)];
}

const char *toy_run_state(const struct toy_run *run, const char *id)
{
    return node_state_name(toy_run_view(run, id).state);
}

bool toy_run_is_live(const struct toy_run *run, const char *id)
{
    return toy_run_node(run, id)->is_live;
}

size_t toy_run_timer_count(const struct toy_run *run)
{
    return run->timer_count;
}

/* ---- replay ---- */

static bool is_same_document(const struct document *a, const struct document *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    return value_equal(document_root(a), document_root(b));
}

static bool node_agrees(const struct toy_run *run, const struct run *replayed, uint32_t i,
                        bool with_lazy_records)
{
    struct run_node_view live = run_node(run->run, i);
    struct run_node_view again = run_node(replayed, i);
    if (!with_lazy_records && live.state == NODE_QUEUED) {
        live.state = NODE_READY; /* it will ask again */
    }
    bool agrees = live.state == again.state && live.attempt == again.attempt &&
                  live.outcome == again.outcome &&
                  live.ready_at_unix_ms == again.ready_at_unix_ms &&
                  live.started_at_unix_ms == again.started_at_unix_ms &&
                  live.ended_at_unix_ms == again.ended_at_unix_ms &&
                  is_same_document(live.output, again.output) &&
                  is_same_document(live.error, again.error);
    if (!agrees) {
        (void)fprintf(stderr, "node '%.*s' was %s (attempt %u), its replay is %s (attempt %u)\n",
                      STR_ARG(run->pipeline->nodes[i].id), node_state_name(live.state),
                      live.attempt, node_state_name(again.state), again.attempt);
    }
    return agrees;
}

bool toy_run_replay_agrees(const struct toy_run *run, bool with_lazy_records)
{
    const struct toy_world *world = run->world;
    struct run_options options = {
        .pipeline = run->pipeline,
        .input = run->input,
        .id = run_id(run->run),
        .triggered_by = STR("manual"),
    };
    struct error err = {0};
    struct run *replayed = NULL;
    HOLDS(run_create(&options, &replayed, &err) == 0);
    for (size_t i = 0; i < world->record_count; i++) {
        bool is_lazy = world->records[i].type == RECORD_NODE_QUEUED;
        if (world->records[i].run == run->run && (with_lazy_records || !is_lazy)) {
            run_apply(replayed, &world->records[i]);
        }
    }
    bool agrees = run_state(run->run) == run_state(replayed) &&
                  run_started_at(run->run) == run_started_at(replayed);
    for (uint32_t i = 0; i < run->pipeline->bodies[0].node_count; i++) {
        agrees = node_agrees(run, replayed, i, with_lazy_records) && agrees;
    }
    run_destroy(replayed);
    return agrees;
}
