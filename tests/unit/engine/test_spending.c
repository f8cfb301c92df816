/* SPDX-License-Identifier: Apache-2.0 */
/* What calls take, and the budgets that bound it: of nodes, loops, runs and those above them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "core/base/str.h"
#include "core/engine/run.h"
#include "core/engine/spender.h"
#include "core/model/pipeline.h"
#include "tests/support/toy_world.h"
#include "tests/unit/engine/world.h"

static struct spending_refusal refusal;

static struct spender spender_of(struct toy_run *run, const char *path)
{
    const struct watched_node *node = toy_run_node(run, path);
    return (struct spender){
        .run = run->run, .frame = node->frame, .node = node->node, .attempt = node->attempt};
}

static int reserve(struct toy_run *run, const char *path, int64_t tokens)
{
    const struct spender spender = spender_of(run, path);
    const struct purse_amount wanted = {.tokens = tokens, .cost = tokens * 1000, .calls = 1};
    struct batch batch = BATCH_INIT;
    int answer = spender_reserve(&spender, &wanted, world.now, &batch, &refusal);
    toy_world_take(&world, &batch);
    return answer;
}

static void settle(struct toy_run *run, const char *path, int64_t held, int64_t used)
{
    const struct spender spender = spender_of(run, path);
    const struct purse_amount amount = {.tokens = held, .cost = held * 1000, .calls = 1};
    const struct purse_use use = {
        .calls = 1, .input_tokens = used, .output_tokens = 0, .cost = used < 0 ? -1 : used * 1000};
    struct batch batch = BATCH_INIT;
    assert_int_equal(spender_settle(&spender, &use, held > 0 ? &amount : NULL, world.now, &batch),
                     0);
    toy_world_take(&world, &batch);
}

static void test_spending__a_run_has_what_its_calls_took(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, "id: t\nnodes: [{id: a, type: toy.task}]\n", NULL);
    assert_int_equal(reserve(run, "a", 50), SPENDER_GRANTED);
    settle(run, "a", 50, 20);
    settle(run, "a", 0, -1);
    assert_int_equal(run_spent(run->run)->input_tokens, 20);
    assert_int_equal(run_spent(run->run)->cost, 20000);
    assert_int_equal(run_spent(run->run)->calls, 2);
    assert_int_equal(run_spent(run->run)->uncounted, 1);
    toy_world_restart(&world);
    run = toy_world_find(&world, "run1");
    assert_int_equal(run_spent(run->run)->input_tokens, 20);
}

static void test_spending__nothing_is_held_where_nothing_is_bounded(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, "id: t\nnodes: [{id: a, type: toy.task}]\n", NULL);
    size_t before = world.record_count;
    assert_int_equal(reserve(run, "a", INT64_C(1000000)), SPENDER_GRANTED);
    assert_int_equal(world.record_count, before);
}

static void test_spending__what_is_held_bounds_the_others(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: t\nbudget: {tokens: 100}\n"
                      "nodes: [{id: a, type: toy.task}, {id: b, type: toy.task}]\n",
                      NULL);
    assert_int_equal(reserve(run, "a", 60), SPENDER_GRANTED);
    assert_int_equal(reserve(run, "b", 41), SPENDER_REFUSED);
    assert_int_equal(refusal.verdict, PURSE_NO_TOKENS);
    assert_int_equal(refusal.node, RECORD_NO_NODE);
    assert_int_equal(reserve(run, "b", 40), SPENDER_GRANTED);
    settle(run, "a", 60, 10);
    assert_int_equal(reserve(run, "a", 50), SPENDER_GRANTED);
    assert_int_equal(reserve(run, "b", 1), SPENDER_REFUSED);
}

static void test_spending__a_node_keeps_its_budget_over_attempts(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world,
                                        "id: t\nnodes: [{id: a, type: toy.task, budget: {calls: "
                                        "2}, retry: {initial_interval: 1s, jitter: "
                                        "none}}]\n",
                                        NULL);
    assert_int_equal(reserve(run, "a", 1), SPENDER_GRANTED);
    toy_run_failed(run, "a", "UNAVAILABLE"); /* it never says what it took */
    toy_world_pass(&world, 1000);
    assert_int_equal(reserve(run, "a", 1), SPENDER_GRANTED);
    settle(run, "a", 1, 1);
    assert_int_equal(reserve(run, "a", 1), SPENDER_REFUSED);
    assert_int_equal(refusal.verdict, PURSE_NO_CALLS);
    assert_string_equal("a", run_pipeline(run->run)->nodes[refusal.node].id.p);
}

