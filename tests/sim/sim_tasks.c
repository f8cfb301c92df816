/* SPDX-License-Identifier: Apache-2.0 */
/* Plugins: slow, twice, too late, or silent; in a calm world each node does the same each time. */
#include <stdio.h>

#include "core/engine/failure.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/sim/sim.h"
#include "tests/support/pipeline_fixture.h"

enum {
    GRACE_MS = 10000, /* the longest that a task may take to stop */
    MOST_ITEMS = 12,  /* that a task emits at once */
};

/* Of a node, always the same in all worlds of a seed. */
static uint32_t fixed_below(const struct sim_run *run, uint32_t node, uint32_t bound)
{
    struct str id = run->pipeline->nodes[node].id;
    struct random random = {run->sim->seed};
    for (size_t i = 0; i < id.n; i++) {
        random.state = random_next(&random) + (unsigned char)id.p[i];
    }
    return random_below(&random, bound);
}

static struct sim_event event_of(const struct sim_run *run, enum sim_event_type type,
                                 const struct sim_event *task)
{
    struct sim_event event = *task;
    event.type = type;
    event.run = run->index;
    event.life = run->root->life;
    return event;
}

static void schedule_report(struct sim_run *run, const struct sim_event *task, int64_t at)
{
    struct sim *sim = run->sim;
    bool is_done = sim->is_calm || random_percent(&sim->random, 88);
    struct sim_event report = event_of(run, is_done ? SIM_DONE : SIM_FAILED, task);
    report.at = at;
    sim_schedule(sim, report);
}

static void schedule_items(struct sim_run *run, const struct sim_event *task)
{
    struct sim_event items = event_of(run, SIM_ITEMS, task);
    items.at = sim_later(run->sim, 300);
    sim_schedule(run->sim, items);
}

static struct sim_event task_of(const struct effect *effect)
{
    return (struct sim_event){
        .frame = effect->frame, .node = effect->node, .attempt = effect->attempt};
}

void sim_task_start(struct sim_run *run, const struct effect *effect)
{
    struct sim *sim = run->sim;
    struct sim_event task = task_of(effect);
    bool has_readers = run->pipeline->nodes[effect->node].has_readers;
    uint32_t dice = random_below(&sim->random, 100);
    sim->starts++;
    sim_budget_plan(run, &task);
    if (has_readers) {
        schedule_items(run, &task);
    }
    if (sim->is_calm) {
        if (!has_readers) {
            schedule_report(run, &task, sim_later(sim, 800));
        }
        return;
    }
    if (dice < 4) {
        return; /* never reports by itself */
    }
    uint32_t most_ms = dice < 15 ? 20000 : 800;
    schedule_report(run, &task, sim_later(sim, most_ms));
    if (dice >= 90) {
        schedule_report(run, &task, sim_later(sim, most_ms));
    }
}

/* Whoever was told to stop ends within the grace; most at once, and some well. */
void sim_task_stop(struct sim_run *run, const struct effect *effect)
{
    struct sim *sim = run->sim;
    struct sim_event task = task_of(effect);
    if (run->pipeline->nodes[effect->node].kind != NODE_PLUGIN) {
        return; /* a child run: the engine has told it */
    }
    bool is_quick = random_percent(&sim->random, 70);
    schedule_report(run, &task, sim_later(sim, is_quick ? 30 : GRACE_MS));
}

/* A plugin reports; the second time it only bothers the engine. */
void sim_task_report(struct sim_run *run, const struct sim_event *event)
{
    static const char *const ports[] = {"", "", "left", "right", "nobody's"};
    static const char *const outputs[] = {"{\"x\": 1}", "{\"event\": \"left\"}", "[1, null]"};
    struct sim *sim = run->sim;
    uint32_t port = sim->is_calm ? fixed_below(run, event->node, 5) : random_below(&sim->random, 5);
    uint32_t text = sim->is_calm ? fixed_below(run, event->node, 3) : random_below(&sim->random, 3);
    struct document *output = pipeline_fixture_json(outputs[text]);
    static const char *const failures[] = {
        "{\"code\": \"BROKEN\", \"message\": \"the toy broke\"}",
        "{\"code\": \"UNAVAILABLE\", \"message\": \"not there\", \"effect\": \"none\"}",
        "{\"code\": \"UNAVAILABLE\", \"message\": \"cut off\", \"effect\": \"maybe\"}",
        "{\"code\": \"RATE_LIMITED\", \"message\": \"slow\", \"retry_after_ms\": 700}",
    };
    struct document *error = pipeline_fixture_json(failures[random_below(&sim->random, 4)]);
    struct watched_node *task = run_watch_node(&run->watch, event->frame, event->node);
    if (task->is_live && task->attempt == event->attempt) {
        sim_ledger_outside(run, event->frame, event->node);
        run_watch_task_ended(&run->watch, task);
        sim_budget_end_task(run, event);
    }
    sim_driver_tell(run,
                    &(struct run_event){
                        .type = event->type == SIM_DONE ? RUN_EVENT_DONE : RUN_EVENT_FAILED,
                        .frame = event->frame,
                        .node = event->node,
                        .attempt = event->attempt,
                        .port = str_from(ports[port]),
                        .output = output,
                        .error = error,
                    },
                    SIM_ANSWER_NONE);
    document_unref(output);
    document_unref(error);
}

static void emit_items(struct sim_run *run, const struct sim_event *event,
                       struct watched_node *task, uint32_t count)
{
    const struct document *items[MOST_ITEMS];
    for (uint32_t i = 0; i < count; i++) {
        char number[16];
        (void)snprintf(number, sizeof(number), "%u", (unsigned)(task->emitted + i));
        items[i] = pipeline_fixture_json(number);
    }
    struct run_event emitted = {.type = RUN_EVENT_ITEMS,
                                .frame = event->frame,
                                .node = event->node,
                                .attempt = event->attempt,
                                .items = items,
                                .item_count = count,
                                .index = task->emitted};
    task->credits -= count;
    task->emitted += count;
    sim_driver_tell(run, &emitted, SIM_ANSWER_NONE);
    for (uint32_t i = 0; i < count; i++) {
        document_unref(items[i]);
    }
}

/* As many items as the task has credit for, at most; one that has ended says nothing any more. */
void sim_task_emit(struct sim_run *run, const struct sim_event *event)
{
    struct sim *sim = run->sim;
    struct watched_node *task = run_watch_node(&run->watch, event->frame, event->node);
    uint32_t count = random_below(&sim->random, MOST_ITEMS + 1);
    uint32_t left = sim->is_calm ? fixed_below(run, event->node, 20) : UINT32_MAX;
    if (!task->is_live || task->attempt != event->attempt) {
        return;
    }
    left = left > task->emitted ? left - task->emitted : 0;
    count = count < left ? count : left;
    count = count < task->credits ? count : task->credits;
    emit_items(run, event, task, count);
    if (sim->is_calm && count == left) {
        schedule_report(run, event, sim_later(sim, 100));
    } else if (sim->is_calm || random_percent(&sim->random, 80)) {
        schedule_items(run, event);
    }
}
