/* SPDX-License-Identifier: Apache-2.0 */
/* The promises, as code. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/engine/record_json.h"
#include "core/engine/restore.h"
#include "core/engine/run_state.h"
#include "core/engine/waits.h"
#include "core/journal/journal.h"
#include "core/model/catalogue.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_store.h"
#include "tests/support/random_pipeline.h"
#include "tests/support/run_compare.h"

enum { LATE_MS = 2000 }; /* timers and commits are, at most */

/* ---- records ---- */

struct run *sim_fresh_run(const struct sim_run *run)
{
    struct run_options options = {
        .number = run->number,
        .pipeline = run->pipeline,
        .input = run->input,
        .id = str_from(run->id),
        .triggered_by = STR("manual"),
        .depth = run->depth,
        .has_rollback = run->has_rollback,
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
    sim_note(run->sim, "       run %u: %llu %s %s %u", run->index, (unsigned long long)record->seq,
             record_type_name(record->type), record->path != NULL ? record->path : "",
             record->attempt);
    if (run->shadow == NULL) {
        run->shadow = sim_fresh_run(run);
    }
    sim_ledger_record(run, record);
    SIM_KEEPS(run->sim, run_watch_record(&run->watch, record));
    if (record->type == RECORD_NODE_ENDED) {
        check_order(run, record);
    }
    run_apply(run->shadow, record);
    SIM_HOLDS(run->sim, !run_has_failed(run->shadow));
}

/* The state in memory is what its records make. */
static void check_shadow(const struct sim_run *run)
{
    char text[400];
    if (!run_compare(run->run, run->shadow, RUN_COMPARE_ALL, text, sizeof(text))) {
        sim_broken(run->sim, text, __FILE__, __LINE__);
    }
}

/* ---- effects ---- */

void sim_check_effect(struct sim_run *run, const struct effect *effect)
{
    bool is_for_the_dead = run->root->is_dead_letter && effect->type == EFFECT_STOP &&
                           !run_watch_node(&run->watch, effect->frame, effect->node)->is_live;
    if (!is_for_the_dead) {
        SIM_KEEPS(run->sim, run_watch_effect(&run->watch, effect));
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

/* It counts among those of its run, of which there may be max_parallel_nodes: messages do not. */
static bool takes_place(const struct sim_run *run, uint32_t node)
{
    return takes_permits(run, node) &&
           !pipeline_is_notice(run->pipeline, run->pipeline->nodes[node].body);
}

/* A task of its is at work; not in the delay of a `repeat`. */
static bool has_task(const struct sim_run *run, const struct run_node *node)
{
    bool is_task = run->pipeline->nodes[run_node_index(node)].kind == NODE_PLUGIN;
    return is_task && is_begun((enum node_state)node->state) && !node->is_delayed &&
           !node->is_unknown;
}

/* What was due while the process was down comes soon after it is up. */
static bool is_in_time(const struct sim_run *run, int64_t due)
{
    int64_t from = due > run->root->loaded_at ? due : run->root->loaded_at;
    return run->sim->now <= from + LATE_MS;
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
        bool time_outs_hold = timeout == 0 || is_in_time(run, node->started_at + timeout);
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

/* Nodes that would start, were it not paused. */
static bool has_ready(const struct run *run)
{
    const struct frame *at = run->root;
    while (at != NULL && at->ready == 0) {
        at = frame_next(at, run->root);
    }
    return at != NULL;
}

/*
 * Who is not over has something to do, or has it once it is resumed; who is over has nothing. A
 * continuation may still be on its way then: what it was for has been stopped.
 */
static void check_end(const struct sim_run *run, uint32_t active)
{
    const struct sim *sim = run->sim;
    const struct run *it = run->run;
    bool is_over = run_is_ended(it) && !it->is_undoing;
    bool is_at_work = active > 0 || it->is_undoing_child || run->has_continue;
    bool has_more_to_do = has_ready(it) || it->root->is_settled || it->state == RUN_ENDING ||
                          it->is_undoing;
    bool it_has_nothing_to_do_when_it_is_over = !is_over || (active == 0 && !it->is_undoing_child);
    bool it_is_at_work_until_it_is_over = is_over || is_at_work || run_is_paused(it);
    bool it_goes_on_when_it_is_resumed = is_over || is_at_work || !run_is_paused(it) ||
                                         has_more_to_do;
    SIM_HOLDS(sim, it_has_nothing_to_do_when_it_is_over);
    SIM_HOLDS(sim, it_is_at_work_until_it_is_over);
    SIM_HOLDS(sim, it_goes_on_when_it_is_resumed);
}

static void check_run(const struct sim_run *run, struct usage *usage)
{
    const struct sim *sim = run->sim;
    uint32_t live = 0;
    for (size_t i = 0; i < run->watch.node_count && run->watch.live > 0; i++) {
        const struct watched_node *node = run->watch.nodes[i];
        if (node->is_live && takes_permits(run, node->node)) {
            live += takes_place(run, node->node) ? 1u : 0u;
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
    check_end(run, active);
    bool its_time_out_holds = run->pipeline->timeout_ms == 0 || run_state(it) != RUN_RUNNING ||
                              is_in_time(run, run_started_at(it) + run->pipeline->timeout_ms);
    SIM_HOLDS(sim, its_time_out_holds);
}

static uint32_t begun_tasks(const struct sim_run *run)
{
    uint32_t begun = 0;
    for (const struct frame *at = run->run->root; at != NULL; at = frame_next(at, run->run->root)) {
        for (uint32_t i = 0; i < at->body->node_count; i++) {
            bool is_counted = has_task(run, &at->nodes[i]) &&
                              takes_place(run, at->body->first_node + i);
            begun += is_counted ? 1u : 0u;
        }
    }
    return begun;
}

/* One keeps calls of this plugin away, and there is a time at which it will not. */
static bool has_open_breaker(const struct sim *sim, const struct node *node)
{
    struct engine_breaker found;
    for (const void *at = NULL; engine_next_breaker(sim->engine, &at, &found);) {
        if (str_starts_with(found.key, node->type->plugin) &&
            found.breaker->state != BREAKER_CLOSED) {
            return engine_next_due(sim->engine) != INT64_MAX;
        }
    }
    return false;
}

/*
 * What a breaker lets go in this moment begins with those whose turns come first, and these may
 * sleep: they are woken, and the others asked, as the next thing that happens.
 */
static bool is_about_to_ask(const struct sim *sim)
{
    return engine_next_due(sim->engine) <= sim->now;
}

/* Nobody waits for a permit that is free. */
static void check_queue(const struct sim_run *run, const struct usage *usage)
{
    uint32_t most = run->pipeline->max_parallel_nodes;
    bool is_full = most > 0 && begun_tasks(run) >= most;
    for (const struct frame *at = run->run->root; at != NULL; at = frame_next(at, run->run->root)) {
        for (uint32_t i = 0; i < at->body->node_count; i++) {
            const struct node *node = &run->pipeline->nodes[at->body->first_node + i];
            size_t plugin = plugin_of(node);
            bool waits_for_place = is_full && takes_place(run, at->body->first_node + i);
            bool may_wait = at->nodes[i].state != NODE_QUEUED || at->nodes[i].is_asking ||
                            node->concurrency > 0 || waits_for_place ||
                            usage->begun[plugin] >= limits[plugin].limit ||
                            has_open_breaker(run->sim, node) || is_about_to_ask(run->sim);
            SIM_HOLDS(run->sim, may_wait);
        }
    }
}

/* Who sleeps is known, and has a time to be woken at: no operator opens breakers here. Or somebody
 * is in front, who is let through and waits for a permit. */
static void check_sleepers(const struct sim *sim)
{
    uint64_t asleep = 0;
    uint64_t nodes = 0;
    for (size_t i = 0; i < sim->run_count; i++) {
        struct engine_sleeper sleeper = {0};
        bool is_asleep = sim->runs[i]->is_asleep;
        bool is_known = is_asleep && sim->engine != NULL &&
                        engine_find_sleeper(sim->engine, sim->runs[i]->number, &sleeper);
        asleep += is_asleep ? 1u : 0u;
        nodes += is_known ? sleeper.nodes : 0;
    }
    bool all_are_known = sim->engine == NULL || engine_sleeping(sim->engine) == asleep;
    bool there_is_a_time = asleep == 0 || engine_next_due(sim->engine) != INT64_MAX ||
                           engine_waiting(sim->engine) > nodes;
    SIM_HOLDS(sim, all_are_known);
    SIM_HOLDS(sim, there_is_a_time);
}

void sim_check_state(const struct sim *sim)
{
    check_sleepers(sim);
    sim_budget_check(sim);
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

struct run *sim_replay_records(const struct sim_run *run)
{
    struct run *replayed = sim_fresh_run(run);
    SIM_HOLDS(run->sim, sim_store_read(run->sim->store, run->number, apply, replayed) == 0);
    return replayed;
}

/* Every task at work is known as started, and nothing that was told is forgotten. */
static void check_left_over(const struct sim_run *run)
{
    struct run *left = sim_replay_text(run);
    for (size_t i = 0; i < run->watch.node_count; i++) {
        const struct watched_node *task = run->watch.nodes[i];
        struct run_node_view node = run_frame_node(left, task->frame, task->node);
        SIM_HOLDS(run->sim, !task->is_live || is_begun(node.state));
        SIM_HOLDS(run->sim, !task->is_live || node.attempt == task->attempt);
    }
    SIM_HOLDS(run->sim, !run->is_told || run_state(left) == run->told_state);
    run_destroy(left);
}

void sim_check_look(const struct sim *sim)
{
    for (size_t i = 0; i < sim->run_count; i++) {
        if (sim->runs[i]->run != NULL) {
            check_left_over(sim->runs[i]);
            check_shadow(sim->runs[i]);
        }
    }
}

static void check_same(const struct sim_run *run, struct run *replayed, enum run_compare_lazy lazy)
{
    char text[400];
    if (!run_compare(run->run, replayed, lazy, text, sizeof(text))) {
        sim_broken(run->sim, text, __FILE__, __LINE__);
    }
    run_destroy(replayed);
}

/* All records that are durable give the run as it is in memory, those that wait for permits aside.
 */
void sim_check_replay(const struct sim_run *run)
{
    check_shadow(run);
    check_same(run, sim_replay_text(run), RUN_COMPARE_NO_LAZY);
}

void sim_check_ended(const struct sim_run *run)
{
    SIM_HOLDS(run->sim, run->is_told && run->watch.live == 0);
    sim_check_replay(run);
    check_same(run, sim_replay_records(run), RUN_COMPARE_NO_LAZY);
}

/* P6, P13: it is on disk with the one end that was shown. */
static void check_left_end(const struct sim_run *run)
{
    struct run *left = sim_replay_text(run);
    bool each_run_ends = run_is_ended(left);
    SIM_HOLDS(run->sim, each_run_ends);
    sim_ledger_ended(run, run_state(left));
    SIM_HOLDS(run->sim, !run->is_told || run_state(left) == run->told_state);
    run_destroy(left);
}

static bool is_expected_to_end(const struct sim_run *run)
{
    return run->number != 0 && !run->is_gone;
}

void sim_check_end(const struct sim *sim)
{
    SIM_HOLDS(sim, sim_store_waiting(sim->store) == 0);
    for (size_t i = 0; i < sim->run_count; i++) {
        const struct sim_run *run = sim->runs[i];
        bool each_start_is_acknowledged_at_last = run->is_started;
        SIM_HOLDS(sim, each_start_is_acknowledged_at_last);
        if (run->run != NULL) {
            sim_check_ended(run);
        }
        if (is_expected_to_end(run)) {
            check_left_end(run);
        }
    }
}
