/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of each node but those of its config. */
#include "core/base/error.h"
#include "core/model/catalogue.h"
#include "core/model/draft.h"
#include "core/model/format.h"
#include "core/model/queue_item.h"
#include "core/model/scope.h"
#include "core/model/tree.h"

enum {
    MEMORY_LEAST = 1000 * 1000,
    OPEN_FILES_LEAST = 8, /* with fewer no interpreter begins */
};

static struct label node_label(const struct draft *draft, uint32_t index)
{
    return label_of("node", draft->nodes[index].id);
}

static int read_name(struct draft *draft, uint32_t index)
{
    struct node *node = &draft->nodes[index];
    struct str name = {0};
    node->name = node->id;
    if (draft->drafts[index].role == ROLE_TOOL) {
        return 0; /* its `name` is that of its type */
    }
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
    struct label what = label_of("'when' of node", draft->nodes[index].id);
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

/* A limit that no program can live with: what comes of it would explain nothing. */
static void check_least(const struct report *report, const struct tree *limits, const char *what,
                        const struct node_limits *values)
{
    const struct tree *memory = tree_get(limits, STR("memory"));
    const struct tree *files = tree_get(limits, STR("open_files"));
    if (values->memory_bytes > 0 && values->memory_bytes < MEMORY_LEAST) {
        report_error(report, memory->place, "'memory' of %s must be at least 1MB, not '%.*s'", what,
                     STR_ARG(memory->text));
    }
    if (values->open_files > 0 && values->open_files < OPEN_FILES_LEAST) {
        report_error(report, files->place, "'open_files' of %s must be at least %d, not '%.*s'",
                     what, OPEN_FILES_LEAST, STR_ARG(files->text));
    }
}

static void read_limits(struct draft *draft, uint32_t index)
{
    struct node *node = &draft->nodes[index];
    const struct tree *limits = format_map(draft->drafts[index].tree, "limits");
    if (limits == NULL) {
        return;
    }
    const struct report *report = &draft->loader->report;
    struct label what = label_of("'limits' of node", node->id);
    format_check(report, limits, format_limits_keys, what.text, 0);
    /* What is not there has its default, or is not limited. */
    (void)format_size(limits, "memory", &node->limits.memory_bytes);
    (void)format_size(limits, "output", &node->limits.output_bytes);
    (void)format_size(limits, "file_size", &node->limits.file_bytes);
    (void)format_duration(limits, "wall", &node->limits.wall_ms);
    (void)format_duration(limits, "cpu_time", &node->limits.cpu_ms);
    (void)format_count(limits, "open_files", &node->limits.open_files);
    (void)format_count(limits, "processes", &node->limits.processes);
    check_least(report, limits, what.text, &node->limits);
    if (node->type != NULL && (node->type->flags & NODE_TYPE_PROCESSES) == 0) {
        report_error(report, limits->place,
                     "%s have no effect: nodes of type '%.*s' start no processes", what.text,
                     STR_ARG(node->type->name));
    }
}

/* The start of a pure node is not even recorded: nobody could say whether it had begun. */
static void read_at_most_once(struct draft *draft, uint32_t index)
{
    struct node *node = &draft->nodes[index];
    const struct tree_member *member = tree_find(draft->drafts[index].tree, STR("at_most_once"));
    if (member == NULL) {
        return;
    }
    if (format_bool(draft->drafts[index].tree, "at_most_once", &node->is_at_most_once)) {
        node->may_repeat = !node->is_at_most_once;
    }
    if (node->type != NULL && (node->type->flags & NODE_TYPE_PURE) != 0) {
        report_error(&draft->loader->report, member->key.place,
                     "'at_most_once' of node '%.*s' has no effect: nodes of type '%.*s' change "
                     "nothing outside",
                     STR_ARG(node->id), STR_ARG(node->type->name));
        if (node->kind == NODE_WORKFLOW) {
            report_hint(&draft->loader->report, "it goes to nodes of the pipeline that is run");
        } else if (node->kind == NODE_QUEUE) {
            report_hint(&draft->loader->report, "it goes to the nodes whose calls are queued");
        }
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
        struct label what = label_of("'on_error' of node", node->id);
        format_check(report, value, format_on_error_keys, what.text, 0);
        if (tree_find(value, STR("goto")) == NULL &&
            !format_is_misspelt(value, format_on_error_keys, "goto")) {
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
        if (tree_is(value, TREE_TEXT) &&
            draft_find_node(draft, node->body, value->text) != DRAFT_NO_NODE) {
            report_hint(report, "write {goto: %.*s}", STR_ARG(value->text));
        }
    }
}

/* The node's own, or its type's. */
static void read_risk(struct draft *draft, uint32_t index)
{
    static const char *const names[] = {"low", "medium", "high", "critical"};
    struct node *node = &draft->nodes[index];
    struct str risk = node->type != NULL ? node->type->risk : STR("low");
    (void)format_text(draft->drafts[index].tree, "risk", &risk); /* without: the type's */
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_equal_text(risk, names[i])) {
            node->risk = (enum node_risk)i;
        }
    }
}

