/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_POLICY_RETRY_AFTER_H
#define CORE_POLICY_RETRY_AFTER_H

/*
 * Retry-After: the header's text as a wait (RFC 9110, sections 10.2.3 and 5.6.7).
 *
 * Used by:  engine, loop.
 * Uses:     base; the limit of retry.
 * Threads:  [any]; pure, and the same in every locale.
 */

#include <stdint.h>

#include "core/base/str.h"

/*
 * Milliseconds from `now` (unix ms) on, 1 to RETRY_AFTER_MAX_MS: `text` is a number of seconds, or
 * a date in one of the three forms that HTTP knows; more than the limit is the limit. The name of
 * the weekday is not held against the date.
 * 0 is "not usable": unreadable, negative, zero, or a date that is over.
 */
int64_t retry_after_read(struct str text, int64_t now);

#endif
