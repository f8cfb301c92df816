/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/format_help.h"

#include <stddef.h>

#include "core/model/format.h"

#define HELP(name, text, schema)                                                                   \
    {                                                                                              \
        {name, sizeof(name) - 1}, text, schema                                                     \
    }
#define HELP_END                                                                                   \
    {                                                                                              \
        {"", 0}, NULL, NULL                                                                        \
    }
#define REF(name)           "{\"$ref\": \"#/$defs/" name "\"}"
#define LIST_OF(name)       "{\"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/" name "\"}}"
#define NOTICE_POINT_SCHEMA "{\"enum\": [\"start\", \"milestones\", \"completion\", \"errors\"]}"
#define NOTICE_POINTS_SCHEMA                                                                       \
    "{\"anyOf\": [" NOTICE_POINT_SCHEMA ", {\"type\": \"array\", \"items\": " NOTICE_POINT_SCHEMA  \
    "}]}"
#define DEFAULT(value) "{\"default\": " value "}"
#define POLICY(name)                                                                               \
    "{\"if\": {\"type\": \"object\"}, \"then\": {\"$ref\": \"#/$defs/" name "\"},"                 \
    " \"else\": {\"enum\": [\"off\"]}}"
#define LIMIT                                                                                      \
    "{\"if\": {\"type\": \"object\"}, \"then\": {\"$ref\": \"#/$defs/rate_limit\"}, \"else\":"     \
    " {\"if\": {\"not\": {\"const\": \"off\"}}, \"then\": {\"$ref\": \"#/$defs/rate\"}}}"
#define NODES "{\"type\": \"array\", \"minItems\": 1, \"items\": {\"$ref\": \"#/$defs/node\"}}"
#define STEPS                                                                                      \
    "{\"type\": \"array\", \"minItems\": 1, \"items\": {\"$ref\": \"#/$defs/node\","               \
    " \"properties\": {\"depends_on\": false}}}"
#define TRIGGER "{\"anyOf\": [{\"type\": \"string\"}, {\"$ref\": \"#/$defs/trigger\"}]}"
#define TRIGGERS                                                                                   \
    "{\"anyOf\": [{\"type\": \"string\"}, {\"$ref\": \"#/$defs/trigger\"}, {\"type\": \"array\","  \
    " \"items\": {\"anyOf\": [{\"type\": \"string\"}, {\"$ref\": \"#/$defs/trigger\"}]}}]}"

static const struct format_help file_help[] = {
    HELP("workflow", "The pipeline of this file, when its keys do not stand at the top", NULL),
    HELP("workflows",
         "Several pipelines by their id, FILE#ID names one of them; or the ids of pipelines that "
         "run "
         "one after the other",
         "{\"type\": [\"object\", \"array\", \"null\"]}"),
    HELP_END,
};

