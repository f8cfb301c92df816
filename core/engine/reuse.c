/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/reuse.h"

#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/engine/decision.h"
#include "core/engine/decision_end.h"
#include "core/engine/run_state.h"
#include "core/value/builder.h"
#include "core/value/value.h"

/* ---- what there is ---- */

/* One search: `keeps[i]` is whether the i-th node of the root is taken over. */
struct search {
    const struct run *old;
    bool *keeps;
    int64_t from; /* -1: none */
};

static bool was_undone(const struct run *old, const struct node *def)
{
    return old->has_rollback && old->state != RUN_COMPLETED &&
           (def->compensate != 0 || def->kind == NODE_WORKFLOW);
}

/* What it went by is taken over, too. */
static bool has_its_sources(const struct search *s, const struct node *def)
{
    const struct pipeline *pipeline = s->old->pipeline;
    const struct frame *root = s->old->root;
    for (uint32_t i = 0; i < def->in_count; i++) {
        uint32_t edge = pipeline->in_edges[def->first_in + i];
        uint32_t source = pipeline->edges[edge].source;
        if (*frame_edge(root, edge) == EDGE_TAKEN && !s->keeps[source - root->body->first_node]) {
            return false;
        }
    }
    bool is_reader = def->for_each != NULL && def->for_each->stream != PIPELINE_NO_NODE;
    return !is_reader || s->keeps[def->for_each->stream - root->body->first_node];
}

static bool is_taken_over(const struct search *s, uint32_t node)
{
    const struct node *def = &s->old->pipeline->nodes[node];
    const struct run_node *state = frame_node(s->old->root, node);
    return state->state == NODE_COMPLETED && (int64_t)node != s->from && !was_undone(s->old, def) &&
           has_its_sources(s, def);
}

static void build_node(struct builder *b, const struct run_node *state)
{
    builder_map_begin(b);
    builder_member_int(b, STR("outcome"), (int64_t)state->outcome);
    if (state->from == OUTPUT_FROM_QUEUE) {
        builder_member_bool(b, STR("queued"), true);
    }
    if (state->output != NULL) {
        builder_key(b, STR("output"));
        builder_embed(b, state->output, document_root(state->output));
    }
    if (state->detail != NULL) {
        builder_key(b, STR("detail"));
        builder_embed(b, state->detail, document_root(state->detail));
    }
    builder_map_end(b);
}

static int build(struct search *s, struct document **out_reuse, struct error *err)
{
    const struct pipeline *pipeline = s->old->pipeline;
    const struct body *body = s->old->root->body;
    struct builder *b = builder_create();
    builder_map_begin(b);
    for (uint32_t i = 0; i < body->node_count; i++) {
        uint32_t node = pipeline->order[body->first_node + i];
        bool keeps = is_taken_over(s, node);
        s->keeps[node - body->first_node] = keeps;
        if (keeps) {
            builder_key(b, pipeline->nodes[node].id);
            build_node(b, frame_node(s->old->root, node));
        }
    }
    builder_map_end(b);
    return builder_finish(b, out_reuse, err);
}

int reuse_build(const struct run *old, struct str from, struct document **out_reuse,
                struct error *err)
{
    const struct body *body = old->root->body;
    struct search s = {.old = old, .from = -1};
    if (body->kind != BODY_GRAPH) {
        *out_reuse = from.n == 0 ? document_empty_map() : NULL;
        return from.n == 0 ? 0
                           : error_set(err, E_INVALID,
                                       "a state machine begins at its beginning: it cannot go on "
                                       "from '%.*s'",
                                       STR_ARG(from));
    }
    if (from.n > 0) {
        s.from = pipeline_find_node(old->pipeline, from);
        if (s.from < 0) {
            return error_set(err, E_NOT_FOUND, "the run has no node '%.*s'", STR_ARG(from));
        }
    }
    s.keeps = calloc((size_t)body->node_count + 1, sizeof(*s.keeps));
    if (s.keeps == NULL) {
        return error_nomem(err);
    }
    int status = build(&s, out_reuse, err);
    free(s.keeps);
    return status;
}

/* ---- taking it ---- */

static struct document *part(const struct decision *d, const struct value *entry, const char *name)
{
    const struct value *value = value_get(entry, str_from(name));
    struct document *document = NULL;
    if (value == NULL) {
        return NULL;
    }
    struct builder *b = builder_create();
    builder_embed(b, d->run->reuse, value);
    d->batch->has_failed |= builder_finish(b, &document, NULL) != 0;
    return document;
}

bool reuse_take(const struct decision *d, uint32_t node)
{
    const struct value *map = d->run->reuse != NULL ? document_root(d->run->reuse) : NULL;
    if (map == NULL || d->frame->parent != NULL) {
        return false;
    }
    const struct value *entry = value_get(map, decision_node(d, node)->id);
    const struct value *outcome = value_get(entry, STR("outcome"));
    if (!value_is(outcome, VALUE_INT)) {
        return false;
    }
    cleanup_document struct document *output = part(d, entry, "output");
    cleanup_document struct document *detail = part(d, entry, "detail");
    struct record record = decision_node_record(d, RECORD_NODE_ENDED, node);
    record.node_state = NODE_COMPLETED;
    record.outcome = (uint32_t)value_int(outcome);
    record.from = value_get(entry, STR("queued")) != NULL ? OUTPUT_FROM_QUEUE : 0;
    record.output = output;
    record.detail = detail;
    decision_end_node(d, &record);
    return true;
}