/* What goes with a type and its config. */
static int check_work(struct draft *draft, uint32_t index)
{
    struct node *node = &draft->nodes[index];
    int status = config_check(draft, index);
    read_limits(draft, index);
    read_at_most_once(draft, index);
    (void)format_count(draft->drafts[index].tree, "max_concurrency",
                       &node->concurrency); /* without: no limit */
    status = status == 0 ? policies_read_node(draft, index) : status;
    return status == 0 && queue_item_is_for(node) ? queue_item_add_outcome(draft, index) : status;
}

static void check_keys(struct draft *draft, uint32_t index)
{
    const struct draft_body *body = &draft->body_drafts[draft->nodes[index].body];
    struct label what = node_label(draft, index);
    if (body->is_compensation) {
        what = label_of("'compensate' of node", draft->nodes[body->owner].id);
    }
    format_check(&draft->loader->report, draft->drafts[index].tree, format_node_keys, what.text, 0);
}

/* Where and how often the node runs. */
static int check_order(struct draft *draft, uint32_t index)
{
    struct node *node = &draft->nodes[index];
    int status = read_when(draft, index);
    read_join(draft, index);
    read_on_error(draft, index);
    (void)format_bool(draft->drafts[index].tree, "milestone", &node->is_milestone); /* or not */
    return status;
}

/* Keys that are there for some nodes only. */
static void check_compensation(struct draft *draft, uint32_t index)
{
    static const char *const keys[] = {"for_each", "nodes", "compensate", "join", "milestone"};
    if (!draft->body_drafts[draft->nodes[index].body].is_compensation) {
        return;
    }
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const struct tree_member *member = tree_find(draft->drafts[index].tree, str_from(keys[i]));
        if (member != NULL) {
            report_error(&draft->loader->report, member->key.place,
                         "'%s' is not for 'compensate': it is one node that runs once", keys[i]);
        }
    }
}

/* One that is written as a node. */
static int check_node(struct draft *draft, uint32_t index)
{
    struct node *node = &draft->nodes[index];
    enum draft_role role = draft->drafts[index].role;
    bool has_body = role == ROLE_LOOP || role == ROLE_EACH || role == ROLE_QUEUE;
    bool is_of_queue = draft->body_drafts[node->body].form == FORM_QUEUE; /* its keys are checked */
    if (!draft->is_single && role != ROLE_ITEM && !is_of_queue) {
        check_keys(draft, index);
        check_compensation(draft, index);
    }
    int status = for_each_read(draft, index);
    if (status == 0 && role == ROLE_QUEUE) {
        status = queue_nodes_check(draft, index);
    } else if (status == 0 && !has_body) {
        status = check_work(draft, index);
    }
    if (status == 0 && role != ROLE_ITEM) {
        status = check_order(draft, index);
    }
    if (is_of_queue || draft->body_drafts[node->body].is_notice) {
        node->on_error = ON_ERROR_FAIL; /* the policy's is that of the node around, or of none */
    }
    if (status == 0 && (role == ROLE_NODE || role == ROLE_QUEUE)) {
        status = repeat_read(draft, index);
    }
    if (role != ROLE_EACH) {
        read_timeout(draft, index);
    }
    return status;
}

static int check_state(struct draft *draft, uint32_t index)
{
    struct node *node = &draft->nodes[index];
    struct scope_at at = {.site = USE_NODE, .node = index, .what = "the state"};
    bool has_work = states_check(draft, index);
    read_on_error(draft, index); /* no key of states: the policy's */
    (void)format_bool(draft->drafts[index].tree, "milestone", &node->is_milestone); /* or not */
    int status = has_work ? check_work(draft, index)
                          : scope_compile_template(draft, NULL, NULL, &at, &node->config);
    read_timeout(draft, index);
    return status;
}

static int check_tool(struct draft *draft, uint32_t index)
{
    int status = check_work(draft, index);
    read_on_error(draft, index);
    read_timeout(draft, index);
    return status;
}

static int check_any(struct draft *draft, uint32_t index)
{
    int status = 0;
    switch (draft->drafts[index].role) {
    case ROLE_NODE:
    case ROLE_LOOP:
    case ROLE_EACH:
    case ROLE_ITEM:
    case ROLE_QUEUE:
        status = check_node(draft, index);
        break;
    case ROLE_STATE:
        status = check_state(draft, index);
        break;
    case ROLE_TOOL:
        status = check_tool(draft, index);
        break;
    case ROLE_GROUP:
        return tools_read_group(draft, index);
    }
    read_risk(draft, index);
    status = status == 0 ? budget_read_node(draft, index) : status;
    return status == 0 ? read_name(draft, index) : status;
}

int nodes_check(struct draft *draft)
{
    int status = 0;
    for (uint32_t i = 0; i < draft->node_count && status == 0; i++) {
        status = check_any(draft, i);
    }
    if (status == 0) {
        endings_check(draft);
        notifications_mark(draft);
    }
    return status;
}
