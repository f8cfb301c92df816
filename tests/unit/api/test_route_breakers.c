/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "tests/unit/api/fake_reader.h"

static void test_route_breakers__lists_what_is_kept_of_each(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct fake_answer got = fake_get(&reader, "/api/v1/breakers", "");
    fake_expect(&got, "/breakers/0",
                "{\"scope\":\"http http://a:80\",\"state\":\"open\","
                "\"since\":\"2027-01-15T08:00:00.000Z\",\"due_at\":\"2027-01-15T08:01:00.000Z\","
                "\"openings\":2}");
    fake_expect(&got, "/breakers/1",
                "{\"scope\":\"http http://a:8080\",\"state\":\"closed\","
                "\"since\":\"2027-01-15T08:00:00.000Z\",\"due_at\":null,\"openings\":0}");
    fake_expect(&got, "/next_cursor", "null");
    fake_answer_finish(&got);
}

static void test_route_breakers__of_what_nobody_can_read_has_no_state(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct fake_answer got = fake_get(&reader, "/api/v1/breakers", "");
    fake_expect(&got, "/breakers/2/state", "null");
    fake_expect(
        &got, "/breakers/3",
        "{\"scope\":\"jira\",\"state\":null,\"since\":null,\"due_at\":null,\"openings\":0}");
    fake_answer_finish(&got);
}

static void test_route_breakers__comes_in_pages(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct fake_answer got = fake_get(&reader, "/api/v1/breakers", "limit=1");
    fake_expect(&got, "/breakers/0/scope", "\"http http://a:80\"");
    fake_expect(&got, "/next_cursor", "\"http http://a:80\"");
    fake_answer_finish(&got);
    got = fake_get(&reader, "/api/v1/breakers", "limit=2&cursor=http+http://a:80");
    fake_expect(&got, "/breakers/0/scope", "\"http http://a:8080\"");
    fake_expect(&got, "/next_cursor", "\"http http://b:80\"");
    fake_answer_finish(&got);
    got = fake_get(&reader, "/api/v1/breakers", "limit=1&cursor=http+http://b:80");
    fake_expect(&got, "/breakers/0/scope", "\"jira\"");
    fake_expect(&got, "/next_cursor", "null");
    fake_answer_finish(&got);
    got = fake_get(&reader, "/api/v1/breakers", "cursor=zzz");
    fake_expect(&got, "/breakers", "[]");
    fake_answer_finish(&got);
}

static void test_route_breakers__without_a_state_has_none(void **state)
{
    (void)state;
    struct fake_answer got = fake_get(NULL, "/api/v1/breakers", "");
    fake_expect(&got, "", "{\"breakers\":[],\"next_cursor\":null}");
    fake_answer_finish(&got);
}

static void test_route_breakers__refuses_what_is_wrong(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    fake_refused(&reader, "/api/v1/breakers", "limit=0", 400, "'limit'");
    fake_refused(&reader, "/api/v1/breakers", "state=open", 400, "'state'");
    fake_refused(&reader, "/api/v1/breakers/x", "", 404, "there is nothing at");
    reader.fails_with = E_IO;
    fake_refused(&reader, "/api/v1/breakers", "", 500, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_route_breakers__lists_what_is_kept_of_each),
        cmocka_unit_test(test_route_breakers__of_what_nobody_can_read_has_no_state),
        cmocka_unit_test(test_route_breakers__comes_in_pages),
        cmocka_unit_test(test_route_breakers__without_a_state_has_none),
        cmocka_unit_test(test_route_breakers__refuses_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
