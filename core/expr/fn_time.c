/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/function.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/base/zone.h"
#include "core/expr/eval.h"
#include "core/expr/instant.h"
#include "core/expr/kind.h"
#include "core/expr/program.h"

enum { SHOWN_TEXT_BYTES = 40 };

/* The start of a text, for a message. */
static struct str shown(struct str text)
{
    size_t n = text.n > SHOWN_TEXT_BYTES ? utf8_whole_prefix(text.p, SHOWN_TEXT_BYTES) : text.n;
    return str_make(text.p, n);
}

/* A number of seconds that is too large is most often one of smaller units. */
static int fail_seconds(struct evaluation *ev, int64_t seconds)
{
    static const struct {
        int64_t parts; /* of a second */
        const char *name;
    } units[] = {{1000, "milli"}, {1000000, "micro"}, {1000000000, "nano"}};
    const char *name = NULL;
    int64_t parts = 0;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && name == NULL; i++) {
        struct cel unused;
        parts = units[i].parts;
        name = instant_make_timestamp(seconds / parts, 0, &unused) == 0 ? units[i].name : NULL;
    }
    char cure[64] = "";
    if (name != NULL) {
        (void)snprintf(cure, sizeof(cure), ": these look like %sseconds: divide by %" PRId64, name,
                       parts); /* fits */
    }
    return eval_fail(ev, E_INVALID,
                     "timestamp() takes seconds since 1970 of the years 1 to 9999, not %" PRId64
                     "%s",
                     seconds, cure);
}

/* What a date, a time without a zone or one with a blank before it is in RFC 3339; else empty. */
static void complete_timestamp(struct str text, char out[SHOWN_TEXT_BYTES])
{
    static const char *const ends[] = {"", "Z", "T00:00:00Z"};
    struct cel unused;
    out[0] = '\0';
    if (text.n + sizeof("T00:00:00Z") > SHOWN_TEXT_BYTES) {
        return;
    }
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        (void)snprintf(out, SHOWN_TEXT_BYTES, "%.*s%s", STR_ARG(text), ends[i]); /* fits */
        if (strlen(out) > 10 && out[10] == ' ') {
            out[10] = 'T';
        }
        if (instant_read_timestamp(str_from(out), &unused) == 0) {
            return;
        }
    }
    out[0] = '\0';
}

static int fail_timestamp(struct evaluation *ev, struct str text)
{
    char complete[SHOWN_TEXT_BYTES];
    struct str start = shown(text);
    complete_timestamp(text, complete);
    if (complete[0] != '\0') {
        return eval_fail(ev, E_INVALID, "timestamp() takes RFC 3339 text: write '%s', not '%.*s'",
                         complete, STR_ARG(start));
    }
    return eval_fail(ev, E_INVALID,
                     "timestamp() takes RFC 3339 text of the years 1 to 9999, such as "
                     "'2025-01-31T14:22:33Z', not '%.*s'",
                     STR_ARG(start));
}

static int call_timestamp(struct evaluation *ev, const struct cel *args, size_t count,
                          struct cel *out)
{
    if (args->type == CEL_TIMESTAMP) {
        *out = *args;
        return 0;
    }
    if (args->type == CEL_INT) {
        int made = instant_make_timestamp(args->as.integer, 0, out);
        return made == 0 ? 0 : fail_seconds(ev, args->as.integer);
    }
    if (args->type != CEL_STRING) {
        return eval_bad_call(ev, args, count);
    }
    int status = eval_charge_text(ev, args->as.text.n, EVAL_SCAN);
    if (status != 0) {
        return status;
    }
    return instant_read_timestamp(args->as.text, out) == 0 ? 0 : fail_timestamp(ev, args->as.text);
}

/* "1d" and "2w" are durations elsewhere; here a day is one of the calendar. */
static int fail_duration(struct evaluation *ev, struct str text)
{
    char unit = text.n > 1 ? text.p[text.n - 1] : '\0';
    bool is_unit = (unit == 'd' || unit == 'w') && text.p[text.n - 2] >= '0' &&
                   text.p[text.n - 2] <= '9';
    struct str start = shown(text);
    return eval_fail(ev, E_INVALID,
                     "duration() takes text such as '1h30m', '2.5s' or '250ms', not '%.*s'%s",
                     STR_ARG(start), is_unit ? ": a day is written '24h'" : "");
}

