/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_EDGE_SET_H
#define CORE_ENGINE_EDGE_SET_H

/*
 * Edge set: which of a node's out edges are taken. Nearly all nodes have few, so the first 64
 * need no memory of their own.
 *
 * Used by:  record, apply, decision, states, journal.
 * Uses:     base.
 * Threads:  [any]; one set belongs to one thread at a time.
 */

#include <stdbool.h>
#include <stdint.h>

struct edge_set {
    uint32_t count; /* of the node's out edges; 0: nothing was decided */
    uint64_t first; /* bit i: edge i is taken */
    uint64_t *more; /* those from 64 on; owned, NULL when there are none */
};

#define EDGE_SET_INIT ((struct edge_set){0})

/* An empty set over `count` edges. 0 or E_NOMEM. Ended by edge_set_finish(). */
int edge_set_init(struct edge_set *set, uint32_t count);
void edge_set_finish(struct edge_set *set);

/* `*out` is a set of its own. 0 or E_NOMEM. */
int edge_set_copy(const struct edge_set *set, struct edge_set *out);

/* `edge` is below the count. */
void edge_set_put(struct edge_set *set, uint32_t edge, bool is_taken);

static inline bool edge_set_has(const struct edge_set *set, uint32_t edge)
{
    if (edge >= set->count) {
        return false;
    }
    uint64_t word = edge < 64 ? set->first : set->more[edge / 64 - 1];
    return (word >> (edge % 64) & 1) != 0;
}

#endif
