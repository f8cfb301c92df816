/* SPDX-License-Identifier: Apache-2.0 */
#include "service/pick.h"

#include <stdlib.h>

ops_val pick_find(ops_val from, const char *path)
{
    ops_val found = from;
    const char *key = path;
    while (*key != '\0' && found != 0) {
        const char *dot = strchr(key, '.');
        size_t n = dot != NULL ? (size_t)(dot - key) : strlen(key);
        ops_val next = 0;
        (void)ops.value->find(ops.h, found, ops_slice(key, n), &next); /* 0 stays: none */
        found = next;
        key += dot != NULL ? n + 1 : n;
    }
    return found;
}

ops_str pick_str(ops_val from, const char *path)
{
    ops_str text = {NULL, 0};
    (void)ops.value->get_str(ops.h, pick_find(from, path), &text);
    return text;
}

/* Each item of a list by itself. */
static ops_status make_list(ops_scope scope, ops_val list, const struct pick *table, ops_val *out)
{
    uint64_t n = ops.value->count(ops.h, list);
    ops_val *items = calloc((size_t)n + 1, sizeof *items);
    ops_status status = items != NULL ? OPS_OK : OPS_E_RESOURCE;
    for (uint64_t i = 0; i < n && status == OPS_OK; i++) {
        ops_val item = 0;
        status = ops.value->at(ops.h, list, i, &item);
        if (status == OPS_OK) {
            status = pick_make(scope, item, table, &items[i]);
        }
    }
    if (status == OPS_OK) {
        status = ops.value->new_list(ops.h, scope, items, n, out);
    }
    free(items);
    return status;
}

static ops_status make_value(ops_scope scope, ops_val found, const struct pick *inside,
                             ops_val *out)
{
    uint32_t type = ops.value->type(ops.h, found);
    if (type == OPS_TYPE_NONE) {
        return ops.value->new_null(ops.h, scope, out);
    }
    if (inside == NULL || (type != OPS_TYPE_LIST && type != OPS_TYPE_MAP)) {
        *out = found;
        return OPS_OK;
    }
    return type == OPS_TYPE_LIST ? make_list(scope, found, inside, out)
                                 : pick_make(scope, found, inside, out);
}

void pick_add(struct ops_map *map, ops_val from, const struct pick *table)
{
    for (const struct pick *pick = table; pick->name != NULL; pick++) {
        ops_val value = 0;
        ops_val found = pick_find(from, pick->path != NULL ? pick->path : pick->name);
        ops_status made = make_value(map->scope, found, pick->inside, &value);
        ops_map_made(map, pick->name, made, value);
    }
}

ops_status pick_make(ops_scope scope, ops_val from, const struct pick *table, ops_val *out)
{
    struct ops_map map = ops_map_begin(scope);
    pick_add(&map, from, table);
    return ops_map_end(&map, out);
}
