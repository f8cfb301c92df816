/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_ITEM_LIVE_H
#define CORE_API_ITEM_LIVE_H

/*
 * Item live: what the engine does not let the items on a page of the retry queue start for. Nothing
 * of it is durable, so the list itself does not know: whether a breaker keeps a call away, and
 * until when.
 *
 * Used by:  control.
 * Uses:     item_filter, loop, journal (reading).
 * Threads:  [loop]
 */

#include <stdint.h>

struct loop;
struct query;
struct strbuf;

enum { ITEM_LIVE_MOST = 100 }; /* items that are asked about; of the others nothing is known */

/*
 * Appends {"NUMBER": {"waits": [...], "left_out": N}, ...}, see loop_append_waits(), for the first
 * items that the query leaves; nothing when nobody waits. A query that is wrong is the read's to
 * refuse.
 */
void item_live_append(struct loop *loop, const struct query *query, int64_t now_unix_ms,
                      struct strbuf *out);

#endif
