/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_FORMAT_VALUES_H
#define CORE_MODEL_FORMAT_VALUES_H

/*
 * Format values: the kinds of values that policies take: wholes, factors, shares, seconds,
 * rates and `off`; and what was meant by one that is none.
 *
 * Used by:  format, for_each, policies.
 * Uses:     format, tree, report.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/model/format.h"

struct quantity_rate;
struct report;
struct tree;

/* "10" or "12.5", at most 100: what stands before a '%'. False for anything else. */
bool format_values_percent(struct str digits, double *out);

/* These are false for a value (NULL too) that is not of the kind. */
bool format_values_is_off(const struct tree *value);
bool format_values_whole(const struct tree *value, uint32_t *out);
bool format_values_factor(const struct tree *value, double *out);
bool format_values_seconds(const struct tree *value, int64_t *out_ms);
bool format_values_money(const struct tree *value, int64_t *out_billionths);
bool format_values_rate(const struct tree *value, double *out);
bool format_values_call_rate(const struct tree *value, struct quantity_rate *out);
bool format_values_share(const struct tree *value, double *out); /* `off` is 0 */

/* "a share like 20%, or 'off'": for the kinds of this file. */
const char *format_values_text(enum format_kind kind);

/* A hint for a value that is not what `key` wants; kinds of other files get none. */
void format_values_hint(const struct report *report, const struct tree *value,
                        const struct format_key *key);

#endif
