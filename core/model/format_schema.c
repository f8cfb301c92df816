/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document: at the root, which form the file has; then one definition for each table of keys,
 * for each kind of value, and for each node type. A file without a body yet may become anything,
 * and is a profile until then: it is checked as one, in which keys that do not work yet are fine.
 */
#include "core/model/format_schema.h"

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/model/catalogue.h"
#include "core/model/format.h"
#include "core/model/format_help.h"
#include "core/model/format_parts.h"
#include "core/model/node_schema.h"
#include "core/model/root_names.h"
#include "core/model/schema_writer.h"
#include "core/model/template_schema.h"
#include "core/value/builder.h"
#include "core/value/value.h"

/* ---- keys ---- */

static void build_choices(struct builder *b, const char *const *choices)
{
    builder_key(b, STR("enum"));
    builder_list_begin(b);
    for (; *choices != NULL; choices++) {
        builder_string(b, str_from(*choices));
    }
    builder_list_end(b);
}

/* The members that say what a value of the kind looks like; "{}" when that is anything. */
static const char *kind_members(enum format_kind kind)
{
    switch (kind) {
    case FORMAT_ANY:
    case FORMAT_CHOICE:
    case FORMAT_WAY:
    case FORMAT_LIMIT: /* the help says it */
        return "{}";
    case FORMAT_TEXT:
        return "{\"type\": [\"string\", \"number\"]}";
    case FORMAT_BOOL:
        return "{\"type\": \"boolean\"}";
    case FORMAT_COUNT:
        return "{\"type\": \"integer\", \"minimum\": 1, \"maximum\": 2147483647}";
    case FORMAT_DURATION:
        return "{\"$ref\": \"#/$defs/duration\"}";
    case FORMAT_TIMEOUT:
        return "{\"$ref\": \"#/$defs/duration\", \"pattern\": \"[1-9]\"}";
    case FORMAT_SIZE:
        return "{\"$ref\": \"#/$defs/size\"}";
    case FORMAT_WHOLE:
        return "{\"type\": \"integer\", \"minimum\": 0, \"maximum\": 2147483647}";
    case FORMAT_FACTOR:
        return "{\"type\": \"number\", \"minimum\": 1, \"maximum\": 1000}";
    case FORMAT_SHARE:
        return "{\"$ref\": \"#/$defs/share\"}";
    case FORMAT_RATE:
        return "{\"anyOf\": [{\"type\": \"number\", \"minimum\": 0, \"maximum\": 1},"
               " {\"$ref\": \"#/$defs/percentage\"}], \"examples\": [0.05, \"5%\"]}";
    case FORMAT_BOUND:
        return "{\"if\": {\"not\": {\"const\": \"off\"}}, \"then\": {\"$ref\": "
               "\"#/$defs/duration\","
               " \"pattern\": \"[1-9]\"}}";
    case FORMAT_SECONDS:
        return "{\"type\": \"number\", \"exclusiveMinimum\": 0, \"maximum\": 1000000000}";
    case FORMAT_MONEY:
        return "{\"type\": \"number\", \"exclusiveMinimum\": 0, \"maximum\": 1000000}";
    case FORMAT_CALL_RATE:
        return "{\"$ref\": \"#/$defs/rate\"}";
    case FORMAT_POLICY:
        return "{\"if\": {\"type\": \"object\"}, \"else\": {\"enum\": [\"off\"]}}";
    case FORMAT_MAP:
        return "{\"type\": [\"object\", \"null\"]}";
    case FORMAT_LIST:
        return "{\"type\": \"array\"}";
    case FORMAT_TEXTS:
        return "{\"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/text\"}}";
    }
    unreachable_state("format kind", (int)kind);
}

