/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/engine/run.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/support/toy_world.h"
#include "tests/unit/engine/world.h"

static uint32_t find_node(const struct toy_run *run, const char *id)
{
    uint32_t node = 0;
    while (!str_equal(run->pipeline->nodes[node].id, str_from(id))) {
        node++;
    }
    return node;
}

static void assert_path(const struct toy_run *run, uint64_t frame, const char *id,
                        const char *expected)
{
    struct strbuf path = STRBUF_INIT;
    run_append_path(run->run, frame, find_node(run, id), &path);
    assert_int_equal(strbuf_status(&path), 0);
    strbuf_append_char(&path, '\0');
    assert_string_equal(strbuf_str(&path).p, expected);
    strbuf_finish(&path);
}

static void send(struct toy_run *run, const char *name)
{
    toy_run_event(run, &(struct run_event){.type = RUN_EVENT_SIGNAL, .port = str_from(name)});
}

static void test_path__names_items_and_bodies(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "nodes:\n"
                                        "  - id: each\n"
                                        "    for_each: '[1, 2, 3]'\n"
                                        "    batch_size: 1\n"
                                        "    nodes:\n"
                                        "      - {id: fix, type: wait, config: {seconds: 5}}\n"
                                        "      - id: inner\n"
                                        "        for_each: '[1]'\n"
                                        "        type: wait\n"
                                        "        config: {seconds: 5}\n",
                                        NULL);
    assert_path(run, 0, "each", "each");
    uint64_t frame = 0;
    while (run_next_frame(run->run, &frame) && frame != 2) {
    }
    assert_path(run, 1, "fix", "each[0].fix");
    assert_path(run, 2, "fix", "each[1].fix");
    assert_path(run, 2, "inner", "each[1].inner");
    toy_run_cancel(run);
}

static void test_path__counts_rounds_and_the_first_has_no_number(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "nodes:\n"
                      "  - id: poll\n"
                      "    type: wait\n"
                      "    config: {event: tick}\n"
                      "    repeat: {until: \"poll.output.data == 'enough'\", max_iterations: 9}\n",
                      NULL);
    assert_path(run, 0, "poll", "poll");
    send(run, "tick");
    assert_path(run, 0, "poll", "poll@2");
    send(run, "tick");
    assert_path(run, 0, "poll", "poll@3");
    toy_run_cancel(run);
}

static void test_path__counts_visits_of_a_state(void **state)
{
    (void)state;
    char first[32];
    char again[32];
    struct toy_run *run = toy_world_run(&world,
                                        "id: p\n"
                                        "initial_state: ask\n"
                                        "states:\n"
                                        "  ask: {transitions: {no: deploy}}\n"
                                        "  deploy: {transitions: {back: ask}}\n",
                                        NULL);
    assert_path(run, 0, "ask", "ask");
    assert_int_equal(run_idempotency_key(run->run, 0, find_node(run, "ask"), first), 0);
    send(run, "no");
    assert_path(run, 0, "deploy", "deploy");
    send(run, "back");
    assert_path(run, 0, "ask", "ask#2");
    assert_int_equal(run_idempotency_key(run->run, 0, find_node(run, "ask"), again), 0);
    assert_string_not_equal(first, again);
    send(run, "no");
    send(run, "back");
    assert_path(run, 0, "ask", "ask#3");
    toy_run_cancel(run);
}

static void test_path__is_empty_for_a_frame_that_is_gone(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world, "id: p\nnodes:\n  - {id: a, type: wait, config: {seconds: 5}}\n", NULL);
    assert_path(run, 99, "a", "");
    toy_run_cancel(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_path__names_items_and_bodies),
        WITH_WORLD(test_path__counts_rounds_and_the_first_has_no_number),
        WITH_WORLD(test_path__counts_visits_of_a_state),
        WITH_WORLD(test_path__is_empty_for_a_frame_that_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
