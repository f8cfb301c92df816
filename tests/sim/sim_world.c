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

enum {
    LAST_WORD_MS = 120000, /* when operators cancel whatever still runs */
    GRACE_MS = 10000,      /* the longest that a task may take to stop */
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

/* ---- plugins ---- */

static void schedule_report(struct sim_run *run, uint32_t node, uint32_t attempt, int64_t at)
{
    struct sim *sim = run->sim;
    sim_schedule(sim, (struct sim_event){
                          .at = at,
                          .type = random_percent(&sim->random, 75) ? SIM_DONE : SIM_FAILED,
                          .run = run->index,
                          .node = node,
                          .attempt = attempt,
                      });
}

static void start_task(struct sim_run *run, const struct effect *effect)
{
    struct sim *sim = run->sim;
    run->tasks[effect->node] = (struct sim_task){.is_live = true, .attempt = effect->attempt};
    sim->starts++;
    uint32_t dice = random_below(&sim->random, 100);
    if (dice < 8) {
        return; /* never reports by itself */
    }
    uint32_t most_ms = dice < 15 ? 20000 : 800;
    schedule_report(run, effect->node, effect->attempt, later(sim, most_ms));
    if (dice >= 90) {
        schedule_report(run, effect->node, effect->attempt, later(sim, most_ms));
    }
}

/* Whoever was told to stop ends within the grace; most at once, and some well. */
static void stop_task(struct sim_run *run, const struct effect *effect)
{
    struct sim *sim = run->sim;
    bool is_quick = random_percent(&sim->random, 70);
    schedule_report(run, effect->node, effect->attempt, later(sim, is_quick ? 30 : GRACE_MS));
}

/* ---- effects ---- */

static void disarm(struct sim_run *run, const struct effect *effect)
{
    struct sim *sim = run->sim;
    if (random_percent(&sim->random, 20)) {
        return; /* it fires all the same */
    }
    for (size_t i = 0; i < sim->event_count; i++) {
        const struct sim_event *event = &sim->events[i];
        if (event->type == SIM_TIMER && event->run == run->index && event->node == effect->node &&
            event->timer == effect->timer) {
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
        sim_schedule(run->sim, (struct sim_event){
                                   .at = effect->at_unix_ms + random_below(&run->sim->random, 50),
                                   .type = SIM_TIMER,
                                   .run = run->index,
                                   .node = effect->node,
                                   .attempt = effect->attempt,
                                   .timer = effect->timer,
                               });
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
    case EFFECT_CREDIT: /* none of its plugins emits */
    case EFFECT_WANT_START:
    case EFFECT_RELEASE:
    case EFFECT_START_CHILD:
    case EFFECT_UNDO_CHILD:
    case EFFECT_RUN_UNDONE:
        return; /* dispatch's */
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
    if (commit->batch.record_count == 0 && commit->batch.effect_count == 0) {
        batch_finish(&commit->batch);
        free(commit);
        return;
    }
    struct sim *sim = commit->sim;
    sim_check_batch(sim, &commit->batch);
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
    struct document *output = pipeline_fixture_json("{\"x\": 1}");
    struct document *error = failure_create("BROKEN", STR("the toy broke"), NULL);
    struct sim_task *task = &run->tasks[event->node];
    task->is_live = task->is_live && task->attempt != event->attempt;
    tell_engine(run, &(struct run_event){
                         .type = event->type == SIM_DONE ? RUN_EVENT_DONE : RUN_EVENT_FAILED,
                         .node = event->node,
                         .attempt = event->attempt,
                         .port = str_from(ports[random_below(&sim->random, 5)]),
                         .output = output,
                         .error = error,
                     });
    document_unref(output);
    document_unref(error);
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
    if (sim_store_waiting(sim->store) > 0) {
        on_wake(sim);
    }
}

void sim_world_handle(struct sim *sim, const struct sim_event *event)
{
    struct sim_run *run = &sim->runs[event->run];
    switch (event->type) {
    case SIM_START:
        start_run(sim, run);
        return;
    case SIM_COMMIT:
        commit_some(sim);
        return;
    case SIM_DONE:
    case SIM_FAILED:
        report(sim, run, event);
        return;
    case SIM_TIMER:
        tell_engine(run, &(struct run_event){.type = RUN_EVENT_TIMER,
                                             .node = event->node,
                                             .attempt = event->attempt,
                                             .timer = event->timer});
        return;
    case SIM_CANCEL:
        if (run->run != NULL) {
            tell_engine(run,
                        &(struct run_event){.type = RUN_EVENT_CANCEL, .reason = STOP_REQUESTED});
        }
        return;
    case SIM_CRASH:
        sim_check_crash(sim);
        return;
    }
}

/* ---- the beginning ---- */

static void make_run(struct sim *sim, uint32_t index)
{
    struct sim_run *run = &sim->runs[index];
    struct strbuf yaml = STRBUF_INIT;
    char input[64];
    random_pipeline_write(&sim->random, &yaml);
    (void)snprintf(input, sizeof(input), "{\"n\": %u, \"zero\": 0}",
                   random_below(&sim->random, 12));
    *run = (struct sim_run){.sim = sim, .index = index};
    run->pipeline = pipeline_fixture_load_str(strbuf_str(&yaml));
    run->input = pipeline_fixture_json(input);
    run->tasks = calloc(run->pipeline->node_count, sizeof(*run->tasks));
    run->ends = calloc(run->pipeline->node_count, sizeof(*run->ends));
    SIM_HOLDS(sim, run->tasks != NULL && run->ends != NULL);
    if (sim->has_trace) {
        printf("run-%u, input %s:\n%.*s\n", index, input, (int)yaml.n, yaml.p);
    }
    strbuf_finish(&yaml);
}

void sim_world_begin(struct sim *sim)
{
    struct error err = {0};
    sim->now = INT64_C(1700000000000);
    int64_t end = sim->now + LAST_WORD_MS;
    SIM_HOLDS(sim, engine_create(&(struct engine_options){0}, &sim->engine, &err) == 0);
    sim->store = sim_store_open(on_wake, sim);
    sim->run_count = 1 + random_below(&sim->random, 6);
    sim->runs = calloc(sim->run_count, sizeof(*sim->runs));
    SIM_HOLDS(sim, sim->store != NULL && sim->runs != NULL);
    for (uint32_t i = 0; i < sim->run_count; i++) {
        make_run(sim, i);
        sim_schedule(sim, (struct sim_event){.at = later(sim, 3000), .type = SIM_START, .run = i});
        sim_schedule(sim, (struct sim_event){.at = end, .type = SIM_CANCEL, .run = i});
        if (random_percent(&sim->random, 40)) {
            sim_schedule(sim,
                         (struct sim_event){.at = later(sim, 6000), .type = SIM_CANCEL, .run = i});
        }
    }
    for (uint32_t i = 0; i < 20; i++) {
        sim_schedule(sim, (struct sim_event){.at = later(sim, 12000), .type = SIM_CRASH});
    }
}