static int call_duration(struct evaluation *ev, const struct cel *args, size_t count,
                         struct cel *out)
{
    if (args->type == CEL_DURATION) {
        *out = *args;
        return 0;
    }
    if (args->type == CEL_INT) {
        int made = instant_make_duration(args->as.integer, 0, out);
        return made == 0 ? 0
                         : eval_fail(ev, E_INVALID,
                                     "%" PRId64 " seconds are out of the range of durations",
                                     args->as.integer);
    }
    if (args->type != CEL_STRING) {
        return eval_bad_call(ev, args, count);
    }
    int status = eval_charge_text(ev, args->as.text.n, EVAL_SCAN);
    if (status != 0) {
        return status;
    }
    return instant_read_duration(args->as.text, out) == 0 ? 0 : fail_duration(ev, args->as.text);
}

/* Finding a zone takes a lock, and once a file. */
enum { ZONE_STEPS = 100 };

/* Seconds east of UTC in `zone`: an offset, or a name of the zone database. */
static int read_zone(struct evaluation *ev, struct str zone, int64_t unix_seconds,
                     int32_t *out_offset)
{
    if (instant_zone_offset(zone, out_offset) == 0) {
        return 0;
    }
    int status = eval_charge(ev, ZONE_STEPS);
    if (status != 0) {
        return status;
    }
    struct error err = {0};
    status = zone_offset(zone, unix_seconds, out_offset, &err);
    if (status == 0) {
        return 0;
    }
    return status == E_NOMEM ? eval_nomem(ev) : eval_fail(ev, E_INVALID, "%s", err.message);
}

/* Whether the arguments are a timestamp and perhaps a zone; then the zone's offset. */
static int read_arguments(struct evaluation *ev, const struct cel *args, size_t count,
                          int32_t *out_offset)
{
    *out_offset = 0;
    if (args[0].type != CEL_TIMESTAMP || (count == 2 && args[1].type != CEL_STRING)) {
        return eval_bad_call(ev, args, count);
    }
    return count == 2 ? read_zone(ev, args[1].as.text, args[0].as.time.seconds, out_offset) : 0;
}

/* The calendar of a timestamp, in the zone of the second argument if there is one. */
static int read_civil(struct evaluation *ev, const struct cel *args, size_t count,
                      struct clock_civil *out)
{
    int32_t offset = 0;
    int status = read_arguments(ev, args, count, &offset);
    if (status == 0) {
        *out = clock_civil_from_unix(args[0].as.time.seconds + offset);
    }
    return status;
}

static int day_of_year(const struct clock_civil *civil)
{
    return (int)(clock_days_from_date(civil->year, civil->month, civil->day) -
                 clock_days_from_date(civil->year, 1, 1));
}

enum field { YEAR, MONTH, DATE, DAY_OF_MONTH, DAY_OF_WEEK, DAY_OF_YEAR };

static int get_date_field(struct evaluation *ev, const struct cel *args, size_t count,
                          enum field field, struct cel *out)
{
    struct clock_civil civil;
    int status = read_civil(ev, args, count, &civil);
    if (status != 0) {
        return status;
    }
    switch (field) {
    case YEAR:
        return eval_make_int(civil.year, out);
    case MONTH:
        return eval_make_int(civil.month - 1, out);
    case DATE:
        return eval_make_int(civil.day, out);
    case DAY_OF_MONTH:
        return eval_make_int(civil.day - 1, out);
    case DAY_OF_WEEK:
        return eval_make_int(civil.weekday, out);
    case DAY_OF_YEAR:
        break;
    }
    return eval_make_int(day_of_year(&civil), out);
}

static int call_year(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    return get_date_field(ev, args, count, YEAR, out);
}

static int call_month(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    return get_date_field(ev, args, count, MONTH, out);
}

static int call_date(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    return get_date_field(ev, args, count, DATE, out);
}

static int call_day_of_month(struct evaluation *ev, const struct cel *args, size_t count,
                             struct cel *out)
{
    return get_date_field(ev, args, count, DAY_OF_MONTH, out);
}

static int call_day_of_week(struct evaluation *ev, const struct cel *args, size_t count,
                            struct cel *out)
{
    return get_date_field(ev, args, count, DAY_OF_WEEK, out);
}

static int call_day_of_year(struct evaluation *ev, const struct cel *args, size_t count,
                            struct cel *out)
{
    return get_date_field(ev, args, count, DAY_OF_YEAR, out);
}

