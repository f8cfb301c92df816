/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_NOTIFY_DELIVERY_H
#define PLUGINS_NOTIFY_DELIVERY_H

/*
 * Delivery: one message on its way to one target.
 *
 *     (later attempts: did an earlier one get through?) -> send -> keep that it got through -> over
 *
 * Used by:  notify.
 * Uses:     target.h.
 * Threads:  [strand]
 */

#include "target.h"

enum delivery_state {
    DELIVERY_OPEN,
    DELIVERY_SENT,
    DELIVERY_SENT_BEFORE, /* by an earlier attempt */
    DELIVERY_FAILED,
};

/* In the task's memory. */
struct delivery {
    const struct note *note;
    ops_val mail_defaults; /* `email` of the settings; 0: none */
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
    struct channel_request request;
};

/* The five members at the top are set, all else is zero. */
void delivery_start(struct delivery *delivery);

#endif
