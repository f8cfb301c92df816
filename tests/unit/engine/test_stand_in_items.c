/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/engine/world.h"

#include <stdio.h>
#include <string.h>

#include "core/engine/record.h"
#include "core/engine/run.h"
#include "core/engine/stream_copy.h"
#include "core/value/value.h"

#define DOWN "{\"code\":\"UNAVAILABLE\",\"message\":\"refused\",\"effect\":\"none\"}"

static uint64_t next_run(void *user)
{
    uint64_t *number = user;
    return ++*number;
}

/* Items of what is kept are those of records, so their runs have numbers. */
static int set_up(void **state)
{
    static uint64_t last;
    (void)state;
    last = 0;
    toy_world_init(&world, &(struct engine_options){.next_run = next_run, .user = &last});
    return 0;
}

/* A node `a` with these keys, a loop over its stream, and what follows the node. */
static struct toy_run *start_with(const char *keys, const char *more)
{
    char yaml[1400];
    (void)snprintf(yaml, sizeof(yaml),
                   "id: p\n"
                   "nodes:\n"
                   "  - {id: a, type: flow.task, retry: off, %s}\n"
                   "  - {id: each, type: set, for_each: a.stream, config: {n: '{{ item }}'}}\n"
                   "  - {id: b, type: set, depends_on: [a], config: {got: '{{ a.output }}',"
                   " cache: '{{ a.from_cache }}', fallback: '{{ a.from_fallback }}'}}\n"
                   "%s",
                   keys, more);
    return toy_world_run(&world, yaml, NULL);
}

static struct toy_run *start(const char *keys)
{
    return start_with(keys, "");
}

static const char last[] = "fallback: {cache: 1h}";
static const char cached[] = "cache: {ttl: 10s}";

/* A run that has emitted 0, 1, 2 and given {"pages":2}: what is kept of it is there. */
static void fill(const char *keys)
{
    struct toy_run *run = start(keys);
    toy_run_emit(run, "a", 3, NULL);
    toy_run_done(run, "a", "{\"pages\":2}");
    assert_ended(run, "completed");
}

static void assert_all_three(const struct toy_run *run)
{
    assert_output(run, "each", "[{\"n\":0},{\"n\":1},{\"n\":2}]");
    assert_json(toy_run_view(run, "each").detail,
                "{\"errors\":[],\"counts\":{\"total\":3,\"completed\":3,\"failed\":0}}");
}

/* Records of items of this run, and of those what stood in has brought. */
static size_t items_of(const struct toy_run *run, bool of_stand_ins)
{
    size_t count = 0;
    for (size_t i = 0; i < world.record_count; i++) {
        const struct record *record = &world.records[i];
        bool is_item = record->type == RECORD_ITEM && record->run == run->run;
        count += is_item && (!of_stand_ins || record->from != 0) ? 1 : 0;
    }
    return count;
}

/* ---- a call that is not made ---- */

static void test_stand_in_items__a_cache_streams_what_it_has(void **state)
{
    (void)state;
    fill(cached);
    struct toy_run *run = start(cached);
    assert_int_equal(toy_run_node(run, "a")->starts, 0);
    assert_all_three(run);
    assert_output(run, "b",
                  "{\"got\":{\"pages\":2,\"from_cache\":true},\"cache\":true,\"fallback\":false}");
    assert_int_equal(items_of(run, true), 3);
    assert_ended(run, "completed");
    toy_world_pass(&world, 10001);
    run = start(cached);
    assert_true(toy_run_is_live(run, "a"));
}

static void test_stand_in_items__an_empty_stream_is_an_answer(void **state)
{
    (void)state;
    struct toy_run *run = start(cached);
    toy_run_done(run, "a", "{\"pages\":0}");
    run = start(cached);
    assert_output(run, "each", "[]");
    assert_ended(run, "completed");
}

