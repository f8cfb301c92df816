/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_NOTIFY_SLACK_API_H
#define PLUGINS_NOTIFY_SLACK_API_H

/*
 * Slack API: a message by the Web API, which can tell whether it is there already, and takes files:
 *
 *     upload the files (nobody sees them) -> post the message -> note that, with the files' ids
 *         -> show the files in the message's thread
 *
 * A later attempt goes on where it was: it looks for the message by its metadata, or asks for the
 * first file.
 *
 * Used by:  target, delivery.
 * Uses:     delivery.h, message/slack_talk.h.
 * Threads:  [strand]
 */

#include "opstream/abi.h"

struct delivery;

/* Ends with delivery_succeed() or delivery_fail(), now or later. `noted` is what an earlier attempt
 * has noted, borrowed; empty: it is the first. */
void slack_api_send(struct delivery *delivery, ops_str noted);

#endif
