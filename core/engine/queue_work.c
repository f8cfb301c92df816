/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/queue_work.h"

#include "core/base/error.h"
#include "core/base/quantity.h"
#include "core/engine/decision.h"
#include "core/engine/decision_end.h"
#include "core/engine/failure.h"
#include "core/engine/run_state.h"
#include "core/model/catalogue.h"
#include "core/value/builder.h"
#include "core/value/schema.h"
#include "core/value/value.h"

/* Of the question, so that no answer is taken for that to a later one. */
static uint64_t turn_of(const struct run_node *state)
{
    return (uint64_t)state->visit << 32 | state->iteration;
}

/* The resolved config (owned), or the node's failure and NULL. */
static struct document *resolve(const struct decision *d, uint32_t node)
{
    const struct node *def = decision_node(d, node);
    struct document *config = NULL;
    struct error err = {0};
    if (decision_resolve(d, node, def->config, &config, &err) != 0) {
        decision_end_failed_for(d, node, FAILURE_EXPRESSION, &err);
        return NULL;
    }
    if (schema_validate(def->type->config_schema, document_root(config), NULL, &err) != 0) {
        error_prefix(&err, "config: ");
        decision_end_failed_for(d, node, FAILURE_CONFIG, &err);
        document_unref(config);
        return NULL;
    }
    return config;
}

void queue_work_begin(const struct decision *d, uint32_t node)
{
    struct document *config = resolve(d, node);
    if (config == NULL) {
        return;
    }
    struct record record = decision_node_record(d, RECORD_NODE_QUEUED, node);
    record.is_asking = true;
    batch_add_record(d->batch, &record);
    decision_add_effect(d, (struct effect){.type = EFFECT_ASK_QUEUE,
                                           .node = node,
                                           .turn = turn_of(decision_state(d, node)),
                                           .config = config});
    document_unref(config);
}

/* ---- the answer ---- */

static void end_empty(const struct decision *d, uint32_t node)
{
    static const struct str counts[] = {{"processed", 9}, {"requeued", 8}, {"dead", 4}};
    struct builder *b = builder_create();
    struct document *output = NULL;
    builder_map_begin(b);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        builder_member_int(b, counts[i], 0);
    }
    builder_key(b, STR("items"));
    builder_list_begin(b);
    builder_list_end(b);
    builder_map_end(b);
    if (builder_finish(b, &output, NULL) != 0) {
        d->batch->has_failed = true;
        return;
    }
    decision_end_with_output(d, node, OUTCOME_SUCCESS, output);
    document_unref(output);
}

static void add_work(const struct decision *d, const struct record *start)
{
    decision_add_effect(d, (struct effect){.type = EFFECT_WORK_QUEUE,
                                           .node = start->node,
                                           .attempt = start->attempt,
                                           .at_unix_ms = start->due_unix_ms,
                                           .config = start->output});
}

/* When it waits no longer for what is put off; 0: it does not wait. */
static int64_t due_of(const struct decision *d, const struct document *config)
{
    const struct value *wait = value_get(document_root(config), STR("wait"));
    int64_t ms = 0;
    bool has_wait = value_is(wait, VALUE_STRING) &&
                    quantity_parse_duration(value_str(wait), &ms, NULL) == 0;
    return has_wait ? d->now + ms : 0;
}

static void start(const struct decision *d, uint32_t node, const struct document *items)
{
    struct document *config = resolve(d, node);
    if (config == NULL) {
        return;
    }
    struct record record = decision_node_record(d, RECORD_NODE_STARTED, node);
    record.attempt++;
    record.output = items;
    record.due_unix_ms = due_of(d, config);
    batch_add_record(d->batch, &record);
    add_work(d, &record);
    if (record.due_unix_ms > 0) {
        decision_add_effect(d, (struct effect){.type = EFFECT_ARM_TIMER,
                                               .node = node,
                                               .attempt = record.attempt,
                                               .timer = TIMER_WAIT,
                                               .at_unix_ms = record.due_unix_ms});
    }
    decision_arm_timeout(d, &record);
    document_unref(config);
}

void queue_work_found(const struct decision *d, const struct run_event *event)
{
    const struct run_node *state = decision_state(d, event->node);
    if (state->state != NODE_QUEUED || !state->is_asking || turn_of(state) != event->index) {
        return;
    }
    if (event->error != NULL) {
        decision_end_failed(d, event->node, event->error);
    } else if (value_count(document_root(event->output)) == 0) {
        end_empty(d, event->node);
    } else {
        start(d, event->node, event->output);
    }
}

/* ---- the end ---- */

static bool is_at_work(const struct run_node *state)
{
    return state->state == NODE_RUNNING && !state->is_delayed;
}

void queue_work_end(const struct decision *d, const struct run_event *event)
{
    const struct run_node *state = decision_state(d, event->node);
    if (is_at_work(state) && state->attempt == event->attempt) {
        decision_disarm_waits(d, event->node); /* before its `repeat` arms a timer */
        decision_end_with_output(d, event->node, OUTCOME_SUCCESS, event->output);
    }
}

void queue_work_leave(const struct decision *d, uint32_t node)
{
    decision_add_effect(d, (struct effect){.type = EFFECT_END_QUEUE,
                                           .node = node,
                                           .attempt = decision_state(d, node)->attempt});
}

void queue_work_recover(const struct decision *d, uint32_t node)
{
    const struct run_node *state = decision_state(d, node);
    struct record start = decision_node_record(d, RECORD_NODE_STARTED, node);
    start.due_unix_ms = state->due_at;
    start.output = state->waits_for;
    add_work(d, &start);
}
