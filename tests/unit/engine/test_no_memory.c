/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole runs of all that a pipeline can have, with each allocation of the engine failing in turn:
 * whoever called hears of it, nothing is lost (the sanitizers look), and nothing that is short of
 * memory passes for a failure of the pipeline.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/engine/engine.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/pipeline_fixture.h"

enum { MOST_PENDING = 400, MOST_STEPS = 3000, FIRST_MS = 1000, MOST_ALLOCATIONS = 100000 };

/* Effects to carry out; it allocates nothing itself. No time-out is ever over. */
struct driver {
    struct engine *engine;
    struct run *root;
    struct document *data; /* what tasks give, and events bring */
    struct batch batch;
    struct effect pending[MOST_PENDING];
    size_t first;
    size_t count;
    int64_t now;
    bool emits;
};

static void take_effects(struct driver *driver)
{
    for (size_t i = 0; i < driver->batch.effect_count; i++) {
        const struct effect *effect = &driver->batch.effects[i];
        bool is_ours = effect->type == EFFECT_START || effect->type == EFFECT_STOP ||
                       (effect->type == EFFECT_ARM_TIMER && effect->timer == TIMER_WAIT) ||
                       effect->type == EFFECT_CONTINUE;
        if (is_ours) {
            assert_in_range(driver->count, 0, MOST_PENDING - 1);
            driver->pending[(driver->first + driver->count++) % MOST_PENDING] = *effect;
        }
    }
    batch_clear(&driver->batch);
}

static int handle(struct driver *driver, struct run *run, struct run_event event)
{
    struct error err = {0};
    int status = engine_handle(driver->engine, run, &event, driver->now, &driver->batch, &err);
    if (status == 0) {
        take_effects(driver);
    }
    return status;
}

/* A task emits what it may, and ends. */
static int end_task(struct driver *driver, const struct effect *effect)
{
    const struct document *items[2] = {driver->data, driver->data};
    struct run_event event = {.type = RUN_EVENT_ITEMS,
                              .frame = effect->frame,
                              .node = effect->node,
                              .attempt = effect->attempt,
                              .output = driver->data,
                              .items = items,
                              .item_count = 2};
    bool has_items = run_pipeline(effect->run)->nodes[effect->node].has_readers;
    int status = has_items && effect->type == EFFECT_START ? handle(driver, effect->run, event) : 0;
    event.type = effect->type == EFFECT_START ? RUN_EVENT_DONE : RUN_EVENT_FAILED;
    event.error = driver->data;
    return status == 0 ? handle(driver, effect->run, event) : status;
}

static int carry_out(struct driver *driver, const struct effect *effect)
{
    struct error err = {0};
    if (effect->type == EFFECT_START || effect->type == EFFECT_STOP) {
        return end_task(driver, effect);
    }
    if (effect->type == EFFECT_ARM_TIMER) {
        driver->now = effect->at_unix_ms > driver->now ? effect->at_unix_ms : driver->now;
        return handle(driver, effect->run,
                      (struct run_event){.type = RUN_EVENT_TIMER,
                                         .frame = effect->frame,
                                         .node = effect->node,
                                         .attempt = effect->attempt,
                                         .timer = effect->timer});
    }
    int status = engine_continue(driver->engine, effect->run, driver->now, &driver->batch, &err);
    if (status == 0) {
        take_effects(driver);
    }
    return status;
}

static struct effect take_next(struct driver *driver)
{
    struct effect next = driver->pending[driver->first];
    driver->first = (driver->first + 1) % MOST_PENDING;
    driver->count--;
    return next;
}

/* Sends `event` first, if there is one, then carries out what is asked for until nothing is. */
static int drive(struct driver *driver, const char *event)
{
    int status = 0;
    if (event != NULL) {
        status = handle(driver, driver->root,
                        (struct run_event){.type = RUN_EVENT_SIGNAL,
                                           .port = str_from(event),
                                           .output = driver->data});
    }
    for (int i = 0; i < MOST_STEPS && status == 0 && driver->count > 0; i++) {
        struct effect next = take_next(driver);
        status = carry_out(driver, &next);
    }
    return status;
}

static int start(struct driver *driver, const struct pipeline *pipeline,
                 const struct document *input)
{
    struct run_options options = {
        .pipeline = pipeline, .input = input, .id = STR("run1"), .triggered_by = STR("manual")};
    struct error err = {0};
    int status =
        engine_start(driver->engine, &options, driver->now, &driver->batch, &driver->root, &err);
    if (status == 0) {
        take_effects(driver);
    }
    return status;
}

struct script {
    const char *yaml;
    const char *event;
    enum run_state ends; /* RUN_CANCELLED: it is cancelled at the end */
};

