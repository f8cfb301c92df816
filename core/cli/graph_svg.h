/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_GRAPH_SVG_H
#define CORE_CLI_GRAPH_SVG_H

/*
 * Graph SVG: a pipeline drawn as a picture, one SVG document that stands for itself: no scripts,
 * nothing from elsewhere, colours for light and dark.
 *
 * Used by:  cmd_graph.
 * Uses:     graph_picture.
 * Threads:  [main]
 */

#include "core/base/str.h"

struct pipeline;

/* Appends the document. `out` fails when memory is out. */
void graph_svg_append(const struct pipeline *pipeline, struct strbuf *out);

#endif
