/* SPDX-License-Identifier: Apache-2.0 */

/* A service with one node type that makes one thing: MADE_TYPE, named MADE_PREFIX and a number. */

#include "stand_in.h"

static void answer_made(ops_task task, ops_val config)
{
    struct ops_map out = ops_map_begin(task);
    stand_in_echo(&out, config);
    stand_in_add_name(&out, "id", MADE_PREFIX, config);
    stand_in_add_name(&out, "url", "https://" MADE_ID ".example/" MADE_PREFIX, config);
    ops_complete_map(task, &out);
}

STAND_IN_EXECUTE(make, answer_made)

static const ops_node_type made_type = OPS_NODE(MADE_TYPE, OPS_NODE_PARALLEL, make);

OPS_PLUGIN(MADE_ID, "1.0.0", &made_type);
