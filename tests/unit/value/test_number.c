/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/value/number.h"
#include "core/value/power_table.h"
#include "core/value/value.h"

/* A natural number in 32-bit limbs, lowest first: enough for 10^324 << 200. */
enum { LIMBS = 48 };

struct natural {
    uint32_t limbs[LIMBS];
};

static void natural_multiply(struct natural *n, uint32_t factor)
{
    uint64_t carry = 0;
    for (size_t i = 0; i < LIMBS; i++) {
        carry += (uint64_t)n->limbs[i] * factor;
        n->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    assert_int_equal(carry, 0);
}

static bool natural_bit(const struct natural *n, int bit)
{
    return bit >= 0 && (n->limbs[bit / 32] >> (bit % 32) & 1u) != 0;
}

static int natural_top_bit(const struct natural *n)
{
    int bit = LIMBS * 32 - 1;
    while (!natural_bit(n, bit)) {
        bit--;
    }
    return bit;
}

static int natural_compare(const struct natural *a, const struct natural *b)
{
    for (size_t i = LIMBS; i-- > 0;) {
        if (a->limbs[i] != b->limbs[i]) {
            return a->limbs[i] < b->limbs[i] ? -1 : 1;
        }
    }
    return 0;
}

static void natural_subtract(struct natural *a, const struct natural *b)
{
    int64_t borrow = 0;
    for (size_t i = 0; i < LIMBS; i++) {
        borrow += (int64_t)a->limbs[i] - b->limbs[i];
        a->limbs[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
}

static struct natural natural_power_of_ten(int k)
{
    struct natural n = {{1}};
    for (int i = 0; i < k; i++) {
        natural_multiply(&n, 10);
    }
    return n;
}

static void power_increment(struct power *power)
{
    power->low++;
    power->high += power->low == 0 ? 1 : 0;
}

static void power_shift_in(struct power *power, bool bit)
{
    power->high = power->high << 1 | power->low >> 63;
    power->low = power->low << 1 | (bit ? 1u : 0u);
}

/* 10^k, k >= 0: its top 128 bits, rounded up. */
static struct power work_out_large(int k)
{
    struct natural n = natural_power_of_ten(k);
    int top = natural_top_bit(&n);
    struct power power = {0};
    for (int bit = top; bit > top - 128; bit--) {
        power_shift_in(&power, natural_bit(&n, bit));
    }
    for (int bit = top - 128; bit >= 0; bit--) {
        if (natural_bit(&n, bit)) {
            power_increment(&power);
            break;
        }
    }
    return power;
}

/* 10^-k, k > 0: the first 128 bits of 1 / 10^k by long division, rounded up (it never ends). */
static struct power work_out_small(int k)
{
    struct natural divisor = natural_power_of_ten(k);
    struct natural rest = {{1}};
    struct power power = {0};
    while (power.high >> 63 == 0) {
        natural_multiply(&rest, 2);
        bool bit = natural_compare(&rest, &divisor) >= 0;
        if (bit) {
            natural_subtract(&rest, &divisor);
        }
        power_shift_in(&power, bit);
    }
    power_increment(&power);
    return power;
}

static void test_number__every_power_in_the_table_is_right(void **state)
{
    (void)state;
    for (int k = POWER_LEAST; k <= POWER_MOST; k++) {
        struct power wanted = k < 0 ? work_out_small(-k) : work_out_large(k);
        assert_int_equal(power_of_ten(k).high, wanted.high);
        assert_int_equal(power_of_ten(k).low, wanted.low);
    }
}

static double read_as_double(const char *text)
{
    struct value value = {0};
    size_t used = 0;
    int status = number_read(str_from(text), &value, &used);
    if (status != 0 || used != strlen(text) || value.type != VALUE_DOUBLE) {
        fail_msg("'%s' is not read as a double", text);
    }
    return value.as.number;
}

static uint64_t bits_of(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof(bits));
    return bits;
}

static double from_bits(uint64_t bits)
{
    double number;
    memcpy(&number, &bits, sizeof(number));
    return number;
}

static void test_number__writes_the_shortest(void **state)
{
    (void)state;
    static const struct {
        double number;
        const char *text;
    } cases[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1.0, "1.0"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {0.30000000000000004, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {100.0, "100.0"},
        {123456.789, "123456.789"},
        {0.0001, "0.0001"},
        {0.00001, "1e-05"},
        {1234567890123456.0, "1234567890123456.0"},
        {9007199254740991.0, "9007199254740991.0"},
        {9007199254740992.0, "9007199254740992.0"},
        {9007199254740994.0, "9007199254740994.0"},
        {1e15, "1000000000000000.0"},
        {1e16, "1e+16"},
        {1e22, "1e+22"},
        {1e23, "1e+23"},
        {9.5e-7, "9.5e-07"},
        {-2.5e+100, "-2.5e+100"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {DBL_MIN, "2.2250738585072014e-308"},
        {2.225073858507201e-308, "2.225073858507201e-308"},
        {5e-324, "5e-324"},
        {1e-323, "1e-323"},
        {4.35, "4.35"},
        {2e-44, "2e-44"},
        {9223372036854775808.0, "9.223372036854776e+18"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[NUMBER_MAX_BYTES + 1];
        text[number_write_double(cases[i].number, text)] = '\0';
        assert_string_equal(text, cases[i].text);
        assert_int_equal(bits_of(read_as_double(text)), bits_of(cases[i].number));
    }
}

static void test_number__writes_integers(void **state)
{
    (void)state;
    int64_t n = 1;
    for (int digits = 1; digits <= 18; digits++, n *= 10) {
        const int64_t cases[] = {n, n - 1, n + 1, -n, 9 * n};
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            char text[NUMBER_MAX_BYTES + 1];
            char wanted[NUMBER_MAX_BYTES + 1];
            text[number_write_int(cases[i], text)] = '\0';
            (void)snprintf(wanted, sizeof(wanted), "%lld", (long long)cases[i]); /* it fits */
            assert_string_equal(text, wanted);
        }
    }
    char text[NUMBER_MAX_BYTES + 1];
    text[number_write_int(INT64_MIN, text)] = '\0';
    assert_string_equal(text, "-9223372036854775808");
    text[number_write_int(INT64_MAX, text)] = '\0';
    assert_string_equal(text, "9223372036854775807");
}

/* xorshift: the same numbers in each run */
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* No text with fewer digits reads back as `number`. */
static void assert_shortest(double number, const char *text)
{
    size_t digits = 0;
    size_t zeros = 0;
    for (const char *p = text; *p != '\0' && *p != 'e'; p++) {
        if (*p < '0' || *p > '9' || (digits == 0 && *p == '0')) {
            continue;
        }
        digits++;
        zeros = *p == '0' ? zeros + 1 : 0;
    }
    int shorter = (int)(digits - zeros) - 1;
    char candidate[40];
    if (shorter < 1) {
        return;
    }
    (void)snprintf(candidate, sizeof(candidate), "%.*e", shorter - 1, number); /* it fits */
    assert_int_not_equal(bits_of(strtod(candidate, NULL)), bits_of(number));
}

static void test_number__random_doubles_read_back(void **state)
{
    (void)state;
    uint64_t seed = UINT64_C(88172645463325252);
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = next_random(&seed);
        if (i % 4 == 1) {
            bits &= ~((UINT64_C(1) << (next_random(&seed) % 52)) - 1); /* few bits set */
        } else if (i % 16 == 2) {
            bits &= UINT64_C(0x800FFFFFFFFFFFFF); /* subnormal */
        } else if (i % 16 == 6) {
            bits &= UINT64_C(0xFFF0000000000000); /* a power of two */
        }
        double number = from_bits(bits);
        if (!isfinite(number) || (number >= 0 && number <= 0)) {
            continue;
        }
        char text[NUMBER_MAX_BYTES + 1];
        text[number_write_double(number, text)] = '\0';
        assert_int_equal(bits_of(read_as_double(text)), bits);
        assert_int_equal(bits_of(strtod(text, NULL)), bits);
        assert_shortest(number, text);
    }
}

static void test_number__reads_as_the_library_does(void **state)
{
    (void)state;
    uint64_t seed = UINT64_C(1234567);
    for (int i = 0; i < 100000; i++) {
        double number = from_bits(next_random(&seed) & UINT64_C(0x7FEFFFFFFFFFFFFF));
        char text[64];
        int digits = (int)(next_random(&seed) % 30);
        (void)snprintf(text, sizeof(text), "%.*e", digits, number); /* it fits */
        double wanted = strtod(text, NULL);
        if (isfinite(wanted)) {
            assert_int_equal(bits_of(read_as_double(text)), bits_of(wanted));
        }
    }
}

static void test_number__hard_cases(void **state)
{
    (void)state;
    static const char *const cases[] = {
        /* ties between doubles, and just beside */
        "9007199254740993.0",
        "9007199254740992.99999999999999999999999",
        "9007199254740993.00000000000000000000001",
        "9007199254740995.0",
        "1.00000000000000011102230246251565404236316680908203125",
        "1.00000000000000011102230246251565404236316680908203124",
        "1.00000000000000011102230246251565404236316680908203126",
        /* at the ends of the range */
        "1.7976931348623158e308",
        "1.797693134862315807e308",
        "2.2250738585072011e-308",
        "2.2250738585072012e-308",
        "2.4703282292062327208e-324",
        "2.4703282292062328e-324",
        "4.9e-324",
        "1e-400",
        "0.000000000000000000000000000000000000000000000000000000001e+57",
        "8.5e-323",
        "1e308",
        "123456789012345678901234567890.0",
        "1000000000000000000000000000000000000000000000.0",
        "0.1000000000000000055511151231257827021181583404541015625",
        "6929495644600919.5",
        "3.518437208883201171875e13",
        "7205759403792794.0e-17",
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        double wanted = strtod(cases[i], NULL);
        if (bits_of(read_as_double(cases[i])) != bits_of(wanted)) {
            fail_msg("'%s' reads as %a, not %a", cases[i], read_as_double(cases[i]), wanted);
        }
    }
}

/* A tie of more digits than the library is given, and then something that breaks it. */
static void test_number__a_thousand_digits(void **state)
{
    (void)state;
    char text[1200];
    memset(text, '0', sizeof(text));
    memcpy(text, "9007199254740993.", 17);
    text[1100] = '\0';
    assert_int_equal(bits_of(read_as_double(text)), bits_of(9007199254740992.0));
    text[1099] = '1';
    assert_int_equal(bits_of(read_as_double(text)), bits_of(9007199254740994.0));
    memset(text, '0', sizeof(text));
    text[1] = '.';
    memcpy(text + 1000, "15e+999", 8);
    assert_int_equal(bits_of(read_as_double(text)), bits_of(1.5));
}

static void test_number__stops_behind_the_number(void **state)
{
    (void)state;
    struct value value = {0};
    size_t used = 0;
    assert_int_equal(number_read(STR("12,5"), &value, &used), 0);
    assert_int_equal(used, 2);
    assert_int_equal(value_int(&value), 12);
    assert_int_equal(number_read(STR("00"), &value, &used), 0);
    assert_int_equal(used, 1);
    assert_int_equal(number_read(STR("1.5.5"), &value, &used), 0);
    assert_int_equal(used, 3);
}

static void test_number__refuses_what_is_none(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t fault;
    } cases[] = {{"", 0},    {"-", 1},  {"x", 0},   {"+1", 0}, {".5", 0},      {"1.", 2},
                 {"1.x", 2}, {"1e", 2}, {"1e+", 2}, {"-e", 1}, {"Infinity", 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct value value = {0};
        size_t used = 99;
        assert_int_equal(number_read(str_from(cases[i].text), &value, &used), E_INVALID);
        assert_int_equal(used, cases[i].fault);
    }
    struct value value = {0};
    size_t used = 0;
    assert_int_equal(number_read(STR("1e309"), &value, &used), E_LIMIT);
    assert_int_equal(number_read(STR("-1.7976931348623159e308"), &value, &used), E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number__every_power_in_the_table_is_right),
        cmocka_unit_test(test_number__writes_the_shortest),
        cmocka_unit_test(test_number__writes_integers),
        cmocka_unit_test(test_number__random_doubles_read_back),
        cmocka_unit_test(test_number__reads_as_the_library_does),
        cmocka_unit_test(test_number__hard_cases),
        cmocka_unit_test(test_number__a_thousand_digits),
        cmocka_unit_test(test_number__stops_behind_the_number),
        cmocka_unit_test(test_number__refuses_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
