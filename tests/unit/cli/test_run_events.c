/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <unistd.h>

#include "core/cli/command.h"
#include "core/cli/run_events.h"
#include "core/loop/loop.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/cli/capture.h"
#include "tests/unit/cli/pipeline_fixture.h"

static const struct command_option options[] = {
    {"send", 0, "EVENT[=JSON]", "send an event", true},
    {NULL, 0, NULL, NULL, false},
};

static const struct command cmd_run = {.name = "run", .options = options};
const struct command *const command_table[] = {NULL};

static struct command_args args_of(const char *const *words)
{
    struct command_args args = {.command = &cmd_run};
    for (; *words != NULL; words++) {
        args.given[args.given_count++].value = *words;
    }
    return args;
}

static void check_fails(const char *word, const char *said)
{
    struct command_args args = args_of((const char *const[]){"fine", word, NULL});
    struct run_events events = {0};
    struct capture capture;
    capture_begin(&capture, STDERR_FILENO);
    int code = run_events_read(&args, &events);
    char *text = capture_end(&capture);
    assert_int_equal(code, EXIT_USAGE);
    assert_string_equal(text, said);
    assert_int_equal(events.count, 0);
    free(text);
}

static void test_run_events__are_in_order_with_their_data(void **state)
{
    (void)state;
    static const char *const words[] = {
        "go", "data={\"a\":[1]}", "none=null", "a b=1", "x==", NULL};
    struct command_args args = args_of(words);
    struct run_events events = {0};
    args.given_count = 4;
    assert_int_equal(run_events_read(&args, &events), EXIT_DONE);
    assert_int_equal(events.count, 4);
    assert_true(str_equal(events.items[0].name, STR("go")));
    assert_null(events.items[0].data);
    cleanup_document struct document *expected = fixture_json("{\"a\":[1]}");
    assert_true(str_equal(events.items[1].name, STR("data")));
    assert_true(value_equal(document_root(events.items[1].data), document_root(expected)));
    assert_true(value_is(document_root(events.items[2].data), VALUE_NULL));
    assert_true(str_equal(events.items[3].name, STR("a b")));
    run_events_finish(&events);
    assert_null(events.items);
}

static void test_run_events__none_is_fine(void **state)
{
    (void)state;
    struct command_args args = args_of((const char *const[]){NULL});
    struct run_events events = {0};
    assert_int_equal(run_events_read(&args, &events), EXIT_DONE);
    assert_int_equal(events.count, 0);
    run_events_finish(&events);
}

static void test_run_events__say_what_is_wrong(void **state)
{
    (void)state;
    check_fails("", "opstream: --send '': the event has no name\n");
    check_fails("=1", "opstream: --send '=1': the event has no name\n");
    check_fails("a\xff=1", "opstream: --send 'a\\xff=1': not UTF-8\n");
    check_fails("go=yes", "opstream: --send go: the data is not JSON: expected a value, found 'y' "
                          "(text is written as --send 'go=\"text\"')\n");
    check_fails("go=", "opstream: --send go: the data is not JSON: expected a value, found the "
                       "end of the text (text is written as --send 'go=\"text\"')\n");
}

static void test_run_events__each_allocation_may_fail(void **state)
{
    (void)state;
    struct command_args args = args_of((const char *const[]){"go", "a={\"b\":[\"text\"]}", NULL});
    bool is_reached = true;
    for (long n = 0; is_reached; n++) {
        struct run_events events = {0};
        struct capture capture;
        capture_begin(&capture, STDERR_FILENO);
        failing_alloc_arm(n);
        int code = run_events_read(&args, &events);
        is_reached = failing_alloc_disarm();
        free(capture_end(&capture));
        assert_int_equal(code, is_reached ? EXIT_STATE : EXIT_DONE);
        assert_int_equal(events.count, is_reached ? 0 : 2);
        run_events_finish(&events);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_events__are_in_order_with_their_data),
        cmocka_unit_test(test_run_events__none_is_fine),
        cmocka_unit_test(test_run_events__say_what_is_wrong),
        cmocka_unit_test(test_run_events__each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
