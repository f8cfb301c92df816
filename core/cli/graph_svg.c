/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Colours are plain rules, and once more for dark screens: programs that know no media queries
 * draw the light ones.
 */
#include "core/cli/graph_svg.h"

#include "core/base/arena.h"
#include "core/base/utf8.h"
#include "core/cli/graph_picture.h"
#include "core/cli/picture_box.h"
#include "core/cli/terminal.h"
#include "core/model/pipeline.h"

enum { RADIUS = 8, SLANT = 14, LOOP_REACH = 34 };

static const char style[] =
    "<style>\n"
    "text{font-family:'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;font-size:11px;"
    "fill:#57606a}\n"
    ".name{font-size:13px;font-weight:600;fill:#1f2328}\n"
    ".cond{font-style:italic}\n"
    ".risk{font-weight:600;fill:#bc4c00}\n"
    ".mid{text-anchor:middle}\n"
    ".bg{fill:#ffffff}\n"
    ".box{fill:#f6f8fa;stroke:#8c959f;stroke-width:1.2}\n"
    ".bold{stroke-width:2.4}\n"
    ".start{fill:#dafbe1;stroke:#2da44e}\n"
    ".choice{fill:#fff8c5;stroke:#bf8700}\n"
    ".wait{fill:#fbefff;stroke:#8250df}\n"
    ".fail{fill:#ffebe9;stroke:#cf222e}\n"
    ".plugin{fill:#ddf4ff;stroke:#0969da}\n"
    ".workflow{fill:#d8f5f2;stroke:#0f7b72}\n"
    ".end{fill:#ffffff;stroke:#8c959f;stroke-dasharray:4 3}\n"
    ".mark{fill:#57606a}\n"
    ".frame{fill:#f3f6fb;fill-opacity:.75;stroke:#6e8bb8;stroke-width:1.4}\n"
    ".group{fill:#f6f8fa;stroke:#8c959f}\n"
    ".ending{fill:#fff8f2;stroke:#d4a27a;stroke-dasharray:6 4}\n"
    ".many{fill:none;stroke:#afb8c1;stroke-dasharray:3 3}\n"
    ".edge{fill:none;stroke:#6e7781;stroke-width:1.4}\n"
    ".error{stroke:#cf222e}\n"
    ".stream{stroke:#0969da;stroke-dasharray:6 4}\n"
    ".tip{fill:#6e7781}.tip-error{fill:#cf222e}.tip-stream{fill:#0969da}\n"
    ".label{fill:#ffffff;stroke:#d0d7de}\n"
    "@media (prefers-color-scheme:dark){\n"
    "text{fill:#9198a1}.name{fill:#f0f6fc}.risk{fill:#f0883e}.bg{fill:#0d1117}\n"
    ".box{fill:#161b22;stroke:#6e7681}.start{fill:#0f2d1a;stroke:#3fb950}"
    ".choice{fill:#2d2408;stroke:#d29922}.wait{fill:#231a3a;stroke:#a371f7}"
    ".fail{fill:#38141a;stroke:#f85149}.plugin{fill:#0c2340;stroke:#4493f8}"
    ".workflow{fill:#0b2b2a;stroke:#39c5bb}.end{fill:#0d1117;stroke:#6e7681}"
    ".mark{fill:#9198a1}.frame{fill:#131c2b;stroke:#4d6a9a}.group{fill:#161b22;stroke:#6e7681}"
    ".ending{fill:#231a12;stroke:#8a6540}.many{fill:none;stroke:#3d444d}\n"
    ".edge{fill:none;stroke:#7d8590}.error{stroke:#f85149}.stream{stroke:#4493f8}"
    ".tip{fill:#7d8590}.tip-error{fill:#f85149}.tip-stream{fill:#4493f8}"
    ".label{fill:#0d1117;stroke:#3d444d}\n"
    "}\n"
    "</style>\n";

static const char tips[] =
    "<defs>"
    "<marker id=\"t0\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" "
    "markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">"
    "<path class=\"tip\" d=\"M0 .5L8 4L0 7.5z\"/></marker>"
    "<marker id=\"t1\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" "
    "markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">"
    "<path class=\"tip-error\" d=\"M0 .5L8 4L0 7.5z\"/></marker>"
    "<marker id=\"t2\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" "
    "markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">"
    "<path class=\"tip-stream\" d=\"M0 .5L8 4L0 7.5z\"/></marker>"
    "</defs>\n";

