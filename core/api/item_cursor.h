/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_ITEM_CURSOR_H
#define CORE_API_ITEM_CURSOR_H

/*
 * Item cursor: where a page of the retry queue ends, as text that the next question brings back:
 * "high.1795356000000.17". What has come in front of it meanwhile is on no later page.
 *
 * Used by:  route_queue, item_live.
 * Uses:     journal (reading), model (queue_priority).
 * Threads:  [any]
 */

#include "core/base/str.h"

struct error;
struct journal_item_place;

enum { ITEM_CURSOR_SIZE = 56 };

void item_cursor_write(const struct journal_item_place *place, char out[ITEM_CURSOR_SIZE]);

/* `*out_place` stays when `text` is empty. Fails with E_INVALID. */
int item_cursor_read(struct str text, struct journal_item_place *out_place, struct error *err);

#endif
