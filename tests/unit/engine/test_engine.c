/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/engine/engine.h"
#include "core/engine/failure.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/random.h"
#include "tests/support/random_pipeline.h"
#include "tests/support/toy_world.h"
#include "tests/unit/engine/world.h"

/* ---- what runs share ---- */

static void test_engine__a_plugins_limit_holds_over_all_runs(void **state)
{
    (void)state;
    static const char *const yaml = "id: p\n"
                                    "integrations: {toy: {max_concurrency: 3}}\n"
                                    "nodes:\n"
                                    "  - {id: a, type: toy.task}\n"
                                    "  - {id: b, type: toy.task}\n";
    struct toy_run *runs[3];
    for (size_t i = 0; i < 3; i++) {
        runs[i] = toy_world_run(&world, yaml, NULL);
    }
    assert_int_equal(world.live, 3);
    assert_state(runs[1], "b", "queued");
    assert_state(runs[2], "a", "queued");
    toy_run_done(runs[0], "a", "{}"); /* an event of one run starts a node of another */
    assert_true(toy_run_is_live(runs[1], "b"));
    toy_run_cancel(runs[0]);
    toy_run_failed(runs[0], "b", "CANCELLED");
    assert_true(toy_run_is_live(runs[2], "a"));
    assert_int_equal(world.most_live, 3);
    toy_run_done(runs[1], "a", "{}");
    toy_run_done(runs[1], "b", "{}");
    toy_run_done(runs[2], "b", "{}");
    toy_run_done(runs[2], "a", "{}");
    assert_run_state(runs[2], RUN_COMPLETED);
}

static void test_engine__other_limits_are_other_scopes(void **state)
{
    (void)state;
    struct toy_run *one = toy_world_run(&world,
                                        "id: p\nintegrations: {toy: {max_concurrency: 1}}\n"
                                        "nodes:\n  - {id: a, type: toy.task}\n",
                                        NULL);
    struct toy_run *two = toy_world_run(&world,
                                        "id: p\nintegrations: {toy: {max_concurrency: 2}}\n"
                                        "nodes:\n  - {id: a, type: toy.task}\n",
                                        NULL);
    assert_true(toy_run_is_live(one, "a"));
    assert_true(toy_run_is_live(two, "a"));
}

static void test_engine__a_nodes_limit_holds_over_all_runs_of_its_pipeline(void **state)
{
    (void)state;
    static const char *const yaml = "id: p\n"
                                    "nodes:\n"
                                    "  - {id: a, type: toy.task, max_concurrency: 1}\n"
                                    "  - {id: b, type: toy.task}\n";
    struct toy_run *first = toy_world_run(&world, yaml, NULL);
    struct toy_run *second = toy_world_run(&world, yaml, NULL);
    assert_true(toy_run_is_live(first, "a"));
    assert_state(second, "a", "queued");
    assert_true(toy_run_is_live(second, "b"));
    toy_run_done(first, "a", "{}");
    assert_true(toy_run_is_live(second, "a"));
}

static void test_engine__a_runs_limit_is_its_own(void **state)
{
    (void)state;
    static const char *const yaml = "id: p\n"
                                    "scaling: {max_parallel_nodes: 2}\n"
                                    "nodes:\n"
                                    "  - {id: a, type: toy.task}\n"
                                    "  - {id: b, type: other.task}\n"
                                    "  - {id: c, type: toy.task}\n";
    struct toy_run *first = toy_world_run(&world, yaml, NULL);
    struct toy_run *second = toy_world_run(&world, yaml, NULL);
    assert_state(first, "c", "queued");
    assert_state(second, "c", "queued");
    assert_int_equal(world.live, 4);
    toy_run_done(first, "b", "{}");
    assert_true(toy_run_is_live(first, "c"));
    assert_state(second, "c", "queued");
}

static void test_engine__default_limits_come_from_its_options(void **state)
{
    (void)state;
    struct toy_world small;
    toy_world_init(&small,
                   &(struct engine_options){.plugin_concurrency = 2, .process_concurrency = 1});
    struct toy_run *run = toy_world_run(&small,
                                        "id: p\n"
                                        "nodes:\n"
                                        "  - {id: a, type: toy.task}\n"
                                        "  - {id: b, type: toy.task}\n"
                                        "  - {id: c, type: toy.task}\n"
                                        "  - {id: x, type: proc.task}\n"
                                        "  - {id: y, type: proc.task}\n",
                                        NULL);
    assert_state(run, "b", "running");
    assert_state(run, "c", "queued");
    assert_state(run, "x", "running");
    assert_state(run, "y", "queued");
    toy_world_finish(&small);
}

