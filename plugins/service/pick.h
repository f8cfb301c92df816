/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SERVICE_PICK_H
#define PLUGINS_SERVICE_PICK_H

/*
 * Pick: of what a service answers only the fields that a table names, so that outputs stay small
 * and do not change when the service adds to its answers.
 *
 *     static const struct pick label[] = {{"name", NULL, NULL}, {NULL, NULL, NULL}};
 *     static const struct pick issue[] = {
 *         {"number", NULL, NULL},             the member of that name
 *         {"author", "user.login", NULL},     another one, or one inside
 *         {"labels", NULL, label},            a map, or each item of a list, picked from in turn
 *         {NULL, NULL, NULL}};
 *
 * Used by:  plugins for services of HTTP.
 * Uses:     sdk.h.
 * Threads:  [any-thread]
 */

#include "opstream/sdk.h"

struct pick {
    const char *name; /* in what is made; NULL ends the table */
    const char *path; /* in the answer, keys with dots between; NULL: `name`; "": all of it */
    const struct pick *inside; /* NULL: the value as it is */
};

/* The value at `path`; 0: there is none. Its handle is in the scope of `from`. */
ops_val pick_find(ops_val from, const char *path);

/* The text at `path`, which lives as long as `from`; the empty one when there is none. */
ops_str pick_str(ops_val from, const char *path);

/* Adds what the table names to `map`; what is not there is null. */
void pick_add(struct ops_map *map, ops_val from, const struct pick *table);

/* A new map of what the table names, in `scope`. OPS_E_RESOURCE: out of memory, or too large. */
ops_status pick_make(ops_scope scope, ops_val from, const struct pick *table, ops_val *out);

#endif
