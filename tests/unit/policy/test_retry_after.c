/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/policy/retry.h"
#include "core/policy/retry_after.h"
#include "tests/support/random.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110. */
#define EXAMPLE_MS INT64_C(784111777000)

static void assert_wait(const char *text, int64_t now, int64_t wait_ms)
{
    int64_t got = retry_after_read(str_from(text), now);
    if (got != wait_ms) {
        fail_msg("'%s': %lld, not %lld", text, (long long)got, (long long)wait_ms);
    }
}

static void test_retry_after__seconds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t wait_ms;
    } rows[] = {
        {"1", 1000},
        {"120", 120000},
        {"0120", 120000},
        {" 7\t", 7000},
        {"3599", 3599000},
        {"3600", RETRY_AFTER_MAX_MS},
        {"3601", RETRY_AFTER_MAX_MS},
        {"99999999999999999999999999999999999999", RETRY_AFTER_MAX_MS},
        {"0", 0},
        {"00", 0},
        {"", 0},
        {"   ", 0},
        {"-1", 0},
        {"+1", 0},
        {"1.5", 0},
        {"1e3", 0},
        {"1 2", 0},
        {"0x10", 0},
        {"soon", 0},
        {"30s", 0},
        {"٣", 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_wait(rows[i].text, EXAMPLE_MS, rows[i].wait_ms);
    }
    assert_int_equal(retry_after_read((struct str){NULL, 0}, EXAMPLE_MS), 0);
    assert_int_equal(retry_after_read(STR("5\0"), EXAMPLE_MS), 0);
}

static void test_retry_after__dates_in_all_three_forms(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun Nov 06 08:49:37 1994",
        "  Sun, 06 Nov 1994 08:49:37 GMT ",
        "Mon, 06 Nov 1994 08:49:37 GMT", /* it was no Monday: the date counts */
        "Sun, 06 Nov 1994 08:48:97 GMT",
    };
    for (size_t i = 0; i + 1 < COUNT_OF(texts); i++) {
        assert_wait(texts[i], EXAMPLE_MS - 30000, 30000);
        assert_wait(texts[i], EXAMPLE_MS - 1, 1);
        assert_wait(texts[i], EXAMPLE_MS, 0);
        assert_wait(texts[i], EXAMPLE_MS + 1, 0);
        assert_wait(texts[i], EXAMPLE_MS - RETRY_AFTER_MAX_MS - 1, RETRY_AFTER_MAX_MS);
        assert_wait(texts[i], 0, RETRY_AFTER_MAX_MS);
        assert_wait(texts[i], -1, 0); /* no clock of ours */
        assert_wait(texts[i], INT64_MIN, 0);
        assert_wait(texts[i], INT64_MAX, 0);
    }
    assert_wait(texts[COUNT_OF(texts) - 1], EXAMPLE_MS - 30000, 0);
}

static void test_retry_after__each_day_of_a_leap_year(void **state)
{
    (void)state;
    static const char *const names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (int64_t day = 0; day < 366; day++) {
        int64_t at = (clock_days_from_date(2028, 1, 1) + day) * 86400;
        struct clock_civil civil = clock_civil_from_unix(at);
        const char *month = names[civil.month - 1];
        char text[64];
        (void)snprintf(text, sizeof text, "Fri, %02d %s 2028 00:00:00 GMT", civil.day, month);
        assert_wait(text, at * 1000 - 5000, 5000);
        (void)snprintf(text, sizeof text, "Friday, %02d-%s-28 00:00:00 GMT", civil.day, month);
        assert_wait(text, at * 1000 - 5000, 5000);
        (void)snprintf(text, sizeof text, "Fri %s %2d 00:00:00 2028", month, civil.day);
        assert_wait(text, at * 1000 - 5000, 5000);
    }
}

static void test_retry_after__a_year_of_two_digits_is_at_most_fifty_ahead(void **state)
{
    (void)state;
    int64_t in_2026 = clock_days_from_date(2026, 12, 31) * 86400000 - 1000;
    assert_wait("Thursday, 31-Dec-26 00:00:00 GMT", in_2026, 1000);
    assert_wait("Thursday, 31-Dec-76 00:00:00 GMT", in_2026, RETRY_AFTER_MAX_MS);
    assert_wait("Friday, 31-Dec-77 00:00:00 GMT", in_2026, 0);   /* 1977 */
    assert_wait("Thursday, 01-Jan-00 00:00:00 GMT", in_2026, 0); /* 2000 */
    int64_t in_1999 = clock_days_from_date(2000, 1, 1) * 86400000 - 1000;
    assert_wait("Saturday, 01-Jan-00 00:00:00 GMT", in_1999, 1000);
}

