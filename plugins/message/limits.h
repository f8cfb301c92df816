/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_MESSAGE_LIMITS_H
#define PLUGINS_MESSAGE_LIMITS_H

/*
 * Limits: blocks and views of Block Kit against the limits that Slack documents, before they are
 * sent: how many, how long, what must be there, and which ids may not be there twice.
 *
 *     blocks[3].elements[0] (button): 'text' has 80 characters, and Slack takes 75 at most
 *
 * Blocks and elements of types that are not known here are passed over: Slack judges them.
 *
 * Used by:  plugins that write messages.
 * Uses:     piece.h, sdk.h.
 * Threads:  [strand]
 */

#include "opstream/sdk.h"
#include "service/text.h"

/* 1: good. 0: `why` has the first that is not. */
int limits_check_blocks(ops_val blocks, struct text *why);
int limits_check_view(ops_val view, struct text *why);

#endif
