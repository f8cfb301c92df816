/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/queue.h"

#include <string.h>

#include "core/base/error.h"
#include "core/engine/decision.h"
#include "core/engine/decision_end.h"
#include "core/engine/failure.h"
#include "core/engine/run_state.h"
#include "core/value/builder.h"
#include "core/value/value.h"

bool queue_is_item(const struct run *run)
{
    return run->pipeline->queued_by.n > 0;
}

void queue_split_id(struct str id, struct str *out_run, struct str *out_path)
{
    const char *slash = id.n > 0 ? memrchr(id.p, '/', id.n) : NULL;
    size_t n = slash != NULL ? (size_t)(slash - id.p) : id.n;
    *out_run = str_make(id.p, n);
    *out_path = slash != NULL ? str_make(slash + 1, id.n - n - 1) : STR("");
}

struct str queue_item_node(struct str workflow, struct str queued_by)
{
    size_t skipped = queued_by.n + 1;
    if (queued_by.n == 0 || workflow.n <= skipped) {
        return STR("");
    }
    struct str node = str_make(workflow.p + skipped, workflow.n - skipped);
    const char *at = memchr(node.p, '@', node.n);
    return at != NULL ? str_make(node.p, (size_t)(at - node.p)) : node;
}

/* ---- putting ---- */

/* {"status": "queued", "reason": "circuit_open", "queue_id": ...} */
static struct document *make_output(const struct decision *d, const struct effect *effect)
{
    struct builder *b = builder_create();
    struct document *output = NULL;
    struct strbuf id = STRBUF_INIT;
    strbuf_append_text(&id, d->run->id);
    strbuf_append_char(&id, '/');
    run_append_child_path(d->run, effect, &id);
    builder_map_begin(b);
    builder_member_string(b, STR("status"), STR("queued"));
    builder_member_string(b, STR("reason"), STR("circuit_open"));
    builder_member_string(b, STR(OUTPUT_QUEUE_ID), strbuf_str(&id));
    builder_map_end(b);
    int status = strbuf_status(&id);
    if (builder_finish(b, &output, NULL) != 0 || status != 0) {
        d->batch->has_failed = true;
    }
    strbuf_finish(&id);
    return output;
}

static uint32_t queued_outcome(const struct run *run)
{
    const struct pipeline *pipeline = run->pipeline;
    for (uint32_t i = OUTCOME_FIRST_NAMED; i < pipeline->outcome_count; i++) {
        if (str_equal(pipeline->outcomes[i], STR("queued"))) {
            return i;
        }
    }
    return OUTCOME_SUCCESS;
}

void queue_put(const struct decision *d, uint32_t node)
{
    const struct node *def = decision_node(d, node);
    const struct run_node *state = decision_state(d, node);
    struct document *input = NULL;
    struct error err = {0};
    if (decision_resolve_for_queue(d, node, &input, &err) != 0) {
        decision_end_failed_for(d, node, FAILURE_EXPRESSION, &err);
        return;
    }
    struct effect effect = {.type = EFFECT_QUEUE,
                            .frame = d->frame->id,
                            .node = node,
                            .child = def->item,
                            .visit = state->visit,
                            .iteration = state->iteration,
                            .config = input};
    struct document *output = make_output(d, &effect);
    decision_add_effect(d, effect);
    struct record end = decision_node_record(d, RECORD_NODE_ENDED, node);
    end.node_state = NODE_COMPLETED;
    end.outcome = queued_outcome(d->run);
    end.output = output;
    end.from = OUTPUT_FROM_QUEUE;
    decision_end_completed(d, &end);
    document_unref(output);
    document_unref(input);
}

bool queue_was_put(const struct run *run, const struct record *end)
{
    return run->pipeline->nodes[end->node].item != NULL && end->node_state == NODE_COMPLETED &&
           end->outcome >= OUTCOME_FIRST_NAMED && end->outcome == queued_outcome(run);
}

/* ---- the end of an item that gets no further ---- */

void queue_bury(const struct decision *d, uint32_t node, const struct document *failure)
{
    struct record record = decision_node_record(d, RECORD_NODE_UNKNOWN, node);
    record.error = failure;
    record.is_dead = true;
    batch_add_record(d->batch, &record);
}

void queue_abandon(const struct decision *d, const struct document *failure)
{
    const struct run_node *state = &d->run->root->nodes[0];
    bool is_live = state->state == NODE_RUNNING || state->state == NODE_STOPPING;
    if (is_live && !state->is_delayed && !state->is_unknown) {
        queue_bury(d, 0, failure);
    }
}
