/* SPDX-License-Identifier: Apache-2.0 */
#include "core/journal/sqlite_statements.h"

static const char *const texts[] = {
    [SQLITE_STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
    [SQLITE_STATEMENT_COMMIT] = "COMMIT",
    [SQLITE_STATEMENT_ROLLBACK] = "ROLLBACK",
    [SQLITE_STATEMENT_EPOCH] = "UPDATE meta SET epoch = ?",
    [SQLITE_STATEMENT_DEFINITION] =
        "INSERT INTO definitions (digest, source, compiled_by) VALUES (?, ?, ?)"
        " ON CONFLICT DO NOTHING",
    [SQLITE_STATEMENT_RUN] =
        "INSERT INTO runs (run, id, definition, workflow, name, version, labels, root, parent,"
        " call, parent_path, key, request, triggered_by, options, nodes_total, created_at,"
        " queued_by, priority, turn_at, state)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending')",
    [SQLITE_STATEMENT_LABELS] =
        "INSERT OR IGNORE INTO labels (key, value, run)"
        " SELECT key, CAST(value AS TEXT), ?1 FROM json_each(?2) WHERE value IS NOT NULL",
    [SQLITE_STATEMENT_ROW] =
        "INSERT INTO journal (id, run, seq, type, path, attempt, at, body, blob)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SQLITE_STATEMENT_BLOB] = "INSERT INTO blobs (digest, run) VALUES (?, ?)"
                              " ON CONFLICT DO NOTHING",
    [SQLITE_STATEMENT_BLOB_FIND] = "SELECT 1 FROM blobs WHERE digest = ? LIMIT 1",
    [SQLITE_STATEMENT_NODE] =
        "INSERT INTO nodes (run, path, state, attempt, wake_at, started_at, ended_at, record)"
        " VALUES (?1, ?2, ?3, ?4, ?5, coalesce(?6, ?7), ?7, ?8)"
        " ON CONFLICT DO UPDATE SET state = ?3, attempt = ?4, wake_at = ?5,"
        " started_at = coalesce(?6, started_at), ended_at = ?7, record = ?8",
    [SQLITE_STATEMENT_NODES_GONE] = "DELETE FROM nodes WHERE run = ?1 AND path >= ?2 AND path < ?3",
    [SQLITE_STATEMENT_NODE_STATE] = "UPDATE nodes SET state = ?3 WHERE run = ?1 AND path = ?2",
    /* This touches no column of an index; the next, for the few records that change more, does. */
    [SQLITE_STATEMENT_PROGRESS] =
        "UPDATE runs SET last_seq = ?3, last_id = ?4, nodes_done = nodes_done + ?5,"
        " nodes_failed = nodes_failed + ?6 WHERE run = ?1 AND last_seq = ?2",
    [SQLITE_STATEMENT_SPENT] = "UPDATE runs SET spent = ?2 WHERE run = ?1",
    [SQLITE_STATEMENT_RUN_STATE] =
        "UPDATE runs SET state = CASE"
        "  WHEN ended_at IS NOT NULL THEN state"
        "  WHEN ?2 IS NOT NULL THEN ?2"
        "  WHEN EXISTS (SELECT 1 FROM nodes WHERE nodes.run = ?1 AND nodes.state = 'unknown')"
        "   THEN 'approval_required'"
        "  WHEN EXISTS (SELECT 1 FROM nodes WHERE nodes.run = ?1 AND nodes.state = 'dead')"
        "   THEN 'dead'"
        "  WHEN coalesce(?6, paused) THEN 'paused'"
        "  WHEN coalesce(?3, started_at) IS NULL THEN 'pending'"
        "  ELSE 'running' END,"
        " started_at = coalesce(started_at, ?3), ended_at = coalesce(ended_at, ?4),"
        " wake_at = iif(?4 IS NULL, wake_at, NULL), record = coalesce(record, ?5),"
        " paused = coalesce(?6, paused) WHERE run = ?1",
    [SQLITE_STATEMENT_UNKNOWN] = "SELECT EXISTS (SELECT 1 FROM nodes WHERE state = 'unknown')"
                                 " OR EXISTS (SELECT 1 FROM nodes WHERE state = 'dead')",
    [SQLITE_STATEMENT_AUDIT] = "INSERT INTO audit (at, who, action, run, detail)"
                               " VALUES (?, ?, ?, (SELECT run FROM runs WHERE run = ?), ?)",
    [SQLITE_STATEMENT_WAKE] = "UPDATE runs SET wake_at = ?2 WHERE run = ?1",
    [SQLITE_STATEMENT_BLOCKED] = "UPDATE runs SET blocked = ?2 WHERE run = ?1",
    [SQLITE_STATEMENT_DEAD] = "UPDATE runs SET dead = ?2 WHERE run = ?1",
    [SQLITE_STATEMENT_TURN] = "UPDATE runs SET turn_at = ?2 WHERE run = ?1",
    [SQLITE_STATEMENT_PRIORITY] = "UPDATE runs SET priority = ?2 WHERE run = ?1",
    [SQLITE_STATEMENT_CRASHES] = "UPDATE runs SET crashes = ?2 WHERE run = ?1",
    [SQLITE_STATEMENT_LOG_COUNT] =
        "UPDATE runs SET log_count = log_count + 1 WHERE run = ?1 RETURNING log_count",
    [SQLITE_STATEMENT_LOG] = "INSERT INTO logs (run, path, attempt, at, level, line)"
                             " VALUES (?, ?, ?, ?, ?, ?)",
    [SQLITE_STATEMENT_LOG_LAST] = "UPDATE logs SET at = ?2, line = ?3"
                                  " WHERE id = (SELECT max(id) FROM logs WHERE run = ?1)",
    [SQLITE_STATEMENT_SCOPE] = "INSERT INTO scopes (kind, key, state, at) VALUES (?1, ?2, ?3, ?4)"
                               " ON CONFLICT DO UPDATE SET state = ?3, at = ?4",
    [SQLITE_STATEMENT_CACHE] =
        "INSERT INTO cache (key, at, until, bytes, port, output) VALUES (?, ?, ?, ?, ?, ?)",
    [SQLITE_STATEMENT_CACHE_ITEMS] = "INSERT INTO cache_items (key, part, items) VALUES (?, ?, ?)",
    [SQLITE_STATEMENT_CACHE_ITEM] = "SELECT body -> '$.output', blob ->> '$.output'"
                                    " FROM journal WHERE run = ? AND seq = ?",
    [SQLITE_STATEMENT_CACHE_GONE] = "DELETE FROM cache WHERE key = ? RETURNING bytes",
    [SQLITE_STATEMENT_CACHE_BYTES] = "SELECT ifnull(sum(bytes), 0) FROM cache",
    [SQLITE_STATEMENT_CACHE_OVER] =
        "DELETE FROM cache WHERE rowid IN (SELECT rowid FROM cache WHERE until < ?"
        " ORDER BY until LIMIT 16) RETURNING bytes",
    [SQLITE_STATEMENT_CACHE_OLDEST] =
        "DELETE FROM cache WHERE rowid IN (SELECT rowid FROM cache ORDER BY at LIMIT 16)"
        " RETURNING bytes",
    [SQLITE_STATEMENT_KV] =
        "INSERT INTO kv (plugin, key, value, version, until) VALUES (?1, ?2, ?3, ?4, ?5)"
        " ON CONFLICT DO UPDATE SET value = ?3, version = ?4, until = ?5",
    [SQLITE_STATEMENT_KV_GONE] = "DELETE FROM kv WHERE plugin = ? AND key = ?",
    [SQLITE_STATEMENT_KV_OVER] = "DELETE FROM kv WHERE rowid IN (SELECT rowid FROM kv"
                                 " WHERE until > 0 AND until <= ? ORDER BY until LIMIT 16)",
    [SQLITE_STATEMENT_SCOPE_GONE] = "DELETE FROM scopes WHERE kind = ? AND key = ?",
};

static int prepare(struct sqlite_statements *statements, enum sqlite_statement which)
{
    sqlite3_stmt **prepared = &statements->prepared[which];
    return *prepared != NULL ? SQLITE_OK
                             : sqlite3_prepare_v3(statements->db, texts[which], -1,
                                                  SQLITE_PREPARE_PERSISTENT, prepared, NULL);
}

struct sqlite_call sqlite_statements_call(struct sqlite_statements *statements,
                                          enum sqlite_statement which)
{
    int rc = prepare(statements, which);
    struct sqlite_call call = sqlite_call_begin(statements->prepared[which]);
    call.rc = rc;
    return call;
}

void sqlite_statements_prepare_usual(struct sqlite_statements *statements)
{
    static const enum sqlite_statement usual[] = {
        SQLITE_STATEMENT_BEGIN,    SQLITE_STATEMENT_EPOCH,     SQLITE_STATEMENT_DEFINITION,
        SQLITE_STATEMENT_RUN,      SQLITE_STATEMENT_ROW,       SQLITE_STATEMENT_NODE,
        SQLITE_STATEMENT_PROGRESS, SQLITE_STATEMENT_RUN_STATE, SQLITE_STATEMENT_COMMIT,
    };
    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
        (void)prepare(statements, usual[i]);
    }
}

int sqlite_statements_do(struct sqlite_statements *statements, enum sqlite_statement which)
{
    struct sqlite_call call = sqlite_statements_call(statements, which);
    return sqlite_call_end(&call);
}

void sqlite_statements_finish(struct sqlite_statements *statements)
{
    for (size_t i = 0; i < SQLITE_STATEMENTS; i++) {
        (void)sqlite3_finalize(statements->prepared[i]); /* says again what the last step said */
        statements->prepared[i] = NULL;
    }
}
