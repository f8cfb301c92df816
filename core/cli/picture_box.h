/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_PICTURE_BOX_H
#define CORE_CLI_PICTURE_BOX_H

/*
 * Picture box: the texts of boxes, frames and labels, cut to what fits, and the sizes that follow
 * from them.
 *
 * Used by:  graph_picture, picture_body, graph_svg.
 * Uses:     glyph_width, body_text, model.
 * Threads:  [main]
 */

#include "core/cli/graph_picture.h"

enum {
    PICTURE_NAME_SIZE = 13, /* of letters, in pixels */
    PICTURE_TYPE_SIZE = 11,
    PICTURE_LINE_HEIGHT = 16,
    PICTURE_TITLE_HEIGHT = 22, /* above the body of a frame */
    PICTURE_PADDING = 20,      /* around it */
    PICTURE_CELL_WIDTH = 150,  /* of one node among many */
    PICTURE_CELL_HEIGHT = 50,
};

/* All of these fail with E_NOMEM; texts live in `arena`. */
int picture_box_of_node(struct arena *arena, const struct pipeline *pipeline, uint32_t node,
                        struct picture_box *out_box);

/* A node among many: its name and its type, PICTURE_CELL_WIDTH x PICTURE_CELL_HEIGHT. */
int picture_box_of_cell(struct arena *arena, const struct pipeline *pipeline, uint32_t node,
                        struct picture_box *out_box);

/* A frame around `width` x `height`. */
int picture_box_of_loop(struct arena *arena, const struct pipeline *pipeline, uint32_t node,
                        const int size[2], struct picture_box *out_box);
int picture_box_of_ending(struct arena *arena, const struct pipeline *pipeline, uint32_t body,
                          const int size[2], struct picture_box *out_box);

int picture_box_of_end(struct arena *arena, struct str name, struct picture_box *out_box);

/* A label with `text` for an edge. */
int picture_box_label(struct arena *arena, struct str text, struct picture_edge *out_edge);

/* The label and the look of an edge; no label for one that says nothing. */
int picture_box_label_edge(struct arena *arena, const struct pipeline *pipeline, uint32_t edge,
                           struct picture_edge *out_edge);

/* Cuts `text` to `pixels`; `*out` lives in `arena`. */
int picture_box_cut(struct arena *arena, struct str text, enum picture_text look, int pixels,
                    struct picture_line *out);

#endif
