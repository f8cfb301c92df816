/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loops, repeats, state machines and child runs in the engine alone: how many rounds a second, and
 * how much memory a run of very many of them takes. Each case has a process of its own, so that
 * its peak of memory is its own. The rows come in pairs of a small and a large run of the same
 * pipeline: what grows faster than the work shows as a rate that falls.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/engine/engine.h"
#include "core/engine/record.h"
#include "core/model/pipeline.h"
#include "core/value/builder.h"
#include "core/value/value.h"
#include "tests/bench/bench.h"
#include "tests/support/pipeline_fixture.h"

#define LOOP(body)                                                                                 \
    "id: bench\nnodes:\n  - {id: each, for_each: input.items, collect: count, batch_size: 100,"    \
    " parallel_workers: 10, max_iterations: 10000000, " body "}\n"

#define NESTED(body)                                                                               \
    "for_each: input.items, collect: count, max_iterations: 10000000, nodes: [" body "]"

#define CALLS(type)                                                                                \
    "workflows:\n  main:\n    nodes:\n"                                                            \
    "      - {id: each, for_each: input.items, collect: count, nodes: [{id: call, " type "}]}\n"   \
    "  child:\n    nodes:\n      - {id: only, type: start}\n"

static const char list_of_sets[] = LOOP("type: set, config: {x: '{{ item }}'}");
static const char list_of_nothing[] = LOOP("type: start");
static const char collected[] =
    "id: bench\nnodes:\n  - {id: each, for_each: input.items, max_iterations: 10000000,"
    " type: set, config: {x: '{{ item }}'}}\n";
static const char reduced[] =
    "id: bench\nnodes:\n  - {id: each, for_each: input.items, max_iterations: 10000000,"
    " collect: {reduce: acc + item.x, init: 0}, type: set, config: {x: '{{ item }}'}}\n";
static const char many_workers[] =
    "id: bench\nnodes:\n  - {id: each, for_each: input.items, collect: count, batch_size: 1,"
    " parallel_workers: 1000, max_iterations: 10000000, type: start}\n";
static const char nested[] = "id: bench\nnodes:\n  - {id: a, " NESTED(
    "{id: b, " NESTED("{id: c, " NESTED("{id: d, type: start}") "}") "}") "}\n";
static const char repeated[] =
    "id: bench\nnodes:\n  - {id: again, type: set, config: {x: 1},"
    " repeat: {until: 'input.count <= 0', max_iterations: 10000000}, on_error: continue}\n";
static const char machine[] =
    "id: bench\nmax_transitions: 10000000\ninitial_state: a\nstates:\n"
    "  a: {type: start, transitions: {success: [{when: input.count > 0, to: b}]}}\n"
    "  b: {type: start, transitions: {success: [{when: input.count > 0, to: a}]}}\n";
static const char called[] = CALLS("type: workflow, config: {workflow: child}");
static const char inlined[] = CALLS("type: start");

struct job {
    const char *name;
    const char *yaml;
    uint64_t items; /* of input.items */
    double rounds;  /* that the run makes */
    double goal;    /* rounds a second */
    double goal_mb;
    bool is_failing; /* it ends at a limit */
};

/* ---- one run ---- */

static void remove_ended(struct engine *engine, const struct batch *batch, const struct run *root)
{
    for (size_t i = 0; i < batch->effect_count; i++) {
        const struct effect *effect = &batch->effects[i];
        if (effect->type == EFFECT_RUN_ENDED && effect->run != root) {
            engine_remove(engine, effect->run);
        }
    }
}

/* Carries out `batch`; what follows from it is in `next`. */
static int carry_out(struct engine *engine, const struct batch *batch, struct batch *next)
{
    struct error err = {0};
    int status = 0;
    for (size_t i = 0; i < batch->effect_count && status == 0; i++) {
        if (batch->effects[i].type == EFFECT_CONTINUE) {
            status = engine_continue(engine, batch->effects[i].run, 2000, next, &err);
        }
    }
    return status;
}

/* What who drives the engine does when everything is durable at once. */
static int drive(struct engine *engine, struct batch *batch, const struct run *root)
{
    struct batch next = BATCH_INIT;
    int status = 0;
    while (status == 0 && batch->effect_count > 0) {
        status = carry_out(engine, batch, &next);
        remove_ended(engine, batch, root);
        batch_clear(batch);
        struct batch done = *batch;
        *batch = next;
        next = done;
    }
    batch_finish(&next);
    return status;
}

