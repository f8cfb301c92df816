/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts stay what people wrote or would write (JSON, words, paths), so that the file can be
 * queried with any SQLite shell. `runs` and `nodes` are projections of `journal`, written in the
 * same transaction.
 */
#include "core/journal/sqlite_schema.h"

#include <stddef.h>

#include "core/journal/sqlite_call.h"

static const char version_1[] =
    /* last_run: no number of a run is given twice, also when the last one is gone. */
    "CREATE TABLE meta (instance TEXT NOT NULL, epoch INTEGER NOT NULL,"
    " schema INTEGER NOT NULL, last_run INTEGER NOT NULL DEFAULT 0) STRICT;"

    "CREATE TABLE definitions (digest TEXT PRIMARY KEY, source TEXT NOT NULL,"
    " compiled_by TEXT NOT NULL) STRICT;"

    /* last_id: of its last row in journal; record: of the row that ended it. */
    "CREATE TABLE runs (run INTEGER PRIMARY KEY, id TEXT NOT NULL, definition TEXT NOT NULL,"
    " workflow TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL, labels TEXT NOT NULL,"
    " state TEXT NOT NULL, blocked TEXT, last_seq INTEGER NOT NULL DEFAULT 0,"
    " last_id INTEGER NOT NULL DEFAULT 0, root INTEGER NOT NULL, parent INTEGER, call TEXT,"
    " parent_path TEXT, key TEXT, request TEXT, triggered_by TEXT NOT NULL, options TEXT NOT NULL,"
    " paused INTEGER NOT NULL DEFAULT 0, wake_at INTEGER, crashes INTEGER NOT NULL DEFAULT 0, "
    "nodes_total INTEGER NOT NULL,"
    " nodes_done INTEGER NOT NULL DEFAULT 0, nodes_failed INTEGER NOT NULL DEFAULT 0,"
    " log_count INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL, started_at INTEGER,"
    " ended_at INTEGER, record INTEGER) STRICT;"
    "CREATE UNIQUE INDEX runs_id ON runs (id);"
    "CREATE INDEX runs_root ON runs (root);"
    "CREATE INDEX runs_key ON runs (key) WHERE key IS NOT NULL;"
    "CREATE INDEX runs_top ON runs (run) WHERE parent IS NULL;"
    "CREATE INDEX runs_live ON runs (run) WHERE ended_at IS NULL;"
    "CREATE INDEX runs_wake ON runs (wake_at) WHERE wake_at IS NOT NULL AND parent IS NULL;"
    "CREATE INDEX runs_created ON runs (created_at) WHERE parent IS NULL;"
    "CREATE INDEX runs_ended ON runs (ended_at) WHERE parent IS NULL AND ended_at IS NOT NULL;"
    "CREATE INDEX runs_state ON runs (state);"
    "CREATE INDEX runs_workflow ON runs (workflow);"
    "CREATE INDEX runs_workflow_state ON runs (workflow, state);"
    "CREATE INDEX runs_name ON runs (name);"
    "CREATE INDEX runs_definition ON runs (definition);"

    "CREATE TABLE labels (key TEXT NOT NULL, value TEXT NOT NULL,"
    " run INTEGER NOT NULL REFERENCES runs (run) ON DELETE CASCADE,"
    " PRIMARY KEY (key, value, run)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX labels_run ON labels (run);"

    "CREATE TABLE nodes (run INTEGER NOT NULL REFERENCES runs (run) ON DELETE CASCADE,"
    " path TEXT NOT NULL, state TEXT NOT NULL, attempt INTEGER NOT NULL, wake_at INTEGER,"
    " started_at INTEGER, ended_at INTEGER, record INTEGER,"
    " PRIMARY KEY (run, path)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX nodes_unknown ON nodes (run) WHERE state = 'unknown';"

    /* blob: {"output": "the SHA-256 of a file that holds it"}, for what is not in the body. */
    "CREATE TABLE journal (id INTEGER PRIMARY KEY,"
    " run INTEGER NOT NULL REFERENCES runs (run) ON DELETE CASCADE, seq INTEGER NOT NULL,"
    " type TEXT NOT NULL, path TEXT NOT NULL, attempt INTEGER NOT NULL, at INTEGER NOT NULL,"
    " body TEXT NOT NULL, blob TEXT, UNIQUE (run, seq)) STRICT;"

    "CREATE TABLE blobs (digest TEXT NOT NULL,"
    " run INTEGER NOT NULL REFERENCES runs (run) ON DELETE CASCADE,"
    " PRIMARY KEY (digest, run)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX blobs_run ON blobs (run);"

    "CREATE TABLE audit (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL,"
    " action TEXT NOT NULL, run INTEGER REFERENCES runs (run) ON DELETE CASCADE,"
    " detail TEXT NOT NULL) STRICT;"
    "CREATE INDEX audit_run ON audit (run);"

    "CREATE TABLE logs (id INTEGER PRIMARY KEY,"
    " run INTEGER NOT NULL REFERENCES runs (run) ON DELETE CASCADE, path TEXT NOT NULL,"
    " attempt INTEGER NOT NULL, at INTEGER NOT NULL, level INTEGER NOT NULL,"
    " line TEXT NOT NULL) STRICT;"
    "CREATE INDEX logs_run ON logs (run);";

