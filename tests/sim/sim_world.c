/* SPDX-License-Identifier: Apache-2.0 */
/* What happens in the simulated world, and when. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/engine/failure.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_store.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/random_pipeline.h"
#include "tests/support/random_workflows.h"

enum {
    LAST_WORD_MS = 120000, /* when operators cancel whatever still runs */
    SHUTDOWN_MS = 160000,  /* and its endings */
    GRACE_MS = 10000,      /* the longest that a task may take to stop */
    MOST_ITEMS = 12,       /* that a task emits at once */
};

/* A batch between the engine and the store's answer. */
struct commit {
    struct sim *sim;
    struct batch batch;
};

void sim_schedule(struct sim *sim, struct sim_event event)
{
    struct sim_event *events =
        array_reserve(sim->events, &sim->event_cap, sim->event_count + 1, sizeof(*events));
    SIM_HOLDS(sim, events != NULL);
    sim->events = events;
    event.order = sim->next_order++;
    events[sim->event_count++] = event;
}

static int64_t later(struct sim *sim, uint32_t most_ms)
{
    return sim->now + random_below(&sim->random, most_ms + 1);
}

/* ---- runs ---- */

static struct sim_run *add_run(struct sim *sim, struct pipeline *pipeline, struct document *input)
{
    struct sim_run *run = calloc(1, sizeof(*run));
    SIM_HOLDS(sim, run != NULL);
    struct sim_run **runs = array_reserve((void *)sim->runs, &sim->run_cap, sim->run_count + 1,
                                          sizeof(struct sim_run *));
    SIM_HOLDS(sim, runs != NULL);
    *run = (struct sim_run){
        .sim = sim, .index = (uint32_t)sim->run_count, .pipeline = pipeline, .input = input};
    run_watch_init(&run->watch, pipeline);
    sim->runs = runs;
    runs[sim->run_count++] = run;
    return run;
}

static void schedule_end(struct sim *sim, uint32_t run)
{
    int64_t begin = INT64_C(1700000000000);
    sim_schedule(sim,
                 (struct sim_event){.at = begin + LAST_WORD_MS, .type = SIM_CANCEL, .run = run});
    sim_schedule(sim,
                 (struct sim_event){.at = begin + SHUTDOWN_MS, .type = SIM_SHUTDOWN, .run = run});
}

/* A child is first heard of when its start is recorded. */
static struct sim_run *run_of(struct sim *sim, struct run *run, const struct document *input)
{
    struct sim_run *known = engine_run_user(run);
    if (known == NULL) {
        known = add_run(sim, pipeline_ref(run_pipeline(run)), document_ref(input));
        known->is_child = true;
        engine_set_run_user(run, known);
        schedule_end(sim, known->index);
    }
    known->run = run;
    return known;
}

/* ---- plugins ---- */

static void schedule_report(struct sim_run *run, const struct effect *effect, int64_t at)
{
    struct sim *sim = run->sim;
    sim_schedule(sim, (struct sim_event){
                          .at = at,
                          .type = random_percent(&sim->random, 88) ? SIM_DONE : SIM_FAILED,
                          .run = run->index,
                          .frame = effect->frame,
                          .node = effect->node,
                          .attempt = effect->attempt,
                      });
}

static void schedule_items(struct sim_run *run, uint64_t frame, uint32_t node, uint32_t attempt)
{
    struct sim *sim = run->sim;
    sim_schedule(sim, (struct sim_event){
                          .at = later(sim, 300),
                          .type = SIM_ITEMS,
                          .run = run->index,
                          .frame = frame,
                          .node = node,
                          .attempt = attempt,
                      });
}

static void start_task(struct sim_run *run, const struct effect *effect)
{
    struct sim *sim = run->sim;
    sim->starts++;
    uint32_t dice = random_below(&sim->random, 100);
    if (run->pipeline->nodes[effect->node].has_readers) {
        schedule_items(run, effect->frame, effect->node, effect->attempt);
    }
    if (dice < 4) {
        return; /* never reports by itself */
    }
    uint32_t most_ms = dice < 15 ? 20000 : 800;
    schedule_report(run, effect, later(sim, most_ms));
    if (dice >= 90) {
        schedule_report(run, effect, later(sim, most_ms));
    }
}

