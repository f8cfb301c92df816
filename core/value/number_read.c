/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text to number. The digits are collected in an integer; for doubles three ways follow, each
 * exact or not taken:
 *
 *   1. significand and power of ten are doubles without error: one multiplication or division;
 *   2. the product with a 128-bit power of ten, whose error is known: taken when both ends of
 *      what it may be round to the same double;
 *   3. strtod_l() in the C locale, for the rest: ties, subnormals, more digits than fit.
 */
#include "core/value/number.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/value/power_table.h"
#include "core/value/value.h"

__extension__ typedef unsigned __int128 wide;

enum {
    MAX_DIGITS = 19,         /* that a uint64_t holds in any case */
    MAX_EXACT_POWER = 22,    /* 10^22 is the largest power that a double holds exactly */
    MAX_STRTOD_DIGITS = 800, /* no tie between doubles has more */
};

/* What was written: significand * 10^exponent, plus something below its last digit if cut. */
struct scan {
    const char *digits; /* the first digit */
    const char *end;    /* behind the last digit of the significand, a '.' may lie between */
    uint64_t significand;
    int64_t exponent;
    bool is_negative;
    bool is_whole; /* neither fraction nor exponent */
    bool is_cut;   /* digits beyond MAX_DIGITS, not all of them 0, were dropped */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Fills the significand anew from its digits when they are too many. */
static void scan_cut(struct scan *scan)
{
    scan->significand = 0;
    size_t taken = 0;
    bool is_fraction = false;
    int64_t behind_point = 0;
    for (const char *p = scan->digits; p < scan->end; p++) {
        if (*p == '.') {
            is_fraction = true;
            continue;
        }
        behind_point += is_fraction ? 1 : 0;
        if (taken == MAX_DIGITS) {
            scan->exponent++;
            scan->is_cut |= *p != '0';
            continue;
        }
        if (taken == 0 && *p == '0') {
            continue;
        }
        scan->significand = scan->significand * 10 + (uint64_t)(*p - '0');
        taken++;
    }
    scan->exponent -= behind_point;
}

/* The exponent behind 'e'; NULL when there is none. Far out it stays where it is. */
static const char *scan_exponent(const char *p, const char *end, int64_t *out_exponent)
{
    bool is_negative = false;
    if (p < end && (*p == '+' || *p == '-')) {
        is_negative = *p == '-';
        p++;
    }
    if (p == end || !is_digit(*p)) {
        return NULL;
    }
    int64_t exponent = 0;
    for (; p < end && is_digit(*p); p++) {
        if (exponent < INT64_MAX / 100) {
            exponent = exponent * 10 + (*p - '0');
        }
    }
    *out_exponent = is_negative ? -exponent : exponent;
    return p;
}

/* Digits from `p` into the significand, which may overflow. */
static const char *scan_digits(const char *p, const char *end, uint64_t *significand)
{
    uint64_t n = *significand;
    while (p < end && is_digit(*p)) {
        n = n * 10 + (uint64_t)(*p - '0');
        p++;
    }
    *significand = n;
    return p;
}

/* Where the text stops being a number; `*out_is_valid` tells whether it is one up to there. */
static const char *scan_number(struct str text, struct scan *scan, bool *out_is_valid)
{
    const char *p = text.p;
    const char *end = text.p + text.n;
    *out_is_valid = false;
    if (p < end && *p == '-') {
        scan->is_negative = true;
        p++;
    }
    scan->digits = p;
    if (p < end && *p == '0') {
        p++;
    } else {
        p = scan_digits(p, end, &scan->significand);
    }
    if (p == scan->digits) {
        return p;
    }
    size_t count = (size_t)(p - scan->digits);
    scan->is_whole = true;
    if (p < end && *p == '.') {
        const char *point = p++;
        p = scan_digits(p, end, &scan->significand);
        if (p == point + 1) {
            return p;
        }
        scan->is_whole = false;
        scan->exponent = -(int64_t)(p - point - 1);
        count += (size_t)(p - point - 1);
    }
    scan->end = p;
    int64_t written = 0;
    if (p < end && (*p == 'e' || *p == 'E')) {
        const char *mark = p;
        p = scan_exponent(p + 1, end, &written);
        if (p == NULL) {
            return mark + 1;
        }
        scan->is_whole = false;
    }
    if (count > MAX_DIGITS) {
        scan->exponent = 0;
        scan_cut(scan);
    }
    scan->exponent += written;
    *out_is_valid = true;
    return p;
}

static double with_sign(const struct scan *scan, double magnitude)
{
    return scan->is_negative ? -magnitude : magnitude;
}

/* Both factors are exact doubles, so that the one rounding is the right one. */
static bool read_exact(const struct scan *scan, double *out_number)
{
    static const double powers[MAX_EXACT_POWER + 1] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (FLT_EVAL_METHOD != 0 || scan->is_cut || scan->significand > UINT64_C(1) << 53 ||
        scan->exponent < -MAX_EXACT_POWER || scan->exponent > MAX_EXACT_POWER) {
        return false;
    }
    double number = (double)scan->significand;
    if (scan->exponent < 0) {
        *out_number = number / powers[-scan->exponent];
    } else {
        *out_number = number * powers[scan->exponent];
    }
    return true;
}

/*
 * The 53-bit significand that (high, middle, ...) rounds to; high has its top bit at `top` (63 or
 * 62). False when what was cut off below may decide it: only a clear case is rounded.
 */
static bool round_clearly(uint64_t high, uint64_t middle, int top, uint64_t *out_significand)
{
    int cut = top - 52;
    uint64_t half = UINT64_C(1) << (cut - 1);
    uint64_t rest = high & (2 * half - 1);
    bool is_near_half = (rest == half && middle < 2) ||
                        (rest == half - 1 && middle > UINT64_MAX - 2);
    if (is_near_half) {
        return false;
    }
    *out_significand = (high >> cut) + (rest >= half ? 1 : 0);
    return true;
}

/*
 * The table's power is at most one unit (of its last bit) too large, and the significand, of up
 * to 64 bits, is exact: the upper 128 bits of the product are at most two units too large. What
 * round_clearly() calls clear stays so.
 */
static bool read_by_table(const struct scan *scan, uint64_t significand, double *out_number)
{
    if (scan->exponent < POWER_LEAST || scan->exponent > POWER_MOST) {
        return false;
    }
    int exponent = (int)scan->exponent;
    int zeros = __builtin_clzll(significand);
    struct power power = power_of_ten(exponent);
    uint64_t n = significand << zeros;
    wide low = (wide)power.low * n;
    wide product = (wide)power.high * n + (uint64_t)(low >> 64);
    uint64_t high = (uint64_t)(product >> 64);
    int top = high >> 63 != 0 ? 63 : 62;
    uint64_t rounded = 0;
    if (!round_clearly(high, (uint64_t)product, top, &rounded)) {
        return false;
    }
    /* The product lies in units of 2^(64 + 64) * 2^(log2 of the power - 127) / 2^zeros. */
    int binary = power_log2(exponent) - 127 + 128 - zeros + top - 52;
    if (rounded == UINT64_C(1) << 53) {
        rounded >>= 1;
        binary++;
    }
    int biased = binary + 1075;
    if (biased < 1 || biased > 2046) {
        return false;
    }
    uint64_t bits = (rounded & ((UINT64_C(1) << 52) - 1)) | (uint64_t)biased << 52;
    memcpy(out_number, &bits, sizeof(bits));
    return true;
}

/* Digits that were dropped put the number between two significands: both must agree. */
static bool read_cut_by_table(const struct scan *scan, double *out_number)
{
    double lower = 0.0;
    double upper = 0.0;
    if (!read_by_table(scan, scan->significand, &lower) ||
        !read_by_table(scan, scan->significand + 1, &upper) ||
        memcmp(&lower, &upper, sizeof(lower)) != 0) {
        return false;
    }
    *out_number = lower;
    return true;
}

/* Writes the significand without its point, at most MAX_STRTOD_DIGITS + 1 digits. */
static char *copy_digits(const struct scan *scan, char *out, int64_t *out_exponent)
{
    size_t taken = 0;
    bool is_fraction = false;
    bool has_more = false;
    for (const char *p = scan->digits; p < scan->end; p++) {
        if (*p == '.') {
            is_fraction = true;
            continue;
        }
        *out_exponent -= is_fraction ? 1 : 0;
        if (taken == 0 && *p == '0') {
            continue;
        }
        if (taken == MAX_STRTOD_DIGITS) {
            *out_exponent += 1;
            has_more |= *p != '0';
            continue;
        }
        out[taken++] = *p;
    }
    out[taken] = has_more ? '1' : '0'; /* one digit that says on which side of a tie it lies */
    *out_exponent -= 1;
    return out + taken + 1;
}

/* The exponent as it was written, 0 without one. */
static int64_t written_exponent(const struct scan *scan, const char *end)
{
    int64_t exponent = 0;
    if (scan->end < end) {
        (void)scan_exponent(scan->end + 1, end, &exponent); /* has been scanned before */
    }
    return exponent;
}

static int read_by_library(const struct scan *scan, const char *end, double *out_number)
{
    enum { FAR_OUT = 100000 };
    char text[MAX_STRTOD_DIGITS + 32];
    int64_t exponent = written_exponent(scan, end);
    char *p = copy_digits(scan, text, &exponent);
    exponent = exponent > FAR_OUT ? FAR_OUT : exponent < -FAR_OUT ? -FAR_OUT : exponent;
    *p++ = 'e';
    p += number_write_int(exponent, p);
    *p = '\0';
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c_locale == (locale_t)0) {
        return E_NOMEM;
    }
    *out_number = strtod_l(text, NULL, c_locale);
    freelocale(c_locale);
    return isinf(*out_number) ? E_LIMIT : 0;
}

