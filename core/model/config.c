/* SPDX-License-Identifier: Apache-2.0 */
/* The type of a node, its config, and the outcomes that both give it. */
#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/expr/template.h"
#include "core/model/catalogue.h"
#include "core/model/definition.h"
#include "core/model/draft.h"
#include "core/model/engine_types.h"
#include "core/model/format.h"
#include "core/model/scope.h"
#include "core/model/tree.h"
#include "core/model/violations.h"
#include "core/value/schema.h"
#include "core/value/value.h"

/* Where the type's name is written, and the name: `type`, or `service` and `action`. */
struct type_name {
    struct str name;
    struct place place;
};

static int join_names(struct draft *draft, struct str service, struct str action,
                      struct str *out_name)
{
    struct strbuf joined = STRBUF_INIT;
    strbuf_append_str(&joined, service);
    strbuf_append_char(&joined, '.');
    strbuf_append_str(&joined, action);
    *out_name = arena_dup_str(&draft->loader->arena, strbuf_str(&joined));
    int status = out_name->p != NULL ? strbuf_status(&joined) : E_NOMEM;
    strbuf_finish(&joined);
    return status;
}

/* `internal.wait` is another name for the engine's own. */
static void drop_internal(struct type_name *type)
{
    if (str_equal(type->name, STR("internal.wait"))) {
        type->name = STR("wait");
    }
}

/* Says that there is no type, unless a misspelt key was meant to be it. */
static void report_no_type(struct draft *draft, uint32_t index)
{
    static const char *const keys[] = {"type", "service", "action", "method", "nodes", "for_each"};
    const struct tree *tree = draft->drafts[index].work;
    bool is_action = tree != draft->drafts[index].tree;
    const struct format_key *table = is_action          ? format_action_keys
                                     : draft->is_single ? format_single_keys
                                                        : format_node_keys;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (format_is_misspelt(tree, table, keys[i])) {
            return;
        }
    }
    const struct tree_member *service = tree_find(tree, STR("service"));
    const struct tree_member *action = tree_find(tree, STR("action"));
    struct str id = draft->nodes[index].id;
    if (!is_action && (service != NULL || action != NULL)) {
        const struct tree_member *there = service != NULL ? service : action;
        report_error(&draft->loader->report, there->key.place, "node '%.*s' has '%s', but no '%s'",
                     STR_ARG(id), service != NULL ? "service" : "action",
                     service != NULL ? "action" : "service");
        report_hint(&draft->loader->report, "or write type: %.*s",
                    STR_ARG(tree_is_scalar(&there->value) ? there->value.text : STR("TYPE")));
        return;
    }
    report_error(&draft->loader->report, draft->nodes[index].place,
                 is_action ? "'action' of state '%.*s' needs a 'service' and a 'method'"
                           : "node '%.*s' needs a 'type', or a 'service' and an 'action'",
                 STR_ARG(id));
}

static int read_type_name(struct draft *draft, uint32_t index, struct type_name *out)
{
    const struct report *report = &draft->loader->report;
    const struct tree *tree = draft->drafts[index].work;
    const struct tree *type = tree_get(tree, STR("type"));
    const struct tree *service = tree_get(tree, STR("service"));
    const struct tree *action = tree_get(tree, STR("action"));
    if (tree != draft->drafts[index].tree && action == NULL) {
        action = tree_get(tree, STR("method"));
    }
    struct str id = draft->nodes[index].id;
    if (type != NULL && (service != NULL || action != NULL)) {
        report_error(report, type->place, "node '%.*s' has both 'type' and 'service' or 'action'",
                     STR_ARG(id));
        return 0;
    }
    if (tree_is(type, TREE_TEXT) && type->text.n == 0) {
        report_error(report, type->place, "'type' of node '%.*s' is empty", STR_ARG(id));
    } else if (type != NULL) {
        *out = (struct type_name){tree_is_scalar(type) ? type->text : STR(""), type->place};
    } else if (service == NULL || action == NULL) {
        report_no_type(draft, index);
    } else if (tree_is_scalar(service) && tree_is_scalar(action)) {
        out->place = service->place;
        int status = join_names(draft, service->text, action->text, &out->name);
        if (status != 0) {
            return status;
        }
    }
    drop_internal(out);
    return 0;
}