/* Whoever was told to stop ends within the grace; most at once, and some well. */
static void stop_task(struct sim_run *run, const struct effect *effect)
{
    struct sim *sim = run->sim;
    if (run->pipeline->nodes[effect->node].kind != NODE_PLUGIN) {
        return; /* a child run: the engine has told it */
    }
    bool is_quick = random_percent(&sim->random, 70);
    schedule_report(run, effect, later(sim, is_quick ? 30 : GRACE_MS));
}

/* ---- effects ---- */

static void arm(struct sim_run *run, const struct effect *effect)
{
    sim_schedule(run->sim, (struct sim_event){
                               .at = effect->at_unix_ms + random_below(&run->sim->random, 50),
                               .type = SIM_TIMER,
                               .run = run->index,
                               .frame = effect->frame,
                               .node = effect->node,
                               .attempt = effect->attempt,
                               .timer = effect->timer,
                           });
}

static void disarm(struct sim_run *run, const struct effect *effect)
{
    struct sim *sim = run->sim;
    if (random_percent(&sim->random, 20)) {
        return; /* it fires all the same */
    }
    for (size_t i = 0; i < sim->event_count; i++) {
        const struct sim_event *event = &sim->events[i];
        if (event->type == SIM_TIMER && event->run == run->index && event->frame == effect->frame &&
            event->node == effect->node && event->timer == effect->timer) {
            sim->events[i] = sim->events[--sim->event_count];
            return;
        }
    }
}

static void submit(struct commit *commit);

static struct commit *commit_create(struct sim *sim)
{
    struct commit *commit = calloc(1, sizeof(*commit));
    SIM_HOLDS(sim, commit != NULL);
    commit->sim = sim;
    return commit;
}

static void go_on(struct sim_run *run)
{
    struct error err = {0};
    struct commit *commit = commit_create(run->sim);
    run->has_continue = false;
    int status = engine_continue(run->sim->engine, run->run, run->sim->now, &commit->batch, &err);
    SIM_HOLDS(run->sim, status == 0);
    submit(commit);
}

static void carry_out(struct sim_run *run, const struct effect *effect)
{
    sim_check_effect(run, effect);
    switch (effect->type) {
    case EFFECT_START:
        start_task(run, effect);
        return;
    case EFFECT_STOP:
        stop_task(run, effect);
        return;
    case EFFECT_ARM_TIMER:
        arm(run, effect);
        return;
    case EFFECT_DISARM:
        disarm(run, effect);
        return;
    case EFFECT_RUN_ENDED:
        run->is_told = true;
        run->told_state = run_state(run->run);
        return;
    case EFFECT_CONTINUE:
        go_on(run);
        return;
    case EFFECT_CREDIT: /* the watch counts it */
    case EFFECT_WANT_START:
    case EFFECT_RELEASE:
    case EFFECT_START_CHILD:
    case EFFECT_UNDO_CHILD:
    case EFFECT_RUN_UNDONE:
        return; /* the engine's */
    }
}

/* A run that its caller may have undone, as long as the caller's own end was not told. */
static bool is_needed(const struct sim_run *run)
{
    struct engine_call call = {0};
    bool is_kept = engine_keeps(run->run);
    while (is_kept && engine_find_call(run->run, &call)) {
        run = engine_run_user(call.run);
        if (!run->is_told) {
            return true;
        }
        is_kept = engine_keeps(run->run);
    }
    return false;
}

/* Child runs that nobody needs any more. */
static void give_up_ended(struct sim *sim)
{
    for (size_t i = 0; i < sim->run_count; i++) {
        struct sim_run *run = sim->runs[i];
        if (run->run != NULL && run->is_child && run->is_told && !is_needed(run)) {
            sim_check_ended(run);
            engine_remove(sim->engine, run->run);
            run->run = NULL;
        }
    }
}

static void on_durable(void *user, int status)
{
    struct commit *commit = user;
    SIM_HOLDS(commit->sim, status == 0);
    for (size_t i = 0; i < commit->batch.effect_count; i++) {
        const struct effect *effect = &commit->batch.effects[i];
        carry_out(engine_run_user(effect->run), effect);
    }
    batch_finish(&commit->batch);
    free(commit);
}

/* ---- events for the engine ---- */

