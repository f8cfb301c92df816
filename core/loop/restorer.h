/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_RESTORER_H
#define CORE_LOOP_RESTORER_H

/*
 * Restorer: brings runs back from the journal, each with the runs that it called: at the start of
 * the process those that the one before was at work on, later those that were parked.
 *
 * Bringing one back is idempotent: until its first write is durable nothing has changed, and a
 * process that ends before then leaves all as it was. What cannot go on is blocked: it stays as it
 * is, and its row says what is missing.
 *
 * Used by:  loop, parking, commands; for the files of this folder alone.
 * Uses:     engine (restore), journal (reader), definition_store.
 * Threads:  [loop]
 */

#include <stdint.h>

struct error;
struct loop;
struct loop_run;

/* Ends of a process without progress, after which a run is given up as failed. */
enum { RESTORER_MOST_CRASHES = 10 };

/*
 * Loads the tree of the root `number`, which is not loaded, and lets it go on. `*out_root`
 * is the loop's.
 * Returns 0; LOOP_BLOCKED, and then its row says so too (`err` says why); E_NOT_FOUND (no such
 * run, or it has ended); E_NOMEM, E_IO.
 */
int restorer_load(struct loop *loop, uint64_t number, struct loop_run **out_root,
                  struct error *err);

/* All that had not ended and is not parked; parked ones are noted for their time. */
int restorer_load_all(struct loop *loop, struct error *err);

#endif
