/* SPDX-License-Identifier: Apache-2.0 */
#include "core/journal/sqlite_rows.h"

#include <stdio.h>

#include "core/base/error.h"
#include "core/engine/record_json.h"
#include "core/journal/journal.h"
#include "core/value/json.h"
#include "core/value/value.h"

/* A larger buffer is given back after the transaction that needed it. */
enum { KEPT_BYTES = 1024 * 1024 };

/* ---- records ---- */

static int add_blob(struct sqlite_rows *rows, uint64_t run, const char *name)
{
    char digest[DIGEST_HEX_SIZE];
    /* The text alone: the buffer holds `"output":{...}`. */
    size_t key = str_from(name).n + 3;
    struct str text = str_make(rows->member.p + key, rows->member.n - key);
    rows->bytes += text.n; /* also of one that has no room */
    int rc = sqlite_blobs_put(&rows->blobs, run, text, digest);
    if (rc != SQLITE_OK) {
        return rc;
    }
    strbuf_append_text(&rows->blob, rows->blob.n == 0 ? "{\"" : ",\"");
    strbuf_append_text(&rows->blob, name);
    strbuf_append_text(&rows->blob, "\":\"");
    strbuf_append_text(&rows->blob, digest);
    strbuf_append_char(&rows->blob, '"');
    return SQLITE_OK;
}

static int add_document(struct sqlite_rows *rows, uint64_t run, const char *name,
                        const struct document *document)
{
    strbuf_clear(&rows->member);
    record_write_document(name, document, &rows->member);
    if (strbuf_status(&rows->member) != 0) {
        return SQLITE_NOMEM;
    }
    if (rows->member.n > SQLITE_BLOBS_INLINE_BYTES) {
        return add_blob(rows, run, name);
    }
    if (rows->body.n > 1) {
        strbuf_append_char(&rows->body, ',');
    }
    strbuf_append_str(&rows->body, strbuf_str(&rows->member));
    return SQLITE_OK;
}

static int encode(struct sqlite_rows *rows, const struct record *record)
{
    int rc = SQLITE_OK;
    strbuf_clear(&rows->body);
    strbuf_clear(&rows->blob);
    strbuf_append_char(&rows->body, '{');
    record_write_members(record, &rows->body);
    for (size_t i = 0; i < RECORD_DOCUMENTS && rc == SQLITE_OK; i++) {
        const char *name = NULL;
        const struct document *document = record_document(record, i, &name);
        rc = document != NULL ? add_document(rows, record->run_number, name, document) : SQLITE_OK;
    }
    strbuf_append_char(&rows->body, '}');
    if (rows->blob.n > 0) {
        strbuf_append_char(&rows->blob, '}');
    }
    if (rc == SQLITE_OK && (strbuf_status(&rows->body) != 0 || strbuf_status(&rows->blob) != 0)) {
        rc = SQLITE_NOMEM;
    }
    return rc;
}

static int insert_record(struct sqlite_rows *rows, const struct record *record, uint64_t id)
{
    struct sqlite_call call = sqlite_statements_call(rows->statements, SQLITE_STATEMENT_ROW);
    sqlite_call_int(&call, (int64_t)id);
    sqlite_call_int(&call, (int64_t)record->run_number);
    sqlite_call_int(&call, (int64_t)record->seq);
    sqlite_call_str(&call, str_from(record_type_name(record->type)));
    sqlite_call_str(&call, str_from(record->path));
    sqlite_call_int(&call, record->attempt);
    sqlite_call_int(&call, record->at_unix_ms);
    sqlite_call_str(&call, strbuf_str(&rows->body));
    sqlite_call_str_or_null(&call, strbuf_str(&rows->blob));
    return sqlite_call_end(&call);
}

static int add_record(struct sqlite_rows *rows, const struct record *record)
{
    if (record_is_lazy(record) || record->run_number == 0) {
        return SQLITE_OK;
    }
    uint64_t id = rows->last_id + 1;
    int rc = encode(rows, record);
    rows->bytes += rows->body.n;
    if (rc == SQLITE_OK) {
        rc = insert_record(rows, record, id);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite_projection_note(&rows->projection, record, id);
    }
    rows->last_id = id;
    return rc;
}

static int add_records(struct sqlite_rows *rows, const struct batch *batch)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; batch != NULL && i < batch->record_count && rc == SQLITE_OK; i++) {
        rc = add_record(rows, &batch->records[i]);
    }
    return rc;
}

