/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_INSTANCE_H
#define CORE_HOST_INSTANCE_H

/*
 * Instance: what a node type's create() made of one set of settings. All tasks of the type with
 * equal settings use it, until the host closes, or INSTANCES_MOST others of the type were used
 * later and none of its tasks is left: settings may change with every run.
 *
 * Used by:  host.
 * Uses:     plugin, scope, strand.
 * Threads:  [loop], but for instance_leave(); members are constant, but for the counts.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "opstream/plugin.h"

struct document;
struct error;
struct manifest_node;
struct plugin;
struct scope;
struct strand;

/* Of one node type; more only while tasks of all of them are left. */
enum { INSTANCES_MOST = 64 };

struct instance {
    struct instance *next; /* of the plugin's, the last used first */
    struct plugin *plugin;
    const struct manifest_node *node;
    const ops_node_type *type;
    const struct document *settings; /* shared */
    ops_node *self;                  /* NULL when the type has no create() */
    struct scope *scope;
    struct strand *strand; /* of all tasks; NULL: each has its own */
    atomic_uint tasks;     /* that are left in memory: the plugin may use `self` for them */
    uint64_t slow_calls;   /* over the budget */
};

/*
 * The instance of `node` for `settings`, borrowed from the plugin until the next call; made when
 * there is none, and then those that are too many are destroyed. Fails with E_INVALID (the settings
 * break the schema), E_PLUGIN (create() failed), E_NOMEM.
 */
int instance_get(struct plugin *plugin, const struct manifest_node *node,
                 const struct document *settings, struct instance **out_instance,
                 struct error *err);

/* A task uses it from here on, [loop]; nothing of it is left, [any]. */
void instance_enter(struct instance *instance);
void instance_leave(struct instance *instance);

/* Calls destroy() for all instances of the plugin. No tasks are left. */
void instance_destroy_all(struct plugin *plugin);

#endif
