/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_MESSAGE_SLACK_TALK_H
#define PLUGINS_MESSAGE_SLACK_TALK_H

/*
 * Slack talk: what the steps of a message to Slack have in common. The `user` of a call of Slack is
 * NULL, or something that begins with a struct slack_talk.
 *
 * Used by:  slack_answers, slack_seek, slack_share, plugins that write to Slack.
 * Uses:     slack_seek.h, slack_share.h.
 * Threads:  [strand]
 */

#include "message/slack_seek.h"
#include "message/slack_share.h"

enum { SLACK_CHANNEL_BYTES = 256 };

/* In the task's memory. */
struct slack_talk {
    char channel[SLACK_CHANNEL_BYTES]; /* where it goes: an id or "#name" */
    struct slack_seek seek;
    struct slack_share share;
};

static inline struct slack_talk *slack_talk_of(const struct service_call *call)
{
    return call->user;
}

#endif
