/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/instant.h"

#include <inttypes.h>

#include "core/base/clock.h"
#include "core/base/error.h"

enum { NANOS_PER_SECOND = 1000000000 };

static const int64_t timestamp_first = INT64_C(-62135596800); /* 0001-01-01T00:00:00Z */
static const int64_t timestamp_last = INT64_C(253402300799);  /* 9999-12-31T23:59:59Z */

/* Brings `nanos` into 0 to 999,999,999; false when the seconds overflow. */
static bool normalize(int64_t *seconds, int64_t *nanos)
{
    int64_t carry = *nanos / NANOS_PER_SECOND;
    int64_t rest = *nanos % NANOS_PER_SECOND;
    if (rest < 0) {
        rest += NANOS_PER_SECOND;
        carry--;
    }
    *nanos = rest;
    return !__builtin_add_overflow(*seconds, carry, seconds);
}

int instant_make_timestamp(int64_t seconds, int64_t nanos, struct cel *out)
{
    if (!normalize(&seconds, &nanos) || seconds < timestamp_first || seconds > timestamp_last) {
        return E_INVALID;
    }
    *out = (struct cel){.type = CEL_TIMESTAMP, .as.time = {seconds, (int32_t)nanos}};
    return 0;
}

/* Whether 64 bits hold the nanoseconds: some 292 years. */
static bool fits_nanos(int64_t seconds, int64_t nanos)
{
    int64_t all = 0;
    int64_t borrowed = seconds < 0 ? 1 : 0; /* so that the whole is nowhere beyond the sum */
    return !__builtin_mul_overflow(seconds + borrowed, NANOS_PER_SECOND, &all) &&
           !__builtin_add_overflow(all, nanos - borrowed * NANOS_PER_SECOND, &all);
}

int instant_make_duration(int64_t seconds, int64_t nanos, struct cel *out)
{
    if (!normalize(&seconds, &nanos) || !fits_nanos(seconds, nanos)) {
        return E_INVALID;
    }
    *out = (struct cel){.type = CEL_DURATION, .as.time = {seconds, (int32_t)nanos}};
    return 0;
}

int instant_read_timestamp(struct str text, struct cel *out)
{
    struct clock_time time;
    if (clock_parse_rfc3339(text, &time) != 0) {
        return E_INVALID;
    }
    return instant_make_timestamp(time.seconds, time.nanos, out);
}

static int64_t unit_nanos(struct str text, size_t *out_length)
{
    static const struct {
        const char *name;
        int64_t nanos;
    } units[] = {
        {"ns", 1},
        {"us", 1000},
        {"\xc2\xb5s", 1000}, /* micro sign */
        {"\xce\xbcs", 1000}, /* Greek mu */
        {"ms", 1000000},
        {"s", NANOS_PER_SECOND},
        {"m", INT64_C(60) * NANOS_PER_SECOND},
        {"h", INT64_C(3600) * NANOS_PER_SECOND},
    };
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        struct str name = str_from(units[i].name);
        if (str_starts_with(text, name)) {
            *out_length = name.n;
            return units[i].nanos;
        }
    }
    return 0;
}

/* One "1.5h" at the front of `*text`, which is moved behind it, added to the sum. */
static bool read_part(struct str *text, int64_t *seconds, int64_t *nanos)
{
    size_t at = 0;
    int64_t whole = 0;
    int64_t fraction = 0;
    int64_t scale = 1;
    size_t digits = 0;
    for (; at < text->n && text->p[at] >= '0' && text->p[at] <= '9'; at++, digits++) {
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, text->p[at] - '0', &whole)) {
            return false;
        }
    }
    if (at < text->n && text->p[at] == '.') {
        for (at++; at < text->n && text->p[at] >= '0' && text->p[at] <= '9'; at++, digits++) {
            if (scale < NANOS_PER_SECOND) {
                fraction = fraction * 10 + (text->p[at] - '0');
                scale *= 10;
            }
        }
    }
    size_t unit_length = 0;
    int64_t unit = unit_nanos(str_make(text->p + at, text->n - at), &unit_length);
    if (digits == 0 || unit == 0) {
        return false;
    }
    *text = str_make(text->p + at + unit_length, text->n - at - unit_length);
    if (unit >= NANOS_PER_SECOND) {
        int64_t part = 0;
        int64_t rest = fraction * (NANOS_PER_SECOND / scale) * (unit / NANOS_PER_SECOND);
        return !__builtin_mul_overflow(whole, unit / NANOS_PER_SECOND, &part) &&
               !__builtin_add_overflow(*seconds, part, seconds) &&
               !__builtin_add_overflow(*nanos, rest, nanos);
    }
    int64_t per_second = NANOS_PER_SECOND / unit;
    int64_t rest = (whole % per_second) * unit + fraction * unit / scale;
    return !__builtin_add_overflow(*seconds, whole / per_second, seconds) &&
           !__builtin_add_overflow(*nanos, rest, nanos);
}

