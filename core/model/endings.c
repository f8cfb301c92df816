/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for endings and compensations: they are bounded in time, and nothing undoes them. */
#include "core/model/draft.h"
#include "core/model/format.h"
#include "core/model/tree.h"

enum { DEFAULT_TIMEOUT_MS = 10 * 60 * 1000 };

/* The body of the ending or compensation that `body` is part of; 0: of none. */
static uint32_t ending_of(const struct draft *draft, uint32_t body)
{
    while (body != 0 && !draft->body_drafts[body].is_compensation &&
           draft->body_drafts[body].owner != DRAFT_NO_NODE) {
        body = draft->nodes[draft->body_drafts[body].owner].body;
    }
    return body;
}

/*
 * A run that waits for ever in an ending never ends, and its own time-out is over by then. The
 * time-out of a loop over one node is its node's.
 */
static void bound_time(struct draft *draft, uint32_t index)
{
    struct node *node = &draft->nodes[index];
    if (node->timeout_ms == 0 && draft->drafts[index].role != ROLE_EACH) {
        node->timeout_ms = DEFAULT_TIMEOUT_MS;
    }
}

static const struct tree_member *find_compensation(const struct draft *draft, uint32_t index)
{
    const struct tree *tree = draft->drafts[index].tree;
    return tree != NULL && tree->kind == TREE_MAP ? tree_find(tree, STR("compensate")) : NULL;
}

static void refuse_compensation(const struct draft *draft, uint32_t index, uint32_t ending)
{
    const struct tree_member *member = find_compensation(draft, index);
    if (member != NULL && !draft->body_drafts[ending].is_compensation) {
        report_error(&draft->loader->report, member->key.place,
                     "'compensate' is not for nodes of '%.*s': nothing undoes them",
                     STR_ARG(draft->body_drafts[ending].what));
    }
}

/* A `compensate` that was refused, whatever else it needs. */
static bool is_refused(const struct draft *draft, uint32_t index)
{
    return draft->drafts[index].role == ROLE_TOOL || draft->nodes[index].kind == NODE_IDLE ||
           ending_of(draft, draft->nodes[index].body) != 0;
}

/* `rollback` and `compensate` do nothing without each other. */
static void check_rollback(const struct draft *draft)
{
    const struct tree_member *first = NULL;
    bool has_other = false;
    for (uint32_t i = 0; i < draft->node_count; i++) {
        const struct tree_member *member = find_compensation(draft, i);
        bool is_faulty = member != NULL && is_refused(draft, i);
        has_other = has_other || draft->nodes[i].kind == NODE_WORKFLOW || is_faulty;
        first = first == NULL && !is_faulty ? member : first;
    }
    const struct tree_member *rollback = tree_find(draft->tree, STR("rollback"));
    bool has_rollback = draft->storage->pipeline.has_rollback;
    bool is_alone = draft->loader->definition_count == 1 && !draft->loader->is_library;
    if (first != NULL && rollback == NULL && is_alone) {
        report_warning(&draft->loader->report, first->key.place,
                       "'compensate' has an effect only with 'rollback: true', here or in a "
                       "pipeline that runs this one");
    } else if (first == NULL && has_rollback && !has_other) {
        report_warning(&draft->loader->report, rollback->key.place,
                       "'rollback' has nothing to undo: no node has a 'compensate'");
    }
}

void endings_check(struct draft *draft)
{
    for (uint32_t i = 0; i < draft->node_count; i++) {
        uint32_t ending = ending_of(draft, draft->nodes[i].body);
        if (ending != 0) {
            bound_time(draft, i);
            refuse_compensation(draft, i, ending);
        }
    }
    check_rollback(draft);
}
