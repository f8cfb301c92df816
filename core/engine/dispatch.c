/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/dispatch.h"

#include <stdlib.h>

#include "core/base/arena.h"
#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/strmap.h"

struct ticket_queue {
    struct dispatch_ticket *first;
    struct dispatch_ticket *last;
};

struct dispatch_scope {
    uint32_t limit;
    uint32_t in_use;
    struct ticket_queue waiting;
};

struct dispatch {
    struct arena arena;   /* scopes and their keys */
    struct strmap scopes; /* by key */
    struct ticket_queue admitted;
};

static void queue_push(struct ticket_queue *queue, struct dispatch_ticket *ticket)
{
    ticket->next = NULL;
    ticket->previous = queue->last;
    if (queue->last != NULL) {
        queue->last->next = ticket;
    } else {
        queue->first = ticket;
    }
    queue->last = ticket;
}

static void queue_remove(struct ticket_queue *queue, struct dispatch_ticket *ticket)
{
    if (ticket->previous != NULL) {
        ticket->previous->next = ticket->next;
    } else {
        queue->first = ticket->next;
    }
    if (ticket->next != NULL) {
        ticket->next->previous = ticket->previous;
    } else {
        queue->last = ticket->previous;
    }
    ticket->next = NULL;
    ticket->previous = NULL;
}

struct dispatch *dispatch_create(void)
{
    return calloc(1, sizeof(struct dispatch));
}

void dispatch_destroy(struct dispatch *dispatch)
{
    if (dispatch == NULL) {
        return;
    }
    strmap_finish(&dispatch->scopes);
    arena_finish(&dispatch->arena);
    free(dispatch);
}

int dispatch_scope(struct dispatch *dispatch, struct str key, uint32_t limit,
                   struct dispatch_scope **out_scope)
{
    CHECK(limit > 0);
    struct dispatch_scope *scope = strmap_get(&dispatch->scopes, key);
    if (scope == NULL) {
        struct str kept = arena_dup_str(&dispatch->arena, key);
        scope = arena_calloc(&dispatch->arena, 1, sizeof(*scope));
        if (kept.p == NULL || scope == NULL) {
            return E_NOMEM;
        }
        scope->limit = limit;
        int status = strmap_add(&dispatch->scopes, kept, scope);
        if (status != 0) {
            return status;
        }
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
    CHECK(scope == NULL || (scope->in_use == 0 && scope->waiting.first == NULL));
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

/* Admits the ticket, or puts it into the queue of the scope that refuses. */
static void ticket_ask(struct dispatch *dispatch, struct dispatch_ticket *ticket)
{
    struct dispatch_scope *refusing = find_refusing(ticket);
    if (refusing != NULL) {
        ticket->state = DISPATCH_WAITING;
        ticket->waits_in = refusing;
        queue_push(&refusing->waiting, ticket);
        return;
    }
    for (uint32_t i = 0; i < ticket->scope_count; i++) {
        ticket->scopes[i]->in_use++;
    }
    ticket->state = DISPATCH_ADMITTED;
    queue_push(&dispatch->admitted, ticket);
}

void dispatch_want(struct dispatch *dispatch, struct dispatch_ticket *ticket)
{
    CHECK(ticket->state == DISPATCH_IDLE);
    ticket_ask(dispatch, ticket);
}

/* Asks those that wait here again, for as long as there is a permit and somebody waits. */
static void scope_wake(struct dispatch *dispatch, struct dispatch_scope *scope)
{
    while (scope->in_use < scope->limit && scope->waiting.first != NULL) {
        struct dispatch_ticket *ticket = scope->waiting.first;
        queue_remove(&scope->waiting, ticket);
        ticket->waits_in = NULL;
        ticket_ask(dispatch, ticket);
    }
}

void dispatch_release(struct dispatch *dispatch, struct dispatch_ticket *ticket)
{
    enum dispatch_ticket_state old = ticket->state;
    ticket->state = DISPATCH_IDLE;
    if (old == DISPATCH_IDLE) {
        return;
    }
    if (old == DISPATCH_WAITING) {
        queue_remove(&ticket->waits_in->waiting, ticket);
        ticket->waits_in = NULL;
        return;
    }
    if (old == DISPATCH_ADMITTED) {
        queue_remove(&dispatch->admitted, ticket);
    }
    for (uint32_t i = 0; i < ticket->scope_count; i++) {
        CHECK(ticket->scopes[i]->in_use > 0);
        ticket->scopes[i]->in_use--;
    }
    for (uint32_t i = 0; i < ticket->scope_count; i++) {
        scope_wake(dispatch, ticket->scopes[i]);
    }
}

struct dispatch_ticket *dispatch_next_admitted(struct dispatch *dispatch)
{
    struct dispatch_ticket *ticket = dispatch->admitted.first;
    if (ticket != NULL) {
        queue_remove(&dispatch->admitted, ticket);
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
