/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_MESSAGE_SLACK_ANSWERS_H
#define PLUGINS_MESSAGE_SLACK_ANSWERS_H

/*
 * Slack answers: how Slack says no: with a good status and {"ok": false, "error":
 * "not_in_channel"}.
 *
 * Used by:  plugins that write to Slack.
 * Uses:     service/call.h.
 * Threads:  [strand]
 */

#include "service/call.h"

/* For struct service. */
int slack_answers_judge(const struct service_answer *answer, struct problem *problem);
void slack_answers_add_words(const struct service_answer *answer, struct problem *problem);

#endif
