/* SPDX-License-Identifier: Apache-2.0 */

/* A tool that looks at a service and finds nothing wrong: the node type TOOL_ID. */

#include "stand_in.h"

static void answer_found(ops_task task, ops_val config)
{
    struct ops_map out = ops_map_begin(task);
    ops_map_text(&out, "tool", TOOL_ID);
    stand_in_echo(&out, config);
    ops_map_i64(&out, "findings", 0);
    ops_complete_map(task, &out);
}

STAND_IN_EXECUTE(tool_execute, answer_found)

static const ops_node_type tool_type = OPS_NODE(TOOL_ID, OPS_NODE_PARALLEL, tool_execute);

OPS_PLUGIN(TOOL_ID, "1.0.0", &tool_type);
