/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/dispatch.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/engine/dispatch_guard.h"
#include "core/engine/dispatch_limit.h"
#include "core/engine/dispatch_scope.h"
#include "core/engine/dispatch_state.h"
#include "core/engine/service.h"

struct dispatch *dispatch_create(void)
{
    return calloc(1, sizeof(struct dispatch));
}

void dispatch_destroy(struct dispatch *dispatch)
{
    if (dispatch == NULL) {
        return;
    }
    dispatch_scopes_finish(&dispatch->scopes);
    guards_finish(&dispatch->guards);
    limiters_finish(&dispatch->limiters);
    free(dispatch);
}

void dispatch_set_now(struct dispatch *dispatch, int64_t now)
{
    dispatch->now = now;
}

int dispatch_scope(struct dispatch *dispatch, struct str key, uint32_t limit,
                   struct dispatch_scope **out_scope)
{
    return dispatch_scopes_find(&dispatch->scopes, key, limit, out_scope);
}

int dispatch_guard(struct dispatch *dispatch, struct str key,
                   const struct breaker_settings *settings, struct dispatch_guard **out_guard)
{
    return guards_find(&dispatch->guards, key, settings, dispatch->now, out_guard);
}

int dispatch_restore_guard(struct dispatch *dispatch, struct str key, struct str text,
                           struct error *err)
{
    return guards_restore(&dispatch->guards, key, text, dispatch->now, err);
}

struct dispatch_guard *dispatch_next_changed(struct dispatch *dispatch)
{
    return guards_next_changed(&dispatch->guards);
}

struct dispatch_guard *dispatch_next_guard(const struct dispatch *dispatch,
                                           const struct dispatch_guard *guard)
{
    return guard != NULL ? guard->next : dispatch->guards.first;
}

/* ---- asking ---- */

/* It is in `queue` then. */
static void ticket_note_wait(struct dispatch *dispatch, struct dispatch_ticket *ticket,
                             struct dispatch_queue *queue, enum dispatch_wait waits_for)
{
    dispatch->waiting++;
    ticket->state = DISPATCH_WAITING;
    ticket->waits_for = waits_for;
    ticket->queue = queue;
    if (ticket->guard != NULL && waits_for != DISPATCH_FOR_BREAKER) {
        ticket->guard->asking++;
    }
}

void dispatch_let_wait(struct dispatch *dispatch, struct dispatch_ticket *ticket,
                       struct dispatch_queue *queue, enum dispatch_wait waits_for)
{
    ticket_note_wait(dispatch, ticket, queue, waits_for);
    queue_push(queue, ticket);
}

void dispatch_leave_queue(struct dispatch *dispatch, struct dispatch_ticket *ticket)
{
    dispatch->waiting--;
    queue_remove(ticket->queue, ticket);
    ticket->queue = NULL;
    if (ticket->guard != NULL && ticket->waits_for != DISPATCH_FOR_BREAKER) {
        ticket->guard->asking--;
    }
}

static struct dispatch_list *admitted_list(struct dispatch *dispatch,
                                           const struct dispatch_ticket *ticket)
{
    return ticket->is_call ? &dispatch->calls : &dispatch->admitted;
}

static void take_permits(struct dispatch *dispatch, struct dispatch_ticket *ticket)
{
    dispatch_scope_take(ticket);
    if (ticket->guard != NULL) {
        struct breaker_answer answer = breaker_ask(&ticket->guard->breaker, dispatch->now);
        CHECK(answer.ruling != BREAKER_REFUSED); /* it was asked just now */
        ticket->permit = answer.permit;
        if (answer.has_changed) {
            guards_note_change(&dispatch->guards, ticket->guard);
        }
    }
    for (uint32_t i = 0; i < ticket->limiter_count; i++) {
        limiter_take(&dispatch->limiters, ticket->limiters[i], dispatch->now);
    }
    ticket->admitted_at = dispatch->now;
    ticket->state = DISPATCH_ADMITTED;
    list_push(admitted_list(dispatch, ticket), ticket);
}

void dispatch_refuse(struct dispatch *dispatch, struct dispatch_ticket *ticket)
{
    ticket->state = DISPATCH_REFUSED;
    list_push(&dispatch->refused, ticket);
}

