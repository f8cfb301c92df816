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
#include "core/model/node_schema.h"
#include "core/model/schema_writer.h"
#include "core/model/template_schema.h"
#include "core/value/builder.h"
#include "core/value/value.h"

/* A definition that comes from a table of keys. */
struct part {
    const char *name;
    const struct format_key *table;
    const char *rest; /* further members, as JSON; or NULL */
    bool is_lenient;  /* keys that do not work yet are not faults */
};

/* A file has one body. */
#define ONE_BODY                                                                                   \
    "{\"allOf\": ["                                                                                \
    "{\"if\": {\"type\": \"object\", \"required\": [\"nodes\"]}, \"then\": {\"properties\": "      \
    "{\"steps\": false,"                                                                           \
    " \"states\": false, \"tools\": false, \"workflows\": false}}},"                               \
    "{\"if\": {\"type\": \"object\", \"required\": [\"steps\"]}, \"then\": {\"properties\": "      \
    "{\"states\": false,"                                                                          \
    " \"tools\": false, \"workflows\": false, \"edges\": false}}},"                                \
    "{\"if\": {\"type\": \"object\", \"required\": [\"states\"]}, \"then\": {\"properties\": "     \
    "{\"tools\": false,"                                                                           \
    " \"workflows\": false, \"edges\": false}}},"                                                  \
    "{\"if\": {\"type\": \"object\", \"required\": [\"tools\"]}, \"then\": {\"properties\": "      \
    "{\"workflows\": false,"                                                                       \
    " \"edges\": false}}},"                                                                        \
    "{\"if\": {\"type\": \"object\", \"required\": [\"edges\"]}, \"then\": {\"required\": "        \
    "[\"nodes\"]}}]}"

/* What the keys of every node say about each other. */
#define TYPE_RULES                                                                                 \
    "{\"$ref\": \"#/$defs/typed\"},"                                                               \
    "{\"if\": {\"type\": \"object\", \"required\": [\"type\"]}, \"then\": {\"properties\": "       \
    "{\"service\": false,"                                                                         \
    " \"action\": false}}},"                                                                       \
    "{\"if\": {\"type\": \"object\", \"required\": [\"service\"]}, \"then\": {\"required\": "      \
    "[\"action\"]}},"                                                                              \
    "{\"if\": {\"type\": \"object\", \"required\": [\"action\"]}, \"then\": {\"required\": "       \
    "[\"service\"]}},"                                                                             \
    "{\"if\": {\"type\": \"object\", \"required\": [\"config\"]}, \"then\": {\"properties\": "     \
    "{\"params\": false}}}"
#define NEEDS_TYPE                                                                                 \
    "{\"if\": {\"not\": {\"anyOf\": [{\"required\": [\"service\"]},"                               \
    " {\"required\": [\"nodes\"]}]}}, \"then\": {\"required\": [\"type\"]}}"

/* In a profile these stand in place of the definitions of the same name. */
#define PROFILE_PREFIX "profile."

static const struct part parts[] = {
    {"pipeline", format_pipeline_keys, ONE_BODY, false},
    {"profile", format_pipeline_keys, NULL, true},
    {"single", format_single_keys, "{\"allOf\": [" TYPE_RULES "]}", false},
    {"node", format_node_keys,
     "{\"required\": [\"id\"], \"allOf\": [" TYPE_RULES ", " NEEDS_TYPE "]}", false},
    {"edge", format_edge_keys,
     "{\"required\": [\"source\", \"target\"],"
     " \"allOf\": [{\"if\": {\"type\": \"object\", \"required\": [\"outcome\"]},"
     " \"then\": {\"properties\": {\"on\": false}}}]}",
     false},
    {"on_error", format_on_error_keys, "{\"required\": [\"goto\"]}", false},
    {"resilience", format_resilience_keys, NULL, false},
    {PROFILE_PREFIX "resilience", format_resilience_keys, NULL, true},
    {"scaling", format_scaling_keys, NULL, false},
    {PROFILE_PREFIX "scaling", format_scaling_keys, NULL, true},
    {"limits", format_limits_keys, NULL, false},
    {"undo", format_node_keys, "{\"allOf\": [" TYPE_RULES ", " NEEDS_TYPE "]}", false},
    {"repeat", format_repeat_keys, "{\"required\": [\"until\"]}", false},
    {"collect", format_collect_keys, "{\"required\": [\"reduce\"]}", false},
    {"state", format_state_keys, NULL, false},
    {"action", format_action_keys, NULL, false},
    {"transition", format_transition_keys, "{\"required\": [\"to\"]}", false},
    {"tool", format_tool_keys, "{\"required\": [\"name\"]}", false},
};

