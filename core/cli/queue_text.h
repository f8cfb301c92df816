/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_QUEUE_TEXT_H
#define CORE_CLI_QUEUE_TEXT_H

/*
 * Queue text: items of the retry queue and dead letters, as people read them.
 *
 * Used by:  cmd_queue, cmd_dlq.
 * Uses:     job_text.
 * Threads:  [main]
 */

#include "core/cli/job_text.h"

/* A line of headings, one for each item, and how to see the next page. Nothing for an empty page.
 */
void queue_text_append(const struct value *page, struct job_text_style style, struct strbuf *out);

/* One with its input and what it met. */
void queue_text_append_letter(const struct value *letter, struct job_text_style style,
                              struct strbuf *out);

#endif