static const struct format_help pipeline_help[] = {
    HELP("id", "The name that commands and other pipelines use",
         "{\"type\": [\"string\", \"number\"], \"pattern\": \"^[A-Za-z0-9_][A-Za-z0-9_.-]*$\"}"),
    HELP("name", "The name for people; without an id, the id is made from it", NULL),
    HELP("description", "What the pipeline is for", NULL),
    HELP("version", "Stored with each run; a run keeps the definition it started with", NULL),
    HELP("labels", "Texts by name, for people and for filters",
         "{\"type\": [\"object\", \"null\"], \"additionalProperties\":"
         " {\"type\": [\"string\", \"number\", \"boolean\"]}}"),
    HELP("input",
         "JSON Schema of the input; defaults are filled in before it is checked, before the run",
         REF("json_schema")),
    HELP("config", "Constants, read as config.NAME; environment variables may stand in them", NULL),
    HELP("environment", "The environment variables that this pipeline may read in a daemon",
         LIST_OF("text")),
    HELP("integrations",
         "Settings and policies of plugins, by the plugin's id; or the name of a file with them",
         REF("integrations")),
    HELP("resilience", "Defaults for every node of a plugin; the plugin's and the node's win",
         REF("resilience")),
    HELP("scaling", "How much runs at once, and how much of loops", REF("scaling")),
    HELP("error_policy", "'continue': a failed node does not stop the others, unless it says so",
         DEFAULT("\"stop_on_error\"")),
    HELP("timeout", "The whole run fails after this time", NULL),
    HELP("budget", "What the calls of the whole run may take, those of its child runs among them",
         REF("budget")),
    HELP("sanitize", "What is hidden in results, failures and logs, before they are kept",
         "{\"type\": \"array\", \"maxItems\": 32, \"items\": {\"anyOf\":"
         " [{\"enum\": [\"email\", \"card\", \"phone\", \"ip\"]},"
         " {\"$ref\": \"#/$defs/sanitize\"}]}}"),
    HELP("duration", "With 'tools': they repeat until this time has passed", NULL),
    HELP("interval", "With 'duration': from one round of the tools to the next",
         DEFAULT("\"60s\"")),
    HELP("concurrency", "How many runs of the same key may be going on", NULL),
    HELP("extends", "The id of a profile, whose keys this definition takes over where it has none",
         NULL),
    HELP("trigger", "What starts it: the name of an event, or a map; a daemon acts on it", TRIGGER),
    HELP("triggers", "What starts it, as a list; a daemon acts on it", TRIGGERS),
    HELP("schedule", "When it starts, as cron has it; a daemon acts on it", TRIGGERS),
    HELP("notifications", "Which messages are sent, and to whom; other keys are the message's",
         "{\"anyOf\": [" NOTICE_POINTS_SCHEMA ", {\"type\": \"object\", \"properties\": {"
         "\"on\": " NOTICE_POINTS_SCHEMA ", \"type\": {\"type\": \"string\"}, \"when\": " REF(
             "expression") ","
                           " \"start\": {\"type\": [\"object\", \"null\"]},"
                           " \"milestones\": {\"type\": [\"object\", \"null\"]},"
                           " \"completion\": {\"type\": [\"object\", \"null\"]},"
                           " \"errors\": {\"type\": [\"object\", \"null\"]}}}]}"),
    HELP("monitoring", "Metrics, health checks and alerts", REF("monitoring")),
    HELP("auto_resolve", "What is found is mended without asking; a daemon acts on it",
         "{\"type\": [\"boolean\", \"object\"]}"),
    HELP("retention", "How long its runs are kept, and how many", REF("retention")),
    HELP("rollback", "On failure and on cancel, what has completed is undone in reverse order",
         DEFAULT("false")),
    HELP("on_failure", "Nodes that run one after the other when the run has failed", STEPS),
    HELP("on_cancel", "Nodes that run one after the other when the run was cancelled", STEPS),
    HELP("on_success", "Nodes that run one after the other when the run has completed", STEPS),
    HELP("finally", "Nodes that run one after the other at the very end, whatever came of it",
         STEPS),
    HELP("output", "The result of the run, a template; without: the outputs of the last nodes",
         NULL),
    HELP("nodes", "Nodes and, by 'depends_on' and 'edges', what follows what", NODES),
    HELP("edges", "What follows what, and after which outcome", LIST_OF("edge")),
    HELP("steps", "Nodes, each of which follows the one before", STEPS),
    HELP("states", "The states of a state machine, by name or as a list",
         "{\"anyOf\": [{\"type\": \"object\", \"minProperties\": 1,"
         " \"propertyNames\": {\"$ref\": \"#/$defs/id\"}, \"additionalProperties\":"
         " {\"$ref\": \"#/$defs/state\"}}, {\"type\": \"array\", \"minItems\": 1,"
         " \"items\": {\"$ref\": \"#/$defs/state\", \"anyOf\": [{\"required\": [\"name\"]},"
         " {\"required\": [\"id\"]}]}}]}"),
    HELP("initial_state", "The state that a run begins with", NULL),
    HELP("max_transitions", "More transitions fail the run", DEFAULT("1000")),
    HELP("tools", "Node types by name, in parallel; what they need comes from the input",
         "{\"type\": \"array\", \"minItems\": 1, \"items\": {\"anyOf\":"
         " [{\"$ref\": \"#/$defs/tool_name\"}, {\"$ref\": \"#/$defs/tool\"}]}}"),
    HELP("sequence", "With 'tools': one after the other", DEFAULT("false")),
    HELP("workflows", "Ids of pipelines that run one after the other, each with what came before",
         "{\"type\": \"array\", \"minItems\": 1, \"items\": {\"type\": \"string\"}}"),
    HELP_END,
};

