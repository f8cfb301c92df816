/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "core/base/error.h"
#include "core/engine/record.h"
#include "core/journal/journal_reader.h"
#include "core/loop/pruning.h"
#include "core/loop/run_rows.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/journal/store_fixture.h"

static const int64_t HOUR = 3600 * 1000LL;

static struct store_fixture fixture;
static struct journal_reader *reader;
static struct pruning *pruning;
static int64_t now;

static int64_t faked_now(void)
{
    return now;
}

static void begin(struct retention site)
{
    struct error err = {0};
    assert_int_equal(journal_reader_open(fixture.folder, &reader, &err), 0);
    const struct pruning_options options = {
        .journal = fixture.journal, .reader = reader, .site = &site, .now = faked_now};
    assert_int_equal(pruning_create(&options, &pruning, &err), 0);
}

static int set_up(void **state)
{
    (void)state;
    store_fixture_init(&fixture);
    now = 1000 * HOUR;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pruning_destroy(pruning);
    journal_reader_close(reader);
    pruning = NULL;
    reader = NULL;
    store_fixture_finish(&fixture);
    return 0;
}

/* A run that ended (`ended_at` 0: it lives), of the workflow that its id begins with. */
static void make(uint64_t number, const char *id, const char *options, enum run_state run_state,
                 int64_t ended_at)
{
    struct batch batch = BATCH_INIT;
    struct journal_new_run run = store_fixture_run(number, id);
    run.workflow = str_make(id, 1);
    run.options = str_from(options);
    store_fixture_start(&fixture, &run);
    struct record record = {
        .run_number = number, .type = RECORD_RUN_STARTED, .seq = 1, .node = RECORD_NO_NODE};
    store_fixture_record(&fixture, &batch, &record, NULL);
    if (ended_at != 0) {
        record.type = RECORD_RUN_ENDED;
        record.seq = 2;
        record.run_state = run_state;
        record.at_unix_ms = ended_at;
        store_fixture_record(&fixture, &batch, &record, NULL);
    }
    store_fixture_write(&fixture, &batch);
    batch_finish(&batch);
}

/* Carries out all portions of a pass. */
static void work(void)
{
    while (pruning_is_busy(pruning)) {
        journal_collect(fixture.journal);
    }
}

static void look(void)
{
    pruning_look(pruning);
    work();
}

static void expect_runs(const char *ids)
{
    store_fixture_expect(&fixture,
                         "SELECT group_concat(id, ' ') FROM (SELECT id FROM runs"
                         " ORDER BY run)",
                         ids);
}

static void test_pruning__a_pipeline_s_own_retention_is_over_the_machine_s(void **state)
{
    (void)state;
    make(1, "a1", "{}", RUN_COMPLETED, now - 3 * HOUR);
    make(2, "a2", "{}", RUN_COMPLETED, now - HOUR);
    make(3, "b1", "{\"keep_ms\":36000000}", RUN_COMPLETED, now - 3 * HOUR);
    make(4, "c1", "{}", RUN_COMPLETED, now - 11 * HOUR);
    make(5, "c2", "{\"keep_ms\":1000,\"keep_failed_ms\":36000000}", RUN_FAILED, now - HOUR);
    make(6, "c3", "{\"keep_ms\":1000,\"keep_failed_ms\":36000000}", RUN_COMPLETED, now - HOUR);
    make(7, "d1", "{}", RUN_COMPLETED, 0);
    begin((struct retention){.keep_ms = 2 * HOUR});
    look();
    expect_runs("a2 b1 c2 d1");
}

static void test_pruning__max_runs_is_of_each_pipeline(void **state)
{
    (void)state;
    make(1, "a1", "{}", RUN_COMPLETED, now - 5);
    make(2, "b1", "{}", RUN_COMPLETED, now - 4);
    make(3, "b2", "{}", RUN_COMPLETED, now - 3);
    make(4, "b3", "{}", RUN_COMPLETED, now - 2);
    make(5, "b4", "{}", RUN_COMPLETED, 0);
    begin((struct retention){.max_runs = 2});
    look();
    expect_runs("a1 b2 b3 b4");
}

static void test_pruning__nothing_said_keeps_all(void **state)
{
    (void)state;
    make(1, "a1", "{}", RUN_COMPLETED, 1);
    make(2, "b1", "no JSON at all", RUN_FAILED, 1);
    begin((struct retention){0});
    pruning_look(pruning);
    assert_false(pruning_is_busy(pruning));
    expect_runs("a1 b1");
}

