/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_GRAPH_PICTURE_H
#define CORE_CLI_GRAPH_PICTURE_H

/*
 * Graph picture: a pipeline as boxes and lines with coordinates and texts that fit: what a drawing
 * needs to know, whatever it is drawn with. Each body is laid out for itself; a loop or a group is
 * a frame around its body.
 *
 * Used by:  graph_svg; picture_body, picture_box and what they call.
 * Uses:     graph_layout, picture_box, picture_body, model.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/cli/graph_layout.h"

struct arena;
struct pipeline;

enum picture_look {
    LOOK_START,
    LOOK_ENGINE,
    LOOK_CHOICE, /* conditional, router */
    LOOK_WAIT,
    LOOK_FAIL,
    LOOK_PLUGIN,
    LOOK_WORKFLOW,
    LOOK_END,  /* a named end */
    LOOK_MARK, /* where a state machine begins */
    LOOK_LOOP, /* frames */
    LOOK_GROUP,
    LOOK_ENDING, /* on_failure and the like */
    LOOK_MANY,   /* nodes beside each other that have the same neighbours */
};

enum picture_text {
    TEXT_NAME,
    TEXT_TYPE,
    TEXT_CONDITION,
    TEXT_RISK,
};

struct picture_line {
    struct str text; /* with ... when it was cut */
    enum picture_text look;
};

enum { PICTURE_LINES = 5 };

struct picture_box {
    enum picture_look look;
    int x;
    int y;
    int width;
    int height;
    struct picture_line lines[PICTURE_LINES];
    uint32_t line_count;
    struct str hint;   /* all of it, uncut */
    bool is_last;      /* a state that ends the run */
    bool is_milestone; /* drawn heavier */
};

enum picture_way {
    WAY_PLAIN,
    WAY_ERROR,
    WAY_STREAM, /* items, one by one */
};

/* `points` as graph_layout.h says, from (x, y) on. */
struct picture_edge {
    enum picture_way way;
    const struct layout_point *points;
    uint32_t point_count;
    int x;
    int y;
    struct picture_line label; /* empty: none */
    int label_width;
    int label_x; /* of its middle */
    int label_y;
    struct str hint;
};

struct picture {
    struct picture_box *frames; /* the outer ones first */
    uint32_t frame_count;
    struct picture_box *boxes;
    uint32_t box_count;
    struct picture_edge *edges;
    uint32_t edge_count;
    int width;
    int height;
};

/* Everything in `out_picture` lives in `arena`. Fails with E_NOMEM. */
int graph_picture_make(struct arena *arena, const struct pipeline *pipeline,
                       struct picture *out_picture);

#endif