static const struct format_help node_help[] = {
    HELP("id", "The name that expressions use: ID.output", REF("id")),
    HELP("name", "The name for people", NULL),
    HELP("type", "What the node does; `opstream nodes` lists all types", REF("type")),
    HELP("service", "The first part of a node type, up to the point", REF("service")),
    HELP("action", "The second part of a node type, after the point", NULL),
    HELP("method", "The second part of a node type, after the point", NULL),
    HELP("config", NULL, NULL),
    HELP("params", NULL, NULL),
    HELP("depends_on", "The nodes that this one follows", NULL),
    HELP("when", "An expression; while it is false the node is passed over", REF("expression")),
    HELP("join", "Which of the edges before it must be taken", DEFAULT("\"default\"")),
    HELP("milestone", "Its end is worth a message", DEFAULT("false")),
    HELP("timeout", "One attempt fails after this time", NULL),
    HELP("retry", "How often and after which time it is tried again", POLICY("retry")),
    HELP("circuit_breaker", "When a service that fails is left alone for a while",
         POLICY("circuit_breaker")),
    HELP("rate_limit", "How many calls a time, for all that share the service", LIMIT),
    HELP("max_concurrency", "How many of this node run at once, over all runs", NULL),
    HELP("on_open",
         "What it does while its service's breaker is open: with a fallback that is the default, "
         "queue leaves the call to the retry queue",
         "{\"default\": \"wait\", \"if\": {\"type\": \"object\"},"
         " \"then\": {\"$ref\": \"#/$defs/on_open\"},"
         " \"else\": {\"enum\": [\"wait\", \"fail\", \"fallback\", \"queue\"]}}"),
    HELP("fallback", "What answers when its attempts are spent, or its breaker is open",
         REF("fallback")),
    HELP("cache", "Its result is taken again for a while, before it is called", REF("cache")),
    HELP("limits", "What its processes may use", REF("limits")),
    HELP("at_most_once", "Never started a second time when its effect is unknown",
         DEFAULT("false")),
    HELP("on_error",
         "What its failure means: the run fails, it goes on, or it goes on at another node",
         "{\"default\": \"fail\", \"anyOf\": [{\"enum\": [\"fail\", \"continue\"]},"
         " {\"$ref\": \"#/$defs/on_error\"}]}"),
    HELP("risk", "How much care it needs; its type has a default", NULL),
    HELP("approval", "Who must agree before it runs", NULL),
    HELP("compensate", "The node that undoes this one, on rollback", REF("undo")),
    HELP("budget", "What its calls may take, and those of all inside it", REF("budget")),
    HELP("isolation", "Whether the plugin runs in a process of its own", NULL),
    HELP("for_each", "What it runs for: a list, a map of lists (their product), or NODE.stream",
         "{\"anyOf\": [{\"type\": \"string\"}, {\"type\": \"array\"}, {\"type\": \"object\","
         " \"additionalProperties\": {\"type\": [\"array\", \"string\"]}}]}"),
    HELP("nodes",
         "The nodes that run for each item, or once; of queue.process, for each call that is "
         "delivered",
         NODES),
    HELP("edges", "What follows what among its nodes, and after which outcome", LIST_OF("edge")),
    HELP("output", "What comes of its nodes, a template; without: the outputs of the last ones",
         NULL),
    HELP("as", "The name of the item in its nodes",
         "{\"$ref\": \"#/$defs/item_name\", \"default\": \"item\"}"),
    HELP("as_batch", "The name of a whole batch of items in its nodes, in place of single ones",
         REF("item_name")),
    HELP("batch_size", "How many items are taken at once", DEFAULT("100")),
    HELP("parallel_workers", "How many batches are worked on at once", DEFAULT("10")),
    HELP("max_parallel", "How many items of a batch are worked on at once", DEFAULT("1")),
    HELP("max_failures", "How many items may fail, a number or a share of them",
         "{\"default\": 0, \"anyOf\": [{\"type\": \"integer\", \"minimum\": 0},"
         " {\"$ref\": \"#/$defs/percentage\"}]}"),
    HELP("max_iterations", "More items are an error, or the end", DEFAULT("100000")),
    HELP("on_limit", "Whether the loop fails or stops at max_iterations", DEFAULT("\"fail\"")),
    HELP("until", "An expression, asked as each item ends; when it is true no more begin",
         REF("expression")),
    HELP("collect", "What is kept of the items' outputs",
         "{\"default\": \"list\", \"anyOf\": [{\"enum\": [\"list\", \"none\", \"count\"]},"
         " {\"$ref\": \"#/$defs/collect\"}]}"),
    HELP("per_item", "With 'approval': each item is asked for, not each batch", NULL),
    HELP("repeat", "Runs the node again until a condition holds", REF("repeat")),
    HELP_END,
};

