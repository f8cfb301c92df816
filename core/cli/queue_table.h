/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_QUEUE_TABLE_H
#define CORE_CLI_QUEUE_TABLE_H

/*
 * Queue table: items of the retry queue and dead letters, one in a line. On a terminal that is
 * narrow its columns are: what people do not type is cut, or left out; ids never.
 *
 * Used by:  item_pages.
 * Uses:     job_text.
 * Threads:  [main]
 */

#include "core/cli/job_text.h"

/*
 * A line of headings, one for each item, and how to see the next page. Nothing for an empty page.
 * `now_unix_ms`: times to come are said as how long it is until then.
 */
void queue_table_append(const struct value *page, int64_t now_unix_ms, struct job_text_style style,
                        struct strbuf *out);

/* "in 42 s", "breaker, 42 s", "now": when an item is tried next; "-": nobody can say. */
void queue_table_append_next(const struct value *item, bool has_engine, int64_t now_unix_ms,
                             struct strbuf *out);

#endif