static void test_stand_in_items__all_that_read_it_get_them(void **state)
{
    (void)state;
    static const char second[] =
        "  - {id: pairs, for_each: a.stream, as_batch: rows, batch_size: 2, parallel_workers: 1,"
        " type: set, config: {rows: '{{ rows }}'}}\n"
        "  - {id: none, for_each: a.stream, when: 'false', type: set}\n"
        "  - {id: one, for_each: a.stream, until: 'true', collect: count, type: set}\n";
    struct toy_run *run = start_with(cached, second);
    toy_run_emit(run, "a", 3, NULL);
    toy_run_done(run, "a", "{}");
    run = start_with(cached, second);
    assert_all_three(run);
    assert_output(run, "pairs", "[{\"rows\":[0,1]},{\"rows\":[2]}]");
    assert_state(run, "none", "skipped");
    assert_ended(run, "completed");
}

static void test_stand_in_items__nodes_that_nobody_reads_have_their_own_answers(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world, "id: p\nnodes: [{id: a, type: flow.task, cache: {ttl: 10s}}]", NULL);
    toy_run_done(run, "a", "{\"pages\":1}");
    run = start(cached);
    assert_true(toy_run_is_live(run, "a"));
    toy_run_emit(run, "a", 1, NULL);
    toy_run_done(run, "a", "{\"pages\":9}");
    run =
        toy_world_run(&world, "id: p\nnodes: [{id: a, type: flow.task, cache: {ttl: 10s}}]", NULL);
    assert_output(run, "a", "{\"pages\":1,\"from_cache\":true}");
}

static void test_stand_in_items__an_open_breaker_is_answered_for(void **state)
{
    (void)state;
    static const char yaml[] =
        "id: p\n"
        "nodes:\n"
        "  - {id: a, type: flow.task, retry: off, fallback: {value: {stream: [7], x: 1}},"
        " circuit_breaker: {failure_threshold: 1}}\n"
        "  - {id: each, type: set, for_each: a.stream, config: {n: '{{ item }}'}}\n";
    struct toy_run *run = toy_world_run(&world, yaml, NULL);
    toy_run_failed_with(run, "a", DOWN);
    run = toy_world_run(&world, yaml, NULL);
    assert_int_equal(toy_run_node(run, "a")->starts, 0);
    assert_code(toy_run_view(run, "a").error, "CIRCUIT_OPEN");
    assert_output(run, "each", "[{\"n\":7}]");
    assert_ended(run, "completed");
}

/* ---- a call that failed before its first item ---- */

static void test_stand_in_items__the_last_result_is_streamed(void **state)
{
    (void)state;
    fill(last);
    struct toy_run *run = start(last);
    toy_run_failed_with(run, "a", DOWN);
    assert_all_three(run);
    assert_output(run, "b",
                  "{\"got\":{\"pages\":2,\"from_cache\":true,\"from_fallback\":true},"
                  "\"cache\":true,\"fallback\":true}");
    assert_code(toy_run_view(run, "a").error, "UNAVAILABLE");
    assert_int_equal(toy_run_view(run, "a").from, OUTPUT_FROM_BOTH);
    assert_ended(run, "completed");
}

static void test_stand_in_items__without_one_the_node_fails(void **state)
{
    (void)state;
    struct toy_run *run = start(last);
    toy_run_failed_with(run, "a", DOWN);
    assert_state(run, "a", "failed");
    assert_state(run, "each", "not_run");
    assert_ended(run, "failed");
}

static void test_stand_in_items__a_list_is_items_and_output(void **state)
{
    (void)state;
    struct toy_run *run = start("fallback: {value: ['{{ a.error.code }}', 1]}");
    toy_run_failed_with(run, "a", DOWN);
    assert_output(run, "a", "[\"UNAVAILABLE\",1]");
    assert_output(run, "each", "[{\"n\":\"UNAVAILABLE\"},{\"n\":1}]");
    assert_ended(run, "completed");
}

