/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/format.h"

#include <stddef.h>

#include "core/model/queue_priority.h"

/* The length comes along: each key of a file is compared with every name of a table. */
#define NAME(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
#define WORKS(name, kind)                                                                          \
    {                                                                                              \
        NAME(name), kind, FORMAT_WORKS, NULL                                                       \
    }
#define CHOICE(name, choices)                                                                      \
    {                                                                                              \
        NAME(name), FORMAT_CHOICE, FORMAT_WORKS, choices                                           \
    }
#define WAY(name, choices)                                                                         \
    {                                                                                              \
        NAME(name), FORMAT_WAY, FORMAT_WORKS, choices                                              \
    }
#define WARNS(name)                                                                                \
    {                                                                                              \
        NAME(name), FORMAT_ANY, FORMAT_WARNS, NULL                                                 \
    }
#define LATER(name)                                                                                \
    {                                                                                              \
        NAME(name), FORMAT_ANY, FORMAT_LATER, NULL                                                 \
    }
#define TABLE_END                                                                                  \
    {                                                                                              \
        NAME(""), FORMAT_ANY, FORMAT_WORKS, NULL                                                   \
    }

static const char *const error_policies[] = {"stop_on_error", "continue", NULL};
static const char *const joins[] = {"default", "any", "all", NULL};
static const char *const limits[] = {"fail", "stop", NULL};
static const char *const results[] = {"success", "failed", NULL};
static const char *const sandboxes[] = {"required", "none", NULL};
static const char *const risks[] = {"low", "medium", "high", "critical", NULL};
static const char *const jitters[] = {"full", "equal", "none", NULL};
static const char *const metrics_endpoints[] = {"/metrics", NULL};
static const char *const on_opens[] = {"wait", "fail", "fallback", "queue", NULL};

const struct format_key format_file_keys[] = {
    WORKS("workflow", FORMAT_MAP),
    WORKS("workflows", FORMAT_MAP),
    TABLE_END,
};

const struct format_key format_settings_keys[] = {
    WORKS("config", FORMAT_MAP),          WORKS("retention", FORMAT_MAP),
    WORKS("cache", FORMAT_MAP),           CHOICE("sandbox", sandboxes),
    WORKS("backpressure", FORMAT_MAP),    WORKS("secrets", FORMAT_MAP),
    WORKS("secrets_folder", FORMAT_TEXT), TABLE_END,
};

const struct format_key format_secret_keys[] = {
    WORKS("hosts", FORMAT_TEXTS),
    WORKS("processes", FORMAT_BOOL),
    TABLE_END,
};

const struct format_key format_backpressure_keys[] = {
    WORKS("max_live_runs", FORMAT_COUNT),
    WORKS("max_waiting_writes", FORMAT_COUNT),
    WORKS("max_memory_mb", FORMAT_COUNT),
    TABLE_END,
};

const struct format_key format_monitoring_keys[] = {
    CHOICE("metrics_endpoint", metrics_endpoints),
    WORKS("health_check_interval", FORMAT_TIMEOUT),
    WORKS("alert_thresholds", FORMAT_MAP),
    WORKS("on_alert", FORMAT_TEXT),
    TABLE_END,
};

const struct format_key format_thresholds_keys[] = {
    WORKS("error_rate", FORMAT_RATE),
    WORKS("latency_p99", FORMAT_TIMEOUT),
    TABLE_END,
};

const struct format_key format_room_keys[] = {
    WORKS("max_bytes", FORMAT_SIZE),
    TABLE_END,
};

const struct format_key format_sanitize_keys[] = {
    WORKS("pattern", FORMAT_TEXT),
    TABLE_END,
};

const struct format_key format_retention_keys[] = {
    WORKS("keep", FORMAT_TIMEOUT),
    WORKS("keep_failed", FORMAT_TIMEOUT),
    WORKS("max_runs", FORMAT_COUNT),
    TABLE_END,
};