static void submit(struct commit *commit)
{
    struct sim *sim = commit->sim;
    if (commit->batch.record_count == 0 && commit->batch.effect_count == 0) {
        batch_finish(&commit->batch);
        free(commit);
        return;
    }
    for (size_t i = 0; i < commit->batch.record_count; i++) {
        const struct record *record = &commit->batch.records[i];
        sim_check_record(run_of(sim, record->run, record->output), record);
    }
    for (size_t i = 0; i < commit->batch.effect_count; i++) {
        const struct effect *effect = &commit->batch.effects[i];
        struct sim_run *run = engine_run_user(effect->run);
        run->has_continue = run->has_continue || effect->type == EFFECT_CONTINUE;
    }
    SIM_HOLDS(sim, journal_append(sim->store, &commit->batch, on_durable, commit, NULL) == 0);
}

static void tell_engine(struct sim_run *run, const struct run_event *event)
{
    struct error err = {0};
    struct commit *commit = commit_create(run->sim);
    int status =
        engine_handle(run->sim->engine, run->run, event, run->sim->now, &commit->batch, &err);
    SIM_HOLDS(run->sim, status == 0);
    submit(commit);
}

static void start_run(struct sim *sim, struct sim_run *run)
{
    char id[32];
    (void)snprintf(id, sizeof(id), "run-%u", run->index);
    struct run_options options = {
        .pipeline = run->pipeline,
        .input = run->input,
        .id = str_from(id),
        .triggered_by = STR("manual"),
        .user = run,
    };
    struct error err = {0};
    struct commit *commit = commit_create(sim);
    int status = engine_start(sim->engine, &options, sim->now, &commit->batch, &run->run, &err);
    SIM_HOLDS(sim, status == 0);
    submit(commit);
}

/* A plugin reports; the second time it only bothers the engine. */
static void report(struct sim *sim, struct sim_run *run, const struct sim_event *event)
{
    static const char *const ports[] = {"", "", "left", "right", "nobody's"};
    static const char *const outputs[] = {"{\"x\": 1}", "{\"event\": \"left\"}", "[1, null]"};
    struct document *output = pipeline_fixture_json(outputs[random_below(&sim->random, 3)]);
    struct document *error = failure_create("BROKEN", STR("the toy broke"), NULL);
    struct watched_node *task = run_watch_node(&run->watch, event->frame, event->node);
    if (task->attempt == event->attempt) {
        run_watch_task_ended(&run->watch, task);
    }
    tell_engine(run, &(struct run_event){
                         .type = event->type == SIM_DONE ? RUN_EVENT_DONE : RUN_EVENT_FAILED,
                         .frame = event->frame,
                         .node = event->node,
                         .attempt = event->attempt,
                         .port = str_from(ports[random_below(&sim->random, 5)]),
                         .output = output,
                         .error = error,
                     });
    document_unref(output);
    document_unref(error);
}

/* As many items as the task has credit for, at most; one that has ended says nothing any more. */
static void emit(struct sim *sim, struct sim_run *run, const struct sim_event *event)
{
    const struct document *items[MOST_ITEMS];
    struct watched_node *task = run_watch_node(&run->watch, event->frame, event->node);
    uint32_t count = random_below(&sim->random, MOST_ITEMS + 1);
    if (!task->is_live || task->attempt != event->attempt) {
        return;
    }
    count = count < task->credits ? count : task->credits;
    for (uint32_t i = 0; i < count; i++) {
        char number[16];
        (void)snprintf(number, sizeof(number), "%u", (unsigned)(task->emitted + i));
        items[i] = pipeline_fixture_json(number);
    }
    struct run_event emitted = {.type = RUN_EVENT_ITEMS,
                                .frame = event->frame,
                                .node = event->node,
                                .attempt = event->attempt,
                                .items = items,
                                .item_count = count,
                                .index = task->emitted};
    task->credits -= count;
    task->emitted += count;
    tell_engine(run, &emitted);
    for (uint32_t i = 0; i < count; i++) {
        document_unref(items[i]);
    }
    if (random_percent(&sim->random, 80)) {
        schedule_items(run, event->frame, event->node, event->attempt);
    }
}

static void send_signal(struct sim *sim, struct sim_run *run)
{
    static const char *const names[] = {"go", "go", "stop", "other"};
    static const char *const data[] = {"1", "2", "null"};
    struct document *output = pipeline_fixture_json(data[random_below(&sim->random, 20) % 3]);
    tell_engine(run, &(struct run_event){.type = RUN_EVENT_SIGNAL,
                                         .port = str_from(names[random_below(&sim->random, 4)]),
                                         .output = output});
    document_unref(output);
}

static void on_wake(void *user)
{
    struct sim *sim = user;
    sim_schedule(sim, (struct sim_event){.at = later(sim, 20), .type = SIM_COMMIT});
}