/* As text of XML: what XML cannot hold has become \xNN already, or becomes U+FFFD here. */
static void append_xml(struct strbuf *out, struct str text)
{
    for (size_t i = 0; i < text.n;) {
        uint32_t code = 0;
        size_t length = utf8_decode(text.p + i, text.n - i, &code);
        bool is_legal = length > 0 && (code >= ' ' || code == '\n') && code != 0xFFFE &&
                        code != 0xFFFF;
        if (!is_legal) {
            strbuf_append_text(out, "\xEF\xBF\xBD");
        } else if (code == '<' || code == '>' || code == '&' || code == '"' || code == '\'') {
            strbuf_append_format(out, "&#%u;", (unsigned)code);
        } else {
            strbuf_append(out, text.p + i, length);
        }
        i += length > 0 ? length : 1;
    }
}

static void append_title(struct strbuf *out, struct str text)
{
    if (text.n > 0) {
        strbuf_append_text(out, "<title>");
        append_xml(out, text);
        strbuf_append_text(out, "</title>");
    }
}

static const char *class_of_text(enum picture_text look)
{
    static const char *const classes[] = {[TEXT_NAME] = "name",
                                          [TEXT_TYPE] = "type",
                                          [TEXT_CONDITION] = "cond",
                                          [TEXT_RISK] = "risk"};
    return classes[look];
}

/* ---- boxes ---- */

static const char *class_of_box(enum picture_look look)
{
    static const char *const classes[] = {
        [LOOK_START] = "box start",
        [LOOK_ENGINE] = "box",
        [LOOK_CHOICE] = "box choice",
        [LOOK_WAIT] = "box wait",
        [LOOK_FAIL] = "box fail",
        [LOOK_PLUGIN] = "box plugin",
        [LOOK_WORKFLOW] = "box workflow",
        [LOOK_END] = "box end",
        [LOOK_MARK] = "mark",
        [LOOK_LOOP] = "frame",
        [LOOK_GROUP] = "frame group",
        [LOOK_ENDING] = "frame ending",
        [LOOK_MANY] = "many",
    };
    return classes[look];
}

static int radius_of(const struct picture_box *box)
{
    switch (box->look) {
    case LOOK_START:
    case LOOK_WAIT:
    case LOOK_FAIL:
    case LOOK_END:
    case LOOK_MARK:
        return box->height / 2 > 22 ? 22 : box->height / 2;
    case LOOK_WORKFLOW:
        return 3;
    case LOOK_LOOP:
    case LOOK_GROUP:
    case LOOK_ENDING:
    case LOOK_MANY:
        return 10;
    case LOOK_ENGINE:
    case LOOK_CHOICE:
    case LOOK_PLUGIN:
        return RADIUS;
    }
    return RADIUS;
}

static void append_rect(struct strbuf *out, const struct picture_box *box, int inset)
{
    int radius = radius_of(box) - inset;
    strbuf_append_format(out,
                         "<rect class=\"%s%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
                         "rx=\"%d\"/>",
                         class_of_box(box->look), box->is_milestone ? " bold" : "", box->x + inset,
                         box->y + inset, box->width - 2 * inset, box->height - 2 * inset,
                         radius > 0 ? radius : 0);
}

/* Pointed at both sides: room for text and for edges above and below. */
static void append_hexagon(struct strbuf *out, const struct picture_box *box)
{
    int left = box->x;
    int right = box->x + box->width;
    int half = box->height / 2;
    strbuf_append_format(out, "<path class=\"%s%s\" d=\"M%d %dL%d %dH%dL%d %dL%d %dH%dz\"/>",
                         class_of_box(box->look), box->is_milestone ? " bold" : "", left,
                         box->y + half, left + SLANT, box->y, right - SLANT, right, box->y + half,
                         right - SLANT, box->y + box->height, left + SLANT);
}

static void append_shape(struct strbuf *out, const struct picture_box *box)
{
    if (box->look == LOOK_CHOICE) {
        append_hexagon(out, box);
        return;
    }
    append_rect(out, box, 0);
    if (box->is_last) {
        append_rect(out, box, 3);
    }
    if (box->look == LOOK_WORKFLOW) {
        strbuf_append_format(out, "<path class=\"box workflow\" d=\"M%d %dv%dM%d %dv%d\"/>",
                             box->x + 7, box->y, box->height, box->x + box->width - 7, box->y,
                             box->height);
    }
}

static void append_line(struct strbuf *out, const struct picture_line *line, bool is_middle, int x,
                        int y)
{
    strbuf_append_format(out, "<text class=\"%s%s\" x=\"%d\" y=\"%d\">", class_of_text(line->look),
                         is_middle ? " mid" : "", x, y);
    append_xml(out, line->text);
    strbuf_append_text(out, "</text>");
}

