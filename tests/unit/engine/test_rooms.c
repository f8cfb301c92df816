/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/engine/failure.h"
#include "core/engine/waits.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/support/random.h"
#include "tests/unit/engine/world.h"

enum { KIB = 1024, MIB = 1024 * 1024 };

static struct toy_world bounded;
static size_t toy_bytes;

static size_t all_of_them(void)
{
    return toy_bytes > 0 ? toy_bytes : document_total_bytes();
}

/* The bound of the runs is less than all values of the process, so that each looks at its own. */
static int set_up(void **state)
{
    (void)state;
    toy_bytes = (size_t)1 << 40;
    toy_world_init(&bounded, &(struct engine_options){.value_bytes = all_of_them});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    toy_world_finish(&bounded);
    return 0;
}

/* The task ends with a text of `bytes`. */
static void done_with(struct toy_run *run, const char *path, size_t bytes)
{
    char *json = malloc(bytes + 3);
    assert_non_null(json);
    memset(json, 'x', bytes + 2);
    json[0] = '"';
    json[bytes + 1] = '"';
    json[bytes + 2] = '\0';
    toy_run_done(run, path, json);
    free(json);
}

static void tell(void *user, const struct engine_wait *wait)
{
    struct strbuf *text = user;
    engine_append_wait_path(wait->run, wait, text);
    strbuf_append_format(text, " %s %.*s %u/%u\n", engine_wait_name(wait->kind),
                         STR_ARG(wait->scope), wait->in_use, wait->limit);
}

static void assert_waits(const struct toy_run *run, const char *expected)
{
    struct strbuf text = STRBUF_INIT;
    assert_int_equal(engine_each_wait(bounded.engine, run->run, 100, tell, &text), 0);
    strbuf_append_char(&text, '\0');
    assert_string_equal(text.p, expected);
    strbuf_finish(&text);
}

#define ITEMS(more)                                                                                \
    "id: p\nscaling: {max_memory_mb: 1}\nnodes:\n"                                                 \
    "  - id: l\n    for_each: range(6)\n    batch_size: 1\n    parallel_workers: 2\n" more         \
    "    nodes: [{id: a, type: toy.task}, {id: b, type: toy.task, depends_on: [a]}]\n"

static void test_rooms__the_next_items_wait_until_others_have_ended(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&bounded, ITEMS("    collect: count\n"), NULL);
    done_with(run, "l[0].a", 800 * KIB);
    done_with(run, "l[1].a", 800 * KIB); /* beyond the bound, but `b` of both is under way */
    assert_true(toy_run_is_live(run, "l[0].b"));
    assert_true(toy_run_is_live(run, "l[1].b"));
    done_with(run, "l[1].b", 10); /* what it holds goes with its item */
    assert_true(toy_run_is_live(run, "l[2].a"));
    done_with(run, "l[2].a", 800 * KIB);
    done_with(run, "l[0].b", 10);
    assert_true(toy_run_is_live(run, "l[3].a"));
    assert_waits(run, "");
}

static void test_rooms__bodies_whose_next_node_is_queued_end_as_well(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&bounded,
                      "id: p\nscaling: {max_memory_mb: 1, max_parallel_nodes: 1}\nnodes:\n"
                      "  - id: l\n    for_each: range(2)\n    batch_size: 1\n"
                      "    parallel_workers: 2\n    collect: count\n"
                      "    nodes: [{id: a, type: toy.task}, {id: b, type: toy.task, depends_on: "
                      "[a]}]\n",
                      NULL);
    done_with(run, "l[0].a", 800 * KIB);
    done_with(run, "l[1].a", 800 * KIB); /* the only one at work; the other's `b` is queued */
    assert_true(toy_run_is_live(run, "l[0].b"));
    done_with(run, "l[0].b", 10);
    done_with(run, "l[1].b", 10);
    assert_ended(run, "completed");
}

