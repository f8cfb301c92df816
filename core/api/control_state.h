/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_CONTROL_STATE_H
#define CORE_API_CONTROL_STATE_H

/*
 * The inside of control, for the files of this folder alone.
 *
 * Used by:  control, control_start.
 * Uses:     control, answer.
 * Threads:  [loop]
 */

#include "core/api/answer.h"
#include "core/api/control.h"
#include "core/api/route.h"
#include "core/base/error.h"
#include "core/policy/breaker.h"

struct control_definition;
struct document;
struct read_thread;

struct control {
    struct control_options options;
    int64_t started_at;
    uint64_t requests;
    bool is_stopped; /* changes are refused */
    uint64_t refused_reads;
    control_count_cb count_clients; /* NULL: nobody has any */
    void *count_user;
    uint32_t waiting;
    struct control_definition *definitions; /* the latest ones */
    struct read_thread *reads;
};

/* One request on its way. */
struct control_call {
    struct control *control;
    control_reply_cb cb;
    void *user;
    char *id;                         /* of the run it is about, or the scope; owned, or NULL */
    bool is_known;                    /* of a start: the run was there */
    enum breaker_state breaker_state; /* of an order for a breaker: what it leads to */
};

/* NULL: out of memory. */
struct control_call *control_call_create(struct control *control, control_reply_cb cb, void *user);

/* Each answers the call and frees it. */
void control_call_answer(struct control_call *call, const struct answer *answer);
void control_call_document(struct control_call *call, enum answer_status status,
                           const struct document *document);
void control_call_fail(struct control_call *call, const struct error *err);

/* No scope is what was named, or several are (E_CONFLICT). */
void control_call_refuse_scope(struct control_call *call, const struct error *err);

/* 429: it was not begun. */
void control_call_busy(struct control_call *call, const char *message, uint32_t retry_after_s);

/* Whether there is no room for another run; then the call is answered. */
bool control_refuse_start(struct control_call *call);

/* POST /api/v1/jobs: `body` is what was sent. POST .../execute: the bundle of `workflow`. */
void control_start(struct control_call *call, const struct control_question *request,
                   const struct document *body, struct str workflow);

/* POST .../jobs/{id}/retry: a new run of what run `number` was, which call->id names. */
void control_retry(struct control_call *call, const struct control_question *request,
                   const struct document *body, uint64_t number);

/* POST /api/v1/breakers. */
void control_breaker(struct control_call *call, const struct control_question *request,
                     const struct document *body);

/* POST /api/v1/limits. */
void control_limit(struct control_call *call, const struct control_question *request,
                   const struct document *body);

/* POST /api/v1/queue/run, /api/v1/dlq/requeue, /api/v1/dlq/drop. */
void control_items(struct control_call *call, const struct control_question *request,
                   enum route_action action, const struct document *body);

#endif
