/* SPDX-License-Identifier: Apache-2.0 */
#include "core/policy/cron.h"

#include "core/base/clock.h"

enum {
    MINUTE_MS = 60000,
    MINUTES_OF_DAY = 24 * 60,
    DAY_S = 24 * 60 * 60,
    /* February 29 on a given weekday comes within 40 years, also over 2100. */
    SEARCH_DAYS = 41 * 366,
};

/* 9999-12-31T23:59:59Z */
#define LAST_MS INT64_C(253402300799000)

static bool has(uint64_t bits, int n)
{
    return (bits >> n & 1) != 0;
}

static bool is_day(const struct cron *cron, int64_t day)
{
    struct clock_civil civil = clock_civil_from_unix(day * DAY_S);
    bool fits_day = has(cron->days, civil.day);
    bool fits_weekday = has(cron->weekdays, civil.weekday);
    bool fits = cron->needs_one_day ? fits_day || fits_weekday : fits_day && fits_weekday;
    return fits && has(cron->months, civil.month);
}

static bool is_minute(const struct cron *cron, int64_t minute)
{
    return has(cron->hours, (int)(minute / 60)) && has(cron->minutes, (int)(minute % 60));
}

/* The first slot of a clock that shows `minute` (since 1970) or later, in minutes; or -1. */
static int64_t slot_from(const struct cron *cron, int64_t minute)
{
    int64_t day = minute / MINUTES_OF_DAY;
    int64_t of_day = minute % MINUTES_OF_DAY;
    for (int64_t end = day + SEARCH_DAYS; day < end; day++) {
        for (; is_day(cron, day) && of_day < MINUTES_OF_DAY; of_day++) {
            if (is_minute(cron, of_day)) {
                return day * MINUTES_OF_DAY + of_day;
            }
        }
        of_day = 0;
    }
    return -1;
}

/* The last slot of a clock that shows `minute` or earlier, but not before 1970; or -1. */
static int64_t slot_until(const struct cron *cron, int64_t minute)
{
    int64_t day = minute / MINUTES_OF_DAY;
    int64_t of_day = minute % MINUTES_OF_DAY;
    for (; day >= 0 && minute >= 0; day--) {
        for (; is_day(cron, day) && of_day >= 0; of_day--) {
            if (is_minute(cron, of_day)) {
                return day * MINUTES_OF_DAY + of_day;
            }
        }
        of_day = MINUTES_OF_DAY - 1;
    }
    return -1;
}

static int32_t offset_at(struct cron_zone zone, int64_t unix_seconds)
{
    return zone.offset != NULL ? zone.offset(unix_seconds, zone.user) : 0;
}

/* When the clock of the zone shows `local` (seconds) for the first time, or skips it. */
static int64_t to_utc(struct cron_zone zone, int64_t local)
{
    int32_t before = offset_at(zone, local - DAY_S);
    int32_t after = offset_at(zone, local + DAY_S);
    if (offset_at(zone, local - before) == before) {
        return local - before;
    }
    if (offset_at(zone, local - after) == after) {
        return local - after;
    }
    int64_t low = local - after; /* still before the clock is set forward */
    int64_t high = local - before;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (offset_at(zone, middle) == before) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high;
}

int64_t cron_next(const struct cron *cron, struct cron_zone zone, int64_t after)
{
    if (after >= LAST_MS) {
        return CRON_NEVER;
    }
    int64_t after_s = after >= 0 ? after / 1000 : -1;
    int64_t local = after_s + offset_at(zone, after_s);
    int64_t slot = local >= 0 ? local / 60 : -1;
    int64_t at_s = -1;
    while (at_s <= after_s) { /* what the clock shows for the second time is over */
        slot = slot_from(cron, slot + 1);
        if (slot < 0) {
            return CRON_NEVER;
        }
        at_s = to_utc(zone, slot * 60);
    }
    return at_s * 1000 <= LAST_MS ? at_s * 1000 : CRON_NEVER;
}

int64_t cron_latest(const struct cron *cron, struct cron_zone zone, int64_t at)
{
    int64_t until_s = (at < LAST_MS ? at : LAST_MS) / 1000;
    /* Within a day of being set back the clock has shown later times than it shows now. */
    int32_t offset = offset_at(zone, until_s);
    int32_t offset_before = offset_at(zone, until_s - DAY_S);
    int64_t local = until_s + (offset > offset_before ? offset : offset_before);
    int64_t slot = at >= 0 && local >= 0 ? local / 60 + 1 : 0;
    int64_t at_s = until_s + 1;
    while (at_s > until_s) {
        slot = slot_until(cron, slot - 1);
        if (slot < 0) {
            return -1;
        }
        at_s = to_utc(zone, slot * 60);
    }
    return at_s >= 0 ? at_s * 1000 : -1;
}

/* The latest slots after `last`, oldest first. */
static void catch_up(struct cron_due *due, const struct cron *cron, struct cron_zone zone,
                     int64_t last)
{
    int64_t latest[CRON_CATCH_UP_MAX];
    uint32_t count = 0;
    for (int64_t at = due->last; at >= 0 && at > last && count < CRON_CATCH_UP_MAX;) {
        latest[count++] = at;
        at = cron_latest(cron, zone, at - 1);
    }
    for (uint32_t i = 0; i < count; i++) {
        due->slots[i] = latest[count - 1 - i];
    }
    due->count = count;
}

struct cron_due cron_due(const struct cron *cron, struct cron_zone zone, enum cron_misfire misfire,
                         int64_t last, int64_t now)
{
    struct cron_due due = {.last = last};
    int64_t latest = cron_latest(cron, zone, now);
    if (latest >= 0 && latest > last) {
        bool is_missed = now - latest > CRON_LATE_MS;
        due.last = latest;
        due.slots[0] = latest;
        due.count = is_missed && misfire == CRON_MISFIRE_NONE ? 0 : 1;
        if (misfire == CRON_MISFIRE_ALL) {
            catch_up(&due, cron, zone, last);
        }
    }
    due.next = cron_next(cron, zone, now > due.last ? now : due.last);
    return due;
}
