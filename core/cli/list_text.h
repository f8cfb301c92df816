/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_LIST_TEXT_H
#define CORE_CLI_LIST_TEXT_H

/*
 * List text: a page of runs as a table.
 *
 * Used by:  cmd_list.
 * Uses:     job_text.
 * Threads:  [main]
 */

#include "core/cli/job_text.h"

/*
 * A line of headings, and one for each run: short id, status, workflow, when it was started, what
 * it took so far, nodes done of all. Then how to see the next page, if there is one.
 */
void list_text_append(const struct value *page, struct job_text_style style, struct strbuf *out);

/* The table alone, of a list of jobs. */
void list_text_append_jobs(const struct value *jobs, struct job_text_style style,
                           struct strbuf *out);

#endif
