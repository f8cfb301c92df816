/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_SOURCE_H
#define CORE_MODEL_SOURCE_H

/*
 * Whether bytes are text that a reader may see: size, encoding, characters.
 *
 * YAML is stricter than JSON: libyaml ends lines at characters where YAML 1.2 has no end, so these
 * may only be written as escapes; and lines end with LF or CR LF, so that all places agree.
 *
 * Used by:  definition, settings, data_text, cli, tests.
 * Uses:     report, tree.
 * Threads:  [any]
 */

#include <stdbool.h>

#include "core/base/str.h"

struct report;

enum source_language { SOURCE_YAML, SOURCE_JSON };

/* Reports the first fault of the report's source and returns E_INVALID; 0 when there is none. */
int source_check(const struct report *report, enum source_language language);

/* In which language the file is, by its name, else by how the text begins. */
bool source_is_json(struct str file, struct str text);

/* Whether YAML has nothing but comments: libyaml finds no document there. */
bool source_is_empty(struct str text);

#endif
