/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_NOTIFY_DELIVERY_H
#define PLUGINS_NOTIFY_DELIVERY_H

/*
 * Delivery: one message on its way to one target.
 *
 *     (later attempts: did an earlier one get through?) -> may it go now? (message/gate.h)
 *         -> note that it is sent -> send (transport.h) -> note that it got through -> over
 *
 * It is noted before only where a message that comes twice is not known as such. Where it can be
 * looked for (struct channel's send), a later attempt does; else (is_blind) it is not sent again,
 * unless the config wants that, and fails as "notify.unknown".
 *
 * Used by:  notify, transport.
 * Uses:     target.h, message/gate.h.
 * Threads:  [strand]
 */

#include "message/gate.h"
#include "target.h"

enum delivery_state {
    DELIVERY_OPEN,
    DELIVERY_SENT,
    DELIVERY_SENT_BEFORE, /* by an earlier attempt */
    DELIVERY_HELD,        /* back: `gate` says why and until when */
    DELIVERY_REPEATED,    /* the same was sent within its window */
    DELIVERY_EMPTY,       /* a digest of nothing */
    DELIVERY_FAILED,
};

/* In the task's memory. */
struct delivery {
    struct note note;
    ops_val mail_defaults;          /* `email` of the settings; 0: none */
    const struct gate_rules *rules; /* for targets without rules of their own */
    struct target target;
    void (*on_over)(struct delivery *delivery); /* once, maybe from inside delivery_start() */
    void *user;
    enum delivery_state state;
    char id[TARGET_ID_BYTES]; /* of the message, or "" */
    /* of one that failed */
    ops_status code;
    uint32_t effect;
    uint32_t retry;
    uint64_t retry_after_ms;
    int32_t upstream_status;
    char symbol[64];
    char message[512];
    char hint[256];
    /* its own */
    struct channel_request request;
    struct gate_rules own_rules;
    struct gate gate;
    char place[TARGET_PLACE_BYTES]; /* "": nothing asks what went there */
    int has_passed;                 /* the gate knows of it */
    int is_noted;                   /* that it is sent */
};

/* All that stands before `state` is set, all else is zero. */
void delivery_start(struct delivery *delivery);

/* For transport: it got through, and delivery->id is set; or it has not. `err` is borrowed. */
void delivery_succeed(struct delivery *delivery);
void delivery_fail(struct delivery *delivery, const ops_error *err);
void delivery_fail_text(struct delivery *delivery, ops_status code, const char *symbol,
                        const char *message);

/* Likewise: whether it got through is not known. `how` follows the channel's name: "cannot be ...";
 * `hint` is static. */
void delivery_fail_unknown(struct delivery *delivery, const char *how, ops_str cause,
                           const char *hint);

/* For channels with a way of their own: asks the gate, and sends; an earlier attempt has not. */
void delivery_ask(struct delivery *delivery);

/* Likewise: notes where the delivery is, for a later attempt: "posted ...". */
void delivery_note(struct delivery *delivery, const char *what, ops_kv_done done, void *user);

/* Copies one line of `from`, cut to the room that there is. */
void delivery_copy(char *to, size_t size, ops_str from);

#endif
