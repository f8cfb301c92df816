/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_ITEM_WRITE_H
#define CORE_API_ITEM_WRITE_H

/*
 * Item write: an item of the retry queue, or a dead letter, as clients read it (JOBS.md).
 *
 * Used by:  route_queue, route_letter, job_queued.
 * Uses:     journal (reading), value.
 * Threads:  [any]
 */

struct builder;
struct journal_item;

/* Its state, as JOBS.md has it; static. */
const char *item_write_state(const struct journal_item *item);

/* The members of its map, which is begun and not ended. */
void item_write_members(struct builder *b, const struct journal_item *item);

#endif