#define PIPELINE_KEYS                                                                              \
    WORKS("id", FORMAT_TEXT), WORKS("name", FORMAT_TEXT), WORKS("description", FORMAT_TEXT),       \
        WORKS("version", FORMAT_TEXT), WORKS("labels", FORMAT_MAP), WORKS("input", FORMAT_MAP),    \
        WORKS("integrations", FORMAT_MAP), WORKS("resilience", FORMAT_MAP),                        \
        WORKS("scaling", FORMAT_MAP), WORKS("output", FORMAT_ANY), LATER("environment"),           \
        CHOICE("error_policy", error_policies), WORKS("budget", FORMAT_MAP),                       \
        WORKS("sanitize", FORMAT_LIST), LATER("concurrency"), WARNS("trigger"), WARNS("triggers"), \
        WARNS("schedule"), WORKS("notifications", FORMAT_ANY), WORKS("monitoring", FORMAT_MAP),    \
        WARNS("auto_resolve"), WORKS("retention", FORMAT_MAP), WORKS("rollback", FORMAT_BOOL),     \
        WORKS("on_failure", FORMAT_LIST), WORKS("on_cancel", FORMAT_LIST),                         \
        WORKS("on_success", FORMAT_LIST), WORKS("finally", FORMAT_LIST),                           \
        WORKS("extends", FORMAT_TEXT)

#define NODE_KEYS                                                                                  \
    WORKS("type", FORMAT_TEXT), WORKS("service", FORMAT_TEXT), WORKS("action", FORMAT_TEXT),       \
        WORKS("params", FORMAT_MAP), WORKS("when", FORMAT_TEXT), CHOICE("join", joins),            \
        WORKS("milestone", FORMAT_BOOL), WORKS("max_concurrency", FORMAT_COUNT),                   \
        WORKS("limits", FORMAT_MAP), CHOICE("risk", risks), WORKS("retry", FORMAT_POLICY),         \
        WORKS("circuit_breaker", FORMAT_POLICY), WORKS("rate_limit", FORMAT_LIMIT),                \
        WAY("on_open", on_opens), WORKS("fallback", FORMAT_MAP), WORKS("cache", FORMAT_MAP),       \
        WORKS("at_most_once", FORMAT_BOOL), LATER("approval"), LATER("isolation")

/* What makes a loop of a node, and how it goes; see for_each.c. */
#define LOOP_KEYS                                                                                  \
    WORKS("for_each", FORMAT_ANY), WORKS("as", FORMAT_TEXT), WORKS("as_batch", FORMAT_TEXT),       \
        WORKS("batch_size", FORMAT_COUNT), WORKS("parallel_workers", FORMAT_COUNT),                \
        WORKS("max_parallel", FORMAT_COUNT), WORKS("max_failures", FORMAT_ANY),                    \
        WORKS("max_iterations", FORMAT_COUNT), CHOICE("on_limit", limits),                         \
        WORKS("until", FORMAT_TEXT), WORKS("collect", FORMAT_ANY), LATER("per_item"),              \
        WORKS("repeat", FORMAT_MAP), WORKS("compensate", FORMAT_MAP)

const struct format_key format_pipeline_keys[] = {
    PIPELINE_KEYS,
    WORKS("config", FORMAT_MAP),
    WORKS("timeout", FORMAT_TIMEOUT),
    WORKS("nodes", FORMAT_LIST),
    WORKS("edges", FORMAT_LIST),
    WORKS("steps", FORMAT_LIST),
    WORKS("states", FORMAT_ANY),
    WORKS("initial_state", FORMAT_TEXT),
    WORKS("max_transitions", FORMAT_COUNT),
    WORKS("tools", FORMAT_LIST),
    WORKS("sequence", FORMAT_BOOL),
    WORKS("duration", FORMAT_TIMEOUT),
    WORKS("interval", FORMAT_DURATION),
    WORKS("workflows", FORMAT_TEXTS),
    TABLE_END,
};

const struct format_key format_single_keys[] = {
    PIPELINE_KEYS,
    NODE_KEYS,
    LOOP_KEYS,
    WORKS("config", FORMAT_MAP),
    WORKS("timeout", FORMAT_TIMEOUT),
    WORKS("on_error", FORMAT_ANY),
    TABLE_END,
};

