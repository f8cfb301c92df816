/* SPDX-License-Identifier: Apache-2.0 */
/* The promises, as code. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/engine/run_state.h"
#include "core/journal/journal.h"
#include "core/model/catalogue.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_store.h"
#include "tests/support/random_pipeline.h"
#include "tests/support/run_compare.h"

enum { LATE_MS = 2000 }; /* timers and commits are, at most */

void sim_broken(const struct sim *sim, const char *promise, const char *file, int line)
{
    (void)fprintf(stderr, "seed %llu, step %llu, time %lld: does not hold: %s (%s:%d)\n",
                  (unsigned long long)sim->seed, (unsigned long long)sim->steps,
                  (long long)sim->now, promise, file, line);
    exit(1);
}

void sim_check_promise(const struct sim *sim, const char *broken, const char *file, int line)
{
    if (broken != NULL) {
        sim_broken(sim, broken, file, line);
    }
}

/* ---- records ---- */

struct run *sim_fresh_run(const struct sim_run *run, struct str id)
{
    struct run_options options = {
        .pipeline = run->pipeline,
        .input = run->input,
        .id = id,
        .triggered_by = STR("manual"),
        .depth = run_depth(run->run),
        .has_rollback = run_has_rollback(run->run),
    };
    struct error err = {0};
    struct run *fresh = NULL;
    SIM_HOLDS(run->sim, run_create(&options, &fresh, &err) == 0);
    return fresh;
}

/* The numbers in a loop's output are those of its iterations: it is in their order. */
static void check_order(const struct sim_run *run, const struct record *record)
{
    const struct for_each *def = run->pipeline->nodes[record->node].for_each;
    int64_t last = -1;
    if (def == NULL || def->collect != COLLECT_LIST || record->output == NULL) {
        return;
    }
    const struct value *list = document_root(record->output);
    for (size_t i = 0; i < value_count(list); i++) {
        const struct value *item = value_at(list, i);
        bool outputs_are_in_order = !value_is(item, VALUE_INT) || value_int(item) > last;
        SIM_HOLDS(run->sim, outputs_are_in_order);
        last = value_is(item, VALUE_INT) ? value_int(item) : last;
    }
}

void sim_check_record(struct sim_run *run, const struct record *record)
{
    SIM_KEEPS(run->sim, run_watch_record(&run->watch, record));
    if (record->type == RECORD_NODE_ENDED) {
        check_order(run, record);
    }
    if (run->shadow == NULL) {
        run->shadow = sim_fresh_run(run, run_id(record->run));
    }
    run_apply(run->shadow, record);
    SIM_HOLDS(run->sim, !run_has_failed(run->shadow));
}

void sim_check_shadow(const struct sim_run *run)
{
    char text[400];
    if (!run_compare(run->run, run->shadow, RUN_COMPARE_ALL, text, sizeof(text))) {
        sim_broken(run->sim, text, __FILE__, __LINE__);
    }
}

/* ---- effects ---- */

struct wanted {
    enum record_type type;
    uint64_t frame;
    uint32_t node;
    uint32_t attempt;
};

static int match(void *user, const struct record *record)
{
    const struct wanted *wanted = user;
    return record->type == wanted->type && record->frame == wanted->frame &&
                   record->node == wanted->node && record->attempt == wanted->attempt
               ? 1
               : 0;
}

static bool is_durable(const struct sim_run *run, struct wanted wanted)
{
    return journal_read(run->sim->store, run_id(run->run), match, &wanted) == 1;
}

void sim_check_effect(struct sim_run *run, const struct effect *effect)
{
    SIM_KEEPS(run->sim, run_watch_effect(&run->watch, effect));
    if (effect->type == EFFECT_START) {
        struct wanted started = {RECORD_NODE_STARTED, effect->frame, effect->node, effect->attempt};
        SIM_HOLDS(run->sim, is_durable(run, started));
    } else if (effect->type == EFFECT_RUN_ENDED) {
        SIM_HOLDS(run->sim, !run->is_told);
        struct wanted ended = {.type = RECORD_RUN_ENDED, .node = RECORD_NO_NODE};
        SIM_HOLDS(run->sim, is_durable(run, ended));
    }
}

/* ---- after each event ---- */

enum { PLUGINS = 4 };