static void test_spending__iterations_share_the_budget_of_their_loop(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: t\nnodes:\n"
                      "  - {id: each, for_each: [1, 2], max_parallel: 2, budget: {tokens: 100},\n"
                      "     nodes: [{id: a, type: toy.task, budget: {tokens: 60}}]}\n",
                      NULL);
    assert_int_equal(reserve(run, "each[0].a", 61), SPENDER_REFUSED);
    assert_string_equal("a", run_pipeline(run->run)->nodes[refusal.node].id.p);
    assert_int_equal(reserve(run, "each[0].a", 60), SPENDER_GRANTED);
    assert_int_equal(reserve(run, "each[1].a", 60), SPENDER_REFUSED);
    assert_string_equal("each", run_pipeline(run->run)->nodes[refusal.node].id.p);
    settle(run, "each[0].a", 60, 30);
    assert_int_equal(reserve(run, "each[1].a", 60), SPENDER_GRANTED);
}

static const char family[] = "workflows:\n"
                             "  main:\n"
                             "    budget: {tokens: 100}\n"
                             "    nodes:\n"
                             "      - {id: call, type: workflow, config: {workflow: child}}\n"
                             "      - {id: own, type: toy.task}\n"
                             "  child:\n"
                             "    budget: {tokens: 80}\n"
                             "    nodes: [{id: w, type: toy.task}]\n";

static void test_spending__a_child_run_spends_of_those_above_it(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, family, NULL);
    struct toy_run *child = toy_world_find(&world, "run1/call");
    assert_int_equal(reserve(child, "w", 81), SPENDER_REFUSED);
    assert_ptr_equal(refusal.run, child->run);
    assert_int_equal(reserve(child, "w", 50), SPENDER_GRANTED);
    assert_int_equal(reserve(run, "own", 51), SPENDER_REFUSED);
    settle(child, "w", 50, 40);
    assert_int_equal(run_spent(run->run)->input_tokens, 40);
    assert_int_equal(run_spent(child->run)->input_tokens, 40);
    toy_run_done(child, "w", NULL);
    assert_int_equal(reserve(run, "own", 61), SPENDER_REFUSED);
    assert_int_equal(reserve(run, "own", 60), SPENDER_GRANTED);
}

static void test_spending__what_was_held_in_a_crash_stays_held(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, family, NULL);
    struct toy_run *child = toy_world_find(&world, "run1/call");
    assert_int_equal(reserve(child, "w", 50), SPENDER_GRANTED);
    assert_int_equal(reserve(run, "own", 30), SPENDER_GRANTED);
    settle(run, "own", 30, 5);
    toy_world_restart(&world);
    run = toy_world_find(&world, "run1");
    child = toy_world_find(&world, "run1/call");
    assert_int_equal(reserve(child, "w", 31), SPENDER_REFUSED);
    assert_ptr_equal(refusal.run, child->run);
    assert_int_equal(refusal.purse.held.tokens, 50);
    assert_int_equal(reserve(run, "own", 46), SPENDER_REFUSED);
    assert_int_equal(refusal.purse.spent.tokens, 5);
    assert_int_equal(reserve(run, "own", 45), SPENDER_GRANTED);
}

static void test_spending__time_counts_from_the_first_start(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world, "id: t\nnodes: [{id: a, type: toy.task, budget: {time: 10s}}]\n", NULL);
    toy_world_pass(&world, 9999);
    assert_int_equal(reserve(run, "a", 1), SPENDER_GRANTED);
    toy_world_restart(&world);
    run = toy_world_find(&world, "run1");
    toy_world_pass(&world, 1);
    assert_int_equal(reserve(run, "a", 1), SPENDER_REFUSED);
    assert_int_equal(refusal.verdict, PURSE_NO_TIME);
}