const struct format_key format_node_keys[] = {
    NODE_KEYS,
    WORKS("id", FORMAT_TEXT),
    WORKS("name", FORMAT_TEXT),
    WORKS("config", FORMAT_MAP),
    WORKS("depends_on", FORMAT_TEXTS),
    WORKS("timeout", FORMAT_TIMEOUT),
    WORKS("on_error", FORMAT_ANY),
    WORKS("budget", FORMAT_MAP),
    LOOP_KEYS,
    WORKS("nodes", FORMAT_LIST),
    WORKS("edges", FORMAT_LIST),
    WORKS("output", FORMAT_ANY),
    TABLE_END,
};

const struct format_key format_state_keys[] = {
    WORKS("id", FORMAT_TEXT),
    WORKS("name", FORMAT_TEXT),
    WORKS("description", FORMAT_TEXT),
    WORKS("action", FORMAT_ANY),
    WORKS("type", FORMAT_TEXT),
    WORKS("service", FORMAT_TEXT),
    WORKS("config", FORMAT_MAP),
    WORKS("params", FORMAT_MAP),
    WORKS("transitions", FORMAT_MAP),
    CHOICE("result", results),
    WORKS("timeout", FORMAT_TIMEOUT),
    WORKS("compensate", FORMAT_MAP),
    WORKS("milestone", FORMAT_BOOL),
    WORKS("max_concurrency", FORMAT_COUNT),
    WORKS("limits", FORMAT_MAP),
    CHOICE("risk", risks),
    WORKS("retry", FORMAT_POLICY),
    WORKS("circuit_breaker", FORMAT_POLICY),
    WORKS("rate_limit", FORMAT_LIMIT),
    WAY("on_open", on_opens),
    WORKS("fallback", FORMAT_MAP),
    WORKS("cache", FORMAT_MAP),
    WORKS("at_most_once", FORMAT_BOOL),
    LATER("approval"),
    LATER("isolation"),
    WORKS("budget", FORMAT_MAP),
    TABLE_END,
};

const struct format_key format_action_keys[] = {
    WORKS("service", FORMAT_TEXT),
    WORKS("method", FORMAT_TEXT),
    WORKS("action", FORMAT_TEXT),
    WORKS("type", FORMAT_TEXT),
    WORKS("config", FORMAT_MAP),
    WORKS("params", FORMAT_MAP),
    TABLE_END,
};

const struct format_key format_transition_keys[] = {
    WORKS("when", FORMAT_TEXT),
    WORKS("to", FORMAT_TEXT),
    TABLE_END,
};

const struct format_key format_tool_keys[] = {
    WORKS("id", FORMAT_TEXT),
    WORKS("name", FORMAT_TEXT),
    WORKS("config", FORMAT_MAP),
    WORKS("params", FORMAT_MAP),
    WORKS("timeout", FORMAT_TIMEOUT),
    WORKS("on_error", FORMAT_ANY),
    WORKS("max_concurrency", FORMAT_COUNT),
    WORKS("limits", FORMAT_MAP),
    CHOICE("risk", risks),
    WORKS("retry", FORMAT_POLICY),
    WORKS("circuit_breaker", FORMAT_POLICY),
    WORKS("rate_limit", FORMAT_LIMIT),
    WAY("on_open", on_opens),
    WORKS("fallback", FORMAT_MAP),
    WORKS("cache", FORMAT_MAP),
    WORKS("at_most_once", FORMAT_BOOL),
    LATER("approval"),
    LATER("isolation"),
    TABLE_END,
};

const struct format_key format_repeat_keys[] = {
    WORKS("until", FORMAT_TEXT),
    WORKS("max_iterations", FORMAT_COUNT),
    WORKS("delay", FORMAT_DURATION),
    TABLE_END,
};

const struct format_key format_collect_keys[] = {
    WORKS("reduce", FORMAT_TEXT),
    WORKS("init", FORMAT_ANY),
    TABLE_END,
};

const struct format_key format_edge_keys[] = {
    WORKS("source", FORMAT_TEXT), WORKS("target", FORMAT_TEXT), WORKS("outcome", FORMAT_TEXT),
    WORKS("on", FORMAT_TEXT),     WORKS("when", FORMAT_TEXT),   TABLE_END,
};

