/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_INSTANT_H
#define CORE_EXPR_INSTANT_H

/*
 * Timestamps and durations: their text and their arithmetic. Timestamps lie in the years 1 to
 * 9999; durations are at most 292 years.
 *
 * Used by:  arith, convert, fn_time, cel.
 * Uses:     base, cel.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/expr/cel.h"

struct strbuf;

/* RFC 3339. E_INVALID when it is no date-time or out of range. */
int instant_read_timestamp(struct str text, struct cel *out);

/* "1h30m", "-1.5s", "250ms", "10us", "5ns". E_INVALID when it is none or out of range. */
int instant_read_duration(struct str text, struct cel *out);

/* E_INVALID when out of range; `nanos` may have any value. */
int instant_make_timestamp(int64_t seconds, int64_t nanos, struct cel *out);
int instant_make_duration(int64_t seconds, int64_t nanos, struct cel *out);

/* 0; 1 when these types have no such sum or difference; E_INVALID when out of range. */
int instant_add(const struct cel *a, const struct cel *b, struct cel *out);
int instant_subtract(const struct cel *a, const struct cel *b, struct cel *out);

/* "2025-01-31T14:22:33.5Z", "5400s", "-1.5s". */
void instant_write(const struct cel *cel, struct strbuf *out);

/*
 * The offset from UTC in seconds that `zone` ("UTC", "", "+02:00", "-09:30") means.
 * E_INVALID for others, which may be names for zone_offset().
 */
int instant_zone_offset(struct str zone, int32_t *out_seconds);

#endif
