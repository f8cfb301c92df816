/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/api/numbers.h"
#include "core/base/error.h"
#include "tests/unit/api/fake_reader.h"

#define STATUS "/api/v1/status"

static void test_route_status__without_an_engine_says_what_is_kept(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct fake_answer got = fake_get(&reader, STATUS, "");
    fake_expect(&got, "/at_work", "false");
    fake_expect(&got, "/breakers",
                "[{\"scope\":\"http http://a:80\",\"state\":\"open\","
                "\"since\":\"2027-01-15T08:00:00.000Z\",\"due_at\":\"2027-01-15T08:01:00.000Z\","
                "\"waiting\":0}]");
    fake_expect(&got, "/breakers_left_out", "0");
    fake_expect(&got, "/limits", "[]");
    fake_answer_finish(&got);
    got = fake_get(NULL, STATUS, "");
    fake_expect(&got, "",
                "{\"at_work\":false,\"trouble\":null,\"runs\":{},"
                "\"queue\":{\"waiting\":0,\"dead\":0},\"breakers\":[],"
                "\"breakers_left_out\":0,\"limits\":[],\"rate_limits\":[],\"services\":[]}");
    fake_answer_finish(&got);
}

static void test_route_status__counts_runs_of_all_workflows(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct fake_answer got = fake_get(&reader, STATUS, "");
    fake_expect(&got, "/runs", "{\"completed\":1,\"running\":10,\"failed\":4}");
    fake_answer_finish(&got);
}

static void test_route_status__an_engine_says_who_waits(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    const struct api_numbers numbers = {.version = "1.2",
                                        .runs_in_memory = 7,
                                        .runs_parked = 2,
                                        .nodes_running = 4,
                                        .queue_depth = 9};
    struct fake_answer got = fake_ask(&(struct fake_request){
        .path = STATUS,
        .reader = &reader,
        .numbers = &numbers,
        .live = "{\"limits\":[{\"scope\":\"plugin http\",\"limit\":25,\"in_use\":25,"
                "\"waiting\":6}],\"breakers\":[{\"scope\":\"http http://a:80\",\"waiting\":3},"
                "{\"scope\":\"unheard "
                "of\",\"waiting\":1}],\"services\":[{\"plugin\":\"http\",\"state\":\"up\"}]}"});
    fake_expect(&got, "/at_work", "true");
    fake_expect(&got, "/queue_depth", "9");
    fake_expect(&got, "/nodes_running", "4");
    fake_expect(&got, "/breakers/0/waiting", "3");
    fake_expect(&got, "/limits",
                "[{\"scope\":\"plugin http\",\"limit\":25,\"in_use\":25,"
                "\"waiting\":6}]");
    fake_expect(&got, "/services", "[{\"plugin\":\"http\",\"state\":\"up\"}]");
    fake_answer_finish(&got);
}

static void test_route_status__takes_no_parameter_and_tells_failures(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    fake_refused(&reader, STATUS, "limit=1", 400, "limit");
    reader.fails_with = E_IO;
    struct fake_answer got = fake_ask(&(struct fake_request){.path = STATUS, .reader = &reader});
    assert_int_equal(got.answer.status, 500);
    fake_answer_finish(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_route_status__without_an_engine_says_what_is_kept),
        cmocka_unit_test(test_route_status__counts_runs_of_all_workflows),
        cmocka_unit_test(test_route_status__an_engine_says_who_waits),
        cmocka_unit_test(test_route_status__takes_no_parameter_and_tells_failures),
    };
    return cmocka_run_group_tests_name("route_status", tests, NULL, NULL);
}