/* ---- memory ---- */

static size_t toy_bytes;

static size_t value_bytes(void)
{
    return toy_bytes;
}

static const char *code_of(const struct toy_run *run, const char *id)
{
    static char text[32];
    (void)snprintf(text, sizeof(text), "%.*s", STR_ARG(failure_code(toy_run_view(run, id).error)));
    return text;
}

enum { MIB = 1024 * 1024 };

/* It ends with a text of `bytes`, and the process has `total` of all runs. */
static void done_with(struct toy_run *run, const char *id, size_t bytes, size_t total)
{
    char *json = malloc(bytes + 3);
    assert_non_null(json);
    memset(json, 'x', bytes + 2);
    json[0] = '"';
    json[bytes + 1] = '"';
    json[bytes + 2] = '\0';
    toy_bytes = total;
    toy_run_done(run, id, json);
    free(json);
}

static const char four[] = "id: p\n"
                           "scaling: {max_memory_mb: 2}\n"
                           "error_policy: continue\n"
                           "nodes:\n"
                           "  - {id: a, type: toy.task}\n"
                           "  - {id: b, type: toy.task}\n"
                           "  - {id: c, type: toy.task}\n"
                           "  - {id: d, type: toy.task}\n"
                           "  - {id: s, type: set, depends_on: [b]}\n";

static void test_engine__values_beyond_the_bound_fail_who_brings_more(void **state)
{
    (void)state;
    struct toy_world bounded;
    toy_bytes = 0;
    toy_world_init(&bounded, &(struct engine_options){.value_bytes = value_bytes});
    struct toy_run *run = toy_world_run(&bounded, four, NULL);
    done_with(run, "a", MIB + MIB / 2, 2 * MIB);
    assert_state(run, "a", "completed");
    done_with(run, "b", MIB, 3 * MIB);
    assert_state(run, "b", "failed");
    assert_string_equal(code_of(run, "b"), "MEMORY_LIMIT");
    struct str message = failure_message(toy_run_view(run, "b").error);
    assert_true(
        str_equal_text(message, "the values of the run take 2.5 MiB, more than the 2 they may"));
    assert_state(run, "s", "completed"); /* there is room for little */
    toy_run_done(run, "c", NULL);        /* it brings nothing */
    assert_state(run, "c", "completed");
    done_with(run, "d", MIB / 4, 3 * MIB);
    assert_state(run, "d", "completed");
    assert_run_state(run, RUN_COMPLETED);
    toy_world_finish(&bounded);
}

static void test_engine__values_of_other_runs_do_not_count(void **state)
{
    (void)state;
    struct toy_world bounded;
    toy_bytes = 0;
    toy_world_init(&bounded, &(struct engine_options){.value_bytes = value_bytes});
    struct toy_run *other =
        toy_world_run(&bounded, "id: q\nnodes: [{id: a, type: toy.task}]\n", NULL);
    struct toy_run *run = toy_world_run(&bounded, four, NULL);
    done_with(other, "a", 8 * MIB, 8 * MIB);
    done_with(run, "a", MIB, 500 * MIB);
    assert_state(run, "a", "completed");
    done_with(run, "b", MIB / 4, 500 * MIB);
    assert_state(run, "b", "completed");
    done_with(run, "c", MIB, 501 * MIB);
    assert_string_equal(code_of(run, "c"), "MEMORY_LIMIT");
    toy_world_finish(&bounded);
}

static void test_engine__values_have_a_bound_that_nobody_wrote(void **state)
{
    (void)state;
    struct toy_world bounded;
    toy_bytes = 0;
    toy_world_init(&bounded, &(struct engine_options){.value_bytes = value_bytes});
    /* The same text 200 times, which counts each time that it is held. */
    struct toy_run *run = toy_world_run(&bounded,
                                        "id: p\n"
                                        "nodes:\n"
                                        "  - {id: a, type: toy.task}\n"
                                        "  - {id: l, for_each: range(200), depends_on: [a],\n"
                                        "     type: set, config: {x: '{{ a.output }}'}}\n",
                                        NULL);
    done_with(run, "a", 8 * MIB, (size_t)1024 * MIB + 1);
    assert_string_equal(code_of(run, "l"), "MEMORY_LIMIT");
    assert_run_state(run, RUN_FAILED);
    toy_world_finish(&bounded);
}

