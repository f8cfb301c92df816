/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/stand_in.h"

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/engine/cache_key.h"
#include "core/engine/decision.h"
#include "core/engine/decision_end.h"
#include "core/engine/failure.h"
#include "core/engine/run_state.h"
#include "core/engine/sanitize.h"
#include "core/engine/stand_in_items.h"
#include "core/value/builder.h"
#include "core/value/value.h"

/* ---- marks ---- */

/* The output with its marks where it is a map, as it is where it is none. Owned. */
static const struct document *mark(const struct decision *d, const struct document *output,
                                   unsigned from)
{
    const struct value *root = document_root(output);
    struct document *marked = NULL;
    if (!value_is(root, VALUE_MAP)) {
        return document_ref(output);
    }
    struct builder *b = builder_create();
    builder_map_begin(b);
    for (size_t i = 0; i < value_count(root); i++) {
        const struct value_member *member = value_member_at(root, i);
        struct str key = value_str(&member->key);
        if (!str_equal_text(key, OUTPUT_CACHE_MARK) && !str_equal_text(key, OUTPUT_FALLBACK_MARK)) {
            builder_key(b, key);
            builder_embed(b, output, &member->value);
        }
    }
    if ((from & OUTPUT_FROM_CACHE) != 0) {
        builder_member_bool(b, STR(OUTPUT_CACHE_MARK), true);
    }
    if ((from & OUTPUT_FROM_FALLBACK) != 0) {
        builder_member_bool(b, STR(OUTPUT_FALLBACK_MARK), true);
    }
    builder_map_end(b);
    if (builder_finish(b, &marked, NULL) != 0) {
        d->batch->has_failed = true;
        return document_ref(output);
    }
    return marked;
}

/* What stood in for a call that failed with `failure` (borrowed; NULL: it was not made). */
struct answer {
    const struct document *output;
    const struct document *items; /* of a node whose items somebody takes; else NULL */
    uint32_t outcome;
    unsigned from;
};

static void complete(const struct decision *d, uint32_t node, const struct answer *answer,
                     const struct document *failure)
{
    struct record record = decision_node_record(d, RECORD_NODE_ENDED, node);
    struct decision with_items = *d;
    const struct document *output = mark(d, answer->output, answer->from);
    with_items.items = answer->items != NULL ? document_root(answer->items) : NULL;
    if (decision_node(d, node)->has_readers) {
        stand_in_items_emit(d, node, with_items.items, answer->from);
    }
    record.node_state = NODE_COMPLETED;
    record.outcome = answer->outcome;
    record.output = output;
    record.error = failure;
    record.from = answer->from;
    decision_end_completed(&with_items, &record);
    document_unref(output);
}

/* Of a node whose items somebody takes: can the answer's go on with those that they have? */
static int check_items(const struct decision *d, uint32_t node, const struct document *items,
                       struct error *err)
{
    int status = stand_in_items_check(d, node, document_root(items), err);
    d->batch->has_failed |= status == E_NOMEM;
    return status;
}

/* ---- the cache ---- */

static uint64_t turn_of(const struct run_node *state)
{
    return (uint64_t)state->visit << 32 | state->iteration;
}

/* `max_age_ms`: older ones are no answer. */
static void ask(const struct decision *d, uint32_t node, const char *key, int64_t max_age_ms)
{
    struct document *text = NULL;
    struct builder *b = builder_create();
    builder_string(b, str_from(key));
    if (builder_finish(b, &text, NULL) != 0) {
        d->batch->has_failed = true;
        return;
    }
    decision_add_effect(d, (struct effect){.type = EFFECT_ASK_CACHE,
                                           .node = node,
                                           .turn = turn_of(decision_state(d, node)),
                                           .at_unix_ms = d->now - max_age_ms,
                                           .config = text});
    document_unref(text);
}

