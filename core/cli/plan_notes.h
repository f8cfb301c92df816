/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_PLAN_NOTES_H
#define CORE_CLI_PLAN_NOTES_H

/*
 * Plan notes: what a plan says of one node: after what it runs, what may keep it from running,
 * what it decides, how often and how long it runs, and what undoes it.
 *
 * Used by:  plan_text.
 * Uses:     model, expr, terminal, body_text.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

struct pipeline;

/* "after a, b (true); skipped unless x > 1; at most 30 s"; plan_sure_find() tells `is_sure`. */
void plan_notes_append(const struct pipeline *pipeline, uint32_t node, bool is_sure,
                       struct strbuf *out);

#endif
