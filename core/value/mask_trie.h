/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_MASK_TRIE_H
#define CORE_VALUE_MASK_TRIE_H

/*
 * The inside of a mask, for its files alone: mask.c makes it, mask_scan.c reads it.
 *
 * A trie of all forms of all texts. `fail` leads from a node to the one for the longest proper
 * suffix that is in the trie too, so that a scan never goes back in what it reads.
 *
 * Used by:  mask, mask_scan.
 * Uses:     base.
 * Threads:  [any]; never changes once it is made.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/value/mask.h"

struct mask_node {
    uint32_t child;   /* the first; 0: none */
    uint32_t sibling; /* the next one of the same parent; 0: none */
    uint32_t fail;
    uint32_t match; /* bytes of the longest form that ends here; 0: none does */
    uint32_t part;  /* of the longest start of one that ends here and is most of it; 0: none */
    uint8_t byte;
};

struct mask {
    struct mask_node *nodes; /* the root first */
    size_t node_count;
    size_t node_cap;
    uint32_t root[256]; /* children of the root */
    uint32_t longest;   /* bytes of the longest form */
    bool has_space;     /* in one of the texts */
    bool has_number;    /* one of the texts reads like a number */
};

/* The child of `node` for `byte`, or 0. */
static inline uint32_t mask_trie_child(const struct mask *mask, uint32_t node, uint8_t byte)
{
    if (node == 0) {
        return mask->root[byte];
    }
    uint32_t child = mask->nodes[node].child;
    while (child != 0 && mask->nodes[child].byte != byte) {
        child = mask->nodes[child].sibling;
    }
    return child;
}

/* Where a scan is after one more byte. */
static inline uint32_t mask_trie_step(const struct mask *mask, uint32_t node, uint8_t byte)
{
    uint32_t next = mask_trie_child(mask, node, byte);
    while (next == 0 && node != 0) {
        node = mask->nodes[node].fail;
        next = mask_trie_child(mask, node, byte);
    }
    return next;
}

#endif
