/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/loop/loop_state.h"
#include "core/loop/run_driver.h"
#include "core/loop/run_table.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/random.h"

enum { RUNS = 300, ROUNDS = 20000 };

static struct loop loop;
static struct loop_run runs[RUNS];
static bool is_in[RUNS];

static int set_up(void **state)
{
    (void)state;
    loop = (struct loop){0};
    for (size_t i = 0; i < RUNS; i++) { /* numbers that fall into the same slots, too */
        runs[i] = (struct loop_run){.loop = &loop, .number = 1 + i * (i % 3 == 0 ? 64 : 1)};
        runs[i].root = &runs[i];
        is_in[i] = false;
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    run_table_finish(&loop);
    return 0;
}

static void add(struct loop_run *run)
{
    assert_int_equal(run_table_reserve(&loop), 0);
    run->next = run->previous = run->next_hashed = NULL;
    run_table_add(run);
}

static void test_run_table__finds_what_is_in_it(void **state)
{
    (void)state;
    assert_null(run_table_find(&loop, 1));
    struct loop_run root = {.loop = &loop, .number = 7};
    struct loop_run child = {.loop = &loop, .number = 8, .root = &root};
    struct loop_run unkept = {.loop = &loop};
    root.root = &root;
    add(&root);
    add(&child);
    add(&unkept);
    assert_ptr_equal(run_table_find(&loop, 8), &child);
    assert_ptr_equal(run_table_find_root(&loop, 8), &root);
    assert_ptr_equal(run_table_find_root(&loop, 7), &root);
    assert_null(run_table_find(&loop, 0)); /* nobody keeps it */
    assert_null(run_table_find_root(&loop, 9));
    assert_ptr_equal(loop.runs, &unkept);
    run_table_remove(&unkept);
    run_table_remove(&root);
    assert_null(run_table_find(&loop, 7));
    assert_ptr_equal(loop.runs, &child);
    assert_int_equal(loop.run_count, 1);
}

static void expect_list(void)
{
    size_t count = 0;
    const struct loop_run *previous = NULL;
    for (const struct loop_run *at = loop.runs; at != NULL; at = at->next) {
        assert_ptr_equal(at->previous, previous);
        assert_true(is_in[at - runs]);
        previous = at;
        count++;
    }
    assert_int_equal(count, loop.run_count);
}

static void test_run_table__agrees_with_what_was_added_and_removed(void **state)
{
    (void)state;
    struct random random = {.state = 3};
    for (int i = 0; i < ROUNDS; i++) {
        size_t k = random_below(&random, RUNS);
        if (is_in[k]) {
            run_table_remove(&runs[k]);
        } else if (run_table_find(&loop, runs[k].number) == NULL) { /* no number is there twice */
            add(&runs[k]);
        } else {
            continue;
        }
        is_in[k] = !is_in[k];
        k = random_below(&random, RUNS);
        const struct loop_run *found = run_table_find(&loop, runs[k].number);
        assert_true(!is_in[k] || found == &runs[k]);
        assert_true(found == NULL || is_in[found - runs]);
        if (i % 500 == 0) {
            expect_list();
        }
    }
}

static void test_run_table__without_memory_it_stays_as_it_was(void **state)
{
    (void)state;
    for (size_t i = 0; i < 64; i++) {
        runs[i].number = i + 1;
        add(&runs[i]);
    }
    failing_alloc_arm(0);
    int status = run_table_reserve(&loop);
    failing_alloc_disarm();
    assert_int_equal(status, E_NOMEM);
    assert_ptr_equal(run_table_find(&loop, 64), &runs[63]);
    assert_int_equal(run_table_reserve(&loop), 0);
    assert_ptr_equal(run_table_find(&loop, 1), &runs[0]);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(test_run_table__##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(finds_what_is_in_it),
        CASE(agrees_with_what_was_added_and_removed),
        CASE(without_memory_it_stays_as_it_was),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
