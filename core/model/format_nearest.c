/* SPDX-License-Identifier: Apache-2.0 */
/* Which key was meant: one that is spelt nearly so, or one that other tools call so. */
#include <stddef.h>

#include "core/base/suggest.h"
#include "core/model/format.h"
#include "core/model/tree.h"

/* The first whose key the table has counts. */
static const struct {
    const char *other;
    const char *key;
} synonyms[] = {
    {"after", "depends_on"},
    {"always", "finally"},
    {"args", "config"},
    {"arguments", "config"},
    {"attempts", "max_attempts"},
    {"backoff", "backoff_multiplier"},
    {"backoff_coefficient", "backoff_multiplier"},
    {"breaker", "circuit_breaker"},
    {"bucket", "burst"},
    {"burst_size", "burst"},
    {"calls", "rate"},
    {"capacity", "burst"},
    {"catch", "on_error"},
    {"cond", "when"},
    {"condition", "when"},
    {"constants", "config"},
    {"continue_on_error", "on_error"},
    {"cooldown", "reset_timeout"},
    {"count", "max_attempts"},
    {"cron", "schedule"},
    {"delay", "initial_interval"},
    {"depends", "depends_on"},
    {"depends_on", "transitions"},
    {"do", "nodes"},
    {"edges", "transitions"},
    {"else", "to"},
    {"env", "environment"},
    {"error_rate", "failure_rate"},
    {"events", "transitions"},
    {"factor", "backoff_multiplier"},
    {"failure_ratio", "failure_rate"},
    {"failures", "failure_threshold"},
    {"from", "source"},
    {"function", "action"},
    {"function", "type"},
    {"guard", "when"},
    {"half_open", "half_open_calls"},
    {"half_open_max_calls", "half_open_calls"},
    {"half_open_requests", "half_open_calls"},
    {"if", "when"},
    {"in", "for_each"},
    {"initial", "initial_state"},
    {"initial_delay", "initial_interval"},
    {"interval", "delay"},
    {"interval", "initial_interval"},
    {"items", "for_each"},
    {"jobs", "nodes"},
    {"kind", "type"},
    {"limit", "max_iterations"},
    {"limit", "rate"},
    {"loop", "for_each"},
    {"max_backoff", "max_interval"},
    {"max_delay", "max_interval"},
    {"max_failures", "failure_threshold"},
    {"max_retries", "max_attempts"},
    {"max_tries", "max_attempts"},
    {"max_wait", "max_interval"},
    {"min_calls", "minimum_calls"},
    {"minimum_requests", "minimum_calls"},
    {"multiplier", "backoff_multiplier"},
    {"needs", "depends_on"},
    {"next", "to"},
    {"node", "goto"},
    {"on", "transitions"},
    {"on", "trigger"},
    {"on_error", "on_failure"},
    {"open_duration", "reset_timeout"},
    {"operation", "action"},
    {"operation", "method"},
    {"options", "config"},
    {"parallel", "max_parallel"},
    {"parallelism", "parallel_workers"},
    {"parameters", "config"},
    {"plugin", "type"},
    {"rate", "rate_limit"},
    {"recovery_timeout", "reset_timeout"},
    {"requests", "rate"},
    {"requires", "depends_on"},
    {"reset", "reset_timeout"},
    {"retries", "max_attempts"},
    {"retries", "retry"},
    {"retry_on", "on"},
    {"retry_policy", "retry"},
    {"retry_strategy", "retry"},
    {"run_after", "depends_on"},
    {"settings", "config"},
    {"sleep_window", "reset_timeout"},
    {"sliding_window", "window"},
    {"stages", "steps"},
    {"start", "initial_state"},
    {"start_at", "initial_state"},
    {"step", "type"},
    {"steps", "nodes"},
    {"success_threshold", "half_open_calls"},
    {"target", "goto"},
    {"target", "to"},
    {"tasks", "nodes"},
    {"then", "to"},
    {"threshold", "failure_threshold"},
    {"throttle", "rate_limit"},
    {"timeout", "deadline"},
    {"timeout", "reset_timeout"},
    {"times", "max_attempts"},
    {"times", "max_iterations"},
    {"to", "target"},
    {"tool", "name"},
    {"tool", "type"},
    {"trial_calls", "half_open_calls"},
    {"tries", "max_attempts"},
    {"triggered_by", "trigger"},
    {"trip_after", "failure_threshold"},
    {"uses", "type"},
    {"variables", "config"},
    {"vars", "config"},
    {"volume_threshold", "minimum_calls"},
    {"wait", "initial_interval"},
    {"while", "until"},
    {"with", "config"},
    {"with_items", "for_each"},
    {"workers", "parallel_workers"},
};

struct str format_nearest(const struct format_key *table, struct str wrong)
{
    for (size_t i = 0; i < sizeof(synonyms) / sizeof(synonyms[0]); i++) {
        const struct format_key *key = str_equal_text(wrong, synonyms[i].other)
                                           ? format_find(table, str_from(synonyms[i].key))
                                           : NULL;
        if (key != NULL) {
            return key->name;
        }
    }
    struct suggest nearest = suggest_start(wrong);
    for (; table->name.n > 0; table++) {
        suggest_offer(&nearest, table->name);
    }
    return nearest.best;
}

bool format_is_misspelt(const struct tree *map, const struct format_key *table, const char *key)
{
    for (uint32_t i = 0; tree_is(map, TREE_MAP) && i < map->count; i++) {
        struct str written = map->as.members[i].key.text;
        if (format_find(table, written) == NULL &&
            str_equal_text(format_nearest(table, written), key)) {
            return true;
        }
    }
    return false;
}
