/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_engine                       seeds 1 to 300
 * sim_engine SEED                  that seed alone, with every event
 * sim_engine FIRST LAST            seeds from first to last
 * sim_engine --plant O2 FIRST LAST with that rule broken: some seed has to catch it
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/journal/journal.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/sim/sim.h"
#include "tests/support/pipeline_fixture.h"

enum { MOST_STEPS = 200000, MOST_ROOTS = 8 };

static const char *const event_names[] = {
#define X(name, text) [name] = (text),
    SIM_EVENTS(X)
#undef X
};

/* How the runs of a world ended that nobody touched. */
struct outcome {
    bool is_known;
    enum run_state state;
    char *output;
};

struct totals {
    uint64_t steps;
    uint64_t starts;
    uint64_t frames;
    uint64_t crashes;
    uint64_t parked;
    uint64_t asleep;
    uint64_t hits;
    uint64_t compared;
    uint64_t queued;
    uint64_t delivered;
    uint64_t granted;
    uint64_t refused;
    uint64_t lost_calls;
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

static void note(const struct sim *sim, const struct sim_event *event)
{
    const struct pipeline *pipeline = sim->runs[event->run]->pipeline;
    bool has_node = event->type >= SIM_DONE && event->type <= SIM_TIMER &&
                    event->node < pipeline->node_count;
    struct str id = has_node ? pipeline->nodes[event->node].id : STR("");
    sim_note(sim, "%6llu  %13lld  %-8s run %u frame %llu %.*s", (unsigned long long)sim->steps,
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
        strbuf_finish(&sim->runs[i]->portions);
        sim_ledger_finish(sim->runs[i]);
        document_unref(sim->runs[i]->input);
        pipeline_unref(sim->runs[i]->pipeline);
        free(sim->runs[i]);
    }
    free((void *)sim->runs);
    free(sim->events);
    sim_cache_finish(sim);
    sim_budget_finish(sim);
}

/* ---- an undisturbed world and another one ---- */

/* How long something waited exactly is no difference. */
static void blank_times(char *text)
{
    static const char key[] = "\"waited_seconds\":";
    for (char *at = strstr(text, key); at != NULL; at = strstr(at, key)) {
        at += sizeof(key) - 1;
        for (; *at != '\0' && strchr("0123456789.", *at) != NULL; at++) {
            *at = ' ';
        }
    }
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        if (*from != ' ') {
            *to++ = *from;
        }
    }
    *to = '\0';
}

static struct outcome outcome_of(const struct sim_run *run)
{
    struct outcome outcome = {.is_known = !run->is_touched && run->number != 0};
    if (!outcome.is_known) {
        return outcome;
    }
    struct run *left = sim_replay_text(run);
    outcome.state = run_state(left);
    outcome.output = pipeline_fixture_text(run_output(left));
    blank_times(outcome.output);
    run_destroy(left);
    return outcome;
}

static void compare(struct sim *sim, const struct outcome *first, struct totals *totals)
{
    for (size_t i = 0; i < MOST_ROOTS && i < sim->run_count && !sim->runs[i]->is_child; i++) {
        struct outcome now = outcome_of(sim->runs[i]);
        if (first[i].is_known && now.is_known) {
            bool a_disturbed_run_ends_as_an_undisturbed_one =
                first[i].state == now.state && strcmp(first[i].output, now.output) == 0;
            if (!a_disturbed_run_ends_as_an_undisturbed_one) {
                sim_note(sim, "run %zu: state %d, output %s\n  undisturbed %d, %s", i,
                         (int)now.state, now.output, (int)first[i].state, first[i].output);
            }
            SIM_HOLDS(sim, a_disturbed_run_ends_as_an_undisturbed_one);
            totals->compared++;
        }
        free(now.output);
    }
}

/* ---- seeds ---- */

static void live(struct sim *sim)
{
    sim_world_begin(sim);
    while (sim->event_count > 0) {
        struct sim_event event = take_next(sim);
        sim->now = event.at > sim->now ? event.at : sim->now;
        sim->steps++;
        note(sim, &event);
        sim_world_handle(sim, &event);
        sim_check_state(sim);
        SIM_HOLDS(sim, sim->steps < MOST_STEPS);
    }
    sim_check_end(sim);
}

static void add_up(const struct sim *sim, struct totals *totals)
{
    totals->steps += sim->steps;
    totals->starts += sim->starts;
    totals->frames += sim->frames;
    totals->crashes += sim->crashes;
    totals->parked += sim->parked;
    totals->asleep += sim->asleep;
    totals->hits += sim->hits;
    totals->queued += sim->queued;
    totals->delivered += sim->delivered;
    totals->granted += sim->granted;
    totals->refused += sim->refused;
    totals->lost_calls += sim->lost_calls;
}

/* Each fourth seed is calm: it lives twice. */
static void run_seed(struct sim base, struct totals *totals)
{
    struct outcome first[MOST_ROOTS] = {{0}};
    base.is_calm = base.seed % 4 == 0;
    base.random.state = ~base.seed;
    if (base.is_calm) {
        struct sim sim = base;
        live(&sim);
        for (size_t i = 0; i < MOST_ROOTS && i < sim.run_count && !sim.runs[i]->is_child; i++) {
            first[i] = outcome_of(sim.runs[i]);
        }
        sim_finish(&sim);
        base.random.state++;
    }
    struct sim sim = base;
    sim.is_disturbed = true;
    live(&sim);
    compare(&sim, first, totals);
    sim_finish(&sim);
    add_up(&sim, totals);
    for (size_t i = 0; i < MOST_ROOTS; i++) {
        free(first[i].output);
    }
}

/* "O2", "B1" */
static enum sim_plant read_plant(const char *name)
{
    int first = name[0] == 'O' ? SIM_PLANT_NONE : name[0] == 'B' ? SIM_PLANT_B1 - 1 : -1;
    return first < 0 ? SIM_PLANT_NONE : (enum sim_plant)(first + name[1] - '0');
}

int main(int argc, char **argv)
{
    struct sim base = {0};
    struct totals totals = {0};
    const char *plant = "";
    if (argc > 2 && strcmp(argv[1], "--plant") == 0) {
        plant = argv[2];
        base.plant = read_plant(plant);
        argv += 2;
        argc -= 2;
    }
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t last = argc > 2 ? strtoull(argv[2], NULL, 10) : argc > 1 ? first : 300;
    base.has_trace = argc == 2;
    for (base.seed = first; base.seed <= last; base.seed++) {
        run_seed(base, &totals);
    }
    printf(
        "seeds %llu to %llu hold: %llu events, %llu tasks, %llu frames, %llu crashes, %llu times "
        "parked (%llu for a breaker), %llu results taken again, %llu calls queued (%llu "
        "delivered), %llu paid calls (%llu lost, %llu refused), %llu ends compared\n",
        (unsigned long long)first, (unsigned long long)last, (unsigned long long)totals.steps,
        (unsigned long long)totals.starts, (unsigned long long)totals.frames,
        (unsigned long long)totals.crashes, (unsigned long long)totals.parked,
        (unsigned long long)totals.asleep, (unsigned long long)totals.hits,
        (unsigned long long)totals.queued, (unsigned long long)totals.delivered,
        (unsigned long long)totals.granted, (unsigned long long)totals.lost_calls,
        (unsigned long long)totals.refused, (unsigned long long)totals.compared);
    if (base.plant != SIM_PLANT_NONE) {
        (void)fprintf(stderr, "%s is broken, and no seed caught it\n", plant);
        return 1;
    }
    return 0;
}
