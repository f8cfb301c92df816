/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_OVERVIEW_TEXT_H
#define CORE_CLI_OVERVIEW_TEXT_H

/*
 * Overview text: the engine at a glance, as GET /api/v1/status tells it.
 *
 * Used by:  cmd_status.
 * Uses:     job_text.
 * Threads:  [any]
 */

#include "core/base/str.h"
#include "core/cli/job_text.h"

struct value;

/* What is empty has no line, but for the engine, the runs and the queue. */
void overview_text_append(const struct value *status, int64_t now_unix_ms,
                          struct job_text_style style, struct strbuf *out);

#endif
