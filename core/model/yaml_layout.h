/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_YAML_LAYOUT_H
#define CORE_MODEL_YAML_LAYOUT_H

/*
 * What libyaml takes though it is no YAML, or reads otherwise than YAML 1.2: found in the source,
 * in and between the values. Comments without a blank before them, lines of one value that are not
 * indented, names of anchors that go on, '-' and '?' as text.
 *
 * Values come in the order of the text, and each byte is looked at once: an index behind which the
 * cursor is already is ignored. Only the first fault counts.
 *
 * Used by:  yaml_tree.
 * Uses:     cursor, report.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/model/cursor.h"

struct report;

struct yaml_layout_fault {
    size_t offset;       /* bytes */
    const char *message; /* NULL: there is none */
    const char *hint;    /* NULL: to indent by `indent` */
    uint32_t indent;
    bool is_cause; /* of what libyaml says further on */
};

struct yaml_layout {
    const struct report *report; /* kept */
    struct cursor cursor;        /* behind what was looked at */
    struct yaml_layout_fault fault;
};

/* Where a value stands. */
struct yaml_surroundings {
    uint32_t indent; /* blanks that a line needs to go on with the value */
    bool is_flow;    /* within [] or {} */
};

enum yaml_source { YAML_SOURCE_PLAIN, YAML_SOURCE_QUOTED, YAML_SOURCE_BLOCK };

/* Looks at what lies before the character `index`: white space, comments, indicators. */
void yaml_layout_gap(struct yaml_layout *layout, size_t index,
                     const struct yaml_surroundings *around);

/* Looks at the anchor, tag or alias at the cursor, if one is, and moves behind it. */
void yaml_layout_properties(struct yaml_layout *layout, size_t index,
                            const struct yaml_surroundings *around);

/* Looks at a scalar that begins at the cursor and ends before the character `index`. */
void yaml_layout_scalar(struct yaml_layout *layout, size_t index, enum yaml_source source,
                        const struct yaml_surroundings *around);

/* Reports the fault and returns E_INVALID; 0 when there is none. */
int yaml_layout_report(const struct yaml_layout *layout);

#endif