/* What the pipelines say, and the engine's own default. */
static const struct {
    struct str plugin;
    uint32_t limit;
} limits[PLUGINS] = {
    {{"toy", 3}, RANDOM_PIPELINE_TOY_LIMIT},
    {{"other", 5}, RANDOM_PIPELINE_OTHER_LIMIT},
    {{"flow", 4}, 25},
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

static bool is_active(enum node_state state)
{
    return state == NODE_QUEUED || is_begun(state);
}

/* Who emits items to loops takes none: these could wait for its permits, and it for them. */
static bool takes_permits(const struct sim_run *run, uint32_t node)
{
    return run->pipeline->nodes[node].kind == NODE_PLUGIN &&
           !run->pipeline->nodes[node].has_readers;
}

/* A task of its is at work; not in the delay of a `repeat`. */
static bool has_task(const struct sim_run *run, const struct run_node *node)
{
    bool is_task = run->pipeline->nodes[run_node_index(node)].kind == NODE_PLUGIN;
    return is_task && is_begun((enum node_state)node->state) && !node->is_delayed;
}

/* A node that was not told to end is within the time-outs of all that it is in. */
static void check_timeouts(const struct sim_run *run, const struct run_node *node)
{
    const struct sim *sim = run->sim;
    if (node->state != NODE_RUNNING || !has_task(run, node)) {
        return;
    }
    while (true) {
        int64_t timeout = run->pipeline->nodes[run_node_index(node)].timeout_ms;
        bool time_outs_hold = timeout == 0 || sim->now <= node->started_at + timeout + LATE_MS;
        SIM_HOLDS(sim, time_outs_hold);
        if (node->frame->parent == NULL || node->frame->owner == RECORD_NO_NODE ||
            node->frame->kind == FRAME_UNDO) {
            return;
        }
        node = frame_node(node->frame->parent, node->frame->owner);
    }
}

/* The nodes of all frames: counted, and looked at. Returns how many are active. */
static uint32_t check_nodes(const struct sim_run *run, struct usage *usage)
{
    uint32_t active = 0;
    for (const struct frame *at = run->run->root; at != NULL; at = frame_next(at, run->run->root)) {
        for (uint32_t i = 0; i < at->body->node_count; i++) {
            const struct node *node = &run->pipeline->nodes[at->body->first_node + i];
            enum node_state state = (enum node_state)at->nodes[i].state;
            active += is_active(state) ? 1u : 0u;
            bool is_counted = has_task(run, &at->nodes[i]) &&
                              takes_permits(run, at->body->first_node + i);
            usage->begun[plugin_of(node)] += is_counted ? 1u : 0u;
            check_timeouts(run, &at->nodes[i]);
        }
    }
    return active;
}

static void check_run(const struct sim_run *run, struct usage *usage)
{
    const struct sim *sim = run->sim;
    uint32_t live = 0;
    for (size_t i = 0; i < run->watch.node_count && run->watch.live > 0; i++) {
        const struct watched_node *node = run->watch.nodes[i];
        if (node->is_live && takes_permits(run, node->node)) {
            live++;
            usage->live[plugin_of(&run->pipeline->nodes[node->node])]++;
        }
    }
    uint32_t active = check_nodes(run, usage);
    uint32_t most = run->pipeline->max_parallel_nodes;
    const struct run *it = run->run;
    SIM_HOLDS(sim, most == 0 || live <= most);
    SIM_HOLDS(sim, !run_has_work(it) || run->has_continue); /* what can be decided, is */
    SIM_HOLDS(sim, run_is_ended(it) == (run->watch.ends == 1));
    SIM_HOLDS(sim, !run->is_told || run->told_state == run_state(it));
    bool it_is_at_work = active > 0 || it->is_undoing_child || run->has_continue;
    bool it_has_nothing_to_do_when_it_has_ended = it_is_at_work ==
                                                  (!run_is_ended(it) || it->is_undoing);
    SIM_HOLDS(sim, it_has_nothing_to_do_when_it_has_ended);
    bool its_time_out_holds = run->pipeline->timeout_ms == 0 || run_state(it) != RUN_RUNNING ||
                              sim->now <= run_started_at(it) + run->pipeline->timeout_ms + LATE_MS;
    SIM_HOLDS(sim, its_time_out_holds);
}

static uint32_t begun_tasks(const struct sim_run *run)
{
    uint32_t begun = 0;
    for (const struct frame *at = run->run->root; at != NULL; at = frame_next(at, run->run->root)) {
        for (uint32_t i = 0; i < at->body->node_count; i++) {
            bool is_counted = has_task(run, &at->nodes[i]) &&
                              takes_permits(run, at->body->first_node + i);
            begun += is_counted ? 1u : 0u;
        }
    }
    return begun;
}

/* Nobody waits for a permit that is free. */
static void check_queue(const struct sim_run *run, const struct usage *usage)
{
    uint32_t begun = begun_tasks(run);
    uint32_t most = run->pipeline->max_parallel_nodes;
    for (const struct frame *at = run->run->root; at != NULL; at = frame_next(at, run->run->root)) {
        for (uint32_t i = 0; i < at->body->node_count; i++) {
            const struct node *node = &run->pipeline->nodes[at->body->first_node + i];
            size_t plugin = plugin_of(node);
            bool may_wait = at->nodes[i].state != NODE_QUEUED || node->concurrency > 0 ||
                            (most > 0 && begun >= most) ||
                            usage->begun[plugin] >= limits[plugin].limit;
            SIM_HOLDS(run->sim, may_wait);
        }
    }
}

void sim_check_state(const struct sim *sim)
{
    struct usage usage = {0};
    for (size_t i = 0; i < sim->run_count; i++) {
        if (sim->runs[i]->run != NULL) {
            check_run(sim->runs[i], &usage);
        }
    }
    for (size_t i = 0; i < PLUGINS; i++) {
        SIM_HOLDS(sim, usage.live[i] <= limits[i].limit);
        SIM_HOLDS(sim, usage.begun[i] <= limits[i].limit);
    }
    for (size_t i = 0; i < sim->run_count; i++) {
        if (sim->runs[i]->run != NULL) {
            check_queue(sim->runs[i], &usage);
        }
    }
}

/* ---- from the store ---- */

static int apply(void *user, const struct record *record)
{
    run_apply(user, record);
    return 0;
}

static int apply_without_lazy(void *user, const struct record *record)
{
    if (record->type != RECORD_NODE_QUEUED) {
        run_apply(user, record);
    }
    return 0;
}

static struct run *replay(const struct sim_run *run, journal_each_cb each)
{
    struct run *replayed = sim_fresh_run(run, run_id(run->run));
    SIM_HOLDS(run->sim, journal_read(run->sim->store, run_id(run->run), each, replayed) == 0);
    return replayed;
}

/* Every task at work is known as started, and nothing that was told is forgotten. */
static void check_left_over(const struct sim_run *run)
{
    struct run *left = replay(run, apply_without_lazy);
    for (size_t i = 0; i < run->watch.node_count; i++) {
        const struct watched_node *task = run->watch.nodes[i];
        struct run_node_view node = run_frame_node(left, task->frame, task->node);
        SIM_HOLDS(run->sim, !task->is_live || is_begun(node.state));
        SIM_HOLDS(run->sim, !task->is_live || node.attempt == task->attempt);
    }
    SIM_HOLDS(run->sim, !run->is_told || run_state(left) == run->told_state);
    run_destroy(left);
}

void sim_check_crash(const struct sim *sim)
{
    for (size_t i = 0; i < sim->run_count; i++) {
        if (sim->runs[i]->run != NULL) {
            check_left_over(sim->runs[i]);
            sim_check_shadow(sim->runs[i]);
        }
    }
}

/* All records together give the run as it is in memory; so do those that are not lazy. */
static void check_replay(const struct sim_run *run, journal_each_cb each,
                         enum run_compare_lazy lazy)
{
    char text[400];
    struct run *replayed = replay(run, each);
    if (!run_compare(run->run, replayed, lazy, text, sizeof(text))) {
        sim_broken(run->sim, text, __FILE__, __LINE__);
    }
    run_destroy(replayed);
}

void sim_check_ended(const struct sim_run *run)
{
    SIM_HOLDS(run->sim, run->is_told && run->watch.live == 0);
    sim_check_shadow(run);
    check_replay(run, apply, RUN_COMPARE_ALL);
    check_replay(run, apply_without_lazy, RUN_COMPARE_NO_LAZY);
}

void sim_check_end(const struct sim *sim)
{
    for (size_t i = 0; i < sim->run_count; i++) {
        if (sim->runs[i]->run != NULL) {
            sim_check_ended(sim->runs[i]);
        }
    }
    SIM_HOLDS(sim, sim_store_waiting(sim->store) == 0);
}
