/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_PLAN_TEXT_H
#define CORE_CLI_PLAN_TEXT_H

/*
 * Plan text: what a pipeline would do, without doing it, as a table for people.
 *
 * Used by:  cmd_plan.
 * Uses:     model, terminal, plan_rows, plan_sure, plan_notes.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"
#include "core/cli/plan_policies.h"

struct pipeline;

struct plan_style {
    bool is_colored;
    size_t columns; /* lines are not longer, as far as words allow */
    enum plan_detail detail;
};

/* The pipeline's bodies and endings; then, once each, the pipelines that it runs. */
void plan_text_append(const struct pipeline *pipeline, struct plan_style style, struct strbuf *out);

#endif
