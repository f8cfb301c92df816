/* SPDX-License-Identifier: Apache-2.0 */
/* `budget`: what the calls of a run, or of a node and all inside it, may take. */
#include "core/base/error.h"
#include "core/model/catalogue.h"
#include "core/model/draft.h"
#include "core/model/format.h"
#include "core/model/policy.h"
#include "core/model/tree.h"

static const struct report *report_of(const struct draft *draft)
{
    return &draft->loader->report;
}

static bool has_any(const struct tree *map)
{
    static const char *const limits[] = {"tokens", "cost", "calls", "time"};
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        if (tree_find(map, str_from(limits[i])) != NULL ||
            format_is_misspelt(map, format_budget_keys, limits[i])) {
            return true;
        }
    }
    return false;
}

static int read_exceeded(struct draft *draft, const struct tree *map, const char *of,
                         struct budget_settings *out)
{
    const struct tree *exceeded = format_map(map, "on_exceeded");
    struct label what = label_make("'on_exceeded' of %s", of);
    struct str model = {0};
    if (exceeded == NULL) {
        return 0;
    }
    format_check(report_of(draft), exceeded, format_exceeded_keys, what.text, 0);
    if (format_text(exceeded, "model", &model)) {
        return draft_keep_text(draft, model, &out->model);
    }
    if (tree_find(exceeded, STR("model")) == NULL &&
        !format_is_misspelt(exceeded, format_exceeded_keys, "model")) {
        report_error(report_of(draft), exceeded->place, "%s needs 'model'", what.text);
    }
    return 0;
}

static int read(struct draft *draft, const struct tree *map, const char *what,
                const struct budget_settings **out)
{
    uint32_t count = 0;
    struct budget_settings *budget = arena_calloc(&draft->storage->arena, 1, sizeof(*budget));
    if (budget == NULL) {
        return E_NOMEM;
    }
    format_check(report_of(draft), map, format_budget_keys, what, 0);
    if (!has_any(map)) {
        report_error(report_of(draft), map->place,
                     "%s needs one of 'tokens', 'cost', 'calls' and 'time'", what);
    }
    budget->tokens = format_count(map, "tokens", &count) ? (int64_t)count : BUDGET_NO_LIMIT;
    budget->calls = format_count(map, "calls", &count) ? (int64_t)count : BUDGET_NO_LIMIT;
    budget->cost = BUDGET_NO_LIMIT;
    budget->time_ms = BUDGET_NO_LIMIT;
    (void)format_money(map, "cost", &budget->cost);       /* without: no limit */
    (void)format_duration(map, "time", &budget->time_ms); /* without: no limit */
    *out = budget;
    return read_exceeded(draft, map, what, budget);
}

int budget_read_pipeline(struct draft *draft)
{
    const struct tree *map = format_map(draft->tree, "budget");
    return map != NULL ? read(draft, map, "'budget'", &draft->storage->pipeline.budget) : 0;
}

bool budget_is_for(const struct node *node)
{
    bool holds_others = node->kind == NODE_LOOP || node->kind == NODE_GROUP ||
                        node->kind == NODE_WORKFLOW;
    bool spends = node->kind == NODE_PLUGIN && (node->type->flags & NODE_TYPE_SPENDS) != 0;
    return holds_others || spends;
}

int budget_read_node(struct draft *draft, uint32_t index)
{
    struct node *node = &draft->nodes[index];
    const struct tree_member *member = tree_find(draft->drafts[index].tree, STR("budget"));
    bool is_pipelines = draft->is_single && draft->drafts[index].tree == draft->tree;
    if (member == NULL || is_pipelines || draft->drafts[index].role == ROLE_ITEM) {
        return 0; /* of a loop of one node it is the loop's */
    }
    if (node->type != NULL && !budget_is_for(node)) {
        report_error(report_of(draft), member->key.place,
                     "'budget' of node '%.*s' has no effect: nodes of type '%.*s' make no calls "
                     "that are paid for",
                     STR_ARG(node->id), STR_ARG(node->type->name));
        return 0;
    }
    struct label what = label_of("'budget' of node", node->id);
    const struct tree *map = format_map(draft->drafts[index].tree, "budget");
    return map != NULL ? read(draft, map, what.text, &node->budget) : 0;
}

/* ---- is there anything to bound? ---- */

static bool is_inside(const struct draft *draft, uint32_t node, uint32_t container)
{
    while (node != container &&
           draft->body_drafts[draft->nodes[node].body].owner != DRAFT_NO_NODE) {
        node = draft->body_drafts[draft->nodes[node].body].owner;
    }
    return node == container;
}

/* Of the whole pipeline with DRAFT_NO_NODE. A child run may spend, as far as is known here. */
static bool has_spender(const struct draft *draft, uint32_t container)
{
    for (uint32_t i = 0; i < draft->node_count; i++) {
        const struct node *node = &draft->nodes[i];
        bool spends = node->type == NULL || node->kind == NODE_WORKFLOW ||
                      (node->kind == NODE_PLUGIN && budget_is_for(node));
        if (spends && (container == DRAFT_NO_NODE || is_inside(draft, i, container))) {
            return true;
        }
    }
    return false;
}

static void warn(const struct draft *draft, const struct tree *tree, const char *whose)
{
    const struct tree_member *member = tree_find(tree, STR("budget"));
    report_warning(report_of(draft), member->key.place,
                   "'budget'%s has no effect: no node in it makes calls that are paid for", whose);
}

int budget_check(struct draft *draft)
{
    if (draft->storage->pipeline.budget != NULL && !has_spender(draft, DRAFT_NO_NODE)) {
        warn(draft, draft->tree, "");
    }
    for (uint32_t i = 0; i < draft->node_count; i++) {
        if (draft->nodes[i].budget != NULL && !has_spender(draft, i)) {
            struct label whose = label_of(" of node", draft->nodes[i].id);
            warn(draft, draft->drafts[i].tree, whose.text);
        }
    }
    return 0;
}
