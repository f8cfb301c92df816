/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_YAML_ERROR_H
#define CORE_MODEL_YAML_ERROR_H

/*
 * What a YAML parser found wrong, in words that say what to do.
 *
 * Used by:  yaml_tree, format.
 * Uses:     report.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/model/pipeline.h"

struct report;
struct tree;

/* What the document had come to when the parser failed. */
enum yaml_behind {
    YAML_BEHIND_VALUE, /* within it, or directly behind its value */
    YAML_BEHIND_BLOCK, /* its value is text of '|' or '>' */
    YAML_BEHIND_END,   /* '...' has ended it */
};

struct yaml_failure {
    struct place place;
    size_t offset;           /* of the place */
    const char *problem;     /* as libyaml says it */
    const char *context;     /* while doing what; may be NULL */
    const struct tree *open; /* the bracket that is open; NULL: none */
    bool is_parted;          /* the last scalar began on a line before the place */
    bool is_long;            /* what should be a key is longer than keys may be */
    enum yaml_behind behind;
};

/* Reports what the parser has found, and a cure. */
void yaml_error_report(const struct report *report, const struct yaml_failure *failure);

/*
 * Adds "quote the expression" to the last report when the source line of `tree` has a bare `?`,
 * `{{`, or a comma within parentheses. True when it did.
 */
bool yaml_error_hint_quotes(const struct report *report, const struct tree *tree);

#endif