static int read_double(const struct scan *scan, const char *end, double *out_number)
{
    if (scan->significand == 0) {
        *out_number = 0.0; /* also when digits were cut: leading zeros are not counted */
        return 0;
    }
    if (read_exact(scan, out_number)) {
        return 0;
    }
    bool is_read = scan->is_cut ? read_cut_by_table(scan, out_number)
                                : read_by_table(scan, scan->significand, out_number);
    return is_read ? 0 : read_by_library(scan, end, out_number);
}

/* A whole number as int64_t; false when it is too large or -0. */
static bool take_integer(const struct scan *scan, struct value *out_value)
{
    uint64_t most = (uint64_t)INT64_MAX + (scan->is_negative ? 1 : 0);
    if (!scan->is_whole || scan->exponent != 0 || scan->significand > most ||
        (scan->is_negative && scan->significand == 0)) {
        return false;
    }
    int64_t integer = (int64_t)(scan->is_negative ? -scan->significand : scan->significand);
    *out_value = (struct value){.type = VALUE_INT, .as.integer = integer};
    return true;
}

int number_read(struct str text, struct value *out_value, size_t *out_used)
{
    struct scan scan = {0};
    bool is_valid = false;
    const char *end = scan_number(text, &scan, &is_valid);
    *out_used = (size_t)(end - text.p);
    if (!is_valid) {
        return E_INVALID;
    }
    if (take_integer(&scan, out_value)) {
        return 0;
    }
    double magnitude = 0.0;
    int status = read_double(&scan, end, &magnitude);
    if (status != 0) {
        return status;
    }
    *out_value = (struct value){.type = VALUE_DOUBLE, .as.number = with_sign(&scan, magnitude)};
    return 0;
}
