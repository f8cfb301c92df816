/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/engine/record.h"
#include "core/loop/expected_rows.h"
#include "tests/support/failing_alloc.h"

static struct expected_rows rows;

static int set_up(void **state)
{
    (void)state;
    rows = EXPECTED_ROWS_INIT;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    expected_rows_finish(&rows);
    return 0;
}

static int note(enum record_type type, const char *path, enum node_state node_state)
{
    const struct record record = {.type = type,
                                  .path = (char *)(uintptr_t)path,
                                  .seq = rows.last_seq + 1,
                                  .attempt = 1,
                                  .node_state = node_state,
                                  .run_state = RUN_COMPLETED,
                                  .kind = FRAME_ITEM,
                                  .at_unix_ms = (int64_t)(rows.last_seq + 1) * 10};
    return expected_rows_note(&rows, &record, STR("{}"));
}

static const struct expected_node *find(const char *path)
{
    return expected_rows_find(&rows, str_from(path));
}

static void test_expected_rows__a_node_from_start_to_end(void **state)
{
    (void)state;
    assert_string_equal(expected_rows_state(&rows), "pending");
    assert_int_equal(note(RECORD_RUN_STARTED, NULL, NODE_PENDING), 0);
    assert_string_equal(expected_rows_state(&rows), "running");
    assert_int_equal(note(RECORD_NODE_STARTED, "a", NODE_RUNNING), 0);
    assert_string_equal(find("a")->state, "running");
    assert_int_equal(find("a")->body, 0);
    assert_int_equal(note(RECORD_NODE_ENDED, "a", NODE_COMPLETED), 0);
    assert_string_equal(find("a")->state, "completed");
    assert_int_equal(find("a")->started_at, 20);
    assert_int_equal(find("a")->ended_at, 30);
    assert_true(find("a")->body != 0);
    assert_int_equal(note(RECORD_RUN_ENDED, NULL, NODE_PENDING), 0);
    assert_string_equal(expected_rows_state(&rows), "completed");
    assert_int_equal(rows.ended_at, 40);
    assert_int_equal(rows.nodes_done, 1);
}

static void test_expected_rows__a_node_that_never_started_began_at_its_end(void **state)
{
    (void)state;
    assert_int_equal(note(RECORD_NODE_ENDED, "a", NODE_NOT_RUN), 0);
    assert_int_equal(find("a")->started_at, find("a")->ended_at);
    assert_int_equal(note(RECORD_NODE_STOPPING, "b", NODE_STOPPING), 0);
    assert_null(find("b"));
}

static void test_expected_rows__states_are_counted_once(void **state)
{
    (void)state;
    assert_int_equal(note(RECORD_NODE_ENDED, "a", NODE_COMPLETED), 0);
    assert_int_equal(note(RECORD_NODE_ENDED, "a#2", NODE_FAILED), 0);
    assert_int_equal(rows.nodes_done, 1);
    assert_int_equal(rows.nodes_failed, 1);
}

static void test_expected_rows__what_ended_inside_an_iteration_goes_with_it(void **state)
{
    (void)state;
    assert_int_equal(note(RECORD_NODE_STARTED, "l", NODE_RUNNING), 0);
    assert_int_equal(note(RECORD_NODE_ENDED, "l[1].a", NODE_COMPLETED), 0);
    assert_int_equal(note(RECORD_NODE_ENDED, "l[10].a", NODE_COMPLETED), 0);
    assert_int_equal(note(RECORD_FRAME_ENDED, "l[1]", NODE_COMPLETED), 0);
    assert_null(find("l[1].a"));
    assert_non_null(find("l[10].a"));
    assert_non_null(find("l"));
    assert_int_equal(rows.count, 2);
}

static void test_expected_rows__the_unknown_needs_a_person(void **state)
{
    (void)state;
    assert_int_equal(note(RECORD_RUN_STARTED, NULL, NODE_PENDING), 0);
    assert_int_equal(note(RECORD_NODE_STARTED, "a", NODE_RUNNING), 0);
    assert_int_equal(note(RECORD_RUN_PAUSED, NULL, NODE_PENDING), 0);
    assert_string_equal(expected_rows_state(&rows), "paused");
    assert_int_equal(note(RECORD_NODE_UNKNOWN, "a", NODE_RUNNING), 0);
    assert_string_equal(expected_rows_state(&rows), "approval_required");
    assert_int_equal(note(RECORD_NODE_LOST, "a", NODE_RUNNING), 0);
    assert_string_equal(find("a")->state, "ready");
    assert_int_equal(note(RECORD_RUN_RESUMED, NULL, NODE_PENDING), 0);
    assert_string_equal(expected_rows_state(&rows), "running");
}

static void test_expected_rows__lack_of_memory_is_told(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        expected_rows_finish(&rows);
        failing_alloc_arm(n);
        int status = note(RECORD_NODE_STARTED, "l[0].a", NODE_RUNNING);
        status = status == 0 ? note(RECORD_NODE_ENDED, "l[1].a", NODE_COMPLETED) : status;
        status = status == 0 ? note(RECORD_FRAME_ENDED, "l[0]", NODE_COMPLETED) : status;
        bool is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        if (!is_reached) {
            break;
        }
    }
    assert_int_equal(rows.count, 1);
}

static void test_expected_rows__a_call_of_the_queue_has_its_turn(void **state)
{
    (void)state;
    rows.priority = QUEUE_PRIORITY_LOW;
    assert_int_equal(note(RECORD_RUN_STARTED, NULL, NODE_PENDING), 0);
    assert_int_equal(rows.turn_at, 10);
    const struct record retry = {.type = RECORD_NODE_RETRY, .seq = 2, .due_unix_ms = 900};
    assert_int_equal(expected_rows_note(&rows, &retry, STR("{}")), 0);
    const struct record lost = {
        .type = RECORD_NODE_LOST, .seq = 3, .has_priority = true, .priority = QUEUE_PRIORITY_HIGH};
    assert_int_equal(rows.turn_at, 900);
    assert_int_equal(rows.priority, QUEUE_PRIORITY_LOW);
    assert_int_equal(expected_rows_note(&rows, &lost, STR("{}")), 0);
    assert_int_equal(rows.turn_at, 900);
    assert_int_equal(rows.priority, QUEUE_PRIORITY_HIGH);
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FRESH(test_expected_rows__a_node_from_start_to_end),
        FRESH(test_expected_rows__a_call_of_the_queue_has_its_turn),
        FRESH(test_expected_rows__a_node_that_never_started_began_at_its_end),
        FRESH(test_expected_rows__states_are_counted_once),
        FRESH(test_expected_rows__what_ended_inside_an_iteration_goes_with_it),
        FRESH(test_expected_rows__the_unknown_needs_a_person),
        FRESH(test_expected_rows__lack_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
