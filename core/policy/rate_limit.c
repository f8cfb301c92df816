/* SPDX-License-Identifier: Apache-2.0 */
#include "core/policy/rate_limit.h"

#include "core/policy/retry.h"

#define MS_NS INT64_C(1000000)

/* The settings as times. */
struct pace {
    int64_t each_ns;  /* between calls that come one after the other */
    int64_t ahead_ns; /* how far the arrival time may be off for one more call */
    int64_t now_ns;
};

static int64_t within(int64_t low, int64_t value, int64_t high)
{
    if (value < low) {
        return low;
    }
    return value < high ? value : high;
}

static struct pace pace_of(const struct rate_settings *settings, int64_t now)
{
    int64_t burst = within(1, settings->burst, settings->limit);
    int64_t refill = (int64_t)settings->limit - burst + 1;
    int64_t period_ns = within(1, settings->period_ms, RATE_LIMIT_PERIOD_MAX_MS) * MS_NS;
    int64_t each = (period_ns + refill - 1) / refill; /* rounded up: never more than the limit */
    bool is_far = burst - 1 > RATE_LIMIT_AHEAD_MAX_NS / each;
    return (struct pace){
        .each_ns = each,
        .ahead_ns = is_far ? RATE_LIMIT_AHEAD_MAX_NS : (burst - 1) * each,
        .now_ns = within(0, now, RATE_LIMIT_NOW_MAX_MS) * MS_NS,
    };
}

static void set_arrival(struct rate_limit *state, int64_t arrival_ns)
{
    state->arrival_ns = arrival_ns;
    state->serial++;
}

static void hold_freeze(struct rate_limit *state, int64_t now)
{
    if (state->frozen_until > now + RETRY_AFTER_MAX_MS) {
        state->frozen_until = now + RETRY_AFTER_MAX_MS;
    }
}

/*
 * No call can have brought the arrival time further ahead than a full scope's, nor a service the
 * end of being frozen. If they are, the clock was set back; in the time that really passed they
 * were never further off, so to bring them back here admits nothing too early.
 */
static void hold_to_clock(struct rate_limit *state, const struct pace *pace)
{
    int64_t furthest = pace->now_ns + pace->ahead_ns + pace->each_ns;
    if (state->arrival_ns > furthest) {
        set_arrival(state, furthest);
    }
    hold_freeze(state, pace->now_ns / MS_NS);
}

/* Milliseconds until the service takes calls again. */
static int64_t until_thaw(struct rate_limit *state, int64_t now)
{
    hold_freeze(state, now);
    return state->frozen_until > now ? state->frozen_until - now : 0;
}

int64_t rate_limit_peek(struct rate_limit *state, const struct rate_settings *settings, int64_t now)
{
    int64_t thaw = until_thaw(state, within(0, now, RATE_LIMIT_NOW_MAX_MS));
    if (settings->limit == 0) {
        return thaw;
    }
    struct pace pace = pace_of(settings, now);
    hold_to_clock(state, &pace);
    int64_t turn_ns = state->arrival_ns - pace.ahead_ns - pace.now_ns;
    int64_t turn = turn_ns > 0 ? (turn_ns + MS_NS - 1) / MS_NS : 0;
    return turn > thaw ? turn : thaw;
}

struct rate_limit_permit rate_limit_take(struct rate_limit *state,
                                         const struct rate_settings *settings, int64_t now)
{
    if (settings->limit == 0) {
        return (struct rate_limit_permit){0};
    }
    struct pace pace = pace_of(settings, now);
    hold_to_clock(state, &pace);
    int64_t before = state->arrival_ns;
    set_arrival(state, (before > pace.now_ns ? before : pace.now_ns) + pace.each_ns);
    return (struct rate_limit_permit){.serial = state->serial, .before_ns = before};
}

int64_t rate_limit_ask(struct rate_limit *state, const struct rate_settings *settings, int64_t now)
{
    int64_t wait = rate_limit_peek(state, settings, now);
    if (wait == 0) {
        (void)rate_limit_take(state, settings, now); /* who asks so gives nothing back */
    }
    return wait;
}

void rate_limit_give_back(struct rate_limit *state, struct rate_limit_permit permit)
{
    if (permit.serial == 0 || permit.serial != state->serial) {
        return;
    }
    state->arrival_ns = permit.before_ns;
    state->serial--; /* so that the one before can come back too */
}

void rate_limit_freeze(struct rate_limit *state, int64_t until)
{
    state->frozen_until = until > state->frozen_until ? until : state->frozen_until;
}

void rate_limit_lower(struct rate_limit *state, const struct rate_settings *settings,
                      uint32_t remaining, int64_t now)
{
    if (settings->limit == 0) {
        return;
    }
    struct pace pace = pace_of(settings, now);
    if (remaining > pace.ahead_ns / pace.each_ns) {
        return; /* more than could go out at once in any case */
    }
    hold_to_clock(state, &pace);
    int64_t arrival = pace.now_ns + pace.ahead_ns + pace.each_ns - remaining * pace.each_ns;
    if (arrival > state->arrival_ns) {
        set_arrival(state, arrival);
    }
}

uint32_t rate_limit_left(struct rate_limit *state, const struct rate_settings *settings,
                         int64_t now)
{
    if (until_thaw(state, within(0, now, RATE_LIMIT_NOW_MAX_MS)) > 0) {
        return 0;
    }
    if (settings->limit == 0) {
        return UINT32_MAX;
    }
    struct pace pace = pace_of(settings, now);
    hold_to_clock(state, &pace);
    int64_t from = state->arrival_ns > pace.now_ns ? state->arrival_ns : pace.now_ns;
    return (uint32_t)((pace.now_ns + pace.ahead_ns + pace.each_ns - from) / pace.each_ns);
}

bool rate_limit_must_save(const struct rate_limit *state)
{
    return state->arrival_ns > state->saved.arrival_ns ||
           state->frozen_until > state->saved.frozen_until;
}

struct rate_limit_saved rate_limit_save(struct rate_limit *state)
{
    state->saved = (struct rate_limit_saved){
        .arrival_ns = state->arrival_ns + RATE_LIMIT_SAVED_AHEAD_NS,
        .frozen_until = state->frozen_until,
    };
    return state->saved;
}

bool rate_limit_is_over(const struct rate_limit_saved *saved, int64_t now)
{
    return saved->arrival_ns / MS_NS < now && saved->frozen_until <= now;
}

struct rate_limit rate_limit_restore(struct rate_limit_saved saved)
{
    struct rate_limit_saved sane = {
        .arrival_ns = within(0, saved.arrival_ns, INT64_MAX),
        .frozen_until = within(0, saved.frozen_until, INT64_MAX),
    };
    return (struct rate_limit){
        .arrival_ns = sane.arrival_ns, .frozen_until = sane.frozen_until, .saved = sane};
}
