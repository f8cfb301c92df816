/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_ABSENT_H
#define CORE_MODEL_ABSENT_H

/*
 * Absent: what only some nodes and runs have, beside outputs: errors and times. An expression that
 * is nothing but one that cannot be there is an error; where it may be there, a warning says how
 * to ask for it.
 *
 * Used by:  model (references).
 * Uses:     reading.
 * Threads:  [any]
 */

#include <stddef.h>
#include <stdint.h>

struct reading;
struct reading_view;

/* A node that did not fail has no error; `first` is where the path says `error`. */
void absent_check_error(const struct reading *reading, const struct reading_view *view,
                        uint32_t node, size_t first);

/* `started_at`, `finished_at`: of a node that was passed over there is none. */
void absent_check_time(const struct reading *reading, const struct reading_view *view,
                       uint32_t node, size_t first);

/* `run.error` is there once the run fails. */
void absent_check_run_error(const struct reading *reading);

#endif
