/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/spending.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/engine/decision.h"
#include "core/engine/run_state.h"
#include "core/value/builder.h"
#include "core/value/value.h"

/* ---- who has a budget ---- */

/* One budget of a run that a call counts for. */
struct bound {
    const struct budget_settings *settings;
    struct purse *purse;
    int64_t since;
    uint32_t node; /* RECORD_NO_NODE: the run's */
};

/* From a node upwards: first the node, then what it is in. */
struct climb {
    const struct frame *frame; /* NULL: the run is next, or was */
    const struct run *run;
    uint32_t node;
    bool is_over;
};

static struct climb climb_begin(const struct frame *frame, uint32_t node)
{
    return (struct climb){.frame = frame, .run = frame->run, .node = node};
}

static struct node_account *find_account(const struct frame *frame, uint32_t node)
{
    struct node_account *account = frame->accounts;
    while (account != NULL && account->node != node) {
        account = account->next;
    }
    return account;
}

static bool bound_of_node(const struct frame *frame, uint32_t node, struct bound *out)
{
    struct node_account *kept = find_account(frame, node);
    if (kept == NULL) {
        return false; /* it has no budget */
    }
    *out = (struct bound){.settings = frame->run->pipeline->nodes[node].budget,
                          .purse = &kept->purse,
                          .since = kept->since,
                          .node = node};
    return true;
}

/* The next budget; false: there are no more. */
static bool climb_next(struct climb *climb, struct bound *out)
{
    while (climb->frame != NULL) {
        const struct frame *frame = climb->frame;
        uint32_t node = climb->node;
        climb->node = frame->owner;
        climb->frame = frame->owner != RECORD_NO_NODE ? frame->parent : NULL;
        if (bound_of_node(frame, node, out)) {
            return true;
        }
    }
    struct run *run = (struct run *)(uintptr_t)climb->run; /* spending_apply() changes it */
    bool has_budget = !climb->is_over && run->pipeline->budget != NULL;
    climb->is_over = true;
    *out = (struct bound){.settings = run->pipeline->budget,
                          .purse = &run->purse,
                          .since = run->started_at,
                          .node = RECORD_NO_NODE};
    return has_budget;
}

static bool is_bounded(const struct frame *frame, uint32_t node)
{
    struct climb climb = climb_begin(frame, node);
    struct bound bound;
    return climb_next(&climb, &bound);
}

void spending_ask(const struct run *run, uint64_t frame, uint32_t node,
                  const struct purse_amount *wanted, int64_t now_unix_ms,
                  struct spending_refusal *out)
{
    struct climb climb = climb_begin(frame_find(run, frame), node);
    struct bound bound;
    *out = (struct spending_refusal){.verdict = PURSE_FITS};
    while (out->verdict == PURSE_FITS && climb_next(&climb, &bound)) {
        *out = (struct spending_refusal){
            .verdict = purse_ask(bound.settings, bound.purse, wanted, now_unix_ms - bound.since),
            .run = run,
            .settings = bound.settings,
            .purse = *bound.purse,
            .node = bound.node};
    }
}

/* ---- as JSON ---- */

static void write_known(struct builder *b, struct str key, int64_t number)
{
    if (number >= 0) {
        builder_member_int(b, key, number);
    }
}

static void write_cost(struct builder *b, int64_t cost)
{
    if (cost >= 0) {
        builder_member_double(b, STR("cost"), purse_dollars(cost));
    }
}

static void write_amount(struct builder *b, const struct purse_amount *amount)
{
    builder_map_begin(b);
    builder_member_int(b, STR("calls"), amount->calls);
    builder_member_int(b, STR("tokens"), amount->tokens);
    write_cost(b, amount->cost);
    builder_map_end(b);
}

static void write_use(struct builder *b, const struct purse_use *use)
{
    builder_member_int(b, STR("calls"), use->calls);
    write_known(b, STR("input_tokens"), use->input_tokens);
    write_known(b, STR("output_tokens"), use->output_tokens);
    write_known(b, STR("cached_tokens"), use->cached_tokens);
    write_cost(b, use->cost);
}

void spending_write_total(struct builder *b, const struct purse_total *total)
{
    builder_map_begin(b);
    builder_member_int(b, STR("calls"), total->calls);
    builder_member_int(b, STR("input_tokens"), total->input_tokens);
    builder_member_int(b, STR("output_tokens"), total->output_tokens);
    builder_member_int(b, STR("cached_tokens"), total->cached_tokens);
    write_cost(b, total->cost);
    if (total->uncounted > 0) {
        builder_member_int(b, STR("uncounted_calls"), total->uncounted);
    }
    if (total->unpriced > 0) {
        builder_member_int(b, STR("unpriced_calls"), total->unpriced);
    }
    builder_map_end(b);
}

/* A whole number from 0 on; PURSE_UNKNOWN: there is none. False: something else stands there. */
static bool read_count(const struct value *map, struct str key, int64_t most, int64_t *out)
{
    const struct value *value = value_get(map, key);
    *out = value_is(value, VALUE_INT) ? value_int(value) : PURSE_UNKNOWN;
    return value == NULL || (*out >= 0 && *out <= most);
}

static bool read_cost(const struct value *map, int64_t *out)
{
    const struct value *value = value_get(map, STR("cost"));
    bool is_number = value_is(value, VALUE_DOUBLE) || value_is(value, VALUE_INT);
    *out = is_number ? purse_cost_of(value_number(value)) : PURSE_UNKNOWN;
    return value == NULL || *out >= 0;
}