static void test_retry_after__leap_second_is_the_second_after_it(void **state)
{
    (void)state;
    int64_t at = clock_days_from_date(2017, 1, 1) * 86400000;
    assert_wait("Sat, 31 Dec 2016 23:59:60 GMT", at - 2000, 2000);
    assert_wait("Sat, 31 Dec 2016 23:59:61 GMT", at - 2000, 0);
}

static void test_retry_after__what_is_no_date_is_not_usable(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "Sun, 06 Nov 2094 08:49:37",
        "Sun, 06 Nov 2094 08:49:37 UTC",
        "Sun, 06 Nov 2094 08:49:37 GMT+1",
        "Sun, 06 Nov 2094 08:49 GMT",
        "Sun, 6 Nov 2094 08:49:37 GMT",
        "Sun, 06 Nov 20940 08:49:37 GMT",
        "Sun, 06 Nov 294 08:49:37 GMT",
        "Sun 06 Nov 2094 08:49:37 GMT",
        "Son, 06 Nov 2094 08:49:37 GMT",
        "sun, 06 Nov 2094 08:49:37 GMT",
        "Sun, 06 Okt 2094 08:49:37 GMT",
        "Sun, 00 Nov 2094 08:49:37 GMT",
        "Sun, 31 Nov 2094 08:49:37 GMT",
        "Sun, 29 Feb 2094 08:49:37 GMT",
        "Sun, 06 Nov 2094 24:00:00 GMT",
        "Sun, 06 Nov 2094 08:60:00 GMT",
        "Sun, 06 Nov 2094 0a:49:37 GMT",
        "Sun, 06 Nov 2094 08:4/:37 GMT",
        "Sun, 06 Nov 2094 08-49:37 GMT",
        "Sun, 06 Nov 2094 08:49-37 GMT",
        "Sun, 06 Nov 2094 08:49:3x GMT",
        "Sun, 06-Nov-49 08:49:37 GMT",
        "Sunday, 06-Nov-4x 08:49:37 GMT",
        "Sunday, 06-Nov-2049 08:49:37 GMT",
        "Sun Nov 6 08:49:37 2094",
        "Sun Nov  6 08:49:37 94",
        "Sun Nov  6 08:49:37 2094 GMT",
        "2094-11-06T08:49:37Z",
        "Sun,",
        "S",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        assert_wait(texts[i], EXAMPLE_MS, 0);
    }
}

/* Whatever a server sends, the wait is 0 to the limit; a text that is cut is read as such. */
static void test_retry_after__any_bytes_give_a_wait_within_bounds(void **state)
{
    (void)state;
    static const char alphabet[] = "SunMonday, 0123456789-Nov:GMT \0\xff";
    struct random random = {.state = 11};
    for (int i = 0; i < 50000; i++) {
        char text[40];
        const char *base = "Sunday, 06-Nov-94 08:49:37 GMT";
        size_t n = random_below(&random, 31);
        memcpy(text, base, 30);
        for (size_t change = random_below(&random, 4); change > 0; change--) {
            text[random_below(&random, 30)] = alphabet[random_below(&random, sizeof alphabet)];
        }
        int64_t now = (int64_t)(random_next(&random) >> random_below(&random, 64));
        int64_t wait = retry_after_read(str_make(text, n), now);
        assert_in_range(wait, 0, RETRY_AFTER_MAX_MS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retry_after__seconds),
        cmocka_unit_test(test_retry_after__dates_in_all_three_forms),
        cmocka_unit_test(test_retry_after__each_day_of_a_leap_year),
        cmocka_unit_test(test_retry_after__a_year_of_two_digits_is_at_most_fifty_ahead),
        cmocka_unit_test(test_retry_after__leap_second_is_the_second_after_it),
        cmocka_unit_test(test_retry_after__what_is_no_date_is_not_usable),
        cmocka_unit_test(test_retry_after__any_bytes_give_a_wait_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
