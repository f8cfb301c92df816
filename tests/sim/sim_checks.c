/* SPDX-License-Identifier: Apache-2.0 */
/* The promises, as code. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/model/catalogue.h"
#include "core/model/pipeline.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_store.h"
#include "tests/support/random_pipeline.h"

void sim_broken(const struct sim *sim, const char *promise, const char *file, int line)
{
    (void)fprintf(stderr, "seed %llu, step %llu, time %lld: does not hold: %s (%s:%d)\n",
                  (unsigned long long)sim->seed, (unsigned long long)sim->steps,
                  (long long)sim->now, promise, file, line);
    exit(1);
}

/* ---- batches ---- */

static void note_end(const struct sim *sim, struct sim_run *run, const struct record *record)
{
    struct run_node_view *end = &run->ends[record->node];
    SIM_HOLDS(sim, end->ended_at_unix_ms == 0); /* one end for each node */
    *end = run_node(run->run, record->node);
    SIM_HOLDS(sim, end->state == record->node_state);
    SIM_HOLDS(sim, end->ended_at_unix_ms == sim->now);
    /* No attempt ends before its task has reported. */
    SIM_HOLDS(sim, !run->tasks[record->node].is_live);
}

void sim_check_batch(struct sim *sim, const struct batch *batch)
{
    for (size_t i = 0; i < batch->record_count; i++) {
        const struct record *record = &batch->records[i];
        struct sim_run *run = engine_run_user(record->run);
        SIM_HOLDS(sim, run->ends_recorded == 0); /* nothing comes after a run's end */
        switch (record->type) {
        case RECORD_NODE_QUEUED:
        case RECORD_NODE_STARTED:
            SIM_HOLDS(sim, !run->is_stopping);
            break;
        case RECORD_NODE_ENDED:
            note_end(sim, run, record);
            break;
        case RECORD_RUN_STOPPING:
            SIM_HOLDS(sim, !run->is_stopping);
            run->is_stopping = true;
            break;
        case RECORD_RUN_ENDED:
            run->ends_recorded++;
            break;
        case RECORD_RUN_STARTED:
        case RECORD_NODE_STOPPING:
        case RECORD_NODE_AGAIN:
        case RECORD_NODE_DUE:
        case RECORD_FRAME_STARTED:
        case RECORD_FRAME_STOPPING:
        case RECORD_FRAME_ENDED:
        case RECORD_LOOP_REDUCED:
        case RECORD_ITEM:
        case RECORD_CREDIT:
        case RECORD_SIGNAL:
        case RECORD_SIGNAL_TAKEN:
        case RECORD_SIGNALS_SEEN:
        case RECORD_RUN_ENDING:
        case RECORD_CHILD_UNDOING:
        case RECORD_CHILD_UNDONE:
        case RECORD_ENDINGS_DROPPED:
        case RECORD_RUN_UNDOING:
        case RECORD_RUN_UNDONE:
            break;
        }
    }
}

/* ---- effects ---- */

struct wanted {
    enum record_type type;
    uint32_t node;
    uint32_t attempt;
};

static int match(void *user, const struct record *record)
{
    const struct wanted *wanted = user;
    return record->type == wanted->type && record->node == wanted->node &&
                   record->attempt == wanted->attempt
               ? 1
               : 0;
}

static bool is_durable(const struct sim_run *run, struct wanted wanted)
{
    return journal_read(run->sim->store, run_id(run->run), match, &wanted) == 1;
}

void sim_check_effect(const struct sim_run *run, const struct effect *effect)
{
    const struct sim_task *task = effect->node != RECORD_NO_NODE ? &run->tasks[effect->node] : NULL;
    if (effect->type == EFFECT_START) {
        SIM_HOLDS(run->sim, !task->is_live && task->attempt < effect->attempt);
        struct wanted started = {RECORD_NODE_STARTED, effect->node, effect->attempt};
        SIM_HOLDS(run->sim, is_durable(run, started));
    } else if (effect->type == EFFECT_RUN_ENDED) {
        SIM_HOLDS(run->sim, !run->is_told);
        struct wanted ended = {.type = RECORD_RUN_ENDED, .node = RECORD_NO_NODE};
        SIM_HOLDS(run->sim, is_durable(run, ended));
    }
}

/* ---- after each event ---- */

enum { PLUGINS = 3 };

/* What the pipelines say, and the engine's own default. */
static const struct {
    struct str plugin;
    uint32_t limit;
} limits[PLUGINS] = {
    {{"toy", 3}, RANDOM_PIPELINE_TOY_LIMIT},
    {{"other", 5}, RANDOM_PIPELINE_OTHER_LIMIT},
    {{"proc", 4}, 4},
};

static size_t plugin_of(const struct node *node)
{
    size_t i = 0;
    while (i + 1 < PLUGINS && !str_equal(node->type->plugin, limits[i].plugin)) {
        i++;
    }
    return i;
}

/* Tasks of each plugin, as the plugins see them or as the engine does. */
struct usage {
    uint32_t live[PLUGINS];
    uint32_t begun[PLUGINS];
};

static bool is_begun(enum node_state state)
{
    return state == NODE_RUNNING || state == NODE_STOPPING;
}

