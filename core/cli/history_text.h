/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_HISTORY_TEXT_H
#define CORE_CLI_HISTORY_TEXT_H

/*
 * History text: a record of the journal, as people read it: when, what happened, to what, and why.
 *
 *     2027-01-15 07:59:31.000  node failed     get  attempt 2  HTTP: 500 from the server
 *
 * Used by:  cmd_history.
 * Uses:     job_text.
 * Threads:  [main]
 */

#include "core/cli/job_text.h"

/* `row` is one of `history` of GET /api/v1/jobs/{id}/history. */
void history_text_append(const struct value *row, struct job_text_style style, struct strbuf *out);

/* One line for what somebody did, of an audit row. */
void history_text_append_audit(const struct value *row, struct job_text_style style,
                               struct strbuf *out);

#endif