void dispatch_ask(struct dispatch *dispatch, struct dispatch_ticket *ticket)
{
    dispatch_limit_choose_resource(ticket);
    if (ticket->guard != NULL && dispatch_guard_refuses(dispatch, ticket->guard)) {
        dispatch_guard_turn_away(dispatch, ticket);
        return;
    }
    if (ticket->room != NULL && ticket->room->is_full) {
        dispatch_let_wait(dispatch, ticket, &ticket->room->waiting, DISPATCH_FOR_ROOM);
        return;
    }
    struct limiter *limiting = dispatch_limit_find(dispatch, ticket);
    if (limiting != NULL) {
        ticket_note_wait(dispatch, ticket, &limiting->waiting, DISPATCH_FOR_LIMIT);
        limiter_push(&dispatch->limiters, limiting, ticket, dispatch->now);
        return;
    }
    struct dispatch_scope *refusing = dispatch_scope_find_refusing(ticket);
    if (refusing != NULL) {
        dispatch_let_wait(dispatch, ticket, &refusing->waiting, DISPATCH_FOR_PERMIT);
    } else if (!dispatch_scope_is_within_budget(ticket)) {
        dispatch_let_wait(dispatch, ticket, &ticket->scopes[0]->retries, DISPATCH_FOR_BUDGET);
    } else {
        take_permits(dispatch, ticket);
    }
}

void dispatch_ask_again(struct dispatch *dispatch, struct dispatch_ticket *ticket)
{
    dispatch_leave_queue(dispatch, ticket);
    dispatch_ask(dispatch, ticket);
}

static void wake_retries(struct dispatch *dispatch, struct dispatch_scope *scope)
{
    while (!queue_is_empty(&scope->retries) &&
           dispatch_scope_is_within_budget(queue_first(&scope->retries))) {
        dispatch_ask_again(dispatch, queue_first(&scope->retries));
    }
}

/* Each that is asked again is admitted, or waits in another queue: all these loops end. */
static void scope_wake(struct dispatch *dispatch, struct dispatch_scope *scope)
{
    wake_retries(dispatch, scope);
    while (scope->in_use < scope->limit && !queue_is_empty(&scope->waiting)) {
        dispatch_ask_again(dispatch, queue_first(&scope->waiting));
    }
    wake_retries(dispatch, scope); /* more may be under way now */
}

/* It waits, and for the first time: this is what delays it, whatever it waits for later. */
static void count_delayed(const struct dispatch_ticket *ticket)
{
    for (uint32_t i = 0; i < ticket->limiter_count; i++) {
        ticket->limiters[i]->delayed += ticket->queue == &ticket->limiters[i]->waiting ? 1 : 0;
    }
    for (uint32_t i = 0; i < ticket->scope_count; i++) {
        struct dispatch_scope *scope = ticket->scopes[i];
        bool is_here = ticket->queue == &scope->waiting || ticket->queue == &scope->retries;
        scope->delayed += is_here ? 1 : 0;
    }
}

static void give_turn(struct dispatch *dispatch, struct dispatch_ticket *ticket)
{
    dispatch->asked++;
    if (!ticket->has_turn) {
        bool is_later = dispatch->now > dispatch->last_turn;
        dispatch->last_turn = is_later ? dispatch->now : dispatch->last_turn;
        ticket->place.turn = (struct turn_key){.at = dispatch->last_turn, .id = dispatch->asked};
    }
}

void dispatch_want(struct dispatch *dispatch, struct dispatch_ticket *ticket)
{
    CHECK(ticket->state == DISPATCH_IDLE);
    give_turn(dispatch, ticket);
    dispatch_ask(dispatch, ticket);
    if (ticket->state == DISPATCH_WAITING) {
        count_delayed(ticket);
    }
    if (ticket->scope_count > 0) { /* with more calls under way there may be more retries */
        wake_retries(dispatch, ticket->scopes[0]);
    }
}

static void give_permits_back(struct dispatch *dispatch, struct dispatch_ticket *ticket,
                              enum breaker_result result)
{
    struct dispatch_guard *guard = ticket->guard;
    dispatch_scope_give_back(ticket);
    for (uint32_t i = 0; i < ticket->limiter_count; i++) {
        limiter_end(ticket->limiters[i]);
    }
    if (guard != NULL) {
        int64_t took_ms = dispatch->now > ticket->admitted_at ? dispatch->now - ticket->admitted_at
                                                              : 0;
        if (breaker_report(&guard->breaker, ticket->permit, result, took_ms, dispatch->now) ==
            BREAKER_CHANGED) {
            guards_note_change(&dispatch->guards, guard);
        }
        dispatch_guard_wake(dispatch, guard);
    }
}

void dispatch_release(struct dispatch *dispatch, struct dispatch_ticket *ticket,
                      enum breaker_result result)
{
    enum dispatch_ticket_state old = ticket->state;
    ticket->state = DISPATCH_IDLE;
    if (old == DISPATCH_IDLE) {
        return;
    }
    if (old == DISPATCH_WAITING) {
        dispatch_leave_queue(dispatch, ticket);
        return;
    }
    if (old == DISPATCH_REFUSED) {
        list_remove(&dispatch->refused, ticket);
        return;
    }
    if (old == DISPATCH_ADMITTED) {
        list_remove(admitted_list(dispatch, ticket), ticket);
    }
    give_permits_back(dispatch, ticket, result);
    for (uint32_t i = 0; i < ticket->limiter_count; i++) {
        dispatch_limit_wake(dispatch, ticket->limiters[i]);
    }
    for (uint32_t i = 0; i < ticket->scope_count; i++) {
        scope_wake(dispatch, ticket->scopes[i]);
    }
}