static void test_stand_in_items__a_map_has_them_as_stream(void **state)
{
    (void)state;
    struct toy_run *run = start("fallback: {value: {stream: '{{ range(2) }}', x: 1}}");
    toy_run_failed_with(run, "a", DOWN);
    assert_output(run, "a", "{\"x\":1,\"from_fallback\":true}");
    assert_output(run, "each", "[{\"n\":0},{\"n\":1}]");
    run = start("fallback: {value: {stream: []}}");
    toy_run_failed_with(run, "a", DOWN);
    assert_output(run, "each", "[]");
    assert_ended(run, "completed");
}

static void test_stand_in_items__a_value_without_items_fails(void **state)
{
    (void)state;
    struct toy_run *run = start("fallback: {value: '{{ a.error }}'}");
    toy_run_failed_with(run, "a", DOWN);
    assert_code(toy_run_view(run, "a").error, "UNAVAILABLE");
    assert_holds(toy_run_view(run, "a").error,
                 "\"message\":\"refused; its value does not stand in for it: it has no items");
    assert_ended(run, "failed");
    run = start("fallback: {value: {stream: '{{ range(10001) }}'}}");
    toy_run_failed_with(run, "a", DOWN);
    assert_holds(toy_run_view(run, "a").error, "10001 items for the loops, more than 10000");
    assert_ended(run, "failed");
}

/* ---- another node ---- */

static void test_stand_in_items__what_another_node_emits_is_taken(void **state)
{
    (void)state;
    static const char g[] = "  - {id: g, type: flow.task, retry: off}\n";
    struct toy_run *run = start_with("fallback: {node: g}", g);
    toy_run_failed_with(run, "a", DOWN);
    for (int i = 0; i < 300; i++) { /* nobody takes them yet, and still it goes on */
        toy_run_emit(run, "g", 1, NULL);
    }
    assert_state(run, "each", "pending");
    toy_world_restart(&world);
    run = toy_world_find(&world, run->id);
    toy_run_emit(run, "g", 50, NULL); /* once more, from the first */
    for (int i = 50; i < 302; i++) {
        toy_run_emit(run, "g", 1, NULL);
    }
    toy_run_done(run, "g", "{\"pages\":4}");
    assert_output(run, "g", "{\"pages\":4}");
    assert_output(run, "a", "{\"pages\":4,\"from_fallback\":true}");
    assert_int_equal(value_count(document_root(toy_run_view(run, "each").output)), 302);
    assert_holds(toy_run_view(run, "each").output, "{\"n\":299},{\"n\":300},{\"n\":301}]");
    assert_ended(run, "completed");
}

static void test_stand_in_items__too_many_of_another_node_are_none(void **state)
{
    (void)state;
    struct toy_run *run =
        start_with("fallback: {node: g}", "  - {id: g, type: flow.task, retry: off}\n");
    toy_run_failed_with(run, "a", DOWN);
    for (int i = 0; i < STREAM_COPY_ITEMS + 50; i++) {
        toy_run_emit(run, "g", 1, NULL);
    }
    toy_run_done(run, "g", "{}");
    assert_holds(toy_run_view(run, "a").error,
                 "its fallback does not stand in for it: it has more than 10000 items");
    assert_state(run, "each", "not_run");
    assert_ended(run, "failed");
}

static void test_stand_in_items__its_output_where_it_emits_none(void **state)
{
    (void)state;
    struct toy_run *run =
        start_with("fallback: {node: g}",
                   "  - {id: g, type: set, config: {stream: [1, 2], why: '{{ a.error.code }}'}}\n");
    toy_run_failed_with(run, "a", DOWN);
    assert_output(run, "a", "{\"why\":\"UNAVAILABLE\",\"from_fallback\":true}");
    assert_output(run, "each", "[{\"n\":1},{\"n\":2}]");
    run = start_with("fallback: {node: g}", "  - {id: g, type: set, config: {x: 1}}\n");
    toy_run_failed_with(run, "a", DOWN);
    assert_holds(toy_run_view(run, "a").error, "its fallback does not stand in for it: it has no");
    assert_ended(run, "failed");
}