bool stand_in_ask(const struct decision *d, uint32_t node)
{
    const struct node *def = decision_node(d, node);
    char key[DIGEST_HEX_SIZE] = "";
    struct error err = {0};
    if (def->cache == NULL || decision_state(d, node)->is_retrying) {
        return false; /* it was asked before the first attempt */
    }
    if (cache_key_make(d, node, CACHE_KEY_ANSWER, key, &err) != 0) {
        decision_end_failed_for(d, node, FAILURE_EXPRESSION, &err);
        return true;
    }
    struct record record = decision_node_record(d, RECORD_NODE_QUEUED, node);
    record.is_asking = true;
    batch_add_record(d->batch, &record);
    ask(d, node, key, def->cache->ttl_ms);
    return true;
}

static uint32_t outcome_of(const struct decision *d, struct str port)
{
    const struct pipeline *pipeline = d->run->pipeline;
    for (uint32_t i = OUTCOME_FIRST_NAMED; port.n > 0 && i < pipeline->outcome_count; i++) {
        if (str_equal(pipeline->outcomes[i], port)) {
            return i;
        }
    }
    return OUTCOME_SUCCESS;
}

/* It waits for this very answer: not for one to a question from before a pause, say. */
static bool is_asked(const struct run_node *state, const struct run_event *event)
{
    bool is_queued = state->state == NODE_QUEUED && state->is_asking;
    return (is_queued || state->is_falling_back) && turn_of(state) == event->index;
}

/* What was kept, as an answer. False: it is none. `parts` is the caller's to finish. */
static bool open_kept(const struct decision *d, const struct run_event *event,
                      struct stand_in_parts *parts, struct answer *answer, struct error *err)
{
    *answer = (struct answer){
        .output = event->output, .outcome = outcome_of(d, event->port), .from = OUTPUT_FROM_CACHE};
    if (event->output == NULL || !node_has_stream(decision_node(d, event->node))) {
        return event->output != NULL;
    }
    int status = stand_in_items_unwrap(event->output, parts, err);
    d->batch->has_failed |= status == E_NOMEM;
    if (status != 0 || check_items(d, event->node, parts->items, err) != 0) {
        return false;
    }
    answer->output = parts->output;
    answer->items = parts->items;
    return true;
}

/* The failure that its fallback was to make good, and why that did not. Owned. */
static struct document *failure_without(const struct decision *d, const struct document *failure,
                                        const char *whose, const struct error *why)
{
    struct document *text = NULL;
    struct document *whole = NULL;
    struct strbuf message = STRBUF_INIT;
    struct builder *b = builder_create();
    strbuf_append_str(&message, failure_message(failure));
    strbuf_append_format(&message, "; %s does not stand in for it: %s", whose, why->message);
    builder_string(b, strbuf_str(&message));
    d->batch->has_failed |= strbuf_status(&message) != 0;
    if (builder_finish(b, &text, NULL) != 0) {
        d->batch->has_failed = true;
        whole = document_ref(failure);
    } else {
        whole = decision_with_member(d, failure, STR("message"), text);
    }
    document_unref(text);
    strbuf_finish(&message);
    return whole;
}

static void fail_without(const struct decision *d, uint32_t node, const struct document *failure,
                         const char *whose, const struct error *why)
{
    struct document *whole = failure_without(d, failure, whose, why);
    decision_end_failed(d, node, whole);
    document_unref(whole);
}

static void fall_back_to_last(const struct decision *d, uint32_t node, struct answer *answer,
                              bool is_found, const struct error *why)
{
    const struct document *failure = decision_state(d, node)->error;
    answer->from |= OUTPUT_FROM_FALLBACK;
    if (is_found) {
        complete(d, node, answer, failure);
    } else if (why->code != 0) {
        fail_without(d, node, failure, "its last result", why);
    } else {
        decision_end_failed(d, node, failure);
    }
}

bool stand_in_answer(const struct decision *d, const struct run_event *event)
{
    const struct run_node *state = decision_state(d, event->node);
    struct stand_in_parts parts = {0};
    struct answer answer;
    struct error why = {0};
    if (!is_asked(state, event)) {
        return false;
    }
    bool is_found = open_kept(d, event, &parts, &answer, &why);
    bool is_falling_back = state->is_falling_back;
    if (is_falling_back) {
        fall_back_to_last(d, event->node, &answer, is_found, &why);
    } else if (is_found) {
        complete(d, event->node, &answer, NULL);
    }
    stand_in_parts_finish(&parts);
    return !is_falling_back && !is_found;
}

