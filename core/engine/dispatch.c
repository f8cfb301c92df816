/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/dispatch.h"

#include <stdlib.h>

#include "core/base/arena.h"
#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/strmap.h"
#include "core/engine/guard.h"
#include "core/engine/limiter.h"
#include "core/engine/resource.h"
#include "core/engine/service.h"
#include "core/engine/ticket_queue.h"
#include "core/policy/retry_budget.h"

enum { GIVE_UP_EACH_MS = 250 };

struct dispatch_scope {
    struct str key; /* empty: no key names it */
    uint32_t limit;
    uint32_t in_use;
    uint64_t allowed;
    uint64_t delayed;
    struct retry_budget budget;
    struct dispatch_queue waiting;
    struct dispatch_queue retries; /* that the budget refused */
    struct dispatch_scope *next;
};

struct dispatch {
    bool is_held;
    int64_t now;          /* unix ms */
    struct arena arena;   /* scopes and their keys */
    struct strmap scopes; /* by key */
    struct guards guards;
    struct dispatch_scope *first_scope;
    struct dispatch_scope **last_scope;
    struct limiters limiters;
    uint64_t asked;    /* tickets so far */
    int64_t last_turn; /* when the last of these asked, which no clock turns back */
    struct dispatch_list admitted;
    struct dispatch_list refused;
    struct dispatch_list calls; /* that were admitted */
    uint64_t waiting;           /* tickets */
};

struct dispatch *dispatch_create(void)
{
    struct dispatch *dispatch = calloc(1, sizeof(*dispatch));
    if (dispatch != NULL) {
        dispatch->last_scope = &dispatch->first_scope;
    }
    return dispatch;
}

void dispatch_destroy(struct dispatch *dispatch)
{
    if (dispatch == NULL) {
        return;
    }
    strmap_finish(&dispatch->scopes);
    guards_finish(&dispatch->guards);
    limiters_finish(&dispatch->limiters);
    arena_finish(&dispatch->arena);
    free(dispatch);
}

void dispatch_set_now(struct dispatch *dispatch, int64_t now)
{
    dispatch->now = now;
}

int dispatch_scope(struct dispatch *dispatch, struct str key, uint32_t limit,
                   struct dispatch_scope **out_scope)
{
    CHECK(limit > 0);
    struct dispatch_scope *scope = strmap_get(&dispatch->scopes, key);
    if (scope == NULL) {
        struct str kept = arena_dup_str(&dispatch->arena, key);
        scope = arena_calloc(&dispatch->arena, 1, sizeof(*scope));
        if (kept.p == NULL || scope == NULL || strmap_add(&dispatch->scopes, kept, scope) != 0) {
            return E_NOMEM;
        }
        *scope = (struct dispatch_scope){.key = kept, .limit = limit};
        *dispatch->last_scope = scope;
        dispatch->last_scope = &scope->next;
    }
    *out_scope = scope;
    return 0;
}

struct dispatch_scope *dispatch_scope_create(uint32_t limit)
{
    CHECK(limit > 0);
    struct dispatch_scope *scope = calloc(1, sizeof(*scope));
    if (scope != NULL) {
        scope->limit = limit;
    }
    return scope;
}

void dispatch_scope_destroy(struct dispatch_scope *scope)
{
    CHECK(scope == NULL || (scope->in_use == 0 && queue_is_empty(&scope->waiting) &&
                            queue_is_empty(&scope->retries)));
    free(scope);
}

static struct dispatch_scope *find_refusing(const struct dispatch_ticket *ticket)
{
    for (uint32_t i = 0; i < ticket->scope_count; i++) {
        if (ticket->scopes[i]->in_use >= ticket->scopes[i]->limit) {
            return ticket->scopes[i];
        }
    }
    return NULL;
}

/* ---- guards ---- */

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
static uint32_t guard_passes(const struct dispatch *dispatch, const struct breaker *breaker)
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
    uint32_t passes = guard_passes(dispatch, &guard->breaker);
    return passes > guard->asking && !dispatch->is_held ? passes - guard->asking : 0;
}