static bool read_amount(const struct value *map, struct purse_amount *out)
{
    return value_is(map, VALUE_MAP) &&
           read_count(map, STR("calls"), PURSE_MOST_CALLS, &out->calls) && out->calls >= 0 &&
           read_count(map, STR("tokens"), PURSE_MOST_TOKENS, &out->tokens) && out->tokens >= 0 &&
           read_cost(map, &out->cost);
}

static bool read_use(const struct value *map, struct purse_use *out)
{
    return value_is(map, VALUE_MAP) &&
           read_count(map, STR("calls"), PURSE_MOST_CALLS, &out->calls) && out->calls >= 0 &&
           read_count(map, STR("input_tokens"), PURSE_MOST_TOKENS, &out->input_tokens) &&
           read_count(map, STR("output_tokens"), PURSE_MOST_TOKENS, &out->output_tokens) &&
           read_count(map, STR("cached_tokens"), PURSE_MOST_TOKENS, &out->cached_tokens) &&
           read_cost(map, &out->cost);
}

/* What is held for the call of RECORD_NODE_SPENT. */
static const struct value *held_of(const struct value *map)
{
    return value_get(map, STR("held"));
}

/* ---- deciding ---- */

bool spending_is_live(const struct run *run, uint64_t frame, uint32_t node, uint32_t attempt)
{
    const struct frame *at = frame_find(run, frame);
    const struct run_node *state = at != NULL ? frame_node(at, node) : NULL;
    bool is_live = state != NULL && (state->state == NODE_RUNNING || state->state == NODE_STOPPING);
    bool is_over = run_is_ended(run) && !run->is_undoing;
    return is_live && !is_over && state->attempt == attempt && !state->is_delayed &&
           !state->is_unknown;
}

static void add_record(const struct decision *d, const struct run_event *event,
                       enum record_type type, struct builder *b)
{
    struct document *document = NULL;
    if (builder_finish(b, &document, NULL) != 0) {
        d->batch->has_failed = true;
        return;
    }
    struct record record = decision_node_record(d, type, event->node);
    record.output = document;
    batch_add_record(d->batch, &record);
    document_unref(document);
}

static void decide_reserved(const struct decision *d, const struct run_event *event)
{
    struct builder *b = builder_create();
    write_amount(b, event->held);
    add_record(d, event, RECORD_NODE_RESERVED, b);
}

static void decide_spent(const struct decision *d, const struct run_event *event)
{
    struct purse_total total = d->run->spent;
    struct builder *b = builder_create();
    purse_total_add(&total, event->use);
    builder_map_begin(b);
    write_use(b, event->use);
    if (event->held != NULL && is_bounded(d->frame, event->node)) {
        builder_key(b, STR("held"));
        write_amount(b, event->held);
    }
    builder_key(b, STR("total"));
    spending_write_total(b, &total);
    builder_map_end(b);
    add_record(d, event, RECORD_NODE_SPENT, b);
}

void spending_decide(const struct decision *d, const struct run_event *event)
{
    if (!spending_is_live(d->run, d->frame->id, event->node, event->attempt)) {
        return;
    }
    if (event->type == RUN_EVENT_SPENT) {
        decide_spent(d, event);
    } else if (is_bounded(d->frame, event->node)) {
        decide_reserved(d, event);
    }
}

/* ---- applying ---- */

bool spending_may_follow(const struct frame *frame, const struct record *record)
{
    const struct value *map = record->output != NULL ? document_root(record->output) : NULL;
    struct climb climb = climb_begin(frame, record->node);
    struct bound bound;
    struct purse_use use;
    struct purse_amount amount;
    if (!spending_is_live(frame->run, frame->id, record->node, record->attempt)) {
        return false;
    }
    if (record->type == RECORD_NODE_RESERVED) {
        return read_amount(map, &amount);
    }
    const struct value *held = held_of(map);
    bool is_read = read_use(map, &use) && (held == NULL || read_amount(held, &amount));
    while (is_read && held != NULL && climb_next(&climb, &bound)) {
        is_read = purse_holds(bound.purse, &amount);
    }
    return is_read;
}

static void apply_reserved(struct frame *frame, const struct record *record)
{
    struct climb climb = climb_begin(frame, record->node);
    struct bound bound;
    struct purse_amount amount;
    CHECK(read_amount(document_root(record->output), &amount));
    while (climb_next(&climb, &bound)) {
        purse_hold(bound.purse, &amount);
    }
}

static void apply_spent(struct frame *frame, const struct record *record)
{
    const struct value *map = document_root(record->output);
    const struct value *held = held_of(map);
    struct climb climb = climb_begin(frame, record->node);
    struct bound bound;
    struct purse_use use;
    struct purse_amount amount = {0};
    CHECK(read_use(map, &use) && (held == NULL || read_amount(held, &amount)));
    while (climb_next(&climb, &bound)) {
        purse_settle(bound.purse, &amount, &use);
    }
    purse_total_add(&frame->run->spent, &use);
}

void spending_apply(struct frame *frame, const struct record *record)
{
    if (record->type == RECORD_NODE_RESERVED) {
        apply_reserved(frame, record);
    } else {
        apply_spent(frame, record);
    }
}

void spending_apply_started(struct frame *frame, const struct record *record)
{
    bool has_budget = frame->run->pipeline->nodes[record->node].budget != NULL;
    if (!has_budget || find_account(frame, record->node) != NULL) {
        return;
    }
    struct node_account *account = calloc(1, sizeof(*account));
    if (account == NULL) {
        frame->run->has_failed = true;
        return;
    }
    account->node = record->node;
    account->since = record->at_unix_ms;
    account->next = frame->accounts;
    frame->accounts = account;
}

void spending_destroy(struct frame *frame)
{
    while (frame->accounts != NULL) {
        struct node_account *account = frame->accounts;
        frame->accounts = account->next;
        free(account);
    }
}
