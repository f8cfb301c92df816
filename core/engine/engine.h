/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_ENGINE_H
#define CORE_ENGINE_ENGINE_H

/*
 * Engine: the two pure machines, run and dispatch, put together. An event goes in; out comes one
 * batch of records and of effects for the outside.
 *
 * The rule of this house: the records of a batch are durable before any of its effects is
 * carried out or anything of it is shown. Who drives the engine keeps it.
 *
 * Used by:  loop, tests.
 * Uses:     run, dispatch, sleepers.
 * Threads:  [loop]; never called from inside itself.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/engine/run.h"
#include "core/engine/turn_queue.h"
#include "core/model/policy.h"
#include "core/policy/breaker.h"

struct batch;
struct dispatch_guard;
struct dispatch_ticket;
struct engine;
struct error;

struct engine_options {
    uint32_t plugin_concurrency;  /* per plugin; 0: 25 */
    uint32_t process_concurrency; /* per plugin that starts processes; 0: 4 */
    uint32_t call_concurrency;    /* HTTP calls in all; 0: 512 */
    uint32_t steps_per_batch;     /* decisions in one call, then EFFECT_CONTINUE; 0: 512 */
    /*
     * What all values of the process take now, asked before each decision; NULL: nobody knows. A
     * run that nobody called, and those below it, may take `scaling.max_memory_mb` (1,024 when it
     * does not say) of it; as long as all together take less, nobody looks for whose they are. Who
     * takes more starts no task while one is under way whose end may free some, see rooms.h.
     */
    size_t (*value_bytes)(void);
    /* The number of a run that another one starts; NULL: nobody keeps records. */
    uint64_t (*next_run)(void *user);
    void *user;
};

/* On success `*out_engine` is owned: engine_destroy(). Fails with E_NOMEM. */
int engine_create(const struct engine_options *options, struct engine **out_engine,
                  struct error *err);

/* The instance of the state, which is part of idempotency keys; borrowed. None at first. */
void engine_set_instance(struct engine *engine, struct str instance);

/* Destroys the runs that are left, too. NULL is fine. */
void engine_destroy(struct engine *engine);

/*
 * Adds a run and starts it. `*out_run` is the engine's: it lives until engine_remove().
 * Fails with E_NOMEM, and then there is no run.
 */
int engine_start(struct engine *engine, const struct run_options *options, int64_t now_unix_ms,
                 struct batch *batch, struct run **out_run, struct error *err);

/*
 * Decides and applies `event` and all that follows from it at once. Appends to `batch`.
 * Fails with E_NOMEM: then the state of the run is not to be relied upon.
 */
int engine_handle(struct engine *engine, struct run *run, const struct run_event *event,
                  int64_t now_unix_ms, struct batch *batch, struct error *err);

/* The answer to EFFECT_CONTINUE. Fails as engine_handle() does. */
int engine_continue(struct engine *engine, struct run *run, int64_t now_unix_ms,
                    struct batch *batch, struct error *err);

/* ---- what runs share ---- */

/*
 * When a breaker or a rate limit is due that somebody waits for, or a breaker's trials may be late;
 * unix ms, INT64_MAX: none is. Then engine_tick() has to be called: its batch says what changed,
 * and who may start. Fails as engine_handle() does.
 */
int64_t engine_next_due(const struct engine *engine);
int engine_tick(struct engine *engine, int64_t now_unix_ms, struct batch *batch, struct error *err);

/*
 * A breaker as an earlier process left it: a scope_change of kind ENGINE_SCOPE_BREAKER, which was
 * kept. Before anything starts. Fails with E_CORRUPT, E_VERSION, E_NOMEM; then it is as if new.
 */
#define ENGINE_SCOPE_BREAKER "breaker"
int engine_restore_breaker(struct engine *engine, struct str key, struct str state,
                           int64_t now_unix_ms, struct error *err);

/*
 * An operator's order for the breaker `key`; that of a service is for all that it has, whatever
 * their settings are, and stands for those that it gets later. Fails with E_NOT_FOUND, and as
 * engine_handle() does.
 */
int engine_order_breaker(struct engine *engine, struct str key, enum breaker_order order,
                         int64_t now_unix_ms, struct batch *batch, struct error *err);

