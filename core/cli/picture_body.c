/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/picture_body.h"

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/cli/body_text.h"
#include "core/cli/picture_box.h"
#include "core/cli/picture_twins.h"
#include "core/model/pipeline.h"

enum { MARK_SIZE = 14, CELL_SPACE = 12, LEAST_COLUMNS = 4, MOST_COLUMNS = 12 };

struct drawing {
    struct arena *arena;
    const struct pipeline *pipeline;
    const struct body *body;
    struct picture_body *bodies;
    struct picture_body *made;
    struct picture_twins twins;
    uint32_t *part_of; /* of each node of the body */
    uint32_t part_count;
    uint32_t edge_count;
};

/* ---- parts ---- */

static uint32_t columns_for(uint32_t count)
{
    uint32_t columns = LEAST_COLUMNS;
    while (columns < MOST_COLUMNS && columns * columns < count) {
        columns++;
    }
    return columns;
}

struct layout_point picture_body_place_of_many(const struct picture_part *part, uint32_t i)
{
    return (struct layout_point){
        CELL_SPACE + (int)(i % part->columns) * (PICTURE_CELL_WIDTH + CELL_SPACE),
        CELL_SPACE + (int)(i / part->columns) * (PICTURE_CELL_HEIGHT + CELL_SPACE),
    };
}

static void make_many(struct drawing *drawing, uint32_t local, struct picture_part *part)
{
    uint32_t count = drawing->twins.count[local];
    uint32_t columns = columns_for(count);
    uint32_t rows = (count + columns - 1) / columns;
    part->many = drawing->twins.nodes + drawing->twins.first[local];
    part->many_count = count;
    part->columns = columns;
    part->node = part->many[0];
    part->box = (struct picture_box){
        .look = LOOK_MANY,
        .width = (int)columns * (PICTURE_CELL_WIDTH + CELL_SPACE) + CELL_SPACE,
        .height = (int)rows * (PICTURE_CELL_HEIGHT + CELL_SPACE) + CELL_SPACE,
    };
    drawing->made->many_count += count;
}

static int make_node(struct drawing *drawing, uint32_t local, struct picture_part *part)
{
    uint32_t index = drawing->body->first_node + local;
    const struct node *node = &drawing->pipeline->nodes[index];
    part->node = index;
    if (node->own_body == 0) {
        return picture_box_of_node(drawing->arena, drawing->pipeline, index, &part->box);
    }
    const struct layout *inside = &drawing->bodies[node->own_body].layout;
    return picture_box_of_loop(drawing->arena, drawing->pipeline, index,
                               (int[]){inside->width, inside->height}, &part->box);
}

static int make_parts(struct drawing *drawing)
{
    struct picture_part *parts = drawing->made->parts;
    int status = 0;
    if (drawing->body->kind == BODY_STATES) {
        parts[drawing->part_count++] = (struct picture_part){
            .box = {.look = LOOK_MARK, .width = MARK_SIZE, .height = MARK_SIZE},
            .node = PIPELINE_NO_NODE,
        };
    }
    for (uint32_t i = 0; i < drawing->body->node_count && status == 0; i++) {
        uint32_t index = drawing->body->first_node + i;
        uint32_t first = drawing->twins.nodes[drawing->twins.first[i]];
        if (first != index) {
            drawing->part_of[i] = drawing->part_of[first - drawing->body->first_node];
            continue;
        }
        drawing->part_of[i] = drawing->part_count;
        struct picture_part *part = &parts[drawing->part_count++];
        if (drawing->twins.count[i] > 1) {
            make_many(drawing, i, part);
        } else {
            status = make_node(drawing, i, part);
        }
    }
    return status;
}

/* ---- edges ---- */

static uint32_t part_of(const struct drawing *drawing, uint32_t node)
{
    return drawing->part_of[node - drawing->body->first_node];
}

static void join(struct drawing *drawing, uint32_t source, uint32_t target)
{
    const struct picture_edge *edge = &drawing->made->edges[drawing->edge_count];
    drawing->made->layout.edges[drawing->edge_count++] = (struct layout_edge){
        .source = source,
        .target = target,
        .label_width = edge->label_width,
        .label_height = edge->label_width > 0 ? PICTURE_LINE_HEIGHT : 0,
    };
}

/* Of twins only the first is joined: the others' edges are the same. */
static bool is_first_twin(const struct drawing *drawing, uint32_t node)
{
    return drawing->twins.nodes[drawing->twins.first[node - drawing->body->first_node]] == node;
}

static int join_edges(struct drawing *drawing)
{
    const struct body *body = drawing->body;
    for (uint32_t i = body->first_edge; i < body->first_edge + body->edge_count; i++) {
        const struct edge *edge = &drawing->pipeline->edges[i];
        if (!is_first_twin(drawing, edge->source) || !is_first_twin(drawing, edge->target)) {
            continue;
        }
        if (picture_box_label_edge(drawing->arena, drawing->pipeline, i,
                                   &drawing->made->edges[drawing->edge_count]) != 0) {
            return E_NOMEM;
        }
        if (body_text_is_stream(drawing->pipeline, edge)) {
            drawing->made->edges[drawing->edge_count].way = WAY_STREAM;
        }
        join(drawing, part_of(drawing, edge->source), part_of(drawing, edge->target));
    }
    return 0;
}

