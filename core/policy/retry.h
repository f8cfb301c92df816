/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_POLICY_RETRY_H
#define CORE_POLICY_RETRY_H

/*
 * Retry: whether a failed attempt is followed by another one, and after what wait.
 *
 * What a failure is called by default, in the order in which it is asked:
 *   the node's own word; the code RATE_LIMITED is transient, whatever the status is (some services
 *   say it with 403); a status, 400 to 599 (408, 425, 429, 500, 502, 503, 504 and 529 are
 *   transient); the code (TIMEOUT and UNAVAILABLE are).
 *
 * Used by:  engine.
 * Uses:     jitter; the settings of model.
 * Threads:  [any]; pure: the same question has the same answer.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/model/policy.h"

/* What a server asks for is obeyed up to here, the jitter on top of it included. */
#define RETRY_AFTER_MAX_MS (INT64_C(60) * 60 * 1000)
/* No wait of ours is longer, whatever the settings say; so a time and a wait can be added. */
#define RETRY_WAIT_MAX_MS (INT64_C(365) * 24 * 60 * 60 * 1000)

enum retry_word {
    RETRY_WORD_DEFAULT, /* by `on`, else by status and code */
    RETRY_WORD_YES,
    RETRY_WORD_NO,
};

enum retry_effect {
    RETRY_EFFECT_NONE,  /* nothing happened outside */
    RETRY_EFFECT_MAYBE, /* nobody knows */
    RETRY_EFFECT_DONE,
};

struct retry_failure {
    struct str code;      /* "TIMEOUT"; borrowed */
    int32_t status;       /* of the service that was called; 0: none */
    enum retry_word word; /* the node's own; it wins */
    enum retry_effect effect;
    int64_t retry_after_ms; /* 0: not said; a negative one is ignored */
};

/* Status 429, or code RATE_LIMITED: the business of the limiter, not of a breaker. */
bool retry_is_rate_limited(const struct retry_failure *failure);

/* Whether another attempt could go better, by the node's word, status and code alone. */
bool retry_is_transient(const struct retry_failure *failure);

struct retry_question {
    const struct retry_settings *settings; /* borrowed, like `failure` */
    const struct retry_failure *failure;
    uint32_t attempt; /* the one that failed, from 1 */
    int64_t first_started_at;
    int64_t now;
    uint64_t seed;      /* of the jitter */
    bool is_repeatable; /* idempotent, or its key was sent */
};

enum retry_verdict {
    RETRY_AGAIN,
    RETRY_NOT_TRANSIENT,
    RETRY_SPENT,    /* the attempts */
    RETRY_TOO_LATE, /* the next attempt would start after the deadline */
    RETRY_UNKNOWN,  /* it may have had its effect, and must not have it twice */
};

/* Why there is no further attempt. */
enum retry_end {
    RETRY_END_NONE,          /* RETRY_AGAIN */
    RETRY_END_HAD_EFFECT,    /* it would have it twice */
    RETRY_END_WORD,          /* the node's own */
    RETRY_END_NOT_LISTED,    /* `on` does not name it */
    RETRY_END_NOT_TRANSIENT, /* it does not pass by itself */
    RETRY_END_ATTEMPTS,
    RETRY_END_DEADLINE,    /* our own wait would end after it */
    RETRY_END_RETRY_AFTER, /* the service asks for a wait beyond it */
    RETRY_END_MAYBE_TWICE, /* it may have had its effect */
};

struct retry_answer {
    enum retry_verdict verdict;
    enum retry_end end;
    int64_t wait_ms; /* until the next attempt; 0 unless RETRY_AGAIN */
};

/*
 * `settings->on`, where it is given, decides by code (in any case) or status instead of
 * retry_is_transient(); the node's own word wins over it. What had its effect is never retried.
 *
 * RETRY_UNKNOWN is said only where there would be a next attempt. That a failure may have had its
 * effect is in its history in any case; but to stop a run until a person has looked is worth it
 * only where another attempt is what makes the difference. Without one it has failed, like others.
 */
struct retry_answer retry_ask(const struct retry_question *question);

#endif
