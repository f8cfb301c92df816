/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_LIMITS_TEXT_H
#define CORE_CLI_LIMITS_TEXT_H

/*
 * Limits text: rate limits and permits as lines for people: who waits, and what is frozen.
 *
 * Used by:  cmd_limits.
 * Uses:     job_text.
 * Threads:  [main]
 */

#include "core/cli/job_text.h"

/* Appends an answer of /api/v1/limits; nothing when there is none. See strbuf_status(). */
void limits_text_append(const struct value *page, struct job_text_style style, struct strbuf *out);

#endif
