/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/children.h"

#include <stdio.h>

#include "core/base/error.h"
#include "core/base/strmap.h"
#include "core/engine/decision.h"
#include "core/engine/decision_end.h"
#include "core/engine/failure.h"
#include "core/engine/run_state.h"
#include "core/value/builder.h"
#include "core/value/schema.h"
#include "core/value/value.h"

/* ---- the input ---- */

/* Adds the members of `document` whose keys are not there yet. */
static int add_below(struct builder *b, struct strmap *seen, const struct document *document)
{
    const struct value *map = document_root(document);
    for (size_t i = 0; value_is(map, VALUE_MAP) && i < value_count(map); i++) {
        const struct value_member *member = value_member_at(map, i);
        struct str key = value_str(&member->key);
        int status = strmap_add(seen, key, seen);
        if (status == 0) {
            builder_key(b, key);
            builder_embed(b, document, &member->value);
        } else if (status != E_EXISTS) {
            return status;
        }
    }
    return 0;
}

/* The run's input with the outputs of the nodes before this one laid over it: the latest wins. */
static int chained_input(const struct decision *d, uint32_t node, struct document **out,
                         struct error *err)
{
    struct strmap seen = STRMAP_INIT;
    struct builder *b = builder_create();
    int status = 0;
    builder_map_begin(b);
    for (uint32_t i = node; i > d->frame->body->first_node && status == 0; i--) {
        const struct document *output = decision_state(d, i - 1)->output;
        status = output != NULL ? add_below(b, &seen, output) : 0;
    }
    if (status == 0) {
        status = add_below(b, &seen, d->run->input);
    }
    strmap_finish(&seen);
    if (status != 0) {
        builder_destroy(b);
        return error_nomem(err);
    }
    builder_map_end(b);
    return builder_finish(b, out, err);
}

static int given_input(const struct document *config, struct document **out, struct error *err)
{
    const struct value *input = value_get(document_root(config), STR("input"));
    if (input == NULL) {
        *out = document_empty_map();
        return 0;
    }
    struct builder *b = builder_create();
    builder_embed(b, config, input);
    return builder_finish(b, out, err);
}

/* With the defaults of the child's schema, which it fits. `input` is given up. */
static int check_input(const struct pipeline *child, struct document *input, struct document **out,
                       struct error *err)
{
    struct document *filled = NULL;
    if (child->input_schema == NULL) {
        *out = input;
        return 0;
    }
    int status = schema_fill_defaults(child->input_schema, input, &filled, err);
    document_unref(input);
    if (status == 0) {
        status = schema_validate(child->input_schema, document_root(filled), NULL, err);
        if (status != 0) {
            document_unref(filled);
            error_prefix(err, "input of '%.*s': ", STR_ARG(child->id));
        }
    }
    if (status == 0) {
        *out = filled;
    }
    return status;
}

/* ---- start ---- */

static int find_child(const struct decision *d, const struct document *config,
                      const struct pipeline **out_child, struct error *err)
{
    const struct value *name = value_get(document_root(config), STR("workflow"));
    if (!value_is(name, VALUE_STRING)) {
        return error_set(err, E_INVALID, "'workflow' is not the id of a pipeline");
    }
    *out_child = pipeline_find_other(d->run->pipeline, value_str(name));
    if (*out_child == NULL) {
        return error_set(err, E_NOT_FOUND,
                         "there is no pipeline '%.*s' in this file or the library",
                         STR_ARG(value_str(name)));
    }
    if (d->run->depth + 1 > CHILDREN_MOST_DEPTH) {
        return error_set(err, E_LIMIT, "workflows call each other deeper than %d levels",
                         (int)CHILDREN_MOST_DEPTH);
    }
    return 0;
}

static int make_input(const struct decision *d, uint32_t node, const struct document *config,
                      const struct pipeline *child, struct document **out, struct error *err)
{
    struct document *input = NULL;
    int status = decision_node(d, node)->is_chained ? chained_input(d, node, &input, err)
                                                    : given_input(config, &input, err);
    return status == 0 ? check_input(child, input, out, err) : status;
}

/* `attempt` 0: nobody waits for its end. */
static void add_child(const struct decision *d, uint32_t node, uint32_t attempt,
                      const struct pipeline *child, const struct document *input)
{
    decision_add_effect(d, (struct effect){.type = EFFECT_START_CHILD,
                                           .node = node,
                                           .attempt = attempt,
                                           .child = child,
                                           .visit = decision_state(d, node)->visit,
                                           .iteration = decision_state(d, node)->iteration,
                                           .config = input});
}