int instant_read_duration(struct str text, struct cel *out)
{
    bool is_negative = text.n > 0 && text.p[0] == '-';
    if (text.n > 0 && (text.p[0] == '-' || text.p[0] == '+')) {
        text = str_make(text.p + 1, text.n - 1);
    }
    int64_t seconds = 0;
    int64_t nanos = 0;
    if (str_equal_text(text, "0")) {
        return instant_make_duration(0, 0, out);
    }
    if (text.n == 0) {
        return E_INVALID;
    }
    while (text.n > 0) {
        if (!read_part(&text, &seconds, &nanos)) {
            return E_INVALID;
        }
    }
    return instant_make_duration(is_negative ? -seconds : seconds, is_negative ? -nanos : nanos,
                                 out);
}

int instant_add(const struct cel *a, const struct cel *b, struct cel *out)
{
    if (a->type == CEL_TIMESTAMP && b->type == CEL_TIMESTAMP) {
        return 1;
    }
    int64_t seconds = a->as.time.seconds + b->as.time.seconds;
    int64_t nanos = (int64_t)a->as.time.nanos + b->as.time.nanos;
    if (a->type == CEL_DURATION && b->type == CEL_DURATION) {
        return instant_make_duration(seconds, nanos, out);
    }
    return instant_make_timestamp(seconds, nanos, out);
}

int instant_subtract(const struct cel *a, const struct cel *b, struct cel *out)
{
    if (a->type == CEL_DURATION && b->type == CEL_TIMESTAMP) {
        return 1;
    }
    int64_t seconds = a->as.time.seconds - b->as.time.seconds;
    int64_t nanos = (int64_t)a->as.time.nanos - b->as.time.nanos;
    if (a->type == b->type) {
        return instant_make_duration(seconds, nanos, out);
    }
    return instant_make_timestamp(seconds, nanos, out);
}

/* ".5", without zeros at the end; nothing for a whole second. */
static void write_fraction(int32_t nanos, struct strbuf *out)
{
    if (nanos == 0) {
        return;
    }
    int digits = 9;
    while (nanos % 10 == 0) {
        nanos /= 10;
        digits--;
    }
    strbuf_append_format(out, ".%0*" PRId32, digits, nanos);
}

static void write_timestamp(const struct cel *cel, struct strbuf *out)
{
    struct clock_civil civil = clock_civil_from_unix(cel->as.time.seconds);
    strbuf_append_format(out, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02d", civil.year, civil.month,
                         civil.day, civil.hour, civil.minute, civil.second);
    write_fraction(cel->as.time.nanos, out);
    strbuf_append_char(out, 'Z');
}

void instant_write(const struct cel *cel, struct strbuf *out)
{
    if (cel->type == CEL_TIMESTAMP) {
        write_timestamp(cel, out);
        return;
    }
    int64_t seconds = cel->as.time.seconds;
    int32_t nanos = cel->as.time.nanos;
    if (seconds < 0) {
        strbuf_append_char(out, '-');
        seconds = -seconds;
        if (nanos > 0) {
            seconds--;
            nanos = NANOS_PER_SECOND - nanos;
        }
    }
    strbuf_append_format(out, "%" PRId64, seconds);
    write_fraction(nanos, out);
    strbuf_append_char(out, 's');
}

static int two_digits(const char *p)
{
    bool is_number = p[0] >= '0' && p[0] <= '9' && p[1] >= '0' && p[1] <= '9';
    return is_number ? (p[0] - '0') * 10 + p[1] - '0' : -1;
}

int instant_zone_offset(struct str zone, int32_t *out_seconds)
{
    if (zone.n == 0 || str_equal_text(zone, "UTC") || str_equal_text(zone, "Z")) {
        *out_seconds = 0;
        return 0;
    }
    bool is_negative = zone.p[0] == '-';
    if (zone.p[0] == '-' || zone.p[0] == '+') {
        zone = str_make(zone.p + 1, zone.n - 1);
    }
    if (zone.n != 5 || zone.p[2] != ':') {
        return E_INVALID;
    }
    int hours = two_digits(zone.p);
    int minutes = two_digits(zone.p + 3);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) {
        return E_INVALID;
    }
    int32_t seconds = hours * 3600 + minutes * 60;
    *out_seconds = is_negative ? -seconds : seconds;
    return 0;
}