static bool is_type(const struct load_options *options, struct str name)
{
    enum node_kind kind = NODE_PLUGIN;
    return name.n > 0 &&
           (engine_types_find(options->engine_types, name, &kind) != NULL ||
            options->catalogue->find_type(options->catalogue->user, name, NULL) != NULL);
}

/* `http` of `http.get`, when there is such a type, or the empty slice. */
static struct str type_before_dot(const struct load_options *options, struct str name)
{
    const char *dot = memchr(name.p, '.', name.n);
    struct str service = str_make(name.p, dot != NULL ? (size_t)(dot - name.p) : 0);
    return is_type(options, service) ? service : STR("");
}

/* What other tools call it, when we have such a type. */
static struct str type_of_word(struct str word)
{
    static const struct {
        const char *word;
        const char *type;
    } words[] = {
        {"bash", "code"},
        {"sh", "code"},
        {"shell", "code"},
        {"script", "code"},
        {"python", "code"},
        {"javascript", "code"},
        {"js", "code"},
        {"exec", "code"},
        {"command", "code"},
        {"run", "code"},
        {"rest", "http"},
        {"request", "http"},
        {"curl", "http"},
        {"webhook", "http"},
        {"api", "http"},
        {"if", "conditional"},
        {"condition", "conditional"},
        {"switch", "router"},
        {"choice", "router"},
        {"sleep", "wait"},
        {"delay", "wait"},
        {"timer", "wait"},
        {"foreach", "loop"},
        {"for_each", "loop"},
        {"map", "loop"},
        {"subflow", "workflow"},
        {"pipeline", "workflow"},
        {"noop", "passthrough"},
        {"pass", "passthrough"},
        {"assign", "set"},
        {"variables", "set"},
        {"error", "fail"},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (str_equal_text(word, words[i].word)) {
            return str_from(words[i].type);
        }
    }
    return STR("");
}

static struct str nearest_type(const struct load_options *options, struct str name)
{
    struct suggest nearest = suggest_start(name);
    struct str word = type_of_word(name);
    if (is_type(options, word)) {
        return word;
    }
    const struct node_type *type = NULL;
    for (size_t i = 0; (type = engine_types_at(options->engine_types, i)) != NULL; i++) {
        suggest_offer(&nearest, type->name);
    }
    struct node_type_line line;
    for (size_t i = 0; options->catalogue->line_at(options->catalogue->user, i, &line); i++) {
        suggest_offer(&nearest, line.name);
    }
    return nearest.best.n > 0 ? nearest.best : type_before_dot(options, name);
}

static void report_unknown_type(struct draft *draft, const struct type_name *type)
{
    const struct report *report = &draft->loader->report;
    const struct load_options *options = draft->loader->options;
    struct str folders = options->catalogue->folders(options->catalogue->user);
    report_error(report, type->place, "unknown node type '%.*s'", STR_ARG(type->name));
    for (size_t i = 0; i < draft->loader->definition_count; i++) {
        if (str_equal(draft->loader->definitions[i].id, type->name)) {
            report_hint(report, "it is a workflow: type: workflow, config: {workflow: %.*s}",
                        STR_ARG(type->name));
            return;
        }
    }
    struct str near = report_wants_nearest(report) ? nearest_type(options, type->name) : STR("");
    if (near.n > 0) {
        report_hint(report, "did you mean '%.*s'? the folders searched: %.*s", STR_ARG(near),
                    STR_ARG(folders));
    } else {
        report_hint(report, "`opstream nodes` lists all; the folders searched: %.*s",
                    STR_ARG(folders));
    }
}

