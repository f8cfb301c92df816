/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/error.h"

static void expect_time(const char *text, int64_t seconds, int32_t nanos)
{
    struct clock_time at = {0};
    if (clock_parse_rfc3339(str_from(text), &at) != 0) {
        fail_msg("'%s' was refused", text);
    }
    if (at.seconds != seconds || at.nanos != nanos) {
        fail_msg("'%s' is %lld.%09d, not %lld.%09d", text, (long long)at.seconds, (int)at.nanos,
                 (long long)seconds, (int)nanos);
    }
}

static void test_clock__reads_rfc3339(void **state)
{
    (void)state;
    expect_time("1970-01-01T00:00:00Z", 0, 0);
    expect_time("1969-12-31T23:59:59.5Z", -1, 500000000);
    expect_time("1985-04-12T23:20:50.52Z", 482196050, 520000000);
    expect_time("1996-12-19T16:39:57-08:00", 851042397, 0);
    expect_time("1937-01-01T12:00:27.87+00:20", -1041337173, 870000000);
    expect_time("2000-02-29t00:00:00z", 951782400, 0);
    expect_time("0000-01-01T00:00:00Z", -62167219200, 0);
    expect_time("9999-12-31T23:59:59.999999999Z", 253402300799, 999999999);
    expect_time("2025-01-01T00:00:00.1234567899999Z", 1735689600, 123456789);
    expect_time("2025-01-01T00:00:00-00:00", 1735689600, 0);
}

static void test_clock__leap_second_only_where_one_can_be(void **state)
{
    (void)state;
    expect_time("1990-12-31T23:59:60Z", 662688000, 0);
    expect_time("1990-12-31T15:59:60-08:00", 662688000, 0);
    struct clock_time at;
    assert_int_equal(clock_parse_rfc3339(STR("1998-12-31T23:58:60Z"), &at), E_INVALID);
    assert_int_equal(clock_parse_rfc3339(STR("1998-12-31T23:59:60+01:00"), &at), E_INVALID);
}

static void test_clock__refuses_what_is_no_date_time(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2025",
        "2025-01-01",
        "2025-01-01T00:00:00",
        "2025-01-01 00:00:00Z",
        "2025-13-01T00:00:00Z",
        "2025-00-01T00:00:00Z",
        "2025-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2025-04-31T00:00:00Z",
        "2025-01-00T00:00:00Z",
        "2025-01-01T24:00:00Z",
        "2025-01-01T00:60:00Z",
        "2025-01-01T00:00:61Z",
        "2025-01-01T00:00:00.Z",
        "2025-01-01T00:00:00+24:00",
        "2025-01-01T00:00:00+00:60",
        "2025-01-01T00:00:00+0000",
        "2025-01-01T00:00:00Z ",
        " 2025-01-01T00:00:00Z",
        "25-01-01T00:00:00Z",
        "+2025-01-01T00:00:00Z",
        "2025-1-01T00:00:00Z",
        "2025-01-01T00:00:0\xD9\xA1Z",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct clock_time at = {7, 7};
        if (clock_parse_rfc3339(str_from(bad[i]), &at) != E_INVALID) {
            fail_msg("'%s' was taken", bad[i]);
        }
        assert_int_equal(at.seconds, 7);
    }
}

static void expect_text(int64_t unix_ms, const char *text)
{
    char out[CLOCK_TEXT_SIZE];
    clock_format_rfc3339(unix_ms, out);
    assert_string_equal(out, text);
}

static void test_clock__writes_rfc3339(void **state)
{
    (void)state;
    expect_text(0, "1970-01-01T00:00:00.000Z");
    expect_text(-1, "1969-12-31T23:59:59.999Z");
    expect_text(1738333353123, "2025-01-31T14:22:33.123Z");
    expect_text(951782400000, "2000-02-29T00:00:00.000Z");
    expect_text(253402300800000, "10000-01-01T00:00:00.000Z");
    expect_text(INT64_MAX, "292278994-08-17T07:12:55.807Z");
    expect_text(INT64_MIN, "-292275055-05-16T16:47:04.192Z");
}

static void test_clock__dates_and_days_agree_over_four_centuries(void **state)
{
    (void)state;
    int64_t days = clock_days_from_date(1799, 12, 31);
    int weekday = 2; /* a Tuesday */
    for (int year = 1800; year < 2201; year++) {
        for (int month = 1; month <= 12; month++) {
            for (int day = 1; day <= clock_days_in_month(year, month); day++) {
                days++;
                weekday = (weekday + 1) % 7;
                assert_int_equal(clock_days_from_date(year, month, day), days);
                struct clock_civil at = clock_civil_from_unix(days * 86400 + 3661);
                assert_int_equal(at.year, year);
                assert_int_equal(at.month, month);
                assert_int_equal(at.day, day);
                assert_int_equal(at.weekday, weekday);
                assert_int_equal(at.hour * 10000 + at.minute * 100 + at.second, 10101);
            }
        }
    }
}

static void test_clock__leap_years(void **state)
{
    (void)state;
    assert_true(clock_is_leap_year(2000));
    assert_false(clock_is_leap_year(1900));
    assert_true(clock_is_leap_year(2024));
    assert_false(clock_is_leap_year(2023));
    assert_true(clock_is_leap_year(0));
    assert_true(clock_is_leap_year(-4));
}

static void test_clock__clocks_go_on(void **state)
{
    (void)state;
    int64_t before = clock_monotonic_ns();
    assert_true(clock_monotonic_ns() >= before);
    assert_true(before > 0);
    assert_true(clock_unix_ms() > INT64_C(1600000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock__reads_rfc3339),
        cmocka_unit_test(test_clock__leap_second_only_where_one_can_be),
        cmocka_unit_test(test_clock__refuses_what_is_no_date_time),
        cmocka_unit_test(test_clock__writes_rfc3339),
        cmocka_unit_test(test_clock__dates_and_days_agree_over_four_centuries),
        cmocka_unit_test(test_clock__leap_years),
        cmocka_unit_test(test_clock__clocks_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
