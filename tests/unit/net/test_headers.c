/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/headers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "tests/support/failing_alloc.h"

static void test_headers__list_gives_lines_back(void **state)
{
    (void)state;
    struct header_list list = HEADER_LIST_INIT;
    assert_int_equal(headers_add_line(&list, STR("Content-Type:  text/plain \r\n")), 0);
    assert_int_equal(headers_add_line(&list, STR("X-Empty:\r\n")), 0);
    assert_int_equal(headers_add_line(&list, STR("no header\r\n")), 0);
    assert_int_equal(headers_add_line(&list, STR("\r\n")), 0);
    assert_int_equal(headers_add_line(&list, STR("X: a:b\r\n")), 0);
    assert_true(str_equal_text(headers_get(&list, "content-type"), "text/plain"));
    assert_true(str_equal_text(headers_get(&list, "x"), "a:b"));
    assert_int_equal(headers_get(&list, "y").n, 0);
    const struct net_header *items = headers_export(&list);
    assert_int_equal(list.count, 3);
    assert_true(str_equal_text(items[1].name, "x-empty"));
    assert_int_equal(items[1].value.n, 0);
    headers_clear(&list);
    assert_int_equal(headers_get(&list, "x").n, 0);
    headers_finish(&list);
}

static void test_headers__adding_survives_failing_allocations(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct header_list list = HEADER_LIST_INIT;
        failing_alloc_arm(n);
        int status = headers_add_line(&list, STR("Name: value\r\n"));
        bool is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        headers_finish(&list);
        if (!is_reached) {
            break;
        }
    }
}

static void test_headers__request_limits_hold(void **state)
{
    (void)state;
    static char big[NET_MAX_HEADER_BYTES + 1];
    struct error err;
    memset(big, 'x', sizeof big);
    struct net_header header = {STR("X"), {big, sizeof big - 2}, false};
    struct net_request request = {.headers = &header, .header_count = 1};
    assert_int_equal(headers_check_request(&request, &err), 0);
    header.value.n++;
    assert_int_equal(headers_check_request(&request, &err), E_LIMIT);
    request.header_count = 1001;
    assert_int_equal(headers_check_request(&request, &err), E_LIMIT);
}

static void test_headers__credentials_do_not_leave_their_origin(void **state)
{
    (void)state;
    static const char *const dropped[] = {
        "Authorization", "Cookie", "X-Api-Key",    "PRIVATE-TOKEN",
        "X-Auth-Email",  "Host",   "X-Session-Id", "X-Amz-Security-Token"};
    static const char *const kept[] = {"Accept", "User-Agent", "Idempotency-Key", "X-Request-Id"};
    const struct redirect_hop away = {.is_same_origin = false};
    const struct redirect_hop home = {.is_same_origin = true};
    for (size_t i = 0; i < sizeof dropped / sizeof dropped[0]; i++) {
        const struct net_header header = {.name = str_from(dropped[i])};
        assert_false(redirect_keeps_header(&away, &header));
        assert_true(redirect_keeps_header(&home, &header));
    }
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        struct net_header header = {.name = str_from(kept[i])};
        assert_true(redirect_keeps_header(&away, &header));
        header.is_secret = true;
        assert_false(redirect_keeps_header(&away, &header));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers__list_gives_lines_back),
        cmocka_unit_test(test_headers__adding_survives_failing_allocations),
        cmocka_unit_test(test_headers__request_limits_hold),
        cmocka_unit_test(test_headers__credentials_do_not_leave_their_origin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