/* `*expected` is what the first run that had all the memory it needed gave; owned. */
static void assert_outcome(const struct driver *driver, const struct script *script,
                           char **expected)
{
    char *output = pipeline_fixture_text(run_output(driver->root));
    char *error = pipeline_fixture_text(run_error(driver->root));
    struct strbuf text = STRBUF_INIT;
    strbuf_append_format(&text, "%s, %s", output, error);
    char *outcome = strbuf_take(&text);
    assert_int_equal(run_state(driver->root), script->ends);
    if (*expected != NULL) {
        assert_string_equal(outcome, *expected);
        free(outcome);
    } else {
        *expected = outcome;
    }
    free(output);
    free(error);
}

/* Returns false when the run went through without the failing allocation. */
static bool run_short_of(long n, const struct script *script, const struct pipeline *pipeline,
                         const struct document *input, char **expected)
{
    struct driver driver = {.now = FIRST_MS, .data = pipeline_fixture_json("{\"n\": 1}")};
    struct error err = {0};
    assert_int_equal(engine_create(&(struct engine_options){0}, &driver.engine, &err), 0);
    failing_alloc_arm(n);
    int status = start(&driver, pipeline, input);
    bool is_at_start = status != 0;
    if (status == 0) {
        status = drive(&driver, script->event);
    }
    if (status == 0 && script->ends == RUN_CANCELLED) {
        status = handle(&driver, driver.root,
                        (struct run_event){.type = RUN_EVENT_CANCEL, .reason = STOP_REQUESTED});
        status = status == 0 ? drive(&driver, NULL) : status;
    }
    bool is_reached = failing_alloc_disarm();
    if (status == 0) { /* not needed after all: an error came first, say */
        assert_outcome(&driver, script, expected);
    } else if (status != E_NOMEM || !is_reached) {
        fail_msg("allocation %ld: status %d", n, status);
    }
    if (is_at_start) { /* there is no run: it can be started again */
        assert_int_equal(driver.batch.record_count, 0);
        status = start(&driver, pipeline, input);
        assert_int_equal(status, 0);
        assert_int_equal(drive(&driver, script->event), 0);
    }
    engine_destroy(driver.engine);
    batch_finish(&driver.batch);
    document_unref(driver.data);
    return is_reached;
}

static void run_all_short(const struct script *script)
{
    struct pipeline *pipeline = pipeline_fixture_load(script->yaml);
    struct document *input = pipeline_fixture_json("{\"l\": [1, 2, 3], \"z\": 0}");
    char *expected = NULL;
    long n = 0;
    assert_false(run_short_of(MOST_ALLOCATIONS, script, pipeline, input, &expected));
    while (run_short_of(n, script, pipeline, input, &expected)) {
        n++;
    }
    assert_in_range(n, 10, MOST_ALLOCATIONS - 1);
    free(expected);
    document_unref(input);
    pipeline_unref(pipeline);
}

/* ---- the scripts ---- */

