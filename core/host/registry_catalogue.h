/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_REGISTRY_CATALOGUE_H
#define CORE_HOST_REGISTRY_CATALOGUE_H

/*
 * Registry catalogue: what the model asks of the registry, by name of node types and plugins.
 *
 * The first question loads the registry; one that shows its index to be wrong makes it look again.
 *
 * Used by:  registry.
 * Uses:     registry, registry_file, registry_types, copy_shelf, manifest, probe_result, trust.
 * Threads:  [loop]
 */

struct catalogue;
struct registry;

/* `registry` is kept: it must outlive the catalogue. */
void registry_catalogue_init(struct catalogue *catalogue, struct registry *registry);

#endif
