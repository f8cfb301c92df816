/* SPDX-License-Identifier: Apache-2.0 */
/* `fallback` and `cache` of a node: what answers in place of its call. */
#include <string.h>

#include "core/base/error.h"
#include "core/model/catalogue.h"
#include "core/model/draft.h"
#include "core/model/format.h"
#include "core/model/scope.h"
#include "core/model/tree.h"

static const struct report *report_of(const struct draft *draft)
{
    return &draft->loader->report;
}

/* What is kept stands for a call that is not made, so it is no answer of what must be done. */
static bool may_keep(const struct draft *draft, uint32_t index, struct place place,
                     const char *what)
{
    const struct node *node = &draft->nodes[index];
    if (node->is_at_most_once) {
        report_error(report_of(draft), place,
                     "%s contradicts 'at_most_once: true': an answer that was kept does nothing",
                     what);
        report_hint(report_of(draft), "leave one of them out");
    }
    return !node->is_at_most_once;
}

/* ---- fallback ---- */

static const struct {
    const char *key;
    enum fallback_kind kind;
} fallbacks[] = {{"value", FALLBACK_VALUE}, {"node", FALLBACK_NODE}, {"cache", FALLBACK_CACHE}};

enum { FALLBACKS = sizeof(fallbacks) / sizeof(fallbacks[0]) };

/* The one key of `map` that says which fallback it is; NULL: none or several, which is reported. */
static const struct tree_member *find_kind(const struct draft *draft, const struct tree *map,
                                           const char *what, enum fallback_kind *out_kind)
{
    const struct tree_member *found = NULL;
    for (size_t i = 0; i < FALLBACKS; i++) {
        const struct tree_member *member = tree_find(map, str_from(fallbacks[i].key));
        if (member != NULL && found != NULL) {
            report_error(report_of(draft), member->key.place,
                         "%s has both '%.*s' and '%.*s': it is one of them", what,
                         STR_ARG(found->key.text), STR_ARG(member->key.text));
            return NULL;
        }
        if (member != NULL) {
            found = member;
            *out_kind = fallbacks[i].kind;
        }
    }
    if (found == NULL && map->count == 0) {
        report_error(report_of(draft), map->place, "%s is empty", what);
        report_hint(report_of(draft), "write {value: ...}, {node: ID} or {cache: 24h}");
    }
    return found;
}

static int read_kind(struct draft *draft, uint32_t index, const struct tree_member *member,
                     struct fallback *fallback)
{
    struct label what = label_of("'fallback' of node", draft->nodes[index].id);
    struct scope_at at = {.site = USE_FAILED, .node = index, .what = what.text};
    const struct tree *map = &tree_find(draft->drafts[index].tree, STR("fallback"))->value;
    switch (fallback->kind) {
    case FALLBACK_VALUE:
        return scope_compile_template(draft, &member->value, NULL, &at, &fallback->value);
    case FALLBACK_CACHE:
        if (may_keep(draft, index, member->key.place, what.text)) {
            (void)format_duration(map, "cache", &fallback->max_age_ms); /* or that was reported */
        }
        return 0;
    case FALLBACK_NODE:
        return 0; /* stand_ins_link() */
    }
    return 0;
}

static int read_fallback(struct draft *draft, uint32_t index)
{
    const struct tree *map = format_map(draft->drafts[index].tree, "fallback");
    struct label what = label_of("'fallback' of node", draft->nodes[index].id);
    enum fallback_kind kind = FALLBACK_VALUE;
    if (map == NULL) {
        return 0;
    }
    format_check(report_of(draft), map, format_fallback_keys, what.text, 0);
    const struct tree_member *member = find_kind(draft, map, what.text, &kind);
    struct fallback *fallback = arena_calloc(&draft->storage->arena, 1, sizeof(*fallback));
    if (fallback == NULL) {
        return E_NOMEM;
    }
    fallback->kind = kind;
    fallback->node = PIPELINE_NO_NODE;
    draft->nodes[index].fallback = fallback;
    draft->drafts[index].fallback = fallback;
    return member != NULL ? read_kind(draft, index, member, fallback) : 0;
}

/* ---- cache ---- */

