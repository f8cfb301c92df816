/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/picture_box.h"

#include "core/base/arena.h"
#include "core/base/check.h"
#include "core/base/error.h"
#include "core/cli/body_text.h"
#include "core/cli/glyph_width.h"
#include "core/cli/terminal.h"
#include "core/expr/expr.h"
#include "core/model/catalogue.h"
#include "core/model/pipeline.h"

enum {
    MOST_TEXT = 210, /* pixels of a line in a box */
    MOST_LABEL = 150,
    MOST_TITLE = 520,
    LEAST_WIDTH = 84,
    LEAST_FRAME = 150,
    SIDE = 14, /* between text and border */
    TOP = 9,
};

static enum picture_look look_of(const struct node *node)
{
    switch (node->kind) {
    case NODE_START:
        return LOOK_START;
    case NODE_PASSTHROUGH:
    case NODE_SET:
        return LOOK_ENGINE;
    case NODE_CONDITIONAL:
    case NODE_ROUTER:
        return LOOK_CHOICE;
    case NODE_WAIT:
    case NODE_IDLE:
    case NODE_QUEUE:
        return LOOK_WAIT;
    case NODE_FAIL:
        return LOOK_FAIL;
    case NODE_PLUGIN:
        return LOOK_PLUGIN;
    case NODE_LOOP:
        return LOOK_LOOP;
    case NODE_GROUP:
        return LOOK_GROUP;
    case NODE_WORKFLOW:
        return LOOK_WORKFLOW;
    }
    return LOOK_ENGINE;
}

static int text_size(enum picture_text look)
{
    return look == TEXT_NAME ? PICTURE_NAME_SIZE : PICTURE_TYPE_SIZE;
}

static enum glyph_weight text_weight(enum picture_text look)
{
    return look == TEXT_NAME || look == TEXT_RISK ? GLYPH_BOLD : GLYPH_NORMAL;
}

static int line_width(const struct picture_line *line)
{
    return glyph_width_measure(line->text, text_size(line->look), text_weight(line->look));
}

int picture_box_cut(struct arena *arena, struct str text, enum picture_text look, int pixels,
                    struct picture_line *out)
{
    int size = text_size(look);
    size_t fits = glyph_width_fit(text, size, text_weight(look), pixels);
    struct strbuf cut = STRBUF_INIT;
    if (fits < text.n) {
        fits = glyph_width_fit(text, size, text_weight(look), pixels - size);
    }
    strbuf_append(&cut, text.p, fits);
    strbuf_append_text(&cut, fits < text.n ? "…" : "");
    out->look = look;
    out->text = arena_dup_str(arena, strbuf_str(&cut));
    int status = strbuf_status(&cut) != 0 || out->text.p == NULL ? E_NOMEM : 0;
    strbuf_finish(&cut);
    return status;
}

/* A box while it is written. */
struct writing {
    struct arena *arena;
    struct picture_box box;
    struct strbuf text; /* of the next line */
    struct strbuf hint;
    int status;
};

/* The text is a line of the box and of its hint; nothing when it is empty. */
static void end_line(struct writing *w, enum picture_text look)
{
    w->status = w->status != 0 ? w->status : strbuf_status(&w->text);
    if (w->status == 0 && w->text.n > 0) {
        CHECK(w->box.line_count < PICTURE_LINES);
        w->status = picture_box_cut(w->arena, strbuf_str(&w->text), look,
                                    w->box.look >= LOOK_LOOP ? MOST_TITLE : MOST_TEXT,
                                    &w->box.lines[w->box.line_count++]);
        strbuf_append_text(&w->hint, w->hint.n > 0 ? "\n" : "");
        strbuf_append_str(&w->hint, strbuf_str(&w->text));
    }
    strbuf_clear(&w->text);
}

static int take_hint(struct arena *arena, struct strbuf *hint, struct str *out)
{
    *out = arena_dup_str(arena, strbuf_str(hint));
    int status = strbuf_status(hint) != 0 || out->p == NULL ? E_NOMEM : 0;
    strbuf_finish(hint);
    return status;
}