static void check_run(const struct sim_run *run, struct usage *usage)
{
    uint32_t live = 0;
    for (uint32_t i = 0; i < run->pipeline->node_count; i++) {
        const struct node *node = &run->pipeline->nodes[i];
        const struct run_node_view *end = &run->ends[i];
        struct run_node_view now = run_node(run->run, i);
        if (run->tasks[i].is_live) {
            live++;
            usage->live[plugin_of(node)]++;
        }
        usage->begun[plugin_of(node)] += node->kind == NODE_PLUGIN && is_begun(now.state) ? 1u : 0u;
        if (end->ended_at_unix_ms != 0) { /* what has ended never changes */
            SIM_HOLDS(run->sim, now.state == end->state && now.outcome == end->outcome &&
                                    now.output == end->output && now.error == end->error &&
                                    now.ended_at_unix_ms == end->ended_at_unix_ms);
        }
    }
    uint32_t most = run->pipeline->max_parallel_nodes;
    SIM_HOLDS(run->sim, most == 0 || live <= most);
    SIM_HOLDS(run->sim, !run_has_work(run->run)); /* what can be decided, is */
    SIM_HOLDS(run->sim, run_is_ended(run->run) == (run->ends_recorded == 1));
    SIM_HOLDS(run->sim, !run->is_told || run->told_state == run_state(run->run));
    SIM_HOLDS(run->sim, !run->is_told || live == 0);
}

/* Nobody waits for a permit that is free. */
static void check_queue(const struct sim_run *run, const struct usage *usage)
{
    uint32_t begun = 0;
    for (uint32_t i = 0; i < run->pipeline->node_count; i++) {
        bool is_task = run->pipeline->nodes[i].kind == NODE_PLUGIN;
        begun += is_task && is_begun(run_node(run->run, i).state) ? 1u : 0u;
    }
    uint32_t most = run->pipeline->max_parallel_nodes;
    for (uint32_t i = 0; i < run->pipeline->node_count; i++) {
        const struct node *node = &run->pipeline->nodes[i];
        size_t plugin = plugin_of(node);
        bool may_wait = run_node(run->run, i).state != NODE_QUEUED || node->concurrency > 0 ||
                        (most > 0 && begun >= most) || usage->begun[plugin] >= limits[plugin].limit;
        SIM_HOLDS(run->sim, may_wait);
    }
}

void sim_check_state(const struct sim *sim)
{
    struct usage usage = {0};
    for (uint32_t i = 0; i < sim->run_count; i++) {
        if (sim->runs[i].run != NULL) {
            check_run(&sim->runs[i], &usage);
        }
    }
    for (size_t i = 0; i < PLUGINS; i++) {
        SIM_HOLDS(sim, usage.live[i] <= limits[i].limit);
        SIM_HOLDS(sim, usage.begun[i] <= limits[i].limit);
    }
    for (uint32_t i = 0; i < sim->run_count; i++) {
        if (sim->runs[i].run != NULL) {
            check_queue(&sim->runs[i], &usage);
        }
    }
}

/* ---- from the store ---- */

static int apply(void *user, const struct record *record)
{
    run_apply(user, record);
    return 0;
}

static struct run *replay(const struct sim_run *run)
{
    struct run_options options = {
        .pipeline = run->pipeline,
        .input = run->input,
        .id = run_id(run->run),
        .triggered_by = STR("manual"),
    };
    struct error err = {0};
    struct run *replayed = NULL;
    SIM_HOLDS(run->sim, run_create(&options, &replayed, &err) == 0);
    SIM_HOLDS(run->sim, journal_read(run->sim->store, run_id(run->run), apply, replayed) == 0);
    return replayed;
}

/* Every task at work is known as started, and nothing that was told is forgotten. */
static void check_left_over(const struct sim_run *run)
{
    struct run *left = replay(run);
    for (uint32_t i = 0; i < run->pipeline->node_count; i++) {
        struct run_node_view node = run_node(left, i);
        SIM_HOLDS(run->sim, !run->tasks[i].is_live || is_begun(node.state));
        SIM_HOLDS(run->sim, !run->tasks[i].is_live || node.attempt == run->tasks[i].attempt);
    }
    SIM_HOLDS(run->sim, !run->is_told || run_state(left) == run->told_state);
    run_destroy(left);
}

void sim_check_crash(const struct sim *sim)
{
    for (uint32_t i = 0; i < sim->run_count; i++) {
        if (sim->runs[i].run != NULL) {
            check_left_over(&sim->runs[i]);
        }
    }
}

/* All records together give the run as it is in memory. */
static void check_replay(const struct sim_run *run)
{
    struct run *replayed = replay(run);
    SIM_HOLDS(run->sim, run_state(replayed) == run_state(run->run));
    for (uint32_t i = 0; i < run->pipeline->node_count; i++) {
        struct run_node_view a = run_node(run->run, i);
        struct run_node_view b = run_node(replayed, i);
        SIM_HOLDS(run->sim, a.state == b.state && a.attempt == b.attempt);
        SIM_HOLDS(run->sim, a.outcome == b.outcome && a.output == b.output && a.error == b.error);
        SIM_HOLDS(run->sim, a.ready_at_unix_ms == b.ready_at_unix_ms);
        SIM_HOLDS(run->sim, a.started_at_unix_ms == b.started_at_unix_ms);
        SIM_HOLDS(run->sim, a.ended_at_unix_ms == b.ended_at_unix_ms);
    }
    run_destroy(replayed);
}

void sim_check_end(const struct sim *sim)
{
    for (uint32_t i = 0; i < sim->run_count; i++) {
        SIM_HOLDS(sim, sim->runs[i].is_told);
        check_replay(&sim->runs[i]);
    }
    SIM_HOLDS(sim, sim_store_waiting(sim->store) == 0);
}
