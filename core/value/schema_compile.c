/* SPDX-License-Identifier: Apache-2.0 */
#include "core/value/schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/escape.h"
#include "core/base/grow.h"
#include "core/value/regex.h"
#include "core/value/schema_compiler.h"
#include "core/value/schema_number.h"
#include "core/value/value.h"

const char *const schema_type_names[SCHEMA_TYPE_COUNT] = {
    "null", "boolean", "integer", "number", "string", "array", "object",
};

unsigned schema_type_of(const struct value *value)
{
    switch (value_type(value)) {
    case VALUE_NULL:
        return SCHEMA_NULL;
    case VALUE_BOOL:
        return SCHEMA_BOOLEAN;
    case VALUE_INT:
        return SCHEMA_INTEGER | SCHEMA_NUMBER;
    case VALUE_DOUBLE:
        return schema_number_is_whole(value) ? SCHEMA_INTEGER | SCHEMA_NUMBER : SCHEMA_NUMBER;
    case VALUE_STRING:
        return SCHEMA_STRING;
    case VALUE_LIST:
        return SCHEMA_ARRAY;
    case VALUE_MAP:
        return SCHEMA_OBJECT;
    }
    return 0;
}

uint32_t schema_rule_in_place_count(const struct schema_rule *rule)
{
    switch (rule->kind) {
    case SCHEMA_RULE_REF:
    case SCHEMA_RULE_NOT:
        return 1;
    case SCHEMA_RULE_IF:
        return 1 + rule->entries.count;
    case SCHEMA_RULE_ALL_OF:
    case SCHEMA_RULE_ANY_OF:
    case SCHEMA_RULE_ONE_OF:
    case SCHEMA_RULE_DEPENDENT_SCHEMAS:
        return rule->entries.count;
    default:
        return 0;
    }
}

uint32_t schema_rule_in_place_node(const struct schema *schema, const struct schema_rule *rule,
                                   uint32_t i)
{
    switch (rule->kind) {
    case SCHEMA_RULE_REF:
    case SCHEMA_RULE_NOT:
        return rule->node;
    case SCHEMA_RULE_IF:
        return i == 0 ? rule->node : schema_entry_at(schema, rule->entries, i - 1)->node;
    default:
        return schema_entry_at(schema, rule->entries, i)->node;
    }
}

/* The nodes on the way from the root are at most as many as the document is deep. */
static void append_node_pointer(const struct compiler *c, uint32_t node, struct strbuf *out)
{
    uint32_t way[128];
    size_t count = 0;
    while (node != SCHEMA_NO_NODE && count < sizeof(way) / sizeof(way[0])) {
        way[count++] = node;
        node = c->origins[node].parent;
    }
    while (count-- > 0) {
        const struct schema_origin *origin = &c->origins[way[count]];
        if (origin->parent == SCHEMA_NO_NODE) {
            strbuf_append_str(out, origin->keyword);
            continue;
        }
        value_pointer_append(out, origin->keyword);
        if (origin->has_key) {
            value_pointer_append(out, origin->key);
        } else if (origin->has_index) {
            strbuf_append_format(out, "/%u", origin->index);
        }
    }
}

int compiler_fail_at(struct compiler *c, uint32_t node, struct str keyword, int code,
                     const char *format, ...)
{
    struct strbuf pointer = STRBUF_INIT;
    struct strbuf shown = STRBUF_INIT;
    append_node_pointer(c, node, &pointer);
    if (keyword.n > 0) {
        value_pointer_append(&pointer, keyword);
    }
    escape_append_text(&shown, strbuf_str(&pointer));

    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments); /* cut is fine */
    va_end(arguments);
    (void)error_set(c->err, code, "%.400s%s%s", shown.n > 0 ? shown.p : "", shown.n > 0 ? ": " : "",
                    text);
    strbuf_finish(&pointer);
    strbuf_finish(&shown);
    return code;
}

/* The first place of a value counts: shared parts of a document can be found several times. */
static int note_value(struct compiler *c, const struct value *source, size_t node)
{
    const struct value **key = arena_alloc(&c->arena, sizeof(*key));
    if (key == NULL) {
        return error_nomem(c->err);
    }
    *key = source;
    int status = strmap_add(&c->by_value, str_make((const char *)key, sizeof(*key)),
                            (void *)(uintptr_t)(node + 1));
    return status == E_NOMEM ? error_nomem(c->err) : 0;
}

static int reserve_node(struct compiler *c)
{
    struct schema *schema = c->schema;
    struct schema_node *nodes = array_reserve(schema->nodes, &schema->node_cap,
                                              schema->node_count + 1, sizeof(schema->nodes[0]));
    if (nodes == NULL) {
        return error_nomem(c->err);
    }
    schema->nodes = nodes;

    struct schema_origin *origins =
        array_reserve(c->origins, &c->origin_cap, schema->node_count + 1, sizeof(c->origins[0]));
    if (origins == NULL) {
        return error_nomem(c->err);
    }
    c->origins = origins;
    return 0;
}

int compiler_add_node(struct compiler *c, const struct value *source,
                      const struct schema_origin *origin, uint32_t *out_node)
{
    int status = reserve_node(c);
    if (status != 0) {
        return status;
    }
    struct schema *schema = c->schema;
    uint32_t node = (uint32_t)schema->node_count;
    c->origins[node] = *origin;
    if (!value_is(source, VALUE_MAP) && !value_is(source, VALUE_BOOL)) {
        return compiler_fail_at(c, node, STR(""), E_INVALID,
                                "must be a schema: a map, true or false");
    }
    if (node >= SCHEMA_MAX_NODES) {
        return compiler_fail_at(c, node, STR(""), E_LIMIT,
                                "the schema has more than %d subschemas: make it smaller",
                                (int)SCHEMA_MAX_NODES);
    }
    status = note_value(c, source, node);
    if (status != 0) {
        return status;
    }

    schema->nodes[node] = (struct schema_node){.source = source};
    schema->node_count++;
    *out_node = node;
    return 0;
}

