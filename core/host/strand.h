/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_STRAND_H
#define CORE_HOST_STRAND_H

/*
 * Strand: calls into a plugin that never overlap and keep their order. Items run on the loop
 * thread, but while a blocking execute() runs on the job pool, the strand is busy and items wait.
 *
 * Used by:  host.
 * Uses:     mailbox.
 * Threads:  [loop]
 */

#include <stdbool.h>

#include "core/host/mailbox.h"

/* Embedded in its owner, which lives until it has run; in one strand at a time. */
struct strand_item {
    struct strand_item *next;
    void (*run)(struct strand_item *item);
};

struct strand;

/* Shared: strand_unref(). NULL when out of memory. [any] */
struct strand *strand_create(void);
struct strand *strand_ref(struct strand *strand);
void strand_unref(struct strand *strand);

/* Nothing runs and nothing waits: an item posted now runs before strand_post() returns. */
bool strand_is_idle(const struct strand *strand);

/* Runs `item->run(item)`: now if the strand is idle, else in its turn. */
void strand_post(struct strand *strand, struct strand_item *item);

/* From inside an item's run: the strand stays busy after it, until strand_resume(). */
void strand_block(struct strand *strand);

/* Runs what waits. */
void strand_resume(struct strand *strand);

#endif
