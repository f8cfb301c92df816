/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_PICTURE_BODY_H
#define CORE_CLI_PICTURE_BODY_H

/*
 * Picture body: one body of a pipeline, laid out: its boxes and edges in its own coordinates.
 *
 * Used by:  graph_picture.
 * Uses:     graph_layout, picture_box, picture_twins.
 * Threads:  [main]
 */

#include "core/cli/graph_picture.h"

/* One box of the layout. */
struct picture_part {
    struct picture_box box;
    uint32_t node;        /* PIPELINE_NO_NODE: a named end or a mark */
    const uint32_t *many; /* LOOK_MANY: the nodes in it, by rows */
    uint32_t many_count;
    uint32_t columns;
};

struct picture_body {
    struct layout layout;
    struct picture_part *parts;
    struct picture_edge *edges; /* as many as the layout has */
    uint32_t many_count;        /* nodes in boxes of LOOK_MANY */
};

/*
 * Lays out the body `index`. `bodies` are those of all, with the ones inside this one already laid
 * out. All of the result lives in `arena`. Fails with E_NOMEM.
 */
int picture_body_make(struct arena *arena, const struct pipeline *pipeline, uint32_t index,
                      struct picture_body *bodies);

/* The place of the i-th node of a box of LOOK_MANY, within it. */
struct layout_point picture_body_place_of_many(const struct picture_part *part, uint32_t i);

#endif