/* What is known of one breaker; pointers are borrowed until the next call of the engine. */
struct engine_breaker {
    struct str key;
    const struct breaker *breaker;
    uint32_t waiting; /* nodes, also of runs that are not in memory since they do */
};

/*
 * The next one, in the order of their making; `*cursor` is NULL for the first. False: there are no
 * more.
 */
bool engine_next_breaker(const struct engine *engine, const void **cursor,
                         struct engine_breaker *out);

/* The service of a breaker, borrowed from its key; and whether `key` is that of one it has. */
struct str engine_breaker_service(struct str key);
bool engine_is_breaker_of(struct str service, struct str key);

/* The same for rate limits, whose kind is ENGINE_SCOPE_LIMITER. Fails with E_CORRUPT, E_NOMEM. */
#define ENGINE_SCOPE_LIMITER "limiter"
int engine_restore_limiter(struct engine *engine, struct str key, struct str state,
                           int64_t now_unix_ms, struct error *err);

/* What is known of one rate limit; pointers are borrowed until the next call of the engine. */
struct engine_limiter {
    struct str key; /* the service, and its rate: "http https://a.example:443 5/second" */
    struct rate_settings settings; /* limit 0: the service has frozen it, until next_at */
    uint32_t left;                 /* calls that could go out now, all at once */
    int64_t next_at;               /* when the next could, unix ms; not later than now: now */
    int64_t frozen_until;          /* the service wants no call before, unix ms; 0: it takes them */
    uint32_t waiting;              /* nodes, or calls that nodes make */
    uint64_t allowed;              /* of them, since the process began: it has let go */
    uint64_t delayed;              /* that waited for it before anything else */
};

/*
 * The one after `*cursor`, which begins with NULL, in the order of their making; false: there are
 * no more. A service without a rate is there once it was frozen.
 */
bool engine_next_limiter(const struct engine *engine, const void **cursor, int64_t now_unix_ms,
                         struct engine_limiter *out);

/*
 * A person lifts a limit: what was counted for `key`, and how long it is frozen, is forgotten; of a
 * service also for its rates. Who waited may go. Fails as engine_handle() does, and with
 * E_NOT_FOUND.
 */
int engine_reset_limit(struct engine *engine, struct str key, int64_t now_unix_ms,
                       struct batch *batch, struct error *err);

/* Whether `key` is a rate of the service whose key is `service`. */
bool engine_is_rate_of(struct str service, struct str key);

/* What is kept of rate limits and bounds nothing any more goes, `most` at a time. E_NOMEM. */
int engine_prune_limits(struct engine *engine, size_t most, int64_t now_unix_ms,
                        struct batch *batch);

/* ---- calls that tasks make, where their plugin calls by ops.http ---- */

/*
 * A task makes a call to `url`, which goes out when engine_next_call() gives it: when the limits of
 * the service allow. `ticket` says which task: owner (the caller's), run, frame and node, and is
 * all zero else; it is kept until engine_end_call(). Fails as engine_handle() does.
 */
int engine_want_call(struct engine *engine, struct dispatch_ticket *ticket, struct str url,
                     int64_t now_unix_ms, struct batch *batch, struct error *err);

/* The next call that may go out once what was appended to batches so far is durable; or NULL. */
struct dispatch_ticket *engine_next_call(struct engine *engine);

/* What a call waits for, if it is a rate limit. */
struct engine_call_wait {
    struct str key;  /* of the limit */
    int64_t next_at; /* when the next of those that wait for it may go, unix ms */
    bool is_service; /* no rate of ours: the service wants no call now */
};
bool engine_call_waits(const struct dispatch_ticket *ticket, struct engine_call_wait *out);

/* What the answer to a call says of the service's limits. */
struct engine_call_end {
    int64_t frozen_until; /* unix ms; 0: nothing */
    bool has_remaining;
    uint32_t remaining;
    int64_t reset_at;    /* so many remain until then, unix ms; 0: it does not say until when */
    struct str resource; /* of calls that it counts by themselves; borrowed; empty: of all */
};

