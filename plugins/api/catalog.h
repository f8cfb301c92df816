/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_API_CATALOG_H
#define PLUGINS_API_CATALOG_H

/*
 * Catalog: the services and operations that the settings describe, as the tables that
 * service/service.h wants. What a setting can say wrong beyond its schema is found here, when the
 * instance is made.
 *
 * Used by:  api.
 * Uses:     service.h, call.h.
 * Threads:  [control] to make one; then constant.
 */

#include "opstream/sdk.h"
#include "service/service.h"

struct catalog_operation {
    const char *name;
    struct service_operation one;  /* as api.call does it */
    struct service_operation list; /* as api.list does it; no method: it gives no list */
    const char **parameters;       /* what it takes, ends with NULL */
    const char **required;         /* of those, what a node must give; ends with NULL */
};

struct catalog_service {
    const char *name;
    struct service service;
    ops_node *node; /* owned: catalog_finish() */
    struct catalog_operation *operations;
    uint64_t n_operations;
};

struct catalog {
    struct catalog_service *services;
    uint64_t n_services;
};

/*
 * Reads `settings`; all but the services' nodes lives in `scope`. Not OPS_OK: `err` says why. To be
 * ended by catalog_finish() in either case.
 */
ops_status catalog_read(struct catalog *catalog, ops_scope scope, ops_val settings, ops_error *err);
void catalog_finish(struct catalog *catalog);

/* NULL: there is none of that name. */
const struct catalog_service *catalog_find_service(const struct catalog *catalog, ops_str name);
const struct catalog_operation *catalog_find_operation(const struct catalog_service *service,
                                                       ops_str name);

#endif
