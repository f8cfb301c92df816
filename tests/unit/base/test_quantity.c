/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/base/error.h"
#include "core/base/quantity.h"

struct number_case {
    const char *text;
    int64_t value;
};

static void test_quantity__reads_durations(void **state)
{
    (void)state;
    static const struct number_case cases[] = {
        {"250ms", 250},
        {"30s", 30000},
        {"5m", 300000},
        {"2h", 7200000},
        {"7d", 604800000},
        {"0s", 0},
        {"1h30m", 5400000},
        {"1d2h3m4s5ms", 93784005},
        {"1500us", 2},
        {"1ns", 1},
        {"1s1ns", 1001},
        {"1000000ns", 1},
        {"007s", 7000},
        {"9223372036854775807ms", INT64_MAX},
        {"106751991167d", 9223372036828800000},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t ms = -1;
        struct error err = {0};
        if (quantity_parse_duration(str_from(cases[i].text), &ms, &err) != 0) {
            fail_msg("%s", err.message);
        }
        assert_int_equal(ms, cases[i].value);
    }
}

static void test_quantity__refuses_other_durations(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",    "5",    "s",     "ms",   "-5s",  "+5s",  "1.5s", "5 s",        "5S",   " 5s",
        "5s ", "5sec", "30m1h", "1s1s", "1m1m", "1h30", "1e3s", "5\xC2\xB5s", "0x5s", "5ss",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t ms = 7;
        struct error err = {0};
        if (quantity_parse_duration(str_from(bad[i]), &ms, &err) != E_INVALID) {
            fail_msg("'%s' was taken", bad[i]);
        }
        assert_int_equal(ms, 7);
        assert_non_null(strstr(err.message, "'1h30m'"));
    }
    static const char *const large[] = {"9223372036854775808ms", "106751991168d",
                                        "9223372036854775807d", "99999999999999999999999999s"};
    for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
        int64_t ms = 7;
        struct error err = {0};
        assert_int_equal(quantity_parse_duration(str_from(large[i]), &ms, &err), E_LIMIT);
        assert_non_null(strstr(err.message, "too large"));
        assert_int_equal(ms, 7);
    }
}

static void test_quantity__reads_sizes(void **state)
{
    (void)state;
    static const struct number_case cases[] = {
        {"0", 0},
        {"512", 512},
        {"512B", 512},
        {"64KiB", 65536},
        {"10MB", 10000000},
        {"10kB", 10000},
        {"10KB", 10000},
        {"2GiB", INT64_C(2147483648)},
        {"1TB", INT64_C(1000000000000)},
        {"1TiB", INT64_C(1099511627776)},
        {"9223372036854775807", INT64_MAX},
        {"8388607TiB", INT64_C(8388607) << 40},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t bytes = -1;
        assert_int_equal(quantity_parse_size(str_from(cases[i].text), &bytes, NULL), 0);
        assert_int_equal(bytes, cases[i].value);
    }
}

static void test_quantity__refuses_other_sizes(void **state)
{
    (void)state;
    static const char *const bad[] = {"",       "B",  "-1",    "1.5MB", "10 MB", "10mb",
                                      "10KiBs", "1K", "1KiB1", "0x10",  "KiB"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t bytes = 7;
        struct error err = {0};
        if (quantity_parse_size(str_from(bad[i]), &bytes, &err) != E_INVALID) {
            fail_msg("'%s' was taken", bad[i]);
        }
        assert_int_equal(bytes, 7);
        assert_non_null(strstr(err.message, "'64KiB'"));
    }
    int64_t bytes = 7;
    assert_int_equal(quantity_parse_size(STR("8388608TiB"), &bytes, NULL), E_LIMIT);
    assert_int_equal(quantity_parse_size(STR("9223372036854775808"), &bytes, NULL), E_LIMIT);
    assert_int_equal(bytes, 7);
}

static void test_quantity__reads_rates(void **state)
{
    (void)state;
    struct quantity_rate rate = {0};
    assert_int_equal(quantity_parse_rate(STR("10/second"), &rate, NULL), 0);
    assert_int_equal(rate.count, 10);
    assert_int_equal(rate.per_ms, 1000);
    assert_int_equal(quantity_parse_rate(STR("1/minute"), &rate, NULL), 0);
    assert_int_equal(rate.per_ms, 60000);
    assert_int_equal(quantity_parse_rate(STR("5000/hour"), &rate, NULL), 0);
    assert_int_equal(rate.per_ms, 3600000);
    assert_int_equal(quantity_parse_rate(STR("3/day"), &rate, NULL), 0);
    assert_int_equal(rate.per_ms, 86400000);
    static const char *const bad[] = {"",        "10",        "10/",       "/second",   "0/second",
                                      "-1/hour", "1/second ", "1/week",    "1 / hour",  "1/seconds",
                                      "1.5/day", "1/1second", "1/second2", "ten/minute"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct error err = {0};
        if (quantity_parse_rate(str_from(bad[i]), &rate, &err) != E_INVALID) {
            fail_msg("'%s' was taken", bad[i]);
        }
        assert_non_null(strstr(err.message, "'N/minute'"));
    }
    assert_int_equal(quantity_parse_rate(STR("9223372036854775808/day"), &rate, NULL), E_LIMIT);
    assert_int_equal(rate.count, 3);
}

static void test_quantity__writes_durations(void **state)
{
    (void)state;
    static const struct number_case cases[] = {
        {"0 ms", 0},
        {"850 ms", 850},
        {"999 ms", 999},
        {"1.00 s", 1000},
        {"1.24 s", 1240},
        {"9.99 s", 9999},
        {"12.3 s", 12399},
        {"59.9 s", 59999},
        {"1 min 00 s", 60000},
        {"3 min 02 s", 182000},
        {"59 min 59 s", 3599999},
        {"2 h 05 min", 7500000},
        {"3 d 04 h", 273600000},
        {"-1.50 s", -1500},
        {"106751991167 d 07 h", INT64_MAX},
        {"-106751991167 d 07 h", INT64_MIN},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[QUANTITY_TEXT_SIZE];
        quantity_format_duration(cases[i].value, out);
        assert_string_equal(out, cases[i].text);
    }
}

static void test_quantity__writes_sizes(void **state)
{
    (void)state;
    static const struct number_case cases[] = {
        {"0 B", 0},
        {"512 B", 512},
        {"1023 B", 1023},
        {"1.0 KiB", 1024},
        {"1.5 KiB", 1536},
        {"1023.9 KiB", 1048575},
        {"20.0 GiB", INT64_C(20) << 30},
        {"7.9 EiB", INT64_MAX},
        {"-8.0 EiB", INT64_MIN},
        {"-1.0 KiB", -1024},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[QUANTITY_TEXT_SIZE];
        quantity_format_size(cases[i].value, out);
        assert_string_equal(out, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantity__reads_durations),
        cmocka_unit_test(test_quantity__refuses_other_durations),
        cmocka_unit_test(test_quantity__reads_sizes),
        cmocka_unit_test(test_quantity__refuses_other_sizes),
        cmocka_unit_test(test_quantity__reads_rates),
        cmocka_unit_test(test_quantity__writes_durations),
        cmocka_unit_test(test_quantity__writes_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