static void test_no_memory__loops(void **state)
{
    static const struct script scripts[] = {
        {"id: p\n"
         "nodes:\n"
         "  - id: e\n    for_each: input.l\n    batch_size: 2\n    parallel_workers: 2\n"
         "    timeout: 60s\n    until: a.n > 5\n    nodes:\n"
         "      - {id: a, type: toy.task, config: {x: '{{ item }}'}}\n"
         "      - {id: b, type: set, depends_on: [a], config: {x: '{{ a.n + iter.index }}'}}\n"
         "  - {id: c, type: set, depends_on: [e], config: {n: '{{ e.counts.completed }}'}}\n",
         NULL, RUN_COMPLETED},
        {"id: p\n"
         "nodes: [{id: e, type: set, for_each: {x: [1, 2], y: '{{ input.l }}'}, max_failures: 9, "
         "collect: {reduce: 'acc + [item.v]', init: []}, config: {v: '{{ 1 / (item.x - 1) }}'}}]\n",
         NULL, RUN_COMPLETED},
        {"id: p\n"
         "nodes: [{id: e, type: toy.task, for_each: input.l, as_batch: rows, batch_size: 2, "
         "collect: count}]\n",
         NULL, RUN_COMPLETED},
        {"id: p\n"
         "nodes: [{id: e, for_each: input.l, as: x, batch_size: 1, nodes: "
         "[{id: f, type: set, for_each: [1, 2], config: {v: '{{ x / input.z }}'}}]}]\n",
         NULL, RUN_FAILED},
        {"id: p\n"
         "nodes:\n"
         "  - {id: e, for_each: input.l, batch_size: 1, nodes: [{id: w, type: wait, config: "
         "{event: never}}]}\n",
         NULL, RUN_CANCELLED},
        {"id: p\n"
         "nodes:\n"
         "  - {id: f, type: flow.task}\n"
         "  - {id: e, type: set, for_each: f.stream, batch_size: 2, config: {v: '{{ item.n }}'}}\n",
         NULL, RUN_COMPLETED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        run_all_short(&scripts[i]);
    }
}

static void test_no_memory__repeats_and_tools(void **state)
{
    static const struct script scripts[] = {
        {"id: p\n"
         "nodes: [{id: a, type: toy.task, config: {n: '{{ default(a.?output.?n, 0) }}'}, "
         "repeat: {until: 'a.attempts > 2', delay: 1s}}]\n",
         NULL, RUN_COMPLETED},
        {"id: p\n"
         "nodes: [{id: a, type: set, config: {n: 1}, repeat: {until: 'false', "
         "max_iterations: 3}}]\n",
         NULL, RUN_FAILED},
        {"id: p\ntools: [toy/task, other/task]\nduration: 5s\ninterval: 2s\n", NULL, RUN_COMPLETED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        run_all_short(&scripts[i]);
    }
}

static void test_no_memory__child_runs(void **state)
{
    static const struct script scripts[] = {
        {"workflows:\n"
         "  main:\n"
         "    nodes:\n"
         "      - {id: a, type: workflow, config: {workflow: child, input: {n: '{{ input.z }}'}}}\n"
         "      - {id: b, type: workflow, config: {workflow: child, wait: false}}\n"
         "  child:\n"
         "    input: {type: object, properties: {n: {type: integer, default: 4}}}\n"
         "    nodes: [{id: c, type: toy.task, config: {n: '{{ input.n }}'}}]\n",
         NULL, RUN_COMPLETED},
        {"workflows:\n"
         "  main: {workflows: [one, two]}\n"
         "  one: {nodes: [{id: a, type: set, config: {x: 1}}]}\n"
         "  two: {nodes: [{id: b, type: fail, config: {message: '{{ input.x }}'}}]}\n",
         NULL, RUN_FAILED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        run_all_short(&scripts[i]);
    }
}

static void test_no_memory__machines_and_events(void **state)
{
    static const struct script scripts[] = {
        {"id: p\n"
         "initial_state: a\n"
         "states:\n"
         "  a: {transitions: {go: [{when: 'a.output.data.n > 5', to: c}, {to: b}]}}\n"
         "  b: {type: toy.task, timeout: 9s, transitions: {success: [{when: 'b.n > 5', to: a}, "
         "{to: c}]}}\n"
         "  c: {type: set, config: {n: '{{ b.n }}'}}\n",
         "go", RUN_COMPLETED},
        {"id: p\n"
         "initial_state: a\n"
         "states:\n"
         "  a: {transitions: {go: b}}\n"
         "  b: {result: failed}\n",
         NULL, RUN_CANCELLED},
        {"id: p\n"
         "initial_state: a\n"
         "states:\n"
         "  a: {type: toy.task, transitions: {go: b}}\n"
         "  b: {result: failed}\n",
         "go", RUN_FAILED},
        {"id: p\n"
         "nodes:\n"
         "  - {id: w, type: wait, config: {event: go, match: 'signal.data.n == 1', timeout: 9s}}\n"
         "output: '{{ w.output.data }}'\n",
         "go", RUN_COMPLETED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        run_all_short(&scripts[i]);
    }
}

static void test_no_memory__endings(void **state)
{
    static const struct script scripts[] = {
        {"workflows:\n"
         "  main:\n"
         "    rollback: true\n"
         "    nodes:\n"
         "      - {id: a, type: toy.task, for_each: input.l, compensate: {type: set, "
         "config: {x: '{{ item }}'}}}\n"
         "      - {id: b, type: workflow, depends_on: [a], config: {workflow: child}}\n"
         "      - {id: c, type: fail, depends_on: [b], config: {message: no}}\n"
         "    on_failure: [{id: d, type: set, config: {e: '{{ run.error.message }}'}}]\n"
         "    finally: [{id: f, type: toy.task}]\n"
         "  child:\n"
         "    nodes: [{id: g, type: toy.task, compensate: {type: toy.task}}]\n",
         NULL, RUN_FAILED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        run_all_short(&scripts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_memory__loops),
        cmocka_unit_test(test_no_memory__repeats_and_tools),
        cmocka_unit_test(test_no_memory__child_runs),
        cmocka_unit_test(test_no_memory__machines_and_events),
        cmocka_unit_test(test_no_memory__endings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
