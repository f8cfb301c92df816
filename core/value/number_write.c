/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Doubles are printed by the Schubfach algorithm (R. Giulietti): of the decimals that lie in the
 * interval which rounds to the number, a shortest one, and of those the nearest. Three products
 * with a 128-bit power of ten, rounded to odd, decide it exactly.
 */
#include "core/value/number.h"

#include "core/value/power_table.h"

__extension__ typedef unsigned __int128 wide;

/* digits * 10^exponent */
struct decimal {
    uint64_t digits;
    int exponent;
};

/* "00", "01", ... "99" */
static const char digit_pairs[200] = {
#define ROW(t) t, '0', t, '1', t, '2', t, '3', t, '4', t, '5', t, '6', t, '7', t, '8', t, '9'
    ROW('0'), ROW('1'), ROW('2'), ROW('3'), ROW('4'),
    ROW('5'), ROW('6'), ROW('7'), ROW('8'), ROW('9'),
#undef ROW
};

static size_t count_digits(uint64_t n)
{
    size_t count = 1;
    while (n >= 10000) {
        n /= 10000;
        count += 4;
    }
    return count + (n >= 10 ? 1 : 0) + (n >= 100 ? 1 : 0) + (n >= 1000 ? 1 : 0);
}

/* Eight digits, with zeros in front: the two halves do not wait for each other. */
static inline void write_8_digits(uint32_t n, char *out)
{
    uint32_t high = n / 10000;
    uint32_t low = n % 10000;
    memcpy(out, digit_pairs + (size_t)(high / 100) * 2, 2);
    memcpy(out + 2, digit_pairs + (size_t)(high % 100) * 2, 2);
    memcpy(out + 4, digit_pairs + (size_t)(low / 100) * 2, 2);
    memcpy(out + 6, digit_pairs + (size_t)(low % 100) * 2, 2);
}

/* Writes `n`, which has `count` digits. */
static void write_digits(uint64_t n, size_t count, char *out)
{
    while (count >= 8) {
        count -= 8;
        write_8_digits((uint32_t)(n % 100000000), out + count);
        n /= 100000000;
    }
    uint32_t rest = (uint32_t)n;
    while (count >= 2) {
        count -= 2;
        memcpy(out + count, digit_pairs + (size_t)(rest % 100) * 2, 2);
        rest /= 100;
    }
    if (count == 1) {
        out[0] = (char)('0' + rest % 10);
    }
}

static size_t write_unsigned(uint64_t n, char *out)
{
    size_t count = count_digits(n);
    write_digits(n, count, out);
    return count;
}

size_t number_write_int(int64_t integer, char *out)
{
    if (integer >= 0) {
        return write_unsigned((uint64_t)integer, out);
    }
    out[0] = '-';
    return 1 + write_unsigned(-(uint64_t)integer, out + 1);
}

/* The upper 64 bits of power * n / 2^64; the last bit is set when anything below them is. */
static uint64_t multiply_to_odd(struct power power, uint64_t n)
{
    wide low = (wide)power.low * n;
    wide high = (wide)power.high * n + (uint64_t)(low >> 64);
    return (uint64_t)(high >> 64) | ((uint64_t)high > 1 ? 1u : 0u);
}

/* floor(log10(2^e)), or floor(log10(3/4 * 2^e)) when the lower neighbour is at half distance. */
static int log10_of_power_of_two(int e, bool is_lower_closer)
{
    return (e * 1262611 - (is_lower_closer ? 524031 : 0)) >> 22;
}

/* The shortest decimal for significand * 2^exponent. */
static struct decimal shortest_decimal(uint64_t significand, int exponent, bool is_lower_closer)
{
    uint64_t odd = significand & 1u;
    int k = log10_of_power_of_two(exponent, is_lower_closer);
    int shift = exponent + power_log2(-k) + 1;
    struct power power = power_of_ten(-k);
    /* The number and the ends of its interval, times 4. */
    uint64_t lower =
        multiply_to_odd(power, (4 * significand - (is_lower_closer ? 1 : 2)) << shift) + odd;
    uint64_t middle = multiply_to_odd(power, (4 * significand) << shift);
    uint64_t upper = multiply_to_odd(power, (4 * significand + 2) << shift) - odd;

