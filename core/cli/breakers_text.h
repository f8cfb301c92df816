/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_BREAKERS_TEXT_H
#define CORE_CLI_BREAKERS_TEXT_H

/*
 * Breakers text: a page of circuit breakers as a table.
 *
 * Used by:  cmd_breakers.
 * Uses:     job_text.
 * Threads:  [main]
 */

#include "core/cli/job_text.h"

/*
 * A line of headings, and one for each breaker: state, since when, when a call is let through next,
 * scope. Then how to see the next page, if there is one. Nothing for no breakers.
 */
void breakers_text_append(const struct value *page, int64_t now_unix_ms,
                          struct job_text_style style, struct strbuf *out);

#endif
