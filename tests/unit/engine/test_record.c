/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/engine/record.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/pipeline_fixture.h"

static void test_record__states_have_the_names_that_people_see(void **state)
{
    (void)state;
    assert_string_equal(run_state_name(RUN_PENDING), "pending");
    assert_string_equal(run_state_name(RUN_FAILING), "running");
    assert_string_equal(run_state_name(RUN_CANCELLING), "running");
    assert_string_equal(run_state_name(RUN_CANCELLED), "cancelled");
    assert_string_equal(node_state_name(NODE_PENDING), "pending");
    assert_string_equal(node_state_name(NODE_NOT_RUN), "not_run");
    assert_string_equal(node_state_name(NODE_SKIPPED), "skipped");
    assert_string_equal(node_state_name(NODE_CANCELLED), "cancelled");
}

static void test_record__a_batch_holds_what_it_was_given(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    struct document *output = pipeline_fixture_json("{\"n\": [1, 2]}");
    struct record record = {.type = RECORD_NODE_ENDED, .node = 3, .output = output};
    struct effect effect = {.type = EFFECT_START, .node = 3, .config = output};
    batch_add_record(&batch, &record);
    batch_add_effect(&batch, &effect);
    document_unref(output);
    assert_int_equal(batch.record_count, 1);
    assert_int_equal(batch.effect_count, 1);
    const struct value *n = value_get(document_root(batch.records[0].output), STR("n"));
    assert_int_equal(value_count(n), 2);
    assert_ptr_equal(batch.effects[0].config, output);
    size_t cap = batch.record_cap;
    batch_clear(&batch);
    assert_int_equal(batch.record_count, 0);
    assert_int_equal(batch.record_cap, cap);
    batch_finish(&batch);
    assert_null(batch.records);
    batch_finish(NULL);
}

static void test_record__a_failed_allocation_is_remembered(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    struct record record = {.type = RECORD_NODE_ENDED};
    assert_int_equal(edge_set_init(&record.taken, 200), 0);
    failing_alloc_arm(0);
    batch_add_record(&batch, &record); /* gives up its edge set */
    assert_true(failing_alloc_disarm());
    assert_true(batch.has_failed);
    assert_int_equal(batch.record_count, 0);
    batch_clear(&batch);
    assert_false(batch.has_failed);
    failing_alloc_arm(0);
    batch_add_effect(&batch, &(struct effect){.type = EFFECT_STOP});
    assert_true(failing_alloc_disarm());
    assert_true(batch.has_failed);
    assert_int_equal(batch.effect_count, 0);
    batch_finish(&batch);
}

static void test_record__the_last_change_of_a_scope_is_the_one_that_counts(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    struct document *first = pipeline_fixture_json("{\"state\": \"open\"}");
    struct document *last = pipeline_fixture_json("{\"state\": \"half_open\"}");
    struct scope_change change = {.kind = "breaker", .key = STR("a"), .at_unix_ms = 1};
    change.state = first;
    batch_add_scope(&batch, &change);
    batch_add_scope(&batch, &change); /* the very same */
    char kind[] = "breaker";
    batch_add_scope(&batch, &(struct scope_change){
                                .kind = kind, .key = STR("a"), .at_unix_ms = 2, .state = last});
    batch_add_scope(&batch,
                    &(struct scope_change){.kind = "limit", .key = STR("a"), .state = first});
    batch_add_scope(&batch, &(struct scope_change){.kind = "breaker", .key = STR("b")});
    document_unref(first);
    document_unref(last);
    assert_int_equal(batch.scope_count, 3);
    assert_ptr_equal(batch.scopes[0].state, last);
    assert_int_equal(batch.scopes[0].at_unix_ms, 2);
    assert_string_equal(batch.scopes[1].kind, "limit");
    assert_ptr_equal(batch.scopes[1].state, first);
    assert_null(batch.scopes[2].state);
    batch_add_scope(&batch, &(struct scope_change){.kind = "limit", .key = STR("a")});
    assert_int_equal(batch.scope_count, 3);
    assert_null(batch.scopes[1].state); /* forgotten again */
    batch_clear(&batch);
    assert_int_equal(batch.scope_count, 0);
    batch_finish(&batch);
    assert_null(batch.scopes);
}

static void test_record__a_scope_without_memory_fails_the_batch(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    failing_alloc_arm(0);
    batch_add_scope(&batch, &(struct scope_change){.kind = "breaker", .key = STR("a")});
    assert_true(failing_alloc_disarm());
    assert_true(batch.has_failed);
    assert_int_equal(batch.scope_count, 0);
    batch_finish(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record__states_have_the_names_that_people_see),
        cmocka_unit_test(test_record__a_batch_holds_what_it_was_given),
        cmocka_unit_test(test_record__a_failed_allocation_is_remembered),
        cmocka_unit_test(test_record__the_last_change_of_a_scope_is_the_one_that_counts),
        cmocka_unit_test(test_record__a_scope_without_memory_fails_the_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
