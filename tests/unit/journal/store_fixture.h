/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_JOURNAL_STORE_FIXTURE_H
#define TESTS_UNIT_JOURNAL_STORE_FIXTURE_H

/*
 * A store in SQLite in a folder of its own, and short ways to write to it and to ask the file.
 *
 * Used by:  tests of journal.
 * Uses:     journal, sqlite3.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/engine/record.h"
#include "core/journal/journal.h"
#include "core/journal/journal_sqlite.h"

/* A file becomes one as the first version made it. */
#define STORE_FIXTURE_MAKE_OLDEST                                                                  \
    "ALTER TABLE runs DROP COLUMN spent;"                                                          \
    "DROP TABLE scopes; DROP TABLE cache_items; DROP TABLE cache; DROP TABLE kv; DROP INDEX "      \
    "runs_shown; DROP INDEX "                                                                      \
    "runs_queue; DROP "                                                                            \
    "INDEX runs_dead;"                                                                             \
    "DROP INDEX nodes_dead; ALTER TABLE runs DROP COLUMN queued_by;"                               \
    "ALTER TABLE runs DROP COLUMN dead;"                                                           \
    "DROP INDEX runs_wake; ALTER TABLE runs DROP COLUMN priority;"                                 \
    "ALTER TABLE runs DROP COLUMN turn_at;"                                                        \
    "CREATE INDEX runs_wake ON runs (wake_at) WHERE wake_at IS NOT NULL AND parent IS NULL;"       \
    "CREATE INDEX runs_top ON runs (run) WHERE parent IS NULL; UPDATE meta SET schema = 1"

struct store_fixture {
    char folder[64];
    struct journal *journal; /* NULL: closed */
    uint32_t retry_ms;
    uint32_t idle_ms;
    uint64_t appended;
    uint64_t called_back;
    int last_status;
    uint64_t order_faults; /* callbacks that came out of order */
    int64_t now;           /* of the next record; grows by 10 */
};

/* Makes the folder and opens the store; both end with finish. */
void store_fixture_init(struct store_fixture *fixture);
void store_fixture_init_folder(struct store_fixture *fixture); /* without opening it */
void store_fixture_finish(struct store_fixture *fixture);

/* The store alone. The status of the open. */
int store_fixture_open(struct store_fixture *fixture, struct error *err);
void store_fixture_close(struct store_fixture *fixture);

/* "FOLDER/NAME", in a buffer that the next call uses again. */
const char *store_fixture_path(const struct store_fixture *fixture, const char *name);

/* What writes borrow stays until their callbacks: wait before it goes. */
void store_fixture_append(struct store_fixture *fixture, const struct journal_write *write);
void store_fixture_wait(struct store_fixture *fixture);
/* The same when the last of them has this status. */
void store_fixture_wait_for(struct store_fixture *fixture, int status);

/* For other calls that take a callback: store_fixture_wait() waits for it, too. */
journal_append_cb store_fixture_callback(struct store_fixture *fixture, void **out_user);

/* The row of a run, its members filled in; the definition "d1" goes with it. */
struct journal_new_run store_fixture_run(uint64_t number, const char *id);
void store_fixture_start(struct store_fixture *fixture, const struct journal_new_run *run);

/* Appends a record of the run with the next time; `path` may be NULL. */
void store_fixture_record(struct store_fixture *fixture, struct batch *batch,
                          const struct record *record, const char *path);
/* Writes the batch and waits, then empties it. */
void store_fixture_write(struct store_fixture *fixture, struct batch *batch);

/* The rows that `sql` gives: columns by '|', rows by '\n', NULL as "-". Owned: free(). */
char *store_fixture_ask(const struct store_fixture *fixture, const char *sql);
void store_fixture_expect(const struct store_fixture *fixture, const char *sql,
                          const char *expected);

/* A document that is a string of `n` letters. Owned. */
struct document *store_fixture_text(size_t n, char letter);

#endif
