/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/run_result.h"

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/cli/run_view.h"
#include "core/engine/failure.h"
#include "core/model/pipeline.h"
#include "core/value/builder.h"
#include "core/value/value.h"

static void add_time(struct builder *b, struct str key, int64_t unix_ms)
{
    if (unix_ms == 0) {
        builder_member_null(b, key);
        return;
    }
    char text[CLOCK_TEXT_SIZE];
    clock_format_rfc3339(unix_ms, text);
    builder_member_string(b, key, str_from(text));
}

static void add_seconds(struct builder *b, struct str key, int64_t from, int64_t to)
{
    if (from == 0 || to == 0) {
        builder_member_null(b, key);
        return;
    }
    builder_member_double(b, key, (double)(to - from) / 1000.0);
}

static void add_document(struct builder *b, struct str key, const struct document *document)
{
    if (document == NULL) {
        builder_member_null(b, key);
        return;
    }
    builder_key(b, key);
    builder_embed(b, document, document_root(document));
}

static void add_step(struct builder *b, const struct run_view *view, uint32_t i)
{
    const struct node_view *node = &view->nodes[i];
    bool is_over = node->state >= NODE_COMPLETED;
    enum node_state state = is_over || view->ended_at == 0 ? node->state : NODE_NOT_RUN;
    builder_map_begin(b);
    builder_member_string(b, STR("step_id"), view->pipeline->nodes[i].id);
    builder_member_string(b, STR("status"), str_from(node_state_name(state)));
    builder_member_int(b, STR("attempt"), node->attempt);
    add_time(b, STR("started_at"), node->started_at);
    add_time(b, STR("completed_at"), node->ended_at);
    add_seconds(b, STR("duration_seconds"), node->started_at, node->ended_at);
    add_document(b, STR("output"), node->output);
    add_document(b, STR("error"), node->error);
    builder_map_end(b);
}

/* "node 'x': message" of the failure that ended the run. */
static int add_error_message(struct builder *b, const struct run_view *view)
{
    if (view->error == NULL) {
        builder_member_null(b, STR("error_message"));
        return 0;
    }
    struct strbuf text = STRBUF_INIT;
    const struct value *node = value_get(document_root(view->error), STR("node"));
    if (value_is(node, VALUE_STRING)) {
        strbuf_append_text(&text, "node '");
        strbuf_append_str(&text, value_str(node));
        strbuf_append_text(&text, "': ");
    }
    strbuf_append_str(&text, failure_message(view->error));
    builder_member_string(b, STR("error_message"), strbuf_str(&text));
    int status = strbuf_status(&text);
    strbuf_finish(&text);
    return status;
}

int run_result_build(const struct run_view *view, struct str execution_id,
                     struct document **out_document, struct error *err)
{
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_member_string(b, STR("execution_id"), execution_id);
    builder_member_string(b, STR("workflow"), view->pipeline->id);
    if (view->pipeline->version.n > 0) {
        builder_member_string(b, STR("version"), view->pipeline->version);
    } else {
        builder_member_null(b, STR("version"));
    }
    builder_member_string(b, STR("status"), str_from(run_state_name(view->state)));
    add_time(b, STR("started_at"), view->started_at);
    add_time(b, STR("completed_at"), view->ended_at);
    add_seconds(b, STR("total_duration_seconds"), view->started_at, view->ended_at);
    builder_key(b, STR("step_results"));
    builder_list_begin(b);
    for (uint32_t i = 0; i < view->node_count; i++) {
        add_step(b, view, i);
    }
    builder_list_end(b);
    builder_member_int(b, STR("success_count"), view->completed);
    builder_member_int(b, STR("failure_count"), view->failed);
    add_document(b, STR("output"), view->output);
    if (add_error_message(b, view) != 0) {
        builder_destroy(b);
        return error_nomem(err);
    }
    builder_map_end(b);
    return builder_finish(b, out_document, err);
}
