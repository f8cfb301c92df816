/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/zone_rule.h"

static int32_t offset_at(const char *rule, const char *time)
{
    struct zone_rule parsed;
    struct clock_time moment;
    if (zone_rule_parse(str_from(rule), &parsed) != 0) {
        fail_msg("'%s' was refused", rule);
    }
    assert_int_equal(clock_parse_rfc3339(str_from(time), &moment), 0);
    return zone_rule_offset(&parsed, moment.seconds);
}

static void test_zone_rule__tells_summer_from_winter(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        const char *time;
        int32_t offset;
    } rows[] = {
        {"UTC0", "2040-07-01T00:00:00Z", 0},
        {"JST-9", "2040-07-01T00:00:00Z", 32400},
        {"<+0330>-3:30", "2040-07-01T00:00:00Z", 12600},
        {"<-03>3", "2040-07-01T00:00:00Z", -10800},
        {"LMT-1:02:03", "2040-07-01T00:00:00Z", 3723},
        /* Europe: from the last Sunday of March to the last of October, both at 01:00 UTC. */
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2040-03-25T00:59:59Z", 3600},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2040-03-25T01:00:00Z", 7200},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2040-10-28T00:59:59Z", 7200},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2040-10-28T01:00:00Z", 3600},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "9999-08-01T00:00:00Z", 7200},
        /* The south: summer over the turn of the year. */
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2040-01-01T00:00:00Z", 39600},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2040-06-01T00:00:00Z", 36000},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2040-12-31T23:00:00Z", 39600},
        /* Clocks that go back in summer, and changes outside of the day. */
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2040-07-01T00:00:00Z", 3600},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2040-01-01T00:00:00Z", 0},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2040-03-25T00:59:59Z", -7200},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2040-03-25T01:00:00Z", -3600},
        /* Julian days leave February 29 out, plain ones do not. */
        {"AAA0BBB,J60/0,J300", "2040-02-29T23:59:59Z", 0},
        {"AAA0BBB,J60/0,J300", "2040-03-01T00:00:00Z", 3600},
        {"AAA0BBB,59/0,300", "2040-02-28T23:59:59Z", 0},
        {"AAA0BBB,59/0,300", "2040-02-29T00:00:00Z", 3600},
        {"AAA0BBB-2:30,0/0,J365/25", "2040-07-01T00:00:00Z", 9000},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int32_t offset = offset_at(rows[i].rule, rows[i].time);
        if (offset != rows[i].offset) {
            fail_msg("%s at %s: %d instead of %d", rows[i].rule, rows[i].time, (int)offset,
                     (int)rows[i].offset);
        }
    }
}

static void test_zone_rule__refuses_other_texts(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "CET",
        "C-1",
        "CET-",
        "CET-1CEST",
        "CET-1CEST,",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M3.5.0,",
        "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,M3.5.0,M10.5.0 ",
        "CET-1CEST,J0,J300",
        "CET-1CEST,J366,J300",
        "CET-1CEST,366,300",
        "CET-1CEST,M3.5.0/168,M10.5.0",
        "CET-1:60",
        "CET-1:",
        "<+03-3",
        "<>-3",
        "CET-1CEST,M3-5-0,M10.5.0",
        "CET-1234",
    };
    struct zone_rule rule;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (zone_rule_parse(str_from(bad[i]), &rule) != E_INVALID) {
            fail_msg("'%s' was taken", bad[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zone_rule__tells_summer_from_winter),
        cmocka_unit_test(test_zone_rule__refuses_other_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