static void record_start(const struct decision *d, uint32_t node, const struct pipeline *child,
                         const struct document *input)
{
    struct record record = decision_node_record(d, RECORD_NODE_STARTED, node);
    record.attempt++;
    batch_add_record(d->batch, &record);
    add_child(d, node, record.attempt, child, input);
    decision_arm_timeout(d, &record);
}

/* `wait: false`: the child goes on by itself. */
static void detach(const struct decision *d, uint32_t node, const struct pipeline *child,
                   const struct document *input)
{
    struct builder *b = builder_create();
    struct document *output = NULL;
    builder_map_begin(b);
    builder_member_string(b, STR("workflow"), child->id);
    builder_map_end(b);
    if (builder_finish(b, &output, NULL) != 0) {
        d->batch->has_failed = true;
        return;
    }
    add_child(d, node, 0, child, input);
    decision_end_with_output(d, node, OUTCOME_SUCCESS, output);
    document_unref(output);
}

void children_start(const struct decision *d, uint32_t node)
{
    struct error err = {0};
    const struct pipeline *child = NULL;
    struct document *config = NULL;
    struct document *input = NULL;
    int status = decision_resolve(d, node, decision_node(d, node)->config, &config, &err);
    if (status != 0) {
        decision_end_failed_for(d, node, FAILURE_EXPRESSION, &err);
        return;
    }
    const struct value *wait = value_get(document_root(config), STR("wait"));
    status = find_child(d, config, &child, &err);
    if (status == 0) {
        status = make_input(d, node, config, child, &input, &err);
    }
    if (status != 0) {
        decision_end_failed_for(d, node, FAILURE_CONFIG, &err);
    } else if (value_is(wait, VALUE_BOOL) && !value_bool(wait)) {
        detach(d, node, child, input);
    } else {
        record_start(d, node, child, input);
    }
    document_unref(config);
    document_unref(input);
}

/* ---- the end ---- */

/* Which node of which workflow failed; of runs that called each other it is the innermost. */
static void append_who_failed(const struct run_event *event, struct strbuf *out)
{
    const struct value *node =
        event->error != NULL ? value_get(document_root(event->error), STR("node")) : NULL;
    if (event->error != NULL && str_starts_with(failure_message(event->error), STR("workflow '"))) {
        return;
    }
    strbuf_append_format(out, "workflow '%.*s': ", STR_ARG(event->port));
    if (value_is(node, VALUE_STRING)) {
        strbuf_append_format(out, "node '%.*s': ", STR_ARG(value_str(node)));
    }
}

static struct document *child_failure(const struct decision *d, const struct run_event *event)
{
    struct str code = failure_code(event->error);
    char code_text[64];
    struct strbuf text = STRBUF_INIT;
    struct strbuf hint = STRBUF_INIT;
    (void)snprintf(code_text, sizeof(code_text), "%.*s", STR_ARG(code));
    append_who_failed(event, &text);
    strbuf_append_str(&text, event->error != NULL ? failure_message(event->error)
                                                  : STR("it was cancelled"));
    strbuf_append_str(&hint, failure_hint(event->error));
    struct document *failure =
        decision_text_failure(d, code.n > 0 ? code_text : FAILURE_CANCELLED, &text,
                              hint.n > 0 && strbuf_status(&hint) == 0 ? hint.p : NULL);
    strbuf_finish(&hint);
    return failure;
}

static void end_failed(const struct decision *d, const struct run_event *event)
{
    const struct run_node *state = decision_state(d, event->node);
    if (state->state == NODE_STOPPING && state->stop_reason != STOP_TIMEOUT) {
        struct record record = decision_node_record(d, RECORD_NODE_ENDED, event->node);
        record.node_state = NODE_CANCELLED;
        record.error = event->error;
        decision_end_node(d, &record);
        return;
    }
    struct document *failure = state->state == NODE_STOPPING
                                   ? decision_timeout_failure(d, event->node)
                                   : child_failure(d, event);
    decision_end_failed(d, event->node, failure);
    document_unref(failure);
}

void children_end(const struct decision *d, const struct run_event *event)
{
    const struct run_node *state = decision_state(d, event->node);
    bool is_live = state->state == NODE_RUNNING || state->state == NODE_STOPPING;
    if (!is_live || state->attempt != event->attempt) {
        return;
    }
    decision_disarm_timeout(d, event->node);
    if (event->child_state == RUN_COMPLETED) {
        struct record record = decision_node_record(d, RECORD_NODE_ENDED, event->node);
        record.node_state = NODE_COMPLETED;
        record.output = event->output;
        record.has_undo = event->has_undo;
        decision_end_completed(d, &record);
    } else {
        end_failed(d, event);
    }
}
