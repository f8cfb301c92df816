/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/lookup.h"

#include "core/base/arena.h"
#include "core/base/diagnostic.h"
#include "core/base/suggest.h"
#include "core/model/name_hint.h"
#include "core/model/root_names.h"
#include "core/model/scope.h"

struct lookup lookup_at(struct draft *draft, const struct scope_at *at)
{
    bool has_node = at->site == USE_NODE || at->site == USE_EDGE || at->site == USE_SELF ||
                    at->site == USE_FAILED;
    uint32_t body = has_node ? draft->nodes[at->node].body : at->body;
    return (struct lookup){.draft = draft, .body = body, .at = at};
}

/* "did you mean 'x'?" over node ids and the names that are always there. */
static struct str nearest_hint(const struct lookup *lookup, struct str name)
{
    struct suggest nearest = suggest_start(name);
    suggest_offer(&nearest, draft_nearest_node(lookup->draft, lookup->body, name));
    const struct root_name *root = NULL;
    for (size_t i = 0; (root = root_names_at(i)) != NULL; i++) {
        if (root->slot >= 0 && root->slot != SLOT_SECRETS) {
            suggest_offer(&nearest, root->name);
        }
    }
    if (nearest.best.n == 0) {
        return STR("");
    }
    struct label label = label_make("did you mean '%.*s'?", STR_ARG(nearest.best));
    return arena_dup_str(&lookup->draft->loader->arena, str_from(label.text));
}

/* The loop whose body this is, or NULL. */
static const struct for_each *loop_around(const struct draft *draft, uint32_t body)
{
    const struct draft_body *in = &draft->body_drafts[body];
    bool is_inside = in->owner != DRAFT_NO_NODE && !in->is_compensation;
    return is_inside ? draft->drafts[in->owner].loop : NULL;
}

/* A node or an item of this name, from the inside out; -1 when there is none. */
static int find_slot(const struct lookup *lookup, struct str name)
{
    const struct draft *draft = lookup->draft;
    for (uint32_t body = lookup->body; body != DRAFT_NO_BODY;
         body = draft_body_around(draft, body)) {
        const struct for_each *loop = loop_around(draft, body);
        uint32_t node = draft_find_node(draft, body, name);
        if (node != DRAFT_NO_NODE) {
            return (int)(SLOT_NODE_FIRST + node);
        }
        if (loop != NULL && str_equal(loop->as, name)) {
            return (int)(SLOT_ITEM_FIRST + draft->body_drafts[body].owner);
        }
    }
    return -1;
}

/* Names that are there in few places only; -1 when this is none of them. */
static int find_special(const struct lookup *lookup, struct str name)
{
    if ((lookup->at->names & SCOPE_SIGNAL) != 0 && str_equal(name, STR("signal"))) {
        return SLOT_SIGNAL;
    }
    if ((lookup->at->names & SCOPE_REDUCE) != 0 && str_equal(name, STR("acc"))) {
        return SLOT_ACC;
    }
    if ((lookup->at->names & SCOPE_REDUCE) != 0 && str_equal(name, STR("item"))) {
        return SLOT_REDUCE_ITEM;
    }
    uint32_t milestones = lookup->draft->storage->pipeline.notices[NOTICE_MILESTONES];
    if (milestones != 0 && lookup->body == milestones && str_equal(name, STR("node"))) {
        return SLOT_MILESTONE;
    }
    return -1;
}

static int find_iter(const struct lookup *lookup, struct str *out_hint)
{
    for (uint32_t body = lookup->body; body != DRAFT_NO_BODY;
         body = draft_body_around(lookup->draft, body)) {
        if (loop_around(lookup->draft, body) != NULL) {
            return SLOT_ITER;
        }
    }
    *out_hint = STR("it is there only inside a loop: in the nodes of 'for_each'");
    return -1;
}

/* The name of the items of the loop whose own key this is, which are there only in its body. */
static bool is_own_item(const struct lookup *lookup, struct str name)
{
    const struct scope_at *at = lookup->at;
    const struct for_each *loop = at->site == USE_NODE ? lookup->draft->drafts[at->node].loop
                                                       : NULL;
    return loop != NULL && str_equal(loop->as, name);
}

