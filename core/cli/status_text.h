/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_STATUS_TEXT_H
#define CORE_CLI_STATUS_TEXT_H

/*
 * Status text: one run on a screen: how far it is and what it waits for, its nodes, child runs, who
 * did what, how it ended.
 *
 * Used by:  cmd_status.
 * Uses:     job_text, value_text.
 * Threads:  [main]
 */

#include "core/cli/job_text.h"

enum {
    STATUS_TEXT_STEPS_MOST = 100, /* nodes; of more the last ones, and those that failed inside */
    STATUS_TEXT_LINES_MOST = 20,  /* of child runs, waits, audit */
};

/* `job` is the document of GET /api/v1/jobs/{id}. */
void status_text_append(const struct value *job, struct job_text_style style, struct strbuf *out);

/* "[=====>    ]", `columns` wide; `fraction` is brought into 0 to 1. */
void status_text_append_bar(double fraction, unsigned columns, struct strbuf *out);

#endif
