/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_engine            seeds 1 to 300
 * sim_engine SEED       that seed alone, with every event
 * sim_engine FIRST LAST seeds from first to last
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/journal/journal.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/sim/sim.h"

enum { MOST_STEPS = 200000 };

static const char *const event_names[] = {
    [SIM_START] = "start",   [SIM_COMMIT] = "commit", [SIM_DONE] = "done",
    [SIM_FAILED] = "failed", [SIM_ITEMS] = "items",   [SIM_TIMER] = "timer",
    [SIM_SIGNAL] = "signal", [SIM_CANCEL] = "cancel", [SIM_SHUTDOWN] = "shutdown",
    [SIM_CRASH] = "crash",
};

static struct sim_event take_next(struct sim *sim)
{
    size_t next = 0;
    for (size_t i = 1; i < sim->event_count; i++) {
        const struct sim_event *a = &sim->events[i];
        const struct sim_event *b = &sim->events[next];
        next = a->at < b->at || (a->at == b->at && a->order < b->order) ? i : next;
    }
    struct sim_event event = sim->events[next];
    sim->events[next] = sim->events[--sim->event_count];
    return event;
}

static void trace(const struct sim *sim, const struct sim_event *event)
{
    if (!sim->has_trace) {
        return;
    }
    const struct pipeline *pipeline = sim->runs[event->run]->pipeline;
    bool has_node = event->type >= SIM_DONE && event->type <= SIM_TIMER &&
                    event->node < pipeline->node_count;
    struct str id = has_node ? pipeline->nodes[event->node].id : STR("");
    printf("%6llu  %13lld  %-8s run %u frame %llu %.*s\n", (unsigned long long)sim->steps,
           (long long)sim->now, event_names[event->type], event->run,
           (unsigned long long)event->frame, STR_ARG(id));
}

static void sim_finish(struct sim *sim)
{
    engine_destroy(sim->engine);
    journal_close(sim->store);
    for (size_t i = 0; i < sim->run_count; i++) {
        sim->frames += sim->runs[i]->watch.next_frame;
        run_destroy(sim->runs[i]->shadow);
        run_watch_finish(&sim->runs[i]->watch);
        document_unref(sim->runs[i]->input);
        pipeline_unref(sim->runs[i]->pipeline);
        free(sim->runs[i]);
    }
    free((void *)sim->runs);
    free(sim->events);
}

static struct sim run_seed(uint64_t seed, bool has_trace)
{
    struct sim sim = {.random = {seed}, .seed = seed, .has_trace = has_trace};
    sim_world_begin(&sim);
    while (sim.event_count > 0) {
        struct sim_event event = take_next(&sim);
        sim.now = event.at > sim.now ? event.at : sim.now;
        sim.steps++;
        trace(&sim, &event);
        sim_world_handle(&sim, &event);
        sim_check_state(&sim);
        SIM_HOLDS(&sim, sim.steps < MOST_STEPS);
    }
    sim_check_end(&sim);
    sim_finish(&sim);
    return sim;
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t last = argc > 2 ? strtoull(argv[2], NULL, 10) : argc > 1 ? first : 300;
    uint64_t steps = 0;
    uint64_t starts = 0;
    uint64_t frames = 0;
    for (uint64_t seed = first; seed <= last; seed++) {
        struct sim sim = run_seed(seed, argc == 2);
        steps += sim.steps;
        starts += sim.starts;
        frames += sim.frames;
    }
    printf("seeds %llu to %llu hold: %llu events, %llu tasks, %llu frames\n",
           (unsigned long long)first, (unsigned long long)last, (unsigned long long)steps,
           (unsigned long long)starts, (unsigned long long)frames);
    return 0;
}