static int read_cache(struct draft *draft, uint32_t index)
{
    const struct tree *map = format_map(draft->drafts[index].tree, "cache");
    struct label what = label_of("'cache' of node", draft->nodes[index].id);
    struct label of = label_of("'key' of 'cache' of node", draft->nodes[index].id);
    struct scope_at at = {.site = USE_NODE, .node = index, .what = of.text};
    int type = 0;
    if (map == NULL) {
        return 0;
    }
    format_check(report_of(draft), map, format_cache_keys, what.text, 0);
    if (tree_find(map, STR("ttl")) == NULL && !format_is_misspelt(map, format_cache_keys, "ttl")) {
        report_error(report_of(draft), map->place, "%s needs 'ttl'", what.text);
        report_hint(report_of(draft), "say how long an answer is good: {ttl: 5m}");
    }
    struct node_cache *cache = arena_calloc(&draft->storage->arena, 1, sizeof(*cache));
    if (cache == NULL) {
        return E_NOMEM;
    }
    draft->nodes[index].cache = cache;
    (void)format_duration(map, "ttl", &cache->ttl_ms); /* or that was reported */
    (void)may_keep(draft, index, map->place, what.text);
    const struct tree *key = tree_get(map, STR("key"));
    if (!tree_is_scalar(key) || key->kind == TREE_NULL) {
        return 0;
    }
    return scope_compile_expr(draft, key, &at, &cache->key, &type);
}

int stand_ins_read(struct draft *draft, uint32_t index)
{
    int status = read_fallback(draft, index);
    return status == 0 ? read_cache(draft, index) : status;
}

/* ---- what all nodes say together ---- */

/* Its value is known only when it is needed. */
static bool is_template(const struct tree *tree)
{
    return tree_is(tree, TREE_TEXT) && (memmem(tree->text.p, tree->text.n, "{{", 2) != NULL ||
                                        memmem(tree->text.p, tree->text.n, "${", 2) != NULL);
}

/* The nodes that emit in place of `index`: its fallback, if that emits, the fallback's, and so on.
 */
static void lend_items(const struct draft *draft, uint32_t index)
{
    uint32_t left = (uint32_t)draft->node_count; /* a circle is found later */
    const struct fallback *fallback = draft->nodes[index].fallback;
    while (left-- > 0 && fallback != NULL && fallback->kind == FALLBACK_NODE &&
           fallback->node != PIPELINE_NO_NODE) {
        struct node *node = &draft->nodes[fallback->node];
        if (node->kind != NODE_PLUGIN || node->type == NULL ||
            (node->type->flags & NODE_TYPE_STREAMS) == 0) {
            return;
        }
        node->lends_items = true;
        fallback = node->fallback;
    }
}

/* Loops go over the items of the stream, so what stands in for the node has to say which. */
static void check_items(const struct draft *draft, uint32_t index)
{
    const struct tree *map = format_map(draft->drafts[index].tree, "fallback");
    const struct tree *value = tree_get(map, STR("value"));
    const struct tree_member *stream = tree_is(value, TREE_MAP) ? tree_find(value, STR("stream"))
                                                                : NULL;
    const struct tree *items = stream != NULL ? &stream->value : value;
    if (value == NULL || tree_is(items, TREE_LIST) || is_template(items)) {
        return;
    }
    report_error(report_of(draft), items->place,
                 "'fallback' of node '%.*s' has no items for the loops %s",
                 STR_ARG(draft->nodes[index].id),
                 draft->nodes[index].has_readers ? "that read its stream"
                                                 : "over the node that it stands in for");
    report_hint(report_of(draft), "write {value: {stream: [...]}}: [] lets them go over none");
}

/* For each node 1 + an edge in or out of it, or 0. */
static uint32_t *find_edges(struct draft *draft)
{
    uint32_t *of = arena_calloc(&draft->loader->arena, (size_t)draft->node_count + 1, sizeof(*of));
    for (size_t i = 0; of != NULL && i < draft->edge_count; i++) {
        of[draft->edges[i].source] = (uint32_t)i + 1;
        of[draft->edges[i].target] = (uint32_t)i + 1;
    }
    return of;
}

static void report_edge(const struct draft *draft, const struct tree *name,
                        const struct draft_edge *edge)
{
    enum draft_form form = draft->body_drafts[draft->nodes[edge->source].body].form;
    report_error(report_of(draft), name->place,
                 "'%.*s' is a fallback, which has no edges, and there is one from '%.*s' to '%.*s'",
                 STR_ARG(name->text), STR_ARG(draft->nodes[edge->source].id),
                 STR_ARG(draft->nodes[edge->target].id));
    report_hint(report_of(draft), form == FORM_STEPS
                                      ? "steps follow each other: write 'nodes' in their place"
                                      : "what follows goes behind the node that it stands in for");
}