/* The call has been answered, or is given up, or need not go out. Fails as engine_handle() does. */
int engine_end_call(struct engine *engine, struct dispatch_ticket *ticket,
                    const struct engine_call_end *end, int64_t now_unix_ms, struct batch *batch,
                    struct error *err);

/* The `user` of the options that the run was started with; of a child NULL until it is set. */
void *engine_run_user(const struct run *run);
void engine_set_run_user(struct run *run, void *user);

/* The execution of a node that started a child run. */
struct engine_call {
    struct run *run; /* its run */
    uint64_t frame;
    uint32_t node;
    uint32_t attempt;
    bool is_awaited; /* it waits for the child's end, and passes a cancel on */
};

/*
 * The run whose node queued the call that `run`, an item of the queue, delivers: once, before its
 * first record is written; then NULL, as for all others.
 */
struct run *engine_take_origin(const struct run *run);

/* Who started this run. False: nobody did, or that run is removed. */
bool engine_find_call(const struct run *run, struct engine_call *out_call);

/*
 * The caller of a run that has ended may have it undone, or does, or has: the run is needed until
 * the end of the caller is durable and nobody needs that one either.
 */
bool engine_keeps(const struct run *run);

/* ---- runs that go on in another process, or later ---- */

/*
 * Adds a run without starting it: its records are restored by restore_row() next. `call` is NULL
 * for a run that nobody called, else says who did, and that run was added before. The input comes
 * with the first record. Fails with E_NOMEM.
 */
int engine_restore(struct engine *engine, const struct run_options *options,
                   const struct engine_call *call, struct run **out_run, struct error *err);

/*
 * All records of `root` and of the runs below it are restored: what their tasks and timers were
 * begins anew, and what can go on does. Fails as engine_handle() does, and with E_CORRUPT when a
 * node waits for a run that is not there, or may have to undo one.
 */
int engine_recover(struct engine *engine, struct run *root, int64_t now_unix_ms,
                   struct batch *batch, struct error *err);

/* No task starts from here on: what asks for permits waits. */
void engine_hold_starts(struct engine *engine);

/* RUN_EVENT_PAUSE or RUN_EVENT_RESUME for `root` and all runs below it. */
int engine_pause(struct engine *engine, struct run *root, enum run_event_type type,
                 int64_t now_unix_ms, struct batch *batch, struct error *err);

/* The run after `at` among `root` and those below it, callers first; NULL at the end. */
struct run *engine_next_below(const struct run *root, const struct run *at);

/*
 * Whether `root` and all below it only wait, see run_only_waits(): for a time, an event or a
 * breaker, and no node for a permit. Then, once its records are durable, it may be unloaded, and
 * restored when there is something to do.
 */
struct engine_rest {
    int64_t wake_at;              /* unix ms; INT64_MAX: no time */
    struct dispatch_guard *guard; /* of the breaker that it waits for; NULL: for none */
    uint32_t nodes;               /* that wait for it */
    struct turn_key turn;         /* of the first of them */
    int64_t guard_due;            /* with a guard: when that one is due, INT64_MAX: nobody knows */
};
bool engine_only_waits(const struct run *root, struct engine_rest *out_wait);
void engine_unload(struct engine *engine, struct run *root);

/*
 * The same for one that waits for a breaker, and was started with a number: that is kept, and
 * comes from engine_next_awake() when it is to be restored, unless it was before. Fails with
 * E_NOMEM; then it is not unloaded.
 */
int engine_sleep(struct engine *engine, struct run *root, const struct engine_rest *wait);

/* When engine_next_due() has come, after engine_tick(); false: there is no more. */
bool engine_next_awake(struct engine *engine, int64_t now_unix_ms, uint64_t *out_number);
uint64_t engine_sleeping(const struct engine *engine); /* how many sleep */

/* What is known of one that sleeps; borrowed until the next call. False: that one does not. */
struct engine_sleeper {
    struct str key; /* of the breaker that it waits for */
    const struct breaker *breaker;
    uint32_t nodes;  /* that wait for it */
    struct str node; /* the path of the first one */
};
bool engine_find_sleeper(const struct engine *engine, uint64_t number,
                         struct engine_sleeper *out_sleeper);

/* Frees a run that has ended and that nobody needs. All its records must be durable. */
void engine_remove(struct engine *engine, struct run *run);

#endif
