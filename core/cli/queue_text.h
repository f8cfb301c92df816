/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_QUEUE_TEXT_H
#define CORE_CLI_QUEUE_TEXT_H

/*
 * Queue text: one item of the retry queue, or dead letter, as people read it; queue_table has many.
 *
 * Used by:  cmd_dlq.
 * Uses:     job_text.
 * Threads:  [main]
 */

#include "core/cli/job_text.h"

/* One with its input and what it met. */
void queue_text_append_letter(const struct value *letter, struct job_text_style style,
                              struct strbuf *out);

#endif
