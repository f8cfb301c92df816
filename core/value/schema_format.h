/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_SCHEMA_FORMAT_H
#define CORE_VALUE_SCHEMA_FORMAT_H

/*
 * The formats that are asserted; every other name is an annotation.
 *
 * Used by:  schema_*.c.
 * Uses:     base.
 * Threads:  [any]
 */

#include <stdbool.h>

#include "core/base/str.h"

struct schema_format {
    const char *name;
    const char *what; /* "a date as in '2024-02-29'" */
    bool (*is_valid)(struct str text);
};

/* The format, static; NULL when `name` is not asserted. */
const struct schema_format *schema_format_find(struct str name);

#endif
