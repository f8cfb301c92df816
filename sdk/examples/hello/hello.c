/* SPDX-License-Identifier: Apache-2.0 */

/* The smallest useful node: a pure function from its config to its output. */

#include "opstream/sdk.h"

static void hello_execute(ops_node *node, ops_task task, ops_val config)
{
    char text[256];
    ops_str name = ops_get_str(config, "name", "world");
    struct ops_map out = ops_map_begin(task);

    (void)node; /* there is no create(), so there is no node */
    (void)snprintf(text, sizeof text, "hello, %.*s", (int)name.n, name.p);
    ops_map_text(&out, "greeting", text);
    ops_complete_map(task, &out);
}

static const ops_node_type hello = OPS_NODE("hello", OPS_NODE_PARALLEL, hello_execute);

OPS_PLUGIN("hello", "1.0.0", &hello);
