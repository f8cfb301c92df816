/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_ZONE_H
#define CORE_BASE_ZONE_H

/*
 * Zone: what the clocks of a named time zone show, from the system's zone database (package
 * tzdata; the folder is $TZDIR or /usr/share/zoneinfo). A zone's file is read when it is first
 * asked for and kept; what is kept never changes while the program runs.
 *
 * Used by:  expr (time zones of accessors), whoever shows a time in a zone.
 * Uses:     clock, error, str.
 * Threads:  [any]; the first question about a zone reads a small file, and who asks about others
 *           need not wait for that. One that is not there is looked for each time.
 */

#include <stdint.h>

#include "core/base/str.h"

struct error;

enum { ZONE_MAX_NAME_BYTES = 64 };

/*
 * Seconds east of UTC at `unix_seconds` in the zone `name` ("Europe/Berlin"). Fails with
 * E_NOT_FOUND for a zone that the database does not have and when there is no database, E_CORRUPT
 * for a file that is no zone, E_IO, E_NOMEM.
 */
int zone_offset(struct str name, int64_t unix_seconds, int32_t *out_seconds, struct error *err);

#endif
