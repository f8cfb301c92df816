/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What depends on a type hangs on `if` and `then`, not on branches of anyOf: an editor then
 * offers and checks the fields of one type only, and says what is wrong with them.
 */
#include "core/model/node_schema.h"

#include <string.h>

#include "core/base/error.h"
#include "core/model/catalogue.h"
#include "core/model/engine_types.h"
#include "core/model/format_parts.h"
#include "core/model/schema_writer.h"
#include "core/model/template_schema.h"
#include "core/value/builder.h"
#include "core/value/schema.h"
#include "core/value/value.h"

/* The engine's types, then those of plugins; NULL at the end. */
static const struct node_type *type_at(const struct node_schema_types *types, size_t i)
{
    size_t own = 0;
    const struct node_type *type = NULL;
    while ((type = engine_types_at(types->engine_types, own)) != NULL) {
        if (own++ == i) {
            return type;
        }
    }
    return types->catalogue->type_at(types->catalogue->user, i - own);
}

/* "github.issues" → "github" and "issues"; false without a point. */
static bool split_name(struct str name, struct str *out_service, struct str *out_action)
{
    const char *point = memchr(name.p, '.', name.n);
    if (point == NULL) {
        return false;
    }
    size_t n = (size_t)(point - name.p);
    *out_service = str_make(name.p, n);
    *out_action = str_make(point + 1, name.n - n - 1);
    return true;
}

/* The first type of each service names it: types come in order of name. */
static bool begins_service(const struct node_schema_types *types, size_t i, struct str *out_service)
{
    struct str action = {0};
    struct str before = {0};
    const struct node_type *last = i > 0 ? type_at(types, i - 1) : NULL;
    return split_name(type_at(types, i)->name, out_service, &action) &&
           !(last != NULL && split_name(last->name, &before, &action) &&
             str_equal(before, *out_service));
}

static bool is_required(const struct schema *schema)
{
    const struct value *required = value_get(schema_source(schema), STR("required"));
    return value_is(required, VALUE_LIST) && value_count(required) > 0;
}

/* ---- names ---- */

static void build_const(struct builder *b, struct str name, struct str text)
{
    builder_map_begin(b);
    builder_member_string(b, STR("const"), name);
    builder_member_string(b, STR("description"), text);
    builder_map_end(b);
}

static void define_type_names(struct schema_writer *writer, const struct node_schema_types *types)
{
    schema_writer_define(writer, "type", STR(""));
    builder_key(writer->b, STR("anyOf"));
    builder_list_begin(writer->b);
    const struct node_type *type = NULL;
    for (size_t i = 0; (type = type_at(types, i)) != NULL; i++) {
        build_const(writer->b, type->name, type->summary);
    }
    build_const(writer->b, STR("internal.wait"), STR("another name for wait"));
    builder_list_end(writer->b);
    builder_map_end(writer->b);
}

static bool has_services(const struct node_schema_types *types)
{
    struct str service = {0};
    for (size_t i = 0; type_at(types, i) != NULL; i++) {
        if (begins_service(types, i, &service)) {
            return true;
        }
    }
    return false;
}

/* SERVER/TOOL, the fixed texts that there are. */
static void build_server_tools(struct builder *b, const struct node_schema_types *types)
{
    struct str service = {0};
    struct str action = {0};
    const struct node_type *type = NULL;
    builder_map_begin(b);
    builder_key(b, STR("enum"));
    builder_list_begin(b);
    for (size_t i = 0; (type = type_at(types, i)) != NULL; i++) {
        char name[320];
        if (split_name(type->name, &service, &action) && type->name.n < sizeof(name)) {
            memcpy(name, type->name.p, type->name.n);
            name[service.n] = '/';
            builder_string(b, str_make(name, type->name.n));
        }
    }
    builder_list_end(b);
    builder_map_end(b);
}