/* ---- time and operators ---- */

int64_t dispatch_next_due(const struct dispatch *dispatch)
{
    int64_t due = BREAKER_NEVER;
    for (const struct dispatch_guard *at = dispatch->guards.first; at != NULL; at = at->next) {
        int64_t own = dispatch_guard_due(dispatch, at);
        due = own < due ? own : due;
    }
    int64_t turn = limiters_next_due(&dispatch->limiters);
    return turn < due ? turn : due;
}

void dispatch_tick(struct dispatch *dispatch)
{
    for (struct dispatch_guard *at = dispatch->guards.first; at != NULL; at = at->next) {
        if (dispatch_guard_due(dispatch, at) > dispatch->now) {
            continue;
        }
        if (breaker_tick(&at->breaker, dispatch->now)) {
            guards_note_change(&dispatch->guards, at);
        }
        dispatch_guard_wake(dispatch, at);
    }
    dispatch_limit_tick(dispatch);
}

static void obey(struct dispatch *dispatch, struct dispatch_guard *guard, enum breaker_order order)
{
    if (breaker_obey(&guard->breaker, order, dispatch->now)) {
        guards_note_change(&dispatch->guards, guard);
        dispatch_guard_wake(dispatch, guard);
    }
}

int dispatch_obey(struct dispatch *dispatch, struct str key, enum breaker_order order,
                  struct error *err)
{
    int status = guards_prepare(&dispatch->guards, key, order, dispatch->now, err);
    for (struct dispatch_guard *at = dispatch->guards.first; status == 0 && at != NULL;
         at = at->next) {
        if (service_is_breaker(key, at->key)) {
            obey(dispatch, at, order);
        }
    }
    return status;
}

void dispatch_open_room(struct dispatch *dispatch, struct dispatch_room *room)
{
    room->is_full = false;
    while (!queue_is_empty(&room->waiting)) {
        dispatch_ask_again(dispatch, queue_first(&room->waiting));
    }
}

bool dispatch_pass_room(struct dispatch *dispatch, struct dispatch_room *room)
{
    struct dispatch_ticket *first = queue_first(&room->waiting);
    if (first != NULL) {
        room->is_full = false;
        dispatch_ask_again(dispatch, first);
        room->is_full = true;
    }
    return first != NULL;
}

void dispatch_hold(struct dispatch *dispatch)
{
    dispatch->is_held = true;
}

struct limiters *dispatch_limiters(struct dispatch *dispatch)
{
    return &dispatch->limiters;
}

/* `state` is what it is in then; NULL: nobody is in `list`. */
static struct dispatch_ticket *take_first(struct dispatch_list *list,
                                          enum dispatch_ticket_state state)
{
    struct dispatch_ticket *ticket = ticket_at(list->first);
    if (ticket != NULL) {
        list_remove(list, ticket);
        ticket->state = state;
    }
    return ticket;
}

struct dispatch_ticket *dispatch_next_admitted(struct dispatch *dispatch)
{
    return dispatch->is_held ? NULL : take_first(&dispatch->admitted, DISPATCH_HELD);
}

struct dispatch_ticket *dispatch_next_call(struct dispatch *dispatch)
{
    return take_first(&dispatch->calls, DISPATCH_HELD);
}

struct dispatch_ticket *dispatch_next_refused(struct dispatch *dispatch)
{
    return dispatch->is_held ? NULL : take_first(&dispatch->refused, DISPATCH_IDLE);
}

const struct dispatch_scope *dispatch_next_scope(const struct dispatch *dispatch,
                                                 const struct dispatch_scope *scope)
{
    return scope != NULL ? scope->next : dispatch->scopes.first;
}

const struct dispatch_scope *dispatch_ticket_waits_in(const struct dispatch_ticket *ticket)
{
    const struct dispatch_scope *found = NULL;
    for (uint32_t i = 0; ticket->state == DISPATCH_WAITING && i < ticket->scope_count; i++) {
        const struct dispatch_scope *scope = ticket->scopes[i];
        bool is_here = ticket->queue == &scope->waiting || ticket->queue == &scope->retries;
        found = is_here ? scope : found;
    }
    return found;
}

uint64_t dispatch_waiting(const struct dispatch *dispatch)
{
    return dispatch->waiting;
}