/* What was measured before it went is looked at again before the last one is refused. */
static void test_rooms__what_has_gone_makes_room_for_who_comes_last(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&bounded, ITEMS("    collect: count\n"), NULL);
    done_with(run, "l[0].a", 700 * KIB);
    done_with(run, "l[0].b", 10);
    done_with(run, "l[1].a", 10);
    done_with(run, "l[1].b", 10);
    done_with(run, "l[2].a", 700 * KIB);
    done_with(run, "l[3].a", 10);
    done_with(run, "l[3].b", 10);
    done_with(run, "l[4].a", 10);
    done_with(run, "l[4].b", 10);
    assert_true(toy_run_is_live(run, "l[5].a"));
    done_with(run, "l[2].b", 10);
    done_with(run, "l[5].a", 700 * KIB); /* nobody else is at work, and nothing else is there */
    assert_true(toy_run_is_live(run, "l[5].b"));
    done_with(run, "l[5].b", 10);
    assert_ended(run, "completed");
}

static void test_rooms__who_waits_is_told(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&bounded, ITEMS("    collect: list\n    output: '{{ a.output }}'\n"), NULL);
    done_with(run, "l[0].a", 700 * KIB);
    done_with(run, "l[0].b", 10); /* its output is kept by the loop */
    assert_true(toy_run_is_live(run, "l[1].a"));
    assert_true(toy_run_is_live(run, "l[2].a"));
    done_with(run, "l[1].a", 700 * KIB);
    assert_true(toy_run_is_live(run, "l[1].b"));
    done_with(run, "l[1].b", 10);
    assert_state(run, "l[3].a", "queued");
    assert_waits(run, "l[3].a memory run 2/1\n");
    assert_true(engine_waiting(bounded.engine) == 1);
    done_with(run, "l[2].a", 700 * KIB); /* nothing else is under way: there is no room */
    assert_ended(run, "failed");
    assert_string_equal(failure_code(run->error).p, "MEMORY_LIMIT");
}

static void test_rooms__further_nodes_wait_for_a_loop(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&bounded,
                                        "id: p\nscaling: {max_memory_mb: 1}\nnodes:\n"
                                        "  - {id: s, type: toy.task}\n"
                                        "  - {id: t, type: toy.task, depends_on: [s]}\n"
                                        "  - {id: u, type: toy.task, depends_on: [s]}\n"
                                        "  - id: l\n    for_each: range(1)\n    collect: count\n"
                                        "    nodes: [{id: a, type: toy.task},"
                                        " {id: b, type: toy.task, depends_on: [a]}]\n",
                                        NULL);
    done_with(run, "l[0].a", 700 * KIB);
    done_with(run, "s", 700 * KIB);
    assert_state(run, "s", "completed"); /* what `b` will free is enough */
    assert_state(run, "t", "queued");
    assert_waits(run, "t memory run 2/1\nu memory run 2/1\n");
    done_with(run, "l[0].b", 10);
    assert_true(toy_run_is_live(run, "t"));
    assert_true(toy_run_is_live(run, "u"));
    assert_waits(run, "");
}

static void test_rooms__what_the_engine_computes_waits_too(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&bounded,
                                        "id: p\nscaling: {max_memory_mb: 1}\nnodes:\n"
                                        "  - {id: s, type: toy.task}\n"
                                        "  - {id: t, type: set, depends_on: [s], config: {x: 1}}\n"
                                        "  - {id: e, for_each: [1, 2], type: set, depends_on: [s],"
                                        " config: {x: 1}}\n"
                                        "  - id: l\n    for_each: range(1)\n    collect: count\n"
                                        "    nodes: [{id: a, type: toy.task},"
                                        " {id: b, type: toy.task, depends_on: [a]}]\n",
                                        NULL);
    done_with(run, "l[0].a", 700 * KIB);
    done_with(run, "s", 700 * KIB);
    assert_state(run, "t", "ready");
    assert_waits(run, "t memory run 2/1\ne[0] memory run 2/1\n");
    toy_run_pause(run);
    assert_waits(run, "");
    toy_run_resume(run);
    toy_world_restart(&bounded);
    assert_waits(run, "t memory run 2/1\ne[0] memory run 2/1\n");
    done_with(run, "l[0].b", 10);
    assert_ended(run, "completed");
    assert_output(run, "t", "{\"x\":1}");
}

