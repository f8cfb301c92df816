/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_JOURNAL_SQLITE_WORK_H
#define CORE_JOURNAL_SQLITE_WORK_H

/*
 * Sqlite work: what the thread that writes does besides writes, in its turn among them.
 *
 * Used by:  the files of this folder.
 * Uses:     sqlite3.
 * Threads:  the members run on the thread that writes, but for `destroy`: [loop].
 */

#include <sqlite3.h>

#include "core/journal/journal.h"

struct error;
struct sqlite_work;

/* The first member of each kind. */
struct sqlite_work {
    /*
     * Inside a transaction of its own: may be called again after a roll-back. Returns SQLite's
     * code. NULL: none.
     */
    int (*write)(struct sqlite_work *work, sqlite3 *db);
    /*
     * After the commit, outside of any transaction; NULL: nothing. Returns SQLite's code, of which
     * the callback gets E_NOMEM or E_IO; it is not tried again.
     */
    int (*after)(struct sqlite_work *work, sqlite3 *db);
    void (*destroy)(struct sqlite_work *work);
};

/* Appends `work` (taken, also on failure) to a store in SQLite; `cb` (may be NULL) as always. */
int journal_sqlite_submit(struct journal *journal, struct sqlite_work *work, journal_append_cb cb,
                          void *user, struct error *err);

/* The state folder; borrowed until the close. */
const char *journal_sqlite_folder(const struct journal *journal);

#endif
