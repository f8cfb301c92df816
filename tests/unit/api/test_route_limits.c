/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "tests/unit/api/fake_reader.h"

#define LIMITS "/api/v1/limits"

static void test_route_limits__of_an_engine_says_what_it_knows(void **state)
{
    (void)state;
    struct fake_answer got = fake_ask(&(struct fake_request){
        .path = LIMITS,
        .live = "{\"rate_limits\":[{\"scope\":\"http http://a:80 5/second\",\"limit\":5,"
                "\"period_ms\":1000,\"burst\":1,\"left\":0,\"next_at\":1800000000200,"
                "\"frozen_until\":0,\"waiting\":2,\"allowed\":40,\"delayed\":3},"
                "{\"scope\":\"http http://b:80\",\"limit\":0,\"period_ms\":0,\"burst\":0,"
                "\"left\":0,\"next_at\":1800000009000,\"frozen_until\":1800000009000,"
                "\"waiting\":0,\"allowed\":1,\"delayed\":0}],"
                "\"rate_limits_left_out\":{\"scopes\":7},"
                "\"limits\":[{\"scope\":\"plugin code\",\"limit\":4,\"in_use\":3,\"waiting\":1,"
                "\"allowed\":8,\"delayed\":2}],\"limits_left_out\":{\"scopes\":0}}"});
    fake_expect(&got, "/at_work", "true");
    fake_expect(&got, "/rate_limits/0",
                "{\"scope\":\"http http://a:80 5/second\",\"limit\":5,\"period_ms\":1000,"
                "\"burst\":1,\"left\":0,\"next_at\":\"2027-01-15T08:00:00.200Z\","
                "\"frozen_until\":null,\"waiting\":2,\"allowed\":40,\"delayed\":3}");
    fake_expect(&got, "/rate_limits/1",
                "{\"scope\":\"http http://b:80\",\"limit\":null,\"period_ms\":null,"
                "\"burst\":null,\"left\":null,\"next_at\":\"2027-01-15T08:00:09.000Z\","
                "\"frozen_until\":\"2027-01-15T08:00:09.000Z\",\"waiting\":0,\"allowed\":1,"
                "\"delayed\":0}");
    fake_expect(&got, "/rate_limits_left_out", "7");
    fake_expect(&got, "/limits",
                "[{\"scope\":\"plugin code\",\"limit\":4,\"in_use\":3,\"waiting\":1,"
                "\"allowed\":8,\"delayed\":2}]");
    fake_expect(&got, "/limits_left_out", "0");
    fake_answer_finish(&got);
}

static void test_route_limits__without_an_engine_says_what_is_frozen(void **state)
{
    (void)state;
    const struct journal_scope_row scopes[] = {
        {.key = STR("http http://a:80"),
         .state = STR("{\"arrival_ns\":0,\"frozen_until\":1800000060000}")},
        {.key = STR("http http://b:80"), .state = STR("{\"arrival_ns\":5,\"frozen_until\":0}")},
        {.key = STR("http http://c:80"), .state = STR("{")},
    };
    struct journal_reader reader = fake_sample();
    reader.scopes = scopes;
    reader.scope_count = 3;
    struct fake_answer got = fake_get(&reader, LIMITS, "");
    fake_expect(&got, "",
                "{\"at_work\":false,\"rate_limits\":[{\"scope\":\"http http://a:80\","
                "\"frozen_until\":\"2027-01-15T08:01:00.000Z\"}],\"rate_limits_left_out\":0,"
                "\"limits\":[],\"limits_left_out\":0}");
    fake_answer_finish(&got);
}

static void test_route_limits__refuses_what_is_wrong(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    fake_refused(&reader, LIMITS, "limit=1", 400, "'limit'");
    reader.fails_with = E_IO;
    fake_refused(&reader, LIMITS, "", 500, "");
    struct fake_answer got = fake_get(NULL, LIMITS, "");
    fake_expect(&got, "/rate_limits", "[]");
    fake_answer_finish(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_route_limits__of_an_engine_says_what_it_knows),
        cmocka_unit_test(test_route_limits__without_an_engine_says_what_is_frozen),
        cmocka_unit_test(test_route_limits__refuses_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
