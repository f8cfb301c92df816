/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/run_history.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/engine/engine.h"
#include "core/engine/failure.h"
#include "core/engine/record_json.h"
#include "core/engine/restore.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/random.h"
#include "tests/support/toy_world.h"

/* ---- pipelines ---- */

static const char graph[] =
    "id: graph\ntimeout: 60s\nnodes:\n"
    "  - {id: a, type: toy.task, config: {x: '{{ input.n }}'}, timeout: 9s, at_most_once: true}\n"
    "  - {id: b, type: conditional, config: {condition: 'input.n > 1'}, depends_on: [a]}\n"
    "  - {id: c, type: toy.task, repeat: {until: 'c.attempts > 2', delay: 1s}}\n"
    "  - {id: d, type: wait, config: {event: go, timeout: 5s}, on_error: continue}\n"
    "  - {id: w, type: wait, config: {seconds: 3}}\n"
    "  - {id: f, type: router, config: {routes: [{name: x, when: 'input.n > 5'}], default: y}}\n"
    "edges:\n"
    "  - {source: b, target: c, outcome: 'true'}\n"
    "  - {source: b, target: d, outcome: 'false'}\n"
    "  - {source: a, target: w, outcome: error}\n";

static const char loops[] =
    "id: loops\nnodes:\n"
    "  - {id: e, for_each: input.l, batch_size: 1, parallel_workers: 2, max_failures: 1, nodes: [\n"
    "      {id: x, type: toy.task}, {id: y, for_each: [1, 2], type: set, config: {v: '{{ item "
    "}}'},\n"
    "      collect: {reduce: 'acc + 1', init: 0}, depends_on: [x]}]}\n"
    "  - {id: s, type: flow.task}\n"
    "  - {id: r, for_each: s.stream, batch_size: 1, type: toy.task, until: 'iter.index > 2'}\n"
    "  - {id: m, for_each: {a: [1], b: [2, 3]}, collect: count, type: toy.task, timeout: 4s,\n"
    "     on_error: continue}\n";

static const char machine[] =
    "id: machine\nrollback: true\ninitial_state: a\nmax_transitions: 9\nstates:\n"
    "  a: {timeout: 4s, transitions: {go: b, timeout: c, cancel: c}}\n"
    "  b: {type: toy.task, timeout: 5s, transitions: {success: a, error: c, stop: a},\n"
    "      compensate: {type: toy.task}}\n"
    "  c: {}\n";

static const char calls[] =
    "workflows:\n  main:\n    rollback: true\n    nodes:\n"
    "      - {id: a, type: toy.task, compensate: {type: toy.task, config: {o: '{{ a.output }}'}}}\n"
    "      - {id: k, type: workflow, depends_on: [a], config: {workflow: child}}\n"
    "      - {id: z, type: toy.task, depends_on: [k]}\n"
    "    on_failure: [{id: f, type: toy.task}]\n    on_cancel: [{id: g, type: toy.task}]\n"
    "    on_success: [{id: h, type: set, config: {x: 1}}]\n    finally: [{id: i, type: toy.task}]\n"
    "  child:\n    nodes: [{id: q, type: toy.task, compensate: {type: toy.task}}]\n";

static const char tools[] =
    "id: tools\ntools: [toy/task, {id: b, name: other/task, timeout: 2s}]\nsequence: true\n"
    "duration: 9s\ninterval: 2s\n";

static const char *const yamls[RUN_HISTORY_PIPELINES] = {graph, loops, machine, calls, tools};

static void free_pipelines(void)
{
    for (uint32_t i = 0; i < RUN_HISTORY_PIPELINES; i++) {
        pipeline_unref((struct pipeline *)(uintptr_t)run_history_pipeline(i));
    }
}

const struct pipeline *run_history_pipeline(uint32_t i)
{
    static struct pipeline *pipelines[RUN_HISTORY_PIPELINES];
    bool is_first = pipelines[0] == NULL;
    for (uint32_t k = 0; is_first && k < RUN_HISTORY_PIPELINES; k++) {
        pipelines[k] = pipeline_fixture_load(yamls[k]);
    }
    if (is_first) {
        (void)atexit(free_pipelines); /* a leak at worst */
    }
    return pipelines[i % RUN_HISTORY_PIPELINES];
}

/* ---- reading ---- */

static struct str take_word(struct str *line)
{
    const char *end = line->n > 0 ? memchr(line->p, ' ', line->n) : NULL;
    size_t n = end != NULL ? (size_t)(end - line->p) : line->n;
    struct str word = {line->p, n};
    line->p += end != NULL ? n + 1 : n;
    line->n -= end != NULL ? n + 1 : n;
    return word;
}

static struct str take_line(struct str *text)
{
    const char *end = memchr(text->p, '\n', text->n);
    struct str line = {text->p, end != NULL ? (size_t)(end - text->p) : text->n};
    size_t taken = line.n + (end != NULL ? 1 : 0);
    text->p += taken;
    text->n -= taken;
    return line;
}

static int64_t number_of(struct str word)
{
    char digits[24] = "";
    memcpy(digits, word.p, word.n < sizeof(digits) - 1 ? word.n : sizeof(digits) - 1);
    return strtoll(digits, NULL, 10);
}

static int apply_lines(struct run *run, struct str text)
{
    struct error err = {0};
    int status = 0;
    while (status == 0 && text.n > 0) {
        struct str line = take_line(&text);
        struct restore_row row = {.seq = run_last_seq(run) + 1, .type = take_word(&line)};
        row.attempt = (uint32_t)number_of(take_word(&line));
        row.at_unix_ms = number_of(take_word(&line));
        row.body = line;
        status = restore_row(run, &row, NULL, NULL, &err);
    }
    return status;
}

