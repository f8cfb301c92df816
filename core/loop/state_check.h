/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_STATE_CHECK_H
#define CORE_LOOP_STATE_CHECK_H

/*
 * State check: replays every run of a state from its records, and compares what the tables for
 * queries say of it. A run whose definition cannot be loaded here is told as unchecked.
 *
 * Used by:  cli (db), tests.
 * Uses:     journal (reader, journal_check), engine (restore), definition_store, expected_rows.
 * Threads:  that of the reader. An owner may be at work meanwhile.
 */

#include <stdint.h>

#include "core/journal/journal_check.h"

struct error;
struct journal_reader;
struct load_options;

struct state_check_numbers {
    uint64_t runs; /* replayed */
    uint64_t unchecked;
    uint64_t records;
    uint64_t nodes; /* rows */
    struct journal_check_numbers file;
};

/*
 * Checks all of it; `options` are for the definitions, with their catalogue. Fails with E_IO,
 * E_NOMEM, and what `findings` returned.
 */
int state_check(struct journal_reader *reader, const struct load_options *options,
                struct journal_findings *findings, struct state_check_numbers *out_numbers,
                struct error *err);

#endif