/* ---- scopes ---- */

static int forget_scope(struct sqlite_rows *rows, const struct scope_change *change)
{
    struct sqlite_call call = sqlite_statements_call(rows->statements, SQLITE_STATEMENT_SCOPE_GONE);
    sqlite_call_str(&call, str_from(change->kind));
    sqlite_call_str(&call, change->key);
    return sqlite_call_end(&call);
}

static int add_scope(struct sqlite_rows *rows, const struct scope_change *change)
{
    if (change->state == NULL) {
        return forget_scope(rows, change);
    }
    strbuf_clear(&rows->body);
    json_write(document_root(change->state), JSON_COMPACT, &rows->body);
    if (strbuf_status(&rows->body) != 0) {
        return SQLITE_NOMEM;
    }
    rows->bytes += rows->body.n;
    struct sqlite_call call = sqlite_statements_call(rows->statements, SQLITE_STATEMENT_SCOPE);
    sqlite_call_str(&call, str_from(change->kind));
    sqlite_call_str(&call, change->key);
    sqlite_call_str(&call, strbuf_str(&rows->body));
    sqlite_call_int(&call, change->at_unix_ms);
    return sqlite_call_end(&call);
}

static int add_scopes(struct sqlite_rows *rows, const struct batch *batch)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; batch != NULL && i < batch->scope_count && rc == SQLITE_OK; i++) {
        rc = add_scope(rows, &batch->scopes[i]);
    }
    return rc;
}

/* ---- the cache ---- */

static int add_caches(struct sqlite_rows *rows, const struct batch *batch)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; batch != NULL && i < batch->cache_count && rc == SQLITE_OK; i++) {
        const struct cache_entry *entry = &batch->caches[i];
        strbuf_clear(&rows->body);
        if (entry->output != NULL) {
            json_write(document_root(entry->output), JSON_COMPACT, &rows->body);
        }
        rc = strbuf_status(&rows->body) != 0
                 ? SQLITE_NOMEM
                 : sqlite_cache_add(&rows->cache, entry, strbuf_str(&rows->body));
        rows->bytes += rows->body.n + entry->items_bytes;
    }
    return rc;
}

/* ---- what plugins keep ---- */

static int add_kv(struct sqlite_rows *rows, const struct journal_kv *kv)
{
    bool is_gone = kv->version == 0;
    struct sqlite_call call = sqlite_statements_call(
        rows->statements, is_gone ? SQLITE_STATEMENT_KV_GONE : SQLITE_STATEMENT_KV);
    sqlite_call_str(&call, kv->plugin);
    sqlite_call_str(&call, kv->key);
    if (!is_gone) {
        sqlite_call_bytes(&call, kv->value);
        sqlite_call_int(&call, (int64_t)kv->version);
        sqlite_call_int(&call, kv->until);
    }
    rows->bytes += kv->value.n;
    return sqlite_call_end(&call);
}

/* Some of those whose time is over go with each write. */
static int add_kvs(struct sqlite_rows *rows, const struct journal_write *write)
{
    int rc = SQLITE_OK;
    if (write->kv_count == 0) {
        return rc;
    }
    struct sqlite_call call = sqlite_statements_call(rows->statements, SQLITE_STATEMENT_KV_OVER);
    sqlite_call_int(&call, write->kvs[0].at_unix_ms);
    rc = sqlite_call_end(&call);
    for (size_t i = 0; i < write->kv_count && rc == SQLITE_OK; i++) {
        rc = add_kv(rows, &write->kvs[i]);
    }
    return rc;
}

/* ---- the rest of a write ---- */

static int add_definition(struct sqlite_rows *rows, const struct journal_definition *definition)
{
    struct sqlite_call call = sqlite_statements_call(rows->statements, SQLITE_STATEMENT_DEFINITION);
    sqlite_call_str(&call, definition->digest);
    sqlite_call_str(&call, definition->source);
    sqlite_call_str(&call, definition->compiled_by);
    rows->bytes += definition->source.n;
    return sqlite_call_end(&call);
}

static struct str or_empty_map(struct str json)
{
    return json.n > 0 ? json : STR("{}");
}

