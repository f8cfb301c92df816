/* SPDX-License-Identifier: Apache-2.0 */
/* What happens in the simulated world, and when. */
#include <stdio.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/engine/failure.h"
#include "core/journal/journal.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_store.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/random_pipeline.h"
#include "tests/support/random_workflows.h"

enum {
    BUSY_MS = 15000,       /* while operators do this and that, and the process dies */
    LAST_WORD_MS = 120000, /* when they cancel whatever still runs */
    SHUTDOWN_MS = 160000,  /* and its endings */
    RESOLVE_ALL = 1,       /* as `attempt` of an event */
    NOW = 1,
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

int64_t sim_later(struct sim *sim, uint32_t most_ms)
{
    return sim->now + random_below(&sim->random, most_ms + 1);
}

static void at_end(struct sim *sim, uint32_t run, int64_t ms, enum sim_event_type type)
{
    sim_schedule(sim,
                 (struct sim_event){
                     .at = SIM_BEGIN_MS + ms, .type = type, .run = run, .attempt = RESOLVE_ALL});
}

void sim_world_schedule_end(struct sim *sim, uint32_t run)
{
    at_end(sim, run, LAST_WORD_MS - 100, SIM_RESUME);
    at_end(sim, run, LAST_WORD_MS - 50, SIM_RESOLVE);
    at_end(sim, run, LAST_WORD_MS, SIM_CANCEL);
    at_end(sim, run, SHUTDOWN_MS, SIM_SHUTDOWN);
}

/* ---- operators ---- */

static void send_signal(struct sim *sim, struct sim_run *run)
{
    static const char *const names[] = {"go", "go", "stop", "other"};
    static const char *const data[] = {"1", "2", "null"};
    struct document *output = pipeline_fixture_json(data[random_below(&sim->random, 20) % 3]);
    sim_driver_tell(run,
                    &(struct run_event){.type = RUN_EVENT_SIGNAL,
                                        .port = str_from(names[random_below(&sim->random, 4)]),
                                        .output = output},
                    SIM_ANSWER_NONE);
    document_unref(output);
}

static void resolve_node(struct sim_run *run, uint64_t frame, uint32_t node)
{
    struct sim *sim = run->sim;
    enum run_resolution resolution = (enum run_resolution)random_below(&sim->random, 3);
    struct document *output = pipeline_fixture_json("{\"by\": \"hand\"}");
    struct document *error = failure_create("GAVE_UP", STR("nobody knows"), NULL);
    run->is_settled = run->is_settled || resolution != RUN_RESOLVE_AGAIN;
    if (resolution == RUN_RESOLVE_AGAIN) {
        sim_ledger_again(run, frame, node);
    }
    sim_driver_tell(run,
                    &(struct run_event){.type = RUN_EVENT_RESOLVE,
                                        .frame = frame,
                                        .node = node,
                                        .resolution = resolution,
                                        /* of an item: another input, and so another call */
                                        .output = resolution == RUN_RESOLVE_AGAIN ? NULL : output,
                                        .error = error},
                    SIM_ANSWER_NONE);
    document_unref(output);
    document_unref(error);
}

/* The first unknown node; false: there is none. */
static bool find_unknown(const struct sim_run *run, uint64_t *out_frame, uint32_t *out_node)
{
    uint64_t frame = 0;
    do {
        const struct body *body = &run->pipeline->bodies[run_frame_body(run->run, frame)];
        for (uint32_t i = body->first_node; i < body->first_node + body->node_count; i++) {
            if (run_frame_node(run->run, frame, i).is_unknown) {
                *out_frame = frame;
                *out_node = i;
                return true;
            }
        }
    } while (run_next_frame(run->run, &frame));
    return false;
}

static void resolve(struct sim_run *run, bool all_of_them)
{
    uint64_t frame = 0;
    uint32_t node = 0;
    bool was_unknown = run_unknown_count(run->run) > 0;
    SIM_HOLDS(run->sim, was_unknown == find_unknown(run, &frame, &node));
    while (find_unknown(run, &frame, &node)) {
        resolve_node(run, frame, node);
        if (!all_of_them) {
            return;
        }
    }
}

static void cancel(struct sim_run *run, enum stop_reason reason)
{
    run->root->is_touched = run->root->is_touched || !run->is_told;
    sim_driver_tell(run, &(struct run_event){.type = RUN_EVENT_CANCEL, .reason = reason},
                    SIM_ANSWER_CANCEL);
}

/* ---- events ---- */

static void tell_run(struct sim_run *run, const struct sim_event *event)
{
    struct sim *sim = run->sim;
    switch (event->type) {
    case SIM_DONE:
    case SIM_FAILED:
        sim_task_report(run, event);
        return;
    case SIM_ITEMS:
        sim_task_emit(run, event);
        return;
    case SIM_RESERVE:
        sim_budget_ask(run, event);
        return;
    case SIM_SETTLE:
        sim_budget_settle(run, event);
        return;
    case SIM_TIMER:
        sim_driver_tell(run,
                        &(struct run_event){.type = RUN_EVENT_TIMER,
                                            .frame = event->frame,
                                            .node = event->node,
                                            .attempt = event->attempt,
                                            .timer = event->timer},
                        SIM_ANSWER_NONE);
        return;
    case SIM_CACHED:
        sim_cache_answer(run, event);
        return;
    case SIM_FOUND:
    case SIM_WORKED:
        sim_queue_answer(run, event);
        return;
    case SIM_SIGNAL:
        send_signal(sim, run);
        return;
    case SIM_PAUSE:
    case SIM_RESUME:
        sim_driver_pause(run, event->type == SIM_PAUSE ? RUN_EVENT_PAUSE : RUN_EVENT_RESUME);
        return;
    case SIM_RESOLVE:
        resolve(run, event->attempt == RESOLVE_ALL);
        return;
    case SIM_SHUTDOWN:
    case SIM_CANCEL:
        cancel(run, event->type == SIM_CANCEL ? STOP_REQUESTED : STOP_SHUTDOWN);
        return;
    case SIM_START:
    case SIM_COMMIT:
    case SIM_LOOK:
    case SIM_CRASH:
    case SIM_RESTART:
    case SIM_PARK:
    case SIM_WAKE:
    case SIM_SHARED:
        return;
    }
}

/* Of the run as it was loaded: nobody hears it when that is gone. */
static bool belongs_to_a_life(enum sim_event_type type)
{
    return type == SIM_DONE || type == SIM_FAILED || type == SIM_ITEMS || type == SIM_TIMER ||
           type == SIM_WAKE || type == SIM_CACHED || type == SIM_FOUND || type == SIM_WORKED ||
           type == SIM_RESERVE || type == SIM_SETTLE;
}

/* Loads it if need be. False: there is nothing to tell anybody now. */
static bool is_there(struct sim_run *run, const struct sim_event *event)
{
    struct sim *sim = run->sim;
    struct sim_run *root = run->root;
    bool is_stale = belongs_to_a_life(event->type) && event->life != root->life;
    if (is_stale) {
        if (event->type == SIM_DONE || event->type == SIM_FAILED) {
            sim_ledger_outside(run, event->frame, event->node); /* a zombie */
        }
        return false;
    }
    if (sim->engine == NULL || root->place == SIM_AWAY) {
        struct sim_event again = *event; /* whoever wants something tries again */
        again.at = sim->now + 1 + random_below(&sim->random, 100);
        if (root->place != SIM_OVER) {
            sim_schedule(sim, again);
        }
        return false;
    }
    if (root->place == SIM_PARKED && event->type != SIM_PARK) {
        (void)sim_load(root, false);
    }
    return run->run != NULL;
}

static void die(struct sim *sim, bool is_now)
{
    if (sim->engine == NULL) {
        return;
    }
    uint32_t dice = random_below(&sim->random, 100);
    if (dice < 20 || is_now) {
        sim->is_dying = true;
    } else if (dice < 50) {
        sim->dies_after = 1 + random_below(&sim->random, 6);
    } else {
        sim->dies_with = 1 + random_below(&sim->random, 6);
    }
}

/* P2: who hears no answer asks again with the same key, and finds the run that is there. */
static void start(struct sim *sim, struct sim_run *run)
{
    if (sim->engine == NULL) {
        sim_schedule(
            sim, (struct sim_event){.at = sim->now + 100, .type = SIM_START, .run = run->index});
    } else if (run->place == SIM_NEW) {
        sim_driver_start(sim, run);
    } else {
        sim_ledger_asked_again(run);
    }
}

static void handle(struct sim *sim, struct sim_run *run, const struct sim_event *event)
{
    switch (event->type) {
    case SIM_START:
        start(sim, run);
        return;
    case SIM_COMMIT:
        if (event->life == sim->life) {
            sim_driver_commit(sim);
        }
        return;
    case SIM_LOOK:
        sim_check_look(sim);
        return;
    case SIM_CRASH:
        die(sim, event->attempt == NOW);
        return;
    case SIM_RESTART:
        sim_restart(sim);
        return;
    case SIM_SHARED:
        sim_driver_tick(sim);
        sim_wake_sleepers(sim);
        return;
    default:
        if (is_there(run, event)) {
            tell_run(run, event);
        }
        if (event->type == SIM_PARK && run->run != NULL) {
            sim_park(run);
        }
        return;
    }
}

void sim_world_handle(struct sim *sim, const struct sim_event *event)
{
    handle(sim, sim->runs[event->run], event);
    if (sim->is_dying) {
        sim_crash(sim);
    }
}

/* ---- the beginning ---- */

/* Some calls of one service that fails easily: runs that wait for its breaker and nothing else. */
static void write_calls(struct random *making, struct strbuf *out)
{
    static const char *const on_opens[] = {"", "", ", on_open: queue",
                                           ", on_open: {queue: {priority: high}}",
                                           ", on_open: {queue: {priority: low}}"};
    uint32_t count = 1 + random_below(making, 3);
    strbuf_append_format(out, "id: calls\nintegrations: {toy: {max_concurrency: %d}}\nnodes:\n",
                         RANDOM_PIPELINE_TOY_LIMIT);
    for (uint32_t i = 0; i < count; i++) {
        strbuf_append_format(
            out,
            "  - {id: n%u, type: toy.task, on_error: continue, retry: {max_attempts: "
            "%u, initial_interval: %ums}, circuit_breaker: {failure_threshold: 1, "
            "reset_timeout: 4s}%s}\n",
            i, 1 + random_below(making, 5), 100 + random_below(making, 900),
            on_opens[random_below(making, sizeof(on_opens) / sizeof(on_opens[0]))]);
    }
}

/* The pipelines are the same in both worlds of a calm seed. */
static void make_run(struct sim *sim, struct random *making, uint32_t index)
{
    struct strbuf yaml = STRBUF_INIT;
    char input[64];
    if (sim->is_calm) {
        random_workflows_write_calm(making, &yaml);
    } else if (sim->seed % 8 == 3) {
        write_calls(making, &yaml);
    } else if (sim->has_budgets) {
        sim_budget_write_pipeline(making, &yaml);
    } else if (random_percent(making, 25)) {
        random_pipeline_write(making, &yaml);
    } else {
        random_workflows_write(making, &yaml);
    }
    (void)snprintf(input, sizeof(input), "{\"n\": %u, \"zero\": 0, \"l\": [[1, 2], [], [3]]}",
                   random_below(making, 12));
    if (sim->has_trace) {
        printf("run %u, input %s:\n%.*s\n", index, input, (int)yaml.n, yaml.p);
        (void)fflush(stdout);
    }
    struct pipeline *pipeline = pipeline_fixture_load_str(strbuf_str(&yaml));
    struct sim_run *run = sim_run_add(sim, pipeline, pipeline_fixture_json(input));
    run->is_poison = !sim->is_calm && random_percent(making, 1);
    strbuf_finish(&yaml);
}

static void some(struct sim *sim, uint32_t run, enum sim_event_type type, uint32_t chance,
                 uint32_t most_ms)
{
    if (random_percent(&sim->random, chance)) {
        sim_schedule(sim,
                     (struct sim_event){.at = sim_later(sim, most_ms), .type = type, .run = run});
    }
}

static void schedule_operators(struct sim *sim, uint32_t run)
{
    some(sim, run, SIM_CANCEL, 25, 6000);
    some(sim, run, SIM_CANCEL, 20, BUSY_MS);
    some(sim, run, SIM_PAUSE, 25, 6000);
    some(sim, run, SIM_PAUSE, 10, BUSY_MS);
    some(sim, run, SIM_RESUME, 30, BUSY_MS);
    some(sim, run, SIM_RESUME, 20, 3 * BUSY_MS);
    some(sim, run, SIM_RESOLVE, 50, 2 * BUSY_MS);
    some(sim, run, SIM_RESOLVE, 50, 2 * BUSY_MS);
    for (uint32_t i = random_below(&sim->random, 8); i > 0; i--) {
        some(sim, run, SIM_SIGNAL, 100, BUSY_MS);
    }
}

static void schedule_run(struct sim *sim, uint32_t run)
{
    some(sim, run, SIM_START, 100, 3000);
    sim_world_schedule_end(sim, run);
    if (!sim->is_calm) {
        schedule_operators(sim, run);
    }
    for (uint32_t i = 0; sim->is_disturbed && i < 3; i++) {
        some(sim, run, SIM_PARK, 50, BUSY_MS);
    }
    if (sim->is_calm && sim->is_disturbed) { /* a pause changes no end */
        some(sim, run, SIM_PAUSE, 40, 6000);
        sim_schedule(sim,
                     (struct sim_event){.at = sim->now + BUSY_MS, .type = SIM_RESUME, .run = run});
    }
}

void sim_world_begin(struct sim *sim)
{
    struct random making = {sim->seed};
    sim->now = SIM_BEGIN_MS;
    sim->store = sim_store_open(sim_driver_wake, sim);
    SIM_HOLDS(sim, sim->store != NULL);
    sim_restart(sim);
    sim->has_budgets = sim->seed % 8 == 5;
    uint32_t runs = 1 + random_below(&making, 5);
    for (uint32_t i = 0; i < runs; i++) {
        make_run(sim, &making, i);
        schedule_run(sim, i);
    }
    for (uint32_t i = 0; i < 2; i++) {
        some(sim, 0, SIM_LOOK, 100, BUSY_MS);
    }
    for (uint32_t i = random_below(&sim->random, 5); sim->is_disturbed && i > 0; i--) {
        some(sim, 0, SIM_CRASH, 100, random_percent(&sim->random, 50) ? 5000 : BUSY_MS);
    }
}