static void test_stand_in_items__one_after_the_other(void **state)
{
    (void)state;
    static const char more[] =
        "  - {id: g, type: flow.task, retry: off, config: {of: g}, cache: {ttl: 1h},"
        " fallback: {node: h}}\n"
        "  - {id: h, type: flow.task, retry: off, config: {of: h}, fallback: {value: [5]}}\n";
    struct toy_run *run = start_with("fallback: {node: g}", more);
    toy_run_failed_with(run, "a", DOWN);
    toy_run_failed_with(run, "g", DOWN);
    toy_run_failed_with(run, "h", DOWN);
    assert_output(run, "each", "[{\"n\":5}]");
    assert_output(run, "a", "[5]");
    run = start_with("fallback: {node: g}", more);
    toy_run_failed_with(run, "a", DOWN);
    toy_run_emit(run, "g", 2, NULL);
    toy_run_done(run, "g", "{}");
    assert_output(run, "each", "[{\"n\":0},{\"n\":1}]");
    run = start_with("fallback: {node: g}", more); /* now the fallback has an answer */
    toy_run_failed_with(run, "a", DOWN);
    assert_int_equal(toy_run_node(run, "g")->starts, 0);
    assert_output(run, "each", "[{\"n\":0},{\"n\":1}]");
    assert_output(run, "a", "{\"from_fallback\":true}");
    assert_ended(run, "completed");
}

/* ---- a call that failed when the loops had some items already ---- */

static void test_stand_in_items__those_that_are_there_are_not_taken_again(void **state)
{
    (void)state;
    fill(last);
    struct toy_run *run = start(last);
    toy_run_emit(run, "a", 2, NULL); /* as before: 0, 1 */
    toy_run_failed_with(run, "a", DOWN);
    assert_all_three(run);
    assert_int_equal(items_of(run, false), 3);
    assert_int_equal(items_of(run, true), 1);
    assert_ended(run, "completed");
}

static void test_stand_in_items__others_are_not_mixed_with_them(void **state)
{
    (void)state;
    fill(last);
    struct toy_run *run = start(last);
    toy_run_emit(run, "a", 1, "\"new\"");
    toy_run_failed_with(run, "a", DOWN);
    assert_state(run, "a", "failed");
    assert_code(toy_run_view(run, "a").error, "UNAVAILABLE");
    assert_holds(toy_run_view(run, "a").error,
                 "\"message\":\"refused; its last result does not stand in for it: 1 item had gone "
                 "to its loops before, and it does not begin with that\"");
    assert_int_equal(items_of(run, true), 0);
    assert_ended(run, "failed");
    run = start("fallback: {value: [0]}"); /* fewer than are there */
    toy_run_emit(run, "a", 2, NULL);
    toy_run_failed_with(run, "a", DOWN);
    assert_holds(toy_run_view(run, "a").error,
                 "2 items had gone to its loops before, and it does not begin with those");
    assert_ended(run, "failed");
}

static void test_stand_in_items__a_failure_that_is_handled_stays_handled(void **state)
{
    (void)state;
    struct toy_run *run = start("fallback: {value: [9]}, on_error: continue");
    toy_run_emit(run, "a", 1, NULL);
    toy_run_failed_with(run, "a", DOWN);
    assert_state(run, "a", "failed");
    assert_output(run, "each", "[{\"n\":0}]");
}

/* After a restart the cache may know what it did not before the call. */
static void test_stand_in_items__a_cache_that_does_not_fit_is_asked_in_vain(void **state)
{
    (void)state;
    struct toy_run *cut_off = start(cached);
    toy_run_emit(cut_off, "a", 1, "\"x\"");
    struct toy_run *fits = start(cached);
    toy_run_emit(fits, "a", 1, NULL);
    fill(cached);
    toy_world_restart(&world);
    cut_off = toy_world_find(&world, cut_off->id);
    fits = toy_world_find(&world, fits->id);
    assert_true(toy_run_is_live(cut_off, "a"));
    toy_run_emit(cut_off, "a", 1, "\"x\"");
    toy_run_done(cut_off, "a", "{}");
    assert_output(cut_off, "each", "[{\"n\":\"x\"}]");
    assert_int_equal(toy_run_node(fits, "a")->starts, 1);
    assert_all_three(fits);
    assert_ended(fits, "completed");
}