static void append_box(struct strbuf *out, const struct picture_box *box)
{
    bool is_frame = box->look >= LOOK_LOOP;
    int count = (int)box->line_count;
    int top = is_frame ? box->y + 9 : box->y + (box->height - count * PICTURE_LINE_HEIGHT) / 2;
    strbuf_append_text(out, "<g>");
    append_title(out, box->hint);
    append_shape(out, box);
    for (int i = 0; i < count; i++) {
        append_line(out, &box->lines[i], !is_frame,
                    is_frame ? box->x + PICTURE_TYPE_SIZE + 3 : box->x + box->width / 2,
                    top + i * PICTURE_LINE_HEIGHT + 12);
    }
    strbuf_append_text(out, "</g>\n");
}

/* ---- edges ---- */

static void append_loop_path(struct strbuf *out, const struct picture_edge *edge)
{
    const struct layout_point *from = &edge->points[0];
    const struct layout_point *to = &edge->points[1];
    int x = edge->x + from->x;
    strbuf_append_format(out, "M%d %dC%d %d %d %d %d %d", x, edge->y + from->y, x + LOOP_REACH,
                         edge->y + from->y - 6, x + LOOP_REACH, edge->y + to->y + 6,
                         edge->x + to->x, edge->y + to->y);
}

static void append_path(struct strbuf *out, const struct picture_edge *edge)
{
    struct layout_point at = {edge->x + edge->points[0].x, edge->y + edge->points[0].y};
    strbuf_append_format(out, "M%d %d", at.x, at.y);
    for (uint32_t i = 1; i < edge->point_count; i++) {
        struct layout_point to = {edge->x + edge->points[i].x, edge->y + edge->points[i].y};
        if (i % 2 == 0 && to.x != at.x) {
            int middle = (to.y + at.y) / 2;
            strbuf_append_format(out, "C%d %d %d %d %d %d", at.x, middle, to.x, middle, to.x, to.y);
        } else if (to.y != at.y) {
            strbuf_append_format(out, "V%d", to.y);
        }
        at = to;
    }
}

static void append_edge(struct strbuf *out, const struct picture_edge *edge)
{
    static const char *const classes[] = {
        [WAY_PLAIN] = "edge", [WAY_ERROR] = "edge error", [WAY_STREAM] = "edge stream"};
    strbuf_append_format(out, "<path class=\"%s\" marker-end=\"url(#t%d)\" d=\"",
                         classes[edge->way], (int)edge->way);
    if (edge->point_count == 2) {
        append_loop_path(out, edge);
    } else {
        append_path(out, edge);
    }
    strbuf_append_text(out, "\"/>\n");
}

static void append_label(struct strbuf *out, const struct picture_edge *edge)
{
    if (edge->label_width == 0) {
        return;
    }
    strbuf_append_text(out, "<g>");
    append_title(out, edge->hint);
    strbuf_append_format(out,
                         "<rect class=\"label\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
                         "rx=\"7\"/>",
                         edge->label_x - edge->label_width / 2,
                         edge->label_y - PICTURE_LINE_HEIGHT / 2, edge->label_width,
                         PICTURE_LINE_HEIGHT);
    append_line(out, &edge->label, true, edge->label_x, edge->label_y + 4);
    strbuf_append_text(out, "</g>\n");
}

/* ---- the document ---- */

static void append_head(struct strbuf *out, const struct pipeline *pipeline,
                        const struct picture *picture)
{
    struct strbuf name = STRBUF_INIT;
    terminal_append_safe(&name, pipeline->name);
    strbuf_append_format(out,
                         "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"%d\" "
                         "height=\"%d\" viewBox=\"0 0 %d %d\">\n",
                         picture->width, picture->height, picture->width, picture->height);
    append_title(out, strbuf_str(&name));
    out->failed = out->failed || strbuf_status(&name) != 0;
    strbuf_finish(&name);
    strbuf_append_char(out, '\n');
    strbuf_append_text(out, style);
    strbuf_append_text(out, tips);
    strbuf_append_text(out, "<rect class=\"bg\" width=\"100%\" height=\"100%\"/>\n");
}

void graph_svg_append(const struct pipeline *pipeline, struct strbuf *out)
{
    struct arena arena = ARENA_INIT;
    struct picture picture;
    if (graph_picture_make(&arena, pipeline, &picture) != 0) {
        out->failed = true;
        arena_finish(&arena);
        return;
    }
    append_head(out, pipeline, &picture);
    for (uint32_t i = 0; i < picture.frame_count; i++) {
        append_box(out, &picture.frames[i]);
    }
    for (uint32_t i = 0; i < picture.edge_count; i++) {
        append_edge(out, &picture.edges[i]);
    }
    for (uint32_t i = 0; i < picture.box_count; i++) {
        append_box(out, &picture.boxes[i]);
    }
    for (uint32_t i = 0; i < picture.edge_count; i++) {
        append_label(out, &picture.edges[i]);
    }
    strbuf_append_text(out, "</svg>\n");
    arena_finish(&arena);
}
