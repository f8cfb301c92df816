/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/run_result.h"

#include "core/api/json_text.h"
#include "core/base/error.h"
#include "core/cli/run_view.h"
#include "core/engine/failure.h"
#include "core/model/pipeline.h"
#include "core/value/builder.h"
#include "core/value/value.h"

/* Levels around a value: the result, its list of steps, a step. */
enum { LEVELS_AROUND = 3 };

static void add_document(struct builder *b, struct str key, const struct document *document)
{
    if (document == NULL) {
        builder_member_null(b, key);
        return;
    }
    builder_key(b, key);
    json_text_part(b, document, document_root(document), LEVELS_AROUND);
}

/* What stood in for the call, or where it waits. */
static void add_origin(struct builder *b, unsigned from, const struct document *output)
{
    if (from == OUTPUT_FROM_QUEUE) {
        builder_member_string(b, STR(OUTPUT_QUEUE_ID), run_view_queue_id(output));
    }
    if ((from & OUTPUT_FROM_CACHE) != 0) {
        builder_member_bool(b, STR(OUTPUT_CACHE_MARK), true);
    }
    if ((from & OUTPUT_FROM_FALLBACK) != 0) {
        builder_member_bool(b, STR(OUTPUT_FALLBACK_MARK), true);
    }
}

/* What only loops and calls have. */
static void add_extras(struct builder *b, const struct document *detail, const char *child)
{
    const struct value *root = detail != NULL ? document_root(detail) : NULL;
    for (size_t i = 0; root != NULL && i < value_count(root); i++) {
        const struct value_member *member = value_member_at(root, i);
        builder_key(b, value_str(&member->key));
        json_text_part(b, detail, &member->value, LEVELS_AROUND);
    }
    if (child != NULL) {
        builder_member_string(b, STR("child_run_id"), str_from(child));
    }
}

static void add_step(struct builder *b, const struct step_view *step)
{
    builder_map_begin(b);
    builder_member_string(b, STR("step_id"), step->id);
    builder_member_string(b, STR("path"), str_from(step->path));
    builder_member_string(b, STR("status"), str_from(node_state_name(step->state)));
    builder_member_int(b, STR("attempt"), step->attempt);
    json_text_time(b, STR("started_at"), step->started_at);
    json_text_time(b, STR("completed_at"), step->ended_at);
    json_text_seconds(b, STR("duration_seconds"), step->started_at, step->ended_at);
    add_document(b, STR("output"), step->output);
    add_document(b, STR("error"), step->error);
    add_origin(b, step->from, step->output);
    add_extras(b, step->detail, step->child);
    builder_map_end(b);
}

static int add_root_step(struct builder *b, const struct run_view *view, uint32_t i)
{
    const struct node_view *node = &view->nodes[i];
    bool is_over = node->state >= NODE_COMPLETED;
    struct strbuf path = STRBUF_INIT;
    run_tree_append_path((struct step){.frame = view->root, .node = i}, &path);
    int status = strbuf_status(&path);
    if (status == 0) {
        add_step(b, &(struct step_view){.id = view->pipeline->nodes[i].id,
                                        .path = path.p,
                                        .state = is_over || view->ended_at == 0 ? node->state
                                                                                : NODE_NOT_RUN,
                                        .attempt = node->attempt - node->before,
                                        .started_at = node->started_at,
                                        .ended_at = node->ended_at,
                                        .output = node->output,
                                        .error = node->error,
                                        .from = node->from,
                                        .detail = node->detail,
                                        .child = node->child});
    }
    strbuf_finish(&path);
    return status;
}

static int add_root_steps(struct builder *b, const struct run_view *view)
{
    int status = 0;
    builder_key(b, STR("step_results"));
    builder_list_begin(b);
    for (uint32_t i = 0; i < view->node_count && status == 0; i++) {
        status = add_root_step(b, view, i);
    }
    builder_list_end(b);
    return status;
}

static void add_inner_steps(struct builder *b, const struct run_view *view)
{
    builder_key(b, STR("inner_results"));
    builder_list_begin(b);
    for (size_t i = 0; i < view->kept.step_count; i++) {
        add_step(b, &view->kept.steps[i]);
    }
    builder_list_end(b);
    builder_member_int(b, STR("inner_results_left_out"),
                       (int64_t)(view->kept.step_total - view->kept.step_count));
}