static int end_box(struct writing *w, struct picture_box *out_box)
{
    int hint_status = take_hint(w->arena, &w->hint, &w->box.hint);
    strbuf_finish(&w->text);
    *out_box = w->box;
    return w->status != 0 ? w->status : hint_status;
}

static void append_undo(const struct pipeline *pipeline, const struct node *node,
                        struct strbuf *out)
{
    if (node->compensate != 0) {
        const struct body *body = &pipeline->bodies[node->compensate];
        strbuf_append_text(out, "undone by ");
        body_text_append_type(&pipeline->nodes[body->first_node], out);
    }
}

static void append_when(const struct node *node, struct strbuf *out)
{
    if (node->when != NULL) {
        strbuf_append_text(out, "if ");
        terminal_append_line(out, expr_source(node->when));
    }
}

static void append_risk(const struct node *node, struct strbuf *out)
{
    if (node->risk >= RISK_HIGH) {
        strbuf_append_str(out, body_text_risk(node));
        strbuf_append_text(out, " risk");
    }
}

/* The lines below the type: when it runs, what undoes it, its risk. */
static void append_notes(struct writing *w, const struct pipeline *pipeline,
                         const struct node *node)
{
    append_when(node, &w->text);
    body_text_append_repeat(node, &w->text);
    end_line(w, TEXT_CONDITION);
    append_undo(pipeline, node, &w->text);
    end_line(w, TEXT_CONDITION);
    append_risk(node, &w->text);
    end_line(w, TEXT_RISK);
}

static int widest_line(const struct picture_box *box)
{
    int widest = 0;
    for (uint32_t i = 0; i < box->line_count; i++) {
        int width = line_width(&box->lines[i]);
        widest = width > widest ? width : widest;
    }
    return widest;
}

/* Even numbers, so that the middle of a box is a whole one. */
static void size_box(struct picture_box *box)
{
    int side = box->look == LOOK_CHOICE ? 2 * SIDE : box->look == LOOK_WORKFLOW ? 20 : SIDE;
    int width = widest_line(box) + 2 * side;
    box->width = (width > LEAST_WIDTH ? width : LEAST_WIDTH) / 2 * 2 + 2;
    box->height = (int)box->line_count * PICTURE_LINE_HEIGHT + 2 * TOP;
}

int picture_box_of_node(struct arena *arena, const struct pipeline *pipeline, uint32_t index,
                        struct picture_box *out_box)
{
    const struct node *node = &pipeline->nodes[index];
    struct writing w = {.arena = arena,
                        .box = {.look = node->is_failed_end ? LOOK_FAIL : look_of(node),
                                .is_milestone = node->is_milestone,
                                .is_last = body_text_is_last_state(pipeline, node)}};
    terminal_append_safe(&w.text, node->id);
    end_line(&w, TEXT_NAME);
    body_text_append_type(node, &w.text);
    end_line(&w, TEXT_TYPE);
    append_notes(&w, pipeline, node);
    if (!str_equal(node->name, node->id)) {
        strbuf_append_char(&w.hint, '\n');
        terminal_append_safe(&w.hint, node->name);
    }
    size_box(&w.box);
    return end_box(&w, out_box);
}

int picture_box_of_cell(struct arena *arena, const struct pipeline *pipeline, uint32_t index,
                        struct picture_box *out_box)
{
    enum { ROOM = PICTURE_CELL_WIDTH - 2 * SIDE };
    struct picture_box box = {0};
    int status = picture_box_of_node(arena, pipeline, index, &box);
    box.width = PICTURE_CELL_WIDTH;
    box.height = PICTURE_CELL_HEIGHT;
    box.line_count = box.line_count > 2 ? 2 : box.line_count;
    for (uint32_t i = 0; i < box.line_count && status == 0; i++) {
        status = picture_box_cut(arena, box.lines[i].text, box.lines[i].look, ROOM, &box.lines[i]);
    }
    *out_box = box;
    return status;
}

/* ---- frames ---- */