struct schema_rule *compiler_add_rule(struct compiler *c, enum schema_rule_kind kind)
{
    struct schema *schema = c->schema;
    struct schema_rule *rules = array_reserve(schema->rules, &schema->rule_cap,
                                              schema->rule_count + 1, sizeof(schema->rules[0]));
    if (rules == NULL) {
        (void)error_nomem(c->err); /* the caller returns the code */
        return NULL;
    }
    schema->rules = rules;
    struct schema_rule *rule = &rules[schema->rule_count++];
    *rule = (struct schema_rule){.kind = kind, .node = SCHEMA_NO_NODE};
    schema->nodes[c->node].rule_count++;
    return rule;
}

int compiler_add_entry(struct compiler *c, struct schema_entry entry)
{
    struct schema *schema = c->schema;
    struct schema_entry *entries = array_reserve(
        schema->entries, &schema->entry_cap, schema->entry_count + 1, sizeof(schema->entries[0]));
    if (entries == NULL) {
        return error_nomem(c->err);
    }
    schema->entries = entries;
    entries[schema->entry_count++] = entry;
    return 0;
}

static int compare_rules(const void *left, const void *right)
{
    const struct schema_rule *a = left;
    const struct schema_rule *b = right;
    return a->kind < b->kind ? -1 : a->kind > b->kind ? 1 : 0;
}

static int compile_node(struct compiler *c, uint32_t node)
{
    struct schema *schema = c->schema;
    c->node = node;
    const struct value *source = schema->nodes[node].source;
    schema->nodes[node].first_rule = (uint32_t)schema->rule_count;
    if (value_is(source, VALUE_BOOL)) {
        schema->nodes[node].is_false = !value_bool(source);
        return 0;
    }
    int status = compiler_read_names(c);
    if (status != 0) {
        return status;
    }
    status = compiler_read_keywords(c);
    if (status != 0) {
        return status;
    }

    size_t count = schema->nodes[node].rule_count;
    if (count > 1) {
        qsort(&schema->rules[schema->nodes[node].first_rule], count, sizeof(schema->rules[0]),
              compare_rules);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t rule = schema->nodes[node].first_rule + i;
        if (schema->rules[rule].kind != SCHEMA_RULE_REF) {
            continue;
        }
        struct schema_reference *references = array_reserve(
            c->references, &c->reference_cap, c->reference_count + 1, sizeof(c->references[0]));
        if (references == NULL) {
            return error_nomem(c->err);
        }
        c->references = references;
        references[c->reference_count++] = (struct schema_reference){node, rule};
    }
    return 0;
}

/* A reference can name a place that no keyword leads to, which is then compiled as well. */
static int compile_all(struct compiler *c)
{
    size_t node = 0;
    size_t reference = 0;
    while (node < c->schema->node_count || reference < c->reference_count) {
        int status = node < c->schema->node_count ? compile_node(c, (uint32_t)node++)
                                                  : compiler_resolve(c, c->references[reference++]);
        if (status != 0) {
            return status;
        }
    }
    return compiler_refuse_loops(c);
}

static int compile_root(struct compiler *c)
{
    struct schema_resource *resource = arena_calloc(&c->arena, 1, sizeof(*resource));
    if (resource == NULL) {
        return error_nomem(c->err);
    }
    resource->root = c->schema->source;
    struct schema_origin origin = {.parent = SCHEMA_NO_NODE, .resource = resource};
    uint32_t node = 0;
    int status = compiler_add_node(c, c->schema->source, &origin, &node);
    return status != 0 ? status : compile_all(c);
}

int schema_compile(const struct document *schema, struct schema **out_schema, struct error *err)
{
    return schema_compile_value(schema, document_root(schema), out_schema, err);
}

static int compile(const struct document *document, const struct value *root, bool is_strict,
                   struct schema **out_schema, struct error *err)
{
    struct schema *schema = calloc(1, sizeof(*schema));
    if (schema == NULL) {
        return error_nomem(err);
    }
    schema->document = document_ref(document);
    schema->source = root;

    struct compiler c = {.schema = schema, .is_strict = is_strict, .err = err};
    int status = compile_root(&c);
    free(c.origins);
    free(c.references);
    strmap_finish(&c.by_value);
    strmap_finish(&c.resources);
    strmap_finish(&c.anchors);
    arena_finish(&c.arena);
    if (status != 0) {
        schema_destroy(schema);
        return status;
    }

    *out_schema = schema;
    return 0;
}

int schema_compile_value(const struct document *document, const struct value *root,
                         struct schema **out_schema, struct error *err)
{
    return compile(document, root, false, out_schema, err);
}

int schema_compile_strictly(const struct document *document, const struct value *root,
                            struct schema **out_schema, struct error *err)
{
    return compile(document, root, true, out_schema, err);
}

void schema_destroy(struct schema *schema)
{
    if (schema == NULL) {
        return;
    }
    for (size_t i = 0; i < schema->rule_count; i++) {
        regex_destroy(schema->rules[i].regex);
    }
    for (size_t i = 0; i < schema->entry_count; i++) {
        regex_destroy(schema->entries[i].regex);
    }
    free(schema->nodes);
    free(schema->rules);
    free(schema->entries);
    document_unref(schema->document);
    free(schema);
}

bool schema_has_annotations(const struct schema *schema)
{
    return schema->has_annotations;
}

const struct value *schema_source(const struct schema *schema)
{
    return schema->source;
}