static int run_once(const struct job *job, const struct pipeline *pipeline,
                    const struct document *input)
{
    struct run_options options = {
        .pipeline = pipeline, .input = input, .id = STR("run"), .triggered_by = STR("manual")};
    struct batch batch = BATCH_INIT;
    struct error err = {0};
    struct engine *engine = NULL;
    struct run *run = NULL;
    int status = engine_create(&(struct engine_options){0}, &engine, &err);
    if (status == 0) {
        status = engine_start(engine, &options, 1000, &batch, &run, &err);
    }
    if (status == 0) {
        status = drive(engine, &batch, run);
    }
    if (status == 0 && run_state(run) != (job->is_failing ? RUN_FAILED : RUN_COMPLETED)) {
        (void)fprintf(stderr, "%s: ended as %s\n", job->name, run_state_name(run_state(run)));
        status = -1;
    }
    batch_finish(&batch);
    engine_destroy(engine);
    return status;
}

static struct document *make_input(uint64_t items)
{
    struct document *input = NULL;
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_member_int(b, STR("count"), 1);
    builder_key(b, STR("items"));
    builder_list_begin(b);
    for (uint64_t i = 0; i < items; i++) {
        builder_int(b, (int64_t)i);
    }
    builder_list_end(b);
    builder_map_end(b);
    return builder_finish(b, &input, NULL) == 0 ? input : NULL;
}

/* ---- measurements ---- */

static double peak_mb(void)
{
    struct rusage usage = {0};
    (void)getrusage(RUSAGE_SELF, &usage); /* cannot fail for the own process */
    return (double)usage.ru_maxrss / 1024.0;
}

/* In a process of its own. */
static int measure_here(const struct job *job)
{
    struct pipeline *pipeline = pipeline_fixture_load(job->yaml);
    struct document *input = make_input(job->items);
    uint64_t begin = bench_thread_ns();
    int status = input != NULL ? run_once(job, pipeline, input) : -1;
    double seconds = (double)(bench_thread_ns() - begin) / 1e9;
    document_unref(input);
    pipeline_unref(pipeline);
    if (status != 0) {
        return 1;
    }
    struct strbuf name = STRBUF_INIT;
    strbuf_append_format(&name, "loops: %s, memory", job->name);
    bench_print_row(
        &(struct bench_row){.name = name.p, .unit = "MB", .ours = peak_mb(), .goal = job->goal_mb});
    name.p[name.n - sizeof(", memory") + 1] = '\0';
    bench_print_row(&(struct bench_row){.name = name.p,
                                        .unit = "/s",
                                        .ours = job->rounds / seconds,
                                        .goal = job->goal,
                                        .is_least = true});
    strbuf_finish(&name);
    return 0;
}

static int measure(const struct job *job)
{
    int wstatus = 0;
    pid_t pid = fork();
    if (pid == 0) {
        _exit(measure_here(job));
    }
    if (pid < 0 || waitpid(pid, &wstatus, 0) != pid) {
        return 1;
    }
    return WIFEXITED(wstatus) && WEXITSTATUS(wstatus) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const struct job jobs[] = {
        {"list of 10,000 sets", list_of_sets, 10000, 1e4, 3e5, 16, false},
        {"list of 100,000 sets", list_of_sets, 100000, 1e5, 3e5, 24, false},
        {"list of 1,000,000 sets", list_of_sets, 1000000, 1e6, 3e5, 64, false},
        {"list of 100 empty nodes", list_of_nothing, 100, 1e2, 2e4, 16, false},
        {"list of 1,000,000 empty nodes", list_of_nothing, 1000000, 1e6, 3e5, 64, false},
        {"100,000 outputs collected", collected, 100000, 1e5, 2e5, 64, false},
        {"1,000,000 outputs collected", collected, 1000000, 1e6, 2e5, 500, false},
        {"1,000,000 outputs reduced", reduced, 1000000, 1e6, 2e5, 64, false},
        {"1,000 workers, 100,000 items", many_workers, 100000, 1e5, 1e5, 32, false},
        {"nested 100 x 100 x 100", nested, 100, 1e6, 3e5, 32, false},
        {"10,000,000 repeats", repeated, 0, 1e7, 3e5, 16, false},
        {"10,000,000 transitions", machine, 0, 1e7, 3e5, 200, true},
        {"1,000 child runs", called, 1000, 1e3, 5e4, 32, false},
        {"10,000 child runs", called, 10000, 1e4, 5e4, 64, false},
        {"10,000 nodes instead of children", inlined, 10000, 1e4, 5e4, 64, false},
    };
    int status = 0;
    for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]) && status == 0; i++) {
        bool is_wanted = argc < 2 || strstr(jobs[i].name, argv[1]) != NULL;
        status = is_wanted ? measure(&jobs[i]) : 0;
    }
    return status;
}