const struct format_key format_on_error_keys[] = {
    WORKS("goto", FORMAT_TEXT),
    TABLE_END,
};

const struct format_key format_resilience_keys[] = {
    WORKS("timeout", FORMAT_TIMEOUT),
    WORKS("retry", FORMAT_POLICY),
    WORKS("circuit_breaker", FORMAT_POLICY),
    TABLE_END,
};

const struct format_key format_scaling_keys[] = {
    WORKS("max_parallel_nodes", FORMAT_COUNT),
    WORKS("batch_size", FORMAT_COUNT),
    WORKS("parallel_workers", FORMAT_COUNT),
    WORKS("max_memory_mb", FORMAT_COUNT),
    TABLE_END,
};

const struct format_key format_limits_keys[] = {
    WORKS("memory", FORMAT_SIZE),      WORKS("output", FORMAT_SIZE),
    WORKS("wall", FORMAT_TIMEOUT),     WORKS("cpu_time", FORMAT_TIMEOUT),
    WORKS("processes", FORMAT_COUNT),  WORKS("file_size", FORMAT_SIZE),
    WORKS("open_files", FORMAT_COUNT), TABLE_END,
};

const struct format_key format_policy_keys[] = {
    WORKS("timeout", FORMAT_TIMEOUT),  WORKS("max_concurrency", FORMAT_COUNT),
    WORKS("retry", FORMAT_POLICY),     WORKS("circuit_breaker", FORMAT_POLICY),
    WORKS("rate_limit", FORMAT_LIMIT), TABLE_END,
};

const struct format_key format_retry_keys[] = {
    WORKS("max_attempts", FORMAT_WHOLE),
    WORKS("initial_interval", FORMAT_TIMEOUT),
    WORKS("backoff_multiplier", FORMAT_FACTOR),
    WORKS("max_interval", FORMAT_TIMEOUT),
    CHOICE("jitter", jitters),
    WORKS("deadline", FORMAT_TIMEOUT),
    WORKS("on", FORMAT_TEXTS),
    WORKS("budget", FORMAT_SHARE),
    TABLE_END,
};

const struct format_key format_breaker_keys[] = {
    WORKS("failure_threshold", FORMAT_COUNT),
    WORKS("failure_rate", FORMAT_SHARE),
    WORKS("window", FORMAT_TIMEOUT),
    WORKS("minimum_calls", FORMAT_COUNT),
    WORKS("slow_call", FORMAT_BOUND),
    WORKS("slow_call_rate", FORMAT_SHARE),
    WORKS("reset_timeout", FORMAT_TIMEOUT),
    WORKS("reset_timeout_seconds", FORMAT_SECONDS),
    WORKS("half_open_calls", FORMAT_COUNT),
    WORKS("half_open_timeout", FORMAT_TIMEOUT),
    TABLE_END,
};

const struct format_key format_rate_keys[] = {
    WORKS("rate", FORMAT_CALL_RATE),
    WORKS("burst", FORMAT_COUNT),
    TABLE_END,
};

const struct format_key format_fallback_keys[] = {
    WORKS("value", FORMAT_ANY),
    WORKS("node", FORMAT_TEXT),
    WORKS("cache", FORMAT_TIMEOUT),
    TABLE_END,
};

const struct format_key format_cache_keys[] = {
    WORKS("ttl", FORMAT_TIMEOUT),
    WORKS("key", FORMAT_TEXT),
    TABLE_END,
};

const struct format_key format_budget_keys[] = {
    WORKS("tokens", FORMAT_COUNT), WORKS("cost", FORMAT_MONEY),      WORKS("calls", FORMAT_COUNT),
    WORKS("time", FORMAT_TIMEOUT), WORKS("on_exceeded", FORMAT_MAP), TABLE_END,
};

const struct format_key format_exceeded_keys[] = {
    WORKS("model", FORMAT_TEXT),
    TABLE_END,
};

const struct format_key format_on_open_keys[] = {
    WORKS("queue", FORMAT_MAP),
    TABLE_END,
};

const struct format_key format_queue_keys[] = {
    CHOICE("priority", queue_priority_words),
    TABLE_END,
};
