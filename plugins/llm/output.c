/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include "price.h"

static void add_count(struct ops_map *map, const char *key, int64_t n)
{
    if (n >= 0) {
        ops_map_i64(map, key, n);
    } else {
        ops_map_null(map, key);
    }
}

ops_status output_make_usage(ops_task task, const struct usage *usage, ops_val *out)
{
    struct ops_map map = ops_map_begin(task);
    add_count(&map, "input_tokens", usage->input_tokens);
    add_count(&map, "output_tokens", usage->output_tokens);
    add_count(&map, "cached_tokens", usage->cached_tokens);
    return ops_map_end(&map, out);
}

void output_add_costs(struct ops_map *map, const ops_node *node, ops_str model,
                      const struct usage *usage)
{
    ops_val made = 0;
    double cost = price_cost(ops_get(node->settings, "prices"), model, usage);
    ops_status status = output_make_usage(map->scope, usage, &made);
    ops_map_str(map, "model", model);
    ops_map_made(map, "usage", status, made);
    if (cost >= 0) {
        ops_map_f64(map, "cost", cost);
    } else {
        ops_map_null(map, "cost");
    }
}
