/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_CHILD_VALUES_H
#define CORE_HOST_CHILD_VALUES_H

/*
 * Child values: what a child process gets of values that a plugin has by handle, secrets among
 * them, which the plugin does not read. Those of secrets are in guarded memory until the child has
 * them.
 *
 * Used by:  service_process.c.
 * Uses:     scope, value (json), base (guarded).
 * Threads:  [any]; one at a time for each.
 */

#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "opstream/abi.h"

struct plugin;

struct child_values {
    struct child_text *texts; /* owned, newest first */
};

#define CHILD_VALUES_INIT ((struct child_values){0})

/* Clears what was made. */
void child_values_finish(struct child_values *values);

/*
 * The value `v` as a child reads it, with `begin` before it: a string as it is, null as nothing,
 * bytes as they are, all else as JSON with `json_end` behind it. `*out` lives until
 * child_values_finish() and has a NUL behind it. OPS_E_STALE, OPS_E_RESOURCE.
 */
ops_status child_values_add(struct child_values *values, struct plugin *plugin, ops_val v,
                            struct str begin, const char *json_end, struct str *out);

#endif
