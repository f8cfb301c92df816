/* SPDX-License-Identifier: Apache-2.0 */
/* `circuit_breaker`: when a service that fails is left alone for a while. */
#include "core/model/draft.h"
#include "core/model/format.h"
#include "core/model/format_values.h"
#include "core/model/policies.h"
#include "core/model/tree.h"

enum { WINDOW_MIN_MS = 1000, WINDOW_MAX_MS = 10 * 60 * 1000 };

/* Two keys of one meaning. */
static void check_reset(const struct report *report, struct policy_said said)
{
    if (policies_says(said, "reset_timeout") && policies_says(said, "reset_timeout_seconds")) {
        report_error(report, policies_place_of(said, "reset_timeout_seconds"),
                     "%s has both 'reset_timeout' and 'reset_timeout_seconds', which mean the same",
                     said.what);
    }
}

static void check_window(const struct report *report, struct policy_said said)
{
    int64_t ms = 0;
    if (format_duration(said.map, "window", &ms) && ms > 0 &&
        (ms < WINDOW_MIN_MS || ms > WINDOW_MAX_MS)) {
        const struct tree *value = tree_get(said.map, STR("window"));
        report_error(report, value->place, "'window' of %s must be from 1s to 10m, not '%.*s'",
                     said.what, STR_ARG(value->text));
    }
}

/* A share that was written wrongly, which has been said. */
static bool is_faulty(struct policy_said said, const char *key)
{
    double share = 0;
    return policies_says(said, key) && !format_share(said.map, key, &share);
}

/* With what places further out say. */
static void check_rates(const struct report *report, struct policy_said said,
                        const struct breaker_settings *all)
{
    static const char *const of_rates[] = {"window", "minimum_calls"};
    bool has_rate = all->failure_rate > 0 || all->slow_call_rate > 0;
    bool is_known = !is_faulty(said, "failure_rate") && !is_faulty(said, "slow_call_rate");
    for (size_t i = 0; i < sizeof(of_rates) / sizeof(of_rates[0]) && !has_rate; i++) {
        if (is_known && policies_says(said, of_rates[i])) {
            report_error(report, policies_place_of(said, of_rates[i]),
                         "'%s' of %s has no effect without a 'failure_rate' or 'slow_call_rate'",
                         of_rates[i], said.what);
            report_hint(report, "add failure_rate: 50%%, for example");
        }
    }
    double rate = 0;
    int64_t ms = 0;
    const struct tree *slow = tree_get(said.map, STR("slow_call"));
    bool is_slow_known = slow == NULL || format_values_is_off(slow) ||
                         (format_duration(said.map, "slow_call", &ms) && ms > 0);
    if (is_slow_known && all->slow_call_ms == 0 &&
        format_share(said.map, "slow_call_rate", &rate) && rate > 0) {
        report_error(report, policies_place_of(said, "slow_call_rate"),
                     "'slow_call_rate' of %s has no effect without a 'slow_call'", said.what);
        report_hint(report, "say which calls are slow: slow_call: 5s, for example");
    }
}

int policy_breaker_lay(struct draft *draft, struct policy_said said, struct policies_draft *out)
{
    const struct report *report = &draft->loader->report;
    struct breaker_settings *breaker = &out->policies.breaker;
    if (format_values_is_off(said.map)) {
        *breaker = BREAKER_SETTINGS_DEFAULT;
        breaker->is_on = false;
        return 0;
    }
    if (!tree_is(said.map, TREE_MAP)) {
        return 0; /* the table of keys has said so */
    }
    format_check(report, said.map, format_breaker_keys, said.what, 0);
    breaker->is_on = true;
    breaker->is_asked_for = true;
    (void)format_count(said.map, "failure_threshold", &breaker->failure_threshold); /* or as ... */
    (void)format_share(said.map, "failure_rate", &breaker->failure_rate);
    (void)format_duration(said.map, "window", &breaker->window_ms);
    (void)format_count(said.map, "minimum_calls", &breaker->minimum_calls);
    (void)format_bound(said.map, "slow_call", &breaker->slow_call_ms);
    (void)format_share(said.map, "slow_call_rate", &breaker->slow_call_rate);
    (void)format_duration(said.map, "reset_timeout", &breaker->reset_timeout_ms);
    (void)format_seconds(said.map, "reset_timeout_seconds", &breaker->reset_timeout_ms);
    (void)format_count(said.map, "half_open_calls", &breaker->half_open_calls);
    (void)format_duration(said.map, "half_open_timeout",
                          &breaker->half_open_timeout_ms); /* ... it was, like all of these */
    check_reset(report, said);
    check_window(report, said);
    if (!draft->is_profile) {
        check_rates(report, said, breaker);
    }
    return 0;
}
