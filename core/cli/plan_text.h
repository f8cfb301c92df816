/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_PLAN_TEXT_H
#define CORE_CLI_PLAN_TEXT_H

/*
 * Plan text: what a pipeline would do, without doing it.
 *
 * Used by:  cmd_plan.
 * Uses:     model, terminal.
 * Threads:  [main]
 */

#include <stdbool.h>

#include "core/base/str.h"

struct document;
struct error;
struct pipeline;

/* Step by step; the nodes of a step may run in parallel. */
void plan_text_append(const struct pipeline *pipeline, bool is_colored, struct strbuf *out);

/*
 * {workflow, version, node_count, steps: [[{id, type, after: [{node, outcome, when}], when, join,
 * timeout_seconds, on_error}]]}. `*out_document` is owned. Fails with E_NOMEM.
 */
int plan_build(const struct pipeline *pipeline, struct document **out_document, struct error *err);

#endif
