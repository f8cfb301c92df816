/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of each node but those of its config. */
#include "core/base/error.h"
#include "core/model/catalogue.h"
#include "core/model/draft.h"
#include "core/model/format.h"
#include "core/model/scope.h"
#include "core/model/tree.h"

static struct label node_label(const struct draft *draft, uint32_t index)
{
    return label_make("node '%.*s'", STR_ARG(draft->nodes[index].id));
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
