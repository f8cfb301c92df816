/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SLACK_POST_H
#define PLUGINS_SLACK_POST_H

/*
 * Post: slack.post_message. Before it sends it notes that it will, and after that what came of it:
 * a later attempt then knows whether it has to look for the message, or may post it.
 *
 *     noted nothing, or refused   post it
 *     noted as posted             give what was noted
 *     noted as begun              look for it in the channel; where that is not allowed, the step
 *                                 fails and says so: twice would be worse
 *
 * Used by:  slack.
 * Uses:     compose.h, step.h.
 * Threads:  [strand]
 */

#include "service/call.h"

extern const char *const post_body[];

void post_execute(struct service_call *call);
/* Sends what was held back, and nothing else: slack.send_digest. */
void post_execute_digest(struct service_call *call);
void post_add_body(struct service_call *call, struct ops_map *body);

#endif
