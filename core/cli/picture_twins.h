/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_PICTURE_TWINS_H
#define CORE_CLI_PICTURE_TWINS_H

/*
 * Picture twins: nodes of a body that have the same neighbours both ways, under the same
 * conditions. Many of them are drawn as one box with rows, so that a hundred parallel nodes do not
 * become a picture that is a hundred nodes wide.
 *
 * Used by:  picture_body.
 * Uses:     model.
 * Threads:  [any]
 */

#include <stdint.h>

struct arena;
struct pipeline;

/* Fewer than this many stay boxes of their own. */
enum { PICTURE_TWINS_LEAST = 7 };

/* Nodes of a body, twins beside each other. */
struct picture_twins {
    uint32_t *nodes; /* node_count of them */
    uint32_t *first; /* of each node of the body: where the twins begin that it is one of */
    uint32_t *count; /* of each node of the body: how many they are; 1: it has none */
};

/* Lives in `arena`. Fails with E_NOMEM. */
int picture_twins_find(struct arena *arena, const struct pipeline *pipeline, uint32_t body,
                       struct picture_twins *out_twins);

#endif
