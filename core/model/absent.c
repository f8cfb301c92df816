/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/absent.h"

#include "core/base/suggest.h"
#include "core/expr/expr.h"
#include "core/model/reading.h"
#include "core/model/root_names.h"

static const struct str error_fields[] = {
    {"code", 4}, {"message", 7}, {"hint", 4}, {"node", 4}, {"not_retried", 11}};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void hint_default(const struct reading *reading, const struct node *node, const char *field)
{
    if (root_names_is_identifier(node->id)) {
        report_hint(reading_report(reading), "guard it: default(%.*s.?%s, ...)", STR_ARG(node->id),
                    field);
    } else {
        report_hint(reading_report(reading), "guard it with has() or default()");
    }
}

/* The expression is nothing but the reference, and fails with it. */
static bool is_whole(const struct reading *reading)
{
    return str_trim(expr_source(reading->use->expr)).n == reading->reference->length;
}

/* `of`: "the error of a"; the path goes on at `first`. */
static void check_error_field(const struct reading *reading, size_t first, const char *of)
{
    const struct expr_reference *reference = reading->reference;
    if (reference->path_count <= first ||
        reading_is_one_of(reference->path[first], error_fields, COUNT(error_fields))) {
        return;
    }
    struct suggest nearest = suggest_start(reference->path[first]);
    for (size_t i = 0; i < COUNT(error_fields); i++) {
        suggest_offer(&nearest, error_fields[i]);
    }
    reading_reporter(reading, LOAD_STRICT)(
        reading_report(reading), reading_place(reading), "%s: nothing says that %s has '%.*s'",
        reading_who(reading).text, of, STR_ARG(reference->path[first]));
    report_nearest(reading_report(reading), &nearest);
}

/* The reader comes behind an edge that the failed node takes. */
static bool is_behind_failure(const struct reading *reading, const struct reading_view *view,
                              uint32_t node)
{
    const struct pipeline *pipeline = &reading->draft->storage->pipeline;
    const struct node *it = &reading->draft->nodes[node];
    for (uint32_t i = 0; i < it->out_count; i++) {
        const struct edge *edge = &pipeline->edges[it->first_out + i];
        if (pipeline_is_for_failure(pipeline, edge->outcome) &&
            (edge->target == view->node || reading_is_before(reading, edge->target, view->node))) {
            return true;
        }
    }
    return false;
}

void absent_check_error(const struct reading *reading, const struct reading_view *view,
                        uint32_t node, size_t first)
{
    const struct node *it = &reading->draft->nodes[node];
    struct str id = it->id;
    bool is_sure = (it->kind == NODE_FAIL && it->when == NULL) || view->kind == VIEW_END ||
                   reading->draft->bodies[it->body].kind == BODY_STATES ||
                   reading_is_round_before(reading, view, node);
    check_error_field(reading, first + 1, label_of("the error of", id).text);
    if (is_sure || reading->reach == NULL || reading_is_guarded(reading) ||
        reading_is_asked(reading, (int)(SLOT_NODE_FIRST + node), STR("error"))) {
        return;
    }
    bool is_after = view->kind == VIEW_START || view->kind == VIEW_INSIDE;
    bool is_failed = view->kind == VIEW_ENDING &&
                     view->node != reading->draft->storage->pipeline.on_success;
    if (is_after && is_behind_failure(reading, view, node)) {
        return;
    }
    if (it->on_error == ON_ERROR_CONTINUE || it->has_error_edge || it->fallback != NULL ||
        is_failed) {
        report_warning(reading_report(reading), reading_place(reading),
                       "%s: '%.*s' may have no error here", reading_who(reading).text, STR_ARG(id));
        hint_default(reading, it, "error.?code");
        return;
    }
    (is_whole(reading) ? report_error
                       : report_warning)(reading_report(reading), reading_place(reading),
                                         "%s: '%.*s' has no error here: when it fails, this is "
                                         "not reached",
                                         reading_who(reading).text, STR_ARG(id));
    report_hint(reading_report(reading),
                "an edge with outcome: error leads on from a failure, or '%.*s' "
                "has on_error: continue",
                STR_ARG(id));
}

void absent_check_time(const struct reading *reading, const struct reading_view *view,
                       uint32_t node, size_t first)
{
    const struct node *it = &reading->draft->nodes[node];
    struct str field = reading->reference->path[first];
    int slot = (int)(SLOT_NODE_FIRST + node);
    bool is_failing = it->on_error == ON_ERROR_CONTINUE || it->has_error_edge;
    if (it->kind == NODE_IDLE || (it->when == NULL && is_failing) || reading_is_guarded(reading) ||
        reading_asks_output(reading, first) || !reading_may_be_absent(reading, view, node) ||
        reading_is_asked(reading, slot, STR("output")) || reading_is_asked(reading, slot, field)) {
        return;
    }
    report_warning(reading_report(reading), reading_place(reading),
                   "%s: '%.*s' may have no '%.*s' here: it may not have run",
                   reading_who(reading).text, STR_ARG(it->id), STR_ARG(field));
    hint_default(reading, it, str_equal(field, STR("started_at")) ? "started_at" : "finished_at");
}

/* The body of the root or of an ending that the use is in; DRAFT_NO_BODY in what undoes a node. */
static uint32_t outer_body(const struct reading *reading)
{
    uint32_t body = reading->use->body;
    while (reading->draft->body_drafts[body].owner != DRAFT_NO_NODE) {
        if (reading->draft->body_drafts[body].is_compensation) {
            return DRAFT_NO_BODY;
        }
        body = reading->draft->nodes[reading->draft->body_drafts[body].owner].body;
    }
    return body;
}

void absent_check_run_error(const struct reading *reading)
{
    const struct pipeline *pipeline = &reading->draft->storage->pipeline;
    uint32_t body = outer_body(reading);
    check_error_field(reading, 1, "'run.error'");
    bool has_none = body == 0 || body == pipeline->on_success ||
                    body == pipeline->notices[NOTICE_START] ||
                    body == pipeline->notices[NOTICE_MILESTONES];
    if (body == DRAFT_NO_BODY || (!has_none && body != pipeline->finally) ||
        reading_is_guarded(reading) || reading_is_asked(reading, SLOT_RUN, STR("error"))) {
        return;
    }
    if (body != 0 && body == pipeline->finally) {
        report_warning(reading_report(reading), reading_place(reading),
                       "%s: 'run' may have no error here", reading_who(reading).text);
        report_hint(reading_report(reading), "guard it: default(run.?error.?code, ...)");
        return;
    }
    (is_whole(reading) ? report_error : report_warning)(
        reading_report(reading), reading_place(reading),
        "%s: 'run' has no error here: it has not failed", reading_who(reading).text);
    report_hint(reading_report(reading), "it is there in 'on_failure', 'on_cancel' and 'finally'");
}