static void test_stand_in_items__attempts_make_one_list(void **state)
{
    (void)state;
    static const char keys[] =
        "fallback: {cache: 1h}, retry: {max_attempts: 2, initial_interval: 1s, jitter: none}";
    char yaml[600];
    (void)snprintf(yaml, sizeof(yaml),
                   "id: p\n"
                   "nodes:\n"
                   "  - {id: a, type: flow.task, %s}\n"
                   "  - {id: each, type: set, for_each: a.stream, config: {n: '{{ item }}'}}\n",
                   keys);
    struct toy_run *run = toy_world_run(&world, yaml, NULL);
    toy_run_emit(run, "a", 2, NULL);
    toy_run_failed_with(run, "a", DOWN);
    toy_world_pass(&world, 1000);
    toy_run_emit(run, "a", 3, NULL);
    toy_run_done(run, "a", "{\"pages\":2}");
    assert_all_three(run);
    run = toy_world_run(&world, yaml, NULL);
    toy_run_failed_with(run, "a", DOWN);
    toy_world_pass(&world, 1000);
    toy_run_failed_with(run, "a", DOWN);
    assert_all_three(run);
}

static void test_stand_in_items__each_round_has_its_own(void **state)
{
    (void)state;
    static const char keys[] = "cache: {ttl: 1h, key: string(now)},"
                               " repeat: {until: 'a.attempts >= 2', delay: 1s}";
    struct toy_run *run = start(keys);
    toy_run_emit(run, "a", 2, NULL);
    toy_run_done(run, "a", "{\"round\":1}");
    toy_world_pass(&world, 1000);
    toy_run_emit(run, "a", 1, "9");
    toy_run_done(run, "a", "{\"round\":2}");
    assert_output(run, "each", "[{\"n\":0},{\"n\":1},{\"n\":9}]");
    assert_ended(run, "completed");
    assert_int_equal(world.cache_count, 2);
    assert_json(world.cache[0].entry.output, "{\"items\":[0,1],\"output\":{\"round\":1}}");
    assert_json(world.cache[1].entry.output, "{\"items\":[9],\"output\":{\"round\":2}}");
}

/* ---- what is not kept ---- */

static void assert_not_kept(const struct toy_run *run, const char *why)
{
    char line[160];
    (void)snprintf(line, sizeof(line), "this result is not kept for later: %s", why);
    assert_string_equal(run->watch.line, line);
    assert_true(world.cache_count > 0);
    assert_null(world.cache[world.cache_count - 1].entry.output); /* nor is the one before */
}

static void test_stand_in_items__too_many_are_not_kept(void **state)
{
    (void)state;
    fill(last);
    struct toy_run *run = start(last);
    for (int i = 0; i < STREAM_COPY_ITEMS; i++) {
        toy_run_emit(run, "a", 1, NULL);
    }
    toy_run_done(run, "a", "{}");
    assert_string_equal(run->watch.line, "");
    assert_non_null(world.cache[world.cache_count - 1].entry.output);
    run = start(last);
    for (int i = 0; i <= STREAM_COPY_ITEMS; i++) {
        toy_run_emit(run, "a", 1, NULL);
    }
    toy_run_done(run, "a", "{}");
    assert_ended(run, "completed");
    assert_not_kept(run, "more than 10000 items");
    run = start(last);
    toy_run_failed_with(run, "a", DOWN);
    assert_ended(run, "failed");
}

/* A JSON text of about a mebibyte. */
static const char *make_large(void)
{
    static char text[1024 * 1024 + 3];
    memset(text, 'x', sizeof(text) - 1);
    text[0] = '"';
    text[sizeof(text) - 2] = '"';
    return text;
}

