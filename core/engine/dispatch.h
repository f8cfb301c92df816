/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_DISPATCH_H
#define CORE_ENGINE_DISPATCH_H

/*
 * Dispatch: the machine of the scopes that runs share. A node that wants to start asks with a
 * ticket that names its scopes; all are asked at one instant, and permits are taken only if all
 * agree. Else the ticket waits in the queue of the scope that refused, costs nothing, and is
 * asked again when that scope gets a permit back: first come, first served within a scope, but for
 * items of the retry queue, which have turns of their own, see turn_queue.h. The
 * first scope also has a budget for retries, which wait in a queue of their own; and a ticket may
 * name a guard, the breaker of the service that it calls: who is refused there waits until the
 * breaker is due or has changed, see dispatch_next_due(); or, if its ticket says so, is told at
 * once. It may name limiters too, the rate limits of the service: of those that refuse it waits for
 * the one that takes longest, in the order of asking, until its turn, which is known exactly. And
 * it may name a room, that of the memory of its run: while it is full nobody is asked further.
 *
 * Tickets are of nodes that want to start, or of calls that a task makes: those have an end of
 * their own, dispatch_next_call(), and go on when no node starts any more.
 *
 * Used by:  engine.
 * Uses:     dispatch_scope, dispatch_guard, dispatch_limit, guard, limiter.
 * Threads:  [loop]; pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/engine/turn_queue.h"
#include "core/policy/breaker.h"

struct dispatch;
struct dispatch_guard;
struct dispatch_queue;
struct dispatch_room;
struct dispatch_scope;
struct error;
struct limiter;
struct limiters;
struct rate_settings;
struct run;

enum { DISPATCH_MAX_SCOPES = 3, DISPATCH_MAX_LIMITERS = 4 };

/* So many that a closed breaker lets through may wait for a permit before others are woken. */
enum { DISPATCH_MOST_ASKING = 64 };

enum dispatch_ticket_state {
    DISPATCH_IDLE,
    DISPATCH_WAITING,
    DISPATCH_REFUSED,  /* by its guard, not yet taken by dispatch_next_refused() */
    DISPATCH_ADMITTED, /* granted, not yet taken by dispatch_next_admitted() */
    DISPATCH_HELD,     /* its permits are in use */
};

/* What a waiting ticket was refused by. */
enum dispatch_wait {
    DISPATCH_FOR_PERMIT,
    DISPATCH_FOR_BUDGET,
    DISPATCH_FOR_BREAKER,
    DISPATCH_FOR_LIMIT,
    DISPATCH_FOR_ROOM,
};

/* Lives in the memory of whoever asks; all zero at first. There may be very many. */
struct dispatch_ticket {
    struct turn_place place; /* in the queue it is in; first of all, see ticket_queue.h */
    struct dispatch_scope *scopes[DISPATCH_MAX_SCOPES];
    struct limiter *limiters[DISPATCH_MAX_LIMITERS];
    uint8_t scope_count;
    uint8_t limiter_count;
    bool is_impatient : 1; /* refused by its guard it does not wait */
    bool waits_out : 1;    /* nor is it given up before its time: a person may open the way */
    bool is_call : 1;
    bool has_turn : 1;     /* that of an item of the retry queue; else it gets one as it asks */
    bool has_resource : 1; /* the last limiter is that of what it falls under */
    enum dispatch_ticket_state state : 4;
    enum dispatch_wait waits_for : 4;
    uint32_t attempt;             /* from 1; all but the first are retries */
    double retry_budget;          /* see retry_budget_allows() */
    struct dispatch_guard *guard; /* NULL: none */
    struct dispatch_room *room;   /* NULL: it need not wait for one */
    const struct run *run;        /* of a call: whose task makes it, at `frame` and `node` */
    uint64_t operation;           /* of a call: see service_operation() */
    int64_t give_up_at;           /* its guard turns it away rather than let it wait longer;
                                     unix ms, 0: it has time */
    struct dispatch_queue *queue;
    struct breaker_permit permit; /* of the guard, while it holds its permits */
    int64_t admitted_at;
    void *owner; /* the caller's */
    uint64_t frame;
    uint32_t node;
};

