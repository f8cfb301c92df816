/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_CLOCK_H
#define CORE_BASE_CLOCK_H

/*
 * Clock: the two clocks of the system, and dates as text.
 *
 * Used by:  clocks: host, net, loop, cli (the rest of core is given the time); dates: all.
 * Uses:     error codes, str.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

/* Nanoseconds since some fixed moment; never goes back. */
int64_t clock_monotonic_ns(void);

/* Milliseconds since 1970-01-01T00:00:00Z. */
int64_t clock_unix_ms(void);

/* A moment; `nanos` is 0 to 999,999,999, also before 1970. */
struct clock_time {
    int64_t seconds; /* since 1970-01-01T00:00:00Z */
    int32_t nanos;
};

/* A date and time of day of the proleptic Gregorian calendar, in UTC. */
struct clock_civil {
    int64_t year;
    int month; /* 1 to 12 */
    int day;   /* 1 to 31 */
    int hour;
    int minute;
    int second;
    int weekday; /* 0 is Sunday */
};

bool clock_is_leap_year(int64_t year);

/* 28 to 31; `month` is 1 to 12. */
int clock_days_in_month(int64_t year, int month);

/* Days since 1970-01-01 of a valid date; |year| below 10^12. */
int64_t clock_days_from_date(int64_t year, int month, int day);

/* Seconds since 1970 as date and time. */
struct clock_civil clock_civil_from_unix(int64_t unix_seconds);

enum { CLOCK_TEXT_SIZE = 40 };

/* "2025-01-31T14:22:33.123Z". Years beyond 9999 or below 0 get as many digits as they need. */
void clock_format_rfc3339(int64_t unix_ms, char out[CLOCK_TEXT_SIZE]);

/*
 * Reads an RFC 3339 date-time: years 0000 to 9999, any offset, any number of fraction digits (those
 * after the ninth are dropped), a leap second only at 23:59:60 UTC, read as the second after it.
 * Returns 0 or E_INVALID.
 */
int clock_parse_rfc3339(struct str text, struct clock_time *out_time);

#endif
