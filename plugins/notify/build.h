/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_NOTIFY_BUILD_H
#define PLUGINS_NOTIFY_BUILD_H

/*
 * Build: what the bodies of all targets are made of. A list and a map remember the first failure,
 * so that only the end has to be asked.
 *
 * Used by:  discord, teams.
 * Uses:     sdk.h, service/text.h.
 * Threads:  [strand]
 */

#include "opstream/sdk.h"
#include "service/text.h"

enum { BUILD_LIST_ITEMS = 128 };

struct build_list {
    ops_scope scope;
    ops_status status;
    uint64_t n;
    ops_val items[BUILD_LIST_ITEMS];
};

struct build_list build_list_begin(ops_scope scope);
/* Adds the map; `map` is over. */
void build_list_map(struct build_list *list, struct ops_map *map);
/* Adds the list as a member of `map`. */
void build_list_end(struct build_list *list, struct ops_map *map, const char *key);

/* Adds the map as a member of another. */
void build_map_end(struct ops_map *inner, struct ops_map *map, const char *key);

/* Adds the text, which ends. Out of memory is the map's failure. */
void build_text(struct ops_map *map, const char *key, struct text *text);

/* The map as JSON; it lives as long as the map's scope. */
ops_status build_json(struct ops_map *map, ops_str *out);

#endif