/* Types by name; the point may be written as '/', as tools of servers are. */
static void define_tool_names(struct schema_writer *writer, const struct node_schema_types *types)
{
    schema_writer_define(writer, "tool_name", STR(""));
    builder_key(writer->b, STR("anyOf"));
    builder_list_begin(writer->b);
    const struct node_type *type = NULL;
    for (size_t i = 0; (type = type_at(types, i)) != NULL; i++) {
        build_const(writer->b, type->name, type->summary);
    }
    if (has_services(types)) {
        build_server_tools(writer->b, types);
    }
    builder_list_end(writer->b);
    builder_map_end(writer->b);
}

static void define_service_names(struct schema_writer *writer,
                                 const struct node_schema_types *types)
{
    struct str service = {0};
    schema_writer_define(writer, "service", STR(""));
    builder_key(writer->b, STR("enum"));
    builder_list_begin(writer->b);
    builder_string(writer->b, STR("internal"));
    for (size_t i = 0; type_at(types, i) != NULL; i++) {
        if (begins_service(types, i, &service)) {
            builder_string(writer->b, service);
        }
    }
    builder_list_end(writer->b);
    builder_map_end(writer->b);
}

/* ---- one type ---- */

static void define_config(struct schema_writer *writer, const struct node_type *type)
{
    const struct value *source = schema_source(type->config_schema);
    struct schema_pointer pointer = schema_writer_pointer("config", type->name);
    schema_writer_define(writer, "config", type->name);
    if (template_schema_build(writer->b, source, str_from(pointer.text), NULL) != 0) {
        writer->status = E_NOMEM;
    }
    builder_map_end(writer->b);
}

static const struct {
    struct str name;
    struct str text;
} config_keys[] = {
    {{"config", 6}, {"What the type wants to know; templates may stand in it", 54}},
    {{"params", 6}, {"Another name for 'config'", 25}},
};

enum { CONFIG_KEYS = sizeof(config_keys) / sizeof(config_keys[0]) };

/* `config`, or `params` in its place, of nodes of `type`; of no type yet when that is NULL. */
static void build_config_members(struct schema_writer *writer, const struct node_type *type)
{
    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        builder_key(writer->b, config_keys[i].name);
        builder_map_begin(writer->b);
        builder_member_string(writer->b, STR("description"), config_keys[i].text);
        if (type == NULL) {
            schema_writer_members(writer, "{\"type\": [\"object\", \"null\"]}");
        } else if (is_required(type->config_schema)) {
            schema_writer_ref(writer, "config", type->name);
        } else {
            builder_key(writer->b, STR("anyOf"));
            builder_list_begin(writer->b);
            builder_map_begin(writer->b);
            schema_writer_ref(writer, "config", type->name);
            builder_map_end(writer->b);
            schema_writer_value(writer, "{\"type\": \"null\"}");
            builder_list_end(writer->b);
        }
        builder_map_end(writer->b);
    }
}

/* What the schemas of configs do not say of engine types. */
#define ONE_OF_WAIT                                                                                \
    "{\"oneOf\": [{\"required\": [\"seconds\"]}, {\"required\": [\"until\"]},"                     \
    " {\"required\": [\"event\"]}]}"

/* With `nodes` it is a group with a loop in it, without them it is neither. */
#define QUEUE_RULES                                                                                \
    "{\"if\": {\"required\": [\"for_each\"]}, \"then\": {\"properties\": {\"nodes\": false}},"     \
    " \"else\": {\"if\": {\"required\": [\"nodes\"]},"                                             \
    " \"then\": {\"properties\": {\"output\": false, \"collect\": false, \"max_iterations\": "     \
    "false,"                                                                                       \
    " \"on_limit\": false}},"                                                                      \
    " \"else\": {\"properties\": {\"as\": false, \"as_batch\": false, \"batch_size\": false,"      \
    " \"parallel_workers\": false, \"max_parallel\": false, \"max_failures\": false,"              \
    " \"max_iterations\": false, \"on_limit\": false, \"until\": false, \"collect\": false}}}}"