/* A new engine's first pass is at once, the others at least a minute apart. */
static void test_pruning__passes_are_a_minute_apart(void **state)
{
    (void)state;
    const struct retention site = {.keep_ms = HOUR};
    make(1, "a1", "{}", RUN_COMPLETED, now - HOUR + 1000);
    make(2, "a2", "{}", RUN_COMPLETED, now - HOUR + 100000);
    begin(site);
    look();
    now += 2000;
    look();
    expect_runs("a1 a2");
    now += PRUNING_INTERVAL_MS - 2001;
    look();
    expect_runs("a1 a2");
    now += 1;
    look();
    expect_runs("a2");
    now -= 100 * HOUR; /* the clock was set back: nothing is old, and passes go on */
    look();
    now += 100 * HOUR + PRUNING_INTERVAL_MS;
    look();
    store_fixture_expect(&fixture, "SELECT count(*) FROM runs", "0");
}

static void test_pruning__goes_on_until_all_is_gone(void **state)
{
    (void)state;
    enum { COUNT = 2 * PRUNING_PORTION + 5 };
    for (uint64_t i = 1; i <= COUNT; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "%c%llu", i % 2 == 0 ? 'a' : 'b', (unsigned long long)i);
        make(i, id, "{}", RUN_COMPLETED, 1000 + (int64_t)i);
    }
    begin((struct retention){.max_runs = 1});
    pruning_look(pruning);
    assert_true(pruning_is_busy(pruning));
    work();
    expect_runs("a104 b105");
}

static void test_pruning__the_machine_s_can_change(void **state)
{
    (void)state;
    make(1, "a1", "{}", RUN_COMPLETED, now - HOUR);
    begin((struct retention){.keep_ms = 2 * HOUR});
    look();
    expect_runs("a1");
    pruning_set_site(pruning, &(struct retention){.keep_ms = HOUR / 2});
    look();
    store_fixture_expect(&fixture, "SELECT count(*) FROM runs", "0");
}

static void test_pruning__stops_after_a_portion_that_removes_something(void **state)
{
    (void)state;
    make(1, "a1", "{}", RUN_COMPLETED, 1);
    make(2, "b1", "{}", RUN_COMPLETED, 1);
    begin((struct retention){.keep_ms = 1});
    pruning_look(pruning);
    assert_true(pruning_is_busy(pruning));
    pruning_stop(pruning);
    work();
    expect_runs("b1");
    now += PRUNING_INTERVAL_MS;
    look();
    expect_runs("b1");
    pruning_look(NULL);
    pruning_stop(NULL);
    assert_false(pruning_is_busy(NULL));
}

static void test_pruning__looks_on_when_stopped_before_anything_was_removed(void **state)
{
    (void)state;
    make(1, "a1", "{}", RUN_COMPLETED, now);
    make(2, "b1", "{}", RUN_COMPLETED, now);
    make(3, "c1", "{}", RUN_COMPLETED, 1);
    begin((struct retention){.keep_ms = HOUR});
    pruning_look(pruning);
    pruning_stop(pruning);
    work();
    expect_runs("a1 b1");
}

static void test_pruning__survives_a_failing_allocation(void **state)
{
    (void)state;
    bool is_reached = true;
    const struct retention site = {0};
    const struct pruning_options options = {.site = &site};
    for (long n = 0; is_reached; n++) {
        struct pruning *made = NULL;
        struct error err = {0};
        failing_alloc_arm(n);
        int status = pruning_create(&options, &made, &err);
        is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        pruning_destroy(made);
    }
}

static void test_run_rows__retention_is_read_leniently(void **state)
{
    (void)state;
    struct retention read = run_rows_read_retention(
        STR("{\"depth\":1,\"keep_ms\":5,\"keep_failed_ms\":6,\"max_runs\":7}"));
    assert_int_equal(read.keep_ms, 5);
    assert_int_equal(read.keep_failed_ms, 6);
    assert_int_equal(read.max_runs, 7);
    read = run_rows_read_retention(
        STR("{\"keep_ms\":-5,\"keep_failed_ms\":\"x\",\"max_runs\":99999999999}"));
    assert_int_equal(read.keep_ms, 0);
    assert_int_equal(read.keep_failed_ms, 0);
    assert_int_equal(read.max_runs, 0);
    read = run_rows_read_retention(STR("{\"keep_ms\":"));
    assert_int_equal(read.keep_ms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_pruning__a_pipeline_s_own_retention_is_over_the_machine_s, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pruning__max_runs_is_of_each_pipeline, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_pruning__nothing_said_keeps_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pruning__passes_are_a_minute_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pruning__goes_on_until_all_is_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pruning__the_machine_s_can_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pruning__stops_after_a_portion_that_removes_something,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_pruning__looks_on_when_stopped_before_anything_was_removed, set_up, tear_down),
        cmocka_unit_test(test_pruning__survives_a_failing_allocation),
        cmocka_unit_test(test_run_rows__retention_is_read_leniently),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
