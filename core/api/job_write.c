/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/job_write.h"

#include "core/api/json_text.h"
#include "core/journal/journal_reader.h"
#include "core/value/builder.h"
#include "core/value/value.h"

const char *const job_states[] = {
    "pending",   "queued", "running",   "paused",  "approval_required",
    "completed", "failed", "cancelled", "blocked", NULL,
};

void job_write_states(struct strbuf *out)
{
    for (size_t i = 0; job_states[i] != NULL; i++) {
        strbuf_append_text(out, i > 0 ? ", " : "");
        strbuf_append_text(out, job_states[i]);
    }
}

bool job_is_over(const struct journal_run *run)
{
    return run->ended_at != 0;
}

struct str job_status(const struct journal_run *run)
{
    return run->blocked.n > 0 && !job_is_over(run) ? STR("blocked") : run->state;
}

/* Nodes are done when they have ended in any way; a run that completed needed no others. */
static void add_progress(struct builder *b, const struct journal_run *run)
{
    uint32_t total = run->nodes_total;
    uint32_t done = run->nodes_done < total ? run->nodes_done : total;
    bool is_whole = str_equal_text(run->state, "completed");
    builder_key(b, STR("progress"));
    builder_map_begin(b);
    builder_member_int(b, STR("done"), done);
    builder_member_int(b, STR("total"), total);
    builder_member_double(b, STR("fraction"),
                          is_whole     ? 1.0
                          : total == 0 ? 0.0
                                       : (double)done / (double)total);
    builder_map_end(b);
}

/* Parked until then; INT64_MAX is an event, which has no time. */
static void add_wake(struct builder *b, const struct journal_run *run)
{
    json_text_time(b, STR("wake_at"), run->wake_at == INT64_MAX ? 0 : run->wake_at);
}

/* Of one that has not ended: so far. */
static int64_t end_of(const struct journal_run *run, int64_t now_unix_ms)
{
    return job_is_over(run) ? run->ended_at : now_unix_ms;
}

void job_write_members(struct builder *b, const struct journal_run *run, int64_t now_unix_ms,
                       unsigned levels)
{
    json_text_member(b, STR("id"), run->id);
    json_text_member(b, STR("execution_id"), run->id);
    json_text_member(b, STR("workflow"), run->workflow);
    json_text_member_or_null(b, STR("name"), run->name);
    json_text_member_or_null(b, STR("version"), run->version);
    json_text_member(b, STR("status"), job_status(run));
    json_text_member_or_null(b, STR("reason"), run->blocked);
    builder_key(b, STR("labels"));
    json_text_value(b, run->labels.n > 0 ? run->labels : STR("{}"), levels + 1);
    json_text_time(b, STR("created_at"), run->created_at);
    json_text_time(b, STR("started_at"), run->started_at);
    json_text_time(b, STR("completed_at"), run->ended_at);
    json_text_seconds(b, STR("total_duration_seconds"), run->started_at, end_of(run, now_unix_ms));
    add_progress(b, run);
    builder_member_int(b, STR("failed_steps"), run->nodes_failed);
    builder_key(b, STR("usage"));
    json_text_value(b, run->spent, levels + 1);
    add_wake(b, run);
    json_text_member_or_null(b, STR("triggered_by"), run->triggered_by);
    json_text_member_or_null(b, STR("key"), run->key);
    json_text_member_or_null(b, STR("plan_id"), run->definition);
}

/* ---- how it ended ---- */

static void add_part(struct builder *b, struct str key, const struct document *result,
                     unsigned levels)
{
    builder_key(b, key);
    json_text_part(b, result, value_get(document_root(result), key), levels + 1);
}

/* "node 'x': message", as 'opstream run --json' has it. */
static void add_message(struct builder *b, const struct document *result)
{
    const struct value *error = value_get(document_root(result), STR("error"));
    const struct value *node = value_get(error, STR("node"));
    const struct value *message = value_get(error, STR("message"));
    struct strbuf text = STRBUF_INIT;
    if (!value_is(message, VALUE_STRING)) {
        builder_member_null(b, STR("error_message"));
        return;
    }
    if (value_is(node, VALUE_STRING)) {
        strbuf_append_text(&text, "node '");
        strbuf_append_str(&text, value_str(node));
        strbuf_append_text(&text, "': ");
    }
    strbuf_append_str(&text, value_str(message));
    builder_member_string(b, STR("error_message"), strbuf_str(&text));
    if (strbuf_status(&text) != 0) {
        builder_fail_nomem(b);
    }
    strbuf_finish(&text);
}

void job_write_result(struct builder *b, const struct journal_run *run, unsigned levels)
{
    cleanup_document struct document *read = json_text_read(b, run->result);
    const struct document *result = read != NULL ? read : document_empty_map();
    add_part(b, STR("output"), result, levels);
    add_message(b, result);
    add_part(b, STR("error"), result, levels);
}