/* Sets type and kind of the node; the type stays NULL when that was reported. */
static void find_type(struct draft *draft, uint32_t index, const struct type_name *name)
{
    const struct load_options *options = draft->loader->options;
    struct node *node = &draft->nodes[index];
    struct error err = {0};
    node->kind = NODE_PLUGIN;
    node->type = engine_types_find(options->engine_types, name->name, &node->kind);
    if (node->type == NULL) {
        node->type = options->catalogue->find_type(options->catalogue->user, name->name, &err);
    }
    if (node->type != NULL) {
        draft->drafts[index].is_typed = true;
    } else if (str_equal(name->name, STR("approval"))) {
        report_error(&draft->loader->report, name->place, "the node type '%.*s' is not built yet",
                     STR_ARG(name->name));
    } else if (err.code == E_NOT_FOUND) {
        report_unknown_type(draft, name);
    } else {
        report_error(&draft->loader->report, name->place, "node type '%.*s': %s",
                     STR_ARG(name->name), err.message);
    }
}

/* Those of its plugin's settings, which have been read. */
static void take_secrets(const struct draft *draft, struct node *node)
{
    const struct integration *integration =
        node->type != NULL
            ? pipeline_find_integration(&draft->storage->pipeline, node->type->plugin)
            : NULL;
    node->secrets = integration != NULL ? integration->secrets : node->secrets;
}

/* False when there is one that is no map, which the table of keys has reported. */
static bool find_config(struct draft *draft, uint32_t index)
{
    const struct tree *tree = draft->drafts[index].work;
    const struct tree_member *config = tree_find(tree, STR("config"));
    const struct tree_member *params = tree_find(tree, STR("params"));
    if (config != NULL && params != NULL) {
        report_error(&draft->loader->report, params->key.place,
                     "node '%.*s' has both 'config' and 'params', which mean the same",
                     STR_ARG(draft->nodes[index].id));
    }
    const struct tree_member *member = config != NULL ? config : params;
    draft->drafts[index].config =
        member != NULL && tree_is(&member->value, TREE_MAP) ? &member->value : NULL;
    return member == NULL || tree_is(&member->value, TREE_MAP) ||
           tree_is(&member->value, TREE_NULL);
}

static int add_outcome(struct draft *draft, uint32_t index, struct str name, uint32_t *outcomes)
{
    struct draft_node *node = &draft->drafts[index];
    uint32_t number = 0;
    int status = draft_outcome(draft, name, &number);
    if (status == 0) {
        outcomes[node->outcome_count++] = number;
    }
    return status;
}

static bool is_taken_outcome(struct str name)
{
    static const char *const names[] = {"success", "error", "queued", "denied", "budget"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_equal_text(name, names[i])) {
            return true;
        }
    }
    return false;
}

static void check_route_name(struct draft *draft, const struct tree *name)
{
    if (is_taken_outcome(name->text)) {
        report_error(&draft->loader->report, name->place,
                     "'%.*s' cannot be the name of a route: it is an outcome of every node",
                     STR_ARG(name->text));
    }
}

/* Routes with the same name would be one outcome with two conditions. */
static void check_route_doubled(struct draft *draft, const struct tree *routes, uint32_t index)
{
    const struct tree *name = tree_get(&routes->as.items[index], STR("name"));
    for (uint32_t i = 0; i < index; i++) {
        const struct tree *other = tree_get(&routes->as.items[i], STR("name"));
        if (tree_is_scalar(other) && str_equal(other->text, name->text)) {
            report_error(&draft->loader->report, name->place,
                         "two routes have the name '%.*s'; the first is at %u:%u",
                         STR_ARG(name->text), other->place.line, other->place.column);
            return;
        }
    }
}

static int read_route(struct draft *draft, uint32_t index, const struct tree *routes, uint32_t i,
                      struct route *out, uint32_t *outcomes)
{
    const struct tree *name = tree_get(&routes->as.items[i], STR("name"));
    const struct tree *when = tree_get(&routes->as.items[i], STR("when"));
    if (!tree_is_scalar(name) || when == NULL) {
        return 0; /* the schema has said so */
    }
    if (!tree_is_scalar(when)) {
        report_error(&draft->loader->report, when->place,
                     "'when' of route '%.*s' of node '%.*s' must be an expression, not %s",
                     STR_ARG(name->text), STR_ARG(draft->nodes[index].id), tree_kind_name(when));
        return 0;
    }
    check_route_name(draft, name);
    check_route_doubled(draft, routes, i);
    struct label what = label_make("route '%.*s' of node '%.*s'", STR_ARG(name->text),
                                   STR_ARG(draft->nodes[index].id));
    struct scope_at at = {.site = USE_NODE, .node = index, .what = what.text};
    int status = add_outcome(draft, index, name->text, outcomes);
    if (status != 0) {
        return status;
    }
    out->outcome = outcomes[draft->drafts[index].outcome_count - 1];
    return scope_compile_condition(draft, when, &at, &out->when);
}

