/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_LLM_NODES_H
#define PLUGINS_LLM_NODES_H

/*
 * Nodes: the execute() of the node types, one file each; `llm` itself is in llm.c.
 *
 * Used by:  llm.
 * Threads:  [strand]
 */

#include "opstream/sdk.h"

void classify_execute(ops_node *node, ops_task task, ops_val config);
void extract_execute(ops_node *node, ops_task task, ops_val config);
void embed_execute(ops_node *node, ops_task task, ops_val config);
void session_execute(ops_node *node, ops_task task, ops_val config); /* remember.c */

#endif