static const struct format_help state_help[] = {
    HELP("id", "The name that transitions use", REF("id")),
    HELP("name", "The name for people; without an id, the name that transitions use", NULL),
    HELP("description", "What the state is for", NULL),
    HELP("action", "What is done in the state; without: it waits for an event",
         "{\"anyOf\": [{\"type\": \"string\"}, {\"$ref\": \"#/$defs/action\"}]}"),
    HELP("transitions", "The next state for each outcome or event; without: the run ends",
         "{\"type\": [\"object\", \"null\"], \"additionalProperties\": {\"anyOf\":"
         " [{\"$ref\": \"#/$defs/text\"}, {\"type\": \"array\", \"minItems\": 1,"
         " \"items\": {\"$ref\": \"#/$defs/transition\"}}]}}"),
    HELP("result", "What the run ends as in this state", DEFAULT("\"success\"")),
    HELP_END,
};

static const struct format_help transition_help[] = {
    HELP("when", "An expression; the first transition whose condition is true is taken",
         REF("expression")),
    HELP("to", "The next state", NULL),
    HELP_END,
};

static const struct format_help tool_help[] = {
    HELP("id", "The name that expressions use; without: the name", REF("id")),
    HELP("name", "The node type, or SERVER/TOOL", REF("tool_name")),
    HELP("config", "What does not come from inputs of the same name", NULL),
    HELP("params", "Another name for 'config'", NULL),
    HELP_END,
};

static const struct format_help repeat_help[] = {
    HELP("until", "An expression that sees the node's output; when it is true the node has ended",
         REF("expression")),
    HELP("max_iterations", "More are an error", DEFAULT("1000")),
    HELP("delay", "From the end of one to the start of the next", NULL),
    HELP_END,
};

static const struct format_help collect_help[] = {
    HELP("reduce", "An expression over 'acc', what there is so far, and 'item', one output",
         REF("expression")),
    HELP("init", "What 'acc' begins with, a template", NULL),
    HELP_END,
};

