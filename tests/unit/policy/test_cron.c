/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/zone_rule.h"
#include "core/policy/cron.h"
#include "tests/support/random.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define MINUTE          INT64_C(60000)
#define DAY             (INT64_C(24) * 60 * MINUTE)

static const struct cron_zone utc = {NULL, NULL};

static int32_t rule_offset(int64_t unix_seconds, void *user)
{
    return zone_rule_offset(user, unix_seconds);
}

static struct zone_rule rule;

/* A zone by its POSIX rule. */
static struct cron_zone zone_of(const char *text)
{
    assert_int_equal(zone_rule_parse(str_from(text), &rule), 0);
    return (struct cron_zone){.offset = rule_offset, .user = &rule};
}

static struct cron cron_of(const char *text)
{
    struct cron cron;
    assert_int_equal(cron_parse(str_from(text), &cron, NULL), 0);
    return cron;
}

static int64_t at(const char *rfc3339)
{
    struct clock_time time;
    assert_int_equal(clock_parse_rfc3339(str_from(rfc3339), &time), 0);
    return time.seconds * 1000 + time.nanos / 1000000;
}

static void assert_time(int64_t got, const char *expected)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format_rfc3339(got, text);
    if (got != at(expected)) {
        fail_msg("%s, not %s", text, expected);
    }
}

static void test_cron__table_of_next_slots(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *after;
        const char *next;
    } rows[] = {
        {"* * * * *", "2026-11-22T05:00:00Z", "2026-11-22T05:01:00Z"},
        {"* * * * *", "2026-11-22T05:00:59.999Z", "2026-11-22T05:01:00Z"},
        {"*/15 * * * *", "2026-11-22T05:00:00Z", "2026-11-22T05:15:00Z"},
        {"*/15 * * * *", "2026-11-22T05:45:01Z", "2026-11-22T06:00:00Z"},
        {"5/20 * * * *", "2026-11-22T05:26:00Z", "2026-11-22T05:45:00Z"},
        {"0 9-17/4 * * *", "2026-11-22T09:00:00Z", "2026-11-22T13:00:00Z"},
        {"30 2 * * *", "2026-12-31T02:30:00Z", "2027-01-01T02:30:00Z"},
        {"0 0 1 * *", "2026-11-22T00:00:00Z", "2026-12-01T00:00:00Z"},
        {"0 0 31 * *", "2026-11-22T00:00:00Z", "2026-12-31T00:00:00Z"},
        {"0 0 31 4,6,12 *", "2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z"},
        {"0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"},
        {"0 0 29 2 *", "2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z"},
        {"0 0 29 2 */7", "2088-03-01T00:00:00Z", "2128-02-29T00:00:00Z"}, /* and a Sunday */
        {"0 12 * * mon-fri", "2026-11-20T12:00:00Z", "2026-11-23T12:00:00Z"},
        {"0 12 * * 0", "2026-11-22T12:00:00Z", "2026-11-29T12:00:00Z"},
        {"0 12 * * 7", "2026-11-22T12:00:00Z", "2026-11-29T12:00:00Z"},
        /* both day fields: one of them is enough */
        {"0 0 13 * fri", "2026-11-01T00:00:00Z", "2026-11-06T00:00:00Z"},
        {"0 0 13 * fri", "2026-11-06T00:00:00Z", "2026-11-13T00:00:00Z"},
        {"0 0 24 * fri", "2026-11-21T00:00:00Z", "2026-11-24T00:00:00Z"},
        /* one begins with a star: both must fit */
        {"0 0 */2 * mon", "2026-11-21T00:00:00Z", "2026-11-23T00:00:00Z"},
        {"0 0 */2 * tue", "2026-11-21T00:00:00Z", "2026-12-01T00:00:00Z"},
        {"@hourly", "2026-11-22T05:00:00Z", "2026-11-22T06:00:00Z"},
        {"@daily", "2026-11-22T05:00:00Z", "2026-11-23T00:00:00Z"},
        {"@midnight", "2026-11-22T05:00:00Z", "2026-11-23T00:00:00Z"},
        {"@weekly", "2026-11-22T05:00:00Z", "2026-11-29T00:00:00Z"},
        {"@monthly", "2026-11-22T05:00:00Z", "2026-12-01T00:00:00Z"},
        {"@yearly", "2026-11-22T05:00:00Z", "2027-01-01T00:00:00Z"},
        {"@annually", "2026-11-22T05:00:00Z", "2027-01-01T00:00:00Z"},
        {"0 0 1 1 *", "1969-05-05T00:00:00Z", "1970-01-01T00:00:00Z"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cron cron = cron_of(rows[i].text);
        assert_time(cron_next(&cron, utc, at(rows[i].after)), rows[i].next);
        assert_time(cron_latest(&cron, utc, at(rows[i].next)), rows[i].next);
        int64_t latest = cron_latest(&cron, utc, at(rows[i].next) - 1);
        assert_true(latest == -1 || latest <= at(rows[i].after));
    }
}

