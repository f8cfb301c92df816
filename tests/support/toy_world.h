/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_TOY_WORLD_H
#define TESTS_SUPPORT_TOY_WORLD_H

/*
 * Toy world: the engine with a clock that tests turn by hand, and tasks that end when the test
 * says so. What a batch asks for is carried out at once.
 *
 * It keeps all records; a run_watch sees each of them, and no timer outlives its frame or its
 * run. toy_world_finish() replays each run from its records, with and without the lazy ones, and
 * compares all of its state. A promise that is broken is printed, and the program aborts.
 *
 * A node is named by its path: "story", "each[17].fix", "each[17]" (of a loop over one node).
 *
 * Used by:  tests of engine, tests/bench.
 * Uses:     engine, pipeline_fixture, run_watch, run_compare, run_rows.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/engine/engine.h"
#include "core/engine/record.h"
#include "core/engine/run.h"
#include "tests/support/run_watch.h"

struct pipeline;
struct toy_world;

struct toy_timer {
    uint64_t frame;
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
    char *id;
    uint64_t number; /* 0: nobody keeps its records; engine_options.next_run gives others */
    uint32_t depth;
    bool has_rollback;
    struct toy_run *caller; /* NULL: nobody called it */
    struct engine_call call;
    struct run_watch watch;
    struct toy_timer *timers;
    size_t timer_count;
    size_t timer_cap;
    int ended_effects;
    enum run_state end_state;
    struct document *output;
    struct document *error;
};

/* What is durable of a scope that runs share. */
struct toy_scope {
    const char *kind;
    char *key;
    const struct document *state;
};

/* A result that is kept. */
struct toy_entry {
    struct cache_entry entry; /* but its port */
    char *port;
};

/* A node asks the cache. */
struct toy_question {
    struct toy_run *run;
    uint64_t frame;
    uint32_t node;
    uint64_t turn;
    int64_t after;
    char key[CACHE_KEY_SIZE];
};

/* A node asks the retry queue, has its items tried, or waits for them no more. */
struct toy_queue_effect {
    struct toy_run *run;
    struct effect effect; /* but its config */
    char *config;         /* JSON; NULL: none */
};

struct toy_world {
    struct engine *engine;
    struct engine_options options;
    int64_t now;
    struct toy_run **runs;
    size_t run_count;
    size_t run_cap;
    struct record *records; /* of all runs, in order */
    size_t record_count;
    size_t record_cap;
    struct toy_scope *scopes;
    size_t scope_count;
    size_t scope_cap;
    size_t scope_changes;
    struct toy_entry *cache;
    size_t cache_count;
    size_t cache_cap;
    struct toy_question *questions; /* not answered yet */
    size_t question_count;
    size_t question_cap;
    struct toy_queue_effect *queue_effects; /* all, in order; tests answer them */
    size_t queue_effect_count;
    size_t queue_effect_cap;
    bool is_cache_slow; /* questions wait for toy_world_answer() */
    uint32_t live;      /* tasks that run now */
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

/* A run by its id, which must be there: "run1", its child "run1/call". */
struct toy_run *toy_world_find(const struct toy_world *world, const char *id);

/* The task of a node ends: with JSON output (NULL: none), through a port, or failing with
 * `code`. */
void toy_run_done(struct toy_run *run, const char *path, const char *output);
void toy_run_done_port(struct toy_run *run, const char *path, const char *port, const char *output);
void toy_run_failed(struct toy_run *run, const char *path, const char *code);
/* With the whole failure, as JSON. */
void toy_run_failed_with(struct toy_run *run, const char *path, const char *failure);

/*
 * The task of a node emits `count` items, for which it has credit: JSON, or with NULL their numbers
 * in the attempt.
 */
void toy_run_emit(struct toy_run *run, const char *path, uint32_t count, const char *json);

/* What a call of the engine gave (taken): as if it came of an event. */
void toy_world_take(struct toy_world *world, struct batch *batch);

/* The cache answers all that was asked. */
void toy_world_answer(struct toy_world *world);

/* Events as they come, with nothing looked at before. */
void toy_run_event(struct toy_run *run, const struct run_event *event);

void toy_run_cancel(struct toy_run *run);

/* Sends the run an event with JSON data (NULL: none). */
void toy_run_send(struct toy_run *run, const char *name, const char *data);

/* For the run and those below it. */
void toy_run_pause(struct toy_run *run);
void toy_run_resume(struct toy_run *run);

/* Somebody says what became of an unknown node; `output` is JSON, or the code of a failure. */
void toy_run_resolve(struct toy_run *run, const char *path, enum run_resolution resolution,
                     const char *output);

/* ---- another process ---- */

/* The process dies, and its tasks and timers with it; all runs are restored from their records. */
void toy_world_crash(struct toy_world *world);

/* What was restored goes on. */
void toy_world_recover(struct toy_world *world);

/* Both. */
void toy_world_restart(struct toy_world *world);

/* Moves the clock on and fires what is due, each at its time, in order. */
void toy_world_pass(struct toy_world *world, int64_t ms);

/* ---- questions ---- */

/* All zero when the frame of the node is gone. */
struct run_node_view toy_run_view(const struct toy_run *run, const char *path);
/* What the watch knows, also of a node that is gone; all zero when nothing ever began. Borrowed. */
const struct watched_node *toy_run_node(const struct toy_run *run, const char *path);
const char *toy_run_state(const struct toy_run *run, const char *path); /* node_state_name() */
bool toy_run_is_live(const struct toy_run *run, const char *path);
size_t toy_run_timer_count(const struct toy_run *run);

/* Prints what differs between the run and the replay of its records; true: nothing. */
bool toy_run_replay_agrees(const struct toy_run *run, bool with_lazy_records);

#endif
