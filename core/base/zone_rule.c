/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/zone_rule.h"

#include "core/base/clock.h"
#include "core/base/error.h"

enum { DAY_SECONDS = 86400, HOUR_SECONDS = 3600, MAX_HOURS = 167, DEFAULT_CHANGE = 7200 };

static bool take(struct str *text, char c)
{
    if (text->n == 0 || text->p[0] != c) {
        return false;
    }
    *text = str_make(text->p + 1, text->n - 1);
    return true;
}

/* A number of at most three digits. */
static bool take_number(struct str *text, int least, int most, int *out)
{
    int value = 0;
    size_t digits = 0;
    for (; digits < text->n && digits < 3; digits++) {
        char c = text->p[digits];
        if (c < '0' || c > '9') {
            break;
        }
        value = value * 10 + (c - '0');
    }
    *text = str_make(text->p + digits, text->n - digits);
    *out = value;
    return digits > 0 && value >= least && value <= most;
}

/* "CET" or "<+0330>". */
static bool take_name(struct str *text)
{
    size_t n = 0;
    if (take(text, '<')) {
        while (n < text->n && text->p[n] != '>') {
            n++;
        }
        *text = str_make(text->p + n, text->n - n);
        return n > 0 && take(text, '>');
    }
    while (n < text->n &&
           ((text->p[n] >= 'A' && text->p[n] <= 'Z') || (text->p[n] >= 'a' && text->p[n] <= 'z'))) {
        n++;
    }
    *text = str_make(text->p + n, text->n - n);
    return n >= 3;
}

/* "[+-]hh[:mm[:ss]]" in seconds. */
static bool take_time(struct str *text, int32_t *out)
{
    bool is_negative = take(text, '-');
    int hours = 0;
    int minutes = 0;
    int seconds = 0;
    if (!is_negative) {
        (void)take(text, '+'); /* it may be there */
    }
    if (!take_number(text, 0, MAX_HOURS, &hours)) {
        return false;
    }
    if (take(text, ':')) {
        if (!take_number(text, 0, 59, &minutes) ||
            (take(text, ':') && !take_number(text, 0, 59, &seconds))) {
            return false;
        }
    }
    int32_t all = hours * HOUR_SECONDS + minutes * 60 + seconds;
    *out = is_negative ? -all : all;
    return true;
}

static bool take_change(struct str *text, struct zone_change *out)
{
    bool is_good = false;
    *out = (struct zone_change){.seconds = DEFAULT_CHANGE};
    if (take(text, 'M')) {
        out->kind = ZONE_DAY_OF_WEEK;
        is_good = take_number(text, 1, 12, &out->month) && take(text, '.') &&
                  take_number(text, 1, 5, &out->week) && take(text, '.') &&
                  take_number(text, 0, 6, &out->day);
    } else if (take(text, 'J')) {
        out->kind = ZONE_DAY_JULIAN;
        is_good = take_number(text, 1, 365, &out->day);
    } else {
        out->kind = ZONE_DAY_OF_YEAR;
        is_good = take_number(text, 0, 365, &out->day);
    }
    return is_good && (!take(text, '/') || take_time(text, &out->seconds));
}

int zone_rule_parse(struct str text, struct zone_rule *out)
{
    struct zone_rule rule = {0};
    int32_t west = 0;
    if (!take_name(&text) || !take_time(&text, &west)) {
        return E_INVALID;
    }
    rule.standard_seconds = -west;
    if (text.n == 0) {
        *out = rule;
        return 0;
    }
    rule.has_summer = true;
    rule.summer_seconds = rule.standard_seconds + HOUR_SECONDS;
    if (!take_name(&text)) {
        return E_INVALID;
    }
    if (text.n > 0 && text.p[0] != ',') {
        if (!take_time(&text, &west)) {
            return E_INVALID;
        }
        rule.summer_seconds = -west;
    }
    bool is_good = take(&text, ',') && take_change(&text, &rule.start) && take(&text, ',') &&
                   take_change(&text, &rule.end) && text.n == 0;
    if (!is_good) {
        return E_INVALID;
    }
    *out = rule;
    return 0;
}

/* The day of a change, in days since 1970. */
static int64_t change_day(const struct zone_change *change, int64_t year)
{
    int64_t first = clock_days_from_date(year, 1, 1);
    if (change->kind == ZONE_DAY_OF_YEAR) {
        return first + change->day;
    }
    if (change->kind == ZONE_DAY_JULIAN) {
        bool is_after = clock_is_leap_year(year) && change->day >= 60; /* March 1 or later */
        return first + change->day - 1 + (is_after ? 1 : 0);
    }
    int64_t month = clock_days_from_date(year, change->month, 1);
    int weekday = (int)(((month + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    int day = (change->day - weekday + 7) % 7 + (change->week - 1) * 7;
    while (day >= clock_days_in_month(year, change->month)) {
        day -= 7;
    }
    return month + day;
}

int32_t zone_rule_offset(const struct zone_rule *rule, int64_t unix_seconds)
{
    if (!rule->has_summer) {
        return rule->standard_seconds;
    }
    int64_t year = clock_civil_from_unix(unix_seconds + rule->standard_seconds).year;
    int64_t start = change_day(&rule->start, year) * DAY_SECONDS + rule->start.seconds -
                    rule->standard_seconds;
    int64_t end = change_day(&rule->end, year) * DAY_SECONDS + rule->end.seconds -
                  rule->summer_seconds;
    /* South of the equator summer begins in one year and ends in the next. */
    bool is_summer = start < end ? unix_seconds >= start && unix_seconds < end
                                 : unix_seconds >= start || unix_seconds < end;
    return is_summer ? rule->summer_seconds : rule->standard_seconds;
}
