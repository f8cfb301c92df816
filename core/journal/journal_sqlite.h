/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_JOURNAL_JOURNAL_SQLITE_H
#define CORE_JOURNAL_JOURNAL_SQLITE_H

/*
 * The store in SQLite: one file in the state folder, one read-write connection on one thread of
 * its own, which alone checkpoints. All that waits when a transaction begins goes into it, up to
 * 256 writes or 1 MiB; nothing ever waits for company. "Durable" means that the sync of the
 * write-ahead log has returned.
 *
 * A full disk: the group is rolled back, kept, and tried again when there may be room; all behind
 * it waits, and journal_sqlite_trouble() says so. journal_sqlite_give_up() ends that. A failed sync
 * leaves it unknown what is durable: the process ends at once with status 74 and writes nothing
 * more.
 *
 * Used by:  loop, cli (db).
 * Uses:     journal, sqlite3.
 * Threads:  [loop] unless a function says otherwise.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/journal/journal.h"

struct error;

struct journal_sqlite_options {
    const char *folder; /* the state folder, which exists and whose lock is held; copied */
    journal_wake_cb wake;
    void *user;        /* kept until the close */
    uint32_t retry_ms; /* before a full disk is tried again; 0: 1,000 */
    uint32_t idle_ms;  /* without a write, before the log is copied and cut; 0: 5,000 */
};

/*
 * Opens or makes `state.db` in the folder: mode 0600, WAL, synchronous=FULL. A file that this
 * version made, or an older one, is brought forward. The raised epoch becomes durable with the
 * first write.
 * Fails with E_IO, E_CORRUPT (no database of ours; the message says what was found), E_VERSION (a
 * newer program made it: which, and what to do), E_NOMEM.
 */
int journal_sqlite_open(const struct journal_sqlite_options *options, struct journal **out_journal,
                        struct error *err);

/* "i" and 12 letters or digits, made with the file; part of idempotency keys. Borrowed. */
struct str journal_sqlite_instance(const struct journal *journal);

/* The owner's number: each that opened the file and wrote has a higher one. */
uint64_t journal_sqlite_epoch(const struct journal *journal);

/* Whether a run was unfinished when it was opened. */
bool journal_sqlite_has_live(const struct journal *journal);
/* Whether it had rows of scopes then. */
bool journal_sqlite_has_scopes(const struct journal *journal);

/* Why nothing becomes durable at the moment. */
struct journal_trouble {
    const char *why; /* "the disk is full"; static; NULL: all is well */
    uint64_t run;    /* whose write stands first: the number; 0: of no run */
    uint64_t bytes;  /* what that write needs, at least */
};

/* `wake` of the options is called when it begins, is another one, or has ended. */
struct journal_trouble journal_sqlite_trouble(const struct journal *journal);

/*
 * Nobody waits for room any more: what waits when a write fails the next time, and all that comes
 * later, gets E_CANCELED in its callback and is not kept.
 */
void journal_sqlite_give_up(struct journal *journal);

/* How many bytes all results that are kept (struct cache_entry) may take; 0: 256 MiB. */
void journal_sqlite_bound_cache(struct journal *journal, int64_t bytes);

/* Writes that wait or are being written. */
uint64_t journal_sqlite_waiting(const struct journal *journal);

/*
 * Removes runs whole that ended before `ended_before_unix_ms` (failed and cancelled ones:
 * `failed_before_unix_ms`), those above `max_runs` (0: no bound), oldest first, with their child
 * runs, definitions and files that nobody needs any more: at most `limit` runs a call, in one
 * write of its own. `cb` (may be NULL) runs as that of journal_append().
 */
struct journal_retention {
    int64_t ended_before_unix_ms;
    int64_t failed_before_unix_ms;
    uint64_t max_runs;
    uint32_t limit;
    struct str workflow;   /* of these runs only; empty: of all */
    uint64_t *out_removed; /* how many went, child runs not counted; kept until `cb`; or NULL */
};
int journal_sqlite_prune(struct journal *journal, const struct journal_retention *retention,
                         journal_append_cb cb, void *user, struct error *err);

/*
 * Gives room back to the system: rewrites the file without what was removed, and removes files of
 * `blobs` that nobody names. Writes wait meanwhile. The status of `cb` (may be NULL): 0, E_IO (no
 * room for a second copy), E_NOMEM.
 */
int journal_sqlite_vacuum(struct journal *journal, journal_append_cb cb, void *user,
                          struct error *err);

/*
 * Copies what is durable in `folder` to the file `target` (borrowed), and the large documents to
 * a folder `blobs` beside it, where several backups share them. The file appears whole or not at
 * all, and not when anything is damaged; to go back, it becomes `state.db` of a state folder with
 * that `blobs`. A store may be open meanwhile. Fails with E_INVALID (`target` is in `folder`, whose
 * `blobs` are pruned), E_EXISTS, E_NOT_FOUND (nothing to copy), E_CONFLICT (runs were pruned
 * meanwhile: once more), E_IO, E_CORRUPT, E_VERSION, E_NOMEM. [any]
 */
int journal_sqlite_backup(const char *folder, const char *target, struct error *err);

#endif