int64_t dispatch_guard_opens_at(const struct dispatch *dispatch, const struct dispatch_guard *guard)
{
    bool is_ahead = guard->breaker.state == BREAKER_OPEN && guard->breaker.due_at > dispatch->now;
    if (dispatch_guard_room(dispatch, guard) > 0) {
        return dispatch->now;
    }
    return is_ahead && !dispatch->is_held ? guard->breaker.due_at : BREAKER_NEVER;
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

static void ticket_wait(struct dispatch *dispatch, struct dispatch_ticket *ticket,
                        struct dispatch_queue *queue, enum dispatch_wait waits_for)
{
    ticket_note_wait(dispatch, ticket, queue, waits_for);
    queue_push(queue, ticket);
}

static void ticket_leave_queue(struct dispatch *dispatch, struct dispatch_ticket *ticket)
{
    dispatch->waiting--;
    queue_remove(ticket->queue, ticket);
    ticket->queue = NULL;
    if (ticket->guard != NULL && ticket->waits_for != DISPATCH_FOR_BREAKER) {
        ticket->guard->asking--;
    }
}

/* The budget is that of the first scope. */
static bool is_within_budget(const struct dispatch_ticket *ticket)
{
    return ticket->attempt <= 1 || ticket->scope_count == 0 ||
           retry_budget_allows(&ticket->scopes[0]->budget, ticket->retry_budget);
}

static bool guard_refuses(struct dispatch *dispatch, struct dispatch_guard *guard)
{
    struct breaker_answer answer = breaker_peek(&guard->breaker, dispatch->now);
    if (answer.has_changed) {
        guards_note_change(&dispatch->guards, guard);
    }
    return answer.ruling == BREAKER_REFUSED;
}

/* Who refuses longest, or has others in front; NULL: nobody. */
static struct limiter *find_limiting(const struct dispatch *dispatch,
                                     const struct dispatch_ticket *ticket)
{
    struct limiter *found = NULL;
    int64_t longest = 0;
    for (uint32_t i = 0; i < ticket->limiter_count; i++) {
        struct limiter *limiter = ticket->limiters[i];
        int64_t wait = limiter_peek(limiter, dispatch->now);
        if (wait > longest || (found == NULL && limiter_is_behind(limiter, ticket))) {
            found = limiter;
            longest = wait;
        }
    }
    return found;
}

static struct dispatch_list *admitted_list(struct dispatch *dispatch,
                                           const struct dispatch_ticket *ticket)
{
    return ticket->is_call ? &dispatch->calls : &dispatch->admitted;
}

static void take_permits(struct dispatch *dispatch, struct dispatch_ticket *ticket)
{
    for (uint32_t i = 0; i < ticket->scope_count; i++) {
        ticket->scopes[i]->in_use++;
        ticket->scopes[i]->allowed++;
    }
    if (ticket->scope_count > 0) {
        retry_budget_begin(&ticket->scopes[0]->budget, ticket->attempt);
    }
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

/* The guard keeps everybody waiting beyond `time`. */
static bool guard_outlasts(const struct dispatch *dispatch, const struct dispatch_guard *guard,
                           int64_t time)
{
    bool is_known = guard->breaker.state == BREAKER_OPEN;
    return time > 0 && (dispatch->now >= time || (is_known && guard->breaker.due_at > time));
}

static bool gives_up(const struct dispatch *dispatch, const struct dispatch_ticket *ticket)
{
    return ticket->waits_out ? ticket->give_up_at > 0 && dispatch->now >= ticket->give_up_at
                             : guard_outlasts(dispatch, ticket->guard, ticket->give_up_at);
}

static void ticket_refuse(struct dispatch *dispatch, struct dispatch_ticket *ticket)
{
    ticket->state = DISPATCH_REFUSED;
    list_push(&dispatch->refused, ticket);
}

/* Its guard refuses. */
static void ticket_turn_away(struct dispatch *dispatch, struct dispatch_ticket *ticket)
{
    struct dispatch_guard *guard = ticket->guard;
    if (ticket->is_impatient || gives_up(dispatch, ticket)) {
        ticket_refuse(dispatch, ticket);
        return;
    }
    bool is_first = queue_is_empty(&guard->waiting) || guard->give_up_at == 0 ||
                    ticket->give_up_at < guard->give_up_at;
    if (ticket->give_up_at > 0 && is_first) {
        guard->give_up_at = ticket->give_up_at;
    }
    ticket_wait(dispatch, ticket, &guard->waiting, DISPATCH_FOR_BREAKER);
}

/* More may be known of the service than when it asked last. */
static void choose_resource(struct dispatch_ticket *ticket)
{
    bool is_possible = ticket->operation != 0 && ticket->limiter_count > 0;
    struct limiter *resource = is_possible ? resources_of(ticket->limiters[0], ticket->operation)
                                           : NULL;
    ticket->limiter_count -= ticket->has_resource ? 1 : 0;
    ticket->has_resource = resource != NULL;
    if (resource != NULL) {
        ticket->limiters[ticket->limiter_count++] = resource;
    }
}

/* Admits the ticket, or puts it into the queue of who refuses it first. */
static void ticket_ask(struct dispatch *dispatch, struct dispatch_ticket *ticket)
{
    choose_resource(ticket);
    if (ticket->guard != NULL && guard_refuses(dispatch, ticket->guard)) {
        ticket_turn_away(dispatch, ticket);
        return;
    }
    if (ticket->room != NULL && ticket->room->is_full) {
        ticket_wait(dispatch, ticket, &ticket->room->waiting, DISPATCH_FOR_ROOM);
        return;
    }
    struct limiter *limiting = find_limiting(dispatch, ticket);
    if (limiting != NULL) {
        ticket_note_wait(dispatch, ticket, &limiting->waiting, DISPATCH_FOR_LIMIT);
        limiter_push(&dispatch->limiters, limiting, ticket, dispatch->now);
        return;
    }
    struct dispatch_scope *refusing = find_refusing(ticket);
    if (refusing != NULL) {
        ticket_wait(dispatch, ticket, &refusing->waiting, DISPATCH_FOR_PERMIT);
    } else if (!is_within_budget(ticket)) {
        ticket_wait(dispatch, ticket, &ticket->scopes[0]->retries, DISPATCH_FOR_BUDGET);
    } else {
        take_permits(dispatch, ticket);
    }
}

static void ask_again(struct dispatch *dispatch, struct dispatch_ticket *ticket)
{
    ticket_leave_queue(dispatch, ticket);
    ticket_ask(dispatch, ticket);
}

static void wake_retries(struct dispatch *dispatch, struct dispatch_scope *scope)
{
    while (!queue_is_empty(&scope->retries) && is_within_budget(queue_first(&scope->retries))) {
        ask_again(dispatch, queue_first(&scope->retries));
    }
}

/* Each that is asked again is admitted, or waits in another queue: all these loops end. */
static void scope_wake(struct dispatch *dispatch, struct dispatch_scope *scope)
{
    wake_retries(dispatch, scope);
    while (scope->in_use < scope->limit && !queue_is_empty(&scope->waiting)) {
        ask_again(dispatch, queue_first(&scope->waiting));
    }
    wake_retries(dispatch, scope); /* more may be under way now */
}

/* Looks at all who wait: where there are very many, not at each moment that one gives up. */
static void guard_give_up(struct dispatch *dispatch, struct dispatch_guard *guard)
{
    int64_t first = 0;
    struct dispatch_queue patient = {0};
    while (!queue_is_empty(&guard->waiting)) {
        struct dispatch_ticket *at = queue_first(&guard->waiting);
        if (gives_up(dispatch, at)) {
            ticket_leave_queue(dispatch, at);
            ticket_refuse(dispatch, at);
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
static bool guard_awaits_sleeper(const struct dispatch_guard *guard)
{
    return guard->has_asleep &&
           turn_queue_is_before(&guard->asleep, &queue_first(&guard->waiting)->place.turn);
}

static void guard_wake(struct dispatch *dispatch, struct dispatch_guard *guard)
{
    while (!queue_is_empty(&guard->waiting) && !guard_awaits_sleeper(guard) &&
           !guard_refuses(dispatch, guard)) {
        ask_again(dispatch, queue_first(&guard->waiting));
    }
    if (guard_outlasts(dispatch, guard, guard->give_up_at)) {
        guard_give_up(dispatch, guard);
    }
}

void dispatch_guard_note_asleep(struct dispatch_guard *guard, const struct turn_key *first)
{
    guard->has_asleep = first != NULL;
    guard->asleep = first != NULL ? *first : guard->asleep;
}

/* Also where one leaves the queue for another place, the next is the oldest that is left. */
static void limiter_wake(struct dispatch *dispatch, struct limiter *limiter)
{
    while (!queue_is_empty(&limiter->waiting) && limiter_peek(limiter, dispatch->now) == 0) {
        ask_again(dispatch, queue_first(&limiter->waiting));
    }
    limiter_look(limiter, dispatch->now);
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
    ticket_ask(dispatch, ticket);
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
    for (uint32_t i = 0; i < ticket->scope_count; i++) {
        CHECK(ticket->scopes[i]->in_use > 0);
        ticket->scopes[i]->in_use--;
    }
    for (uint32_t i = 0; i < ticket->limiter_count; i++) {
        limiter_end(ticket->limiters[i]);
    }
    if (ticket->scope_count > 0) {
        retry_budget_end(&ticket->scopes[0]->budget, ticket->attempt);
    }
    if (guard != NULL) {
        int64_t took_ms = dispatch->now > ticket->admitted_at ? dispatch->now - ticket->admitted_at
                                                              : 0;
        if (breaker_report(&guard->breaker, ticket->permit, result, took_ms, dispatch->now) ==
            BREAKER_CHANGED) {
            guards_note_change(&dispatch->guards, guard);
        }
        guard_wake(dispatch, guard);
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
        ticket_leave_queue(dispatch, ticket);
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
        limiter_wake(dispatch, ticket->limiters[i]);
    }
    for (uint32_t i = 0; i < ticket->scope_count; i++) {
        scope_wake(dispatch, ticket->scopes[i]);
    }
}

/* ---- time and operators ---- */

/*
 * A closed breaker has no time; one that is open matters to those who wait. Who let one that slept
 * go first is asked when that one has.
 */
static int64_t guard_due(const struct dispatch *dispatch, const struct dispatch_guard *guard)
{
    bool is_trying = guard->breaker.state == BREAKER_HALF_OPEN;
    bool has_waiting = !queue_is_empty(&guard->waiting);
    bool is_awaited = has_waiting && guard->breaker.state == BREAKER_OPEN;
    bool has_end = has_waiting && guard->give_up_at > 0;
    int64_t due = is_trying || is_awaited ? breaker_next_due(&guard->breaker) : BREAKER_NEVER;
    bool may_ask = has_waiting && !guard_awaits_sleeper(guard) &&
                   guard_passes(dispatch, &guard->breaker) > 0;
    if (may_ask) {
        return dispatch->now;
    }
    return has_end && guard->give_up_at < due ? guard->give_up_at : due;
}

int64_t dispatch_next_due(const struct dispatch *dispatch)
{
    int64_t due = BREAKER_NEVER;
    for (const struct dispatch_guard *at = dispatch->guards.first; at != NULL; at = at->next) {
        int64_t own = guard_due(dispatch, at);
        due = own < due ? own : due;
    }
    int64_t turn = limiters_next_due(&dispatch->limiters);
    return turn < due ? turn : due;
}

/* Those for which nobody waits any more leave the list. */
static void tick_limiters(struct dispatch *dispatch)
{
    struct limiter *at = dispatch->limiters.first_awaited;
    dispatch->limiters.first_awaited = NULL;
    while (at != NULL) {
        struct limiter *next = at->next_awaited;
        at->is_awaited = false;
        limiter_wake(dispatch, at);
        limiter_await(&dispatch->limiters, at);
        at = next;
    }
}

void dispatch_tick(struct dispatch *dispatch)
{
    for (struct dispatch_guard *at = dispatch->guards.first; at != NULL; at = at->next) {
        if (guard_due(dispatch, at) > dispatch->now) {
            continue;
        }
        if (breaker_tick(&at->breaker, dispatch->now)) {
            guards_note_change(&dispatch->guards, at);
        }
        guard_wake(dispatch, at);
    }
    tick_limiters(dispatch);
}

static void obey(struct dispatch *dispatch, struct dispatch_guard *guard, enum breaker_order order)
{
    if (breaker_obey(&guard->breaker, order, dispatch->now)) {
        guards_note_change(&dispatch->guards, guard);
        guard_wake(dispatch, guard);
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
        ask_again(dispatch, queue_first(&room->waiting));
    }
}

bool dispatch_pass_room(struct dispatch *dispatch, struct dispatch_room *room)
{
    struct dispatch_ticket *first = queue_first(&room->waiting);
    if (first != NULL) {
        room->is_full = false;
        ask_again(dispatch, first);
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

void dispatch_freeze(struct dispatch *dispatch, const struct dispatch_ticket *ticket, int64_t until)
{
    if (ticket->limiter_count > 0) {
        limiter_freeze(&dispatch->limiters, ticket->limiters[0], until, dispatch->now);
    }
}

static void lower_rates(struct dispatch *dispatch, const struct dispatch_ticket *ticket,
                        uint32_t remaining)
{
    for (uint32_t i = 0; i < ticket->limiter_count; i++) {
        limiter_lower(&dispatch->limiters, ticket->limiters[i], remaining, dispatch->now);
    }
}

/* None until then is as if it had frozen them. */
static void hear(struct dispatch *dispatch, struct limiter *limiter, uint32_t remaining,
                 int64_t reset_at)
{
    if (reset_at > dispatch->now && remaining > 0) {
        limiter_hear(limiter, remaining, reset_at, dispatch->now);
    } else if (reset_at > dispatch->now) {
        limiter_freeze(&dispatch->limiters, limiter, reset_at, dispatch->now);
    }
}

void dispatch_lower(struct dispatch *dispatch, const struct dispatch_ticket *ticket,
                    uint32_t remaining, int64_t reset_at)
{
    lower_rates(dispatch, ticket, remaining);
    if (ticket->limiter_count > 0) {
        hear(dispatch, ticket->limiters[0], remaining, reset_at);
    }
}

/* Some of those that wait for `resource` fall under another: all are asked again, in order. */
static void ask_waiting(struct dispatch *dispatch, struct limiter *resource)
{
    struct dispatch_list all = {0};
    while (!queue_is_empty(&resource->waiting)) {
        struct dispatch_ticket *first = queue_first(&resource->waiting);
        ticket_leave_queue(dispatch, first);
        list_push(&all, first);
    }
    while (all.first != NULL) {
        struct dispatch_ticket *first = ticket_at(all.first);
        list_remove(&all, first);
        ticket_ask(dispatch, first);
    }
    limiter_look(resource, dispatch->now);
}

int dispatch_lower_resource(struct dispatch *dispatch, const struct dispatch_ticket *ticket,
                            struct str resource, uint32_t remaining, int64_t reset_at)
{
    struct limiter *service = ticket->limiter_count > 0 ? ticket->limiters[0] : NULL;
    struct limiter *named = NULL;
    if (service == NULL || ticket->operation == 0) {
        return 0;
    }
    if (resources_find(&dispatch->limiters, service, resource, &named) != 0) {
        return E_NOMEM;
    }
    if (named == NULL) {
        return 0;
    }
    struct limiter *taken_for = resources_of(service, ticket->operation);
    hear(dispatch, named, remaining, reset_at);
    if (resources_learn(service, ticket->operation, named) && taken_for != NULL) {
        ask_waiting(dispatch, taken_for);
    }
    if (named == service->resources->usual) { /* the rates that people write are for that */
        lower_rates(dispatch, ticket, remaining);
    }
    return 0;
}

struct dispatch_ticket *dispatch_next_admitted(struct dispatch *dispatch)
{
    struct dispatch_ticket *ticket = dispatch->is_held ? NULL : ticket_at(dispatch->admitted.first);
    if (ticket != NULL) {
        list_remove(&dispatch->admitted, ticket);
        ticket->state = DISPATCH_HELD;
    }
    return ticket;
}

struct dispatch_ticket *dispatch_next_refused(struct dispatch *dispatch)
{
    struct dispatch_ticket *ticket = dispatch->is_held ? NULL : ticket_at(dispatch->refused.first);
    if (ticket != NULL) {
        list_remove(&dispatch->refused, ticket);
        ticket->state = DISPATCH_IDLE;
    }
    return ticket;
}

const struct dispatch_scope *dispatch_next_scope(const struct dispatch *dispatch,
                                                 const struct dispatch_scope *scope)
{
    return scope != NULL ? scope->next : dispatch->first_scope;
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

struct str dispatch_scope_key(const struct dispatch_scope *scope)
{
    return scope->key;
}

uint32_t dispatch_scope_waiting(const struct dispatch_scope *scope)
{
    return scope->waiting.turns.count + scope->retries.turns.count;
}

struct dispatch_ticket *dispatch_next_call(struct dispatch *dispatch)
{
    struct dispatch_ticket *ticket = ticket_at(dispatch->calls.first);
    if (ticket != NULL) {
        list_remove(&dispatch->calls, ticket);
        ticket->state = DISPATCH_HELD;
    }
    return ticket;
}

uint32_t dispatch_scope_in_use(const struct dispatch_scope *scope)
{
    return scope->in_use;
}

uint32_t dispatch_scope_limit(const struct dispatch_scope *scope)
{
    return scope->limit;
}

uint64_t dispatch_scope_allowed(const struct dispatch_scope *scope)
{
    return scope->allowed;
}

uint64_t dispatch_scope_delayed(const struct dispatch_scope *scope)
{
    return scope->delayed;
}
