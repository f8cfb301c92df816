/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies are laid out from the innermost to the outermost, so that a frame knows its size; then
 * they are put in place from the outermost inwards. Endings stand below the root's body.
 */
#include "core/cli/graph_picture.h"

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/cli/body_text.h"
#include "core/cli/picture_body.h"
#include "core/cli/picture_box.h"
#include "core/model/pipeline.h"

enum { MARGIN = 24, ENDING_SPACE = 32 };

struct placed {
    uint32_t body;
    int x;
    int y;
};

struct composing {
    struct arena *arena;
    const struct pipeline *pipeline;
    struct picture_body *bodies;
    struct placed *stack; /* bodies that have a place and are still to be put there */
    uint32_t depth;
    struct picture *picture;
};

/* ---- sizes ---- */

static uint32_t depth_of(const struct pipeline *pipeline, uint32_t body)
{
    uint32_t depth = 0;
    for (uint32_t owner = pipeline->bodies[body].owner; owner != PIPELINE_NO_NODE;
         owner = pipeline->bodies[pipeline->nodes[owner].body].owner) {
        depth++;
    }
    return depth;
}

static int lay_out_bodies(struct composing *work)
{
    const struct pipeline *pipeline = work->pipeline;
    uint32_t deepest = 0;
    for (uint32_t i = 0; i < pipeline->body_count; i++) {
        uint32_t depth = depth_of(pipeline, i);
        deepest = depth > deepest ? depth : deepest;
    }
    for (uint32_t depth = deepest + 1; depth-- > 0;) {
        for (uint32_t i = 0; i < pipeline->body_count; i++) {
            if (depth_of(pipeline, i) != depth || !body_text_is_drawn(pipeline, i)) {
                continue;
            }
            int status = picture_body_make(work->arena, pipeline, i, work->bodies);
            if (status != 0) {
                return status;
            }
        }
    }
    return 0;
}

/* ---- places ---- */

static int make_room(struct composing *work)
{
    const struct pipeline *pipeline = work->pipeline;
    struct picture *picture = work->picture;
    size_t frames = BODY_ENDINGS + 1;
    size_t boxes = 1;
    size_t edges = 1;
    for (uint32_t i = 0; i < pipeline->body_count; i++) {
        const struct picture_body *body = &work->bodies[i];
        frames += body->layout.node_count;
        boxes += (size_t)body->layout.node_count + body->many_count;
        edges += body->layout.edge_count;
    }
    picture->frames = arena_calloc(work->arena, frames, sizeof(*picture->frames));
    picture->boxes = arena_calloc(work->arena, boxes, sizeof(*picture->boxes));
    picture->edges = arena_calloc(work->arena, edges, sizeof(*picture->edges));
    work->stack = arena_calloc(work->arena, (size_t)pipeline->body_count + 1, sizeof(*work->stack));
    bool is_made = picture->frames != NULL && picture->boxes != NULL && picture->edges != NULL &&
                   work->stack != NULL;
    return is_made ? 0 : E_NOMEM;
}

static int put_many(struct composing *work, const struct picture_part *part, int x, int y)
{
    for (uint32_t i = 0; i < part->many_count; i++) {
        struct picture_box *box = &work->picture->boxes[work->picture->box_count++];
        struct layout_point place = picture_body_place_of_many(part, i);
        if (picture_box_of_cell(work->arena, work->pipeline, part->many[i], box) != 0) {
            return E_NOMEM;
        }
        box->x = x + place.x;
        box->y = y + place.y;
    }
    return 0;
}

/* The body inside a frame begins below its title, in the middle. */
static void push_inside(struct composing *work, const struct picture_box *frame, uint32_t body)
{
    const struct layout *inside = &work->bodies[body].layout;
    work->stack[work->depth++] = (struct placed){
        .body = body,
        .x = frame->x + (frame->width - inside->width) / 2,
        .y = frame->y + frame->height - PICTURE_PADDING - inside->height,
    };
}