/* What breakers and limiters know, written with the records of the decision that taught them. */
static const char version_2[] =
    "CREATE TABLE scopes (kind TEXT NOT NULL, key TEXT NOT NULL, state TEXT NOT NULL,"
    " at INTEGER NOT NULL, PRIMARY KEY (kind, key)) STRICT, WITHOUT ROWID;";

/*
 * Items of the retry queue are runs of their own, which lists of runs leave out; results that may
 * be taken again, and `at` has all that counting them needs.
 */
static const char version_3[] =
    /* queued_by: the workflow whose call it delivers; dead: a dead letter that has ended */
    "ALTER TABLE runs ADD COLUMN queued_by TEXT;"
    "ALTER TABLE runs ADD COLUMN dead INTEGER NOT NULL DEFAULT 0;"
    "DROP INDEX runs_top;"
    "CREATE INDEX runs_shown ON runs (run) WHERE parent IS NULL AND queued_by IS NULL;"
    "CREATE INDEX runs_queue ON runs (run) WHERE queued_by IS NOT NULL AND ended_at IS NULL;"
    "CREATE INDEX runs_dead ON runs (run) WHERE dead <> 0;"
    "CREATE INDEX nodes_dead ON nodes (run) WHERE state = 'dead';"

    "CREATE TABLE cache (key TEXT PRIMARY KEY, at INTEGER NOT NULL, until INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL, port TEXT NOT NULL, output TEXT NOT NULL) STRICT;"
    "CREATE INDEX cache_at ON cache (at, bytes);"
    "CREATE INDEX cache_until ON cache (until);";

/*
 * The order of the retry queue. An item that is there has its turn from its last failed attempt, or
 * from its start. What is parked is woken in this order, too: who is no item has the middle one.
 */
static const char version_4[] =
    /* turn_at: of an item, since when it may be tried */
    "ALTER TABLE runs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0"
    " CHECK (priority BETWEEN -1 AND 1);"
    "ALTER TABLE runs ADD COLUMN turn_at INTEGER;"
    "UPDATE runs SET turn_at = coalesce("
    " (SELECT body ->> '$.due' FROM journal WHERE journal.run = runs.run AND type = 'node_retry'"
    " ORDER BY seq DESC LIMIT 1),"
    " (SELECT at FROM journal WHERE journal.run = runs.run AND seq = 1), created_at)"
    " WHERE queued_by IS NOT NULL;"
    "DROP INDEX runs_queue;"
    "CREATE INDEX runs_queue ON runs (priority, turn_at, run)"
    " WHERE queued_by IS NOT NULL AND ended_at IS NULL;"
    "DROP INDEX runs_wake;"
    "CREATE INDEX runs_wake ON runs (priority, wake_at)"
    " WHERE wake_at IS NOT NULL AND parent IS NULL;";

/* What plugins keep: until 0 is for ever. */
static const char version_5[] =
    "CREATE TABLE kv (plugin TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,"
    " version INTEGER NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (plugin, key)) STRICT;"
    "CREATE INDEX kv_until ON kv (until) WHERE until > 0;";

/* spent: the last record that says what calls took, with the run's total. */
static const char version_6[] = "ALTER TABLE runs ADD COLUMN spent INTEGER;";

/* What is kept of a node that emits: its items, in order, as lists of some. */
static const char version_7[] =
    "CREATE TABLE cache_items (key TEXT NOT NULL REFERENCES cache (key) ON DELETE CASCADE,"
    " part INTEGER NOT NULL, items TEXT NOT NULL, PRIMARY KEY (key, part)) STRICT;";

static const char *const steps[] = {
    NULL, /* version 0: an empty file */
    version_1, version_2, version_3, version_4, version_5, version_6, version_7,
};

_Static_assert(sizeof(steps) / sizeof(steps[0]) == SQLITE_SCHEMA_VERSION + 1,
               "one step for each version");

int sqlite_schema_raise(sqlite3 *db, uint32_t from)
{
    int rc = SQLITE_OK;
    for (uint32_t version = from + 1; version <= SQLITE_SCHEMA_VERSION && rc == SQLITE_OK;
         version++) {
        rc = sqlite_call_text(db, steps[version]);
    }
    return rc;
}
