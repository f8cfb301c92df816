/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams: whether loops and the nodes whose items they read can wait for each other for ever.
 *
 * A producer goes on only while its readers take items, so its end waits for each reader's start,
 * as a reader's start waits for the ends of what it depends on. A circle of these waits would stop
 * a run for good once more items are there than may wait, so it is refused.
 */
#include "core/base/error.h"
#include "core/model/draft.h"
#include "core/model/report.h"

/* What can be waited for: the start and the end of each node. */
enum moment {
    MOMENT_START,
    MOMENT_END,
};

struct waits {
    const struct draft *draft;
    uint32_t *left;  /* by moment: causes that have not come */
    uint32_t *seen;  /* by moment: the search that has come here last */
    uint32_t *stack; /* moments to look at */
    size_t depth;
    uint32_t search;
};

static uint32_t moment_of(uint32_t node, enum moment moment)
{
    return node * 2 + (uint32_t)moment;
}

static void push(struct waits *waits, uint32_t node, enum moment moment)
{
    uint32_t at = moment_of(node, moment);
    if (waits->seen[at] != waits->search) {
        waits->seen[at] = waits->search;
        waits->stack[waits->depth++] = at;
    }
}

static uint32_t producer_of(const struct draft *draft, uint32_t node)
{
    const struct for_each *loop = draft->nodes[node].for_each;
    return loop != NULL ? loop->stream : DRAFT_NO_NODE;
}

/* All that the end of `node` waits for. */
static void push_causes_of_end(struct waits *waits, uint32_t node)
{
    const struct draft *draft = waits->draft;
    uint32_t reader = draft->nodes[node].first_reader;
    push(waits, node, MOMENT_START);
    if (producer_of(draft, node) != DRAFT_NO_NODE) {
        push(waits, producer_of(draft, node), MOMENT_END);
    }
    while (reader > 0) {
        push(waits, reader - 1, MOMENT_START);
        reader = draft->nodes[reader - 1].for_each->next_reader;
    }
}

static void push_causes_of_start(struct waits *waits, uint32_t node)
{
    const struct pipeline *pipeline = &waits->draft->storage->pipeline;
    const struct node *def = &waits->draft->nodes[node];
    for (uint32_t i = 0; i < def->in_count; i++) {
        push(waits, pipeline->edges[pipeline->in_edges[def->first_in + i]].source, MOMENT_END);
    }
}

/* Whether the end of `node` waits, by whatever way, for the start of `reader`. */
static bool waits_for(struct waits *waits, uint32_t node, uint32_t reader)
{
    waits->search++;
    waits->depth = 0;
    push(waits, node, MOMENT_END);
    while (waits->depth > 0) {
        uint32_t at = waits->stack[--waits->depth];
        if (at == moment_of(reader, MOMENT_START)) {
            return true;
        }
        if (at % 2 == MOMENT_END) {
            push_causes_of_end(waits, at / 2);
        } else {
            push_causes_of_start(waits, at / 2);
        }
    }
    return false;
}

static void check_reader(struct waits *waits, uint32_t reader, uint32_t producer)
{
    const struct draft *draft = waits->draft;
    const struct pipeline *pipeline = &draft->storage->pipeline;
    const struct report *report = &draft->loader->report;
    const struct node *def = &draft->nodes[reader];
    for (uint32_t i = 0; i < def->in_count; i++) {
        const struct edge *edge = &pipeline->edges[pipeline->in_edges[def->first_in + i]];
        if (edge->source == producer || !waits_for(waits, edge->source, reader)) {
            continue; /* or for_each_link() has said so */
        }
        report_error(report, edge->place,
                     "'%.*s' waits for '%.*s', which ends only after '%.*s' has read the stream of "
                     "'%.*s'",
                     STR_ARG(def->id), STR_ARG(draft->nodes[edge->source].id), STR_ARG(def->id),
                     STR_ARG(draft->nodes[producer].id));
        report_hint(report, "leave that dependency out, or go over an output in place of a stream");
        return;
    }
}

/* ---- whether there is a circle at all: Kahn's algorithm over the moments ---- */

/* What was set aside, because it waits for a cycle, has no causes left and comes at once. */
static void come(struct waits *waits, uint32_t node, enum moment moment)
{
    uint32_t at = moment_of(node, moment);
    if (waits->left[at] > 0 && --waits->left[at] == 0) {
        waits->stack[waits->depth++] = at;
    }
}

static void count_causes(struct waits *waits)
{
    const struct draft *draft = waits->draft;
    for (uint32_t i = 0; i < draft->node_count; i++) {
        uint32_t *end = &waits->left[moment_of(i, MOMENT_END)];
        uint32_t producer = producer_of(draft, i);
        waits->left[moment_of(i, MOMENT_START)] = draft->nodes[i].in_count;
        *end += 1;
        if (producer != DRAFT_NO_NODE) {
            *end += 1;
            waits->left[moment_of(producer, MOMENT_END)]++;
        }
    }
}

/* What waits for the end of `node`. */
static void end_comes(struct waits *waits, uint32_t node)
{
    const struct draft *draft = waits->draft;
    const struct node *def = &draft->nodes[node];
    for (uint32_t i = 0; i < def->out_count; i++) {
        come(waits, draft->storage->pipeline.edges[def->first_out + i].target, MOMENT_START);
    }
    for (uint32_t r = def->first_reader; r > 0; r = draft->nodes[r - 1].for_each->next_reader) {
        come(waits, r - 1, MOMENT_END);
    }
}

/* What never comes is left over: it lies on a circle or behind one. */
static void find_left_over(struct waits *waits)
{
    const struct draft *draft = waits->draft;
    count_causes(waits);
    for (uint32_t i = 0; i < draft->node_count; i++) {
        if (draft->nodes[i].in_count == 0) {
            waits->stack[waits->depth++] = moment_of(i, MOMENT_START);
        }
    }
    while (waits->depth > 0) {
        uint32_t at = waits->stack[--waits->depth];
        uint32_t producer = producer_of(draft, at / 2);
        if (at % 2 == MOMENT_END) {
            end_comes(waits, at / 2);
            continue;
        }
        come(waits, at / 2, MOMENT_END);
        if (producer != DRAFT_NO_NODE) {
            come(waits, producer, MOMENT_END);
        }
    }
}

int streams_check(struct draft *draft)
{
    bool has_readers = false;
    for (uint32_t i = 0; i < draft->node_count; i++) {
        has_readers = has_readers ||
                      (producer_of(draft, i) != DRAFT_NO_NODE && draft->nodes[i].in_count > 0);
    }
    if (!has_readers) {
        return 0;
    }
    size_t moments = (size_t)draft->node_count * 2;
    struct waits waits = {.draft = draft};
    waits.left = arena_calloc(&draft->loader->arena, moments, sizeof(*waits.left));
    waits.seen = arena_calloc(&draft->loader->arena, moments, sizeof(*waits.seen));
    waits.stack = arena_calloc(&draft->loader->arena, moments, sizeof(*waits.stack));
    if (waits.left == NULL || waits.seen == NULL || waits.stack == NULL) {
        return E_NOMEM;
    }
    find_left_over(&waits);
    for (uint32_t i = 0; i < draft->node_count; i++) {
        uint32_t producer = producer_of(draft, i);
        if (producer != DRAFT_NO_NODE && waits.left[moment_of(i, MOMENT_START)] > 0) {
            check_reader(&waits, i, producer);
        }
    }
    return 0;
}
