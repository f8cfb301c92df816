/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/quantity.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "core/base/error.h"

struct unit {
    struct str name;
    int64_t factor;
};

#define UNIT(name, factor)                                                                         \
    {                                                                                              \
        {(name), sizeof(name) - 1}, (factor)                                                       \
    }

/* In nanoseconds, largest first. */
static const struct unit duration_units[] = {
    UNIT("d", INT64_C(86400000000000)),
    UNIT("h", INT64_C(3600000000000)),
    UNIT("m", INT64_C(60000000000)),
    UNIT("s", INT64_C(1000000000)),
    UNIT("ms", INT64_C(1000000)),
    UNIT("us", INT64_C(1000)),
    UNIT("ns", INT64_C(1)),
};

static const struct unit size_units[] = {
    UNIT("", 1),
    UNIT("B", 1),
    UNIT("kB", INT64_C(1000)),
    UNIT("KB", INT64_C(1000)),
    UNIT("MB", INT64_C(1000000)),
    UNIT("GB", INT64_C(1000000000)),
    UNIT("TB", INT64_C(1000000000000)),
    UNIT("KiB", INT64_C(1) << 10),
    UNIT("MiB", INT64_C(1) << 20),
    UNIT("GiB", INT64_C(1) << 30),
    UNIT("TiB", INT64_C(1) << 40),
};

/* In milliseconds. */
static const struct unit rate_units[] = {
    UNIT("second", INT64_C(1000)),
    UNIT("minute", INT64_C(60000)),
    UNIT("hour", INT64_C(3600000)),
    UNIT("day", INT64_C(86400000)),
};

enum { DURATION_UNITS = sizeof(duration_units) / sizeof(duration_units[0]) };
enum { SIZE_UNITS = sizeof(size_units) / sizeof(size_units[0]) };
enum { RATE_UNITS = sizeof(rate_units) / sizeof(rate_units[0]) };

#define DURATION_ALLOWED                                                                           \
    "write whole numbers with units, such as '250ms', '30s', '5m', '1h30m', '7d'"
#define SIZE_ALLOWED "write whole bytes, or a unit as in '64KiB', '10MB', '2GiB'"
#define RATE_ALLOWED "write 'N/second', 'N/minute', 'N/hour' or 'N/day', N at least 1"

enum taken {
    TAKEN,
    TAKEN_NOTHING,
    TAKEN_TOO_LARGE,
};

/* Takes the digits off the front of `text`. */
static enum taken take_number(struct str *text, int64_t *out)
{
    int64_t value = 0;
    size_t i = 0;
    for (; i < text->n && text->p[i] >= '0' && text->p[i] <= '9'; i++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, text->p[i] - '0', &value)) {
            return TAKEN_TOO_LARGE;
        }
    }
    *text = str_make(text->p + i, text->n - i);
    *out = value;
    return i > 0 ? TAKEN : TAKEN_NOTHING;
}

/* Takes the letters off the front of `text`; the unit's index or -1. */
static int take_unit(struct str *text, const struct unit *units, int count)
{
    size_t n = 0;
    while (n < text->n && (text->p[n] < '0' || text->p[n] > '9')) {
        n++;
    }
    struct str name = str_make(text->p, n);
    for (int i = 0; i < count; i++) {
        if (str_equal(units[i].name, name)) {
            *text = str_make(text->p + n, text->n - n);
            return i;
        }
    }
    return -1;
}

static int refuse(struct str text, const char *what, const char *allowed, struct error *err)
{
    return error_set(err, E_INVALID, "'%.*s' is no %s: %s", STR_ARG(text), what, allowed);
}

static int refuse_large(struct str text, const char *what, struct error *err)
{
    return error_set(err, E_LIMIT, "the %s '%.*s' is too large", what, STR_ARG(text));
}

/*
 * Sums in 128 bits: a duration may have more nanoseconds than 63 bits hold, and each part is below
 * 2^63 * 2^47, so that the few parts cannot overflow.
 */
int quantity_parse_duration(struct str text, int64_t *out_ms, struct error *err)
{
    __extension__ typedef __int128 wide;
    wide nanos = 0;
    int smallest = -1;
    struct str rest = text;
    do {
        int64_t number = 0;
        enum taken taken = take_number(&rest, &number);
        if (taken == TAKEN_TOO_LARGE) {
            return refuse_large(text, "duration", err);
        }
        int unit = taken == TAKEN ? take_unit(&rest, duration_units, DURATION_UNITS) : -1;
        if (unit <= smallest) {
            return refuse(text, "duration", DURATION_ALLOWED, err);
        }
        smallest = unit;
        nanos += (wide)number * duration_units[unit].factor;
    } while (rest.n > 0);
    wide ms = (nanos + 999999) / 1000000;
    if (ms > INT64_MAX) {
        return refuse_large(text, "duration", err);
    }
    *out_ms = (int64_t)ms;
    return 0;
}

