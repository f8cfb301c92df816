/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/body_text.h"

#include "core/base/quantity.h"
#include "core/cli/terminal.h"
#include "core/expr/expr.h"
#include "core/expr/template.h"
#include "core/model/catalogue.h"
#include "core/model/pipeline.h"
#include "core/value/json.h"
#include "core/value/value.h"

static void append_items(const struct pipeline *pipeline, const struct for_each *loop,
                         struct strbuf *out)
{
    if (loop->stream != PIPELINE_NO_NODE) {
        terminal_append_safe(out, pipeline->nodes[loop->stream].id);
        strbuf_append_text(out, ".stream");
    } else if (loop->items != NULL) {
        terminal_append_line(out, expr_source(loop->items));
    } else if (loop->list != NULL) {
        const struct value *list = template_source(loop->list);
        if (value_is(list, VALUE_LIST)) {
            size_t count = value_count(list);
            strbuf_append_format(out, "%zu item%s", count, count == 1 ? "" : "s");
        } else {
            terminal_append_json(out, list, JSON_COMPACT);
        }
    }
}

void body_text_append_over(const struct pipeline *pipeline, const struct node *node,
                           struct strbuf *out)
{
    const struct for_each *loop = node->for_each;
    if (loop == NULL) {
        strbuf_append_text(out, "group");
        return;
    }
    strbuf_append_text(out, loop->is_batch ? "for each batch " : "for each ");
    terminal_append_safe(out, loop->as);
    strbuf_append_text(out, " in ");
    append_items(pipeline, loop, out);
}

static void append_separator(struct strbuf *out, size_t start)
{
    strbuf_append_text(out, out->n > start ? "; " : "");
}

static void append_failures(const struct for_each *loop, struct strbuf *out)
{
    if (loop->max_failures_percent >= 0) {
        strbuf_append_format(out, "; up to %g%% may fail", loop->max_failures_percent);
    } else if (loop->max_failures > 0) {
        strbuf_append_format(out, "; up to %u may fail", loop->max_failures);
    }
}

static void append_collect(const struct for_each *loop, struct strbuf *out)
{
    switch (loop->collect) {
    case COLLECT_LIST:
        break;
    case COLLECT_NONE:
        strbuf_append_text(out, "; keeps no outputs");
        break;
    case COLLECT_COUNT:
        strbuf_append_text(out, "; counts");
        break;
    case COLLECT_REDUCE:
        strbuf_append_text(out, "; reduces by ");
        terminal_append_line(out, loop->reduce != NULL ? expr_source(loop->reduce) : STR("?"));
        break;
    }
}

void body_text_append_bounds(const struct pipeline *pipeline, const struct node *node,
                             struct strbuf *out)
{
    const struct for_each *loop = node->for_each;
    size_t start = out->n;
    (void)pipeline;
    if (loop == NULL) {
        return;
    }
    strbuf_append_format(out, "batches of %u", loop->batch_size);
    append_separator(out, start);
    strbuf_append_format(out, "%u at once", loop->parallel_workers);
    if (loop->max_parallel > 1) {
        strbuf_append_format(out, ", each %u items at once", loop->max_parallel);
    }
    if (loop->until != NULL) {
        strbuf_append_text(out, "; until ");
        terminal_append_line(out, expr_source(loop->until));
    }
    strbuf_append_format(out, "; at most %u items%s", loop->max_iterations,
                         loop->stops_at_limit ? ", then it stops" : "");
    append_failures(loop, out);
    append_collect(loop, out);
}

void body_text_append_repeat(const struct node *node, struct strbuf *out)
{
    const struct repeat *repeat = node->repeat;
    char text[QUANTITY_TEXT_SIZE];
    if (repeat == NULL) {
        return;
    }
    strbuf_append_text(out, "again");
    if (repeat->until != NULL) {
        strbuf_append_text(out, " until ");
        terminal_append_line(out, expr_source(repeat->until));
    }
    if (repeat->duration_ms > 0) {
        quantity_format_duration(repeat->duration_ms, text);
        strbuf_append_format(out, " for %s", text);
    }
    if (repeat->delay_ms > 0) {
        quantity_format_duration(repeat->delay_ms, text);
        strbuf_append_format(out, ", %s apart", text);
    }
    if (repeat->interval_ms > 0 && repeat->duration_ms > 0) {
        quantity_format_duration(repeat->interval_ms, text);
        strbuf_append_format(out, ", every %s", text);
    }
    if (repeat->max_iterations > 0 && repeat->max_iterations != UINT32_MAX) {
        strbuf_append_format(out, ", at most %u times", repeat->max_iterations);
    }
}

