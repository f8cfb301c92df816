/* SPDX-License-Identifier: Apache-2.0 */
/* Streams whose events come in any order, and streams for which there is too little memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/engine/engine.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/random.h"
#include "tests/support/toy_world.h"

/* ---- any order ---- */

static const char rich[] =
    "id: p\n"
    "scaling: {batch_size: 3, parallel_workers: 2, max_parallel_nodes: 3}\n"
    "integrations: {toy: {max_concurrency: 2}, flow: {max_concurrency: 1}}\n"
    "nodes:\n"
    "  - {id: a, type: flow.task, on_error: continue}\n"
    "  - id: quick\n"
    "    for_each: a.stream\n"
    "    max_failures: 40%\n"
    "    on_error: continue\n"
    "    collect: {reduce: acc + 1, init: 0}\n"
    "    nodes: [{id: w, type: toy.task}, {id: x, type: set, depends_on: [w]}]\n"
    "  - id: until\n"
    "    for_each: a.stream\n"
    "    until: item >= 17\n"
    "    nodes: [{id: u, type: toy.task}]\n"
    "  - id: tables\n"
    "    for_each: a.stream\n"
    "    as_batch: rows\n"
    "    batch_size: 5\n"
    "    max_failures: 3\n"
    "    on_error: continue\n"
    "    nodes:\n"
    "      - {id: b, type: flow.task}\n"
    "      - {id: inner, for_each: b.stream, max_iterations: 9, on_limit: stop, type: toy.task}\n"
    "      - {id: over, type: set, for_each: b.stream, collect: count, batch_size: 1}\n"
    "  - {id: after, type: toy.task, depends_on: [quick, tables], join: any}\n"
    "  - {id: c, type: flow.task, repeat: {until: c.output == 1, max_iterations: 2}}\n"
    "  - {id: each, for_each: c.stream, depends_on: [until], type: set, collect: none}\n";

/* One of the tasks that run; NULL: none. */
static const struct watched_node *random_task(const struct toy_run *run, struct random *random)
{
    const struct watched_node *found = NULL;
    uint32_t seen = 0;
    for (size_t i = 0; i < run->watch.node_count; i++) {
        const struct watched_node *node = run->watch.nodes[i];
        if (node->is_live && random_below(random, ++seen) == 0) {
            found = node;
        }
    }
    return found;
}

/* Something happens to a task. `most` items it emits in all. */
static void play_task(struct toy_run *run, struct random *random, uint32_t most, uint32_t failing)
{
    const struct watched_node *task = random_task(run, random);
    if (task == NULL) {
        return;
    }
    bool is_flow = run->pipeline->nodes[task->node].has_readers;
    if (random_below(random, 100) < failing) {
        toy_run_failed(run, task->path, task->stopped != 0 ? "CANCELLED" : "BAD");
    } else if (is_flow && task->stopped == 0 && task->emitted < most) {
        if (task->credits > 0) {
            toy_run_emit(run, task->path, 1 + random_below(random, task->credits), NULL);
        }
    } else {
        toy_run_done(run, task->path, "1");
    }
}

static void test_streams_stress__any_order_of_events_comes_to_an_end(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct random random = {seed};
        struct toy_world wild;
        toy_world_init(&wild, NULL);
        struct toy_run *run = toy_world_run(&wild, rich, NULL);
        uint32_t most = random_below(&random, 60);
        uint32_t failing = random_below(&random, 8);
        for (uint32_t i = random_below(&random, 400); i > 0; i--) {
            play_task(run, &random, most, failing);
        }
        if (random_below(&random, 4) == 0) {
            toy_run_cancel(run);
        }
        for (uint32_t i = 0; i < 20000 && !run_is_ended(run->run); i++) {
            play_task(run, &random, most, 0);
        }
        if (!run_is_ended(run->run)) {
            fail_msg("seed %llu: the run does not end", (unsigned long long)seed);
        }
        toy_world_finish(&wild);
    }
}

/* ---- lack of memory ---- */

/* One run of a stream, with the allocation `fail_at` failing. */
static int play(struct engine *engine, struct pipeline *pipeline, const struct document *item)
{
    struct error err = {0};
    struct batch batch = BATCH_INIT;
    struct run *run = NULL;
    struct run_options options = {.pipeline = pipeline,
                                  .input = document_empty_map(),
                                  .id = STR("r"),
                                  .triggered_by = STR("x")};
    const struct document *items[40];
    int status = engine_start(engine, &options, 1, &batch, &run, &err);
    for (size_t i = 0; i < 40; i++) {
        items[i] = item;
    }
    struct run_event event = {
        .type = RUN_EVENT_ITEMS, .attempt = 1, .items = items, .item_count = 40};
    if (status == 0) {
        status = engine_handle(engine, run, &event, 2, &batch, &err);
    }
    event.type = RUN_EVENT_DONE;
    event.output = item;
    if (status == 0) {
        status = engine_handle(engine, run, &event, 3, &batch, &err);
    }
    batch_finish(&batch);
    return status;
}

static void test_streams_stress__lack_of_memory_is_told(void **state)
{
    (void)state;
    struct pipeline *pipeline = pipeline_fixture_load(
        "id: p\n"
        "nodes:\n"
        "  - {id: a, type: flow.task}\n"
        "  - {id: each, type: set, for_each: a.stream, as_batch: rows, batch_size: 7}\n");
    struct document *item = pipeline_fixture_json("{\"a\": [1, 2]}");
    int status = E_NOMEM;
    for (long fail_at = 0; status != 0; fail_at++) {
        struct engine_options options = {0};
        struct engine *engine = NULL;
        struct error err = {0};
        assert_int_equal(engine_create(&options, &engine, &err), 0);
        failing_alloc_arm(fail_at);
        status = play(engine, pipeline, item);
        assert_int_equal(status, failing_alloc_disarm() ? E_NOMEM : 0);
        engine_destroy(engine);
        assert_true(fail_at < 10000);
    }
    document_unref(item);
    pipeline_unref(pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams_stress__any_order_of_events_comes_to_an_end),
        cmocka_unit_test(test_streams_stress__lack_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