static void keep(const struct decision *d, uint32_t node, enum cache_key_kind kind,
                 struct cache_entry *entry)
{
    struct error err = {0};
    int status = cache_key_make(d, node, kind, entry->key, &err);
    if (status == 0) {
        batch_add_cache(d->batch, entry);
    } /* else: nobody could ask for it, either */
    d->batch->has_failed |= status == E_NOMEM;
}

static void keep_all(const struct decision *d, uint32_t node, struct cache_entry *entry)
{
    const struct node *def = decision_node(d, node);
    if (def->cache != NULL) {
        entry->until_unix_ms = d->now + def->cache->ttl_ms;
        keep(d, node, CACHE_KEY_ANSWER, entry);
    }
    if (def->fallback != NULL && def->fallback->kind == FALLBACK_CACHE) {
        entry->until_unix_ms = d->now + def->fallback->max_age_ms;
        keep(d, node, CACHE_KEY_FALLBACK, entry);
    }
}

void stand_in_keep(const struct decision *d, uint32_t node, struct str port,
                   const struct document *output)
{
    const struct node *def = decision_node(d, node);
    uint32_t outcome = outcome_of(d, port);
    struct cache_entry entry = {.at_unix_ms = d->now, .output = output};
    if (output == NULL || !stand_in_keeps(def)) {
        return;
    }
    entry.port = outcome != OUTCOME_SUCCESS ? d->run->pipeline->outcomes[outcome] : STR("");
    if (node_has_stream(def)) {
        if (stand_in_items_keep(d, node, &entry) != 0) {
            d->batch->has_failed = true;
            return;
        }
        entry.output = entry.items != NULL ? output : NULL;
    }
    keep_all(d, node, &entry);
    document_unref(entry.items);
}

/* ---- fallbacks ---- */

/* The fallback's own fault, with what it was to make good. */
static void fail_falling(const struct decision *d, uint32_t node, const struct error *err,
                         const struct document *cause)
{
    struct document *failure = decision_failure(d, FAILURE_EXPRESSION, err);
    struct document *whole = decision_with_cause(d, failure, cause);
    decision_end_failed(d, node, whole);
    document_unref(whole);
    document_unref(failure);
}

/* What a pipeline says itself in place of a call: a value, or another node's output. */
static void take_answer(const struct decision *d, uint32_t node, const struct document *whole,
                        const char *whose, const struct document *failure)
{
    struct answer answer = {.output = whole, .from = OUTPUT_FROM_FALLBACK};
    struct stand_in_parts parts = {0};
    struct error why = {0};
    if (!node_has_stream(decision_node(d, node))) {
        complete(d, node, &answer, failure);
        return;
    }
    int status = stand_in_items_split(whole, &parts, &why);
    d->batch->has_failed |= status == E_NOMEM;
    if (status == 0) {
        status = check_items(d, node, parts.items, &why);
    }
    if (status == 0) {
        answer.output = parts.output;
        answer.items = parts.items;
        complete(d, node, &answer, failure);
    } else {
        fail_without(d, node, failure, whose, &why);
    }
    stand_in_parts_finish(&parts);
}

/* Its template sees the node as it would have failed. */
static void take_value(const struct decision *d, uint32_t node, const struct document *failure)
{
    struct record ending = decision_node_record(d, RECORD_NODE_ENDED, node);
    struct decision failed = *d;
    struct document *output = NULL;
    struct error err = {0};
    ending.node_state = NODE_FAILED;
    ending.error = failure;
    failed.ending = &ending;
    if (decision_resolve(&failed, node, decision_node(d, node)->fallback->value, &output, &err) !=
        0) {
        error_prefix(&err, "fallback: ");
        fail_falling(d, node, &err, failure);
        return;
    }
    sanitize_value(d, &output);
    take_answer(d, node, output, "its value", failure);
    document_unref(output);
}

