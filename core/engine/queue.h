/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_QUEUE_H
#define CORE_ENGINE_QUEUE_H

/*
 * Queue: calls that an open breaker kept away, of nodes with `on_open: queue`. The node completes
 * at once, and an item of the queue makes the call later: a run of its own, which nobody called, of
 * the one node (see core/model/queue_item.h). Its id is that of the run and the path of the node,
 * so that the key of the call is the same whoever makes it. An item that gets no further is dead:
 * its node waits for a person, who has it tried again, says what it gave, or fails it.
 *
 * Used by:  refusal, attempts, recover, key, engine; loop and api (ids).
 * Uses:     decision.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

struct decision;
struct document;
struct record;
struct run;

/* It delivers a call of another run's node. */
bool queue_is_item(const struct run *run);

/* The run and the path that an item's id is made of; without a '/' in it, the id and nothing. */
void queue_split_id(struct str id, struct str *out_run, struct str *out_path);

/* "notify" of `workflow`, an item's own, like "sync/notify" or "sync/notify@7", in `queued_by`. */
struct str queue_item_node(struct str workflow, struct str queued_by);

/* A node whose call was refused: EFFECT_QUEUE and its end, or its failure. */
void queue_put(const struct decision *d, uint32_t node);

/* Whether the end of a node is that of one whose call went to the queue. */
bool queue_was_put(const struct run *run, const struct record *end);

/* The node of an item, whose attempt has failed, waits for a person. */
void queue_bury(const struct decision *d, uint32_t node, const struct document *failure);

/* The same for the node whose task the process has ended with too often; others stay as they are.
 */
void queue_abandon(const struct decision *d, const struct document *failure);

#endif
