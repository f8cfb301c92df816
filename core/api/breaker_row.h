/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_BREAKER_ROW_H
#define CORE_API_BREAKER_ROW_H

/*
 * Breaker row: what the journal keeps of a circuit breaker, read for clients.
 *
 * Used by:  route_breakers, route_metrics.
 * Uses:     policy (breaker), value.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/policy/breaker.h"

struct error;
struct journal_reader;

enum { BREAKER_ROW_FULL = 1, BREAKER_ROW_STATES = BREAKER_STATES };

/* A moment that is not known, or does not come, is 0. */
struct breaker_row {
    struct str scope; /* borrowed for the call */
    bool is_known;    /* else nobody can read what is kept, and the rest is nothing */
    enum breaker_state state;
    int64_t since;    /* unix ms */
    int64_t due_at;   /* open: the next call is a trial from then on */
    int64_t openings; /* in a row */
};

/* Returns 0, or what ends the listing and becomes the result of breaker_row_each(). */
typedef int (*breaker_row_cb)(void *user, const struct breaker_row *row);

/* All breakers that ever changed, in the order of their scopes. Fails as journal_reader_scopes().
 */
int breaker_row_each(struct journal_reader *reader, breaker_row_cb each, void *user,
                     struct error *err);

#endif