static const struct {
    const char *type;
    const char *members;
} type_rules[] = {
    {"queue.process", QUEUE_RULES},
    {"loop", "{\"required\": [\"for_each\", \"nodes\"]}"},
    {"wait", "{\"allOf\": [{\"properties\": {\"config\": " ONE_OF_WAIT ","
             " \"params\": " ONE_OF_WAIT "}},"
             " {\"anyOf\": [{\"required\": [\"config\"]}, {\"required\": [\"params\"]}]}]}"},
};

static void define_node(struct schema_writer *writer, const struct node_type *type)
{
    bool may_have_nodes = str_equal(type->name, STR("loop")) ||
                          str_equal(type->name, STR("queue.process"));
    schema_writer_define(writer, "node", type->name);
    builder_key(writer->b, STR("properties"));
    builder_map_begin(writer->b);
    build_config_members(writer, type);
    if ((type->flags & NODE_TYPE_PROCESSES) == 0) {
        builder_member_bool(writer->b, STR("limits"), false);
    }
    if ((type->flags & NODE_TYPE_PURE) != 0) {
        builder_member_bool(writer->b, STR("at_most_once"), false);
    }
    if (!may_have_nodes) {
        builder_member_bool(writer->b, STR("nodes"), false);
    }
    if (type->plugin.n == 0) {
        builder_member_bool(writer->b, STR("retry"), false);
        builder_member_bool(writer->b, STR("circuit_breaker"), false);
        builder_member_bool(writer->b, STR("rate_limit"), false);
        builder_member_bool(writer->b, STR("on_open"), false);
        builder_member_bool(writer->b, STR("fallback"), false);
        builder_member_bool(writer->b, STR("cache"), false);
    }
    builder_map_end(writer->b);
    for (size_t i = 0; i < sizeof(type_rules) / sizeof(type_rules[0]); i++) {
        if (str_equal_text(type->name, type_rules[i].type)) {
            schema_writer_members(writer, type_rules[i].members);
        }
    }
    if (is_required(type->config_schema)) {
        schema_writer_members(writer, "{\"if\": {\"not\": {\"required\": [\"params\"]}},"
                                      " \"then\": {\"required\": [\"config\"]}}");
    }
    builder_map_end(writer->b);
}

/* ---- which type it is ---- */

struct named_value {
    struct str name;
    struct str value;
};

/* `if` those of these texts that are there are as here; what `then` is comes next. */
static void build_if(struct builder *b, const struct named_value *texts, size_t count)
{
    builder_key(b, STR("if"));
    builder_map_begin(b);
    builder_key(b, STR("properties"));
    builder_map_begin(b);
    for (size_t i = 0; i < count; i++) {
        builder_key(b, texts[i].name);
        builder_map_begin(b);
        builder_member_string(b, STR("const"), texts[i].value);
        builder_map_end(b);
    }
    builder_map_end(b);
    builder_map_end(b);
    builder_key(b, STR("then"));
}

static void build_rule(struct schema_writer *writer, const struct named_value *texts, size_t count,
                       struct str type)
{
    builder_map_begin(writer->b);
    build_if(writer->b, texts, count);
    builder_map_begin(writer->b);
    schema_writer_ref(writer, "node", type);
    builder_map_end(writer->b);
    builder_map_end(writer->b);
}

/* The actions of the service, the first of whose types is the i-th; `key` is what names them. */
static void build_actions(struct schema_writer *writer, const struct node_schema_types *types,
                          size_t i, struct str service, struct str key)
{
    struct str action = {0};
    struct str other = {0};
    const struct node_type *type = NULL;
    builder_map_begin(writer->b);
    build_if(writer->b, &(struct named_value){STR("service"), service}, 1);
    builder_map_begin(writer->b);
    builder_key(writer->b, STR("properties"));
    builder_map_begin(writer->b);
    builder_key(writer->b, key);
    builder_map_begin(writer->b);
    builder_key(writer->b, STR("anyOf"));
    builder_list_begin(writer->b);
    for (; (type = type_at(types, i)) != NULL && split_name(type->name, &other, &action) &&
           str_equal(other, service);
         i++) {
        build_const(writer->b, action, type->summary);
    }
    builder_list_end(writer->b);
    builder_map_end(writer->b);
    builder_map_end(writer->b);
    builder_map_end(writer->b);
    builder_map_end(writer->b);
}

