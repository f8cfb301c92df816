/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/run_rows.h"

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/engine/engine.h"
#include "core/engine/queue.h"
#include "core/loop/commit.h"
#include "core/loop/run_driver.h"
#include "core/model/pipeline.h"
#include "core/value/json.h"
#include "core/value/value.h"

/* ---- writing ---- */

/* What is not said is left out: then that of the machine counts. */
static void append_retention(const struct retention *own, struct strbuf *out)
{
    if (own->keep_ms > 0) {
        strbuf_append_format(out, ",\"keep_ms\":%lld", (long long)own->keep_ms);
    }
    if (own->keep_failed_ms > 0) {
        strbuf_append_format(out, ",\"keep_failed_ms\":%lld", (long long)own->keep_failed_ms);
    }
    if (own->max_runs > 0) {
        strbuf_append_format(out, ",\"max_runs\":%u", own->max_runs);
    }
}

static void append_options(const struct run *run, struct strbuf *out)
{
    strbuf_append_format(out, "{\"depth\":%u,\"max_memory_mb\":%u,\"rollback\":%s", run_depth(run),
                         run_max_memory_mb(run), run_has_rollback(run) ? "true" : "false");
    append_retention(&run_pipeline(run)->retention, out);
    strbuf_append_char(out, '}');
}

static void append_call(const struct engine_call *call, struct strbuf *out)
{
    strbuf_append_format(out, "{\"frame\":%llu,\"node\":%u,\"attempt\":%u,\"awaited\":%s}",
                         (unsigned long long)call->frame, call->node, call->attempt,
                         call->is_awaited ? "true" : "false");
}

/* What all runs have. */
static struct journal_new_run row_of(const struct run *run, int64_t created_at)
{
    const struct pipeline *pipeline = run_pipeline(run);
    return (struct journal_new_run){
        .number = run_number(run),
        .id = run_id(run),
        .workflow = pipeline->id,
        .name = pipeline->name,
        .version = pipeline->version,
        .nodes_total = pipeline->bodies[0].node_count,
        .created_at = created_at,
    };
}

void run_rows_add_root(struct commit *commit, const struct loop_run *run,
                       const struct loop_run_options *options)
{
    struct strbuf own = STRBUF_INIT;
    struct strbuf labels = STRBUF_INIT;
    int64_t now = clock_unix_ms();
    struct journal_new_run row = row_of(run->run, now);
    struct journal_definition definition = {.digest = options->definition.digest,
                                            .source = options->definition.source,
                                            .compiled_by = options->definition.compiled_by};
    struct journal_audit audit = {.at_unix_ms = now,
                                  .who = options->who,
                                  .action = STR("start"),
                                  .run = row.number,
                                  .detail = options->audit};
    append_options(run->run, &own);
    json_write(document_root(run_pipeline(run->run)->labels), JSON_COMPACT, &labels);
    row.labels = strbuf_str(&labels);
    row.definition = options->definition.digest;
    row.root = row.number;
    row.key = options->key;
    row.request = options->request;
    row.triggered_by = options->triggered_by;
    row.options = strbuf_str(&own);
    commit->has_failed = commit->has_failed || strbuf_status(&own) != 0 ||
                         strbuf_status(&labels) != 0;
    if (definition.source.n > 0) { /* else it is there: the run is another one's again */
        commit_add_definition(commit, &definition);
    }
    commit_add_run(commit, &row);
    commit_add_audit(commit, &audit);
    strbuf_finish(&own);
    strbuf_finish(&labels);
}

/* The id of a child is its caller's and the path of the call. */
static struct str path_of_call(const struct run *child, const struct run *caller)
{
    struct str id = run_id(child);
    size_t n = run_id(caller).n + 1;
    return n < id.n ? (struct str){id.p + n, id.n - n} : STR("");
}

void run_rows_add_child(struct commit *commit, const struct run *child,
                        const struct engine_call *call, const struct loop_run *root)
{
    struct strbuf own = STRBUF_INIT;
    struct strbuf where = STRBUF_INIT;
    struct journal_new_run row = row_of(child, clock_unix_ms());
    append_options(child, &own);
    append_call(call, &where);
    row.definition = str_from(root->definition);
    row.root = run_number(root->run);
    row.parent = run_number(call->run);
    row.parent_path = path_of_call(child, call->run);
    row.call = strbuf_str(&where);
    row.triggered_by = STR("workflow");
    row.options = strbuf_str(&own);
    commit->has_failed = commit->has_failed || strbuf_status(&own) != 0 ||
                         strbuf_status(&where) != 0;
    commit_add_run(commit, &row);
    strbuf_finish(&own);
    strbuf_finish(&where);
}

