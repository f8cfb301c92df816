/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_LLM_OUTPUT_H
#define PLUGINS_LLM_OUTPUT_H

/*
 * Output: what all node types of the plugin give besides their answer: which model it was, what it
 * took and what that cost.
 *
 * Used by:  the llm plugin.
 * Uses:     instance.h, price.h.
 * Threads:  [strand]
 */

#include "instance.h"
#include "opstream/sdk.h"

/* Adds `model`, `usage` and `cost` (null: not known). The model is as the service names it. */
void output_add_costs(struct ops_map *map, const ops_node *node, ops_str model,
                      const struct usage *usage);

/* {input_tokens, output_tokens, cached_tokens}, null for what is not known. */
ops_status output_make_usage(ops_task task, const struct usage *usage, ops_val *out);

#endif