/* ---- big graphs ---- */

static struct toy_run *run_text(struct strbuf *yaml)
{
    assert_int_equal(strbuf_status(yaml), 0);
    struct pipeline *pipeline = pipeline_fixture_load_str(strbuf_str(yaml));
    struct toy_run *run = toy_world_run_pipeline(&world, pipeline, NULL);
    pipeline_unref(pipeline);
    strbuf_finish(yaml);
    return run;
}

enum { MANY = 10000 };

static void test_engine__ten_thousand_in_a_row(void **state)
{
    (void)state;
    struct strbuf yaml = STRBUF_INIT;
    strbuf_append_text(&yaml, "id: deep\nnodes:\n  - {id: n0, type: start}\n");
    for (int i = 1; i < MANY; i++) {
        strbuf_append_format(&yaml, "  - {id: n%d, type: passthrough, depends_on: [n%d]}\n", i,
                             i - 1);
    }
    struct toy_run *run = run_text(&yaml);
    assert_run_state(run, RUN_COMPLETED);
    assert_state(run, "n9999", "completed");
    assert_true(world.batches > 10); /* done in portions */
    assert_true(world.largest_batch < 2000);
}

static void test_engine__ten_thousand_side_by_side(void **state)
{
    (void)state;
    struct strbuf yaml = STRBUF_INIT;
    strbuf_append_text(&yaml, "id: wide\nintegrations: {toy: {max_concurrency: 7}}\nnodes:\n");
    for (int i = 0; i < MANY - 1; i++) {
        strbuf_append_format(&yaml, "  - {id: n%d, type: %s}\n", i,
                             i % 2 == 0 ? "toy.task" : "start");
    }
    strbuf_append_text(&yaml, "  - {id: last, type: toy.task, depends_on: [n0");
    for (int i = 1; i < MANY - 1; i++) {
        strbuf_append_format(&yaml, ", n%d", i);
    }
    strbuf_append_text(&yaml, "]}\n");
    struct toy_run *run = run_text(&yaml);
    for (int i = 0; i < MANY - 1; i += 2) {
        char id[16];
        (void)snprintf(id, sizeof(id), "n%d", i);
        toy_run_done(run, id, "{}");
    }
    assert_int_equal(world.most_live, 7);
    toy_run_done(run, "last", "{}");
    assert_run_state(run, RUN_COMPLETED);
}

/* One dead edge kills all that follows, without recursion. */
static void test_engine__ten_thousand_that_do_not_run(void **state)
{
    (void)state;
    struct strbuf yaml = STRBUF_INIT;
    strbuf_append_text(&yaml, "id: dead\nnodes:\n  - {id: n0, type: toy.task}\n"
                              "  - {id: n1, type: start}\n");
    for (int i = 2; i < MANY; i++) {
        strbuf_append_format(&yaml, "  - {id: n%d, type: toy.task, depends_on: [n%d]}\n", i, i - 1);
    }
    strbuf_append_text(&yaml, "edges:\n  - {source: n0, target: n1, outcome: left}\n");
    struct toy_run *run = run_text(&yaml);
    toy_run_done(run, "n0", "{}");
    assert_run_state(run, RUN_COMPLETED);
    assert_state(run, "n9999", "not_run");
    assert_null(toy_run_view(run, "n9999").output);
}

static void test_engine__cancel_between_two_portions(void **state)
{
    (void)state;
    struct strbuf yaml = STRBUF_INIT;
    strbuf_append_text(&yaml, "id: wide\nnodes:\n");
    for (int i = 0; i < MANY; i++) {
        strbuf_append_format(&yaml, "  - {id: n%d, type: start}\n", i);
    }
    struct pipeline *pipeline = pipeline_fixture_load_str(strbuf_str(&yaml));
    strbuf_finish(&yaml);
    struct engine *engine = NULL;
    struct error err = {0};
    struct run *run = NULL;
    struct batch first = BATCH_INIT;
    struct batch second = BATCH_INIT;
    struct batch third = BATCH_INIT;
    struct run_options options = {
        .pipeline = pipeline, .input = document_empty_map(), .id = STR("r")};
    struct run_event cancel = {.type = RUN_EVENT_CANCEL, .reason = STOP_REQUESTED};
    assert_int_equal(engine_create(&(struct engine_options){0}, &engine, &err), 0);
    assert_int_equal(engine_start(engine, &options, 1, &first, &run, &err), 0);
    assert_int_equal(first.effects[first.effect_count - 1].type, EFFECT_CONTINUE);
    assert_int_equal(engine_handle(engine, run, &cancel, 2, &second, &err), 0);
    assert_int_equal(run_state(run), RUN_CANCELLED);
    assert_int_equal(engine_continue(engine, run, 3, &third, &err), 0);
    assert_int_equal(third.record_count + third.effect_count, 0);
    batch_finish(&first);
    batch_finish(&second);
    batch_finish(&third);
    engine_remove(engine, run);
    engine_destroy(engine);
    pipeline_unref(pipeline);
}