static bool says_shape(const char *schema)
{
    static const char *const words[] = {"{\"type\":", "{\"$ref\":", "\"anyOf\":"};
    for (size_t i = 0; schema != NULL && i < sizeof(words) / sizeof(words[0]); i++) {
        if (strstr(schema, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* "profile.KEY", when `name` is it. */
static bool is_of_profile(const char *name, struct str key)
{
    struct str prefix = STR(FORMAT_PARTS_PROFILE);
    struct str whole = str_from(name);
    return str_starts_with(whole, prefix) &&
           str_equal(str_make(whole.p + prefix.n, whole.n - prefix.n), key);
}

/* The definition that stands in place of the one of `key`, or NULL. */
static const char *find_of_profile(struct str key)
{
    const struct format_part *part = NULL;
    const struct format_value *value = NULL;
    for (size_t i = 0; (part = format_parts_at(i)) != NULL; i++) {
        if (is_of_profile(part->name, key)) {
            return part->name;
        }
    }
    for (size_t i = 0; (value = format_parts_value_at(i)) != NULL; i++) {
        if (is_of_profile(value->name, key)) {
            return value->name;
        }
    }
    return NULL;
}

static void build_shape(struct schema_writer *writer, const struct format_part *part,
                        const struct format_key *key, const struct format_help *help)
{
    const char *profile = part->is_lenient ? find_of_profile(key->name) : NULL;
    const char *schema = help != NULL ? help->schema : NULL;
    if (profile != NULL) {
        schema_writer_ref(writer, profile, STR(""));
        return;
    }
    if (schema != NULL) {
        schema_writer_members(writer, schema);
    }
    if (!says_shape(schema) && key->kind == FORMAT_CHOICE) {
        build_choices(writer->b, key->choices);
    } else if (!says_shape(schema)) {
        schema_writer_members(writer, kind_members(key->kind));
    }
}

static bool is_left_out(const struct format_part *part, struct str key)
{
    for (const char *const *name = part->left_out; name != NULL && *name != NULL; name++) {
        if (str_equal_text(key, *name)) {
            return true;
        }
    }
    return false;
}

static void build_keys(struct schema_writer *writer, const struct format_part *part)
{
    builder_map_begin(writer->b);
    for (const struct format_key *key = part->table; key->name.n > 0; key++) {
        const struct format_help *help = format_help_find(part->table, key->name);
        if (key->state == FORMAT_LATER || is_left_out(part, key->name)) {
            continue;
        }
        builder_key(writer->b, key->name);
        if (help != NULL && help->text == NULL) {
            builder_bool(writer->b, true);
            continue;
        }
        builder_map_begin(writer->b);
        if (help != NULL) {
            builder_member_string(writer->b, STR("description"), str_from(help->text));
        }
        build_shape(writer, part, key, help);
        builder_map_end(writer->b);
    }
    builder_map_end(writer->b);
}

/* ---- definitions ---- */

/* Keys that are nobody's; in a profile also those that do not work yet. */
static void build_free_keys(struct schema_writer *writer, const struct format_part *part)
{
    struct strbuf pattern = STRBUF_INIT;
    strbuf_append_text(&pattern, "^x-|^\\$schema$");
    for (const struct format_key *key = part->table; part->is_lenient && key->name.n > 0; key++) {
        if (key->state == FORMAT_LATER) {
            strbuf_append_format(&pattern, "|^%s$", key->name.p);
        }
    }
    builder_key(writer->b, STR("patternProperties"));
    builder_map_begin(writer->b);
    builder_key(writer->b, strbuf_str(&pattern));
    builder_bool(writer->b, true);
    builder_map_end(writer->b);
    if (strbuf_status(&pattern) != 0) {
        writer->status = E_NOMEM;
    }
    strbuf_finish(&pattern);
}

static void build_names(struct builder *b, struct str key, const char *const *names)
{
    builder_key(b, key);
    builder_list_begin(b);
    for (; *names != NULL; names++) {
        builder_string(b, str_from(*names));
    }
    builder_list_end(b);
}

/* None of the keys in `names`, and another `type` than this, if it is not NULL. */
static void build_without(struct builder *b, const char *const *names, const char *type)
{
    builder_key(b, STR("not"));
    builder_map_begin(b);
    builder_key(b, STR("anyOf"));
    builder_list_begin(b);
    for (; *names != NULL; names++) {
        builder_map_begin(b);
        build_names(b, STR("required"), (const char *const[]){*names, NULL});
        builder_map_end(b);
    }
    if (type != NULL) {
        builder_map_begin(b);
        build_names(b, STR("required"), (const char *const[]){"type", NULL});
        builder_key(b, STR("properties"));
        builder_map_begin(b);
        builder_key(b, STR("type"));
        builder_map_begin(b);
        builder_member_string(b, STR("const"), str_from(type));
        builder_map_end(b);
        builder_map_end(b);
        builder_map_end(b);
    }
    builder_list_end(b);
    builder_map_end(b);
}

static void build_refused(struct builder *b, const char *const *names)
{
    builder_key(b, STR("properties"));
    builder_map_begin(b);
    for (; *names != NULL; names++) {
        builder_member_bool(b, str_from(*names), false);
    }
    builder_map_end(b);
}

static void build_rule(struct builder *b, const struct format_rule *rule)
{
    builder_map_begin(b);
    builder_key(b, STR("if"));
    builder_map_begin(b);
    if (rule->beside != NULL) {
        build_names(b, STR("required"), (const char *const[]){rule->beside, NULL});
    }
    if (rule->without[0] != NULL || rule->unless_type != NULL) {
        build_without(b, rule->without, rule->unless_type);
    }
    builder_map_end(b);
    builder_key(b, STR("then"));
    builder_map_begin(b);
    if (rule->refused[0] != NULL) {
        build_refused(b, rule->refused);
    }
    if (rule->needed != NULL) {
        build_names(b, STR("required"), (const char *const[]){rule->needed, NULL});
    }
    builder_map_end(b);
    builder_map_end(b);
}

static void build_rules(struct schema_writer *writer, const struct format_part *part)
{
    const struct format_rule *rule = part->rules;
    builder_key(writer->b, STR("allOf"));
    builder_list_begin(writer->b);
    for (const char *const *name = part->also; *name != NULL; name++) {
        builder_map_begin(writer->b);
        schema_writer_ref(writer, *name, STR(""));
        builder_map_end(writer->b);
    }
    for (; rule != NULL && (rule->beside != NULL || rule->without[0] != NULL); rule++) {
        build_rule(writer->b, rule);
    }
    builder_list_end(writer->b);
}

/* A map that has the keys of the part's table, and no others. */
static void build_map(struct schema_writer *writer, const struct format_part *part)
{
    schema_writer_members(writer, part->may_be_null ? "{\"type\": [\"object\", \"null\"]}"
                                                    : "{\"type\": \"object\"}");
    builder_key(writer->b, STR("properties"));
    build_keys(writer, part);
    build_free_keys(writer, part);
    builder_member_bool(writer->b, STR("additionalProperties"), false);
}

static void define_part(struct schema_writer *writer, const struct format_part *part)
{
    schema_writer_define(writer, part->name, STR(""));
    if (part->table != NULL) {
        build_map(writer, part);
    }
    if (part->required[0] != NULL) {
        build_names(writer->b, STR("required"), part->required);
    }
    if (part->rules != NULL || part->also[0] != NULL) {
        build_rules(writer, part);
    }
    builder_map_end(writer->b);
}

/*
 * What nodes and items may be called; a number may stand for a text. `fault` is what the language
 * servers of editors say, who know this keyword of their own.
 */
static void define_name(struct schema_writer *writer, const char *name, const char *pattern,
                        const char *fault)
{
    struct str word = {0};
    schema_writer_define(writer, name, STR(""));
    schema_writer_members(writer, "{\"type\": [\"string\", \"number\"]}");
    builder_member_string(writer->b, STR("pattern"), str_from(pattern));
    builder_member_string(writer->b, STR("errorMessage"), str_from(fault));
    builder_key(writer->b, STR("if"));
    builder_map_begin(writer->b);
    builder_key(writer->b, STR("enum"));
    builder_list_begin(writer->b);
    for (size_t i = 0; (word = root_names_reserved_at(i)).n > 0; i++) {
        builder_string(writer->b, word);
    }
    builder_list_end(writer->b);
    builder_map_end(writer->b);
    builder_key(writer->b, STR("then")); /* 'not' would have no text of its own */
    schema_writer_value(writer,
                        "{\"pattern\": \"^$\", \"errorMessage\": \"this name is reserved\"}");
    builder_map_end(writer->b);
}

static void name_dialect(struct builder *b)
{
    builder_member_string(b, STR("$schema"), STR("https://json-schema.org/draft/2020-12/schema"));
}

/* What editors offer before there is anything that says which form it is. */
static void build_root(struct schema_writer *writer)
{
    static const struct format_part root = {.table = format_file_keys};
    name_dialect(writer->b);
    builder_member_string(writer->b, STR("type"), STR("object"));
    builder_key(writer->b, STR("properties"));
    build_keys(writer, &root);
    schema_writer_members(writer, format_parts_root);
}

/* `*out_document` is owned, and NULL when this fails. */
static int finish(struct schema_writer *writer, struct document **out_document, struct error *err)
{
    struct document *document = NULL;
    int status = builder_finish(writer->b, &document, err);
    if (status == 0 && writer->status != 0) {
        document_unref(document);
        document = NULL;
        status = error_nomem(err);
    }
    *out_document = document;
    return status;
}

static int build_policies(struct document **out_document, struct error *err)
{
    static const struct format_part policies = {.table = format_policy_keys};
    struct schema_writer writer = {.b = builder_create()};
    build_keys(&writer, &policies);
    return finish(&writer, out_document, err);
}

static void build_definitions(struct schema_writer *writer, const struct node_schema_types *types,
                              const struct value *policies)
{
    const struct format_part *part = NULL;
    const struct format_value *value = NULL;
    builder_key(writer->b, STR("$defs"));
    builder_map_begin(writer->b);
    for (size_t i = 0; (part = format_parts_at(i)) != NULL; i++) {
        define_part(writer, part);
    }
    for (size_t i = 0; (value = format_parts_value_at(i)) != NULL; i++) {
        schema_writer_define(writer, value->name, STR(""));
        schema_writer_members(writer, value->schema);
        builder_map_end(writer->b);
    }
    define_name(writer, "id", "^[^\\x00-\\x20\\x7f]([^\\x00-\\x1f\\x7f]*[^\\x00-\\x20\\x7f])?$",
                "an id is not empty and has no blanks at its ends");
    define_name(writer, "item_name", "^[A-Za-z_][A-Za-z0-9_]*$",
                "the name of an item has letters, digits and _ alone");
    node_schema_define(writer, types, policies);
    builder_map_end(writer->b);
}

int format_schema_build(const struct catalogue *catalogue, const struct engine_types *engine_types,
                        struct document **out_document, struct error *err)
{
    struct node_schema_types types = {catalogue, engine_types};
    cleanup_document struct document *policies = NULL;
    int status = build_policies(&policies, err);
    if (status != 0) {
        return status;
    }
    struct schema_writer writer = {.b = builder_create()};
    builder_map_begin(writer.b);
    build_root(&writer);
    build_definitions(&writer, &types, document_root(policies));
    builder_map_end(writer.b);
    return finish(&writer, out_document, err);
}

/* ---- settings ---- */

/* A value that settings share with pipelines. */
static void define_value(struct schema_writer *writer, const char *name)
{
    const struct format_value *value = NULL;
    for (size_t i = 0; (value = format_parts_value_at(i)) != NULL; i++) {
        if (strcmp(value->name, name) == 0) {
            schema_writer_define(writer, name, STR(""));
            schema_writer_members(writer, value->schema);
            builder_map_end(writer->b);
        }
    }
}

int format_schema_build_settings(struct document **out_document, struct error *err)
{
    static const struct format_part root = {.table = format_settings_keys};
    static const struct format_part parts[] = {
        {.name = "retention", .table = format_retention_keys, .may_be_null = true},
        {.name = "room", .table = format_room_keys, .may_be_null = true},
        {.name = "backpressure", .table = format_backpressure_keys, .may_be_null = true},
        {.name = "secret", .table = format_secret_keys, .required = {"hosts"}},
    };
    static const char *const values[] = {"text", "duration", "size"};
    struct schema_writer writer = {.b = builder_create()};
    builder_map_begin(writer.b);
    name_dialect(writer.b);
    build_map(&writer, &root);
    builder_key(writer.b, STR("$defs"));
    builder_map_begin(writer.b);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        define_part(&writer, &parts[i]);
    }
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        define_value(&writer, values[i]);
    }
    builder_map_end(writer.b);
    builder_map_end(writer.b);
    return finish(&writer, out_document, err);
}