/* Owned: dispatch_destroy(). NULL when out of memory. */
struct dispatch *dispatch_create(void);
void dispatch_destroy(struct dispatch *dispatch);

/* What time it is for all that follows, unix ms. */
void dispatch_set_now(struct dispatch *dispatch, int64_t now);

/*
 * The scope `key` with its limit; made when it is new, and the limit of the first stands. It
 * lives as long as the dispatch. Returns 0 or E_NOMEM.
 */
int dispatch_scope(struct dispatch *dispatch, struct str key, uint32_t limit,
                   struct dispatch_scope **out_scope);

/*
 * The guard `key`; made when it is new, as an order for its service says, and the settings of the
 * first stand. It lives as long as the dispatch. Returns 0 or E_NOMEM.
 */
int dispatch_guard(struct dispatch *dispatch, struct str key,
                   const struct breaker_settings *settings, struct dispatch_guard **out_guard);

/*
 * A guard as an earlier process left it: `text` of breaker_save(). Its settings are those of the
 * first dispatch_guard(). Fails as breaker_restore() does, and with E_NOMEM.
 */
int dispatch_restore_guard(struct dispatch *dispatch, struct str key, struct str text,
                           struct error *err);

/* The rate limits. */
struct limiters *dispatch_limiters(struct dispatch *dispatch);

/* An idle ticket asks. It is kept until dispatch_release(). */
void dispatch_want(struct dispatch *dispatch, struct dispatch_ticket *ticket);

/*
 * Takes the wish, or the permits, back; `result` says to the guard how the call went. For an idle
 * ticket nothing happens.
 */
void dispatch_release(struct dispatch *dispatch, struct dispatch_ticket *ticket,
                      enum breaker_result result);

/* When a guard or a limiter is due, unix ms; INT64_MAX: none is. Then dispatch_tick() has to be
 * called. */
int64_t dispatch_next_due(const struct dispatch *dispatch);
void dispatch_tick(struct dispatch *dispatch);

/*
 * An operator's order for the guard `key`, or for all guards of the service `key`, those that are
 * made later among them. Fails with E_NOT_FOUND, E_NOMEM.
 */
int dispatch_obey(struct dispatch *dispatch, struct str key, enum breaker_order order,
                  struct error *err);

/* The next guard whose breaker has changed its state, each once; NULL when there is none. */
struct dispatch_guard *dispatch_next_changed(struct dispatch *dispatch);

/* All guards in the order of their making: the one after `guard`, NULL: the first; NULL at the end.
 */
struct dispatch_guard *dispatch_next_guard(const struct dispatch *dispatch,
                                           const struct dispatch_guard *guard);
/* There is room: those who wait for it are asked. */
void dispatch_open_room(struct dispatch *dispatch, struct dispatch_room *room);
/* Asks the first who waits for it, though it is full; false: nobody does. */
bool dispatch_pass_room(struct dispatch *dispatch, struct dispatch_room *room);

/* Nobody is admitted or refused from here on, but those that are already. */
void dispatch_hold(struct dispatch *dispatch);

/* The next ticket that was admitted, each once, in order; NULL when there is none. */
struct dispatch_ticket *dispatch_next_admitted(struct dispatch *dispatch);
/* The same for calls. */
struct dispatch_ticket *dispatch_next_call(struct dispatch *dispatch);

/*
 * The next ticket that its guard refused and that does not wait, each once, in order; NULL when
 * there is none. It is idle: nothing is held for it.
 */
struct dispatch_ticket *dispatch_next_refused(struct dispatch *dispatch);

/* ---- for queries and tests ---- */

/* All scopes with a key, as dispatch_next_guard(). */
const struct dispatch_scope *dispatch_next_scope(const struct dispatch *dispatch,
                                                 const struct dispatch_scope *scope);
/* The one whose permit, or budget, a ticket waits for; NULL: it does not, or for its guard. */
const struct dispatch_scope *dispatch_ticket_waits_in(const struct dispatch_ticket *ticket);
uint64_t dispatch_waiting(const struct dispatch *dispatch); /* tickets that wait for anything */
#endif
