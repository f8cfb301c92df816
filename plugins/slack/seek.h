/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SLACK_SEEK_H
#define PLUGINS_SLACK_SEEK_H

/*
 * Seek: finds out whether an earlier attempt has posted the step's message: by the metadata that
 * each message of ours has, in the channel's or the thread's latest messages.
 *
 * Used by:  post.
 * Uses:     service/call.h.
 * Threads:  [strand]
 */

#include "service/call.h"

#define SEEK_EVENT "opstream_message"

enum seek_result {
    SEEK_FOUND,   /* `ts` and `channel` are set */
    SEEK_NONE,    /* it is not there */
    SEEK_UNKNOWN, /* the token may not look: `problem` says why */
};

/* In the task's memory. */
struct seek {
    struct service_call *call;
    ops_str channel;   /* id or "#name"; not empty */
    ops_str thread_ts; /* empty: in the channel */
    int64_t since_s;   /* when the attempt began, in seconds since 1970 */
    void (*done)(struct service_call *call, enum seek_result result, ops_str channel, ops_str ts,
                 const struct problem *problem);
    /* Its own. */
    uint32_t pages;
    char cursor[512];
    char id[64];
};

/* Looks; `done` comes once, or the task ends. */
void seek_start(struct seek *seek);

#endif
