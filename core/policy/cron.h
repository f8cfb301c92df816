/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_POLICY_CRON_H
#define CORE_POLICY_CRON_H

/*
 * Cron: which minutes a schedule names, and which of them are to be fired now.
 *
 *   minute hour day-of-month month day-of-week     0-59 0-23 1-31 1-12 0-7 (0 and 7 are Sunday)
 *
 * A field is a list, by commas, of `*`, a number, a range `a-b`, and any of these with a step:
 * `*` `/n`, `a-b/n`, `a/n` (from a to the end). Months and weekdays have their English names, three
 * letters in any case. Where neither day field begins with `*` a day needs to fit one of them, else
 * both. `@hourly`, `@daily`, `@midnight`, `@weekly`, `@monthly`, `@yearly` and `@annually` stand
 * for what they say.
 *
 * Times are those of a clock in a zone. One that a day does not have, because summer time begins,
 * fires at the first moment after it; one that a day has twice fires the first time.
 *
 * Used by:  loop, cli.
 * Uses:     base.
 * Threads:  [any]; pure, as the zone is.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

struct error;

#define CRON_NEVER INT64_MAX

enum {
    CRON_CATCH_UP_MAX = 10, /* slots that `all` makes up for */
    CRON_LATE_MS = 60000,   /* a slot that is not later than this was not missed */
};

/* Bit n is the number n of its field. */
struct cron {
    uint64_t minutes;
    uint32_t hours;
    uint32_t days;
    uint32_t months;
    uint32_t weekdays;  /* 0 to 6 */
    bool needs_one_day; /* one of the two day fields is enough */
};

/* Seconds east of UTC at `unix_seconds`. */
typedef int32_t (*cron_offset_cb)(int64_t unix_seconds, void *user);

/* `offset` NULL: UTC. */
struct cron_zone {
    cron_offset_cb offset;
    void *user; /* borrowed for the call */
};

/*
 * Reads a schedule. Fails with E_INVALID: the message names the field and says what it takes; also
 * for one that never comes, like February 30.
 */
int cron_parse(struct str text, struct cron *out_cron, struct error *err);

/* The first slot after `after` (unix ms); CRON_NEVER past the year 9999. */
int64_t cron_next(const struct cron *cron, struct cron_zone zone, int64_t after);

/* The last slot that is not after `at`; -1 when there is none since 1970. */
int64_t cron_latest(const struct cron *cron, struct cron_zone zone, int64_t at);

enum cron_misfire {
    CRON_MISFIRE_ONE,  /* however many were missed: the latest */
    CRON_MISFIRE_ALL,  /* the latest CRON_CATCH_UP_MAX */
    CRON_MISFIRE_NONE, /* none but the one that is due now */
};

struct cron_due {
    int64_t slots[CRON_CATCH_UP_MAX]; /* to be fired now, oldest first */
    uint32_t count;
    int64_t last; /* to be kept: all up to here is done with */
    int64_t next; /* when to ask again */
};

/*
 * What is due at `now`, when all slots up to `last` are done with. A clock that is set back fires
 * nothing twice: what was fired is due again only after `last`.
 */
struct cron_due cron_due(const struct cron *cron, struct cron_zone zone, enum cron_misfire misfire,
                         int64_t last, int64_t now);

#endif
