/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SLACK_ANSWERS_H
#define PLUGINS_SLACK_ANSWERS_H

/*
 * Answers: how Slack says no: with a good status and {"ok": false, "error": "not_in_channel"}.
 *
 * Used by:  slack, post.
 * Uses:     service/call.h.
 * Threads:  [strand]
 */

#include "service/call.h"

/* For struct service. */
int answers_judge(const struct service_answer *answer, struct problem *problem);
void answers_add_words(const struct service_answer *answer, struct problem *problem);

#endif
