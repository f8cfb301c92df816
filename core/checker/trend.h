/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CHECKER_TREND_H
#define CORE_CHECKER_TREND_H

/*
 * Trend: tells what grows without end from what grows and stops. A stretch of time is cut into
 * windows, and of each the least that there was is kept, its floor: what is emptied now and then
 * has the same floor in all of them, whatever the windows catch of it.
 *
 * Used by:  rule_growth.
 * Uses:     nothing.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * From each floor to the next there is more, but for `pauses` of them, up to the last; and the
 * second half brings half as much as the first or more, so that a cache that is nearly full is not
 * meant. Of fewer than three floors nothing can be said: false.
 */
bool trend_goes_on(const uint64_t *floors, size_t count, unsigned pauses);

#endif