static int put_part(struct composing *work, const struct picture_part *part, int x, int y)
{
    struct picture *picture = work->picture;
    bool is_frame = part->box.look >= LOOK_LOOP;
    struct picture_box *box = is_frame ? &picture->frames[picture->frame_count++]
                                       : &picture->boxes[picture->box_count++];
    *box = part->box;
    box->x += x;
    box->y += y;
    if (part->box.look == LOOK_MANY) {
        return put_many(work, part, box->x, box->y);
    }
    if (is_frame) {
        push_inside(work, box, work->pipeline->nodes[part->node].own_body);
    }
    return 0;
}

static int put_body(struct composing *work, struct placed placed)
{
    const struct picture_body *body = &work->bodies[placed.body];
    for (uint32_t i = 0; i < body->layout.edge_count; i++) {
        struct picture_edge *edge = &work->picture->edges[work->picture->edge_count++];
        *edge = body->edges[i];
        edge->x = placed.x;
        edge->y = placed.y;
        edge->label_x += placed.x;
        edge->label_y += placed.y;
    }
    int status = 0;
    for (uint32_t i = 0; i < body->layout.node_count && status == 0; i++) {
        status = put_part(work, &body->parts[i], placed.x, placed.y);
    }
    return status;
}

static int put_pushed(struct composing *work)
{
    int status = 0;
    while (work->depth > 0 && status == 0) {
        status = put_body(work, work->stack[--work->depth]);
    }
    return status;
}

static void grow(struct picture *picture, int right, int bottom)
{
    picture->width = right > picture->width ? right : picture->width;
    picture->height = bottom > picture->height ? bottom : picture->height;
}

/* In rows below the root's body, as wide as that or as a screen. */
static int put_endings(struct composing *work)
{
    enum { SCREEN = 1100 };
    uint32_t endings[BODY_ENDINGS];
    uint32_t count = body_text_endings(work->pipeline, endings);
    struct picture *picture = work->picture;
    int most = picture->width > SCREEN ? picture->width : SCREEN;
    int x = MARGIN;
    int y = picture->height + ENDING_SPACE;
    int status = 0;
    for (uint32_t i = 0; i < count && status == 0; i++) {
        struct picture_box *frame = &picture->frames[picture->frame_count++];
        const struct layout *inside = &work->bodies[endings[i]].layout;
        if (picture_box_of_ending(work->arena, work->pipeline, endings[i],
                                  (int[]){inside->width, inside->height}, frame) != 0) {
            return E_NOMEM;
        }
        if (x > MARGIN && x + frame->width > most) {
            x = MARGIN;
            y = picture->height + ENDING_SPACE;
        }
        frame->x = x;
        frame->y = y;
        x += frame->width + ENDING_SPACE;
        grow(picture, frame->x + frame->width, frame->y + frame->height);
        push_inside(work, frame, endings[i]);
        status = put_pushed(work);
    }
    return status;
}

int graph_picture_make(struct arena *arena, const struct pipeline *pipeline,
                       struct picture *out_picture)
{
    *out_picture = (struct picture){0};
    struct composing work = {
        .arena = arena,
        .pipeline = pipeline,
        .bodies = arena_calloc(arena, (size_t)pipeline->body_count + 1, sizeof(*work.bodies)),
        .picture = out_picture,
    };
    int status = work.bodies != NULL ? lay_out_bodies(&work) : E_NOMEM;
    if (status == 0) {
        status = make_room(&work);
    }
    if (status != 0) {
        return status;
    }
    const struct layout *root = &work.bodies[0].layout;
    work.stack[work.depth++] = (struct placed){0, MARGIN, MARGIN};
    grow(out_picture, MARGIN + root->width, MARGIN + root->height);
    status = put_pushed(&work);
    if (status == 0) {
        status = put_endings(&work);
    }
    out_picture->width += MARGIN;
    out_picture->height += MARGIN;
    return status;
}
