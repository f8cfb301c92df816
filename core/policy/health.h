/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_POLICY_HEALTH_H
#define CORE_POLICY_HEALTH_H

/*
 * Health: when a service is asked whether it is there, and what its answers make of it. It is asked
 * at once when somebody begins to want that, then once in the shortest interval that somebody
 * wants, from the start of one question to that of the next; never while a question is out, and not
 * at all when nobody wants it. A question that is not answered in time is stopped, and counts as a
 * bad answer, whatever comes then. One bad answer makes a service down, one good answer makes it
 * up.
 *
 *     unknown -> up <-> down        any -> given up: its plugin does not end what it begins
 *
 * Times are milliseconds of a clock that nobody sets.
 *
 * Used by:  loop.
 * Uses:     model/policy.h (the limits of an interval).
 * Threads:  [any]; pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/model/policy.h"

#define HEALTH_TIMEOUT_MS 10000 /* of a question; of one with a shorter interval, that */

enum health_state {
    HEALTH_UNKNOWN,
    HEALTH_UP,
    HEALTH_DOWN,
    HEALTH_GIVEN_UP, /* it is not asked any more */
    HEALTH_STATES,
};

enum health_answer {
    HEALTH_GOOD,
    HEALTH_BAD,
    HEALTH_NO_ANSWER, /* the question was not put: nothing is known */
    HEALTH_NO_END,    /* it was stopped, and did not end */
};

/* What has to be done now. */
enum health_step {
    HEALTH_REST,
    HEALTH_ASK,
    HEALTH_STOP, /* the question that is out; then health_answer() still comes */
};

enum health_news {
    HEALTH_SAME,     /* or known for the first time, and good */
    HEALTH_HAS_COME, /* up, after it was down */
    HEALTH_HAS_GONE, /* down, after it was up or unknown */
    HEALTH_IS_LOST,  /* given up */
};

/* All zero: nobody wants to know, and nothing is known. */
struct health {
    enum health_state state;
    int64_t interval_ms; /* 0: nobody wants to know */
    int64_t asked_at;    /* when the last question began */
    bool was_asked;
    bool is_asking;
    bool is_stopped; /* the question that is out was */
};

/* Somebody wants to know: the shortest of all intervals, clamped to the limits; 0: nobody does. */
void health_want(struct health *health, int64_t interval_ms);

/* When health_step() is to be called, INT64_MAX: not until something else happens. */
int64_t health_due(const struct health *health);

/* What is to be done at `now`; an ASK or a STOP has to be carried out. */
enum health_step health_step(struct health *health, int64_t now);

/* How long a question may take. */
int64_t health_timeout_ms(const struct health *health);

/* The question that is out has ended. */
enum health_news health_answer(struct health *health, enum health_answer answer);

/* "unknown", "up", "down", "given_up"; static. */
const char *health_state_name(enum health_state state);

#endif