int quantity_parse_size(struct str text, int64_t *out_bytes, struct error *err)
{
    int64_t number = 0;
    struct str rest = text;
    enum taken taken = take_number(&rest, &number);
    if (taken == TAKEN_TOO_LARGE) {
        return refuse_large(text, "size", err);
    }
    int unit = taken == TAKEN ? take_unit(&rest, size_units, SIZE_UNITS) : -1;
    if (unit < 0 || rest.n > 0) {
        return refuse(text, "size", SIZE_ALLOWED, err);
    }
    int64_t bytes = 0;
    if (__builtin_mul_overflow(number, size_units[unit].factor, &bytes)) {
        return refuse_large(text, "size", err);
    }
    *out_bytes = bytes;
    return 0;
}

int quantity_parse_rate(struct str text, struct quantity_rate *out_rate, struct error *err)
{
    int64_t number = 0;
    struct str rest = text;
    enum taken taken = take_number(&rest, &number);
    if (taken == TAKEN_TOO_LARGE) {
        return refuse_large(text, "rate", err);
    }
    if (taken != TAKEN || number < 1 || rest.n == 0 || rest.p[0] != '/') {
        return refuse(text, "rate", RATE_ALLOWED, err);
    }
    rest = str_make(rest.p + 1, rest.n - 1);
    int unit = take_unit(&rest, rate_units, RATE_UNITS);
    if (unit < 0 || rest.n > 0) {
        return refuse(text, "rate", RATE_ALLOWED, err);
    }
    *out_rate = (struct quantity_rate){number, rate_units[unit].factor};
    return 0;
}

/* The absolute value; INT64_MIN has one here. */
static uint64_t magnitude(int64_t value)
{
    return value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
}

void quantity_format_duration(int64_t ms, char out[QUANTITY_TEXT_SIZE])
{
    const char *sign = ms < 0 ? "-" : "";
    uint64_t all = magnitude(ms);
    uint64_t seconds = all / 1000;
    if (all < 1000) {
        (void)snprintf(out, QUANTITY_TEXT_SIZE, "%s%" PRIu64 " ms", sign, all);
    } else if (all < 10000) {
        (void)snprintf(out, QUANTITY_TEXT_SIZE, "%s%" PRIu64 ".%02" PRIu64 " s", sign, seconds,
                       all % 1000 / 10);
    } else if (all < 60000) {
        (void)snprintf(out, QUANTITY_TEXT_SIZE, "%s%" PRIu64 ".%" PRIu64 " s", sign, seconds,
                       all % 1000 / 100);
    } else if (seconds < 3600) {
        (void)snprintf(out, QUANTITY_TEXT_SIZE, "%s%" PRIu64 " min %02" PRIu64 " s", sign,
                       seconds / 60, seconds % 60);
    } else if (seconds < 86400) {
        (void)snprintf(out, QUANTITY_TEXT_SIZE, "%s%" PRIu64 " h %02" PRIu64 " min", sign,
                       seconds / 3600, seconds / 60 % 60);
    } else {
        (void)snprintf(out, QUANTITY_TEXT_SIZE, "%s%" PRIu64 " d %02" PRIu64 " h", sign,
                       seconds / 86400, seconds / 3600 % 24);
    }
}

void quantity_format_size(int64_t bytes, char out[QUANTITY_TEXT_SIZE])
{
    static const char *const names[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    const char *sign = bytes < 0 ? "-" : "";
    uint64_t all = magnitude(bytes);
    if (all < 1024) {
        (void)snprintf(out, QUANTITY_TEXT_SIZE, "%s%" PRIu64 " B", sign, all);
        return;
    }
    size_t unit = 0;
    while (unit + 1 < sizeof(names) / sizeof(names[0]) && all >= UINT64_C(1) << (10 * (unit + 2))) {
        unit++;
    }
    uint64_t one = UINT64_C(1) << (10 * (unit + 1));
    uint64_t tenths = all % one / (one / 1024) * 10 / 1024;
    (void)snprintf(out, QUANTITY_TEXT_SIZE, "%s%" PRIu64 ".%" PRIu64 " %s", sign, all / one, tenths,
                   names[unit]);
}
