/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/man_format.h"

#include "core/base/check.h"
#include "core/base/str.h"
#include "core/cli/man_roff.h"
#include "core/model/catalogue.h"
#include "core/model/engine_types.h"
#include "core/model/format.h"
#include "core/model/format_help.h"
#include "core/model/format_parts.h"
#include "core/value/json.h"
#include "core/value/schema.h"
#include "core/value/value.h"

/* A map of the format, under a heading. */
struct part {
    const char *title;
    const char *text; /* before its keys; "" for none */
    const struct format_key *table;
};

static const struct part settings_parts[] = {
    {"SETTINGS", "", format_settings_keys},
    {"RETENTION", "The keys of retention. Those of a pipeline are over them.\n",
     format_retention_keys},
    {"CACHE", "The keys of cache.\n", format_room_keys},
    {"BACKPRESSURE", "The keys of backpressure.\n", format_backpressure_keys},
    {"SECRETS", "The keys of secrets.NAME.\n", format_secret_keys},
};

static const struct part pipeline_parts[] = {
    {"A FILE",
     "A file has the keys of one pipeline. Or it has one of these, and a pipeline in each of its "
     "values:\n",
     format_file_keys},
    {"A PIPELINE",
     "What a pipeline does stands in one of nodes, steps, states, tools and workflows. A pipeline "
     "of one node has the keys of that node instead. One that has neither is a profile, which "
     "others name by extends.\n",
     format_pipeline_keys},
    {"A NODE",
     "An item of nodes, of steps, or of an ending. One with for_each is a loop: what it does then "
     "is its config, or nodes of its own. The keys of a failure, from retry to cache, are for "
     "types that call a service.\n",
     format_node_keys},
    {"AN EDGE", "An item of edges.\n", format_edge_keys},
    {"A STATE", "A value, or an item, of states.\n", format_state_keys},
    {"ACTION OF A STATE", "The keys of action, where it is a map.\n", format_action_keys},
    {"TRANSITIONS",
     "The keys of transitions are outcomes, the names of events, or 'timeout'; a value is a state, "
     "or a list of maps with these keys.\n",
     format_transition_keys},
    {"A TOOL", "An item of tools, where it is a map.\n", format_tool_keys},
    {"ON_ERROR", "'fail' (the default), 'continue', or a map with this key.\n",
     format_on_error_keys},
    {"RETRY", "The keys of retry.\n", format_retry_keys},
    {"CIRCUIT_BREAKER", "The keys of circuit_breaker.\n", format_breaker_keys},
    {"RATE_LIMIT", "The keys of rate_limit, where it is a map.\n", format_rate_keys},
    {"ON_OPEN", "The key of on_open, where it is a map.\n", format_on_open_keys},
    {"QUEUE", "The key of on_open.queue.\n", format_queue_keys},
    {"FALLBACK", "One of these.\n", format_fallback_keys},
    {"CACHE", "The keys of cache.\n", format_cache_keys},
    {"LIMITS", "The keys of limits: of the processes that a node starts.\n", format_limits_keys},
    {"BUDGET", "The keys of budget.\n", format_budget_keys},
    {"ON_EXCEEDED", "The key of budget.on_exceeded.\n", format_exceeded_keys},
    {"REPEAT", "The keys of repeat: one node, again and again.\n", format_repeat_keys},
    {"COLLECT", "The keys of collect, where it is a map.\n", format_collect_keys},
    {"INTEGRATIONS", "These keys of integrations.PLUGIN stand beside the plugin's own settings.\n",
     format_policy_keys},
    {"RESILIENCE", "The keys of resilience.\n", format_resilience_keys},
    {"SCALING", "The keys of scaling.\n", format_scaling_keys},
    {"RETENTION", "The keys of retention.\n", format_retention_keys},
    {"MONITORING", "The keys of monitoring.\n", format_monitoring_keys},
    {"ALERT_THRESHOLDS", "The keys of monitoring.alert_thresholds.\n", format_thresholds_keys},
    {"SANITIZE", "The key of an item of sanitize, where it is a map.\n", format_sanitize_keys},
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static bool has_table(const struct part *parts, size_t count, const struct format_key *table)
{
    for (size_t i = 0; i < count; i++) {
        if (parts[i].table == table) {
            return true;
        }
    }
    return false;
}

bool man_format_has(const struct format_key *table)
{
    return has_table(settings_parts, COUNT(settings_parts), table) ||
           has_table(pipeline_parts, COUNT(pipeline_parts), table);
}

/* ---- one key ---- */

static const char *kind_text(enum format_kind kind)
{
    switch (kind) {
    case FORMAT_ANY:
        return "any value";
    case FORMAT_TEXT:
        return "text";
    case FORMAT_BOOL:
        return "true or false";
    case FORMAT_COUNT:
        return "number, from 1";
    case FORMAT_WHOLE:
        return "number, from 0";
    case FORMAT_DURATION:
    case FORMAT_TIMEOUT:
        return "duration";
    case FORMAT_SIZE:
        return "size";
    case FORMAT_FACTOR:
        return "number, 1 to 1000";
    case FORMAT_SHARE:
        return "percentage, or off";
    case FORMAT_RATE:
        return "0 to 1, or percentage";
    case FORMAT_POLICY:
        return "map, or off";
    case FORMAT_BOUND:
        return "duration, or off";
    case FORMAT_SECONDS:
        return "seconds";
    case FORMAT_MONEY:
        return "US dollars";
    case FORMAT_CALL_RATE:
        return "rate";
    case FORMAT_LIMIT:
        return "rate, map, or off";
    case FORMAT_MAP:
        return "map";
    case FORMAT_LIST:
        return "list";
    case FORMAT_TEXTS:
        return "list of texts";
    case FORMAT_CHOICE:
    case FORMAT_WAY:
        return ""; /* its choices say it */
    }
    unreachable_state("format kind", (int)kind);
}

static void append_kind(const struct format_key *key, struct strbuf *out)
{
    struct strbuf text = STRBUF_INIT;
    strbuf_append_text(&text, kind_text(key->kind));
    for (size_t i = 0; key->choices != NULL && key->choices[i] != NULL; i++) {
        strbuf_append_format(&text, "%s%s", i > 0 ? " | " : "", key->choices[i]);
    }
    strbuf_append_text(&text, key->kind == FORMAT_WAY ? ", or map" : "");
    strbuf_append_text(out, " (");
    man_roff_italic(out, strbuf_str(&text));
    strbuf_append_text(out, ")\n");
    strbuf_finish(&text);
}

static bool is_required(const struct format_key *table, struct str key)
{
    const struct format_part *part = NULL;
    for (size_t i = 0; (part = format_parts_at(i)) != NULL; i++) {
        if (part->table != table || part->is_lenient || part->left_out != NULL) {
            continue;
        }
        for (size_t k = 0; k < FORMAT_PART_MAX_NAMES && part->required[k] != NULL; k++) {
            if (str_equal_text(key, part->required[k])) {
                return true;
            }
        }
    }
    return false;
}

static void append_default(const struct format_help *help, struct strbuf *out)
{
    cleanup_document struct document *schema = NULL;
    if (help == NULL || help->schema == NULL ||
        json_read(str_from(help->schema), &json_default_limits, &schema, NULL) != 0) {
        return;
    }
    man_roff_default(out, value_get(document_root(schema), STR("default")));
}

static void append_key(const struct format_key *table, const struct format_key *key,
                       struct strbuf *out)
{
    const struct format_help *help = format_help_find(table, key->name);
    const char *text = help != NULL && help->text != NULL
                           ? help->text
                           : "What the type takes: 'opstream nodes TYPE' shows it";
    man_roff_item_begin(out);
    man_roff_bold(out, key->name);
    append_kind(key, out);
    man_roff_text(out, str_from(text));
    strbuf_append_char(out, '.');
    append_default(help, out);
    strbuf_append_text(out, is_required(table, key->name) ? " It is needed." : "");
    strbuf_append_text(out, key->state == FORMAT_WARNS ? " It has no effect yet." : "");
    man_roff_item_end(out);
}

/* A key that is refused is none. */
static void append_parts(const struct part *parts, size_t count, struct strbuf *out)
{
    for (size_t i = 0; i < count; i++) {
        man_roff_section(out, parts[i].title);
        man_roff_paragraphs(out, str_from(parts[i].text));
        for (const struct format_key *key = parts[i].table; key->name.n > 0; key++) {
            if (key->state != FORMAT_LATER) {
                append_key(parts[i].table, key, out);
            }
        }
    }
}

/* ---- the pages ---- */

void man_format_append_settings(struct strbuf *out)
{
    static const char *const pages[] = {"opstream(1)", "opstream-serve(1)", "opstream-pipeline(5)",
                                        "opstream-plugin.json(5)", NULL};
    man_roff_begin(out, STR("opstream.yaml"), 5);
    man_roff_name(out, STR("opstream.yaml"), "what holds for all pipelines of a machine");
    man_roff_section(out, "SYNOPSIS");
    strbuf_append_text(out, ".I /etc/opstream/opstream.yaml\n");
    man_roff_section(out, "DESCRIPTION");
    man_roff_paragraphs(
        out,
        STR("The settings of this machine, as YAML. The file need not be there; --config names\n"
            "another one. A key that is not known is an error. A key that begins with 'x-' is\n"
            "yours.\n\n"
            "'opstream serve' reads all of it at its start, and all but config again when it\n"
            "gets SIGHUP.\n\n"
            "A duration is as 30s, 5m, 2h or 7d; a size is a number of bytes, or as 64KiB or\n"
            "10MB.\n"));
    append_parts(settings_parts, COUNT(settings_parts), out);
    man_roff_section(out, "EXAMPLES");
    man_roff_example(out, STR("# opstream.yaml\n"
                              "config: {channel: \"#ops\"}\n"
                              "retention: {keep: 30d, keep_failed: 90d}\n"
                              "sandbox: none\n"
                              "secrets:\n"
                              "  github_token: {hosts: [api.github.com]}\n"));
    man_roff_see_also(out, pages);
}

/* What the config of an engine's type has. */
static void append_config(const struct node_type *type, struct strbuf *out)
{
    const struct value *schema = schema_source(type->config_schema);
    const struct value *properties = value_get(schema, STR("properties"));
    for (size_t i = 0; properties != NULL && i < value_count(properties); i++) {
        const struct value_member *member = value_member_at(properties, i);
        const struct value *text = value_get(&member->value, STR("description"));
        man_roff_item_begin(out);
        man_roff_bold(out, value_str(&member->key));
        strbuf_append_char(out, '\n');
        if (value_is(text, VALUE_STRING)) {
            man_roff_text(out, value_str(text));
            strbuf_append_char(out, '.');
        }
        man_roff_item_end(out);
    }
}

static int append_types(struct strbuf *out, struct error *err)
{
    struct engine_types *types = NULL;
    const struct node_type *type = NULL;
    int status = engine_types_create(&types, err);
    if (status != 0) {
        return status;
    }
    man_roff_section(out, "NODE TYPES OF THE ENGINE");
    man_roff_paragraphs(out, STR("What their config has. Those of plugins: 'opstream nodes'.\n"));
    for (size_t i = 0; (type = engine_types_at(types, i)) != NULL; i++) {
        man_roff_part(out, type->name.p);
        man_roff_text(out, type->summary);
        strbuf_append_text(out, ".\n");
        append_config(type, out);
    }
    engine_types_destroy(types);
    return 0;
}

int man_format_append_pipeline(struct strbuf *out, struct error *err)
{
    static const char *const pages[] = {
        "opstream(1)",
        "opstream-validate(1)",
        "opstream-nodes(1)",
        "opstream-schema(1)",
        "opstream.yaml(5)",
        "opstream-plugin.json(5)",
        NULL,
    };
    man_roff_begin(out, STR("opstream-pipeline"), 5);
    man_roff_name(out, STR("opstream-pipeline"), "the format of pipelines");
    man_roff_section(out, "SYNOPSIS");
    man_roff_text(out, STR("NAME.yaml, NAME.yml, NAME.json\n"));
    man_roff_section(out, "DESCRIPTION");
    man_roff_paragraphs(
        out,
        STR("A pipeline is YAML or JSON. Every key is known: one that is not here is an error,\n"
            "but for those that begin with 'x-', which are yours.\n\n"
            "{{ }} in a value holds an expression: {{ input.name }}, {{ fetch.output }}. An\n"
            "expression alone, as in when, stands without braces. ${NAME} is a variable of the\n"
            "environment.\n\n"
            "A duration is as 30s, 5m, 2h or 7d; a size is a number of bytes, or as 64KiB or\n"
            "10MB; a rate is as 5000/hour.\n"));
    man_roff_section(out, "EXAMPLES");
    man_roff_example(out, STR("# hello.yaml\n"
                              "name: Hello\n"
                              "input:\n"
                              "  properties: {name: {type: string, default: world}}\n"
                              "nodes:\n"
                              "  - {id: greet, type: set, config: {text: \"{{ input.name }}\"}}\n"
                              "  - id: shout\n"
                              "    type: jq\n"
                              "    depends_on: [greet]\n"
                              "    config: {input: \"{{ greet.text }}\", program: ascii_upcase}\n"
                              "output: {said: \"{{ shout.output }}\"}\n"));
    append_parts(pipeline_parts, COUNT(pipeline_parts), out);
    int status = append_types(out, err);
    man_roff_see_also(out, pages);
    return status;
}