void body_text_append_type(const struct node *node, struct strbuf *out)
{
    terminal_append_safe(out, node->type->name);
    if (node->kind == NODE_WORKFLOW && node->child.n > 0) {
        strbuf_append_char(out, ' ');
        terminal_append_safe(out, node->child);
    }
}

struct str body_text_risk(const struct node *node)
{
    switch (node->risk) {
    case RISK_LOW:
        return STR("low");
    case RISK_MEDIUM:
        return STR("medium");
    case RISK_HIGH:
        return STR("high");
    case RISK_CRITICAL:
        return STR("critical");
    }
    return STR("low");
}

bool body_text_is_last_state(const struct pipeline *pipeline, const struct node *node)
{
    return pipeline->bodies[node->body].kind == BODY_STATES && node->out_count == 0;
}

struct str body_text_ending(const struct pipeline *pipeline, uint32_t body)
{
    if (body == pipeline->on_failure) {
        return STR("on failure");
    }
    if (body == pipeline->on_cancel) {
        return STR("on cancel");
    }
    if (body == pipeline->on_success) {
        return STR("on success");
    }
    static const struct str messages[NOTICE_POINTS] = {
        [NOTICE_START] = {"message at the start", 20},
        [NOTICE_MILESTONES] = {"message at milestones", 21},
        [NOTICE_COMPLETION] = {"message on completion", 21},
        [NOTICE_ERRORS] = {"message on failure", 18},
    };
    for (size_t i = 0; i < NOTICE_POINTS; i++) {
        if (body == pipeline->notices[i]) {
            return messages[i];
        }
    }
    return body == pipeline->finally ? STR("finally") : pipeline->bodies[body].what;
}

uint32_t body_text_endings(const struct pipeline *pipeline, uint32_t out_bodies[BODY_ENDINGS])
{
    const uint32_t *notices = pipeline->notices;
    const uint32_t all[BODY_ENDINGS] = {pipeline->on_success,       pipeline->on_failure,
                                        pipeline->on_cancel,        pipeline->finally,
                                        notices[NOTICE_START],      notices[NOTICE_MILESTONES],
                                        notices[NOTICE_COMPLETION], notices[NOTICE_ERRORS]};
    uint32_t count = 0;
    for (uint32_t i = 0; i < BODY_ENDINGS; i++) {
        if (all[i] != 0) {
            out_bodies[count++] = all[i];
        }
    }
    return count;
}

uint32_t body_text_first_end(const struct pipeline *pipeline, uint32_t node)
{
    uint32_t low = 0;
    uint32_t high = pipeline->end_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (pipeline->ends[middle].node < node) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool body_text_has_end(const struct pipeline *pipeline, uint32_t node)
{
    uint32_t first = body_text_first_end(pipeline, node);
    return first < pipeline->end_count && pipeline->ends[first].node == node;
}

bool body_text_is_drawn(const struct pipeline *pipeline, uint32_t body)
{
    uint32_t owner = pipeline->bodies[body].owner;
    while (owner != PIPELINE_NO_NODE) {
        if (pipeline->nodes[owner].own_body != body) {
            return false;
        }
        body = pipeline->nodes[owner].body;
        owner = pipeline->bodies[body].owner;
    }
    return true;
}

bool body_text_is_stream(const struct pipeline *pipeline, const struct edge *edge)
{
    const struct for_each *loop = pipeline->nodes[edge->target].for_each;
    return loop != NULL && loop->stream == edge->source;
}

bool body_text_reads_stream_alone(const struct pipeline *pipeline, uint32_t index)
{
    const struct node *node = &pipeline->nodes[index];
    const struct for_each *loop = node->for_each;
    if (loop == NULL || loop->stream == PIPELINE_NO_NODE ||
        pipeline->nodes[loop->stream].body != node->body) {
        return false;
    }
    for (uint32_t i = 0; i < node->in_count; i++) {
        if (body_text_is_stream(pipeline,
                                &pipeline->edges[pipeline->in_edges[node->first_in + i]])) {
            return false;
        }
    }
    return true;
}

void body_text_append_way(const struct pipeline *pipeline, const struct edge *edge,
                          struct strbuf *out)
{
    bool is_state = pipeline->bodies[pipeline->nodes[edge->source].body].kind == BODY_STATES;
    size_t start = out->n;
    if (edge->is_fallback) {
        strbuf_append_text(out, "fallback");
    } else if (is_state || edge->outcome != OUTCOME_SUCCESS) {
        terminal_append_safe(out, pipeline->outcomes[edge->outcome]);
    }
    if (edge->when != NULL) {
        strbuf_append_text(out, out->n > start ? " if " : "if ");
        terminal_append_line(out, expr_source(edge->when));
    }
}
