/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "core/base/error.h"

enum { SECONDS_PER_DAY = 86400, DAYS_PER_ERA = 146097 };

static int64_t read_clock(clockid_t clock, int64_t units_per_second)
{
    struct timespec now = {0};
    (void)clock_gettime(clock, &now); /* cannot fail for these two clocks */
    return (int64_t)now.tv_sec * units_per_second +
           (int64_t)now.tv_nsec / (1000000000 / units_per_second);
}

/* Rounds to minus infinity, unlike '/'. */
static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

int64_t clock_monotonic_ns(void)
{
    return read_clock(CLOCK_MONOTONIC, 1000000000);
}

int64_t clock_unix_ms(void)
{
    return read_clock(CLOCK_REALTIME, 1000);
}

bool clock_is_leap_year(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int clock_days_in_month(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && clock_is_leap_year(year) ? 29 : days[month - 1];
}

/*
 * Years are counted from March here, so that the leap day is the last of its year, and in eras of
 * 400 years, which all have the same number of days. Day 719468 of this count is 1970-01-01.
 */
int64_t clock_days_from_date(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = floor_divide(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t month_from_march = (month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - 719468;
}

static void set_date(struct clock_civil *civil, int64_t days)
{
    int64_t z = days + 719468;
    int64_t era = floor_divide(z, DAYS_PER_ERA);
    int64_t day_of_era = z - era * DAYS_PER_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    civil->day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    civil->month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    civil->year = year_of_era + era * 400 + (civil->month <= 2 ? 1 : 0);
    civil->weekday = (int)(((days + 4) % 7 + 7) % 7);
}

struct clock_civil clock_civil_from_unix(int64_t unix_seconds)
{
    int64_t days = floor_divide(unix_seconds, SECONDS_PER_DAY);
    int rest = (int)(unix_seconds - days * SECONDS_PER_DAY);
    struct clock_civil civil = {.hour = rest / 3600, .minute = rest / 60 % 60, .second = rest % 60};
    set_date(&civil, days);
    return civil;
}

void clock_format_rfc3339(int64_t unix_ms, char out[CLOCK_TEXT_SIZE])
{
    int64_t seconds = floor_divide(unix_ms, 1000);
    struct clock_civil at = clock_civil_from_unix(seconds);
    (void)snprintf(out, CLOCK_TEXT_SIZE, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02d.%03dZ", at.year,
                   at.month, at.day, at.hour, at.minute, at.second,
                   (int)((unix_ms % 1000 + 1000) % 1000)); /* 32 characters at most */
}

/* Takes `count` digits off the front of `text`; false when they are not there. */
static bool take_digits(struct str *text, size_t count, int *out)
{
    int value = 0;
    if (text->n < count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        char c = text->p[i];
        if (c < '0' || c > '9') {
            return false;
        }
        value = value * 10 + (c - '0');
    }
    *out = value;
    *text = str_make(text->p + count, text->n - count);
    return true;
}

static bool take_char(struct str *text, char upper, char lower)
{
    if (text->n == 0 || (text->p[0] != upper && text->p[0] != lower)) {
        return false;
    }
    *text = str_make(text->p + 1, text->n - 1);
    return true;
}

static bool take_date(struct str *text, int64_t *out_days)
{
    int year = 0;
    int month = 0;
    int day = 0;
    bool is_there = take_digits(text, 4, &year) && take_char(text, '-', '-') &&
                    take_digits(text, 2, &month) && take_char(text, '-', '-') &&
                    take_digits(text, 2, &day);
    if (!is_there || month < 1 || month > 12 || day < 1 || day > clock_days_in_month(year, month)) {
        return false;
    }
    *out_days = clock_days_from_date(year, month, day);
    return true;
}

static bool take_time_of_day(struct str *text, int *out_seconds, bool *out_is_leap)
{
    int hour = 0;
    int minute = 0;
    int second = 0;
    bool is_there = take_digits(text, 2, &hour) && take_char(text, ':', ':') &&
                    take_digits(text, 2, &minute) && take_char(text, ':', ':') &&
                    take_digits(text, 2, &second);
    if (!is_there || hour > 23 || minute > 59 || second > 60) {
        return false;
    }
    *out_is_leap = second == 60;
    *out_seconds = hour * 3600 + minute * 60 + second;
    return true;
}

static bool take_fraction(struct str *text, int32_t *out_nanos)
{
    int32_t nanos = 0;
    int32_t unit = 100000000;
    if (!take_char(text, '.', '.')) {
        *out_nanos = 0;
        return true;
    }
    int digit = 0;
    bool has_digit = false;
    while (take_digits(text, 1, &digit)) {
        has_digit = true;
        nanos += digit * unit;
        unit /= 10;
    }
    *out_nanos = nanos;
    return has_digit;
}

static bool take_offset(struct str *text, int *out_seconds)
{
    if (take_char(text, 'Z', 'z')) {
        *out_seconds = 0;
        return true;
    }
    int hour = 0;
    int minute = 0;
    int sign = text->n > 0 && text->p[0] == '-' ? -1 : 1;
    bool is_there = take_char(text, '+', '-') && take_digits(text, 2, &hour) &&
                    take_char(text, ':', ':') && take_digits(text, 2, &minute);
    if (!is_there || hour > 23 || minute > 59) {
        return false;
    }
    *out_seconds = sign * (hour * 3600 + minute * 60);
    return true;
}

int clock_parse_rfc3339(struct str text, struct clock_time *out_time)
{
    int64_t days = 0;
    int second_of_day = 0;
    bool is_leap = false;
    int32_t nanos = 0;
    int offset = 0;
    bool is_valid = take_date(&text, &days) && take_char(&text, 'T', 't') &&
                    take_time_of_day(&text, &second_of_day, &is_leap) &&
                    take_fraction(&text, &nanos) && take_offset(&text, &offset) && text.n == 0;
    if (!is_valid) {
        return E_INVALID;
    }
    int64_t seconds = days * SECONDS_PER_DAY + second_of_day - offset;
    if (is_leap && floor_divide(seconds, SECONDS_PER_DAY) * SECONDS_PER_DAY != seconds) {
        return E_INVALID;
    }
    *out_time = (struct clock_time){seconds, nanos};
    return 0;
}