static void test_engine__asks_to_go_on_once(void **state)
{
    (void)state;
    struct strbuf yaml = STRBUF_INIT;
    strbuf_append_text(&yaml, "id: wide\nnodes:\n  - {id: t, type: toy.task}\n"
                              "  - {id: u, type: toy.task}\n");
    for (int i = 0; i < 2000; i++) {
        strbuf_append_format(&yaml, "  - {id: n%d, type: start}\n", i);
    }
    struct pipeline *pipeline = pipeline_fixture_load_str(strbuf_str(&yaml));
    strbuf_finish(&yaml);
    struct engine *engine = NULL;
    struct error err = {0};
    struct run *run = NULL;
    struct batch batch = BATCH_INIT;
    struct run_options options = {
        .pipeline = pipeline, .input = document_empty_map(), .id = STR("r")};
    assert_int_equal(engine_create(&(struct engine_options){0}, &engine, &err), 0);
    assert_int_equal(engine_start(engine, &options, 1, &batch, &run, &err), 0);
    for (uint32_t node = 0; node < 2; node++) {
        struct run_event done = {
            .type = RUN_EVENT_DONE, .node = node, .attempt = 1, .output = document_empty_map()};
        assert_int_equal(engine_handle(engine, run, &done, 2, &batch, &err), 0);
    }
    size_t asked = 0;
    for (size_t i = 0; i < batch.effect_count; i++) {
        asked += batch.effects[i].type == EFFECT_CONTINUE ? 1u : 0u;
    }
    assert_int_equal(asked, 1);
    batch_finish(&batch);
    engine_destroy(engine); /* with a run that is under way */
    pipeline_unref(pipeline);
}

/* ---- anything may happen ---- */

enum { RUNS = 4, PROBES = RANDOM_PIPELINE_TOY_LIMIT + RANDOM_PIPELINE_OTHER_LIMIT };

static void end_some_task(struct random *random, struct toy_run *run, uint32_t node)
{
    char id[16];
    (void)snprintf(id, sizeof(id), "n%u", node);
    if (random_percent(random, 70)) {
        static const char *const ports[] = {"", "", "left", "right", "nobody's"};
        toy_run_done_port(run, id, ports[random_below(random, 5)], "{\"x\": 1}");
    } else {
        static const char *const failures[] = {
            "{\"code\": \"BROKEN\", \"message\": \"no\"}",
            "{\"code\": \"UNAVAILABLE\", \"message\": \"not there\"}",
            "{\"code\": \"UNAVAILABLE\", \"message\": \"cut off\", \"effect\": \"maybe\"}"};
        toy_run_failed_with(run, id, failures[random_below(random, 3)]);
    }
}

/* Events for any node, whether or not they make sense. */
static void send_nonsense(struct random *random, struct toy_run *run, uint32_t node)
{
    static const enum run_event_type types[] = {RUN_EVENT_DONE, RUN_EVENT_FAILED, RUN_EVENT_TIMER};
    struct run_event event = {
        .type = types[random_below(random, 3)],
        .node = node,
        .attempt = random_below(random, 4),
        .timer = random_percent(random, 50) ? TIMER_WAIT : TIMER_NODE_TIMEOUT,
        .output = document_empty_map(),
        .error = document_empty_map(),
    };
    /* The attempt that runs may only be ended by the world, which counts tasks. */
    bool is_live = run->watch.nodes[node]->is_live &&
                   event.attempt == run->watch.nodes[node]->attempt;
    /* Likewise the time that a `wait` or the next attempt waits for. */
    bool is_armed = run_node(run->run, node).is_delayed ||
                    run->pipeline->nodes[node].kind == NODE_WAIT;
    if (event.type == RUN_EVENT_TIMER ? !is_armed : !is_live) {
        toy_run_event(run, &event);
    }
}