/* Of a duration the whole in the unit, of a timestamp the field of the clock. */
static int get_time_field(struct evaluation *ev, const struct cel *args, size_t count,
                          int64_t unit_seconds, struct cel *out)
{
    struct clock_civil civil;
    if (args[0].type == CEL_DURATION && count == 1) {
        /* Durations are truncated towards zero; a part of a second makes negative ones larger. */
        int64_t seconds = args[0].as.time.seconds;
        seconds += seconds < 0 && args[0].as.time.nanos > 0 ? 1 : 0;
        return eval_make_int(seconds / unit_seconds, out);
    }
    int status = read_civil(ev, args, count, &civil);
    if (status != 0) {
        return status;
    }
    if (unit_seconds == 3600) {
        return eval_make_int(civil.hour, out);
    }
    return eval_make_int(unit_seconds == 60 ? civil.minute : civil.second, out);
}

static int call_hours(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    return get_time_field(ev, args, count, 3600, out);
}

static int call_minutes(struct evaluation *ev, const struct cel *args, size_t count,
                        struct cel *out)
{
    return get_time_field(ev, args, count, 60, out);
}

static int call_seconds(struct evaluation *ev, const struct cel *args, size_t count,
                        struct cel *out)
{
    return get_time_field(ev, args, count, 1, out);
}

/* Of a duration, too, the part of a second, as the language has it. */
static int call_milliseconds(struct evaluation *ev, const struct cel *args, size_t count,
                             struct cel *out)
{
    int64_t nanos = args[0].as.time.nanos;
    if (args[0].type == CEL_DURATION && count == 1) {
        nanos -= args[0].as.time.seconds < 0 && nanos > 0 ? 1000000000 : 0;
        return eval_make_int(nanos / 1000000, out);
    }
    int32_t offset = 0; /* zones differ by whole seconds */
    int status = read_arguments(ev, args, count, &offset);
    return status != 0 ? status : eval_make_int(nanos / 1000000, out);
}

static const struct function functions[] = {
    {"timestamp",
     FUNCTION_GLOBAL,
     1,
     1,
     CEL_TIMESTAMP,
     call_timestamp,
     {KIND_TIMESTAMP | KIND_INT | KIND_STRING}},
    {"duration",
     FUNCTION_GLOBAL,
     1,
     1,
     CEL_DURATION,
     call_duration,
     {KIND_DURATION | KIND_INT | KIND_STRING}},
    {"getFullYear", FUNCTION_RECEIVER, 1, 2, CEL_INT, call_year, {KIND_TIMESTAMP, KIND_STRING}},
    {"getMonth", FUNCTION_RECEIVER, 1, 2, CEL_INT, call_month, {KIND_TIMESTAMP, KIND_STRING}},
    {"getDate", FUNCTION_RECEIVER, 1, 2, CEL_INT, call_date, {KIND_TIMESTAMP, KIND_STRING}},
    {"getDayOfMonth",
     FUNCTION_RECEIVER,
     1,
     2,
     CEL_INT,
     call_day_of_month,
     {KIND_TIMESTAMP, KIND_STRING}},
    {"getDayOfWeek",
     FUNCTION_RECEIVER,
     1,
     2,
     CEL_INT,
     call_day_of_week,
     {KIND_TIMESTAMP, KIND_STRING}},
    {"getDayOfYear",
     FUNCTION_RECEIVER,
     1,
     2,
     CEL_INT,
     call_day_of_year,
     {KIND_TIMESTAMP, KIND_STRING}},
    {"getHours",
     FUNCTION_RECEIVER,
     1,
     2,
     CEL_INT,
     call_hours,
     {KIND_TIMESTAMP | KIND_DURATION, KIND_STRING}},
    {"getMinutes",
     FUNCTION_RECEIVER,
     1,
     2,
     CEL_INT,
     call_minutes,
     {KIND_TIMESTAMP | KIND_DURATION, KIND_STRING}},
    {"getSeconds",
     FUNCTION_RECEIVER,
     1,
     2,
     CEL_INT,
     call_seconds,
     {KIND_TIMESTAMP | KIND_DURATION, KIND_STRING}},
    {"getMilliseconds",
     FUNCTION_RECEIVER,
     1,
     2,
     CEL_INT,
     call_milliseconds,
     {KIND_TIMESTAMP | KIND_DURATION, KIND_STRING}},
};

const struct function_table function_times = {functions, sizeof(functions) / sizeof(functions[0])};
