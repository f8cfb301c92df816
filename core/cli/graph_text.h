/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_GRAPH_TEXT_H
#define CORE_CLI_GRAPH_TEXT_H

/*
 * Graph text: a pipeline's graph as a tree for the eye, as Mermaid, and as DOT of Graphviz.
 *
 * Used by:  cmd_graph.
 * Uses:     model, terminal, graph_code.
 * Threads:  [main]
 */

#include <stdbool.h>

#include "core/base/str.h"

struct pipeline;

/*
 * Every node once, below the source that is furthest from the roots; its other sources are named
 * behind it.
 */
void graph_text_append_tree(const struct pipeline *pipeline, bool is_colored, struct strbuf *out);

/* A Mermaid flowchart, top down. */
void graph_text_append_mermaid(const struct pipeline *pipeline, struct strbuf *out);

/* A digraph of Graphviz's DOT language. */
void graph_text_append_dot(const struct pipeline *pipeline, struct strbuf *out);

#endif
