/* SPDX-License-Identifier: Apache-2.0 */

/* A plugin with a static library: says which version it calls, and how often it was called. */

#include "opstream/sdk.h"
#include "twin.h"

static void twins_execute(ops_node *node, ops_task task, ops_val config)
{
    struct ops_map out = ops_map_begin(task);
    (void)node;
    (void)config;
    ops_map_i64(&out, "version", twin_version());
    ops_map_i64(&out, "calls", twin_calls);
    ops_complete_map(task, &out);
}

static const ops_node_type twins = OPS_NODE(TWINS_ID, OPS_NODE_PARALLEL, twins_execute);
OPS_PLUGIN(TWINS_ID, "1.0.0", &twins);