static void step_somewhere(struct random *random)
{
    struct toy_run *run = world.runs[random_below(random, (uint32_t)world.run_count)];
    uint32_t node = random_below(random, run->pipeline->node_count);
    uint32_t dice = random_below(random, 100);
    if (dice < 2) {
        toy_run_cancel(run);
    } else if (dice < 12) {
        toy_world_pass(&world, random_below(random, 1500));
    } else if (dice < 25) {
        send_nonsense(random, run, node);
    } else if (run->watch.nodes[node]->is_live) {
        end_some_task(random, run, node);
    }
}

/* A person says what became of it. */
static void decide_some_task(struct random *random, struct toy_run *run, uint32_t node)
{
    static const enum run_resolution words[] = {RUN_RESOLVE_AGAIN, RUN_RESOLVE_FAIL,
                                                RUN_RESOLVE_OUTPUT};
    enum run_resolution word = words[random_below(random, 3)];
    char id[16];
    (void)snprintf(id, sizeof(id), "n%u", node);
    toy_run_resolve(run, id, word,
                    word == RUN_RESOLVE_OUTPUT ? "{}"
                    : word == RUN_RESOLVE_FAIL ? "GIVEN_UP"
                                               : NULL);
}

static void end_everything(struct random *random)
{
    for (size_t guard = 0; guard < 10000; guard++) {
        bool has_live = false;
        for (size_t r = 0; r < world.run_count; r++) {
            struct toy_run *run = world.runs[r];
            for (uint32_t i = 0; i < run->pipeline->node_count; i++) {
                if (run->watch.nodes[i]->is_live) {
                    end_some_task(random, run, i);
                    has_live = true;
                } else if (run_node(run->run, i).is_unknown) {
                    decide_some_task(random, run, i);
                    has_live = true;
                }
            }
        }
        toy_world_pass(&world, 1000);
        if (!has_live && guard > 100) {
            return;
        }
    }
    fail_msg("tasks start for ever");
}

/* No permit was lost: as many tasks as the limits allow start at once. */
static void probe_permits(uint64_t seed)
{
    struct strbuf yaml = STRBUF_INIT;
    strbuf_append_format(&yaml,
                         "id: probe\nintegrations: {toy: {max_concurrency: %d}, "
                         "other: {max_concurrency: %d}}\nnodes:\n",
                         RANDOM_PIPELINE_TOY_LIMIT, RANDOM_PIPELINE_OTHER_LIMIT);
    for (int i = 0; i < PROBES; i++) {
        strbuf_append_format(&yaml, "  - {id: n%d, type: %s}\n", i,
                             i < RANDOM_PIPELINE_TOY_LIMIT ? "toy.task" : "other.task");
    }
    struct toy_run *run = run_text(&yaml);
    if (world.live != PROBES) {
        fail_msg("seed %llu: %u of %d permits are left", (unsigned long long)seed, world.live,
                 PROBES);
    }
    (void)run; /* the world ends it */
}

static void test_engine__keeps_its_promises_in_any_order_of_events(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct random random = {seed};
        toy_world_init(&world, NULL);
        for (size_t i = 0; i < RUNS; i++) {
            struct strbuf yaml = STRBUF_INIT;
            char input[64];
            random_pipeline_write(&random, &yaml);
            struct pipeline *pipeline = pipeline_fixture_load_str(strbuf_str(&yaml));
            (void)snprintf(input, sizeof(input), "{\"n\": %u, \"zero\": 0}",
                           random_below(&random, 12));
            (void)toy_world_run_pipeline(&world, pipeline, input); /* the world's */
            pipeline_unref(pipeline);
            strbuf_finish(&yaml);
        }
        uint32_t steps = random_below(&random, 400);
        for (uint32_t i = 0; i < steps; i++) {
            step_somewhere(&random);
        }
        end_everything(&random);
        for (size_t i = 0; i < RUNS; i++) {
            if (!run_is_ended(world.runs[i]->run)) {
                fail_msg("seed %llu: run %zu never ends", (unsigned long long)seed, i);
            }
        }
        probe_permits(seed);
        toy_world_finish(&world);
    }
}