static void test_cron__ends_of_time(void **state)
{
    (void)state;
    struct cron cron = cron_of("0 0 1 1 *");
    assert_int_equal(cron_next(&cron, utc, INT64_MAX), CRON_NEVER);
    assert_int_equal(cron_next(&cron, utc, at("9999-12-31T00:00:00Z")), CRON_NEVER);
    assert_time(cron_next(&cron, utc, INT64_MIN), "1970-01-01T00:00:00Z");
    assert_time(cron_latest(&cron, utc, INT64_MAX), "9999-01-01T00:00:00Z");
    assert_int_equal(cron_latest(&cron, utc, -1), -1);
    assert_int_equal(cron_latest(&cron, utc, INT64_MIN), -1);
    assert_int_equal(cron_latest(&cron, utc, 0), 0);
    cron = cron_of("0 0 2 1 *");
    assert_int_equal(cron_latest(&cron, utc, DAY - 1), -1);
    assert_int_equal(cron_latest(&cron, zone_of("<-05>5"), 0), -1);
    cron = cron_of("0 0 1 1 *");
    assert_int_equal(cron_latest(&cron, zone_of("<+05>-5"), 0), -1); /* it was in 1969 */
    assert_time(cron_next(&cron, zone_of("<-05>5"), 0), "1970-01-01T05:00:00Z");
}

static void test_cron__time_that_a_day_does_not_have_fires_right_after_it(void **state)
{
    (void)state;
    struct cron_zone berlin = zone_of("CET-1CEST,M3.5.0,M10.5.0/3");
    struct cron cron = cron_of("30 2 * * *");
    int64_t slot = cron_next(&cron, berlin, at("2026-03-27T12:00:00Z"));
    assert_time(slot, "2026-03-28T01:30:00Z");
    slot = cron_next(&cron, berlin, slot);
    assert_time(slot, "2026-03-29T01:00:00Z"); /* 03:00 of that morning */
    assert_time(cron_latest(&cron, berlin, slot), "2026-03-29T01:00:00Z");
    assert_time(cron_latest(&cron, berlin, slot - 1), "2026-03-28T01:30:00Z");
    slot = cron_next(&cron, berlin, slot);
    assert_time(slot, "2026-03-30T00:30:00Z");
}

static void test_cron__time_that_a_day_has_twice_fires_once(void **state)
{
    (void)state;
    struct cron_zone berlin = zone_of("CET-1CEST,M3.5.0,M10.5.0/3");
    struct cron cron = cron_of("30 2 * * *");
    int64_t slot = cron_next(&cron, berlin, at("2026-10-24T12:00:00Z"));
    assert_time(slot, "2026-10-25T00:30:00Z");
    assert_time(cron_next(&cron, berlin, slot), "2026-10-26T01:30:00Z");
    assert_time(cron_latest(&cron, berlin, at("2026-10-25T01:10:00Z")), "2026-10-25T00:30:00Z");
    assert_time(cron_latest(&cron, berlin, at("2026-10-25T01:30:00Z")), "2026-10-25T00:30:00Z");
}

static void test_cron__zones_of_odd_offsets(void **state)
{
    (void)state;
    struct cron cron = cron_of("15 9 * * *");
    assert_time(cron_next(&cron, zone_of("<+0545>-5:45"), at("2026-11-22T00:00:00Z")),
                "2026-11-22T03:30:00Z");
    assert_time(cron_next(&cron, zone_of("<-12>12"), at("2026-11-22T00:00:00Z")),
                "2026-11-22T21:15:00Z");
    assert_time(cron_next(&cron, zone_of("<+14>-14"), at("2026-11-22T00:00:00Z")),
                "2026-11-22T19:15:00Z");
    struct cron_zone lord_howe = zone_of("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"); /* half an hour */
    cron = cron_of("10 2 * * *");
    assert_time(cron_next(&cron, lord_howe, at("2026-10-03T12:00:00Z")), "2026-10-03T15:30:00Z");
}

static uint64_t random_bits(struct random *random, int least, int most, uint32_t percent)
{
    uint64_t bits = 0;
    for (int n = least; n <= most; n++) {
        bits |= random_percent(random, percent) ? UINT64_C(1) << n : 0;
    }
    return bits != 0 ? bits : UINT64_C(1) << least;
}

