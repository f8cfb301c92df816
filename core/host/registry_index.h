/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_REGISTRY_INDEX_H
#define CORE_HOST_REGISTRY_INDEX_H

/*
 * Registry index: a small generated file, which the next start reads instead of all manifests.
 *
 * Used by:  registry.
 * Uses:     registry, registry_file, index_shelf, private_file, trust.
 * Threads:  [loop]
 */

#include <stdbool.h>

struct registry;

/*
 * True when the index was there, fits, and nothing has changed since: files and places are added.
 * Else some may be: the caller clears the registry.
 */
bool registry_index_read(struct registry *registry);

/* A favour to the next start: failures are nobody's trouble. */
void registry_index_write(struct registry *registry);

#endif
