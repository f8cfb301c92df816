/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_NOTIFY_SLACK_H
#define PLUGINS_NOTIFY_SLACK_H

/*
 * Slack: what a message looks like there, for an incoming webhook (slack.c) and for the Web API
 * (slack_api.c) alike.
 *
 * Used by:  slack, slack_api.
 * Uses:     note.h.
 * Threads:  [strand]
 */

#include "note.h"

/* Adds the members `text` and `blocks`. */
ops_status slack_add_message(const struct note *note, struct ops_map *body);

#endif