static const struct format_help edge_help[] = {
    HELP("source", "The node that comes first", NULL),
    HELP("target", "The node that follows", NULL),
    HELP("outcome", "Taken only after this outcome of the source", REF("outcome")),
    HELP("on", "Another name for 'outcome'", REF("outcome")),
    HELP("when", "An expression; taken only when it is true", REF("expression")),
    HELP_END,
};

static const struct format_help on_error_help[] = {
    HELP("goto", "The node that goes on from here", NULL),
    HELP_END,
};

static const struct format_help resilience_help[] = {
    HELP("timeout", "One attempt fails after this time", NULL),
    HELP("retry", "How often and after which time it is tried again", POLICY("retry")),
    HELP("circuit_breaker", "When a service that fails is left alone for a while",
         POLICY("circuit_breaker")),
    HELP_END,
};

static const struct format_help scaling_help[] = {
    HELP("max_parallel_nodes", "How many nodes of a run are going on at once", NULL),
    HELP("batch_size", "How many items loops take at once", DEFAULT("100")),
    HELP("parallel_workers", "How many batches loops work on at once", DEFAULT("10")),
    HELP("max_memory_mb",
         "How much memory the values of a run may take: beyond it nodes wait, or fail", NULL),
    HELP_END,
};

static const struct format_help monitoring_help[] = {
    HELP("metrics_endpoint", "The path of the metrics, which is the same for all", NULL),
    HELP("health_check_interval",
         "How often services that it calls are asked whether they are there: 1s to 24h", NULL),
    HELP("alert_thresholds", "What its runs are held to, over the last five minutes",
         REF("alert_thresholds")),
    HELP("on_alert", "The id of the pipeline that is started when a threshold is crossed", NULL),
    HELP_END,
};

static const struct format_help thresholds_help[] = {
    HELP("error_rate", "The share of its runs that may fail", NULL),
    HELP("latency_p99", "How long 99 of 100 of its runs may take at most", NULL),
    HELP_END,
};

static const struct format_help sanitize_help[] = {
    HELP("pattern", "A regular expression in RE2's syntax", NULL),
    HELP_END,
};

static const struct format_help settings_help[] = {
    HELP("config", "Constants for all pipelines, read as config.NAME; those of a pipeline win",
         NULL),
    HELP("retention", "How long runs are kept, and how many; what a pipeline says wins, key by key",
         REF("retention")),
    HELP("cache", "The room for results that nodes with 'cache' or 'fallback' may take again",
         REF("room")),
    HELP("sandbox",
         "'none': 'opstream serve' runs the code of users as it is. 'required': "
         "in a sandbox alone; there is none yet, so it refuses pipelines with such nodes",
         DEFAULT("\"required\"")),
    HELP("backpressure", "How much an engine takes at once; beyond it new runs have to ask again",
         REF("backpressure")),
    HELP("secrets",
         "Where a secret may go, by its name; one that is not named goes to the hosts "
         "that are written in the pipeline",
         "{\"type\": [\"object\", \"null\"], \"additionalProperties\":"
         " {\"$ref\": \"#/$defs/secret\"}}"),
    HELP("secrets_folder", "A folder with a file for each secret, as a path from / on; empty: none",
         DEFAULT("\"/run/secrets\"")),
    HELP_END,
};

static const struct format_help secret_help[] = {
    HELP("hosts", "Needed: HOST, HOST:PORT or *.DOMAIN; an empty list is none at all", NULL),
    HELP("processes", "The processes of 'code' nodes may have it, too", DEFAULT("false")),
    HELP_END,
};

static const struct format_help backpressure_help[] = {
    HELP("max_live_runs", "Runs in memory; those that only wait do not count", DEFAULT("10000")),
    HELP("max_waiting_writes", "Records on their way to the disk", DEFAULT("5000")),
    HELP("max_memory_mb", "Of the values of all runs", DEFAULT("1024")),
    HELP_END,
};

static const struct format_help room_help[] = {
    HELP("max_bytes", "Of all of them; the oldest go first", DEFAULT("\"256MiB\"")),
    HELP_END,
};

