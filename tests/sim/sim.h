/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

/*
 * Sim: some runs of random pipelines under a simulated clock, store and plugins. One seed decides
 * everything, so that it repeats a failure exactly.
 *
 * The store commits late and in groups; plugins are slow, answer twice, answer after they were
 * told to stop, or never; timers fire late, and after they were disarmed; operators cancel, and
 * send events.
 *
 * Used by:  sim_main, sim_world, sim_checks.
 * Uses:     engine, journal, run_watch.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/engine/engine.h"
#include "core/engine/record.h"
#include "tests/support/random.h"
#include "tests/support/run_watch.h"

struct journal;
struct pipeline;

enum sim_event_type {
    SIM_START,  /* a run */
    SIM_COMMIT, /* the store has written what waits */
    SIM_DONE,   /* a task reports: done, or failed */
    SIM_FAILED,
    SIM_ITEMS, /* it emits some */
    SIM_TIMER,
    SIM_SIGNAL, /* somebody sends the run an event */
    SIM_CANCEL, /* an operator */
    SIM_SHUTDOWN,
    SIM_CRASH, /* what is durable at this moment is looked at */
};

struct sim_event {
    int64_t at;
    uint64_t order; /* of scheduling: equal times keep it */
    enum sim_event_type type;
    uint32_t run; /* index */
    uint64_t frame;
    uint32_t node;
    uint32_t attempt;
    enum timer_kind timer;
};

struct sim_run {
    struct sim *sim;
    uint32_t index;
    struct pipeline *pipeline;
    struct document *input;
    struct run *run;    /* NULL: not started yet, or given up after its end */
    struct run *shadow; /* what the records so far make of it */
    struct run_watch watch;
    bool is_child;
    bool is_told; /* its end was shown to the world */
    bool has_continue;
    enum run_state told_state;
};

struct sim {
    struct random random;
    uint64_t seed;
    int64_t now;
    struct engine *engine;
    struct journal *store;
    struct sim_event *events;
    size_t event_count;
    size_t event_cap;
    uint64_t next_order;
    struct sim_run **runs;
    size_t run_count;
    size_t run_cap;
    uint64_t steps;
    uint64_t starts;
    uint64_t frames;
    bool has_trace;
};

/* Prints the seed, the moment and what was promised; ends the program with 1. */
_Noreturn void sim_broken(const struct sim *sim, const char *promise, const char *file, int line);

#define SIM_HOLDS(sim, condition)                                                                  \
    ((condition) ? (void)0 : sim_broken((sim), #condition, __FILE__, __LINE__))

/* Of what gives NULL or the text of a broken promise. */
#define SIM_KEEPS(sim, promise) sim_check_promise((sim), (promise), __FILE__, __LINE__)
void sim_check_promise(const struct sim *sim, const char *broken, const char *file, int line);

void sim_schedule(struct sim *sim, struct sim_event event);

/* ---- sim_world ---- */

void sim_world_begin(struct sim *sim);
void sim_world_handle(struct sim *sim, const struct sim_event *event);

/* ---- sim_checks ---- */

/* The run's options, for a replay of its records. Owned: run_destroy(). */
struct run *sim_fresh_run(const struct sim_run *run, struct str id);

/* Of each record, before it goes to the store. */
void sim_check_record(struct sim_run *run, const struct record *record);
/* Of an effect, which is about to be carried out. */
void sim_check_effect(struct sim_run *run, const struct effect *effect);
/* After each event. */
void sim_check_state(const struct sim *sim);
/* The state in memory is what its records make. */
void sim_check_shadow(const struct sim_run *run);
/* What a crash at this moment would leave. */
void sim_check_crash(const struct sim *sim);
/* Of a run that has ended and is given up. */
void sim_check_ended(const struct sim_run *run);
/* When nothing can happen any more. */
void sim_check_end(const struct sim *sim);

#endif