static void test_stand_in_items__too_large_ones_are_not_kept(void **state)
{
    (void)state;
    struct toy_run *run = start(last);
    for (int i = 0; i < 4; i++) {
        toy_run_emit(run, "a", 1, make_large());
    }
    toy_run_done(run, "a", "{}");
    assert_not_kept(run, "more than 4 MiB of items");
    run = start(last);
    for (int i = 0; i < 3; i++) {
        toy_run_emit(run, "a", 1, make_large());
    }
    toy_run_done(run, "a", make_large());
    assert_not_kept(run, "its items and its output take more than 4 MiB");
}

static void test_stand_in_items__a_part_is_not_kept(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes:\n"
                      "  - {id: a, type: flow.task, cache: {ttl: 1h}}\n"
                      "  - {id: each, type: set, for_each: a.stream, until: 'item >= 1',"
                      " parallel_workers: 1, config: {n: '{{ item }}'}}\n"
                      "  - {id: b, type: set, depends_on: [a]}\n",
                      NULL);
    toy_run_emit(run, "a", 2, NULL);
    assert_state(run, "each", "completed");
    toy_run_emit(run, "a", 2, NULL);
    toy_run_done(run, "a", "{}");
    assert_ended(run, "completed");
    assert_not_kept(run, "not all items were taken by its loops");
}

/* ---- restarts ---- */

static void test_stand_in_items__a_question_is_asked_again_after_a_restart(void **state)
{
    (void)state;
    fill(last);
    world.is_cache_slow = true;
    struct toy_run *run = start(last);
    toy_run_emit(run, "a", 1, NULL);
    toy_run_failed_with(run, "a", DOWN);
    assert_state(run, "each", "running"); /* it goes on with what it has */
    toy_world_restart(&world);
    run = toy_world_find(&world, run->id);
    toy_world_answer(&world);
    assert_all_three(run);
    assert_int_equal(toy_run_node(run, "a")->starts, 1);
    assert_ended(run, "completed");
}

static void test_stand_in_items__loops_go_on_with_them_after_a_restart(void **state)
{
    (void)state;
    static const char yaml[] =
        "id: p\n"
        "nodes:\n"
        "  - {id: a, type: flow.task, cache: {ttl: 1h}}\n"
        "  - {id: each, for_each: a.stream, parallel_workers: 1, max_parallel: 1,"
        " nodes: [{id: w, type: toy.task, config: {n: '{{ item }}'}}]}\n";
    struct toy_run *run = toy_world_run(&world, yaml, NULL);
    toy_run_emit(run, "a", 2, NULL);
    toy_run_done(run, "a", "{}");
    toy_run_done(run, "each[0].w", "{}");
    toy_run_done(run, "each[1].w", "{}");
    run = toy_world_run(&world, yaml, NULL);
    toy_run_done(run, "each[0].w", "{\"i\":0}");
    assert_state(run, "a", "completed");
    toy_world_restart(&world);
    run = toy_world_find(&world, run->id);
    toy_run_done(run, "each[1].w", "{\"i\":1}");
    assert_output(run, "each", "[{\"w\":{\"i\":0}},{\"w\":{\"i\":1}}]");
    assert_ended(run, "completed");
}

static void test_stand_in_items__a_loop_that_reads_no_more_takes_none(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes:\n"
                      "  - {id: a, type: flow.task, retry: off, fallback: {value: [0, 1, 2]}}\n"
                      "  - {id: each, type: set, for_each: a.stream, until: 'item >= 1',"
                      " parallel_workers: 1, config: {n: '{{ item }}'}}\n"
                      "  - {id: b, type: set, depends_on: [a]}\n",
                      NULL);
    toy_run_emit(run, "a", 2, NULL);
    assert_state(run, "each", "completed");
    toy_run_failed_with(run, "a", DOWN);
    assert_state(run, "a", "completed");
    assert_int_equal(items_of(run, true), 0);
    assert_ended(run, "completed");
}

