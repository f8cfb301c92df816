/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_POLICY_H
#define CORE_MODEL_POLICY_H

/*
 * Policies of a node, as its file, its integration and the pipeline's `resilience` say them
 * together: the nearer one wins, key by key. What they mean is core/policy's business.
 *
 * Used by:  model, policy, engine, cli (plans).
 * Uses:     base.
 * Threads:  [any]; they never change once they are made.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/model/queue_priority.h"

enum retry_jitter {
    RETRY_JITTER_FULL,  /* 0 to the whole wait */
    RETRY_JITTER_EQUAL, /* half of it to the whole */
    RETRY_JITTER_NONE,
};

/* `retry: off` is one attempt. */
struct retry_settings {
    bool is_asked_for;     /* the file says something of it: else these are the defaults */
    uint32_t max_attempts; /* in all; 0: without limit, and then there is a deadline */
    int64_t initial_interval_ms;
    double backoff_multiplier; /* at least 1 */
    int64_t max_interval_ms;
    enum retry_jitter jitter;
    int64_t deadline_ms; /* over all attempts, from the start of the first */
    bool has_deadline;   /* the file says it: then it ends the attempt at work, too */
    /* Codes ("TIMEOUT") and statuses ("503") that are retried; none: see retry_is_transient(). */
    const struct str *on;
    uint32_t on_count;
    double budget; /* share of a scope's calls under way that may be retries; 0: off */
};

struct breaker_settings {
    bool is_on;
    bool is_asked_for; /* the file says so: then also where no address tells services apart */
    uint32_t failure_threshold; /* in a row */
    double failure_rate;        /* share of the calls in the window; 0: off */
    int64_t window_ms;
    uint32_t minimum_calls;
    int64_t slow_call_ms;  /* 0: off */
    double slow_call_rate; /* share of slow calls in the window; 0: each counts as a failure */
    int64_t reset_timeout_ms;
    uint32_t half_open_calls;
    int64_t half_open_timeout_ms;
};

/* What `monitoring.health_check_interval` may be. */
#define HEALTH_INTERVAL_MIN_MS 1000
#define HEALTH_INTERVAL_MAX_MS (24 * 60 * 60 * 1000)

/* No window of `period_ms` sees more than `limit`; 0: no limit. */
struct rate_settings {
    uint32_t limit;
    int64_t period_ms;
    uint32_t burst; /* 1 to limit */
};

/* What a node does whose call an open breaker refuses. */
enum on_open {
    ON_OPEN_WAIT, /* until the breaker lets it pass */
    ON_OPEN_FAIL, /* at once, without another attempt */
    ON_OPEN_FALLBACK,
    ON_OPEN_QUEUE, /* it completes: its call goes to the retry queue */
};

struct node_policies {
    struct retry_settings retry;
    struct breaker_settings breaker;
    struct rate_settings rate;
    struct rate_settings rate_around; /* of the integration, where `rate` is the node's own */
    enum on_open on_open;
    enum queue_priority priority; /* ON_OPEN_QUEUE, and of the item that it makes */
};

/* What calls may take in all, of a node or a run. */
enum { BUDGET_NO_LIMIT = -1 };

struct budget_settings {
    int64_t tokens; /* BUDGET_NO_LIMIT: as many as they like; so below */
    int64_t cost;   /* billionths of a US dollar */
    int64_t calls;
    int64_t time_ms;  /* since the node or the run began */
    struct str model; /* that is asked when the budget does not reach; empty: none */
};

#define RETRY_SETTINGS_DEFAULT                                                                     \
    ((struct retry_settings){.max_attempts = 3,                                                    \
                             .initial_interval_ms = 1000,                                          \
                             .backoff_multiplier = 2.0,                                            \
                             .max_interval_ms = 100000,                                            \
                             .jitter = RETRY_JITTER_FULL,                                          \
                             .deadline_ms = INT64_C(24) * 60 * 60 * 1000,                          \
                             .budget = 0.2})

#define BREAKER_SETTINGS_DEFAULT                                                                   \
    ((struct breaker_settings){.is_on = true,                                                      \
                               .failure_threshold = 5,                                             \
                               .window_ms = 60000,                                                 \
                               .minimum_calls = 10,                                                \
                               .reset_timeout_ms = 60000,                                          \
                               .half_open_calls = 1,                                               \
                               .half_open_timeout_ms = 60000})

/* Without `burst` a tenth of the limit, at least 1. */
static inline uint32_t rate_default_burst(uint32_t limit)
{
    return limit / 10 > 0 ? limit / 10 : 1;
}

#endif
