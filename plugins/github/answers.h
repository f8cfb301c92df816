/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_GITHUB_ANSWERS_H
#define PLUGINS_GITHUB_ANSWERS_H

/*
 * Answers: how GitHub says no.
 *
 * Used by:  the github plugin.
 * Uses:     service/.
 * Threads:  [strand]
 */

#include "service/call.h"

/*
 * Limits of calls come as 403 or 429. The primary one says how long in Retry-After or, with
 * X-RateLimit-Remaining 0, in X-RateLimit-Reset. The secondary one (too many at once, too much
 * written) may say nothing but its name: then a minute is to be waited.
 */
int answers_judge(const struct service_answer *answer, struct problem *problem);

/* The list `errors` of a 422, and of a 403 what the token would need. */
void answers_add_words(const struct service_answer *answer, struct problem *problem);

/* Whether an issue is asked for: GitHub lists pull requests among them. */
int answers_wants(struct service_call *call, ops_val item);

#endif
