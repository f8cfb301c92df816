/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/graph_layout.h"

#include "core/cli/layer_graph.h"

int graph_layout_run(struct arena *arena, struct layout *layout)
{
    struct layer_graph graph = {.arena = arena};
    int status = layer_rank_run(&graph, layout);
    if (status == 0) {
        status = layer_order_run(&graph);
    }
    if (status == 0) {
        status = layer_place_run(&graph);
    }
    return status != 0 ? status : layer_route_run(&graph, layout);
}