/* What the items are called, where they are not called `item`. */
static struct str hint_item(const struct lookup *lookup)
{
    struct draft *draft = lookup->draft;
    for (uint32_t body = lookup->body; body != DRAFT_NO_BODY;
         body = draft_body_around(draft, body)) {
        const struct for_each *loop = loop_around(draft, body);
        if (loop != NULL) {
            struct label label = label_make("the items are called '%.*s' here", STR_ARG(loop->as));
            return arena_dup_str(&draft->loader->arena, str_from(label.text));
        }
    }
    return STR("it is there only inside a loop: in the nodes of 'for_each'");
}

/* An outcome of the node that the edge with this `when` leads away from. */
static bool is_outcome(const struct lookup *lookup, struct str name)
{
    const struct draft *draft = lookup->draft;
    if (lookup->at->site != USE_EDGE) {
        return false;
    }
    const struct draft_node *node = &draft->drafts[lookup->at->node];
    for (uint32_t i = 0; i < node->outcome_count; i++) {
        if (str_equal(draft->outcomes[node->outcomes[i]], name)) {
            return true;
        }
    }
    return str_equal(name, STR("success")) || str_equal(name, STR("error"));
}

/* Why there is no such name: something near, or a node that is out of sight. */
static struct str hint_for(const struct lookup *lookup, struct str name)
{
    struct draft *draft = lookup->draft;
    if (is_own_item(lookup, name)) {
        return STR("the items are there only inside the loop, in its 'nodes'");
    }
    if (str_equal(name, STR("item"))) {
        return hint_item(lookup);
    }
    if (is_outcome(lookup, name)) {
        struct label label = label_make("write outcome: %.*s in place of 'when'", STR_ARG(name));
        return arena_dup_str(&draft->loader->arena, str_from(label.text));
    }
    if ((lookup->at->names & SCOPE_REDUCE) != 0) {
        return STR("there are 'acc', what was collected so far, and 'item'");
    }
    uint32_t inside = report_wants_nearest(&draft->loader->report)
                          ? draft_find_container(draft, lookup->body, name)
                          : DRAFT_NO_NODE;
    if (inside == DRAFT_NO_NODE) {
        struct str hint = report_wants_nearest(&draft->loader->report)
                              ? name_hint(draft, lookup->body, name)
                              : STR("");
        return hint.n > 0 ? hint : nearest_hint(lookup, name);
    }
    struct str id = draft->drafts[inside].id;
    struct label label =
        label_make("it is inside the loop '%.*s': use '%.*s.output'", STR_ARG(id), STR_ARG(id));
    return arena_dup_str(&draft->loader->arena, str_from(label.text));
}

static int resolve_name(void *user, struct str name, struct str *out_hint)
{
    struct lookup *lookup = user;
    const struct root_name *root = root_names_find(name);
    if (root != NULL) {
        return root->slot >= 0 ? root->slot : find_iter(lookup, out_hint);
    }
    if (lookup->draft->body_count == 0) {
        return -1; /* 'config', which is read before the bodies */
    }
    int slot = find_special(lookup, name);
    slot = slot >= 0 ? slot : find_slot(lookup, name);
    if (slot < 0) {
        *out_hint = hint_for(lookup, name);
        lookup->is_lost = lookup->draft->has_lost_nodes && out_hint->n == 0;
    }
    return slot;
}

/* What a name means follows from the body and from the names that are special to the place. */
struct expr_names lookup_names(struct lookup *lookup)
{
    struct draft *draft = lookup->draft;
    struct expr_names names = {.resolve = resolve_name, .user = lookup};
    if (draft->body_count > 0) {
        unsigned special = lookup->at->names & (SCOPE_SIGNAL | SCOPE_REDUCE);
        expr_memo_enter(&draft->memo, (uint64_t)lookup->body << 32 | special);
        names.memo = &draft->memo;
    }
    return names;
}
