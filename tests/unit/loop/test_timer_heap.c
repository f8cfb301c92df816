/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/loop/timer_heap.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/random.h"

/* The heap only compares the addresses of runs. */
static char runs[4];
static struct timer_list lists[4];

static struct loop_run *run_at(size_t i)
{
    return (struct loop_run *)&runs[i];
}

static void add(struct timer_heap *heap, int64_t due_ms, size_t run, uint32_t node)
{
    struct heap_timer timer = {
        .due_ms = due_ms, .run = run_at(run), .node = node, .kind = TIMER_WAIT};
    assert_int_equal(timer_heap_add(heap, &lists[run], &timer), 0);
}

static void test_timer_heap__gives_what_is_due_in_order(void **state)
{
    (void)state;
    struct timer_heap heap = TIMER_HEAP_INIT;
    struct heap_timer timer = {0};
    assert_null(timer_heap_first(&heap));
    assert_false(timer_heap_pop(&heap, INT64_MAX, &timer));
    add(&heap, 30, 0, 3);
    add(&heap, 10, 0, 1);
    add(&heap, 20, 1, 2);
    assert_int_equal(timer_heap_first(&heap)->due_ms, 10);
    assert_false(timer_heap_pop(&heap, 9, &timer));
    assert_true(timer_heap_pop(&heap, 10, &timer));
    assert_int_equal(timer.node, 1);
    assert_false(timer_heap_pop(&heap, 19, &timer));
    assert_true(timer_heap_pop(&heap, 100, &timer));
    assert_int_equal(timer.node, 2);
    assert_ptr_equal(timer.run, run_at(1));
    assert_true(timer_heap_pop(&heap, 100, &timer));
    assert_int_equal(timer.node, 3);
    assert_int_equal(heap.count, 0);
    timer_heap_finish(&heap);
}

static void test_timer_heap__removes_one_of_run_node_and_kind(void **state)
{
    (void)state;
    struct timer_heap heap = TIMER_HEAP_INIT;
    struct heap_timer timer = {0};
    add(&heap, 1, 0, 7);
    add(&heap, 2, 1, 7);
    add(&heap, 3, 0, 8);
    timer_heap_remove(
        &heap, &(struct heap_timer){.run = run_at(0), .node = 7, .kind = TIMER_NODE_TIMEOUT});
    assert_int_equal(heap.count, 3);
    timer_heap_remove(&heap, &(struct heap_timer){.run = run_at(0), .node = 7, .kind = TIMER_WAIT});
    assert_int_equal(heap.count, 2);
    timer_heap_remove(&heap, &(struct heap_timer){.run = run_at(0), .node = 7, .kind = TIMER_WAIT});
    assert_int_equal(heap.count, 2);
    assert_true(timer_heap_pop(&heap, 9, &timer));
    assert_ptr_equal(timer.run, run_at(1));
    assert_true(timer_heap_pop(&heap, 9, &timer));
    assert_int_equal(timer.node, 8);
    timer_heap_finish(&heap);
}

/* Against a plain array that is searched from end to end. */
enum { MOST = 500 };

struct model {
    struct heap_timer timers[MOST];
    size_t count;
};

static void model_remove(struct model *model, size_t i)
{
    model->timers[i] = model->timers[--model->count];
}

static size_t model_find(const struct model *model, const struct heap_timer *like)
{
    size_t i = 0;
    while (i < model->count &&
           (model->timers[i].run != like->run || model->timers[i].node != like->node)) {
        i++;
    }
    return i;
}

static int64_t model_first(const struct model *model)
{
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < model->count; i++) {
        first = model->timers[i].due_ms < first ? model->timers[i].due_ms : first;
    }
    return first;
}

static void pop_both(struct timer_heap *heap, struct model *model, int64_t now_ms)
{
    struct heap_timer timer = {0};
    int64_t first = model_first(model);
    bool is_popped = timer_heap_pop(heap, now_ms, &timer);
    assert_int_equal(is_popped, first <= now_ms);
    if (is_popped) {
        assert_int_equal(timer.due_ms, first);
        size_t i = model_find(model, &timer);
        assert_true(i < model->count);
        assert_int_equal(model->timers[i].due_ms, first);
        model_remove(model, i);
    }
}