static void join_streams(struct drawing *drawing)
{
    const struct body *body = drawing->body;
    for (uint32_t i = body->first_node; i < body->first_node + body->node_count; i++) {
        if (body_text_reads_stream_alone(drawing->pipeline, i)) {
            uint32_t source = drawing->pipeline->nodes[i].for_each->stream;
            drawing->made->edges[drawing->edge_count].way = WAY_STREAM;
            join(drawing, part_of(drawing, source), part_of(drawing, i));
        }
    }
}

static int join_ends_of(struct drawing *drawing, uint32_t node)
{
    const struct pipeline *pipeline = drawing->pipeline;
    for (uint32_t i = body_text_first_end(pipeline, node);
         i < pipeline->end_count && pipeline->ends[i].node == node; i++) {
        struct picture_part *part = &drawing->made->parts[drawing->part_count];
        struct picture_edge *edge = &drawing->made->edges[drawing->edge_count];
        part->node = PIPELINE_NO_NODE;
        int status = picture_box_of_end(drawing->arena, pipeline->ends[i].name, &part->box);
        if (status == 0) {
            status = picture_box_label(drawing->arena,
                                       pipeline->outcomes[pipeline->ends[i].outcome], edge);
        }
        if (status != 0) {
            return status;
        }
        join(drawing, part_of(drawing, node), drawing->part_count++);
    }
    return 0;
}

static int join_all(struct drawing *drawing)
{
    const struct body *body = drawing->body;
    if (body->kind == BODY_STATES && body->node_count > 0) {
        join(drawing, 0, part_of(drawing, body->initial));
    }
    int status = join_edges(drawing);
    join_streams(drawing);
    for (uint32_t i = 0; i < body->node_count && status == 0; i++) {
        status = join_ends_of(drawing, body->first_node + i);
    }
    return status;
}

/* ---- the whole body ---- */

static int make_room(struct drawing *drawing)
{
    const struct pipeline *pipeline = drawing->pipeline;
    const struct body *body = drawing->body;
    size_t ends = 0;
    for (uint32_t i = 0; i < body->node_count; i++) {
        uint32_t node = body->first_node + i;
        ends += body_text_first_end(pipeline, node + 1) - body_text_first_end(pipeline, node);
    }
    size_t parts = body->node_count + ends + 1;
    size_t edges = (size_t)body->edge_count + body->node_count + ends + 1;
    struct picture_body *made = drawing->made;
    made->parts = arena_calloc(drawing->arena, parts, sizeof(*made->parts));
    made->edges = arena_calloc(drawing->arena, edges, sizeof(*made->edges));
    made->layout.nodes = arena_calloc(drawing->arena, parts, sizeof(*made->layout.nodes));
    made->layout.edges = arena_calloc(drawing->arena, edges, sizeof(*made->layout.edges));
    drawing->part_of = arena_calloc(drawing->arena, parts, sizeof(*drawing->part_of));
    bool is_made = made->parts != NULL && made->edges != NULL && made->layout.nodes != NULL &&
                   made->layout.edges != NULL && drawing->part_of != NULL;
    return is_made ? 0 : E_NOMEM;
}

static int lay_out(struct drawing *drawing)
{
    struct picture_body *made = drawing->made;
    struct layout *layout = &made->layout;
    layout->node_count = drawing->part_count;
    layout->edge_count = drawing->edge_count;
    for (uint32_t i = 0; i < layout->node_count; i++) {
        layout->nodes[i].width = made->parts[i].box.width;
        layout->nodes[i].height = made->parts[i].box.height;
    }
    int status = graph_layout_run(drawing->arena, layout);
    if (status != 0) {
        return status;
    }
    for (uint32_t i = 0; i < layout->node_count; i++) {
        made->parts[i].box.x = layout->nodes[i].x;
        made->parts[i].box.y = layout->nodes[i].y;
    }
    for (uint32_t i = 0; i < layout->edge_count; i++) {
        made->edges[i].points = layout->points + layout->edges[i].first_point;
        made->edges[i].point_count = layout->edges[i].point_count;
        made->edges[i].label_x = layout->edges[i].label_x;
        made->edges[i].label_y = layout->edges[i].label_y;
    }
    return 0;
}

int picture_body_make(struct arena *arena, const struct pipeline *pipeline, uint32_t index,
                      struct picture_body *bodies)
{
    struct drawing drawing = {
        .arena = arena,
        .pipeline = pipeline,
        .body = &pipeline->bodies[index],
        .bodies = bodies,
        .made = &bodies[index],
    };
    int status = picture_twins_find(arena, pipeline, index, &drawing.twins);
    if (status == 0) {
        status = make_room(&drawing);
    }
    if (status == 0) {
        status = make_parts(&drawing);
    }
    if (status == 0) {
        status = join_all(&drawing);
    }
    return status != 0 ? status : lay_out(&drawing);
}
