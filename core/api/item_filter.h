/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_ITEM_FILTER_H
#define CORE_API_ITEM_FILTER_H

/*
 * Item filter: which items of the retry queue somebody means, by parameters or by the members of a
 * body that have the same names: workflow, node, code, older, newer, priority.
 *
 * Used by:  route_queue, control_items.
 * Uses:     query, journal (reading).
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/model/queue_priority.h"

struct error;
struct journal_item_filter;
struct query;
struct value;

/* Texts are borrowed from what is read. Fails with E_INVALID. */
int item_filter_read(const struct query *query, int64_t now_unix_ms,
                     struct journal_item_filter *out_filter, struct error *err);
/* A word: high, normal, low; an empty one: `*out_has` stays. Fails with E_INVALID. */
int item_filter_priority(struct str word, bool *out_has, enum queue_priority *out_priority,
                         struct error *err);

/* `map` may be NULL: all are meant. */
int item_filter_of_body(const struct value *map, int64_t now_unix_ms,
                        struct journal_item_filter *out_filter, struct error *err);

#endif