static void test_spending__an_attempt_that_has_ended_asks_in_vain(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(&world, "id: t\nnodes: [{id: a, type: toy.task}]\n", NULL);
    toy_run_done(run, "a", NULL);
    size_t before = world.record_count;
    assert_int_equal(reserve(run, "a", 1), SPENDER_GONE);
    settle(run, "a", 0, 5);
    assert_int_equal(world.record_count, before);
}

/* ---- what follows ---- */

#define REFUSED "{\"code\": \"BUDGET\", \"message\": \"spent\"}"

static void test_spending__an_edge_for_it_comes_before_one_for_errors(void **state)
{
    (void)state;
    static const char yaml[] = "id: t\nnodes:\n"
                               "  - {id: a, type: toy.task}\n"
                               "  - {id: b, type: set, config: {}}\n"
                               "  - {id: c, type: set, config: {}}\n"
                               "  - {id: d, type: set, config: {}}\n"
                               "edges:\n"
                               "  - {source: a, target: b, outcome: budget}\n"
                               "  - {source: a, target: c, outcome: error}\n"
                               "  - {source: a, target: d}\n";
    struct toy_run *run = toy_world_run(&world, yaml, NULL);
    toy_run_failed(run, "a", "BROKEN");
    assert_ended(run, "completed");
    assert_state(run, "b", "not_run");
    assert_state(run, "c", "completed");
    run = toy_world_run(&world, yaml, NULL);
    toy_run_failed_with(run, "a", REFUSED);
    assert_ended(run, "completed");
    assert_state(run, "b", "completed");
    assert_state(run, "c", "not_run");
    assert_state(run, "d", "not_run");
    run = toy_world_run(&world, yaml, NULL);
    toy_run_done(run, "a", NULL);
    assert_state(run, "b", "not_run");
    assert_state(run, "d", "completed");
}

static void test_spending__a_loop_and_a_call_have_the_outcome_of_what_is_inside(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "workflows:\n"
                      "  main:\n"
                      "    nodes:\n"
                      "      - {id: each, for_each: [1], nodes: [{id: w, type: toy.task}]}\n"
                      "      - {id: call, type: workflow, config: {workflow: child}}\n"
                      "      - {id: b, type: set, config: {}}\n"
                      "      - {id: c, type: set, config: {}}\n"
                      "    edges:\n"
                      "      - {source: each, target: b, outcome: budget}\n"
                      "      - {source: call, target: c, outcome: budget}\n"
                      "  child: {nodes: [{id: w, type: toy.task}]}\n",
                      NULL);
    toy_run_failed_with(run, "each[0].w", REFUSED);
    toy_run_failed_with(toy_world_find(&world, "run1/call"), "w", REFUSED);
    assert_ended(run, "completed");
    assert_state(run, "b", "completed");
    assert_state(run, "c", "completed");
    assert_code(toy_run_view(run, "call").error, "BUDGET");
}

static void test_spending__without_an_edge_the_node_fails_at_once(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: t\nnodes: [{id: a, type: toy.task, budget: {tokens: 1},"
                      " retry: {max_attempts: 3}}]\n",
                      NULL);
    toy_run_failed_with(run, "a", REFUSED);
    assert_ended(run, "failed");
    assert_code(run->error, "BUDGET");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_spending__a_run_has_what_its_calls_took),
        WITH_WORLD(test_spending__nothing_is_held_where_nothing_is_bounded),
        WITH_WORLD(test_spending__what_is_held_bounds_the_others),
        WITH_WORLD(test_spending__a_node_keeps_its_budget_over_attempts),
        WITH_WORLD(test_spending__iterations_share_the_budget_of_their_loop),
        WITH_WORLD(test_spending__a_child_run_spends_of_those_above_it),
        WITH_WORLD(test_spending__what_was_held_in_a_crash_stays_held),
        WITH_WORLD(test_spending__time_counts_from_the_first_start),
        WITH_WORLD(test_spending__an_attempt_that_has_ended_asks_in_vain),
        WITH_WORLD(test_spending__an_edge_for_it_comes_before_one_for_errors),
        WITH_WORLD(test_spending__a_loop_and_a_call_have_the_outcome_of_what_is_inside),
        WITH_WORLD(test_spending__without_an_edge_the_node_fails_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