/* Most runs have none, and to find that out in SQL takes a tenth of all that a run costs here. */
static int add_labels(struct sqlite_rows *rows, const struct journal_new_run *run)
{
    if (run->labels.n == 0 || str_equal(run->labels, STR("{}"))) {
        return SQLITE_OK;
    }
    struct sqlite_call call = sqlite_statements_call(rows->statements, SQLITE_STATEMENT_LABELS);
    sqlite_call_int(&call, (int64_t)run->number);
    sqlite_call_str(&call, run->labels);
    return sqlite_call_end(&call);
}

static int add_run(struct sqlite_rows *rows, const struct journal_new_run *run)
{
    struct sqlite_call call = sqlite_statements_call(rows->statements, SQLITE_STATEMENT_RUN);
    sqlite_call_int(&call, (int64_t)run->number);
    sqlite_call_str(&call, run->id);
    sqlite_call_str(&call, run->definition);
    sqlite_call_str(&call, run->workflow);
    sqlite_call_str(&call, run->name);
    sqlite_call_str(&call, run->version);
    sqlite_call_str(&call, or_empty_map(run->labels));
    sqlite_call_int(&call, (int64_t)run->root);
    sqlite_call_int_or_null(&call, (int64_t)run->parent);
    sqlite_call_str_or_null(&call, run->call);
    sqlite_call_str_or_null(&call, run->parent_path);
    sqlite_call_str_or_null(&call, run->key);
    sqlite_call_str_or_null(&call, run->request);
    sqlite_call_str(&call, run->triggered_by);
    sqlite_call_str(&call, or_empty_map(run->options));
    sqlite_call_int(&call, run->nodes_total);
    sqlite_call_int(&call, run->created_at);
    sqlite_call_str_or_null(&call, run->queued_by);
    sqlite_call_int(&call, run->priority);
    sqlite_call_int_or_null(&call, run->turn_at);
    int rc = sqlite_call_end(&call);
    return rc == SQLITE_OK ? add_labels(rows, run) : rc;
}

static int add_audit(struct sqlite_rows *rows, const struct journal_audit *audit)
{
    struct sqlite_call call = sqlite_statements_call(rows->statements, SQLITE_STATEMENT_AUDIT);
    sqlite_call_int(&call, audit->at_unix_ms);
    sqlite_call_str(&call, audit->who);
    sqlite_call_str(&call, audit->action);
    sqlite_call_int_or_null(&call, (int64_t)audit->run);
    sqlite_call_str(&call, or_empty_map(audit->detail));
    return sqlite_call_end(&call);
}

static int add_mark(struct sqlite_rows *rows, const struct journal_mark *mark)
{
    static const enum sqlite_statement statements[] = {
        [JOURNAL_MARK_WAKE] = SQLITE_STATEMENT_WAKE,
        [JOURNAL_MARK_ACTIVE] = SQLITE_STATEMENT_WAKE,
        [JOURNAL_MARK_BLOCKED] = SQLITE_STATEMENT_BLOCKED,
        [JOURNAL_MARK_DEAD] = SQLITE_STATEMENT_DEAD,
        [JOURNAL_MARK_CRASHES] = SQLITE_STATEMENT_CRASHES,
        [JOURNAL_MARK_TURN] = SQLITE_STATEMENT_TURN,
        [JOURNAL_MARK_PRIORITY] = SQLITE_STATEMENT_PRIORITY,
    };
    struct sqlite_call call = sqlite_statements_call(rows->statements, statements[mark->kind]);
    sqlite_call_int(&call, (int64_t)mark->run);
    if (mark->kind == JOURNAL_MARK_ACTIVE) {
        sqlite_call_null(&call);
    } else if (mark->kind == JOURNAL_MARK_BLOCKED) {
        sqlite_call_str_or_null(&call, mark->text);
    } else {
        sqlite_call_int(&call, mark->at);
    }
    return sqlite_call_end(&call);
}

/* ---- log lines ---- */

static int insert_log(struct sqlite_rows *rows, const struct journal_log *log, struct str line)
{
    struct sqlite_call call = sqlite_statements_call(rows->statements, SQLITE_STATEMENT_LOG);
    sqlite_call_int(&call, (int64_t)log->run);
    sqlite_call_str(&call, log->path);
    sqlite_call_int(&call, log->attempt);
    sqlite_call_int(&call, log->at_unix_ms);
    sqlite_call_int(&call, log->level);
    sqlite_call_str(&call, line);
    return sqlite_call_end(&call);
}

