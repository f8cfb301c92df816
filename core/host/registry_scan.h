/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_REGISTRY_SCAN_H
#define CORE_HOST_REGISTRY_SCAN_H

/*
 * Registry scan: looks into all folders and reads every manifest.
 *
 * Used by:  registry.
 * Uses:     registry, registry_file, trust.
 * Threads:  [loop]
 */

struct error;
struct registry;

/* Adds places and files; what is wrong with one becomes its problem. Fails with E_NOMEM only. */
int registry_scan(struct registry *registry, struct error *err);

#endif
