/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_LOGS_TEXT_H
#define CORE_CLI_LOGS_TEXT_H

/*
 * Logs text: a line that a node has logged, as people read it:
 *
 *     2027-01-15 07:59:30.000  warn  get  | slow server
 *
 * Used by:  cmd_logs.
 * Uses:     job_text.
 * Threads:  [main]
 */

#include "core/cli/job_text.h"

/* `row` is one of `logs` of GET /api/v1/jobs/{id}/logs. */
void logs_text_append(const struct value *row, struct job_text_style style, struct strbuf *out);

#endif
