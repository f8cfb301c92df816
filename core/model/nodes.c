/* SPDX-License-Identifier: Apache-2.0 */
/* The nodes of a pipeline: their ids first, since everything else may name them, then the rest. */
#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/model/catalogue.h"
#include "core/model/draft.h"
#include "core/model/format.h"
#include "core/model/scope.h"
#include "core/model/tree.h"

static struct label node_label(const struct draft *draft, uint32_t index)
{
    return label_make("node '%.*s'", STR_ARG(draft->nodes[index].id));
}

/* Any text without control characters and without blanks at its ends. */
static bool is_node_id(struct str id)
{
    if (id.n == 0 || id.n > DRAFT_MAX_ID_BYTES || str_trim(id).n != id.n) {
        return false;
    }
    for (size_t i = 0; i < id.n; i++) {
        if ((unsigned char)id.p[i] < 0x20 || id.p[i] == 0x7F) {
            return false;
        }
    }
    return true;
}

static bool check_id(struct draft *draft, struct str id, struct place place)
{
    const struct report *report = &draft->loader->report;
    if (scope_is_reserved(id)) {
        report_error(report, place, "'%.*s' is a reserved name and cannot be the id of a node",
                     STR_ARG(id));
        report_hint(report, "take another name, '%.*s_1' for example", STR_ARG(id));
        return false;
    }
    if (!is_node_id(id)) {
        report_error(report, place, "'%.*s' cannot be the id of a node", STR_ARG(id));
        report_hint(report,
                    "an id has at most %d bytes, no control characters, and no blanks "
                    "around it; letters, digits and '_' are best",
                    DRAFT_MAX_ID_BYTES);
        return false;
    }
    uint32_t first = draft_find_node(draft, id);
    if (first != DRAFT_NO_NODE) {
        struct place there = draft->drafts[first].id_place;
        report_error(report, place, "two nodes have the id '%.*s'; the first is at %u:%u",
                     STR_ARG(id), there.line, there.column);
        return false;
    }
    return true;
}

static int add_node(struct draft *draft, const struct tree *tree, struct str id, struct place place)
{
    uint32_t index = draft->node_count;
    struct node *node = &draft->nodes[index];
    if (!check_id(draft, id, place)) {
        return 0;
    }
    if (draft_keep_text(draft, id, &node->id) != 0 ||
        strmap_add(&draft->storage->ids, node->id, (void *)(uintptr_t)(index + 1)) != 0) {
        return E_NOMEM;
    }
    node->place = place;
    draft->drafts[index] = (struct draft_node){.tree = tree, .id_place = place};
    draft->node_count++;
    return 0;
}

static int read_node(struct draft *draft, const struct tree *tree)
{
    struct str id = {0};
    if (!tree_is(tree, TREE_MAP)) {
        report_error(&draft->loader->report, tree->place, "a node must be a map, not %s",
                     tree_kind_name(tree));
        return 0;
    }
    if (!format_text(tree, "id", &id)) {
        report_error(&draft->loader->report, tree->place, "a node needs an 'id'");
        return 0;
    }
    return add_node(draft, tree, id, tree_get(tree, STR("id"))->place);
}

static int make_room(struct draft *draft, uint32_t count)
{
    draft->nodes = arena_calloc(&draft->storage->arena, (size_t)count + 1, sizeof(struct node));
    draft->drafts =
        arena_calloc(&draft->loader->arena, (size_t)count + 1, sizeof(struct draft_node));
    return draft->nodes != NULL && draft->drafts != NULL ? 0 : E_NOMEM;
}

static int read_list(struct draft *draft, const struct tree *list)
{
    const struct report *report = &draft->loader->report;
    if (list->count == 0) {
        report_error(report, list->place, "'nodes' is empty: a pipeline has at least one node");
        return 0;
    }
    if (list->count > DRAFT_MAX_NODES) {
        report_error(report, list->place, "%u nodes are too many: the limit is 10,000",
                     list->count);
        return 0;
    }
    int status = make_room(draft, list->count);
    for (uint32_t i = 0; i < list->count && status == 0; i++) {
        status = read_node(draft, &list->as.items[i]);
    }
    return status;
}

int nodes_read(struct draft *draft)
{
    if (draft->is_single) {
        const struct tree *id = tree_get(draft->tree, STR("id"));
        int status = make_room(draft, 1);
        return status != 0 ? status
                           : add_node(draft, draft->tree, draft->storage->pipeline.id,
                                      id != NULL ? id->place : draft->tree->place);
    }
    const struct tree *list = format_list(draft->tree, "nodes");
    if (list != NULL) {
        return read_list(draft, list);
    }
    const struct tree_member *edges = tree_find(draft->tree, STR("edges"));
    if (edges != NULL && tree_find(draft->tree, STR("nodes")) == NULL) {
        report_error(&draft->loader->report, edges->key.place, "'edges' without 'nodes'");
    }
    return make_room(draft, 0);
}

static int read_name(struct draft *draft, uint32_t index)
{
    struct node *node = &draft->nodes[index];
    struct str name = {0};
    node->name = node->id;
    return format_text(draft->drafts[index].tree, "name", &name)
               ? draft_keep_text(draft, name, &node->name)
               : 0;
}

