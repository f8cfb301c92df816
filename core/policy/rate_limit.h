/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_POLICY_RATE_LIMIT_H
#define CORE_POLICY_RATE_LIMIT_H

/*
 * Rate limit: no window of the period, wherever it begins, sees more calls than the limit (GCRA).
 *
 * The state is one theoretical arrival time: when the calls so far would be over if each took the
 * time T. A call may come when that is no further off than burst - 1 times T. After a burst the
 * calls come T apart, with T = period / (limit - burst + 1): the last burst and what follows
 * within the period are the limit together.
 *
 * What shares it asks several policies at one instant: it peeks at all, and takes of all only when
 * none says to wait. Before a call goes out what rate_limit_must_save() says is durable; it is
 * saved one second ahead, so that a busy scope saves once a second, and a restart is only stricter.
 * A clock that is set back makes it stricter for a while, never for longer than a full scope is;
 * one that is set forward gives time that did not pass. Settings without a limit are those of a
 * service that can only be frozen.
 *
 * Used by:  engine.
 * Uses:     the settings of model.
 * Threads:  one limiter belongs to one thread at a time; pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/model/policy.h"

/* No period counts for more, and no burst reaches further ahead. */
#define RATE_LIMIT_PERIOD_MAX_MS (INT64_C(366) * 24 * 60 * 60 * 1000)
#define RATE_LIMIT_AHEAD_MAX_NS  (INT64_C(100) * 366 * 24 * 60 * 60 * 1000000000)
/* 2100-01-01: later times are taken for this one. */
#define RATE_LIMIT_NOW_MAX_MS INT64_C(4102444800000)
/* So far ahead of the arrival time it is saved. */
#define RATE_LIMIT_SAVED_AHEAD_NS INT64_C(1000000000)

/* What outlives a restart: two numbers. */
struct rate_limit_saved {
    int64_t arrival_ns; /* unix time */
    int64_t frozen_until;
};

/* All zero is a scope that nobody has called. */
struct rate_limit {
    int64_t arrival_ns;   /* the theoretical arrival time, unix time */
    int64_t frozen_until; /* unix ms; 0: not frozen */
    uint64_t serial;      /* of the last change of the arrival time */
    struct rate_limit_saved saved;
};

struct rate_limit_permit {
    uint64_t serial;
    int64_t before_ns;
};

/* Milliseconds until a call may go out, rounded up; 0: now. Nobody's turn is taken by it. */
int64_t rate_limit_peek(struct rate_limit *state, const struct rate_settings *settings,
                        int64_t now);

/* The call goes out, as rate_limit_peek() has said at the same `now`. */
struct rate_limit_permit rate_limit_take(struct rate_limit *state,
                                         const struct rate_settings *settings, int64_t now);

/* Both in one: 0, and the call is counted, or the wait. */
int64_t rate_limit_ask(struct rate_limit *state, const struct rate_settings *settings, int64_t now);

/*
 * The call did not go out. It counts after all once another has been taken since: which windows
 * that one shares with it is no longer known.
 */
void rate_limit_give_back(struct rate_limit *state, struct rate_limit_permit permit);

/* The service wants no call before `until`, at most RETRY_AFTER_MAX_MS from the next peek on. */
void rate_limit_freeze(struct rate_limit *state, int64_t until);

/* The service says that so many calls remain: no more can go out at once. It only ever lowers. */
void rate_limit_lower(struct rate_limit *state, const struct rate_settings *settings,
                      uint32_t remaining, int64_t now);

/* Calls that could go out now, all at once; 0 while it is frozen, UINT32_MAX without a limit. */
uint32_t rate_limit_left(struct rate_limit *state, const struct rate_settings *settings,
                         int64_t now);

/* What was saved last no longer covers the state: save it before the call that was taken. */
bool rate_limit_must_save(const struct rate_limit *state);

/* What is to be saved; taken for saved from here on. */
struct rate_limit_saved rate_limit_save(struct rate_limit *state);

/* What was saved bounds nothing any more. */
bool rate_limit_is_over(const struct rate_limit_saved *saved, int64_t now);

/* A scope after a restart. Numbers that make no sense are brought within bounds. */
struct rate_limit rate_limit_restore(struct rate_limit_saved saved);

#endif
