/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_SETTINGS_H
#define CORE_MODEL_SETTINGS_H

/*
 * Settings: the file opstream.yaml, which says what holds for all pipelines of a machine.
 *
 *     config: {channel: "#ops"}     # constants; those of a pipeline are over them
 *
 * Used by:  top, cli.
 * Uses:     tree, format, value.
 * Threads:  [any]
 */

#include "core/base/str.h"

struct diagnostics;
struct document;
struct error;

/*
 * Reads `text` (borrowed), which stands in `file` (NUL-terminated, kept by `diagnostics`), and adds
 * everything that is wrong to `diagnostics`. `*out_config` is a map, owned: document_unref().
 * Fails with E_INVALID when there are errors, E_NOMEM.
 */
int settings_read(struct str text, const char *file, struct diagnostics *diagnostics,
                  struct document **out_config, struct error *err);

/* The members of `site`, which may be NULL, that `own` does not have, and those of `own`; both are
 * maps. Owned: document_unref(). Fails with E_NOMEM. */
int settings_merge(const struct document *own, const struct document *site,
                   struct document **out_both);

#endif
