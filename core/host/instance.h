/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_INSTANCE_H
#define CORE_HOST_INSTANCE_H

/*
 * Instance: what a node type's create() made of one set of settings. All tasks of the type with
 * equal settings use it, until the host closes.
 *
 * Used by:  host.
 * Uses:     plugin, scope, strand.
 * Threads:  [loop]; members are constant.
 */

#include <stdint.h>

#include "opstream/plugin.h"

struct document;
struct error;
struct manifest_node;
struct plugin;
struct scope;
struct strand;

struct instance {
    struct instance *next; /* of the plugin's */
    struct plugin *plugin;
    const struct manifest_node *node;
    const ops_node_type *type;
    const struct document *settings; /* shared */
    ops_node *self;                  /* NULL when the type has no create() */
    struct scope *scope;
    struct strand *strand; /* of all tasks; NULL: each has its own */
    uint64_t slow_calls;   /* over the budget */
};

/*
 * The instance of `node` for `settings`, borrowed from the plugin; made when there is none.
 * Fails with E_INVALID (the settings break the schema), E_PLUGIN (create() failed), E_NOMEM.
 */
int instance_get(struct plugin *plugin, const struct manifest_node *node,
                 const struct document *settings, struct instance **out_instance,
                 struct error *err);

/* Calls destroy() for all instances of the plugin. No tasks are left. */
void instance_destroy_all(struct plugin *plugin);

#endif
