/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/format_parts.h"

#include "core/model/format.h"
#include "core/model/template_schema.h"

/* Each file has one body, and keys that go with another one mean nothing. */
static const struct format_rule pipeline_rules[] = {
    {.beside = "nodes", .refused = {"steps", "states", "tools", "workflows"}},
    {.beside = "steps", .refused = {"states", "tools", "workflows"}},
    {.beside = "states", .refused = {"tools", "workflows"}, .needed = "initial_state"},
    {.beside = "tools", .refused = {"workflows"}},
    {.without = {"nodes"}, .refused = {"edges"}},
    {.without = {"states"}, .refused = {"initial_state", "max_transitions"}},
    {.without = {"tools"}, .refused = {"sequence", "duration", "interval"}},
    {.without = {"duration"}, .refused = {"interval"}},
    {0},
};

static const struct format_rule work_rules[] = {
    {.beside = "type", .refused = {"service", "action"}},
    {.beside = "service", .needed = "action"},
    {.beside = "action", .needed = "service"},
    {.beside = "config", .refused = {"params"}},
    {0},
};

/*
 * A loop with nodes does nothing itself; keys of loops mean something in loops only. What holds for
 * `queue.process` is said with that type.
 */
static const struct format_rule loop_rules[] = {
    {.beside = "nodes",
     .unless_type = "queue.process",
     .refused = {"service", "action", "config", "params", "limits", "max_concurrency",
                 "at_most_once", "retry", "circuit_breaker", "rate_limit", "on_open", "fallback",
                 "cache"},
     .needed = "for_each"},
    {.without = {"for_each"},
     .unless_type = "queue.process",
     .refused = {"as", "as_batch", "batch_size", "parallel_workers", "max_parallel", "max_failures",
                 "max_iterations", "on_limit", "until", "collect"}},
    {.beside = "for_each", .refused = {"repeat"}},
    {.beside = "as", .refused = {"as_batch"}},
    {.beside = "as_batch", .refused = {"max_parallel"}},
    {0},
};

static const struct format_rule node_rules[] = {
    {.without = {"service", "nodes"}, .needed = "type"},
    {.without = {"nodes"}, .refused = {"edges", "output"}},
    {0},
};

static const struct format_rule undo_rules[] = {
    {.without = {"service"}, .needed = "type"},
    {0},
};

/* `action` of a state may be a map, which says all then; "action_of_state" tells the two apart. */
static const struct format_rule state_rules[] = {
    {.beside = "type", .refused = {"service", "action"}},
    {.beside = "service", .needed = "action"},
    {.beside = "config", .refused = {"params"}},
    {0},
};

static const struct format_rule action_rules[] = {
    {.beside = "type", .refused = {"service", "action", "method"}},
    {.beside = "method", .refused = {"action"}},
    {.beside = "config", .refused = {"params"}},
    {.without = {"type"}, .needed = "service"},
    {.beside = "service", .without = {"action"}, .needed = "method"},
    {0},
};

static const struct format_rule tool_rules[] = {
    {.beside = "config", .refused = {"params"}},
    {0},
};

static const struct format_rule edge_rules[] = {
    {.beside = "outcome", .refused = {"on"}},
    {0},
};

static const struct format_rule fallback_rules[] = {
    {.beside = "value", .refused = {"node", "cache"}},
    {.beside = "node", .refused = {"cache"}},
    {.without = {"value", "node"}, .needed = "cache"},
    {0},
};

static const struct format_rule budget_rules[] = {
    {.without = {"tokens", "cost", "calls"}, .needed = "time"},
    {0},
};

static const struct format_rule breaker_rules[] = {
    {.beside = "reset_timeout", .refused = {"reset_timeout_seconds"}},
    {0},
};

/* `compensate` is one node that runs once. */
static const char *const not_undoing[] = {
    "for_each",     "as",       "as_batch",       "batch_size", "parallel_workers", "max_parallel",
    "max_failures", "on_limit", "max_iterations", "until",      "collect",          "nodes",
    "edges",        "output",   "compensate",     "join",       "milestone",        "depends_on",
    NULL,
};

