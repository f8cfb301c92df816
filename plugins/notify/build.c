/* SPDX-License-Identifier: Apache-2.0 */
#include "build.h"

struct build_list build_list_begin(ops_scope scope)
{
    struct build_list list;
    list.scope = scope;
    list.status = OPS_OK;
    list.n = 0;
    return list;
}

void build_list_map(struct build_list *list, struct ops_map *map)
{
    ops_val v = 0;
    ops_status status = ops_map_end(map, &v);
    if (list->status == OPS_OK) {
        list->status = list->n < BUILD_LIST_ITEMS ? status : OPS_E_RESOURCE;
    }
    if (list->status == OPS_OK) {
        list->items[list->n++] = v;
    }
}

void build_list_end(struct build_list *list, struct ops_map *map, const char *key)
{
    ops_val v = 0;
    if (list->status == OPS_OK) {
        list->status = ops.value->new_list(ops.h, list->scope, list->items, list->n, &v);
    }
    ops_map_made(map, key, list->status, v);
}

void build_map_end(struct ops_map *inner, struct ops_map *map, const char *key)
{
    ops_val v = 0;
    ops_status status = ops_map_end(inner, &v);
    ops_map_made(map, key, status, v);
}

void build_text(struct ops_map *map, const char *key, struct text *text)
{
    if (text->failed && map->status == OPS_OK) {
        map->status = OPS_E_RESOURCE;
    }
    ops_map_str(map, key, text_str(text));
    text_finish(text);
}

ops_status build_json(struct ops_map *map, ops_str *out)
{
    ops_val v = 0;
    ops_status status = ops_map_end(map, &v);
    return status == OPS_OK ? ops.value->to_json(ops.h, v, out) : status;
}
