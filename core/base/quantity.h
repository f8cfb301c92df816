/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_QUANTITY_H
#define CORE_BASE_QUANTITY_H

/*
 * Quantities: durations, sizes and rates as people write and read them.
 *
 * The parsers fail with E_INVALID for what is no quantity and with E_LIMIT for what does not fit;
 * the message names the text and says what is allowed.
 *
 * Used by:  model, host, cli.
 * Uses:     error, str.
 * Threads:  [any]
 */

#include <stdint.h>

#include "core/base/str.h"

struct error;

/*
 * "250ms", "30s", "5m", "2h", "7d", also "10us" and "5ns", and compounds with falling units:
 * "1h30m". Whole numbers, not negative. A part of a millisecond counts as a whole one, so that a
 * time-out never becomes zero.
 */
int quantity_parse_duration(struct str text, int64_t *out_ms, struct error *err);

/* Bare bytes, or with B, kB, KB, MB, GB, TB (powers of 1000), KiB, MiB, GiB, TiB (of 1024). */
int quantity_parse_size(struct str text, int64_t *out_bytes, struct error *err);

struct quantity_rate {
    int64_t count; /* at least 1 */
    int64_t per_ms;
};

/* "N/second", "N/minute", "N/hour", "N/day". */
int quantity_parse_rate(struct str text, struct quantity_rate *out_rate, struct error *err);

enum { QUANTITY_TEXT_SIZE = 48 };

/* "850 ms", "1.24 s", "3 min 02 s", "2 h 05 min", "3 d 04 h"; a minus in front if negative. */
void quantity_format_duration(int64_t ms, char out[QUANTITY_TEXT_SIZE]);

/* "512 B", "1.5 KiB", "20.0 GiB"; a minus in front if negative. */
void quantity_format_size(int64_t bytes, char out[QUANTITY_TEXT_SIZE]);

#endif