static struct cron random_cron(struct random *random)
{
    uint32_t percent = 5 + random_below(random, 90);
    return (struct cron){
        .minutes = random_bits(random, 0, 59, percent / 3),
        .hours = (uint32_t)random_bits(random, 0, 23, percent),
        .days = (uint32_t)random_bits(random, 1, 28, percent),
        .months = (uint32_t)random_bits(random, 1, 12, 80),
        .weekdays = (uint32_t)random_bits(random, 0, 6, percent),
        .needs_one_day = random_percent(random, 50),
    };
}

/* By the definition alone, minute by minute. */
static bool is_shown(const struct cron *cron, int64_t local_minute)
{
    struct clock_civil civil = clock_civil_from_unix(local_minute * 60);
    bool day = (cron->days >> civil.day & 1) != 0;
    bool weekday = (cron->weekdays >> civil.weekday & 1) != 0;
    return (cron->minutes >> civil.minute & 1) != 0 && (cron->hours >> civil.hour & 1) != 0 &&
           (cron->months >> civil.month & 1) != 0 &&
           (cron->needs_one_day ? day || weekday : day && weekday);
}

/*
 * Minute after minute: a slot is a minute at which the clock shows for the first time, or has just
 * skipped, what the schedule names.
 */
static void compare_with_definition(const struct cron *cron, struct cron_zone zone, int64_t minute,
                                    int minutes)
{
    int64_t shown = INT64_MIN; /* the latest so far */
    int64_t expected = -1;
    for (int64_t m = minute - 180; m < minute + minutes; m++) {
        int64_t local = m + (zone.offset != NULL ? zone.offset(m * 60, zone.user) / 60 : 0);
        bool is_slot = false;
        for (int64_t l = shown > local - 180 ? shown + 1 : local; l <= local; l++) {
            is_slot = is_slot || is_shown(cron, l);
        }
        shown = local > shown ? local : shown;
        if (!is_slot || m < minute) {
            continue;
        }
        int64_t slot = m * MINUTE;
        if (expected >= 0) {
            assert_int_equal(cron_next(cron, zone, expected), slot);
            assert_int_equal(cron_latest(cron, zone, slot - 1), expected);
        }
        assert_int_equal(cron_next(cron, zone, slot - 1), slot);
        assert_int_equal(cron_latest(cron, zone, slot), slot);
        expected = slot;
    }
}

static void test_cron__finds_what_a_search_of_all_minutes_finds(void **state)
{
    (void)state;
    static const char *const zones[] = {
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "EST5EDT,M3.2.0,M11.1.0",
        "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
        "<-03>3<-02>,M3.5.0/-2,M10.5.0/-1",
    };
    struct random random = {.state = 23};
    for (int i = 0; i < 300; i++) {
        struct cron cron = random_cron(&random);
        struct cron_zone zone = utc;
        int64_t day = 20000 + random_below(&random, 1000);
        if (i % 3 != 0) { /* from the day before the clock is set on */
            zone = zone_of(zones[(size_t)i % COUNT_OF(zones)]);
            while (zone.offset((day + 1) * 86400, &rule) == zone.offset((day + 2) * 86400, &rule)) {
                day++;
            }
        }
        compare_with_definition(&cron, zone, day * 1440, 3 * 1440);
    }
}

