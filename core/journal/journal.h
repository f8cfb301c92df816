/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_JOURNAL_JOURNAL_H
#define CORE_JOURNAL_JOURNAL_H

/*
 * Journal: the store interface. Batches of records go in; the caller hears, in the order of
 * submission, when each is durable. A store may do its work on threads of its own: it calls
 * `wake` from them, and callbacks run only inside journal_collect(), on the loop.
 *
 * The store in memory (journal_memory_open()) is durable as soon as it has the records: it loses
 * them with the process, and its callbacks come at the next journal_collect() all the same, so
 * that what drives the engine behaves alike with every store.
 *
 * Used by:  loop.
 * Uses:     engine (records).
 * Threads:  [loop] unless a function says otherwise.
 */

#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct batch;
struct error;
struct journal;
struct record;

/* On the loop, from journal_collect(): the batch is durable (0), or never will be (negative). */
typedef void (*journal_append_cb)(void *user, int status);

/* [any] Tells that journal_collect() has something to do. */
typedef void (*journal_wake_cb)(void *user);

/*
 * Opens a store that keeps everything in memory. `wake` and `user` are kept until the close.
 * On success `*out_journal` is owned: journal_close(). Fails with E_NOMEM.
 */
int journal_memory_open(journal_wake_cb wake, void *user, struct journal **out_journal,
                        struct error *err);

/*
 * The same for a store that keeps nothing: journal_read() finds no record. For runs that end with
 * the process and that nobody reads again, so that they take no more memory the longer they are.
 */
int journal_ephemeral_open(journal_wake_cb wake, void *user, struct journal **out_journal,
                           struct error *err);

/*
 * Submits the records of `batch` (borrowed; what they share is referenced): all are kept, or
 * none. `user` is kept until `cb` has run; `cb` runs exactly once if 0 is returned, and never from
 * inside this function. Lazy records (see record.h) may be left out.
 */
int journal_append(struct journal *journal, const struct batch *batch, journal_append_cb cb,
                   void *user, struct error *err);

/* Runs the callbacks of all that is durable by now. Callbacks may append. */
void journal_collect(struct journal *journal);

/*
 * Calls `each` for every durable record of the run `id`, in order; stops when it returns other
 * than 0 and returns that. Records are borrowed for the call; their `run` is NULL.
 */
typedef int (*journal_each_cb)(void *user, const struct record *record);
int journal_read(struct journal *journal, struct str id, journal_each_cb each, void *user);

/* Drops the records of a run whole: retention. */
void journal_drop(struct journal *journal, struct str id);

/* Nothing may be outstanding. NULL is fine. */
void journal_close(struct journal *journal);

/* ---- for stores ---- */

struct journal_class {
    int (*append)(struct journal *journal, const struct batch *batch, journal_append_cb cb,
                  void *user, struct error *err);
    void (*collect)(struct journal *journal);
    int (*read)(struct journal *journal, struct str id, journal_each_cb each, void *user);
    void (*drop)(struct journal *journal, struct str id);
    void (*close)(struct journal *journal);
};

/* The first member of every store. */
struct journal {
    const struct journal_class *class_;
};

#endif
