/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/pipeline_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/model/catalogue.h"
#include "core/model/engine_types.h"
#include "core/model/load.h"
#include "core/model/pipeline.h"
#include "core/value/json.h"
#include "core/value/schema.h"
#include "core/value/value.h"

static const struct str ports[] = {{"left", 4}, {"right", 5}};

static struct node_type types[] = {
    {.name = {"call.task", 9}, .plugin = {"call", 4}, .origin_key = {"url", 3}},
    {.name = {"flow.task", 9}, .plugin = {"flow", 4}, .flags = NODE_TYPE_STREAMS},
    {.name = {"other.task", 10}, .plugin = {"other", 5}, .ports = ports, .port_count = 2},
    {.name = {"proc.task", 9}, .plugin = {"proc", 4}, .flags = NODE_TYPE_PROCESSES},
    {.name = {"set.task", 8},
     .plugin = {"set", 3},
     .origin_key = {"base_url", 8},
     .origin_default = {"https://api.example.com", 23},
     .flags = NODE_TYPE_CALLS | NODE_TYPE_SET_ORIGIN},
    {.name = {"toy.task", 8},
     .plugin = {"toy", 3},
     .flags = NODE_TYPE_SPENDS,
     .ports = ports,
     .port_count = 2},
    {.name = {"web.task", 8},
     .plugin = {"web", 3},
     .origin_key = {"url", 3},
     .flags = NODE_TYPE_CALLS},
};

enum { TYPE_COUNT = sizeof(types) / sizeof(types[0]) };

static const struct plugin_type plugins[] = {
    {.id = {"call", 4}, .version = {"1", 1}, .path = {"call.so", 7}},
    {.id = {"flow", 4}, .version = {"1", 1}, .path = {"flow.so", 7}},
    {.id = {"other", 5}, .version = {"1", 1}, .path = {"other.so", 8}},
    {.id = {"proc", 4}, .version = {"1", 1}, .path = {"proc.so", 7}},
    {.id = {"set", 3}, .version = {"1", 1}, .path = {"set.so", 6}},
    {.id = {"toy", 3}, .version = {"1", 1}, .path = {"toy.so", 6}},
    {.id = {"web", 3}, .version = {"1", 1}, .path = {"web.so", 6}},
};

static struct engine_types *engine_types;
static struct schema *any_map;
static struct schema *any_settings;

_Noreturn static void broken(const char *what, const char *why)
{
    (void)fprintf(stderr, "the test is broken: %s: %s\n", what, why);
    abort();
}

static const struct node_type *find_type(void *user, struct str name, struct error *err)
{
    (void)user;
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (str_equal(types[i].name, name)) {
            return &types[i];
        }
    }
    (void)error_set(err, E_NOT_FOUND, "no toy type has this name");
    return NULL;
}

static struct plugin_type toy_plugins[sizeof(plugins) / sizeof(plugins[0])];

static const struct plugin_type *find_plugin(void *user, struct str id)
{
    (void)user;
    for (size_t i = 0; i < sizeof(plugins) / sizeof(plugins[0]); i++) {
        if (str_equal(plugins[i].id, id)) {
            toy_plugins[i] = plugins[i];
            toy_plugins[i].settings_schema = any_settings;
            return &toy_plugins[i];
        }
    }
    return NULL;
}

static const struct node_type *type_at(void *user, size_t i)
{
    (void)user;
    return i < TYPE_COUNT ? &types[i] : NULL;
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
    return STR("nowhere");
}

static const char *no_env(void *user, struct str name)
{
    (void)user;
    (void)name;
    return NULL;
}

struct document *pipeline_fixture_json(const char *json)
{
    struct error err = {0};
    struct document *document = NULL;
    if (json_read(str_from(json), NULL, &document, &err) != 0) {
        broken(json, err.message);
    }
    return document;
}

static struct schema *compile_map(const char *text)
{
    struct error err = {0};
    struct schema *schema = NULL;
    struct document *source = pipeline_fixture_json(text);
    if (schema_compile(source, &schema, &err) != 0) {
        broken("schema", err.message);
    }
    document_unref(source);
    return schema;
}

static void finish_once(void)
{
    engine_types_destroy(engine_types);
    schema_destroy(any_map);
    schema_destroy(any_settings);
}

static void prepare_once(void)
{
    struct error err = {0};
    if (engine_types != NULL) {
        return;
    }
    if (engine_types_create(&engine_types, &err) != 0) {
        broken("engine types", err.message);
    }
    any_map = compile_map("{\"type\": \"object\"}");
    any_settings = compile_map("{\"type\": \"object\", \"x-ops-secret\": true}");
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        types[i].config_schema = any_map;
        types[i].risk = STR("low");
        types[i].description = document_empty_map();
    }
    (void)atexit(finish_once);
}

static struct str source_of(const char *file, void *user)
{
    (void)file;
    return *(const struct str *)user;
}

_Noreturn static void print_faults(const struct diagnostics *diagnostics, struct str text,
                                   const struct error *err)
{
    struct strbuf out = STRBUF_INIT;
    diagnostics_print(diagnostics, source_of, &text, 0, &out);
    (void)fprintf(stderr, "%.*s", (int)out.n, out.p != NULL ? out.p : "");
    broken("pipeline", err->message);
}

const struct load_options *pipeline_fixture_options(void)
{
    static const struct catalogue catalogue = {
        .find_type = find_type,
        .find_plugin = find_plugin,
        .type_at = type_at,
        .line_at = line_at,
        .folders = folders,
    };
    static struct load_options options = {
        .catalogue = &catalogue,
        .file = {"toy.yaml", 8},
        .env = no_env,
    };
    prepare_once();
    options.engine_types = engine_types;
    return &options;
}

struct pipeline *pipeline_fixture_load_str(struct str text)
{
    struct error err = {0};
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct definitions *definitions = NULL;
    if (load_text(text, pipeline_fixture_options(), &diagnostics, &definitions, &err) != 0) {
        print_faults(&diagnostics, text, &err);
    }
    struct pipeline *pipeline = pipeline_ref(definitions->pipelines[0]);
    definitions_destroy(definitions);
    diagnostics_finish(&diagnostics);
    return pipeline;
}

struct pipeline *pipeline_fixture_load(const char *yaml)
{
    return pipeline_fixture_load_str(str_from(yaml));
}

uint32_t pipeline_fixture_node(const struct pipeline *pipeline, const char *id)
{
    int64_t node = pipeline_find_node(pipeline, str_from(id));
    if (node < 0) {
        broken("no such node", id);
    }
    return (uint32_t)node;
}

char *pipeline_fixture_text(const struct document *document)
{
    struct strbuf out = STRBUF_INIT;
    if (document == NULL) {
        strbuf_append_text(&out, "(none)");
    } else {
        json_write(document_root(document), JSON_COMPACT, &out);
    }
    char *text = strbuf_take(&out);
    if (text == NULL) {
        broken("text", "out of memory");
    }
    return text;
}
