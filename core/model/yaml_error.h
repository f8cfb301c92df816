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

#include "core/model/pipeline.h"

struct report;

/* Reports the parser's `problem` (found while doing `context`, may be NULL), and a cure. */
void yaml_error_report(const struct report *report, struct place place, const char *problem,
                       const char *context);

/*
 * Adds "quote the expression" to the last report when the source line of `place` has a bare `?`,
 * `{{`, or a comma within parentheses. True when it did.
 */
bool yaml_error_hint_quotes(const struct report *report, struct place place);

#endif
