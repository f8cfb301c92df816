/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_SIM_STORE_H
#define TESTS_SIM_SIM_STORE_H

/*
 * Sim store: a journal whose batches wait until sim_store_commit() says that they are durable.
 * What waits would be lost in a crash, and journal_read() does not show it.
 *
 * Used by:  sim_world, sim_checks.
 * Uses:     journal.
 * Threads:  [main]
 */

#include <stddef.h>

#include "core/journal/journal.h"

/* As journal_memory_open(); `wake` is called when a batch comes in. NULL: no memory. */
struct journal *sim_store_open(journal_wake_cb wake, void *user);

/* How many batches wait. */
size_t sim_store_waiting(const struct journal *store);

/* The first `count` batches are durable now: their callbacks run, in order. */
void sim_store_commit(struct journal *store, size_t count);

#endif