/* The next thing that happens to a run whose `a` emits two items and fails. False: none is left. */
static bool take_step(struct toy_run *run)
{
    if (toy_run_is_live(run, "a")) {
        uint32_t emitted = toy_run_node(run, "a")->emitted;
        if (emitted < 2) {
            toy_run_emit(run, "a", 1, NULL);
        } else {
            toy_run_failed_with(run, "a", DOWN);
        }
        return true;
    }
    if (toy_run_node(run, "g") != NULL && toy_run_is_live(run, "g")) {
        uint32_t emitted = toy_run_node(run, "g")->emitted;
        if (emitted < 3) {
            toy_run_emit(run, "g", 1, NULL);
        } else {
            toy_run_done(run, "g", "{}");
        }
        return true;
    }
    bool is_asked = world.question_count > 0;
    toy_world_answer(&world);
    return is_asked;
}

/* Dies before step `death`; returns how many there were. */
static int live_and_die(struct toy_run *run, int death)
{
    const char *id = run->id;
    int steps = 0;
    bool goes_on = true;
    for (; goes_on; steps++) {
        if (steps == death) {
            toy_world_restart(&world);
            run = toy_world_find(&world, id);
        }
        goes_on = take_step(run);
    }
    assert_all_three(run);
    assert_int_equal(toy_run_node(run, "a")->items, 3);
    assert_ended(run, "completed");
    return steps;
}

static void test_stand_in_items__a_death_at_any_moment_changes_nothing(void **state)
{
    (void)state;
    static const char g[] = "  - {id: g, type: flow.task, retry: off}\n";
    static const char *const ways[] = {last, "fallback: {value: [0, 1, 2]}", "fallback: {node: g}"};
    fill(last);
    world.is_cache_slow = true;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        const char *more = i == 2 ? g : "";
        int steps = live_and_die(start_with(ways[i], more), -1);
        assert_in_range(steps, 4, 20);
        for (int death = 0; death < steps; death++) {
            (void)live_and_die(start_with(ways[i], more), death);
        }
    }
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        FRESH(test_stand_in_items__a_cache_streams_what_it_has),
        FRESH(test_stand_in_items__an_empty_stream_is_an_answer),
        FRESH(test_stand_in_items__all_that_read_it_get_them),
        FRESH(test_stand_in_items__nodes_that_nobody_reads_have_their_own_answers),
        FRESH(test_stand_in_items__an_open_breaker_is_answered_for),
        FRESH(test_stand_in_items__the_last_result_is_streamed),
        FRESH(test_stand_in_items__without_one_the_node_fails),
        FRESH(test_stand_in_items__a_list_is_items_and_output),
        FRESH(test_stand_in_items__a_map_has_them_as_stream),
        FRESH(test_stand_in_items__a_value_without_items_fails),
        FRESH(test_stand_in_items__what_another_node_emits_is_taken),
        FRESH(test_stand_in_items__too_many_of_another_node_are_none),
        FRESH(test_stand_in_items__its_output_where_it_emits_none),
        FRESH(test_stand_in_items__one_after_the_other),
        FRESH(test_stand_in_items__those_that_are_there_are_not_taken_again),
        FRESH(test_stand_in_items__others_are_not_mixed_with_them),
        FRESH(test_stand_in_items__a_failure_that_is_handled_stays_handled),
        FRESH(test_stand_in_items__a_cache_that_does_not_fit_is_asked_in_vain),
        FRESH(test_stand_in_items__attempts_make_one_list),
        FRESH(test_stand_in_items__each_round_has_its_own),
        FRESH(test_stand_in_items__too_many_are_not_kept),
        FRESH(test_stand_in_items__too_large_ones_are_not_kept),
        FRESH(test_stand_in_items__a_part_is_not_kept),
        FRESH(test_stand_in_items__a_question_is_asked_again_after_a_restart),
        FRESH(test_stand_in_items__loops_go_on_with_them_after_a_restart),
        FRESH(test_stand_in_items__a_loop_that_reads_no_more_takes_none),
        FRESH(test_stand_in_items__a_death_at_any_moment_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