static void size_frame(struct picture_box *frame, const int size[2])
{
    int width = size[0] + 2 * PICTURE_PADDING;
    int title = widest_line(frame) + 2 * SIDE;
    width = title > width ? title : width;
    frame->width = (width > LEAST_FRAME ? width : LEAST_FRAME) / 2 * 2 + 2;
    frame->height = size[1] + PICTURE_TITLE_HEIGHT + 2 * PICTURE_PADDING +
                    (int)(frame->line_count - 1) * PICTURE_LINE_HEIGHT;
}

int picture_box_of_loop(struct arena *arena, const struct pipeline *pipeline, uint32_t index,
                        const int size[2], struct picture_box *out_box)
{
    const struct node *node = &pipeline->nodes[index];
    struct writing w = {.arena = arena,
                        .box = {.look = look_of(node), .is_milestone = node->is_milestone}};
    terminal_append_safe(&w.text, node->id);
    end_line(&w, TEXT_NAME);
    body_text_append_over(pipeline, node, &w.text);
    end_line(&w, TEXT_TYPE);
    append_notes(&w, pipeline, node);
    strbuf_append_text(&w.hint, node->for_each != NULL ? "\n" : "");
    body_text_append_bounds(pipeline, node, &w.hint);
    size_frame(&w.box, size);
    return end_box(&w, out_box);
}

int picture_box_of_ending(struct arena *arena, const struct pipeline *pipeline, uint32_t body,
                          const int size[2], struct picture_box *out_box)
{
    struct writing w = {.arena = arena, .box = {.look = LOOK_ENDING}};
    strbuf_append_str(&w.text, body_text_ending(pipeline, body));
    end_line(&w, TEXT_NAME);
    size_frame(&w.box, size);
    return end_box(&w, out_box);
}

int picture_box_of_end(struct arena *arena, struct str name, struct picture_box *out_box)
{
    struct writing w = {.arena = arena, .box = {.look = LOOK_END}};
    terminal_append_safe(&w.text, name);
    end_line(&w, TEXT_TYPE);
    size_box(&w.box);
    return end_box(&w, out_box);
}

/* ---- labels ---- */

/* The condition of a route stands behind its name in the hint. */
static void append_route(const struct pipeline *pipeline, const struct edge *edge,
                         struct strbuf *hint)
{
    const struct node *source = &pipeline->nodes[edge->source];
    for (uint32_t i = 0; i < source->route_count; i++) {
        if (source->routes[i].outcome == edge->outcome && source->routes[i].when != NULL) {
            strbuf_append_text(hint, ": ");
            terminal_append_line(hint, expr_source(source->routes[i].when));
            return;
        }
    }
}

int picture_box_label(struct arena *arena, struct str text, struct picture_edge *out_edge)
{
    struct strbuf safe = STRBUF_INIT;
    terminal_append_safe(&safe, text);
    int status = strbuf_status(&safe);
    if (status == 0) {
        status = picture_box_cut(arena, strbuf_str(&safe), TEXT_TYPE, MOST_LABEL, &out_edge->label);
        out_edge->label_width = line_width(&out_edge->label) + 12;
    }
    strbuf_finish(&safe);
    return status;
}

int picture_box_label_edge(struct arena *arena, const struct pipeline *pipeline, uint32_t index,
                           struct picture_edge *out_edge)
{
    const struct edge *edge = &pipeline->edges[index];
    struct strbuf text = STRBUF_INIT;
    body_text_append_way(pipeline, edge, &text);
    out_edge->way = edge->outcome == OUTCOME_ERROR ? WAY_ERROR : WAY_PLAIN;
    int status = strbuf_status(&text);
    if (status == 0 && text.n > 0) {
        status = picture_box_cut(arena, strbuf_str(&text), TEXT_TYPE, MOST_LABEL, &out_edge->label);
        out_edge->label_width = line_width(&out_edge->label) + 12;
    }
    append_route(pipeline, edge, &text);
    int hint_status = take_hint(arena, &text, &out_edge->hint);
    return status != 0 ? status : hint_status;
}
