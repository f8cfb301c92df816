/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_LAYOUT_H
#define CORE_MODEL_LAYOUT_H

/*
 * Layout: which number each node, edge, body and outcome of a pipeline has. Records of a run name
 * them by it, so a run may only go on with a pipeline of the layout that it was started with: one
 * that was loaded again by another version of the program, or with other plugins, may differ.
 *
 *     opstream 1.2.0, layout 1.5f0c9a...          the text `compiled_by` of a definition
 *
 * Used by:  cli, loop.
 * Uses:     pipeline, base (digest).
 * Threads:  [any]
 */

#include <stdbool.h>

#include "core/base/str.h"

struct pipeline;

/*
 * What the digest cannot see. Raise it when the engine begins to mean something else by the
 * numbers of the same pipeline.
 */
enum { LAYOUT_VERSION = 1 };

/*
 * Appends `compiled_by` for `pipeline` and all that were loaded together with it. `program` is
 * the program's name and version ("opstream 1.2.0").
 */
void layout_write(const struct pipeline *pipeline, const char *program, struct strbuf *out);

/* Whether two such texts, of whatever versions, mean the same layout. */
bool layout_is_same(struct str compiled_by, struct str other);

#endif
