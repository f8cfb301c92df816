/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SHORTCUT_ANSWERS_H
#define PLUGINS_SHORTCUT_ANSWERS_H

/*
 * Answers: how Shortcut says no.
 *
 * Used by:  the shortcut plugin.
 * Uses:     service/.
 * Threads:  [strand]
 */

#include "service/call.h"

/* A 429 without Retry-After: the limit is one of a minute, and so long is to be waited. */
int answers_judge(const struct service_answer *answer, struct problem *problem);

/* The map `errors` of a 400: which field, and what is wrong with it. */
void answers_add_words(const struct service_answer *answer, struct problem *problem);

#endif
