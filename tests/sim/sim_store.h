/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_SIM_STORE_H
#define TESTS_SIM_SIM_STORE_H

/*
 * Sim store: a journal whose writes wait until sim_store_commit() says that they are durable, or
 * sim_store_crash() that the process is gone. A write is there whole or not at all.
 *
 * Used by:  sim_driver, sim_restart, sim_checks.
 * Uses:     journal.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/journal/journal.h"
#include "core/journal/journal_reader.h"

/* As journal_memory_open(); `wake` is called when a write comes in. NULL: no memory. */
struct journal *sim_store_open(journal_wake_cb wake, void *user);

/* As journal_memory_read(): what would be left after a crash. */
int sim_store_read(struct journal *store, uint64_t number, journal_each_cb each, void *user);

/* How many writes wait. */
size_t sim_store_waiting(const struct journal *store);

/* The first `count` writes are durable now: their callbacks run, in order. */
void sim_store_commit(struct journal *store, size_t count);

/*
 * The process ends. The first `kept` of what waits has reached the disk all the same, the rest is
 * gone; every callback gets E_CANCELED, which tells its owner to free what it holds.
 */
void sim_store_crash(struct journal *store, size_t kept);

/* ---- what is durable ---- */

bool sim_store_has_run(const struct journal *store, uint64_t number);
uint64_t sim_store_last_seq(const struct journal *store, uint64_t number);
/* The latest JOURNAL_MARK_CRASHES of the run. */
int64_t sim_store_crashes(const struct journal *store, uint64_t number);
/* As journal_reader_scopes(). */
int sim_store_scopes(const struct journal *store, const char *kind, journal_scope_cb each,
                     void *user);
/* A write was refused that did not follow those before it; a text, or NULL. */
const char *sim_store_fault(const struct journal *store);

#endif
