/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_TASK_FAILURE_H
#define CORE_HOST_TASK_FAILURE_H

/*
 * Failure: how a task failed, as the document that `struct host_events` describes.
 *
 * Used by:  host.
 * Uses:     value.
 * Threads:  [any]
 */

#include <stdbool.h>

#include "core/base/str.h"
#include "opstream/abi.h"

struct document;
struct plugin;

/* "TIMEOUT" for OPS_E_TIMEOUT; "INTERNAL" for a number that is no code; static. */
const char *task_failure_code_name(ops_status code);

/* The other way round; OPS_E_INTERNAL for what is no name. */
ops_status task_failure_code_from_name(const char *name);

/* Owned; NULL when out of memory. `hint` may be empty. */
const struct document *task_failure_create(ops_status code, struct str message, struct str hint);

/*
 * What a plugin gave to fail(): NULL, odd sizes, unknown codes and broken texts are made good or
 * become INTERNAL. Owned; NULL when out of memory.
 */
const struct document *task_failure_from_plugin(struct plugin *plugin, const ops_error *error);

/*
 * `*out` becomes what the plugin gave, as far as both sides know it, with the rest zero. False: its
 * size is impossible.
 */
bool task_failure_read(const ops_error *error, ops_error *out);

/* Appends a plugin's text as far as it can be shown: bytes that are not UTF-8 become U+FFFD. */
void task_failure_append_text(struct strbuf *out, ops_str text);

/* Fills what a plugin gave to be filled (`err` may be NULL): `message` and `hint` are kept. */
void task_failure_fill(ops_error *err, ops_status code, ops_str message, ops_str hint);

#endif