static int read_when(struct draft *draft, uint32_t index)
{
    const struct tree *when = tree_get(draft->drafts[index].tree, STR("when"));
    if (!tree_is_scalar(when) || when->kind == TREE_NULL) {
        return 0;
    }
    struct label what = label_make("'when' of node '%.*s'", STR_ARG(draft->nodes[index].id));
    struct scope_at at = {.site = USE_NODE, .node = index, .what = what.text};
    return scope_compile_condition(draft, when, &at, &draft->nodes[index].when);
}

static void read_join(struct draft *draft, uint32_t index)
{
    struct str join = STR("");
    (void)format_text(draft->drafts[index].tree, "join", &join); /* without: default */
    draft->nodes[index].join = str_equal(join, STR("any"))   ? JOIN_ANY
                               : str_equal(join, STR("all")) ? JOIN_ALL
                                                             : JOIN_DEFAULT;
}

/* The nearest of: the node's, its plugin's, the pipeline's for nodes that do work. */
static void read_timeout(struct draft *draft, uint32_t index)
{
    struct node *node = &draft->nodes[index];
    if (format_duration(draft->drafts[index].tree, "timeout", &node->timeout_ms) ||
        node->kind != NODE_PLUGIN) {
        return;
    }
    const struct integration *integration =
        node->type != NULL
            ? pipeline_find_integration(&draft->storage->pipeline, node->type->plugin)
            : NULL;
    node->timeout_ms = integration != NULL && integration->timeout_ms > 0 ? integration->timeout_ms
                                                                          : draft->node_timeout_ms;
}

static void read_limits(struct draft *draft, uint32_t index)
{
    struct node *node = &draft->nodes[index];
    const struct tree *limits = format_map(draft->drafts[index].tree, "limits");
    if (limits == NULL) {
        return;
    }
    struct label what = label_make("'limits' of node '%.*s'", STR_ARG(node->id));
    format_check(&draft->loader->report, limits, format_limits_keys, what.text, 0);
    (void)format_size(limits, "memory", &node->limits.memory_bytes); /* or the default */
    (void)format_size(limits, "output", &node->limits.output_bytes); /* or the default */
    (void)format_duration(limits, "wall", &node->limits.wall_ms);    /* or the default */
    if (node->type != NULL && (node->type->flags & NODE_TYPE_PROCESSES) == 0) {
        report_error(&draft->loader->report, limits->place,
                     "%s have no effect: nodes of type '%.*s' start no processes", what.text,
                     STR_ARG(node->type->name));
    }
}

/* `fail`, `continue` or {goto: node}; the edge of the last is read with the other edges. */
static void read_on_error(struct draft *draft, uint32_t index)
{
    struct node *node = &draft->nodes[index];
    const struct report *report = &draft->loader->report;
    const struct tree *value = tree_get(draft->drafts[index].tree, STR("on_error"));
    node->on_error = draft->storage->pipeline.is_continue_on_error ? ON_ERROR_CONTINUE
                                                                   : ON_ERROR_FAIL;
    if (value == NULL) {
        return;
    }
    if (tree_is(value, TREE_MAP)) {
        struct label what = label_make("'on_error' of node '%.*s'", STR_ARG(node->id));
        format_check(report, value, format_on_error_keys, what.text, 0);
        if (tree_find(value, STR("goto")) == NULL) {
            report_error(report, value->place, "%s needs 'goto'", what.text);
        }
        node->on_error = ON_ERROR_FAIL;
    } else if (tree_is(value, TREE_TEXT) && str_equal(value->text, STR("continue"))) {
        node->on_error = ON_ERROR_CONTINUE;
    } else if (tree_is(value, TREE_TEXT) && str_equal(value->text, STR("fail"))) {
        node->on_error = ON_ERROR_FAIL;
    } else {
        report_error(report, value->place,
                     "'on_error' of node '%.*s' must be 'fail', 'continue' or {goto: NODE}",
                     STR_ARG(node->id));
    }
}

static int check_node(struct draft *draft, uint32_t index)
{
    struct node *node = &draft->nodes[index];
    const struct tree *tree = draft->drafts[index].tree;
    if (!draft->is_single) {
        struct label what = node_label(draft, index);
        format_check(&draft->loader->report, tree, format_node_keys, what.text, 0);
    }
    int status = read_name(draft, index);
    if (status == 0) {
        status = read_when(draft, index);
    }
    if (status == 0) {
        status = config_check(draft, index);
    }
    read_join(draft, index);
    read_timeout(draft, index);
    read_limits(draft, index);
    read_on_error(draft, index);
    (void)format_bool(tree, "milestone", &node->is_milestone);       /* without: no */
    (void)format_count(tree, "max_concurrency", &node->concurrency); /* without: no limit */
    return status;
}

int nodes_check(struct draft *draft)
{
    int status = 0;
    for (uint32_t i = 0; i < draft->node_count && status == 0; i++) {
        status = check_node(draft, i);
    }
    return status;
}