/* False, and reported: `node` cannot have one, whichever it is. */
static bool check_failing(const struct draft *draft, uint32_t node, struct place place)
{
    struct str id = draft->nodes[node].id;
    if (draft->body_drafts[draft->nodes[node].body].form == FORM_STATES) {
        report_error(report_of(draft), place, "state '%.*s' cannot have another as its fallback",
                     STR_ARG(id));
        report_hint(report_of(draft), "write transitions: {error: STATE}");
        return false;
    }
    if (draft->nodes[node].repeat != NULL) {
        report_error(report_of(draft), place,
                     "node '%.*s' has 'repeat', so no node can be its fallback: that runs once",
                     STR_ARG(id));
        return false;
    }
    return true;
}

/* The same for what stands in. */
static bool check_standing_in(const struct draft *draft, uint32_t node, const struct tree *name)
{
    const struct node *it = &draft->nodes[node];
    const struct tree_member *on_error = tree_find(draft->drafts[node].tree, STR("on_error"));
    if (it->is_fallback) {
        report_error(report_of(draft), name->place,
                     "'%.*s' is the fallback of another node already", STR_ARG(it->id));
        report_hint(report_of(draft), "it runs once at most: give each node its own");
        return false;
    }
    if (it->has_readers) {
        report_error(report_of(draft), name->place,
                     "'%.*s' is a fallback, and a loop reads its stream", STR_ARG(it->id));
        report_hint(report_of(draft),
                    "what it emits goes to the loops over the node that it stands in for");
        return false;
    }
    if (on_error != NULL && tree_is(&on_error->value, TREE_TEXT)) {
        report_error(
            report_of(draft), on_error->key.place,
            "'on_error' of node '%.*s' has no effect: when a fallback fails, the node that "
            "it stands in for does",
            STR_ARG(it->id));
        return false;
    }
    return true;
}

static int link_node(struct draft *draft, uint32_t index, const uint32_t *edges)
{
    const struct tree *map = format_map(draft->drafts[index].tree, "fallback");
    const struct tree *name = tree_get(map, STR("node"));
    struct label what = label_of("'fallback' of node", draft->nodes[index].id);
    if (!tree_is_scalar(name) || name->kind == TREE_NULL ||
        !check_failing(draft, index, name->place)) {
        return 0;
    }
    uint32_t target = edges_find_end(draft, draft->nodes[index].body, name, what.text);
    if (target == DRAFT_NO_NODE) {
        return 0;
    }
    if (target == index) {
        report_error(report_of(draft), name->place, "node '%.*s' cannot be its own fallback",
                     STR_ARG(name->text));
        return 0;
    }
    if (edges[target] > 0) {
        report_edge(draft, name, &draft->edges[edges[target] - 1]);
        return 0;
    }
    if (!check_standing_in(draft, target, name)) {
        return 0;
    }
    draft->nodes[target].is_fallback = true;
    draft->drafts[index].fallback->node = target;
    struct draft_edge edge = {.source = index,
                              .target = target,
                              .outcome = OUTCOME_ERROR,
                              .is_named = true,
                              .is_fallback = true,
                              .place = name->place};
    return draft_add_edge(draft, &edge);
}

int stand_ins_link(struct draft *draft)
{
    uint32_t *edges = NULL;
    int status = 0;
    for (uint32_t i = 0; i < draft->node_count && status == 0; i++) {
        const struct node *node = &draft->nodes[i];
        if (node->fallback == NULL && node->cache == NULL) {
            continue;
        }
        if (node->fallback == NULL || node->fallback->kind != FALLBACK_NODE) {
            continue;
        }
        edges = edges == NULL ? find_edges(draft) : edges;
        status = edges != NULL ? link_node(draft, i, edges) : E_NOMEM;
    }
    for (uint32_t i = 0; i < draft->node_count && status == 0; i++) {
        if (draft->nodes[i].has_readers) {
            lend_items(draft, i);
        }
    }
    for (uint32_t i = 0; i < draft->node_count && status == 0; i++) {
        if (node_has_stream(&draft->nodes[i])) {
            check_items(draft, i);
        }
    }
    return status;
}