enum { PART_COUNT = sizeof(parts) / sizeof(parts[0]) };

/* Definitions that no table knows, in this order. */
static const struct {
    const char *name;
    const char *schema;
} values[] = {
    {"text", "{\"type\": [\"string\", \"number\"]}"},
    {"expression", "{\"type\": [\"string\", \"boolean\", \"number\"]}"},
    {TEMPLATE_SCHEMA_NAME, "{\"pattern\": \"\\\\{\\\\{|\\\\$\\\\{\"}"},
    {"duration", "{\"type\": \"string\", \"pattern\": \"^([0-9]+(ns|us|ms|s|m|h|d))+$\","
                 " \"examples\": [\"30s\", \"5m\", \"2h\"]}"},
    {"size", "{\"type\": [\"integer\", \"string\"], \"minimum\": 1,"
             " \"pattern\": \"^[0-9]+([kKMGT]?B|[KMGT]iB)?$\", \"examples\": [\"64KiB\","
             " \"10MB\"]}"},
    {"rate", "{\"type\": \"string\", \"pattern\": \"^[0-9]+/(second|minute|hour|day)$\","
             " \"examples\": [\"5000/hour\"]}"},
    {"percentage", "{\"type\": \"string\", \"pattern\": \"^[0-9]+(\\\\.[0-9]+)?%$\"}"},
    {"outcome", "{\"type\": [\"string\", \"boolean\"],"
                " \"examples\": [\"success\", \"error\", true, false]}"},
    {"json_schema",
     "{\"type\": [\"object\", \"boolean\", \"null\"], \"properties\": {"
     "\"type\": {\"anyOf\": [{\"$ref\": \"#/$defs/json_type\"},"
     " {\"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/json_type\"}}]},"
     "\"description\": {\"type\": \"string\"}, \"default\": {}, \"enum\": {\"type\": \"array\"},"
     "\"required\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}},"
     "\"properties\": {\"type\": \"object\","
     " \"additionalProperties\": {\"$ref\": \"#/$defs/json_schema\"}},"
     "\"additionalProperties\": {\"$ref\": \"#/$defs/json_schema\"},"
     "\"items\": {\"$ref\": \"#/$defs/json_schema\"},"
     "\"minimum\": {\"type\": \"number\"}, \"maximum\": {\"type\": \"number\"},"
     "\"minLength\": {\"type\": \"integer\", \"minimum\": 0},"
     "\"maxLength\": {\"type\": \"integer\", \"minimum\": 0},"
     "\"minItems\": {\"type\": \"integer\", \"minimum\": 0},"
     "\"maxItems\": {\"type\": \"integer\", \"minimum\": 0},"
     "\"pattern\": {\"type\": \"string\"}, \"format\": {\"type\": \"string\"}}}"},
    {"json_type", "{\"enum\": [\"string\", \"integer\", \"number\", \"boolean\", \"object\","
                  " \"array\", \"null\"]}"},
    {"trigger",
     "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
     "\"type\": {\"description\": \"What starts the run\","
     " \"enum\": [\"manual\", \"cron\", \"webhook\", \"event\", \"workflow\"]},"
     "\"cron\": {\"description\": \"Five fields, as cron has them\", \"type\": \"string\"},"
     "\"timezone\": {\"description\": \"The zone of 'cron', as Europe/Berlin\","
     " \"type\": \"string\", \"default\": \"UTC\"},"
     "\"path\": {\"description\": \"Of the webhook\", \"type\": \"string\"},"
     "\"secret\": {\"description\": \"That the webhook's signature is made with\","
     " \"type\": \"string\"},"
     "\"event\": {\"description\": \"The name of the event\", \"type\": \"string\"},"
     "\"filter\": {\"description\": \"An expression; while it is false nothing starts\","
     " \"$ref\": \"#/$defs/expression\"},"
     "\"dedupe\": {\"description\": \"An expression; what gives the same value starts once\","
     " \"$ref\": \"#/$defs/expression\"},"
     "\"dedupe_window\": {\"description\": \"For how long it starts once\","
     " \"default\": \"7d\", \"$ref\": \"#/$defs/duration\"},"
     "\"input\": {\"description\": \"The run's input; without: the data of the event\"},"
     "\"overlap\": {\"description\": \"What happens while the run before is going on\","
     " \"enum\": [\"skip\", \"queue\", \"allow\"]}}}"},
    {"monitoring",
     "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
     "\"metrics_endpoint\": {\"description\": \"The path of the metrics\", \"type\": \"string\"},"
     "\"health_check_interval\": {\"description\": \"From one check to the next\","
     " \"$ref\": \"#/$defs/duration\"},"
     "\"alert_thresholds\": {\"description\": \"Over a sliding window of five minutes\","
     " \"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
     "\"error_rate\": {\"description\": \"A share of the nodes, 0 to 1\","
     " \"type\": \"number\", \"minimum\": 0, \"maximum\": 1},"
     "\"latency_p99\": {\"description\": \"Of 99 in 100 nodes\","
     " \"$ref\": \"#/$defs/duration\"}}},"
     "\"on_alert\": {\"description\": \"The id of the pipeline that is started\","
     " \"type\": \"string\"}}}"},
};

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
        return "{}";
    case FORMAT_TEXT:
        return "{\"type\": [\"string\", \"number\"]}";
    case FORMAT_BOOL:
        return "{\"type\": \"boolean\"}";
    case FORMAT_COUNT:
        return "{\"type\": \"integer\", \"minimum\": 1, \"maximum\": 2147483647}";
    case FORMAT_DURATION:
        return "{\"$ref\": \"#/$defs/duration\"}";
    case FORMAT_SIZE:
        return "{\"$ref\": \"#/$defs/size\"}";
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