void run_rows_add_item(struct commit *commit, const struct loop_run *item)
{
    struct strbuf own = STRBUF_INIT;
    struct strbuf labels = STRBUF_INIT;
    struct str origin;
    struct journal_new_run row = row_of(item->run, clock_unix_ms());
    append_options(item->run, &own);
    json_write(document_root(run_pipeline(item->run)->labels), JSON_COMPACT, &labels);
    queue_split_id(run_id(item->run), &origin, &row.parent_path);
    row.labels = strbuf_str(&labels);
    row.definition = str_from(item->definition);
    row.root = row.number;
    row.queued_by = run_pipeline(item->run)->queued_by;
    row.priority = (enum queue_priority)run_turn(item->run).priority;
    row.turn_at = run_turn(item->run).at;
    row.triggered_by = STR("queue");
    row.options = strbuf_str(&own);
    commit->has_failed = commit->has_failed || strbuf_status(&own) != 0 ||
                         strbuf_status(&labels) != 0;
    commit_add_run(commit, &row);
    strbuf_finish(&own);
    strbuf_finish(&labels);
}

void run_rows_note_turns(struct commit *commit)
{
    for (size_t i = 0; i < commit->batch.record_count; i++) {
        const struct record *record = &commit->batch.records[i];
        struct journal_mark mark = {.run = record->run_number};
        if (!queue_is_item(record->run)) {
            continue;
        }
        if (record->type == RECORD_NODE_RETRY) {
            mark.kind = JOURNAL_MARK_TURN;
            mark.at = record->due_unix_ms;
            commit_add_mark(commit, &mark);
        } else if (record->has_priority) {
            mark.kind = JOURNAL_MARK_PRIORITY;
            mark.at = record->priority;
            commit_add_mark(commit, &mark);
        }
    }
}

/* ---- reading ---- */

static bool read_number(const struct value *map, struct str key, uint64_t most, uint64_t *out)
{
    const struct value *value = value_get(map, key);
    if (!value_is(value, VALUE_INT) || value_int(value) < 0 || (uint64_t)value_int(value) > most) {
        return false;
    }
    *out = (uint64_t)value_int(value);
    return true;
}

static bool read_flag(const struct value *map, struct str key, bool *out)
{
    const struct value *value = value_get(map, key);
    *out = value_is(value, VALUE_BOOL) && value_bool(value);
    return value_is(value, VALUE_BOOL);
}

static int read_map(struct str text, const char *what, struct document **out, struct error *err)
{
    struct error inner = {0};
    int status = json_read(text, NULL, out, &inner);
    if (status == E_NOMEM) {
        return error_nomem(err);
    }
    return status == 0 ? 0 : error_set(err, E_CORRUPT, "%s of a run cannot be read", what);
}

int run_rows_read_call(struct str text, struct engine_call *out_call, struct error *err)
{
    cleanup_document struct document *document = NULL;
    uint64_t node = 0;
    uint64_t attempt = 0;
    struct engine_call call = *out_call;
    int status = read_map(text, "the call", &document, err);
    if (status != 0) {
        return status;
    }
    const struct value *map = document_root(document);
    if (!read_number(map, STR("frame"), INT64_MAX, &call.frame) ||
        !read_number(map, STR("node"), UINT32_MAX - 1, &node) ||
        !read_number(map, STR("attempt"), UINT32_MAX, &attempt) ||
        !read_flag(map, STR("awaited"), &call.is_awaited)) {
        return error_set(err, E_CORRUPT, "the call of a run is not what it has to be");
    }
    call.node = (uint32_t)node;
    call.attempt = (uint32_t)attempt;
    *out_call = call;
    return 0;
}

int run_rows_read_options(struct str text, struct run_options *out_options, struct error *err)
{
    cleanup_document struct document *document = NULL;
    uint64_t depth = 0;
    uint64_t memory = 0;
    int status = read_map(text, "the options", &document, err);
    if (status != 0) {
        return status;
    }
    const struct value *map = document_root(document);
    if (!read_number(map, STR("depth"), UINT32_MAX, &depth) ||
        !read_number(map, STR("max_memory_mb"), UINT32_MAX, &memory) ||
        !read_flag(map, STR("rollback"), &out_options->has_rollback)) {
        return error_set(err, E_CORRUPT, "the options of a run are not what they have to be");
    }
    out_options->depth = (uint32_t)depth;
    out_options->max_memory_mb = (uint32_t)memory;
    return 0;
}

struct retention run_rows_read_retention(struct str options)
{
    cleanup_document struct document *document = NULL;
    uint64_t keep_ms = 0;
    uint64_t keep_failed_ms = 0;
    uint64_t max_runs = 0;
    if (read_map(options, "the options", &document, NULL) != 0) {
        return (struct retention){0};
    }
    const struct value *map = document_root(document);
    (void)read_number(map, STR("keep_ms"), INT64_MAX, &keep_ms); /* or not said; likewise below */
    (void)read_number(map, STR("keep_failed_ms"), INT64_MAX, &keep_failed_ms);
    (void)read_number(map, STR("max_runs"), UINT32_MAX, &max_runs);
    return (struct retention){.keep_ms = (int64_t)keep_ms,
                              .keep_failed_ms = (int64_t)keep_failed_ms,
                              .max_runs = (uint32_t)max_runs};
}