static const struct format_part parts[] = {
    {.name = "pipeline", .table = format_pipeline_keys, .rules = pipeline_rules},
    {.name = "profile", .table = format_pipeline_keys, .is_lenient = true},
    {.name = "single", .table = format_single_keys, .also = {"typed", "work", "loops"}},
    {.name = "node",
     .table = format_node_keys,
     .required = {"id"},
     .also = {"typed", "work", "loops"},
     .rules = node_rules},
    {.name = "undo",
     .table = format_node_keys,
     .also = {"typed", "work"},
     .rules = undo_rules,
     .left_out = not_undoing},
    {.name = "work", .rules = work_rules},
    {.name = "loops", .rules = loop_rules},
    {.name = "state",
     .table = format_state_keys,
     .also = {"typed", "action_of_state"},
     .rules = state_rules},
    {.name = "action",
     .table = format_action_keys,
     .also = {"typed", "acted"},
     .rules = action_rules},
    {.name = "transition", .table = format_transition_keys, .required = {"to"}},
    {.name = "tool", .table = format_tool_keys, .required = {"name"}, .rules = tool_rules},
    {.name = "repeat", .table = format_repeat_keys, .required = {"until"}},
    {.name = "collect", .table = format_collect_keys, .required = {"reduce"}},
    {.name = "edge",
     .table = format_edge_keys,
     .required = {"source", "target"},
     .rules = edge_rules},
    {.name = "on_error", .table = format_on_error_keys, .required = {"goto"}},
    {.name = "resilience", .table = format_resilience_keys},
    {.name = FORMAT_PARTS_PROFILE "resilience",
     .table = format_resilience_keys,
     .is_lenient = true},
    {.name = "scaling", .table = format_scaling_keys},
    {.name = FORMAT_PARTS_PROFILE "scaling", .table = format_scaling_keys, .is_lenient = true},
    {.name = "sanitize", .table = format_sanitize_keys, .required = {"pattern"}},
    {.name = "retention", .table = format_retention_keys},
    {.name = "monitoring", .table = format_monitoring_keys},
    {.name = "alert_thresholds", .table = format_thresholds_keys},
    {.name = "limits", .table = format_limits_keys},
    {.name = "retry", .table = format_retry_keys},
    {.name = "rate_limit", .table = format_rate_keys},
    {.name = "fallback", .table = format_fallback_keys, .rules = fallback_rules},
    {.name = "cache", .table = format_cache_keys, .required = {"ttl"}},
    {.name = "budget", .table = format_budget_keys, .rules = budget_rules},
    {.name = "on_exceeded", .table = format_exceeded_keys, .required = {"model"}},
    {.name = "on_open", .table = format_on_open_keys, .required = {"queue"}},
    {.name = "queue", .table = format_queue_keys},
    {.name = "circuit_breaker", .table = format_breaker_keys, .rules = breaker_rules},
};

/* What makes a definition more than a profile. */
#define HAS_BODY                                                                                   \
    "{\"anyOf\": [{\"required\": [\"nodes\"]}, {\"required\": [\"edges\"]},"                       \
    " {\"required\": [\"steps\"]}, {\"required\": [\"states\"]}, {\"required\": [\"tools\"]},"     \
    " {\"required\": [\"workflows\"]}]}"

