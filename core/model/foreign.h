/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_FOREIGN_H
#define CORE_MODEL_FOREIGN_H

/*
 * Foreign: files that are clearly something else than a pipeline. One line says so, instead of
 * many about each of their keys.
 *
 * Used by:  definition.
 * Uses:     tree, report.
 * Threads:  [any]
 */

#include <stdbool.h>

struct report;
struct tree;

/* Whether the text is a diagram (mermaid, dot), which is then reported. */
bool foreign_is_diagram(const struct report *report);

/*
 * Whether the map has nothing that a pipeline is known by (a name, a body) but keys that no
 * pipeline has, as a file of settings; then that is reported.
 */
bool foreign_is_settings(const struct report *report, const struct tree *map);

#endif
