/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine alone: empty nodes in memory, no journal, no plugins. Many runs of a small graph, one
 * graph of 10,000 nodes in three shapes, and a condition in the scope of a run. What it costs to
 * check them is in bench_graph.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/engine/decision.h"
#include "core/engine/engine.h"
#include "core/engine/record.h"
#include "core/engine/run_state.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/bench/bench.h"
#include "tests/support/pipeline_fixture.h"

enum {
    SMALL_RUNS = 20000,
    SMALL_NODES = 10,
    BIG_NODES = 10000,
    ROUNDS = 7,
    CONDITION_ROUNDS = 31,
    EVALUATIONS = 50000,
};

/* It stays at `hold`, which is of a plugin, so that the gate can be asked again and again. */
static const char condition[] =
    "id: bench\nnodes:\n"
    "  - {id: classify, type: set, config: {confidence: 0.93, category: technical, model: m}}\n"
    "  - {id: hold, type: toy.task, depends_on: [classify]}\n"
    "  - {id: gate, type: conditional, depends_on: [classify, hold],"
    " config: {condition: \"input.value > 10 && classify.output.category == 'technical'\"}}\n";

struct work {
    struct engine *engine;
    struct pipeline *pipeline;
    int run_count;
};

/* What who drives the engine does when everything is durable at once. */
static int drive(const struct work *work, struct batch *batch, struct run *run)
{
    struct error err = {0};
    int status = 0;
    while (status == 0 && !run_is_ended(run)) {
        batch_clear(batch);
        status = engine_continue(work->engine, run, 2000, batch, &err);
    }
    return status;
}

static int round_runs(void *user)
{
    const struct work *work = user;
    struct run_options options = {.pipeline = work->pipeline,
                                  .input = document_empty_map(),
                                  .id = STR("run"),
                                  .triggered_by = STR("manual")};
    struct batch batch = BATCH_INIT;
    struct error err = {0};
    int status = 0;
    for (int i = 0; i < work->run_count && status == 0; i++) {
        struct run *run = NULL;
        batch_clear(&batch);
        status = engine_start(work->engine, &options, 1000, &batch, &run, &err);
        if (status == 0) {
            status = drive(work, &batch, run);
        }
        if (status == 0) {
            engine_remove(work->engine, run);
        }
    }
    batch_finish(&batch);
    return status;
}

static double peak_mb(void)
{
    struct rusage usage = {0};
    (void)getrusage(RUSAGE_SELF, &usage); /* cannot fail for the own process */
    return (double)usage.ru_maxrss / 1024.0;
}

/* ---- texts ---- */

static void begin_text(struct strbuf *text)
{
    strbuf_append_text(text, "id: bench\nnodes:\n  - {id: n0, type: start}\n");
}

static void add_row(struct strbuf *text, int count)
{
    for (int i = 1; i < count; i++) {
        strbuf_append_format(text, "  - {id: n%d, type: passthrough, depends_on: [n%d]}\n", i,
                             i - 1);
    }
}

static void add_wide(struct strbuf *text, int count)
{
    for (int i = 1; i < count; i++) {
        strbuf_append_format(text, "  - {id: n%d, type: passthrough, depends_on: [n0]}\n", i);
    }
}

/* 100 layers of 100, each node behind three of the layer before. */
static void add_square(struct strbuf *text, int count)
{
    for (int i = 1; i < count; i++) {
        int above = i / 100 * 100 - 100;
        if (above < 0) {
            strbuf_append_format(text, "  - {id: n%d, type: start}\n", i);
        } else {
            strbuf_append_format(text, "  - {id: n%d, type: start, depends_on: [n%d, n%d, n%d]}\n",
                                 i, above + i % 100, above + (i + 1) % 100, above + (i + 50) % 100);
        }
    }
}

/* ---- measurements ---- */