/* Definitions that no table knows, in this order. */
static const struct format_value values[] = {
    {"definition",
     "{\"if\": " HAS_BODY ","
     " \"then\": {\"$ref\": \"#/$defs/pipeline\"},"
     " \"else\": {"
     "\"if\": {\"anyOf\": [{\"required\": [\"type\"]}, {\"required\": [\"service\"]}]},"
     " \"then\": {\"$ref\": \"#/$defs/single\"},"
     " \"else\": {\"$ref\": \"#/$defs/profile\"}}}"},
    {"wrapped",
     "{\"type\": \"object\", \"properties\": {\"workflow\": {\"type\": \"object\","
     " \"$ref\": \"#/$defs/definition\"}},"
     " \"patternProperties\": {\"^x-|^\\\\$schema$\": true}, \"additionalProperties\": false}"},
    {"several",
     "{\"type\": \"object\", \"properties\": {\"workflows\": {\"type\": \"object\", "
     "\"minProperties\": 1,"
     " \"additionalProperties\": {\"type\": \"object\", \"$ref\": \"#/$defs/definition\"}}},"
     " \"patternProperties\": {\"^x-|^\\\\$schema$\": true}, \"additionalProperties\": false}"},
    {FORMAT_PARTS_PROFILE "integrations", "{\"type\": [\"object\", \"null\"],"
                                          " \"additionalProperties\": " FORMAT_INTEGRATION "}"},
    {"action_of_state",
     "{\"if\": {\"required\": [\"action\"], \"properties\": {\"action\": {\"type\": \"string\"}}},"
     " \"then\": {\"required\": [\"service\"]},"
     " \"else\": {\"if\": {\"required\": [\"action\"]}, \"then\": {\"properties\": {"
     "\"service\": false, \"config\": false, \"params\": false}}}}"},
    {"text", "{\"type\": [\"string\", \"number\"]}"},
    {"expression", "{\"type\": [\"string\", \"boolean\", \"number\"]}"},
    {TEMPLATE_SCHEMA_NAME, "{\"pattern\": \"\\\\{\\\\{|\\\\$\\\\{\"}"},
    {"duration", "{\"type\": \"string\", \"pattern\": \"^([0-9]+(ns|us|ms|s|m|h|d))+$\","
                 " \"examples\": [\"30s\", \"5m\", \"2h\"]}"},
    {"size", "{\"type\": [\"integer\", \"string\"], \"minimum\": 1,"
             " \"pattern\": \"^[0-9]+([kKMGT]?B|[KMGT]iB)?$\", \"examples\": [\"64KiB\","
             " \"10MB\"]}"},
    {"rate", "{\"type\": \"string\", \"pattern\": \"^0*[1-9][0-9]*/(second|minute|hour|day)$\","
             " \"examples\": [\"5000/hour\"]}"},
    {"percentage",
     "{\"type\": \"string\", \"pattern\": \"^0*(100(\\\\.0+)?|[0-9]{1,2}(\\\\.[0-9]+)?)%$\"}"},
    {"share", "{\"if\": {\"not\": {\"const\": \"off\"}},"
              " \"then\": {\"$ref\": \"#/$defs/percentage\", \"pattern\": \"[1-9]\"},"
              " \"examples\": [\"20%\", \"off\"]}"},
    {"error_code",
     "{\"if\": {\"pattern\": \"^[0-9]\"},"
     " \"then\": {\"type\": [\"integer\", \"string\"], \"minimum\": 100, \"maximum\": 599,"
     " \"pattern\": \"^[1-5][0-9][0-9]$\"},"
     " \"else\": {\"enum\": ["
     "\"AUTH\", \"CANCELLED\", \"CONFIG\", \"CONFLICT\", \"INPUT\", \"INTERNAL\", "
     "\"MEMORY_LIMIT\", \"NOT_FOUND\", \"PERMISSION\", \"PLUGIN\", \"RATE_LIMITED\", "
     "\"RESOURCE\", \"STALE\", \"TIMEOUT\", \"UNAVAILABLE\", \"UNSUPPORTED\", "
     "\"UPSTREAM\", \"WOULD_BLOCK\"]}}"},
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
};

const char format_parts_root[] =
    "{\"if\": {\"type\": \"object\", \"required\": [\"workflow\"]},"
    " \"then\": {\"$ref\": \"#/$defs/wrapped\"},"
    " \"else\": {"
    "\"if\": {\"required\": [\"workflows\"],"
    " \"properties\": {\"workflows\": {\"type\": \"object\"}}},"
    " \"then\": {\"$ref\": \"#/$defs/several\"},"
    " \"else\": {\"$ref\": \"#/$defs/definition\","
    " \"anyOf\": [{\"required\": [\"name\"]}, {\"required\": [\"id\"]}]}}}";

const struct format_part *format_parts_at(size_t i)
{
    return i < sizeof(parts) / sizeof(parts[0]) ? &parts[i] : NULL;
}

const struct format_value *format_parts_value_at(size_t i)
{
    return i < sizeof(values) / sizeof(values[0]) ? &values[i] : NULL;
}