static void step(struct random *random, struct timer_heap *heap, struct model *model, uint32_t n)
{
    uint32_t run = random_below(random, 4);
    struct heap_timer timer = {
        .due_ms = random_below(random, 1000), .run = run_at(run), .node = n, .kind = TIMER_WAIT};
    uint32_t dice = random_below(random, 100);
    if (dice < 55 && model->count < MOST) {
        assert_int_equal(timer_heap_add(heap, &lists[run], &timer), 0);
        model->timers[model->count++] = timer;
    } else if (dice < 75 && model->count > 0) {
        size_t i = random_below(random, (uint32_t)model->count);
        timer_heap_remove(heap, &model->timers[i]);
        model_remove(model, i);
    } else if (dice < 77) {
        timer_list_clear(&lists[run]);
        for (size_t i = model->count; i-- > 0;) {
            if (model->timers[i].run == timer.run) {
                model_remove(model, i);
            }
        }
    } else {
        pop_both(heap, model, timer.due_ms);
    }
    assert_int_equal(heap->count, model->count);
}

static void test_timer_heap__agrees_with_a_searched_array(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct random random = {seed};
        struct timer_heap heap = TIMER_HEAP_INIT;
        struct model model = {0};
        for (uint32_t n = 0; n < 2000; n++) {
            step(&random, &heap, &model, n);
        }
        while (model.count > 0) {
            pop_both(&heap, &model, INT64_MAX);
        }
        assert_int_equal(heap.count, 0);
        timer_heap_finish(&heap);
    }
}

/* A run may have timers in several heaps, and two of one node. */
static void test_timer_heap__clears_the_list_of_a_run(void **state)
{
    (void)state;
    struct timer_heap heaps[2] = {TIMER_HEAP_INIT, TIMER_HEAP_INIT};
    add(&heaps[0], 3, 0, 1);
    add(&heaps[0], 2, 0, 1);
    add(&heaps[0], 1, 1, 1);
    add(&heaps[1], 1, 0, 1);
    timer_heap_remove(&heaps[0],
                      &(struct heap_timer){.run = run_at(0), .node = 1, .kind = TIMER_WAIT});
    assert_int_equal(heaps[0].count, 2);
    timer_list_clear(&lists[0]);
    timer_list_clear(&lists[0]);
    assert_int_equal(heaps[0].count, 1);
    assert_int_equal(heaps[1].count, 0);
    assert_ptr_equal(timer_heap_first(&heaps[0])->run, run_at(1));
    timer_list_clear(&lists[1]);
    timer_heap_finish(&heaps[0]);
    timer_heap_finish(&heaps[1]);
}

/* With a search from end to end for each it takes minutes: ctest would end it. */
static void test_timer_heap__removes_a_million_of_a_million(void **state)
{
    (void)state;
    enum { COUNT = 1000000 };
    struct timer_heap heap = TIMER_HEAP_INIT;
    for (uint32_t n = 0; n < COUNT; n++) {
        add(&heap, (int64_t)(n * 2654435761u % COUNT), n % 4, n);
    }
    for (uint32_t n = COUNT; n-- > COUNT / 2;) {
        timer_heap_remove(
            &heap, &(struct heap_timer){.run = run_at(n % 4), .node = n, .kind = TIMER_WAIT});
    }
    assert_int_equal(heap.count, COUNT / 2);
    for (size_t i = 0; i < 4; i++) {
        timer_list_clear(&lists[i]);
    }
    assert_int_equal(heap.count, 0);
    timer_heap_finish(&heap);
}

static void test_timer_heap__add_survives_each_failed_allocation(void **state)
{
    (void)state;
    struct timer_heap heap = TIMER_HEAP_INIT;
    for (uint32_t n = 0; n < 100; n++) {
        struct heap_timer timer = {.due_ms = 100 - (int64_t)n, .run = run_at(0), .node = n};
        size_t before = heap.count;
        failing_alloc_arm(0);
        int status = timer_heap_add(&heap, &lists[0], &timer);
        if (failing_alloc_disarm()) {
            assert_int_equal(status, E_NOMEM);
            assert_int_equal(heap.count, before);
            assert_int_equal(timer_heap_add(&heap, &lists[0], &timer), 0);
        }
    }
    assert_int_equal(heap.count, 100);
    assert_int_equal(timer_heap_first(&heap)->due_ms, 1);
    timer_list_clear(&lists[0]);
    assert_int_equal(heap.count, 0);
    timer_heap_finish(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timer_heap__gives_what_is_due_in_order),
        cmocka_unit_test(test_timer_heap__removes_one_of_run_node_and_kind),
        cmocka_unit_test(test_timer_heap__agrees_with_a_searched_array),
        cmocka_unit_test(test_timer_heap__clears_the_list_of_a_run),
        cmocka_unit_test(test_timer_heap__removes_a_million_of_a_million),
        cmocka_unit_test(test_timer_heap__add_survives_each_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