static int read_router(struct draft *draft, uint32_t index, const struct tree *config)
{
    struct node *node = &draft->nodes[index];
    const struct tree *list = format_list(config, "routes");
    uint32_t count = list != NULL ? list->count : 0;
    struct route *routes = arena_calloc(&draft->storage->arena, count + 1, sizeof(*routes));
    uint32_t *outcomes = arena_calloc(&draft->loader->arena, (size_t)count + 1, sizeof(*outcomes));
    if (routes == NULL || outcomes == NULL) {
        return E_NOMEM;
    }
    draft->drafts[index].outcomes = outcomes;
    node->routes = routes;
    node->route_count = count;
    int status = 0;
    for (uint32_t i = 0; i < count && status == 0; i++) {
        status = read_route(draft, index, list, i, &routes[i], outcomes);
    }
    const struct tree *other = tree_get(config, STR("default"));
    if (status != 0 || !tree_is(other, TREE_TEXT)) {
        return status;
    }
    check_route_name(draft, other);
    status = add_outcome(draft, index, other->text, outcomes);
    node->default_outcome = outcomes[draft->drafts[index].outcome_count - 1];
    return status;
}

static int read_conditional(struct draft *draft, uint32_t index, const struct tree *config)
{
    static const uint32_t outcomes[] = {OUTCOME_TRUE, OUTCOME_FALSE};
    struct node *node = &draft->nodes[index];
    draft->drafts[index].outcomes = outcomes;
    draft->drafts[index].outcome_count = 2;
    const struct tree *condition = tree_get(config, STR("condition"));
    struct label what = label_of("'condition' of node", node->id);
    struct scope_at at = {.site = USE_NODE, .node = index, .what = what.text};
    if (condition == NULL) {
        return 0; /* the schema has said so */
    }
    if (!tree_is_scalar(condition) || condition->kind == TREE_NULL) {
        report_error(&draft->loader->report, condition->place, "%s must be an expression, not %s",
                     what.text, tree_kind_name(condition));
        return 0;
    }
    return scope_compile_condition(draft, condition, &at, &node->condition);
}

/* The branches have conditions of their own in place of a config to resolve. */
static int check_branches(struct draft *draft, uint32_t index, const struct tree *config,
                          const struct scope_at *at)
{
    struct node *node = &draft->nodes[index];
    int status = violations_check_plain(draft, config, node->type->config_schema, at);
    if (status == 0) {
        status = scope_compile_template(draft, NULL, NULL, at, &node->config);
    }
    if (status != 0) {
        return status;
    }
    return node->kind == NODE_ROUTER ? read_router(draft, index, config)
                                     : read_conditional(draft, index, config);
}

/* Calls for each name that JSON pointer `ports_from` (with * for all items) leads to. */
static int add_ports_from(struct draft *draft, uint32_t index, const struct tree *tree,
                          struct str path, uint32_t *outcomes)
{
    if (path.n == 0 || path.p[0] != '/') {
        return tree_is_scalar(tree) ? add_outcome(draft, index, tree->text, outcomes) : 0;
    }
    const char *slash = memchr(path.p + 1, '/', path.n - 1);
    size_t end = slash != NULL ? (size_t)(slash - path.p) : path.n;
    struct str token = str_make(path.p + 1, end - 1);
    struct str rest = str_make(path.p + end, path.n - end);
    if (!str_equal(token, STR("*"))) {
        const struct tree *next = tree_get(tree, token);
        return next != NULL ? add_ports_from(draft, index, next, rest, outcomes) : 0;
    }
    int status = 0;
    for (uint32_t i = 0; tree_is(tree, TREE_LIST) && i < tree->count && status == 0; i++) {
        status = add_ports_from(draft, index, &tree->as.items[i], rest, outcomes);
    }
    return status;
}

