/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_ZONE_RULE_H
#define CORE_BASE_ZONE_RULE_H

/*
 * Zone rule: the text with which POSIX describes a time zone, "CET-1CEST,M3.5.0,M10.5.0/3". It
 * stands at the end of a zone's file and holds for all that comes after the file's own table.
 *
 * Used by:  zone.
 * Uses:     clock, str.
 * Threads:  [any]; pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

enum zone_day_kind {
    ZONE_DAY_JULIAN,  /* Jn: 1 to 365, February 29 is never counted */
    ZONE_DAY_OF_YEAR, /* n: 0 to 365 */
    ZONE_DAY_OF_WEEK, /* Mm.w.d: the w-th day d of month m; 5 is the last one */
};

struct zone_change {
    enum zone_day_kind kind;
    int day;
    int week;
    int month;
    int32_t seconds; /* of the day, on the clock before the change; may leave the day */
};

struct zone_rule {
    int32_t standard_seconds; /* east of UTC */
    int32_t summer_seconds;
    bool has_summer;
    struct zone_change start; /* of summer time */
    struct zone_change end;
};

/* 0 or E_INVALID. */
int zone_rule_parse(struct str text, struct zone_rule *out);

/* Seconds east of UTC. */
int32_t zone_rule_offset(const struct zone_rule *rule, int64_t unix_seconds);

#endif
