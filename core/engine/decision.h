/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_DECISION_H
#define CORE_ENGINE_DECISION_H

/*
 * Decision: what the steps of run_decide() share: evaluating in the run's scope, records, effects,
 * failures. Appends to a batch, never changes the run.
 *
 * Used by:  decide, and the files of one kind of node or body that it calls.
 * Uses:     run_state, record, expr.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/engine/record.h"
#include "core/engine/run_state.h"

struct document;
struct error;
struct expr;
struct strbuf;
struct template;

struct decision {
    const struct run *run;
    const struct frame *frame; /* whose nodes it is about */
    int64_t now;               /* unix ms */
    struct batch *batch;
    const struct document *signal; /* what `match` and guards see; else NULL */
    const struct record *ending;   /* what conditions of edges see of their source; else NULL */
    bool names_secrets;            /* a secret is its name: for keys, which hold none */
    const struct value *items;     /* of what ends: what stood in for all that it would emit */
};

static inline const struct node *decision_node(const struct decision *d, uint32_t node)
{
    return &d->run->pipeline->nodes[node];
}

static inline const struct run_node *decision_state(const struct decision *d, uint32_t node)
{
    return frame_node(d->frame, node);
}

/* A record with run, frame, node, attempt and time filled in. */
struct record decision_node_record(const struct decision *d, enum record_type type, uint32_t node);
struct record decision_run_record(const struct decision *d, enum record_type type);

/* Appends `effect`, for this run. */
void decision_add_effect(const struct decision *d, struct effect effect);

/*
 * Evaluates a condition in the scope of `node`. 0 and the bool, or a negative code: not a bool is
 * E_INVALID.
 */
int decision_evaluate(const struct decision *d, uint32_t node, const struct expr *expr,
                      bool *out_holds, struct error *err);

/* Resolves in the scope of `node` (RECORD_NO_NODE: of the run). `*out` is owned. */
int decision_resolve(const struct decision *d, uint32_t node, const struct template *template,
                     struct document **out, struct error *err);

/* The config of `node` for an item of the queue: nothing stands in it for a secret. Owned. */
int decision_resolve_for_queue(const struct decision *d, uint32_t node, struct document **out,
                               struct error *err);

/* The value of `expr` as a document. `*out` is owned. */
int decision_compute(const struct decision *d, uint32_t node, const struct expr *expr,
                     struct document **out, struct error *err);

/* The loop's `reduce` over `acc` (may be NULL) and one output. `*out` is owned. */
int decision_reduce(const struct decision *d, uint32_t node, const struct document *acc,
                    const struct document *item, struct document **out, struct error *err);

/* What the body of d->frame gives: its `output`, or the outputs of its leaves. Owned. */
int decision_body_output(const struct decision *d, struct document **out, struct error *err);

/*
 * As failure_create() and failure_from_error(), but memory that ran out is no failure of a node:
 * it marks the batch as failed. Owned: document_unref().
 */
struct document *decision_create_failure(const struct decision *d, const char *code,
                                         struct str message, const char *hint);
struct document *decision_failure(const struct decision *d, const char *code,
                                  const struct error *err);
/* With the message in `text`, which is finished. */
struct document *decision_text_failure(const struct decision *d, const char *code,
                                       struct strbuf *text, const char *hint);

/* The same with one more member. Owned. */
struct document *decision_with_member(const struct decision *d, const struct document *failure,
                                      struct str key, const struct document *member);
/* The same with `cause`: a failure that led to this one, or to what failed. */
struct document *decision_with_cause(const struct decision *d, const struct document *failure,
                                     const struct document *cause);

/* The same with the node that met it: {node, ...failure}. Owned. */
struct document *decision_at_node(const struct decision *d, uint32_t node,
                                  const struct document *failure);

/* A node did not end within its time-out. Owned. */
struct document *decision_timeout_failure(const struct decision *d, uint32_t node);

/* The time-out of a node, if it has one: armed with the record of its start. */
void decision_arm_timeout(const struct decision *d, const struct record *start);
void decision_disarm_timeout(const struct decision *d, uint32_t node);

/* The timers of a node that waits. */
void decision_disarm_waits(const struct decision *d, uint32_t node);

#endif