/* ---- going on ---- */

enum { LATER_MS = 1000 };

static int tell(struct engine *engine, struct run *run, struct run_event event, struct batch *batch)
{
    int64_t now = run_started_at(run) + LATER_MS;
    batch_clear(batch);
    return engine_handle(engine, run, &event, now, batch, NULL);
}

static int resolve_all(struct engine *engine, struct run *run, struct batch *batch)
{
    uint64_t frame = 0;
    int status = 0;
    do {
        const struct body *body = &run_pipeline(run)->bodies[run_frame_body(run, frame)];
        for (uint32_t i = 0; status == 0 && i < body->node_count; i++) {
            struct run_event event = {.type = RUN_EVENT_RESOLVE,
                                      .frame = frame,
                                      .node = body->first_node + i,
                                      .resolution = i % 2 == 0 ? RUN_RESOLVE_AGAIN
                                                               : RUN_RESOLVE_OUTPUT};
            status = tell(engine, run, event, batch);
        }
    } while (status == 0 && run_next_frame(run, &frame));
    return status;
}

/* All that people can do to it. */
static int go_on(struct engine *engine, struct run *run, struct batch *batch)
{
    struct error err = {0};
    struct engine_rest wait = {0};
    int64_t now = run_started_at(run) + LATER_MS;
    int status = engine_recover(engine, run, now, batch, &err);
    if (status != 0) {
        return status;
    }
    (void)engine_only_waits(run, &wait); /* only that it comes back */
    status = engine_pause(engine, run, RUN_EVENT_PAUSE, now, batch, &err);
    status = status == 0 ? resolve_all(engine, run, batch) : status;
    status = status == 0 ? engine_pause(engine, run, RUN_EVENT_RESUME, now, batch, &err) : status;
    struct run_event events[] = {
        {.type = RUN_EVENT_SIGNAL, .port = STR("go")},
        {.type = RUN_EVENT_TIMER, .node = RECORD_NO_NODE, .timer = TIMER_RUN_TIMEOUT},
        {.type = RUN_EVENT_CANCEL, .reason = STOP_REQUESTED},
        {.type = RUN_EVENT_CANCEL, .reason = STOP_SHUTDOWN},
    };
    for (size_t i = 0; status == 0 && i < sizeof(events) / sizeof(events[0]); i++) {
        status = tell(engine, run, events[i], batch);
    }
    return status;
}

int run_history_try(const struct pipeline *pipeline, struct str text)
{
    struct engine_options none = {0};
    struct run_options options = {
        .pipeline = pipeline, .id = STR("r"), .triggered_by = STR("manual"), .number = 1};
    struct engine *engine = NULL;
    struct run *run = NULL;
    struct error err = {0};
    struct batch batch = BATCH_INIT;
    int status = engine_create(&none, &engine, &err);
    if (status == 0) {
        status = engine_restore(engine, &options, NULL, &run, &err);
    }
    status = status == 0 ? apply_lines(run, text) : status;
    if (status == 0 && run_state(run) != RUN_PENDING) {
        status = go_on(engine, run, &batch);
    }
    batch_finish(&batch);
    engine_destroy(engine);
    return status;
}

/* ---- making ---- */

static void act(struct toy_run *run, struct random *random)
{
    struct watched_node *live[16];
    uint32_t count = 0;
    for (size_t i = 0; i < run->watch.node_count && count < 16; i++) {
        if (run->watch.nodes[i]->is_live) {
            live[count++] = run->watch.nodes[i];
        }
    }
    const struct watched_node *task = count > 0 ? live[random_below(random, count)] : NULL;
    uint32_t dice = random_below(random, 100);
    if (dice < 5) {
        toy_world_restart(run->world);
    } else if (dice < 8) {
        toy_run_cancel(run);
    } else if (dice < 12) {
        toy_run_pause(run);
    } else if (dice < 18) {
        toy_run_resume(run);
    } else if (dice < 26) {
        toy_run_send(run, dice % 2 == 0 ? "go" : "stop", "1");
    } else if (task == NULL || dice < 40) {
        toy_world_pass(run->world, 1500);
    } else if (run->pipeline->nodes[task->node].has_readers && task->credits > 0 && dice < 80) {
        toy_run_emit(run, task->path, 1, NULL);
    } else if (dice < 85 || task->stopped != 0) {
        toy_run_done(run, task->path, "{\"x\":1}");
    } else {
        toy_run_failed(run, task->path, "BROKEN");
    }
}

static void write_record(const struct record *record, struct strbuf *out)
{
    strbuf_append_format(out, "%s %u %lld ", record_type_name(record->type), record->attempt,
                         (long long)record->at_unix_ms);
    record_write_body(record, out);
    strbuf_append_char(out, '\n');
}

void run_history_make(uint32_t i, uint64_t seed, struct strbuf *out)
{
    struct random random = {seed};
    struct toy_world world;
    toy_world_init(&world, NULL);
    struct pipeline *pipeline = (struct pipeline *)(uintptr_t)run_history_pipeline(i);
    struct toy_run *run = toy_world_run_pipeline(&world, pipeline, "{\"n\": 2, \"l\": [1, 2, 3]}");
    for (uint32_t steps = random_below(&random, 40); steps > 0; steps--) {
        act(world.runs[random_below(&random, (uint32_t)world.run_count)], &random);
    }
    for (size_t r = 0; r < world.record_count; r++) {
        const struct record *record = &world.records[r];
        if (record->run == run->run && !record_is_lazy(record)) {
            write_record(record, out);
        }
    }
    toy_world_finish(&world);
}
