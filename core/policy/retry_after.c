/* SPDX-License-Identifier: Apache-2.0 */
#include "core/policy/retry_after.h"

#include <stdbool.h>
#include <stddef.h>

#include "core/base/clock.h"
#include "core/policy/retry.h"

enum {
    SECOND_MS = 1000,
    NAME_BYTES = 3,   /* of a month, and of a weekday cut short */
    YEARS_AHEAD = 50, /* a year of two digits is no further off than that */
    LEAP_SECOND = 60,
};

/* 9999-12-31T23:59:59Z: no year of four digits is later. */
#define LAST_DATE_MS INT64_C(253402300799000)

/*
 * The three forms, the one that is sent today first. w and W: a weekday, short and long; d and e:
 * a day, e with a space for the first digit; m: a month; Y and y: a year of four and of two
 * digits; t: the time of day; all else stands for itself.
 */
static const char *const forms[] = {
    "w, d m Y t GMT", /* Sun, 06 Nov 1994 08:49:37 GMT */
    "W, d-m-y t GMT", /* Sunday, 06-Nov-94 08:49:37 GMT */
    "w m e t Y",      /* Sun Nov  6 08:49:37 1994 */
};

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const weekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};

struct date_reader {
    struct str rest;
    int64_t this_year;
    int64_t year;
    int month;
    int day;
    int second_of_day;
};

static bool read_text(struct str *rest, struct str text)
{
    if (!str_starts_with(*rest, text)) {
        return false;
    }
    *rest = str_make(rest->p + text.n, rest->n - text.n);
    return true;
}

/* Exactly `digits` of them. */
static bool read_digits(struct str *rest, size_t digits, int *out_number)
{
    int number = 0;
    for (size_t i = 0; i < digits; i++) {
        if (i >= rest->n || rest->p[i] < '0' || rest->p[i] > '9') {
            return false;
        }
        number = number * 10 + (rest->p[i] - '0');
    }
    *rest = str_make(rest->p + digits, rest->n - digits);
    *out_number = number;
    return true;
}

static bool read_weekday(struct str *rest, bool is_long)
{
    for (size_t i = 0; i < sizeof weekdays / sizeof weekdays[0]; i++) {
        struct str name = str_from(weekdays[i]);
        name.n = is_long ? name.n : NAME_BYTES;
        if (read_text(rest, name)) {
            return true;
        }
    }
    return false;
}

static bool read_month(struct date_reader *date)
{
    for (int i = 0; i < 12; i++) {
        if (read_text(&date->rest, str_make(months[i], NAME_BYTES))) {
            date->month = i + 1;
            return true;
        }
    }
    return false;
}

static bool read_day(struct date_reader *date, bool is_padded)
{
    bool is_short = is_padded && read_text(&date->rest, STR(" "));
    return read_digits(&date->rest, is_short ? 1 : 2, &date->day);
}

/* A year of two digits is the latest one that is not too far ahead. */
static bool read_year(struct date_reader *date, size_t digits)
{
    int number = 0;
    if (!read_digits(&date->rest, digits, &number)) {
        return false;
    }
    date->year = number;
    if (digits == 2) {
        int64_t latest = date->this_year + YEARS_AHEAD;
        date->year += latest - latest % 100;
        date->year -= date->year > latest ? 100 : 0;
    }
    return true;
}

static bool read_time(struct date_reader *date)
{
    int hour = 0;
    int minute = 0;
    int second = 0;
    bool is_read = read_digits(&date->rest, 2, &hour) && read_text(&date->rest, STR(":")) &&
                   read_digits(&date->rest, 2, &minute) && read_text(&date->rest, STR(":")) &&
                   read_digits(&date->rest, 2, &second);
    date->second_of_day = (hour * 60 + minute) * 60 + second;
    return is_read && hour < 24 && minute < 60 && second <= LEAP_SECOND;
}

static bool read_part(struct date_reader *date, const char *part)
{
    switch (*part) {
    case 'w':
        return read_weekday(&date->rest, false);
    case 'W':
        return read_weekday(&date->rest, true);
    case 'd':
        return read_day(date, false);
    case 'e':
        return read_day(date, true);
    case 'm':
        return read_month(date);
    case 'Y':
        return read_year(date, 4);
    case 'y':
        return read_year(date, 2);
    case 't':
        return read_time(date);
    default:
        return read_text(&date->rest, str_make(part, 1));
    }
}

static bool read_form(struct date_reader *date, const char *form)
{
    for (const char *part = form; *part != '\0'; part++) {
        if (!read_part(date, part)) {
            return false;
        }
    }
    return date->rest.n == 0 && date->day >= 1 &&
           date->day <= clock_days_in_month(date->year, date->month);
}

/* Unix ms of a date, or 0. */
static int64_t read_date(struct str text, int64_t now)
{
    int64_t this_year = clock_civil_from_unix(now / SECOND_MS).year;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct date_reader date = {.rest = text, .this_year = this_year};
        if (read_form(&date, forms[i])) {
            int64_t days = clock_days_from_date(date.year, date.month, date.day);
            return (days * 24 * 60 * 60 + date.second_of_day) * SECOND_MS;
        }
    }
    return 0;
}

/* Up to the limit: what is more needs no number. */
static bool read_seconds(struct str text, int64_t *out_ms)
{
    int64_t ms = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return false;
        }
        ms = ms * 10 + (text.p[i] - '0') * SECOND_MS;
        ms = ms < RETRY_AFTER_MAX_MS ? ms : RETRY_AFTER_MAX_MS;
    }
    *out_ms = ms;
    return text.n > 0;
}

int64_t retry_after_read(struct str text, int64_t now)
{
    struct str trimmed = str_trim(text);
    int64_t wait = 0;
    if (read_seconds(trimmed, &wait)) {
        return wait;
    }
    if (now < 0 || now > LAST_DATE_MS) {
        return 0;
    }
    int64_t date = read_date(trimmed, now);
    if (date <= now) {
        return 0;
    }
    return date - now < RETRY_AFTER_MAX_MS ? date - now : RETRY_AFTER_MAX_MS;
}
