/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_LLM_CHECK_H
#define PLUGINS_LLM_CHECK_H

/*
 * Check: whether the service answers. Asks for its list of models, with the key of the settings,
 * and follows no redirect. What answers below 500 is there, whatever it thinks of the call.
 *
 * Used by:  llm.
 * Threads:  [strand]
 */

#include "opstream/sdk.h"

/* The check() of the node types. */
void check_service(ops_node *node, ops_task task, ops_str origin);

#endif