static void test_rooms__the_tasks_of_child_runs_share_the_room(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &bounded,
        "workflows:\n"
        "  main:\n    scaling: {max_memory_mb: 1}\n    nodes:\n"
        "      - {id: x, type: workflow, config: {workflow: child}}\n"
        "      - {id: y, type: workflow, config: {workflow: child}}\n"
        "      - {id: z, type: toy.task}\n"
        "      - {id: w, type: workflow, config: {workflow: child}, depends_on: [z]}\n"
        "  child:\n    output: done\n    nodes:\n"
        "      - {id: a, type: toy.task}\n"
        "      - {id: b, type: toy.task, depends_on: [a]}\n",
        NULL);
    struct toy_run *x = toy_world_find(&bounded, "run1/x");
    struct toy_run *y = toy_world_find(&bounded, "run1/y");
    done_with(x, "a", 700 * KIB);
    done_with(y, "a", 700 * KIB);
    assert_true(toy_run_is_live(x, "b"));
    assert_true(toy_run_is_live(y, "b"));
    toy_run_done(run, "z", NULL);
    struct toy_run *w = toy_world_find(&bounded, "run1/w");
    assert_state(w, "a", "queued");
    toy_run_done(x, "b", NULL);
    assert_true(toy_run_is_live(w, "a"));
    toy_run_done(y, "b", NULL);
    toy_run_done(w, "a", NULL);
    toy_run_done(w, "b", NULL);
    assert_ended(run, "completed");
}

static void test_rooms__a_cancel_ends_who_waits(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&bounded,
                                        "id: p\nscaling: {max_memory_mb: 1}\nnodes:\n"
                                        "  - {id: s, type: toy.task}\n"
                                        "  - {id: t, type: toy.task, depends_on: [s]}\n"
                                        "  - id: l\n    for_each: range(1)\n    collect: count\n"
                                        "    nodes: [{id: a, type: toy.task},"
                                        " {id: b, type: toy.task, depends_on: [a]}]\n",
                                        NULL);
    done_with(run, "l[0].a", 700 * KIB);
    done_with(run, "s", 700 * KIB);
    assert_state(run, "t", "queued");
    toy_run_pause(run);
    assert_waits(run, "");
    toy_run_resume(run);
    assert_waits(run, "t memory run 2/1\n");
    toy_run_cancel(run);
    assert_state(run, "t", "not_run");
    toy_run_failed(run, "l[0].b", "CANCELLED");
    assert_ended(run, "cancelled");
}

/* ---- whatever happens, the run ends ---- */

static uint32_t below(struct random *random, uint32_t bound)
{
    return random_below(random, bound);
}

static void write_body(struct random *random, struct strbuf *out, int depth)
{
    static const char *const collects[] = {"list", "count", "none", "{reduce: 'acc + 1', init: 0}"};
    uint32_t kind = below(random, 5);
    strbuf_append_format(out,
                         "for_each: range(%u), batch_size: %u, parallel_workers: %u, max_failures: "
                         "%u%%, on_error: continue, collect: %s, nodes: [{id: a%d, type: toy.task}",
                         1 + below(random, 8), 1 + below(random, 2), 1 + below(random, 5),
                         below(random, 2) * 100, collects[below(random, 4)], depth);
    if (kind == 0) {
        strbuf_append_format(
            out, ", {id: s%d, type: set, depends_on: [a%d], config: {x: '{{ a%d.output }}'}}",
            depth, depth, depth);
    } else if (kind == 1) {
        strbuf_append_format(out, ", {id: b%d, type: toy.task, on_error: continue}", depth);
    } else if (kind == 2) {
        strbuf_append_format(
            out, ", {id: c%d, type: workflow, on_error: continue, config: {workflow: child}}",
            depth);
    } else if (kind == 3 && depth < 2) {
        strbuf_append_format(out, ", {id: l%d, depends_on: [a%d], ", depth, depth);
        write_body(random, out, depth + 1);
        strbuf_append_text(out, "}");
    }
    strbuf_append_format(out, ", {id: e%d, type: toy.task, depends_on: [a%d], on_error: continue}]",
                         depth, depth);
}

