/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_TOY_WORLD_H
#define TESTS_SUPPORT_TOY_WORLD_H

/*
 * Toy world: the engine with a clock that tests turn by hand, and tasks that end when the test
 * says so. What a batch asks for is carried out at once.
 *
 * It keeps all records, and checks with every batch what always holds: a node has at most one
 * end and a run exactly one; nothing starts once a run is stopping; an effect names a node in the
 * right state. toy_world_finish() replays each run from its records and compares (with and
 * without the lazy records). A promise that is broken is printed, and the program aborts.
 *
 * Used by:  tests of engine, tests/bench.
 * Uses:     engine, pipeline_fixture.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/engine/engine.h"
#include "core/engine/record.h"

struct pipeline;
struct toy_world;

/* What the world knows of one node. */
struct toy_node {
    struct document *config; /* of the task that was started; NULL: none was */
    bool is_live;            /* a task runs */
    uint32_t attempt;
    uint32_t starts;
    uint32_t ends; /* records of its end */
    int stopped;   /* the enum stop_reason that the task was told, 0: not told */
};

struct toy_timer {
    uint32_t node;
    uint32_t attempt;
    enum timer_kind kind;
    int64_t at;
};

struct toy_run {
    struct toy_world *world;
    struct pipeline *pipeline;
    struct document *input;
    struct run *run;
    struct toy_node *nodes;
    struct toy_timer *timers;
    size_t timer_count;
    size_t timer_cap;
    bool is_stopping; /* by its records */
    int ends;         /* records of its end */
    int ended_effects;
    enum run_state end_state;
    struct document *output;
    struct document *error;
};

struct toy_world {
    struct engine *engine;
    int64_t now;
    struct toy_run **runs;
    size_t run_count;
    size_t run_cap;
    struct record *records; /* of all runs, in order */
    size_t record_count;
    size_t record_cap;
    uint32_t live; /* tasks that run now */
    uint32_t most_live;
    size_t batches;
    size_t largest_batch; /* in records */
};

enum { TOY_WORLD_START = 1700000000 }; /* the clock at first, in seconds */

void toy_world_init(struct toy_world *world, const struct engine_options *options);
/* Checks the replays and frees everything; runs may still be under way. */
void toy_world_finish(struct toy_world *world);

/* Starts a run of the YAML text; `input` is JSON, NULL: {}. The run is the world's. */
struct toy_run *toy_world_run(struct toy_world *world, const char *yaml, const char *input);
/* The same with a pipeline that is there already (shared). */
struct toy_run *toy_world_run_pipeline(struct toy_world *world, struct pipeline *pipeline,
                                       const char *input);

/* The task of node `id` ends: with JSON output (NULL: none), through a port, or failing with
 * `code`. */
void toy_run_done(struct toy_run *run, const char *id, const char *output);
void toy_run_done_port(struct toy_run *run, const char *id, const char *port, const char *output);
void toy_run_failed(struct toy_run *run, const char *id, const char *code);

/* Events as they come, with nothing looked at before. */
void toy_run_event(struct toy_run *run, const struct run_event *event);

void toy_run_cancel(struct toy_run *run);

/* Moves the clock on and fires what is due, in order of time. */
void toy_world_pass(struct toy_world *world, int64_t ms);

/* ---- questions ---- */

struct run_node_view toy_run_view(const struct toy_run *run, const char *id);
const struct toy_node *toy_run_node(const struct toy_run *run, const char *id);
const char *toy_run_state(const struct toy_run *run, const char *id); /* node_state_name() */
bool toy_run_is_live(const struct toy_run *run, const char *id);
size_t toy_run_timer_count(const struct toy_run *run);

/* Prints what differs between the run and the replay of its records; true: nothing. */
bool toy_run_replay_agrees(const struct toy_run *run, bool with_lazy_records);

#endif
