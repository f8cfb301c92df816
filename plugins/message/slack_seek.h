/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_MESSAGE_SLACK_SEEK_H
#define PLUGINS_MESSAGE_SLACK_SEEK_H

/*
 * Slack seek: finds out whether an earlier attempt has posted the step's message: by the metadata
 * that each message of ours has, in the channel's or the thread's latest messages.
 *
 * Used by:  plugins that write to Slack; through slack_talk.h.
 * Uses:     service/call.h.
 * Threads:  [strand]
 */

#include "service/call.h"

#define SLACK_SEEK_EVENT "opstream_message"

enum slack_seek_result {
    SLACK_SEEK_FOUND,   /* `ts` and `channel` are set */
    SLACK_SEEK_NONE,    /* it is not there */
    SLACK_SEEK_UNKNOWN, /* the token may not look: `problem` says why; NULL: no such channel */
    SLACK_SEEK_FAILED,  /* looking failed: `problem` says why */
};

/* In the task's memory. */
struct slack_seek {
    struct service_call *call;
    ops_str channel;   /* id or "#name"; not empty */
    ops_str thread_ts; /* empty: in the channel */
    int64_t since_s;   /* when the attempt began, in seconds since 1970 */
    void (*done)(struct service_call *call, enum slack_seek_result result, ops_str channel,
                 ops_str ts, const struct problem *problem);
    /* Its own. */
    uint32_t pages;
    char cursor[512];
    char id[64];
};

/* Looks: seek is that of the call's slack_talk; `done` comes once, or the task ends. */
void slack_seek_start(struct slack_seek *seek);

#endif
