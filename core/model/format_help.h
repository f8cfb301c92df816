/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_FORMAT_HELP_H
#define CORE_MODEL_FORMAT_HELP_H

/*
 * Format help: what the keys of format.h mean, for editors and for people, and what their values
 * look like where the kind of a key says too little.
 *
 * Used by:  format_schema.
 * Uses:     format.
 * Threads:  [any]; the tables are constant.
 */

#include "core/base/str.h"

struct format_key;

struct format_help {
    struct str name;
    const char *text; /* one sentence, without a period; NULL: other definitions say all of it */
    /*
     * Members of a JSON Schema, as the text of an object, or NULL. Those that say a shape (type,
     * $ref, anyOf, enum) stand in place of what the kind says; others, as a default, beside it.
     */
    const char *schema;
};

/* The help for `key` of `table`, or NULL. */
const struct format_help *format_help_find(const struct format_key *table, struct str key);

#endif
