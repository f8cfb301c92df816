/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/engine/record.h"
#include "core/journal/journal.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/pipeline_fixture.h"

enum { MOST_CALLS = 64 };

struct fixture {
    struct journal *journal;
    int wakes;
    int calls[MOST_CALLS]; /* the numbers of the callbacks, in order */
    size_t call_count;
};

static struct fixture fixture;

struct call {
    int number;
    const struct call *again; /* appended from within the callback; or NULL */
};

static int append(const struct batch *batch, const struct call *call, struct error *err);

static void on_wake(void *user)
{
    ((struct fixture *)user)->wakes++;
}

static void on_appended(void *user, int status)
{
    const struct call *call = user;
    struct batch batch = BATCH_INIT;
    assert_int_equal(status, 0);
    assert_true(fixture.call_count < MOST_CALLS);
    fixture.calls[fixture.call_count++] = call->number;
    if (call->again != NULL) {
        assert_int_equal(append(&batch, call->again, NULL), 0);
    }
}

static int append(const struct batch *batch, const struct call *call, struct error *err)
{
    struct journal_write write = {.batch = batch};
    return journal_append(fixture.journal, &write, on_appended, (void *)(uintptr_t)call, err);
}

static int set_up(void **state)
{
    (void)state;
    fixture = (struct fixture){0};
    return journal_ephemeral_open(on_wake, &fixture, &fixture.journal, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    journal_close(fixture.journal);
    return 0;
}

static void test_journal_ephemeral__callbacks_come_in_order_and_only_when_collected(void **state)
{
    (void)state;
    static const struct call third = {.number = 3};
    static struct call first = {.number = 1, .again = &third};
    static struct call second = {.number = 2};
    struct batch batch = BATCH_INIT;
    assert_int_equal(append(&batch, &first, NULL), 0);
    assert_int_equal(append(&batch, &second, NULL), 0);
    assert_int_equal(fixture.wakes, 2);
    assert_int_equal(fixture.call_count, 0);
    journal_collect(fixture.journal);
    assert_int_equal(fixture.call_count, 2); /* the third was appended meanwhile */
    assert_int_equal(fixture.wakes, 3);
    journal_collect(fixture.journal);
    journal_collect(fixture.journal);
    assert_int_equal(fixture.call_count, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fixture.calls[i], i + 1);
    }
}

static void test_journal_ephemeral__keeps_no_record_and_no_document(void **state)
{
    (void)state;
    static struct call call = {.number = 1};
    struct batch batch = BATCH_INIT;
    struct document *input = pipeline_fixture_json("{\"a\": 1}");
    batch_add_record(&batch, &(struct record){.run_number = 1, .output = input});
    document_unref(input);
    assert_int_equal(append(&batch, &call, NULL), 0);
    batch_finish(&batch); /* frees the document: a leak checker would find it */
    journal_collect(fixture.journal);
    assert_int_equal(fixture.call_count, 1);
    assert_false(journal_keeps(fixture.journal));
}

static void test_journal_ephemeral__lack_of_memory_is_told(void **state)
{
    (void)state;
    static struct call call = {.number = 1};
    struct batch batch = BATCH_INIT;
    struct journal *journal = NULL;
    struct error err = {0};
    failing_alloc_arm(0);
    assert_int_equal(journal_ephemeral_open(on_wake, &fixture, &journal, &err), E_NOMEM);
    assert_true(failing_alloc_disarm());
    assert_null(journal);
    failing_alloc_arm(0);
    assert_int_equal(append(&batch, &call, &err), E_NOMEM);
    assert_true(failing_alloc_disarm());
    journal_collect(fixture.journal);
    assert_int_equal(fixture.call_count, 0);
    assert_int_equal(fixture.wakes, 0);
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FRESH(test_journal_ephemeral__callbacks_come_in_order_and_only_when_collected),
        FRESH(test_journal_ephemeral__keeps_no_record_and_no_document),
        FRESH(test_journal_ephemeral__lack_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