/* ---- memory ---- */

static const char *const rich =
    "id: p\n"
    "integrations: {toy: {max_concurrency: 1}}\n"
    "scaling: {max_parallel_nodes: 2}\n"
    "timeout: 5s\n"
    "nodes:\n"
    "  - {id: s, type: start}\n"
    "  - {id: p, type: passthrough, depends_on: [s]}\n"
    "  - {id: c, type: conditional, config: {condition: \"input.n > 1\"}}\n"
    "  - {id: m, type: passthrough, depends_on: [s, p]}\n"
    "  - {id: set, type: set, depends_on: [m], config:"
    " {v: \"a {{ m.output.s.n }} {{ now }}\"}}\n"
    "  - {id: f, type: fail, on_error: continue, config: {message: x}}\n"
    "  - {id: w, type: wait, config: {seconds: 3}}\n"
    "  - {id: t, type: toy.task, timeout: 4s, max_concurrency: 1,"
    " config: {v: \"{{ input.n }} of {{ run.id }}\"}}\n"
    "  - {id: u, type: toy.task}\n"
    "edges:\n"
    "  - {source: s, target: t, when: \"s.output.n == 3\"}\n";

static void test_engine__start_survives_each_failed_allocation(void **state)
{
    (void)state;
    struct pipeline *pipeline = pipeline_fixture_load(rich);
    struct document *input = pipeline_fixture_json("{\"n\": 3}");
    struct run_options options = {
        .pipeline = pipeline, .input = input, .id = STR("r"), .triggered_by = STR("manual")};
    struct engine *engine = NULL;
    struct error err = {0};
    assert_int_equal(engine_create(&(struct engine_options){0}, &engine, &err), 0);
    for (long n = 0;; n++) {
        struct batch batch = BATCH_INIT;
        struct run *run = NULL;
        failing_alloc_arm(n);
        int status = engine_start(engine, &options, 1000, &batch, &run, &err);
        bool was_reached = failing_alloc_disarm();
        if (!was_reached) {
            assert_int_equal(status, 0);
            assert_int_equal(run_node(run, pipeline_fixture_node(pipeline, "t")).state,
                             NODE_QUEUED);
            assert_int_equal(run_node(run, pipeline_fixture_node(pipeline, "u")).state,
                             NODE_RUNNING);
            assert_true(n > 30);
            batch_finish(&batch);
            break;
        }
        if (status != E_NOMEM) {
            fail_msg("allocation %ld failed unseen", n);
        }
        assert_null(run);
        assert_int_equal(batch.record_count, 0);
        assert_int_equal(batch.effect_count, 0);
        batch_finish(&batch);
    }
    engine_destroy(engine);
    document_unref(input);
    pipeline_unref(pipeline);
}

static void test_engine__create_survives_each_failed_allocation(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct engine *engine = NULL;
        struct error err = {0};
        failing_alloc_arm(n);
        int status = engine_create(&(struct engine_options){0}, &engine, &err);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            engine_destroy(engine);
            assert_int_equal(n, 3);
            break;
        }
        assert_int_equal(status, E_NOMEM);
        assert_null(engine);
    }
    engine_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_engine__a_plugins_limit_holds_over_all_runs),
        WITH_WORLD(test_engine__other_limits_are_other_scopes),
        WITH_WORLD(test_engine__a_nodes_limit_holds_over_all_runs_of_its_pipeline),
        WITH_WORLD(test_engine__a_runs_limit_is_its_own),
        cmocka_unit_test(test_engine__default_limits_come_from_its_options),
        cmocka_unit_test(test_engine__values_beyond_the_bound_fail_who_brings_more),
        cmocka_unit_test(test_engine__values_of_other_runs_do_not_count),
        cmocka_unit_test(test_engine__values_have_a_bound_that_nobody_wrote),
        WITH_WORLD(test_engine__ten_thousand_in_a_row),
        WITH_WORLD(test_engine__ten_thousand_side_by_side),
        WITH_WORLD(test_engine__ten_thousand_that_do_not_run),
        cmocka_unit_test(test_engine__cancel_between_two_portions),
        cmocka_unit_test(test_engine__asks_to_go_on_once),
        cmocka_unit_test(test_engine__keeps_its_promises_in_any_order_of_events),
        cmocka_unit_test(test_engine__start_survives_each_failed_allocation),
        cmocka_unit_test(test_engine__create_survives_each_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