static struct toy_run *start_random(struct random *random, struct toy_world *any)
{
    struct strbuf yaml = STRBUF_INIT;
    strbuf_append_format(&yaml,
                         "workflows:\n  main:\n    scaling: {max_memory_mb: 1, max_parallel_nodes: "
                         "%u}\n    error_policy: continue\n    nodes:\n",
                         1 + below(random, 6));
    uint32_t count = 2 + below(random, 5);
    for (uint32_t i = 0; i < count; i++) {
        strbuf_append_format(&yaml, "      - {id: n%u, ", i);
        uint32_t before = i > 0 ? below(random, i) : 0;
        bool is_behind = i > 0 && random_percent(random, 60);
        if (is_behind) {
            strbuf_append_format(&yaml, "depends_on: [n%u], ", before);
        }
        if (random_percent(random, 60)) {
            write_body(random, &yaml, 0);
        } else if (is_behind && random_percent(random, 40)) {
            strbuf_append_format(&yaml,
                                 "type: set, %s config: {x: \"{{ default(n%u.?output, 0) }}\"}",
                                 random_percent(random, 30) ? "for_each: range(3)," : "", before);
        } else if (random_percent(random, 30)) {
            strbuf_append_text(&yaml, "type: workflow, config: {workflow: child}");
        } else {
            strbuf_append_text(&yaml, "type: toy.task");
        }
        strbuf_append_text(&yaml, "}\n");
    }
    strbuf_append_text(&yaml,
                       "      - {id: f, type: flow.task}\n"
                       "      - {id: g, for_each: f.stream, type: toy.task, on_error: continue}\n"
                       "  child:\n    output: done\n    nodes:\n"
                       "      - {id: k, type: toy.task}\n"
                       "      - {id: m, type: toy.task, depends_on: [k]}\n");
    strbuf_append_char(&yaml, '\0');
    struct toy_run *run = toy_world_run(any, yaml.p, NULL);
    strbuf_finish(&yaml);
    return run;
}

/* One of the tasks of all runs; NULL: none is at work. */
static const struct watched_node *random_task(const struct toy_world *any, struct random *random,
                                              struct toy_run **out_run)
{
    const struct watched_node *found = NULL;
    uint32_t seen = 0;
    for (size_t r = 0; r < any->run_count; r++) {
        const struct run_watch *watch = &any->runs[r]->watch;
        for (size_t i = 0; i < watch->node_count; i++) {
            if (watch->nodes[i]->is_live && random_below(random, ++seen) == 0) {
                found = watch->nodes[i];
                *out_run = any->runs[r];
            }
        }
    }
    return found;
}

static void play(struct toy_world *any, struct random *random)
{
    struct toy_run *run = NULL;
    const struct watched_node *task = random_task(any, random, &run);
    assert_non_null(task); /* else nothing would ever happen again */
    bool is_flow = run->pipeline->nodes[task->node].has_readers;
    if (task->stopped != 0) {
        toy_run_failed(run, task->path, "CANCELLED");
    } else if (is_flow && task->credits > 0 && task->emitted < 8) {
        toy_run_emit(run, task->path, 1 + below(random, task->credits), NULL);
    } else if (is_flow && task->emitted < 8) {
        assert_true(any->live > 1); /* those who read what it emitted */
    } else if (random_percent(random, 10)) {
        toy_run_failed(run, task->path, "BAD");
    } else {
        done_with(run, task->path, (size_t)below(random, 600) * KIB);
    }
}

static void play_seed(uint64_t seed)
{
    struct random random = {.state = seed};
    struct toy_world any;
    toy_bytes = 0;
    toy_world_init(&any, &(struct engine_options){.value_bytes = all_of_them});
    struct toy_run *run = start_random(&random, &any);
    for (int i = 0; !run_is_ended(run->run); i++) {
        assert_true(i < 20000);
        play(&any, &random);
        if (random_percent(&random, 2)) {
            toy_run_pause(run);
            toy_run_resume(run);
        }
        if (random_percent(&random, 1)) {
            toy_world_restart(&any);
        }
    }
    toy_world_finish(&any);
}

static void test_rooms__no_run_waits_for_ever(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        play_seed(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_ROOM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        WITH_ROOM(test_rooms__the_next_items_wait_until_others_have_ended),
        WITH_ROOM(test_rooms__bodies_whose_next_node_is_queued_end_as_well),
        WITH_ROOM(test_rooms__what_has_gone_makes_room_for_who_comes_last),
        WITH_ROOM(test_rooms__who_waits_is_told),
        WITH_ROOM(test_rooms__further_nodes_wait_for_a_loop),
        WITH_ROOM(test_rooms__what_the_engine_computes_waits_too),
        WITH_ROOM(test_rooms__the_tasks_of_child_runs_share_the_room),
        WITH_ROOM(test_rooms__a_cancel_ends_who_waits),
        cmocka_unit_test(test_rooms__no_run_waits_for_ever),
    };
    return cmocka_run_group_tests_name("rooms", tests, NULL, NULL);
}