static void test_cron__misfire_table(void **state)
{
    (void)state;
    static const struct {
        enum cron_misfire misfire;
        const char *last;
        const char *now;
        uint32_t count;
        const char *first; /* to be fired */
        const char *kept;
    } rows[] = {
        /* nothing is due */
        {CRON_MISFIRE_ONE, "2026-11-22T05:00:00Z", "2026-11-22T05:59:59Z", 0, NULL,
         "2026-11-22T05:00:00Z"},
        /* on time, and a little late */
        {CRON_MISFIRE_ONE, "2026-11-22T05:00:00Z", "2026-11-22T06:00:00Z", 1,
         "2026-11-22T06:00:00Z", "2026-11-22T06:00:00Z"},
        {CRON_MISFIRE_ALL, "2026-11-22T05:00:00Z", "2026-11-22T06:00:30Z", 1,
         "2026-11-22T06:00:00Z", "2026-11-22T06:00:00Z"},
        {CRON_MISFIRE_NONE, "2026-11-22T05:00:00Z", "2026-11-22T06:01:00Z", 1,
         "2026-11-22T06:00:00Z", "2026-11-22T06:00:00Z"},
        {CRON_MISFIRE_NONE, "2026-11-22T05:00:00Z", "2026-11-22T06:01:00.001Z", 0, NULL,
         "2026-11-22T06:00:00Z"},
        /* missed */
        {CRON_MISFIRE_ONE, "2026-11-22T05:00:00Z", "2026-11-22T08:30:00Z", 1,
         "2026-11-22T08:00:00Z", "2026-11-22T08:00:00Z"},
        {CRON_MISFIRE_ALL, "2026-11-22T05:00:00Z", "2026-11-22T08:30:00Z", 3,
         "2026-11-22T06:00:00Z", "2026-11-22T08:00:00Z"},
        {CRON_MISFIRE_ALL, "2021-11-22T05:00:00Z", "2026-11-22T08:30:00Z", 10,
         "2026-11-21T23:00:00Z", "2026-11-22T08:00:00Z"},
        {CRON_MISFIRE_NONE, "2026-11-22T05:00:00Z", "2026-11-22T08:30:00Z", 0, NULL,
         "2026-11-22T08:00:00Z"},
        {CRON_MISFIRE_NONE, "2026-11-22T05:00:00Z", "2026-11-22T08:00:30Z", 1,
         "2026-11-22T08:00:00Z", "2026-11-22T08:00:00Z"},
        /* the clock was set back */
        {CRON_MISFIRE_ALL, "2026-11-22T05:00:00Z", "2026-11-22T03:00:00Z", 0, NULL,
         "2026-11-22T05:00:00Z"},
    };
    struct cron cron = cron_of("@hourly");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t now = at(rows[i].now);
        struct cron_due due = cron_due(&cron, utc, rows[i].misfire, at(rows[i].last), now);
        assert_int_equal(due.count, rows[i].count);
        if (due.count > 0) {
            assert_time(due.slots[0], rows[i].first);
            assert_int_equal(due.slots[due.count - 1], due.last);
        }
        assert_time(due.last, rows[i].kept);
        assert_int_equal(due.next, cron_next(&cron, utc, now > due.last ? now : due.last));
    }
}

static void test_cron__all_ends_with_the_first_slot_there_is(void **state)
{
    (void)state;
    struct cron cron = cron_of("@yearly");
    struct cron_due due = cron_due(&cron, utc, CRON_MISFIRE_ALL, -5, at("1972-05-05T00:00:00Z"));
    assert_int_equal(due.count, 3);
    assert_int_equal(due.slots[0], 0);
    due = cron_due(&cron, utc, CRON_MISFIRE_ALL, 0, -1);
    assert_int_equal(due.count, 0);
    assert_time(due.next, "1971-01-01T00:00:00Z");
}

/* Asked at its own times and at others, over clocks that jump: each slot is fired once at most. */
static void test_cron__fires_nothing_twice_whatever_the_clock_does(void **state)
{
    (void)state;
    struct random random = {.state = 31};
    struct cron_zone berlin = zone_of("CET-1CEST,M3.5.0,M10.5.0/3");
    for (int round = 0; round < 30; round++) {
        struct cron cron = random_cron(&random);
        enum cron_misfire misfire = (enum cron_misfire)(round % 3);
        int64_t now = at("2026-10-20T00:00:00Z");
        int64_t last = now;
        for (int i = 0; i < 300; i++) {
            struct cron_due due = cron_due(&cron, berlin, misfire, last, now);
            int64_t before = last;
            for (uint32_t slot = 0; slot < due.count; slot++) {
                assert_true(due.slots[slot] > before && due.slots[slot] <= now);
                before = due.slots[slot];
            }
            assert_true(due.last >= last && due.next > due.last && due.next > now);
            last = due.last;
            now = random_percent(&random, 60) ? due.next : now + random_below(&random, 7200000);
            now -= random_percent(&random, 10) ? random_below(&random, 9000000) : 0;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cron__table_of_next_slots),
        cmocka_unit_test(test_cron__ends_of_time),
        cmocka_unit_test(test_cron__time_that_a_day_does_not_have_fires_right_after_it),
        cmocka_unit_test(test_cron__time_that_a_day_has_twice_fires_once),
        cmocka_unit_test(test_cron__zones_of_odd_offsets),
        cmocka_unit_test(test_cron__finds_what_a_search_of_all_minutes_finds),
        cmocka_unit_test(test_cron__misfire_table),
        cmocka_unit_test(test_cron__all_ends_with_the_first_slot_there_is),
        cmocka_unit_test(test_cron__fires_nothing_twice_whatever_the_clock_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