/*
 * Editors offer what an `if` requires, so that there is one of these around the rules, and the
 * rules need not require it again. The list of rules is open then.
 */
static void begin_rules(struct schema_writer *writer, const char *requirement)
{
    schema_writer_members(writer, requirement);
    builder_key(writer->b, STR("then"));
    builder_map_begin(writer->b);
    builder_key(writer->b, STR("allOf"));
    builder_list_begin(writer->b);
}

static void end_rules(struct schema_writer *writer)
{
    builder_list_end(writer->b);
    builder_map_end(writer->b);
}

static void build_service_names(struct schema_writer *writer, const struct node_schema_types *types,
                                struct str key)
{
    static const char named[] = "{\"if\": {\"type\": \"object\", \"required\": [\"service\"]}}";
    struct str service = {0};
    if (!has_services(types)) {
        return;
    }
    builder_map_begin(writer->b);
    begin_rules(writer, named);
    for (size_t i = 0; type_at(types, i) != NULL; i++) {
        if (begins_service(types, i, &service)) {
            build_actions(writer, types, i, service, key);
        }
    }
    end_rules(writer);
    builder_map_end(writer->b);
}

/* The rules for what names a service and, under `key`, what it shall do. */
static void build_service_rules(struct schema_writer *writer, const struct node_schema_types *types,
                                struct str key, const char *requirement)
{
    struct str service = {0};
    struct str action = {0};
    const struct node_type *type = NULL;
    builder_map_begin(writer->b);
    begin_rules(writer, requirement);
    for (size_t i = 0; (type = type_at(types, i)) != NULL; i++) {
        if (split_name(type->name, &service, &action)) {
            struct named_value texts[] = {{STR("service"), service}, {key, action}};
            build_rule(writer, texts, 2, type->name);
        }
    }
    struct named_value wait[] = {{STR("service"), STR("internal")}, {key, STR("wait")}};
    build_rule(writer, wait, 2, STR("wait"));
    end_rules(writer);
    builder_map_end(writer->b);
}

/* A node of a type; what has none yet, or has nodes of its own, may have any config. */
static void build_type_rules(struct schema_writer *writer, const struct node_schema_types *types)
{
    static const char typed[] = "{\"if\": {\"type\": \"object\", \"required\": [\"type\"]}}";
    static const char untyped[] =
        "{\"if\": {\"type\": \"object\","
        " \"not\": {\"anyOf\": [{\"required\": [\"service\", \"action\"]},"
        " {\"required\": [\"service\", \"method\"]},"
        " {\"required\": [\"nodes\"]}]}}}";
    const struct node_type *type = NULL;
    builder_map_begin(writer->b);
    begin_rules(writer, typed);
    for (size_t i = 0; (type = type_at(types, i)) != NULL; i++) {
        build_rule(writer, &(struct named_value){STR("type"), type->name}, 1, type->name);
    }
    build_rule(writer, &(struct named_value){STR("type"), STR("internal.wait")}, 1, STR("wait"));
    end_rules(writer);
    builder_key(writer->b, STR("else"));
    builder_map_begin(writer->b);
    schema_writer_members(writer, untyped);
    builder_key(writer->b, STR("then"));
    builder_map_begin(writer->b);
    builder_key(writer->b, STR("properties"));
    builder_map_begin(writer->b);
    build_config_members(writer, NULL);
    builder_map_end(writer->b);
    builder_map_end(writer->b);
    builder_map_end(writer->b);
    builder_map_end(writer->b);
}

static void define_typed(struct schema_writer *writer, const struct node_schema_types *types)
{
    schema_writer_define(writer, "typed", STR(""));
    builder_key(writer->b, STR("allOf"));
    builder_list_begin(writer->b);
    build_type_rules(writer, types);
    build_service_names(writer, types, STR("action"));
    build_service_rules(
        writer, types, STR("action"),
        "{\"if\": {\"type\": \"object\", \"required\": [\"service\", \"action\"]}}");
    builder_list_end(writer->b);
    builder_map_end(writer->b);
}

