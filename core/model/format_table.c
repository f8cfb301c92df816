/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/format.h"

#include <stddef.h>

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
static const char *const risks[] = {"low", "medium", "high", "critical", NULL};

const struct format_key format_file_keys[] = {
    WORKS("workflow", FORMAT_MAP),
    WORKS("workflows", FORMAT_MAP),
    TABLE_END,
};

const struct format_key format_settings_keys[] = {
    WORKS("config", FORMAT_MAP),
    TABLE_END,
};

#define PIPELINE_KEYS                                                                              \
    WORKS("id", FORMAT_TEXT), WORKS("name", FORMAT_TEXT), WORKS("description", FORMAT_TEXT),       \
        WORKS("version", FORMAT_TEXT), WORKS("labels", FORMAT_MAP), WORKS("input", FORMAT_MAP),    \
        WORKS("integrations", FORMAT_MAP), WORKS("resilience", FORMAT_MAP),                        \
        WORKS("scaling", FORMAT_MAP), WORKS("output", FORMAT_ANY), LATER("environment"),           \
        CHOICE("error_policy", error_policies), LATER("budget"), LATER("sanitize"),                \
        LATER("duration"), LATER("interval"), LATER("concurrency"), WARNS("trigger"),              \
        WARNS("triggers"), WARNS("schedule"), WARNS("notifications"), WARNS("monitoring"),         \
        WARNS("auto_resolve"), LATER("retention"), LATER("rollback"), LATER("on_failure"),         \
        LATER("on_cancel"), LATER("on_success"), LATER("finally"), LATER("extends")

#define NODE_KEYS                                                                                  \
    WORKS("type", FORMAT_TEXT), WORKS("service", FORMAT_TEXT), WORKS("action", FORMAT_TEXT),       \
        WORKS("params", FORMAT_MAP), WORKS("when", FORMAT_TEXT), CHOICE("join", joins),            \
        WORKS("milestone", FORMAT_BOOL), WORKS("max_concurrency", FORMAT_COUNT),                   \
        WORKS("limits", FORMAT_MAP), CHOICE("risk", risks), LATER("retry"),                        \
        LATER("circuit_breaker"), LATER("rate_limit"), LATER("on_open"), LATER("fallback"),        \
        LATER("cache"), LATER("at_most_once"), LATER("approval"), LATER("compensate"),             \
        LATER("for_each"), LATER("repeat"), LATER("isolation")

const struct format_key format_pipeline_keys[] = {
    PIPELINE_KEYS,
    WORKS("config", FORMAT_MAP),
    WORKS("timeout", FORMAT_DURATION),
    WORKS("nodes", FORMAT_LIST),
    WORKS("edges", FORMAT_LIST),
    LATER("steps"),
    LATER("states"),
    LATER("initial_state"),
    LATER("max_transitions"),
    LATER("tools"),
    LATER("sequence"),
    LATER("workflows"),
    TABLE_END,
};

const struct format_key format_single_keys[] = {
    PIPELINE_KEYS,
    NODE_KEYS,
    WORKS("config", FORMAT_MAP),
    WORKS("timeout", FORMAT_DURATION),
    WORKS("on_error", FORMAT_ANY),
    TABLE_END,
};

const struct format_key format_node_keys[] = {
    NODE_KEYS,
    WORKS("id", FORMAT_TEXT),
    WORKS("name", FORMAT_TEXT),
    WORKS("config", FORMAT_MAP),
    WORKS("depends_on", FORMAT_TEXTS),
    WORKS("timeout", FORMAT_DURATION),
    WORKS("on_error", FORMAT_ANY),
    LATER("budget"),
    LATER("nodes"),
    LATER("edges"),
    LATER("output"),
    LATER("as"),
    LATER("as_batch"),
    LATER("batch_size"),
    LATER("parallel_workers"),
    LATER("max_parallel"),
    LATER("max_failures"),
    LATER("max_iterations"),
    LATER("on_limit"),
    LATER("until"),
    LATER("collect"),
    LATER("per_item"),
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
    WORKS("timeout", FORMAT_DURATION),
    LATER("retry"),
    LATER("circuit_breaker"),
    TABLE_END,
};

const struct format_key format_scaling_keys[] = {
    WORKS("max_parallel_nodes", FORMAT_COUNT),
    LATER("batch_size"),
    LATER("parallel_workers"),
    LATER("max_memory_mb"),
    TABLE_END,
};

const struct format_key format_limits_keys[] = {
    WORKS("memory", FORMAT_SIZE),
    WORKS("output", FORMAT_SIZE),
    WORKS("wall", FORMAT_DURATION),
    LATER("cpu_time"),
    LATER("processes"),
    LATER("file_size"),
    LATER("open_files"),
    TABLE_END,
};

const struct format_key format_policy_keys[] = {
    WORKS("timeout", FORMAT_DURATION),
    WORKS("max_concurrency", FORMAT_COUNT),
    LATER("retry"),
    LATER("circuit_breaker"),
    LATER("rate_limit"),
    TABLE_END,
};
