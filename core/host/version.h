/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_VERSION_H
#define CORE_HOST_VERSION_H

/*
 * Version: whether this host has what a manifest needs. Each refusal says needed, offered, whose.
 *
 * Used by:  registry_file, plugin.
 * Uses:     manifest.
 * Threads:  [any]
 */

#include <stdint.h>

struct error;
struct manifest;

/* One interface that this host offers. */
struct version_interface {
    const char *id;
    uint32_t version;
    const void *table;
    const char *capability; /* that the manifest must ask for; NULL: none */
    uint32_t is_basic;      /* given without being asked for */
};

/* All of them, in order of id; NULL after the last. */
const struct version_interface *version_interface_at(unsigned i);

/* The one called `id`, or NULL. */
const struct version_interface *version_interface_find(const char *id);

/*
 * Checks epoch, minor version, required interfaces, capabilities and isolation, in this order.
 * Fails with E_VERSION, or E_PLUGIN for an interface whose capability the manifest does not ask for
 * and for a plugin that must not run in this process.
 */
int version_check(const struct manifest *manifest, struct error *err);

#endif