static void define_acted(struct schema_writer *writer, const struct node_schema_types *types)
{
    schema_writer_define(writer, "acted", STR(""));
    builder_key(writer->b, STR("allOf"));
    builder_list_begin(writer->b);
    build_service_names(writer, types, STR("method"));
    build_service_rules(
        writer, types, STR("method"),
        "{\"if\": {\"type\": \"object\", \"required\": [\"service\", \"method\"]}}");
    builder_list_end(writer->b);
    builder_map_end(writer->b);
}

/* ---- plugins ---- */

/* The plugin of the i-th type when no type before has it; else NULL. */
static const struct plugin_type *plugin_at(const struct node_schema_types *types, size_t i)
{
    struct str plugin = type_at(types, i)->plugin;
    for (size_t before = 0; before < i; before++) {
        if (str_equal(type_at(types, before)->plugin, plugin)) {
            return NULL;
        }
    }
    return plugin.n > 0 ? types->catalogue->find_plugin(types->catalogue->user, plugin) : NULL;
}

static void define_settings(struct schema_writer *writer, const struct plugin_type *plugin,
                            const struct value *policies)
{
    static const char none[] = "{\"type\": \"object\", \"additionalProperties\": false}";
    struct schema_pointer pointer = schema_writer_pointer("settings", plugin->id);
    schema_writer_define(writer, "settings", plugin->id);
    if (plugin->settings_schema == NULL) {
        schema_writer_members(writer, none);
        builder_key(writer->b, STR("properties"));
        builder_copy(writer->b, policies);
    } else if (template_schema_build(writer->b, schema_source(plugin->settings_schema),
                                     str_from(pointer.text), policies) != 0) {
        writer->status = E_NOMEM;
    }
    builder_map_end(writer->b);
}

/* A plugin that is not there is only warned of, so its integration may say anything. */
static void define_integrations(struct schema_writer *writer, const struct node_schema_types *types,
                                const struct value *policies)
{
    const struct plugin_type *plugin = NULL;
    schema_writer_define(writer, "integrations", STR(""));
    schema_writer_members(writer, "{\"type\": [\"object\", \"null\"]}");
    builder_key(writer->b, STR("properties"));
    builder_map_begin(writer->b);
    for (size_t i = 0; type_at(types, i) != NULL; i++) {
        if ((plugin = plugin_at(types, i)) != NULL) {
            builder_key(writer->b, plugin->id);
            builder_map_begin(writer->b);
            schema_writer_members(writer, FORMAT_INTEGRATION);
            schema_writer_members(writer, "{\"if\": {\"type\": \"object\"}}");
            builder_key(writer->b, STR("then"));
            builder_map_begin(writer->b);
            schema_writer_ref(writer, "settings", plugin->id);
            builder_map_end(writer->b);
            builder_map_end(writer->b);
        }
    }
    builder_map_end(writer->b);
    builder_key(writer->b, STR("additionalProperties"));
    builder_map_begin(writer->b);
    schema_writer_members(writer, FORMAT_INTEGRATION);
    builder_key(writer->b, STR("properties"));
    builder_copy(writer->b, policies);
    builder_map_end(writer->b);
    builder_map_end(writer->b);
}

void node_schema_define(struct schema_writer *writer, const struct node_schema_types *types,
                        const struct value *policies)
{
    const struct node_type *type = NULL;
    const struct plugin_type *plugin = NULL;
    define_type_names(writer, types);
    define_tool_names(writer, types);
    define_service_names(writer, types);
    define_typed(writer, types);
    define_acted(writer, types);
    for (size_t i = 0; (type = type_at(types, i)) != NULL; i++) {
        define_node(writer, type);
        define_config(writer, type);
    }
    define_integrations(writer, types, policies);
    for (size_t i = 0; type_at(types, i) != NULL; i++) {
        if ((plugin = plugin_at(types, i)) != NULL) {
            define_settings(writer, plugin, policies);
        }
    }
}