static const struct format_help retention_help[] = {
    HELP("keep", "How long runs are kept that have ended; without: for ever", NULL),
    HELP("keep_failed", "How long those are kept that did not complete; without: as 'keep'", NULL),
    HELP("max_runs", "How many that have ended are kept at most, the newest ones", NULL),
    HELP_END,
};

static const struct format_help limits_help[] = {
    HELP("memory", "Of each of its processes", NULL),
    HELP("output", "What it may write to stdout", NULL),
    HELP("wall", "How long it may take, by the clock", NULL),
    HELP("cpu_time", "How long it may compute", NULL),
    HELP("processes", "How many there may be at once", NULL),
    HELP("file_size", "Of the largest file that it may write", NULL),
    HELP("open_files", "How many at once", NULL),
    HELP_END,
};

static const struct format_help policy_help[] = {
    HELP("timeout", "One attempt of its nodes fails after this time", NULL),
    HELP("max_concurrency", "How many of its nodes run at once, over all runs", NULL),
    HELP("retry", "How often and after which time its nodes are tried again", POLICY("retry")),
    HELP("circuit_breaker", "When a service that fails is left alone for a while",
         POLICY("circuit_breaker")),
    HELP("rate_limit", "How many calls a time, for all that share the service", LIMIT),
    HELP_END,
};

static const struct format_help retry_help[] = {
    HELP("max_attempts", "Attempts in all; 0: without limit, then 'deadline' is needed",
         DEFAULT("3")),
    HELP("initial_interval", "The wait after the first attempt", DEFAULT("\"1s\"")),
    HELP("backoff_multiplier", "Each further wait is so many times as long", DEFAULT("2")),
    HELP("max_interval", "No wait is longer", DEFAULT("\"100s\"")),
    HELP("jitter", "How much of a wait is chance: all of it, half of it or none",
         DEFAULT("\"full\"")),
    HELP("deadline", "No attempt begins later than this; where it is said, all have ended by then",
         DEFAULT("\"24h\"")),
    HELP("on", "The error codes and HTTP statuses that are retried; without: those that pass",
         "{\"type\": \"array\", \"minItems\": 1, \"items\": {\"$ref\": \"#/$defs/error_code\"}}"),
    HELP("budget", "At most this share of its plugin's calls under way are retries",
         "{\"$ref\": \"#/$defs/share\", \"default\": \"20%\"}"),
    HELP_END,
};

static const struct format_help fallback_help[] = {
    HELP("value", "This, a template: it sees the node's own error", NULL),
    HELP("node", "The output of this node, which has no edges and runs only then", NULL),
    HELP("cache", "The last good result of the same node and config, no older than this", NULL),
    HELP_END,
};

static const struct format_help cache_help[] = {
    HELP("ttl", "So long a result is taken again", NULL),
    HELP("key", "An expression: results of equal keys are one; without: of equal configs",
         REF("expression")),
    HELP_END,
};

static const struct format_help budget_help[] = {
    HELP("tokens", "So many, read and written", NULL),
    HELP("cost", "So much in US dollars", NULL),
    HELP("calls", "So many calls that are paid for", NULL),
    HELP("time", "No call begins later than this after the start", NULL),
    HELP("on_exceeded", "What is asked when the budget does not reach", REF("on_exceeded")),
    HELP_END,
};

static const struct format_help exceeded_help[] = {
    HELP("model", "A cheaper model, while a call of that fits", NULL),
    HELP_END,
};

static const struct format_help on_open_help[] = {
    HELP("queue", "The call is left to the retry queue, and more is said of it there",
         REF("queue")),
    HELP_END,
};

static const struct format_help queue_help[] = {
    HELP("priority", "Calls with a higher one go first, however long the others have waited",
         DEFAULT("\"normal\"")),
    HELP_END,
};

