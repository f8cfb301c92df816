/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_PLUGIN_H
#define CORE_HOST_PLUGIN_H

/*
 * Plugin: a plugin's code in this process. The only place that calls dlopen for plugins. A library
 * is never unloaded: code of it might still be on some stack.
 *
 * Used by:  host.
 * Uses:     manifest, version, scope, trial, sdk.
 * Threads:  [loop]
 */

#include "core/host/trial.h"
#include "opstream/plugin.h"

struct error;
struct host;
struct manifest;
struct manifest_node;
struct plugin;

/*
 * The plugin of `manifest`, borrowed from the host; loaded and initialised when it is the first
 * time. HOST_WAITS: not yet, as trial_get() says. Fails with E_PLUGIN, E_VERSION, E_NOMEM, E_IO; a
 * plugin whose init() failed is tried again.
 */
int plugin_get(struct host *host, const struct manifest *manifest, enum trial_mode mode,
               struct plugin **out_plugin, struct error *err);

/* Calls shutdown() of all plugins and frees what the host knows of them. No tasks are left. */
void plugin_shutdown_all(struct host *host);

/*
 * Checks the descriptor `desc` of the file that `manifest` was read from: magic, size, epoch, CRC,
 * id, version, and that its node types are those of the manifest. Fails with E_PLUGIN, E_VERSION.
 */
int plugin_check_descriptor(const ops_plugin_desc *desc, const struct manifest *manifest,
                            struct error *err);

/* The code of node type `node`. */
const ops_node_type *plugin_find_type(const struct plugin *plugin,
                                      const struct manifest_node *node);

/* The check() of a node type, which may be of an earlier interface without one; NULL: none. */
typedef void (*plugin_check_fn)(ops_node *node, ops_task task, ops_str origin);
plugin_check_fn plugin_check_of(const ops_node_type *type);

#endif
