/* SPDX-License-Identifier: Apache-2.0 */
/* `tools`: nodes by the name of their type alone; what they need comes from the input. */
#include "core/base/error.h"
#include "core/model/catalogue.h"
#include "core/model/draft.h"
#include "core/model/engine_types.h"
#include "core/model/format.h"
#include "core/model/root_names.h"
#include "core/model/schema_marks.h"
#include "core/model/scope.h"
#include "core/model/tree.h"
#include "core/value/schema.h"
#include "core/value/value.h"

enum { DEFAULT_INTERVAL_MS = 60000 };

static const struct report *report_of(const struct draft *draft)
{
    return &draft->loader->report;
}

static int read_tool(struct draft *draft, uint32_t body, const struct tree *tool)
{
    struct draft_node node = {.tree = tool, .role = ROLE_TOOL};
    const struct tree *id = tree_is_scalar(tool) ? tool : tree_get(tool, STR("id"));
    id = id != NULL ? id : tree_get(tool, STR("name"));
    if (!tree_is_scalar(id) || id->kind == TREE_NULL) {
        report_error(report_of(draft), tool->place,
                     "a tool must be its name or {name, config}, not %s", tree_kind_name(tool));
        return 0;
    }
    node.id = id->text;
    node.id_place = id->place;
    return draft_check_id(draft, body, node.id, node.id_place) ? draft_add_node(draft, body, node)
                                                               : 0;
}

int tools_read(struct draft *draft, uint32_t body)
{
    const struct tree *list = draft->body_drafts[body].list;
    int status = 0;
    for (uint32_t i = 0; i < list->count && status == 0; i++) {
        status = read_tool(draft, body, &list->as.items[i]);
    }
    return status;
}

int tools_type_name(struct draft *draft, uint32_t index, struct str *out_name)
{
    const struct tree *tool = draft->drafts[index].tree;
    struct str name = draft->nodes[index].id;
    if (tree_is(tool, TREE_MAP)) {
        struct label what = label_of("tool", name);
        format_check(report_of(draft), tool, format_tool_keys, what.text, 0);
        if (!format_text(tool, "name", &name)) {
            if (!format_is_misspelt(tool, format_tool_keys, "name")) {
                report_error(report_of(draft), tool->place, "%s needs a 'name'", what.text);
            }
            return 0;
        }
    }
    char *type = arena_dup(&draft->loader->arena, name);
    if (type == NULL) {
        return E_NOMEM;
    }
    char *slash = memchr(type, '/', name.n);
    if (slash != NULL) {
        *slash = '.';
    }
    *out_name = str_make(type, name.n);
    return 0;
}

static bool has_text(const struct value *list, struct str text)
{
    for (size_t i = 0; value_is(list, VALUE_LIST) && i < value_count(list); i++) {
        const struct value *item = value_at(list, i);
        if (value_is(item, VALUE_STRING) && str_equal(value_str(item), text)) {
            return true;
        }
    }
    return false;
}

/* How the argument `name` comes from the input; empty when it does not. */
static struct label input_for(const struct draft *draft, const struct value *type, struct str name)
{
    const struct schema *schema = draft->storage->pipeline.input_schema;
    bool is_sure = true;
    if (schema == NULL && !has_text(value_get(type, STR("required")), name)) {
        return (struct label){{0}};
    }
    if (schema != NULL) {
        const struct value *root = schema_source(schema);
        const struct value *input = value_get(schema_marks_properties(root, root), name);
        if (input == NULL) {
            return (struct label){{0}};
        }
        is_sure = has_text(value_get(root, STR("required")), name) ||
                  value_get(input, STR("default")) != NULL;
    }
    if (root_names_is_identifier(name)) {
        return label_make("{{ input.%s%.*s }}", is_sure ? "" : "?", STR_ARG(name));
    }
    return label_make("{{ input[%s'%.*s'] }}", is_sure ? "" : "?", STR_ARG(name));
}

/* A name that could end the text in an expression gets no argument. */
static bool is_plain(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (c < 0x20 || c == '\'' || c == '\\' || c == '{' || c == '}') {
            return false;
        }
    }
    return name.n > 0 && name.n <= DRAFT_MAX_ID_BYTES;
}

/* A member of the config that is written nowhere: its place is the tool's. */
static int make_argument(struct draft *draft, uint32_t index, struct str name,
                         struct tree_member *out)
{
    const struct node *node = &draft->nodes[index];
    const struct value *type = schema_source(node->type->config_schema);
    struct label text = input_for(draft, type, name);
    if (text.text[0] == '\0') {
        return 0;
    }
    struct str kept = arena_dup_str(&draft->loader->arena, str_from(text.text));
    struct str key = arena_dup_str(&draft->loader->arena, name);
    struct tree scalar = {.kind = TREE_TEXT, .style = TREE_BLOCK, .size = 1, .place = node->place};
    scalar.start = UINT32_MAX;
    *out = (struct tree_member){.key = scalar, .value = scalar};
    out->key.text = key;
    out->value.text = kept;
    return kept.p != NULL && key.p != NULL ? 0 : E_NOMEM;
}

int tools_fill_config(struct draft *draft, uint32_t index, struct tree *config)
{
    const struct node *node = &draft->nodes[index];
    const struct value *root = schema_source(node->type->config_schema);
    const struct value *properties = schema_marks_properties(root, root);
    size_t count = properties != NULL ? value_count(properties) : 0;
    struct tree_member *members =
        arena_calloc(&draft->loader->arena, config->count + count + 1, sizeof(*members));
    if (members == NULL) {
        return E_NOMEM;
    }
    if (config->count > 0) {
        memcpy(members, config->as.members, config->count * sizeof(*members));
    }
    const struct tree given = *config;
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        struct str name = value_str(&value_member_at(properties, i)->key);
        if (is_plain(name) && tree_find(&given, name) == NULL) {
            status = make_argument(draft, index, name, &members[config->count]);
            config->count += members[config->count].value.text.n > 0;
        }
    }
    config->as.members = members;
    return status;
}

int tools_read_group(struct draft *draft, uint32_t index)
{
    struct node *node = &draft->nodes[index];
    struct repeat *repeat = arena_calloc(&draft->storage->arena, 1, sizeof(*repeat));
    struct scope_at at = {.site = USE_NODE, .node = index, .what = "'tools'"};
    if (repeat == NULL) {
        return E_NOMEM;
    }
    repeat->max_iterations = UINT32_MAX;
    repeat->interval_ms = DEFAULT_INTERVAL_MS;
    (void)format_duration(draft->tree, "interval", &repeat->interval_ms); /* or the default */
    (void)format_duration(draft->tree, "duration", &repeat->duration_ms); /* checked as a key */
    node->repeat = repeat;
    node->kind = NODE_GROUP;
    node->type = engine_types_of(draft->loader->options->engine_types, NODE_GROUP);
    node->name = node->id;
    return scope_compile_template(draft, NULL, NULL, &at, &node->config);
}