    uint64_t s = middle / 4;
    if (s >= 10) {
        uint64_t tens = s / 10;
        bool is_down_in = lower <= 40 * tens;
        bool is_up_in = 40 * tens + 40 <= upper;
        if (is_down_in != is_up_in) {
            return (struct decimal){tens + (is_up_in ? 1 : 0), k + 1};
        }
    }
    bool is_down_in = lower <= 4 * s;
    bool is_up_in = 4 * s + 4 <= upper;
    if (is_down_in != is_up_in) {
        return (struct decimal){s + (is_up_in ? 1 : 0), k};
    }
    uint64_t half = 4 * s + 2;
    bool is_up_nearer = middle > half || (middle == half && (s & 1u) != 0);
    return (struct decimal){s + (is_up_nearer ? 1 : 0), k};
}

static struct decimal without_trailing_zeros(struct decimal decimal)
{
    while (decimal.digits % 100000000 == 0) {
        decimal.digits /= 100000000;
        decimal.exponent += 8;
    }
    while (decimal.digits % 10 == 0) {
        decimal.digits /= 10;
        decimal.exponent++;
    }
    return decimal;
}

static size_t write_scientific(const char *digits, size_t count, int exponent, char *out)
{
    size_t n = 0;
    out[n++] = digits[0];
    if (count > 1) {
        out[n++] = '.';
        memcpy(out + n, digits + 1, count - 1);
        n += count - 1;
    }
    out[n++] = 'e';
    out[n++] = exponent < 0 ? '-' : '+';
    uint64_t magnitude = (uint64_t)(exponent < 0 ? -exponent : exponent);
    if (magnitude < 10) {
        out[n++] = '0';
    }
    return n + write_unsigned(magnitude, out + n);
}

/* The point stands behind `point` digits; 0 and below: that many zeros between it and them. */
static size_t write_positional(const char *digits, size_t count, int point, char *out)
{
    size_t n = 0;
    if (point <= 0) {
        memcpy(out, "0.0000", 6);
        n = 2 + (size_t)-point;
        memcpy(out + n, digits, count);
        return n + count;
    }
    size_t whole = (size_t)point;
    if (whole >= count) {
        memcpy(out, digits, count);
        memset(out + count, '0', whole - count);
        memcpy(out + whole, ".0", 2);
        return whole + 2;
    }
    memcpy(out, digits, whole);
    out[whole] = '.';
    memcpy(out + whole + 1, digits + whole, count - whole);
    return count + 1;
}

static size_t write_decimal(struct decimal decimal, char *out)
{
    char digits[20];
    size_t count = write_unsigned(decimal.digits, digits);
    int point = (int)count + decimal.exponent;
    if (point > -4 && point <= 16) {
        return write_positional(digits, count, point, out);
    }
    return write_scientific(digits, count, point - 1, out);
}

size_t number_write_double(double number, char *out)
{
    uint64_t bits = 0;
    memcpy(&bits, &number, sizeof(bits));
    size_t n = 0;
    if (bits >> 63 != 0) {
        out[n++] = '-';
    }
    uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    int biased = (int)(bits >> 52) & 0x7FF;
    if (biased == 0 && fraction == 0) {
        memcpy(out + n, "0.0", 3);
        return n + 3;
    }
    uint64_t significand = biased == 0 ? fraction : fraction | UINT64_C(1) << 52;
    int exponent = biased == 0 ? -1074 : biased - 1075;
    bool is_whole = exponent <= 0 && exponent > -53 && biased != 0 &&
                    (significand & ((UINT64_C(1) << -exponent) - 1)) == 0;
    if (is_whole) {
        struct decimal whole = {significand >> -exponent, 0};
        return n + write_decimal(without_trailing_zeros(whole), out + n);
    }
    struct decimal decimal = shortest_decimal(significand, exponent, fraction == 0 && biased > 1);
    return n + write_decimal(without_trailing_zeros(decimal), out + n);
}