static int read_ports(struct draft *draft, uint32_t index, const struct tree *config)
{
    const struct node_type *type = draft->nodes[index].type;
    size_t most = type->port_count + (type->ports_from.n > 0 ? config->size : 0);
    uint32_t *outcomes = arena_calloc(&draft->loader->arena, most + 1, sizeof(*outcomes));
    if (outcomes == NULL) {
        return E_NOMEM;
    }
    draft->drafts[index].outcomes = outcomes;
    int status = 0;
    for (size_t i = 0; i < type->port_count && status == 0; i++) {
        status = add_outcome(draft, index, type->ports[i], outcomes);
    }
    return status == 0 && type->ports_from.n > 0
               ? add_ports_from(draft, index, config, type->ports_from, outcomes)
               : status;
}

/* Types that are not for every node. */
static bool check_place(struct draft *draft, uint32_t index, struct place place)
{
    const struct report *report = &draft->loader->report;
    struct node *node = &draft->nodes[index];
    if (node->kind == NODE_LOOP) {
        report_error(report, place, "the loop '%.*s' needs 'for_each' and 'nodes'",
                     STR_ARG(node->id));
        node->type = NULL;
        draft->drafts[index].is_typed = false;
        return false;
    }
    if (draft->drafts[index].role == ROLE_ITEM &&
        (node->kind == NODE_ROUTER || node->kind == NODE_CONDITIONAL)) {
        report_error(report, place, "node '%.*s' is a loop, so nothing follows its %.*s",
                     STR_ARG(node->id), STR_ARG(node->type->name));
        report_hint(report, "give the loop 'nodes': the %.*s and what follows it",
                    STR_ARG(node->type->name));
        return false;
    }
    return true;
}

/* `config` is a map. */
static int check_config(struct draft *draft, uint32_t index, const struct tree *config)
{
    struct node *node = &draft->nodes[index];
    struct label what = label_of("config of node", node->id);
    struct scope_at at = {.site = USE_NODE, .node = index, .what = what.text};
    draft->config_owner = draft->drafts[index].work;
    if (node->kind == NODE_ROUTER || node->kind == NODE_CONDITIONAL) {
        return check_branches(draft, index, config, &at);
    }
    if (node->kind == NODE_WAIT) {
        return wait_check(draft, index, config, &at);
    }
    int status =
        violations_check_template(draft, config, node->type->config_schema, &at, &node->config);
    if (status == 0 && node->kind == NODE_WORKFLOW && node->config != NULL) {
        return child_check(draft, index, config, node->config);
    }
    return status == 0 && node->kind == NODE_PLUGIN ? read_ports(draft, index, config) : status;
}

int config_check(struct draft *draft, uint32_t index)
{
    struct node *node = &draft->nodes[index];
    struct type_name name = {.place = node->place};
    bool is_tool = draft->drafts[index].role == ROLE_TOOL;
    int status = is_tool ? tools_type_name(draft, index, &name.name)
                         : read_type_name(draft, index, &name);
    bool has_config = find_config(draft, index);
    if (status != 0 || name.name.n == 0) {
        return status;
    }
    find_type(draft, index, &name);
    take_secrets(draft, &draft->nodes[index]);
    if (node->type == NULL || !has_config || !check_place(draft, index, name.place)) {
        return 0;
    }
    const struct tree none = {.kind = TREE_MAP, .size = 1, .height = 1, .place = node->place};
    struct tree *config = arena_alloc(&draft->loader->arena, sizeof(*config));
    if (config == NULL) {
        return E_NOMEM;
    }
    *config = draft->drafts[index].config != NULL ? *draft->drafts[index].config : none;
    if (is_tool) {
        status = tools_fill_config(draft, index, config);
    }
    if (draft->body_drafts[node->body].is_notice) {
        status = notifications_fill_config(draft, index, config);
    }
    return status == 0 ? check_config(draft, index, config) : status;
}
