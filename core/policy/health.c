/* SPDX-License-Identifier: Apache-2.0 */
#include "core/policy/health.h"

#include "core/base/check.h"

static const char *const state_names[HEALTH_STATES] = {
    [HEALTH_UNKNOWN] = "unknown",
    [HEALTH_UP] = "up",
    [HEALTH_DOWN] = "down",
    [HEALTH_GIVEN_UP] = "given_up",
};

/* Nothing leads back to unknown, and nothing away from given up. */
static const bool may_follow[HEALTH_STATES][HEALTH_STATES] = {
    [HEALTH_UNKNOWN] = {[HEALTH_UP] = true, [HEALTH_DOWN] = true, [HEALTH_GIVEN_UP] = true},
    [HEALTH_UP] = {[HEALTH_UP] = true, [HEALTH_DOWN] = true, [HEALTH_GIVEN_UP] = true},
    [HEALTH_DOWN] = {[HEALTH_UP] = true, [HEALTH_DOWN] = true, [HEALTH_GIVEN_UP] = true},
};

const char *health_state_name(enum health_state state)
{
    return state_names[state];
}

/* The only writer of `state`. */
static enum health_news set_state(struct health *health, enum health_state state)
{
    enum health_state before = health->state;
    CHECK_NAMED(may_follow[before][state], state_names[before]);
    health->state = state;
    if (state == HEALTH_GIVEN_UP) {
        return HEALTH_IS_LOST;
    }
    if (state == HEALTH_DOWN) {
        return before == HEALTH_DOWN ? HEALTH_SAME : HEALTH_HAS_GONE;
    }
    return before == HEALTH_DOWN ? HEALTH_HAS_COME : HEALTH_SAME;
}

void health_want(struct health *health, int64_t interval_ms)
{
    if (interval_ms <= 0) {
        health->interval_ms = 0;
    } else if (interval_ms < HEALTH_INTERVAL_MIN_MS) {
        health->interval_ms = HEALTH_INTERVAL_MIN_MS;
    } else if (interval_ms > HEALTH_INTERVAL_MAX_MS) {
        health->interval_ms = HEALTH_INTERVAL_MAX_MS;
    } else {
        health->interval_ms = interval_ms;
    }
}

int64_t health_timeout_ms(const struct health *health)
{
    bool is_short = health->interval_ms > 0 && health->interval_ms < HEALTH_TIMEOUT_MS;
    return is_short ? health->interval_ms : HEALTH_TIMEOUT_MS;
}

int64_t health_due(const struct health *health)
{
    if (health->is_asking) { /* also when nobody wants to know any more: soon somebody may */
        return health->is_stopped ? INT64_MAX : health->asked_at + health_timeout_ms(health);
    }
    if (health->interval_ms == 0 || health->state == HEALTH_GIVEN_UP) {
        return INT64_MAX;
    }
    return health->was_asked ? health->asked_at + health->interval_ms : INT64_MIN;
}

enum health_step health_step(struct health *health, int64_t now)
{
    if (health_due(health) > now) {
        return HEALTH_REST;
    }
    if (health->is_asking) {
        health->is_stopped = true;
        return HEALTH_STOP;
    }
    health->is_asking = true;
    health->is_stopped = false;
    health->was_asked = true;
    health->asked_at = now;
    return HEALTH_ASK;
}

enum health_news health_answer(struct health *health, enum health_answer answer)
{
    CHECK(health->is_asking);
    health->is_asking = false;
    switch (answer) {
    case HEALTH_GOOD:
        return set_state(health, health->is_stopped ? HEALTH_DOWN : HEALTH_UP);
    case HEALTH_BAD:
        return set_state(health, HEALTH_DOWN);
    case HEALTH_NO_END:
        return set_state(health, HEALTH_GIVEN_UP);
    case HEALTH_NO_ANSWER:
        return HEALTH_SAME;
    }
    unreachable_state("health_answer", (int)answer);
}