/* One row stands for all the lines that are too many. */
static int drop_log(struct sqlite_rows *rows, const struct journal_log *log, int64_t number)
{
    char text[64];
    long long dropped = (long long)number - JOURNAL_LOGS_MOST;
    (void)snprintf(text, sizeof(text), "%lld more line%s dropped", dropped,
                   dropped == 1 ? " was" : "s were");
    if (dropped == 1) {
        return insert_log(rows, log, str_from(text));
    }
    struct sqlite_call call = sqlite_statements_call(rows->statements, SQLITE_STATEMENT_LOG_LAST);
    sqlite_call_int(&call, (int64_t)log->run);
    sqlite_call_int(&call, log->at_unix_ms);
    sqlite_call_str(&call, str_from(text));
    return sqlite_call_end(&call);
}

/* A run that is not there any more has no lines. */
static int add_log(struct sqlite_rows *rows, const struct journal_log *log)
{
    int64_t number = 0;
    struct sqlite_call call = sqlite_statements_call(rows->statements, SQLITE_STATEMENT_LOG_COUNT);
    sqlite_call_int(&call, (int64_t)log->run);
    if (sqlite_call_step(&call) == SQLITE_ROW) {
        number = sqlite_call_column_int(&call, 0);
    }
    int rc = sqlite_call_end(&call);
    if (rc != SQLITE_OK || number == 0) {
        return rc;
    }
    rows->bytes += log->line.n;
    return number <= JOURNAL_LOGS_MOST ? insert_log(rows, log, log->line)
                                       : drop_log(rows, log, number);
}

/* ---- public ---- */

static void shrink(struct strbuf *buf)
{
    if (buf->cap > KEPT_BYTES) {
        strbuf_finish(buf);
    }
}

int sqlite_rows_init(struct sqlite_rows *rows, struct sqlite_statements *statements,
                     const char *folder)
{
    int64_t last = 0;
    *rows = (struct sqlite_rows){
        .statements = statements,
        .blobs = {.statements = statements, .folder = folder},
    };
    sqlite_projection_init(&rows->projection, statements);
    sqlite_cache_init(&rows->cache, statements, folder);
    int rc = sqlite_call_number(statements->db, "SELECT max(id) FROM journal", &last);
    rows->last_id = (uint64_t)last;
    return rc;
}

void sqlite_rows_finish(struct sqlite_rows *rows)
{
    sqlite_projection_finish(&rows->projection);
    strbuf_finish(&rows->body);
    strbuf_finish(&rows->blob);
    strbuf_finish(&rows->member);
}

void sqlite_rows_begin(struct sqlite_rows *rows)
{
    rows->last_id_before = rows->last_id;
    rows->bytes = 0;
    shrink(&rows->body);
    shrink(&rows->member);
    sqlite_projection_clear(&rows->projection);
}

/* What others refer to comes first. */
int sqlite_rows_add(struct sqlite_rows *rows, const struct journal_write *write)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; i < write->definition_count && rc == SQLITE_OK; i++) {
        rc = add_definition(rows, &write->definitions[i]);
    }
    for (size_t i = 0; i < write->run_count && rc == SQLITE_OK; i++) {
        rc = add_run(rows, &write->runs[i]);
    }
    for (size_t i = 0; i < write->audit_count && rc == SQLITE_OK; i++) {
        rc = add_audit(rows, &write->audits[i]);
    }
    for (size_t i = 0; i < write->log_count && rc == SQLITE_OK; i++) {
        rc = add_log(rows, &write->logs[i]);
    }
    rc = rc == SQLITE_OK ? add_records(rows, write->batch) : rc;
    rc = rc == SQLITE_OK ? add_scopes(rows, write->batch) : rc;
    rc = rc == SQLITE_OK ? add_caches(rows, write->batch) : rc;
    rc = rc == SQLITE_OK ? add_kvs(rows, write) : rc;
    for (size_t i = 0; i < write->mark_count && rc == SQLITE_OK; i++) {
        rc = add_mark(rows, &write->marks[i]);
    }
    return rc;
}

int sqlite_rows_complete(struct sqlite_rows *rows)
{
    int rc = sqlite_cache_complete(&rows->cache);
    return rc == SQLITE_OK ? sqlite_projection_write(&rows->projection) : rc;
}

void sqlite_rows_undo(struct sqlite_rows *rows)
{
    rows->last_id = rows->last_id_before;
    sqlite_cache_undo(&rows->cache);
}