static void add_failures(struct builder *b, const struct run_view *view)
{
    builder_key(b, STR("inner_failures"));
    builder_list_begin(b);
    for (size_t i = 0; i < view->kept.failure_count; i++) {
        const struct failure_view *failure = &view->kept.failures[i];
        builder_map_begin(b);
        builder_member_string(b, STR("path"), str_from(failure->path));
        builder_member_bool(b, STR("handled"), failure->is_handled);
        add_document(b, STR("error"), failure->error);
        builder_map_end(b);
    }
    builder_list_end(b);
    builder_member_int(b, STR("inner_failures_left_out"),
                       (int64_t)(view->kept.failure_total - view->kept.failure_count));
}

/* Of a state machine: the states that were left, in order. */
static void add_history(struct builder *b, const struct run_view *view)
{
    if (view->root->body->kind != BODY_STATES) {
        builder_member_null(b, STR("history"));
        builder_member_int(b, STR("history_left_out"), 0);
        return;
    }
    builder_key(b, STR("history"));
    builder_list_begin(b);
    for (size_t i = 0; i < view->kept.history_count; i++) {
        builder_string(b, view->pipeline->nodes[view->kept.history[i]].id);
    }
    builder_list_end(b);
    builder_member_int(b, STR("history_left_out"),
                       (int64_t)(view->kept.history_total - view->kept.history_count));
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

/* Those that were sent and nothing took, in the order of sending. */
static void add_events(struct builder *b, const struct run_view *view)
{
    builder_key(b, STR("events_not_taken"));
    builder_list_begin(b);
    for (size_t i = 0; i < view->kept.event_count; i++) {
        const struct value *name = value_get(document_root(view->kept.events[i]), STR("name"));
        builder_string(b, value_str(name));
    }
    builder_list_end(b);
}

/* Those that a kill left out are there, too. */
static void add_endings(struct builder *b, const struct run_view *view)
{
    struct str dropped[RUN_VIEW_ENDINGS_MOST];
    size_t dropped_count = run_view_dropped_endings(view, dropped);
    builder_key(b, STR("endings"));
    builder_list_begin(b);
    for (size_t i = 0; i < view->ending_count; i++) {
        const struct ending_view *ending = &view->endings[i];
        builder_map_begin(b);
        builder_member_string(b, STR("name"), ending->what);
        builder_member_string(b, STR("status"), str_from(run_state_name(ending->state)));
        add_document(b, STR("error"), ending->error);
        builder_map_end(b);
    }
    for (size_t i = 0; i < dropped_count; i++) {
        builder_map_begin(b);
        builder_member_string(b, STR("name"), dropped[i]);
        builder_member_string(b, STR("status"), str_from(node_state_name(NODE_NOT_RUN)));
        add_document(b, STR("error"), NULL);
        builder_map_end(b);
    }
    builder_list_end(b);
    builder_member_int(b, STR("undone_count"), (int64_t)view->undone);
    builder_member_int(b, STR("undo_failure_count"), (int64_t)view->undo_failures);
    builder_member_int(b, STR("not_undone_count"), (int64_t)run_view_not_undone(view));
}

/* What its calls took. */
static void add_usage(struct builder *b, const struct run_view *view)
{
    builder_key(b, STR("usage"));
    if (view->spent != NULL) {
        builder_embed(b, view->spent, value_get(document_root(view->spent), STR("total")));
    } else {
        builder_null(b);
    }
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
    json_text_time(b, STR("started_at"), view->started_at);
    json_text_time(b, STR("completed_at"), view->ended_at);
    json_text_seconds(b, STR("total_duration_seconds"), view->started_at, view->ended_at);
    int status = add_root_steps(b, view);
    builder_member_int(b, STR("success_count"), view->completed);
    builder_member_int(b, STR("failure_count"), view->failed);
    add_usage(b, view);
    add_document(b, STR("output"), view->output);
    if (status == 0) {
        status = add_error_message(b, view);
    }
    add_document(b, STR("error"), view->error);
    add_inner_steps(b, view);
    add_failures(b, view);
    add_history(b, view);
    add_endings(b, view);
    add_events(b, view);
    if (status != 0) {
        builder_destroy(b);
        return error_nomem(err);
    }
    builder_map_end(b);
    return builder_finish(b, out_document, err);
}
