/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_RUN_H
#define CORE_ENGINE_RUN_H

/*
 * Run: the machine of one run. run_decide() turns an event into records and effects and changes
 * nothing; run_apply() alone changes the state. Both are pure: no I/O, no clock, no randomness;
 * time comes in with the event. A crash between the two loses nothing that was shown.
 *
 *     pending -> running -> completed
 *                        -> failing    -> failed
 *                        -> cancelling -> cancelled
 *
 * Used by:  engine, loop and cli (queries), tests/sim.
 * Uses:     model, expr, value.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/engine/record.h"
#include "core/expr/cel.h"

struct document;
struct error;
struct pipeline;
struct run;

struct run_options {
    const struct pipeline *pipeline; /* shared: held until run_destroy() */
    const struct document *input;    /* shared; checked, with its defaults filled in */
    struct str id;                   /* copied */
    struct str triggered_by;         /* "manual", "api", ...; copied */
    void *user;                      /* the caller's, see run_user() */
};

/* On success `*out_run` is owned: run_destroy(). Fails with E_NOMEM. */
int run_create(const struct run_options *options, struct run **out_run, struct error *err);
void run_destroy(struct run *run);

enum run_event_type {
    RUN_EVENT_START,    /* once, first */
    RUN_EVENT_ADVANCE,  /* the next ready node, see run_has_ready() */
    RUN_EVENT_ADMITTED, /* dispatch granted the permits of `node` */
    RUN_EVENT_DONE,     /* the task of `node` ended well: port, output */
    RUN_EVENT_FAILED,   /* it failed: error */
    RUN_EVENT_TIMER,    /* timer, node */
    RUN_EVENT_CANCEL,   /* reason */
    RUN_EVENT_SETTLE,   /* nothing is left to do, see run_is_settled() */
};

/* All pointers are borrowed for the call. */
struct run_event {
    enum run_event_type type;
    uint32_t node;
    uint32_t attempt;
    enum timer_kind timer;
    enum stop_reason reason;
    struct str port;
    const struct document *output;
    const struct document *error;
};

/*
 * Appends the records and effects of `event` to `batch`. An event that comes too late (its node
 * has ended, another attempt runs) appends nothing. Memory that ran out shows in
 * batch->has_failed, and then nothing of this decision may be applied.
 */
void run_decide(const struct run *run, const struct run_event *event, int64_t now_unix_ms,
                struct batch *batch);

/* Applies one record. The only function that changes a run. */
void run_apply(struct run *run, const struct record *record);

/* Some node is ready and new nodes may start. */
bool run_has_ready(const struct run *run);

/* It has started, nothing runs, is queued or ready, and its end is not recorded yet. */
bool run_is_settled(const struct run *run);

/* It has a terminal state. */
bool run_is_ended(const struct run *run);

enum run_state run_state(const struct run *run);
const struct pipeline *run_pipeline(const struct run *run);
struct str run_id(const struct run *run);
void *run_user(const struct run *run);
int64_t run_started_at(const struct run *run);

/* The context of settings: their template is resolved in the scope of the run alone. */
int run_resolve_settings(const struct run *run, struct str plugin, struct document **out_settings,
                         struct error *err);

/* What is known of one node; pointers are borrowed until the next run_apply(). */
struct run_node_view {
    enum node_state state;
    uint32_t attempt;
    uint32_t outcome;
    int64_t ready_at_unix_ms; /* 0: not yet */
    int64_t started_at_unix_ms;
    int64_t ended_at_unix_ms;
    const struct document *output;
    const struct document *error;
};

struct run_node_view run_node(const struct run *run, uint32_t node);

/* The key of a node's effects: equal over attempts (DURABILITY, idempotency key). */
void run_idempotency_key(const struct run *run, uint32_t node, char out_key[32]);

/*
 * The values of an expression's root names. For expr_scope.fetch; `user` is a struct run_scope,
 * which lives as long as the evaluation.
 */
struct run_scope {
    const struct run *run;
    int64_t now_unix_ms;
    /* The end of a node that is not applied yet, for the conditions of its edges; or NULL. */
    const struct record *ending;
};
int run_scope_fetch(const void *user, int slot, struct cel *out, struct error *err);

#endif