/* A commit takes some or all of what waits; what is left over has a commit of its own to come. */
static void commit_some(struct sim *sim)
{
    size_t waiting = sim_store_waiting(sim->store);
    if (waiting == 0) {
        return;
    }
    sim_store_commit(sim->store, 1 + random_below(&sim->random, (uint32_t)waiting));
    give_up_ended(sim);
    if (sim_store_waiting(sim->store) > 0) {
        on_wake(sim);
    }
}

static void tell_run(struct sim *sim, struct sim_run *run, const struct sim_event *event)
{
    struct run_event cancel = {.type = RUN_EVENT_CANCEL, .reason = STOP_REQUESTED};
    switch (event->type) {
    case SIM_DONE:
    case SIM_FAILED:
        report(sim, run, event);
        return;
    case SIM_ITEMS:
        emit(sim, run, event);
        return;
    case SIM_TIMER:
        tell_engine(run, &(struct run_event){.type = RUN_EVENT_TIMER,
                                             .frame = event->frame,
                                             .node = event->node,
                                             .attempt = event->attempt,
                                             .timer = event->timer});
        return;
    case SIM_SIGNAL:
        send_signal(sim, run);
        return;
    case SIM_SHUTDOWN:
        cancel.reason = STOP_SHUTDOWN;
        tell_engine(run, &cancel);
        return;
    case SIM_CANCEL:
        tell_engine(run, &cancel);
        return;
    case SIM_START:
    case SIM_COMMIT:
    case SIM_CRASH:
        return;
    }
}

void sim_world_handle(struct sim *sim, const struct sim_event *event)
{
    struct sim_run *run = sim->runs[event->run];
    if (event->type == SIM_START) {
        start_run(sim, run);
    } else if (event->type == SIM_COMMIT) {
        commit_some(sim);
    } else if (event->type == SIM_CRASH) {
        sim_check_crash(sim);
    } else if (run->run != NULL) {
        tell_run(sim, run, event);
    }
}

/* ---- the beginning ---- */

static void make_run(struct sim *sim, uint32_t index)
{
    struct strbuf yaml = STRBUF_INIT;
    char input[64];
    if (random_percent(&sim->random, 25)) {
        random_pipeline_write(&sim->random, &yaml);
    } else {
        random_workflows_write(&sim->random, &yaml);
    }
    (void)snprintf(input, sizeof(input), "{\"n\": %u, \"zero\": 0, \"l\": [[1, 2], [], [3]]}",
                   random_below(&sim->random, 12));
    if (sim->has_trace) {
        printf("run %u, input %s:\n%.*s\n", index, input, (int)yaml.n, yaml.p);
        (void)fflush(stdout);
    }
    (void)add_run(sim, pipeline_fixture_load_str(strbuf_str(&yaml)), pipeline_fixture_json(input));
    strbuf_finish(&yaml);
}

static void schedule_run(struct sim *sim, uint32_t index)
{
    sim_schedule(sim, (struct sim_event){.at = later(sim, 3000), .type = SIM_START, .run = index});
    schedule_end(sim, index);
    if (random_percent(&sim->random, 25)) {
        sim_schedule(sim,
                     (struct sim_event){.at = later(sim, 6000), .type = SIM_CANCEL, .run = index});
    }
    if (random_percent(&sim->random, 20)) {
        sim_schedule(sim,
                     (struct sim_event){.at = later(sim, 12000), .type = SIM_CANCEL, .run = index});
    }
    for (uint32_t i = random_below(&sim->random, 8); i > 0; i--) {
        sim_schedule(sim,
                     (struct sim_event){.at = later(sim, 12000), .type = SIM_SIGNAL, .run = index});
    }
}

void sim_world_begin(struct sim *sim)
{
    struct error err = {0};
    sim->now = INT64_C(1700000000000);
    SIM_HOLDS(sim, engine_create(&(struct engine_options){0}, &sim->engine, &err) == 0);
    sim->store = sim_store_open(on_wake, sim);
    SIM_HOLDS(sim, sim->store != NULL);
    uint32_t runs = 1 + random_below(&sim->random, 6);
    for (uint32_t i = 0; i < runs; i++) {
        make_run(sim, i);
        schedule_run(sim, i);
    }
    for (uint32_t i = 0; i < 20; i++) {
        sim_schedule(sim, (struct sim_event){.at = later(sim, 12000), .type = SIM_CRASH});
    }
}