/* Its attempts are over, for good: that is a fact, whatever becomes of the fallback. */
static void fall_back(const struct decision *d, uint32_t node, const struct document *failure)
{
    struct record record = decision_node_record(d, RECORD_NODE_FALLBACK, node);
    record.attempt = record.attempt == 0 ? 1 : record.attempt;
    record.error = failure;
    batch_add_record(d->batch, &record);
}

static void ask_for_last(const struct decision *d, uint32_t node, const struct document *failure)
{
    char key[DIGEST_HEX_SIZE] = "";
    struct error err = {0};
    if (cache_key_make(d, node, CACHE_KEY_FALLBACK, key, &err) != 0) {
        d->batch->has_failed |= err.code == E_NOMEM;
        decision_end_failed(d, node, failure);
        return;
    }
    ask(d, node, key, decision_node(d, node)->fallback->max_age_ms);
}

bool stand_in_take(const struct decision *d, uint32_t node, const struct document *failure)
{
    const struct fallback *fallback = decision_node(d, node)->fallback;
    if (fallback == NULL || d->frame->state != RUN_RUNNING) {
        return false;
    }
    switch (fallback->kind) {
    case FALLBACK_VALUE:
        take_value(d, node, failure);
        return true;
    case FALLBACK_CACHE:
        fall_back(d, node, failure);
        ask_for_last(d, node, failure);
        return true;
    case FALLBACK_NODE:
        fall_back(d, node, failure);
        return true;
    }
    unreachable_state("fallback", (int)fallback->kind);
}

void stand_in_recover(const struct decision *d, uint32_t node)
{
    if (decision_node(d, node)->fallback->kind == FALLBACK_CACHE) {
        ask_for_last(d, node, decision_state(d, node)->error);
    }
}

/* The node whose fallback this is. */
static uint32_t failed_node(const struct decision *d, uint32_t node)
{
    const struct pipeline *pipeline = d->run->pipeline;
    return pipeline->edges[pipeline->in_edges[decision_node(d, node)->first_in]].source;
}

/* Of the fallback `node`, which ends: those that stood in for its own, too. Owned. */
static int lent_items(const struct decision *d, uint32_t node, struct document **out_items,
                      struct error *err)
{
    if (d->items == NULL) {
        return stand_in_items_lend(d, node, out_items, err);
    }
    struct builder *b = builder_create();
    builder_copy(b, d->items);
    return builder_finish(b, out_items, err);
}

/* With the items that the other node emitted, or those in its output where it emits none. */
static void take_node(const struct decision *d, uint32_t node, const struct record *end)
{
    const struct document *failure = decision_state(d, node)->error;
    struct answer answer = {.output = end->output != NULL ? end->output : document_null(),
                            .from = OUTPUT_FROM_FALLBACK};
    struct document *items = NULL;
    struct error why = {0};
    if (!decision_node(d, end->node)->lends_items) {
        take_answer(d, node, answer.output, "its fallback", failure);
        return;
    }
    int status = lent_items(d, end->node, &items, &why);
    d->batch->has_failed |= status == E_NOMEM;
    if (status == 0) {
        status = check_items(d, node, items, &why);
    }
    answer.items = items;
    if (status == 0) {
        complete(d, node, &answer, failure);
    } else {
        fail_without(d, node, failure, "its fallback", &why);
    }
    document_unref(items);
}

void stand_in_end(const struct decision *d, const struct record *end)
{
    uint32_t node = failed_node(d, end->node);
    const struct run_node *state = decision_state(d, node);
    if (!state->is_falling_back || d->frame->state != RUN_RUNNING) {
        return; /* it was ended, and its run with it */
    }
    if (end->node_state == NODE_COMPLETED) {
        take_node(d, node, end);
        return;
    }
    if (end->error == NULL) { /* its `when` did not hold */
        decision_end_failed(d, node, state->error);
        return;
    }
    struct document *whole = decision_with_member(d, state->error, STR("fallback"), end->error);
    decision_end_failed(d, node, whole);
    document_unref(whole);
}
