/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_PRUNING_H
#define CORE_LOOP_PRUNING_H

/*
 * Pruning: removes runs whose retention is over. A pass looks at one pipeline after the other: what
 * its latest run has kept of the definition's `retention`, over that of the machine, holds for all
 * of its runs. Runs go in small portions, each a write of its own, so that others do not wait.
 *
 * A pass begins only when it is asked for and the last one is a minute ago: without work there are
 * no questions to the file.
 *
 * Used by:  loop; for the files of this folder alone.
 * Uses:     journal (reader, sqlite), run_rows, model (settings).
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

struct error;
struct journal;
struct journal_reader;
struct pruning;
struct retention;

enum { PRUNING_INTERVAL_MS = 60 * 1000, PRUNING_PORTION = 50 };

struct pruning_options {
    struct journal *journal; /* in SQLite */
    struct journal_reader *reader;
    const struct retention *site; /* borrowed for the call */
    int64_t (*now)(void);         /* unix ms; NULL: the real one */
};

/* The options' parts are kept. Owned: pruning_destroy(). Fails with E_NOMEM. */
int pruning_create(const struct pruning_options *options, struct pruning **out_pruning,
                   struct error *err);
/* Not while it is busy. NULL is fine. */
void pruning_destroy(struct pruning *pruning);

/* That of the machine, from the next portion on; the next look begins a pass. */
void pruning_set_site(struct pruning *pruning, const struct retention *site);

/* A run has ended, or the loop begins to run: looks whether it is time for a pass. NULL is fine. */
void pruning_look(struct pruning *pruning);

/* The pass ends with the portion that removes something: no engine, however short, is in vain. */
void pruning_stop(struct pruning *pruning);

/* Whether a portion is on its way: its callback comes from journal_collect(). NULL: no. */
bool pruning_is_busy(const struct pruning *pruning);

#endif