static const struct part *find_profile_part(struct str key)
{
    struct str prefix = STR(PROFILE_PREFIX);
    for (size_t i = 0; i < PART_COUNT; i++) {
        struct str name = str_from(parts[i].name);
        if (str_starts_with(name, prefix) &&
            str_equal(str_make(name.p + prefix.n, name.n - prefix.n), key)) {
            return &parts[i];
        }
    }
    return NULL;
}

static void build_shape(struct schema_writer *writer, const struct part *part,
                        const struct format_key *key, const struct format_help *help)
{
    const struct part *profile = part->is_lenient ? find_profile_part(key->name) : NULL;
    const char *schema = help != NULL ? help->schema : NULL;
    if (profile != NULL) {
        schema_writer_ref(writer, profile->name, STR(""));
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

static void build_keys(struct schema_writer *writer, const struct part *part)
{
    builder_map_begin(writer->b);
    for (const struct format_key *key = part->table; key->name.n > 0; key++) {
        const struct format_help *help = format_help_find(part->table, key->name);
        if (key->state == FORMAT_LATER) {
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
static void build_free_keys(struct schema_writer *writer, const struct part *part)
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

static void define_part(struct schema_writer *writer, const struct part *part)
{
    schema_writer_define(writer, part->name, STR(""));
    builder_member_string(writer->b, STR("type"), STR("object"));
    builder_key(writer->b, STR("properties"));
    build_keys(writer, part);
    build_free_keys(writer, part);
    builder_member_bool(writer->b, STR("additionalProperties"), false);
    if (part->rest != NULL) {
        schema_writer_members(writer, part->rest);
    }
    builder_map_end(writer->b);
}

/* The root and what chooses the form. */
#define HAS_BODY                                                                                   \
    "{\"anyOf\": [{\"required\": [\"nodes\"]}, {\"required\": [\"edges\"]},"                       \
    " {\"required\": [\"steps\"]}, {\"required\": [\"states\"]}, {\"required\": [\"tools\"]},"     \
    " {\"required\": [\"workflows\"]}]}"

static const char root_rules[] =
    "{\"if\": {\"type\": \"object\", \"required\": [\"workflow\"]},"
    " \"then\": {\"$ref\": \"#/$defs/wrapped\"},"
    " \"else\": {"
    "\"if\": {\"required\": [\"workflows\"],"
    " \"properties\": {\"workflows\": {\"type\": \"object\"}}},"
    " \"then\": {\"$ref\": \"#/$defs/several\"},"
    " \"else\": {\"$ref\": \"#/$defs/definition\","
    " \"anyOf\": [{\"required\": [\"name\"]}, {\"required\": [\"id\"]}]}}}";

static const char definition_rules[] =
    "{\"if\": " HAS_BODY ","
    " \"then\": {\"$ref\": \"#/$defs/pipeline\"},"
    " \"else\": {"
    "\"if\": {\"anyOf\": [{\"required\": [\"type\"]}, {\"required\": [\"service\"]}]},"
    " \"then\": {\"$ref\": \"#/$defs/single\"},"
    " \"else\": {\"$ref\": \"#/$defs/profile\"}}}";

static const char wrapped_rules[] =
    "{\"type\": \"object\", \"properties\": {\"workflow\": {\"type\": \"object\","
    " \"$ref\": \"#/$defs/definition\"}},"
    " \"patternProperties\": {\"^x-|^\\\\$schema$\": true}, \"additionalProperties\": false}";

static const char several_rules[] =
    "{\"type\": \"object\", \"properties\": {\"workflows\": {\"type\": \"object\","
    " \"additionalProperties\": {\"type\": \"object\", \"$ref\": \"#/$defs/definition\"}}},"
    " \"patternProperties\": {\"^x-|^\\\\$schema$\": true}, \"additionalProperties\": false}";

static void define_members(struct schema_writer *writer, const char *name, const char *json)
{
    schema_writer_define(writer, name, STR(""));
    schema_writer_members(writer, json);
    builder_map_end(writer->b);
}

/* What editors offer before there is anything that says which form it is. */
static void build_root(struct schema_writer *writer)
{
    static const struct part root = {"", format_file_keys, NULL, false};
    builder_member_string(writer->b, STR("$schema"),
                          STR("https://json-schema.org/draft/2020-12/schema"));
    builder_member_string(writer->b, STR("type"), STR("object"));
    builder_key(writer->b, STR("properties"));
    build_keys(writer, &root);
    schema_writer_members(writer, root_rules);
}

static int build_policies(struct document **out_document, struct error *err)
{
    static const struct part policies = {"", format_policy_keys, NULL, false};
    struct schema_writer writer = {.b = builder_create()};
    build_keys(&writer, &policies);
    int status = builder_finish(writer.b, out_document, err);
    if (status == 0 && writer.status != 0) {
        document_unref(*out_document);
        *out_document = NULL;
        return error_nomem(err);
    }
    return status;
}

static void build_definitions(struct schema_writer *writer, const struct node_schema_types *types,
                              const struct value *policies)
{
    builder_key(writer->b, STR("$defs"));
    builder_map_begin(writer->b);
    define_members(writer, "definition", definition_rules);
    define_members(writer, "wrapped", wrapped_rules);
    define_members(writer, "several", several_rules);
    for (size_t i = 0; i < PART_COUNT; i++) {
        define_part(writer, &parts[i]);
    }
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        define_members(writer, values[i].name, values[i].schema);
    }
    node_schema_define(writer, types, policies);
    builder_map_end(writer->b);
}

int format_schema_build(const struct catalogue *catalogue, const struct engine_types *engine_types,
                        struct document **out_document, struct error *err)
{
    struct node_schema_types types = {catalogue, engine_types};
    cleanup_document struct document *policies = NULL;
    struct document *document = NULL;
    int status = build_policies(&policies, err);
    if (status != 0) {
        return status;
    }
    struct schema_writer writer = {.b = builder_create()};
    builder_map_begin(writer.b);
    build_root(&writer);
    build_definitions(&writer, &types, document_root(policies));
    builder_map_end(writer.b);
    status = builder_finish(writer.b, &document, err);
    if (status == 0 && writer.status != 0) {
        document_unref(document);
        return error_nomem(err);
    }
    if (status == 0) {
        *out_document = document;
    }
    return status;
}
