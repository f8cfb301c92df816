/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/model/node_types.h"

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/model/engine_types.h"
#include "core/value/json.h"
#include "core/value/schema.h"
#include "core/value/value.h"

static const struct schema *compile(struct node_types *types, const char *json)
{
    struct document *document = NULL;
    struct schema *schema = NULL;
    struct error err = {0};
    int status = json_read(str_from(json), NULL, &document, &err);
    if (status == 0) {
        status = schema_compile(document, &schema, &err);
    }
    document_unref(document);
    CHECK_NAMED(status == 0, err.message);
    types->schemas[types->schema_count++] = schema;
    return schema;
}

static const struct node_type *find_type(void *user, struct str name, struct error *err)
{
    const struct node_types *types = user;
    for (size_t i = 0; i < NODE_TYPES_COUNT; i++) {
        if (str_equal(types->types[i].name, name)) {
            return &types->types[i];
        }
    }
    if (str_equal(name, STR("broken.node"))) {
        (void)error_set(err, E_VERSION, "the plugin 'broken' needs interface 2 of /p/broken.so");
        return NULL;
    }
    (void)error_set(err, E_NOT_FOUND, "not found");
    return NULL;
}

static const struct plugin_type *find_plugin(void *user, struct str id)
{
    const struct node_types *types = user;
    for (size_t i = 0; i < 3; i++) {
        if (str_equal(types->plugins[i].id, id)) {
            return &types->plugins[i];
        }
    }
    return NULL;
}

static const struct node_type *type_at(void *user, size_t i)
{
    const struct node_types *types = user;
    return i < NODE_TYPES_COUNT ? &types->types[i] : NULL;
}

static bool line_at(void *user, size_t i, struct node_type_line *out_line)
{
    const struct node_type *type = type_at(user, i);
    if (type == NULL) {
        return false;
    }
    *out_line = (struct node_type_line){
        .name = type->name, .plugin = type->plugin, .risk = type->risk, .summary = type->summary};
    return true;
}

static struct str folders(void *user)
{
    (void)user;
    return STR("/p, /q");
}

static const char http_config[] =
    "{\"type\": \"object\", \"required\": [\"url\"], \"additionalProperties\": false,"
    " \"properties\": {\"url\": {\"type\": \"string\"},"
    " \"method\": {\"enum\": [\"GET\", \"POST\", \"DELETE\"]},"
    " \"headers\": {\"type\": \"object\","
    "  \"additionalProperties\": {\"type\": \"string\", \"x-ops-secret\": true}},"
    " \"tries\": {\"type\": \"integer\", \"minimum\": 1}, \"body\": {}}}";
static const char http_output[] =
    "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
    "\"status\": {\"type\": \"integer\"}, \"body\": {}, \"duration_ms\": {\"type\": \"number\"}}}";
static const char http_settings[] =
    "{\"type\": \"object\", \"additionalProperties\": false,"
    " \"properties\": {\"base_url\": {\"type\": \"string\"}, \"token\": "
    "{\"type\": \"string\", \"x-ops-secret\": true}}}";
static const char code_config[] =
    "{\"type\": \"object\", \"required\": [\"language\", \"code\"],"
    " \"additionalProperties\": false, \"properties\": {"
    "\"language\": {\"enum\": [\"bash\", \"python\"]},"
    " \"code\": {\"type\": \"string\", \"x-ops-raw\": true},"
    " \"input_mapping\": {\"type\": \"object\", \"x-ops-secret\": true}}}";
static const char filter_config[] = "{\"type\": \"object\", \"properties\": {"
                                    "\"keep\": {\"format\": \"cel\"}}}";
static const char ticket_config[] = "{\"type\": \"object\", \"required\": [\"name\"],"
                                    " \"properties\": {\"name\": {\"type\": \"string\"}}}";
static const char split_config[] = "{\"type\": \"object\", \"properties\": {"
                                   "\"parts\": {\"type\": \"array\"}}}";

void node_types_init(struct node_types *types)
{
    static const struct str ports[] = {{"left", 4}, {"right", 5}};
    struct error err = {0};
    *types = (struct node_types){0};
    CHECK_NAMED(engine_types_create(&types->engine_types, &err) == 0, err.message);
    types->types[0] = (struct node_type){.name = STR("code"),
                                         .plugin = STR("code"),
                                         .flags = NODE_TYPE_PROCESSES,
                                         .config_schema = compile(types, code_config)};
    types->types[1] = (struct node_type){.name = STR("emit"),
                                         .plugin = STR("emit"),
                                         .flags = NODE_TYPE_STREAMS,
                                         .risk = STR("high"),
                                         .config_schema = compile(types, "{}")};
    types->types[2] = (struct node_type){.name = STR("filter"),
                                         .plugin = STR("filter"),
                                         .config_schema = compile(types, filter_config)};
    types->types[3] = (struct node_type){.name = STR("http"),
                                         .plugin = STR("http"),
                                         .config_schema = compile(types, http_config),
                                         .output_schema = compile(types, http_output)};
    types->types[4] = (struct node_type){.name = STR("split"),
                                         .plugin = STR("split"),
                                         .config_schema = compile(types, split_config),
                                         .ports = ports,
                                         .port_count = 2,
                                         .ports_from = STR("/parts/*/name")};
    types->types[5] = (struct node_type){.name = STR("ticket"),
                                         .plugin = STR("ticket"),
                                         .config_schema = compile(types, ticket_config)};
    types->plugins[0] = (struct plugin_type){.id = STR("code"), .path = STR("/p/code.so")};
    types->plugins[2] = (struct plugin_type){
        .id = STR("split"), .path = STR("/p/split.so"), .rate_limit = {200, 60000}};
    types->plugins[1] = (struct plugin_type){.id = STR("http"),
                                             .path = STR("/p/http.so"),
                                             .settings_schema = compile(types, http_settings)};
    types->catalogue = (struct catalogue){.user = types,
                                          .find_type = find_type,
                                          .find_plugin = find_plugin,
                                          .type_at = type_at,
                                          .line_at = line_at,
                                          .folders = folders};
}

void node_types_finish(struct node_types *types)
{
    for (size_t i = 0; i < types->schema_count; i++) {
        schema_destroy(types->schemas[i]);
    }
    engine_types_destroy(types->engine_types);
}
