/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_GUARD_H
#define CORE_ENGINE_GUARD_H

/*
 * Guards: the breakers of the services that runs share, who waits for each, and which of them have
 * changed and have to be saved.
 *
 * A service has a breaker for each settings that its nodes have. An operator's order for the
 * service is for all of them, also for those to come: it stands in the guard whose key is the
 * service alone, which is made for it where no node has these settings, and is saved like others.
 *
 * Used by:  dispatch.
 * Uses:     policy (breaker), service, value.
 * Threads:  [loop]; pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/str.h"
#include "core/base/strmap.h"
#include "core/engine/ticket_queue.h"
#include "core/policy/breaker.h"

struct error;

struct dispatch_guard {
    struct breaker breaker;
    struct str key;
    struct dispatch_queue waiting;
    struct turn_key asleep; /* of the first that waits elsewhere, if there is one */
    bool has_asleep;
    int64_t give_up_at;  /* the first of those who wait; a little later where there are many */
    uint32_t asking;     /* tickets that it lets through, and that wait for something else */
    bool lacks_settings; /* it was restored or is there for an order: nobody has asked it yet */
    bool is_changed;
    struct dispatch_guard *next;
    struct dispatch_guard *next_changed;
};

/* All zero: there are none. They live as long as the set. */
struct guards {
    struct arena arena;
    struct strmap by_key;
    struct dispatch_guard *first; /* in the order of their making */
    struct dispatch_guard *last;
    struct dispatch_guard *first_changed;
    struct dispatch_guard *last_changed;
};

void guards_finish(struct guards *guards);

/*
 * The guard `key`; made when it is new, as an order for its service says, and the settings of the
 * first stand. Returns 0 or E_NOMEM.
 */
int guards_find(struct guards *guards, struct str key, const struct breaker_settings *settings,
                int64_t now, struct dispatch_guard **out_guard);

/* See dispatch_restore_guard(). */
int guards_restore(struct guards *guards, struct str key, struct str text, int64_t now,
                   struct error *err);

/*
 * `order` is for all guards of `key` from here on: what is to last has a guard where it stands.
 * Fails with E_NOT_FOUND (there are none), E_NOMEM.
 */
int guards_prepare(struct guards *guards, struct str key, enum breaker_order order, int64_t now,
                   struct error *err);

/* Its state is another one: it is shown and saved. */
void guards_note_change(struct guards *guards, struct dispatch_guard *guard);
/* The next of those, each once; NULL when there is none. */
struct dispatch_guard *guards_next_changed(struct guards *guards);

#endif
