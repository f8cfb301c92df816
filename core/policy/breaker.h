/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_POLICY_BREAKER_H
#define CORE_POLICY_BREAKER_H

/*
 * Breaker: keeps calls away from a service that fails, and lets a few try it from time to time.
 *
 *   closed     threshold reached                      open
 *   open       call before due                        refused, with the due time
 *   open       call at or after due                   half-open; this call is a trial
 *   half-open  trial permits left, none left          trial, refused
 *   half-open  trial cancelled, or an ignored result  permit given back
 *   half-open  all trials answered, good              closed, window empty
 *   half-open  a trial failed, or half_open_timeout   open
 *   any        a result from before the last change   dropped
 *   any        operator: open, disable, reset         as said
 *
 * Each change of the state begins a generation, and a permit names the one it was given in: so a
 * result of an earlier one is known. The first opening lasts reset_timeout; each that follows
 * without a closing between them twice as long as the one before, up to BREAKER_RESET_MAX_MS, and
 * varies by a fifth. A clock that is set back makes no wait longer than the whole of it from then.
 * `settings.is_on` is the caller's: where it is false, there is no breaker.
 *
 * Used by:  engine.
 * Uses:     jitter; the settings of model; value, for what is saved.
 * Threads:  one breaker belongs to one thread at a time; pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/model/policy.h"

struct document;
struct error;

enum { BREAKER_WINDOW_MAX_S = 600 }; /* a longer window is as long as this */

/* Doubling ends here, or at reset_timeout where that is longer. */
#define BREAKER_RESET_MAX_MS (INT64_C(10) * 60 * 1000)
/* No setting of time counts for more. */
#define BREAKER_TIME_MAX_MS (INT64_C(365) * 24 * 60 * 60 * 1000)
/* A due time that does not come. */
#define BREAKER_NEVER INT64_MAX

enum breaker_state {
    BREAKER_CLOSED,
    BREAKER_OPEN,
    BREAKER_HALF_OPEN,
    BREAKER_FORCED_OPEN, /* by an operator, until one says else */
    BREAKER_DISABLED,    /* the same: all calls pass and none is counted */
};

enum { BREAKER_STATES = BREAKER_DISABLED + 1 };

struct breaker_bucket {
    uint32_t calls;
    uint32_t failures;
    uint32_t slow;
};

/* To be read by all, changed by the functions below. */
struct breaker {
    struct breaker_settings settings;
    uint64_t seed;
    uint64_t generation; /* changes of the state so far */
    enum breaker_state state;
    int64_t changed_at;
    int64_t due_at;    /* open: the next call is a trial; half-open: the trials are late */
    int64_t wait_ms;   /* from its beginning to due_at */
    uint32_t openings; /* in a row, this one among them */
    uint32_t failures_in_row;
    uint32_t trials_under_way;
    uint32_t trials_good;
    struct breaker_bucket window; /* the sum of the buckets */
    int64_t window_second;        /* of the newest bucket */
    uint32_t window_seconds;      /* so many buckets are in use; 0: no rate is asked for */
    struct breaker_bucket buckets[BREAKER_WINDOW_MAX_S]; /* by second modulo window_seconds */
};

/* Closed, nothing counted. `settings` (borrowed) are copied and brought within their limits. */
void breaker_init(struct breaker *breaker, const struct breaker_settings *settings, uint64_t seed,
                  int64_t now);

/* "closed", "open", "half_open", "forced_open", "disabled"; static. */
const char *breaker_state_name(enum breaker_state state);

enum breaker_ruling {
    BREAKER_ADMIT,
    BREAKER_TRIAL, /* admitted, and what becomes of it decides */
    BREAKER_REFUSED,
};

struct breaker_permit {
    uint64_t generation;
};

struct breaker_answer {
    enum breaker_ruling ruling;
    bool has_changed; /* the state, by this question */
    struct breaker_permit permit;
    int64_t due_at; /* refused: when to ask again; BREAKER_NEVER when only an operator can help */
};

/* What breaker_ask() would say. Takes no permit; only late trials are noticed. */
struct breaker_answer breaker_peek(struct breaker *breaker, int64_t now);

/* Asks for one call. Unless refused, its permit must come back by breaker_report(), once. */
struct breaker_answer breaker_ask(struct breaker *breaker, int64_t now);

enum breaker_result {
    BREAKER_GOOD,
    BREAKER_BAD,       /* a transient failure, but for a limiter's or a credential's */
    BREAKER_IGNORED,   /* says nothing about the service */
    BREAKER_CANCELLED, /* was not made, or not to its end */
};

enum breaker_news {
    BREAKER_SAME = 0,
    BREAKER_PERMIT_FREE, /* half-open: one more trial may begin */
    BREAKER_CHANGED,     /* the state: save it, and ask again for those who wait */
};

/* How a call went and how long it took. */
enum breaker_news breaker_report(struct breaker *breaker, struct breaker_permit permit,
                                 enum breaker_result result, int64_t took_ms, int64_t now);

/* Notices that trials are late: true when the state has changed. */
bool breaker_tick(struct breaker *breaker, int64_t now);

/* When something is due: late trials (breaker_tick()), or the end of being open (breaker_ask()). */
int64_t breaker_next_due(const struct breaker *breaker);

enum breaker_order {
    BREAKER_ORDER_OPEN, /* forced open */
    BREAKER_ORDER_DISABLE,
    BREAKER_ORDER_RESET, /* closed, and all that was counted is forgotten */
};

/* An operator's. True when the state has changed. */
bool breaker_obey(struct breaker *breaker, enum breaker_order order, int64_t now);

/*
 * What outlives a restart: state, since when, due time, openings in a row. `*out_document` is
 * owned by the caller. Fails with E_NOMEM.
 */
int breaker_save(const struct breaker *breaker, struct document **out_document, struct error *err);

/*
 * Brings a breaker that was just made into the state that `text` (borrowed; the JSON of
 * breaker_save()) tells of. Trials that were under way are not: their calls ended with the process.
 * Fails with E_CORRUPT (unreadable, or not of a breaker), E_VERSION, E_NOMEM; nothing has changed
 * then.
 */
int breaker_restore(struct breaker *breaker, struct str text, struct error *err);

#endif
