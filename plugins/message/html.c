/* SPDX-License-Identifier: Apache-2.0 */
#include "message/html.h"

#include "message/element.h"
#include "message/inline.h"

#define CELL_STYLE " style=\"border:1px solid #ccc;padding:2px 8px;text-align:left\""

/* Lists that are open, the outermost first: 'u' or 'o'. */
struct lists {
    char kinds[ELEMENT_DEPTH];
    uint32_t depth;
};

static void close_lists(struct text *out, struct lists *lists, uint32_t depth)
{
    while (lists->depth > depth) {
        lists->depth--;
        text_append_literal(out, lists->kinds[lists->depth] == 'o' ? "</ol>\n" : "</ul>\n");
    }
}

static void add_item(struct text *out, struct lists *lists, const struct element *element)
{
    char kind = element->number.n > 0 ? 'o' : 'u';
    uint32_t depth = element->level < ELEMENT_DEPTH ? element->level + 1 : ELEMENT_DEPTH;
    int is_other = lists->depth >= depth && lists->kinds[depth - 1] != kind;
    close_lists(out, lists, is_other ? depth - 1 : depth);
    while (lists->depth < depth) {
        lists->kinds[lists->depth++] = kind;
        if (kind == 'o') {
            text_append_literal(out, "<ol start=\"");
            text_append_str(out, element->number);
            text_append_literal(out, "\">\n");
        } else {
            text_append_literal(out, "<ul>\n");
        }
    }
    text_append_literal(out, "<li>");
    if (element->box != ELEMENT_NO_BOX) {
        text_append_literal(out,
                            element->box == ELEMENT_BOX_DONE ? "\xE2\x98\x91 " : "\xE2\x98\x90 ");
    }
    inline_append_html(out, element->text);
    text_append_literal(out, "</li>\n");
}

static void add_code(struct text *out, const struct element *element)
{
    ops_str rest = element->text;
    text_append_literal(out, "<pre>");
    while (rest.n > 0) {
        ops_str line = element_take_line(&rest);
        for (uint32_t i = 0; i < element->indent && line.n > 0 && line.p[0] == ' '; i++) {
            line.p++;
            line.n--;
        }
        inline_append_html_text(out, line);
        text_append_literal(out, rest.n > 0 ? "\n" : "");
    }
    text_append_literal(out, "</pre>\n");
}

static void add_quote(struct text *out, ops_str text)
{
    const char *between = "";
    text_append_literal(out, "<blockquote>");
    while (text.n > 0) {
        ops_str line = element_trim(element_take_line(&text));
        while (line.n > 0 && line.p[0] == '>') {
            line.p++;
            line.n--;
            line = element_trim(line);
        }
        text_append_literal(out, between);
        inline_append_html(out, line);
        between = "<br>\n";
    }
    text_append_literal(out, "</blockquote>\n");
}

/* ---- tables ---- */

/* The next cell of a row whose outer bars are gone. */
static ops_str take_cell(ops_str *row)
{
    uint64_t end = 0;
    while (end < row->n && row->p[end] != '|') {
        end += row->p[end] == '\\' && end + 1 < row->n ? 2 : 1;
    }
    ops_str cell = {row->p, end < row->n ? end : row->n};
    uint64_t done = end < row->n ? end + 1 : row->n;
    row->p += done;
    row->n -= done;
    return element_trim(cell);
}

static void add_row(struct text *out, ops_str line, const char *open, const char *close)
{
    ops_str row = element_trim(line);
    if (row.n > 0 && row.p[0] == '|') {
        row.p++;
        row.n--;
    }
    if (row.n > 0 && row.p[row.n - 1] == '|') {
        row.n--;
    }
    text_append_literal(out, "<tr>");
    while (row.n > 0) {
        text_append_literal(out, open);
        inline_append_html(out, take_cell(&row));
        text_append_literal(out, close);
    }
    text_append_literal(out, "</tr>\n");
}

static void add_table(struct text *out, ops_str table)
{
    text_append_literal(out, "<table style=\"border-collapse:collapse\">\n");
    add_row(out, element_take_line(&table), "<th" CELL_STYLE ">", "</th>");
    (void)element_take_line(&table); /* the line below the head */
    while (table.n > 0) {
        add_row(out, element_take_line(&table), "<td" CELL_STYLE ">", "</td>");
    }
    text_append_literal(out, "</table>\n");
}

/* ---- all of it ---- */

static void wrap(struct text *out, const char *open, ops_str markdown, const char *close)
{
    text_append_literal(out, open);
    inline_append_html(out, markdown);
    text_append_literal(out, close);
}

static void add_heading(struct text *out, const struct element *element)
{
    char open[] = "<h1>";
    char close[] = "</h1>\n";
    open[2] = (char)('0' + element->level);
    close[3] = open[2];
    wrap(out, open, element->text, close);
}

static void add_image(struct text *out, const struct element *element)
{
    struct text label = {NULL, 0, 0, 0};
    inline_append_plain(&label, element->text.n > 0 ? element->text : element->url);
    text_append_literal(out, "<p><a href=\"");
    inline_append_html_text(out, element->url);
    text_append_literal(out, "\">");
    inline_append_html_text(out, text_str(&label));
    text_append_literal(out, "</a></p>\n");
    out->failed = out->failed || label.failed;
    text_finish(&label);
}

static void add_element(struct text *out, struct lists *lists, const struct element *element)
{
    if (element->kind != ELEMENT_ITEM) {
        close_lists(out, lists, 0);
    }
    switch (element->kind) {
    case ELEMENT_HEADING:
        add_heading(out, element);
        break;
    case ELEMENT_TEXT:
        wrap(out, "<p>", element->text, "</p>\n");
        break;
    case ELEMENT_ITEM:
        add_item(out, lists, element);
        break;
    case ELEMENT_CODE:
        add_code(out, element);
        break;
    case ELEMENT_QUOTE:
        add_quote(out, element->text);
        break;
    case ELEMENT_TABLE:
        add_table(out, element->text);
        break;
    case ELEMENT_IMAGE:
        add_image(out, element);
        break;
    case ELEMENT_RULE:
        text_append_literal(out, "<hr>\n");
        break;
    case ELEMENT_END:
        break;
    }
}

void html_append_markdown(struct text *out, ops_str markdown)
{
    struct element_reader reader = {.rest = markdown};
    struct lists lists = {.depth = 0};
    struct element element;
    do {
        element = element_next(&reader);
        add_element(out, &lists, &element);
    } while (element.kind != ELEMENT_END && !out->failed);
}