static int measure_small(struct work *work)
{
    struct strbuf text = STRBUF_INIT;
    double ns = 0;
    begin_text(&text);
    add_row(&text, SMALL_NODES);
    work->pipeline = pipeline_fixture_load_str(strbuf_str(&text));
    work->run_count = SMALL_RUNS;
    int status = bench_fastest(round_runs, work, ROUNDS, &ns);
    if (status == 0) {
        double nodes = (double)SMALL_RUNS * SMALL_NODES;
        bench_print_row(&(struct bench_row){.name = "engine: runs of 10 empty nodes",
                                            .unit = "million nodes/s",
                                            .ours = nodes / ns * 1e3,
                                            .goal = 2.0,
                                            .is_least = true});
    }
    pipeline_unref(work->pipeline);
    strbuf_finish(&text);
    return status;
}

struct shape {
    const char *name;
    void (*add)(struct strbuf *text, int count);
};

static int measure_big(struct work *work, const struct shape *shape)
{
    struct strbuf text = STRBUF_INIT;
    double ns = 0;
    begin_text(&text);
    shape->add(&text, BIG_NODES);
    work->pipeline = pipeline_fixture_load_str(strbuf_str(&text));
    work->run_count = 1;
    int status = bench_fastest(round_runs, work, ROUNDS, &ns);
    if (status == 0) {
        bench_print_row(
            &(struct bench_row){.name = shape->name, .unit = "ms", .ours = ns / 1e6, .goal = 1000});
    }
    pipeline_unref(work->pipeline);
    strbuf_finish(&text);
    return status;
}

/* What the engine does for a condition, from the scope to the arena of the result. */
static int round_condition(void *user)
{
    const struct run *run = user;
    struct decision d = {.run = run, .frame = run->root, .now = 2000};
    uint32_t gate = pipeline_fixture_node(run->pipeline, "gate");
    const struct expr *expr = run->pipeline->nodes[gate].condition;
    struct error err = {0};
    for (int i = 0; i < EVALUATIONS; i++) {
        bool holds = false;
        if (decision_evaluate(&d, gate, expr, &holds, &err) != 0 || !holds) {
            (void)fputs("bench_engine: wrong result\n", stderr);
            return 1;
        }
    }
    return 0;
}

static int measure_condition(struct engine *engine)
{
    struct pipeline *pipeline = pipeline_fixture_load(condition);
    struct document *input =
        pipeline_fixture_json("{\"id\":\"t-1\",\"value\":12,\"source\":\"web\",\"tags\":[1,2,3]}");
    struct run_options options = {
        .pipeline = pipeline, .input = input, .id = STR("run"), .triggered_by = STR("manual")};
    struct batch batch = BATCH_INIT;
    struct error err = {0};
    struct run *run = NULL;
    double ns = 0;
    int status = engine_start(engine, &options, 1000, &batch, &run, &err);
    if (status == 0) {
        status = bench_fastest(round_condition, run, CONDITION_ROUNDS, &ns);
    }
    if (status == 0) {
        bench_print_row(&(struct bench_row){.name = "engine: a condition in a run's scope",
                                            .unit = "ns",
                                            .ours = ns / EVALUATIONS,
                                            .goal = 150});
    }
    batch_finish(&batch);
    document_unref(input);
    pipeline_unref(pipeline);
    return status;
}

int main(void)
{
    static const struct shape shapes[] = {
        {"engine: 10,000 nodes in a row", add_row},
        {"engine: 10,000 nodes side by side", add_wide},
        {"engine: 100 x 100 nodes", add_square},
    };
    struct work work = {0};
    struct error err = {0};
    int status = engine_create(&(struct engine_options){0}, &work.engine, &err);
    if (status == 0) {
        status = measure_small(&work);
    }
    if (status == 0) {
        status = measure_condition(work.engine);
    }
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]) && status == 0; i++) {
        status = measure_big(&work, &shapes[i]);
    }
    if (status == 0) {
        bench_print_row(&(struct bench_row){.name = "engine: peak memory of all that",
                                            .unit = "MB",
                                            .ours = peak_mb(),
                                            .goal = 200});
    }
    engine_destroy(work.engine);
    return status == 0 ? 0 : 1;
}
