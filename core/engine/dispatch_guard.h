/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_DISPATCH_GUARD_H
#define CORE_ENGINE_DISPATCH_GUARD_H

/*
 * Dispatch guard: what tickets meet at a guard: it lets them through, lets them wait in their
 * turns, or turns them away when they would wait too long.
 *
 * Used by:  dispatch, and those that ask about its guards.
 * Uses:     dispatch_state, guard, policy (breaker).
 * Threads:  [loop]; pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

struct breaker;
struct dispatch;
struct dispatch_guard;
struct dispatch_ticket;
struct turn_key;

struct str dispatch_guard_key(const struct dispatch_guard *guard); /* lives as long as it */
const struct breaker *dispatch_guard_breaker(const struct dispatch_guard *guard);
uint32_t dispatch_guard_waiting(const struct dispatch_guard *guard);

/*
 * How many more may come and ask the guard, if there are any that do not wait here: as many as it
 * lets through, less those that wait for something else already. And when there is room, if nothing
 * else happens; INT64_MAX: never.
 */
uint32_t dispatch_guard_room(const struct dispatch *dispatch, const struct dispatch_guard *guard);
int64_t dispatch_guard_opens_at(const struct dispatch *dispatch,
                                const struct dispatch_guard *guard);

/*
 * The turn of the first that waits for the guard elsewhere; NULL: nobody does. Tickets that come
 * after it wait until it has asked, or does not come.
 */
void dispatch_guard_note_asleep(struct dispatch_guard *guard, const struct turn_key *first);

/* ---- for dispatch ---- */

/* It lets no call through now. */
bool dispatch_guard_refuses(struct dispatch *dispatch, struct dispatch_guard *guard);

/* Its guard refuses: the ticket waits, or is refused. */
void dispatch_guard_turn_away(struct dispatch *dispatch, struct dispatch_ticket *ticket);

/* Asks those who wait, as far as they may go, and gives up those who have waited too long. */
void dispatch_guard_wake(struct dispatch *dispatch, struct dispatch_guard *guard);

/* When it is to be woken next, unix ms. */
int64_t dispatch_guard_due(const struct dispatch *dispatch, const struct dispatch_guard *guard);

#endif