static const struct format_help breaker_help[] = {
    HELP("failure_threshold", "So many failures in a row open it", DEFAULT("5")),
    HELP("failure_rate", "This share of the calls of the window opens it, too",
         "{\"$ref\": \"#/$defs/share\", \"default\": \"off\"}"),
    HELP("window", "The time that rates look back, 1s to 10m", DEFAULT("\"60s\"")),
    HELP("minimum_calls", "With fewer calls in the window there is no rate", DEFAULT("10")),
    HELP("slow_call", "Calls that take longer count as failures", DEFAULT("\"off\"")),
    HELP("slow_call_rate", "Slow calls count only when they are this share of the window",
         "{\"$ref\": \"#/$defs/share\", \"default\": \"off\"}"),
    HELP("reset_timeout", "So long it is open before calls are tried", DEFAULT("\"60s\"")),
    HELP("reset_timeout_seconds", "The same as a number", NULL),
    HELP("half_open_calls", "How many calls are tried", DEFAULT("1")),
    HELP("half_open_timeout", "Without an answer in this time it opens again", DEFAULT("\"60s\"")),
    HELP_END,
};

static const struct format_help rate_help[] = {
    HELP("rate", "No span of this time sees more calls", NULL),
    HELP("burst", "So many at once when there were none for a while; without: a tenth of the rate",
         NULL),
    HELP_END,
};

/* A table whose first help does not know a key asks its second. */
static const struct {
    const struct format_key *table;
    const struct format_help *helps[2];
} topics[] = {
    {format_file_keys, {file_help, NULL}},
    {format_pipeline_keys, {pipeline_help, NULL}},
    {format_single_keys, {node_help, pipeline_help}},
    {format_node_keys, {node_help, NULL}},
    {format_state_keys, {state_help, node_help}},
    {format_action_keys, {node_help, NULL}},
    {format_transition_keys, {transition_help, NULL}},
    {format_tool_keys, {tool_help, node_help}},
    {format_repeat_keys, {repeat_help, NULL}},
    {format_collect_keys, {collect_help, NULL}},
    {format_edge_keys, {edge_help, NULL}},
    {format_on_error_keys, {on_error_help, NULL}},
    {format_resilience_keys, {resilience_help, NULL}},
    {format_scaling_keys, {scaling_help, NULL}},
    {format_monitoring_keys, {monitoring_help, NULL}},
    {format_thresholds_keys, {thresholds_help, NULL}},
    {format_sanitize_keys, {sanitize_help, NULL}},
    {format_retention_keys, {retention_help, NULL}},
    {format_settings_keys, {settings_help, NULL}},
    {format_secret_keys, {secret_help, NULL}},
    {format_backpressure_keys, {backpressure_help, NULL}},
    {format_room_keys, {room_help, NULL}},
    {format_limits_keys, {limits_help, NULL}},
    {format_policy_keys, {policy_help, NULL}},
    {format_retry_keys, {retry_help, NULL}},
    {format_fallback_keys, {fallback_help, NULL}},
    {format_cache_keys, {cache_help, NULL}},
    {format_budget_keys, {budget_help, NULL}},
    {format_exceeded_keys, {exceeded_help, NULL}},
    {format_on_open_keys, {on_open_help, NULL}},
    {format_queue_keys, {queue_help, NULL}},
    {format_breaker_keys, {breaker_help, NULL}},
    {format_rate_keys, {rate_help, NULL}},
};

static const struct format_help *find_row(const struct format_help *rows, struct str key)
{
    for (; rows != NULL && rows->name.n > 0; rows++) {
        if (str_equal(rows->name, key)) {
            return rows;
        }
    }
    return NULL;
}

const struct format_help *format_help_find(const struct format_key *table, struct str key)
{
    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        if (topics[i].table == table) {
            const struct format_help *row = find_row(topics[i].helps[0], key);
            return row != NULL ? row : find_row(topics[i].helps[1], key);
        }
    }
    return NULL;
}
