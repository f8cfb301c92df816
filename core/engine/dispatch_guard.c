/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/dispatch_guard.h"

#include "core/base/check.h"
#include "core/engine/dispatch_state.h"

enum { GIVE_UP_EACH_MS = 250 };

struct str dispatch_guard_key(const struct dispatch_guard *guard)
{
    return guard->key;
}

const struct breaker *dispatch_guard_breaker(const struct dispatch_guard *guard)
{
    return &guard->breaker;
}

uint32_t dispatch_guard_waiting(const struct dispatch_guard *guard)
{
    return guard->waiting.turns.count;
}

/* Calls that it would let through now, were it asked. */
static uint32_t passes(const struct dispatch *dispatch, const struct breaker *breaker)
{
    uint32_t trials = breaker->trials_under_way + breaker->trials_good;
    switch (breaker->state) {
    case BREAKER_CLOSED:
    case BREAKER_DISABLED:
        return DISPATCH_MOST_ASKING;
    case BREAKER_OPEN:
        return dispatch->now >= breaker->due_at ? breaker->settings.half_open_calls : 0;
    case BREAKER_HALF_OPEN:
        return trials < breaker->settings.half_open_calls
                   ? breaker->settings.half_open_calls - trials
                   : 0;
    case BREAKER_FORCED_OPEN:
        return 0;
    }
    unreachable_state("breaker", (int)breaker->state);
}

uint32_t dispatch_guard_room(const struct dispatch *dispatch, const struct dispatch_guard *guard)
{
    uint32_t most = passes(dispatch, &guard->breaker);
    return most > guard->asking && !dispatch->is_held ? most - guard->asking : 0;
}

int64_t dispatch_guard_opens_at(const struct dispatch *dispatch, const struct dispatch_guard *guard)
{
    bool is_ahead = guard->breaker.state == BREAKER_OPEN && guard->breaker.due_at > dispatch->now;
    if (dispatch_guard_room(dispatch, guard) > 0) {
        return dispatch->now;
    }
    return is_ahead && !dispatch->is_held ? guard->breaker.due_at : BREAKER_NEVER;
}

bool dispatch_guard_refuses(struct dispatch *dispatch, struct dispatch_guard *guard)
{
    struct breaker_answer answer = breaker_peek(&guard->breaker, dispatch->now);
    if (answer.has_changed) {
        guards_note_change(&dispatch->guards, guard);
    }
    return answer.ruling == BREAKER_REFUSED;
}

/* The guard keeps everybody waiting beyond `time`. */
static bool outlasts(const struct dispatch *dispatch, const struct dispatch_guard *guard,
                     int64_t time)
{
    bool is_known = guard->breaker.state == BREAKER_OPEN;
    return time > 0 && (dispatch->now >= time || (is_known && guard->breaker.due_at > time));
}

static bool gives_up(const struct dispatch *dispatch, const struct dispatch_ticket *ticket)
{
    return ticket->waits_out ? ticket->give_up_at > 0 && dispatch->now >= ticket->give_up_at
                             : outlasts(dispatch, ticket->guard, ticket->give_up_at);
}

void dispatch_guard_turn_away(struct dispatch *dispatch, struct dispatch_ticket *ticket)
{
    struct dispatch_guard *guard = ticket->guard;
    if (ticket->is_impatient || gives_up(dispatch, ticket)) {
        dispatch_refuse(dispatch, ticket);
        return;
    }
    bool is_first = queue_is_empty(&guard->waiting) || guard->give_up_at == 0 ||
                    ticket->give_up_at < guard->give_up_at;
    if (ticket->give_up_at > 0 && is_first) {
        guard->give_up_at = ticket->give_up_at;
    }
    dispatch_let_wait(dispatch, ticket, &guard->waiting, DISPATCH_FOR_BREAKER);
}

/* Looks at all who wait: where there are very many, not at each moment that one gives up. */
static void give_up(struct dispatch *dispatch, struct dispatch_guard *guard)
{
    int64_t first = 0;
    struct dispatch_queue patient = {0};
    while (!queue_is_empty(&guard->waiting)) {
        struct dispatch_ticket *at = queue_first(&guard->waiting);
        if (gives_up(dispatch, at)) {
            dispatch_leave_queue(dispatch, at);
            dispatch_refuse(dispatch, at);
            continue;
        }
        if (at->give_up_at > 0 && (first == 0 || at->give_up_at < first)) {
            first = at->give_up_at;
        }
        queue_remove(&guard->waiting, at);
        queue_push(&patient, at);
    }
    int64_t soonest = dispatch->now + GIVE_UP_EACH_MS;
    guard->waiting = patient;
    guard->give_up_at = first > 0 && first < soonest ? soonest : first;
}

/* One that has the guard's next turn is not here. */
static bool awaits_sleeper(const struct dispatch_guard *guard)
{
    return guard->has_asleep &&
           turn_queue_is_before(&guard->asleep, &queue_first(&guard->waiting)->place.turn);
}

void dispatch_guard_wake(struct dispatch *dispatch, struct dispatch_guard *guard)
{
    while (!queue_is_empty(&guard->waiting) && !awaits_sleeper(guard) &&
           !dispatch_guard_refuses(dispatch, guard)) {
        dispatch_ask_again(dispatch, queue_first(&guard->waiting));
    }
    if (outlasts(dispatch, guard, guard->give_up_at)) {
        give_up(dispatch, guard);
    }
}

void dispatch_guard_note_asleep(struct dispatch_guard *guard, const struct turn_key *first)
{
    guard->has_asleep = first != NULL;
    guard->asleep = first != NULL ? *first : guard->asleep;
}

/*
 * A closed breaker has no time; one that is open matters to those who wait. Who let one that slept
 * go first is asked when that one has.
 */
int64_t dispatch_guard_due(const struct dispatch *dispatch, const struct dispatch_guard *guard)
{
    bool is_trying = guard->breaker.state == BREAKER_HALF_OPEN;
    bool has_waiting = !queue_is_empty(&guard->waiting);
    bool is_awaited = has_waiting && guard->breaker.state == BREAKER_OPEN;
    bool has_end = has_waiting && guard->give_up_at > 0;
    int64_t due = is_trying || is_awaited ? breaker_next_due(&guard->breaker) : BREAKER_NEVER;
    bool may_ask = has_waiting && !awaits_sleeper(guard) && passes(dispatch, &guard->breaker) > 0;
    if (may_ask) {
        return dispatch->now;
    }
    return has_end && guard->give_up_at < due ? guard->give_up_at : due;
}
