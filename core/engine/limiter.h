/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_LIMITER_H
#define CORE_ENGINE_LIMITER_H

/*
 * Limiters: the rate limits of the scopes that runs share, who waits for each, and what of them
 * has to be saved. One without a limit is there for its service: it can be frozen.
 *
 * Used by:  dispatch.
 * Uses:     policy (rate_limit), value.
 * Threads:  [loop]; pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/str.h"
#include "core/base/strmap.h"
#include "core/engine/ticket_queue.h"
#include "core/policy/rate_limit.h"
#include "core/policy/server_window.h"

struct document;
struct error;
struct resources;

struct limiter {
    struct rate_limit rate;
    struct rate_settings settings;
    struct server_window window; /* what the service said; in memory alone */
    uint32_t in_flight;          /* that it let go, and that are not over */
    struct str key;
    struct resources *resources; /* of a service; NULL: it has named none */
    struct dispatch_queue waiting;
    int64_t due_at;      /* for the first that waits; unix ms */
    bool is_awaited;     /* it is in the list of those that somebody waits, or waited, for */
    bool is_unsaved;     /* it is in that list */
    bool lacks_settings; /* it was restored, and nobody has asked it yet */
    uint64_t allowed;    /* tickets that it let go, since the process began */
    uint64_t delayed;    /* that waited for it before anything else */
    struct limiter *next;
    struct limiter *next_awaited;
    struct limiter *next_unsaved;
};

/* All zero: there are none. They live as long as the set. */
struct limiters {
    struct arena arena;
    struct strmap by_key;
    struct limiter *first; /* in the order of their making */
    struct limiter *last;
    struct limiter *first_awaited;
    struct limiter *first_unsaved;
};

void limiters_finish(struct limiters *limiters);

/*
 * The limiter `key`; made when it is new, and the settings of the first stand. Returns 0 or
 * E_NOMEM.
 */
int limiters_find(struct limiters *limiters, struct str key, const struct rate_settings *settings,
                  struct limiter **out_limiter);

/*
 * One as an earlier process left it: `text` of limiter_save(). What is over by `now` bounds
 * nothing, but is known to be kept. Fails with E_CORRUPT, E_NOMEM; then it is as if new.
 */
int limiters_restore(struct limiters *limiters, struct str key, struct str text, int64_t now,
                     struct error *err);

/*
 * Milliseconds until a call of `ticket` may go out; 0: now. Whose turn is before is first,
 * and is_behind says that somebody's is.
 */
int64_t limiter_peek(struct limiter *limiter, int64_t now);
bool limiter_is_behind(const struct limiter *limiter, const struct dispatch_ticket *ticket);

/* A call goes out; it is over. */
void limiter_take(struct limiters *limiters, struct limiter *limiter, int64_t now);
void limiter_end(struct limiter *limiter);

/* The ticket waits from here on. */
void limiter_push(struct limiters *limiters, struct limiter *limiter,
                  struct dispatch_ticket *ticket, int64_t now);

/* Into the list of those that somebody waits for, if somebody does. */
void limiter_await(struct limiters *limiters, struct limiter *limiter);

/* Says anew when the first that waits has its turn. */
void limiter_look(struct limiter *limiter, int64_t now);

/* What the service says; see rate_limit.h. */
void limiter_freeze(struct limiters *limiters, struct limiter *limiter, int64_t until, int64_t now);
void limiter_lower(struct limiters *limiters, struct limiter *limiter, uint32_t remaining,
                   int64_t now);
/* So many more until then: those on their way may be among them, see server_window.h. */
void limiter_hear(struct limiter *limiter, uint32_t remaining, int64_t until, int64_t now);

/*
 * What was counted is forgotten, and until when it is frozen. is_over says that this would change
 * nothing but what is saved, and that something is. To lift it is to forget what the service said,
 * too: it is as if nobody had called.
 */
void limiter_forget(struct limiter *limiter, int64_t now);
void limiter_lift(struct limiter *limiter, int64_t now);
bool limiter_is_over(const struct limiter *limiter, int64_t now);

/* When the next that waits has its turn; INT64_MAX: nobody waits. */
int64_t limiters_next_due(const struct limiters *limiters);

/* The next that has to be saved before the calls that it let go out, each once; NULL: none. */
struct limiter *limiters_next_unsaved(struct limiters *limiters);

/* What is to be saved, and is taken for saved from here on. Owned. Fails with E_NOMEM. */
int limiter_save(struct limiter *limiter, struct document **out_document);

uint32_t limiter_waiting(const struct limiter *limiter);

#endif
