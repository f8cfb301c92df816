/* SPDX-License-Identifier: Apache-2.0 */
#include "message/table.h"

#include <string.h>

#include "message/element.h"
#include "message/inline.h"
#include "message/piece.h"

struct row {
    ops_str cells[TABLE_COLUMNS];
    size_t n;
};

struct shape {
    size_t n; /* columns */
    size_t widths[TABLE_COLUMNS];
    int is_right[TABLE_COLUMNS];
};

/* ---- Rows ---- */

static struct row read_row(ops_str line)
{
    struct row row = {.n = 0};
    line = element_trim(line);
    if (line.n > 0 && line.p[0] == '|') {
        line = (ops_str){line.p + 1, line.n - 1};
    }
    uint64_t from = 0;
    int is_code = 0;
    for (uint64_t i = 0; i <= line.n && row.n < TABLE_COLUMNS; i++) {
        char c = i < line.n ? line.p[i] : '|';
        if (c == '\\') {
            i++;
        } else if (c == '|' && (!is_code || i == line.n) && (i < line.n || i > from)) {
            row.cells[row.n++] = element_trim((ops_str){line.p + from, i - from});
            from = i + 1;
        }
        is_code = c == '`' ? !is_code : is_code;
    }
    return row;
}

static int is_delimiter(ops_str cell)
{
    uint64_t dashes = 0;
    for (uint64_t i = 0; i < cell.n; i++) {
        int is_colon = cell.p[i] == ':' && (i == 0 || i + 1 == cell.n);
        if (cell.p[i] != '-' && !is_colon) {
            return 0;
        }
        dashes += cell.p[i] == '-';
    }
    return dashes > 0;
}

int table_begins(ops_str line, ops_str after)
{
    int has_bar = line.n > 0 && memchr(line.p, '|', (size_t)line.n) != NULL;
    if (!has_bar || after.n == 0 || memchr(after.p, '-', (size_t)after.n) == NULL ||
        memchr(after.p, '|', (size_t)after.n) == NULL) {
        return 0;
    }
    struct row names = read_row(line);
    struct row row = read_row(after);
    for (size_t i = 0; i < row.n; i++) {
        if (!is_delimiter(row.cells[i])) {
            return 0;
        }
    }
    return row.n > 0 && row.n == names.n;
}

/* ---- Columns ---- */

/* A cell on one line, for a font of one width. */
static void append_cell(struct text *out, ops_str cell)
{
    size_t from = out->n;
    inline_append_plain(out, cell);
    for (size_t i = from; i < out->n; i++) {
        out->p[i] = out->p[i] == '\n' ? ' ' : out->p[i];
    }
}

static size_t width_of(ops_str cell, struct text *scratch)
{
    scratch->n = 0;
    append_cell(scratch, cell);
    return piece_units(text_str(scratch));
}

static struct shape measure(ops_str table)
{
    struct shape shape = {.n = 0};
    struct text scratch = {NULL, 0, 0, 0};
    for (size_t line = 0; table.n > 0; line++) {
        struct row row = read_row(element_take_line(&table));
        shape.n = line == 0 ? row.n : shape.n;
        for (size_t i = 0; i < row.n && i < shape.n; i++) {
            ops_str cell = row.cells[i];
            size_t width = line == 1 ? 1 : width_of(cell, &scratch);
            shape.widths[i] = width > shape.widths[i] ? width : shape.widths[i];
            shape.is_right[i] = line == 1
                                    ? cell.n > 1 && cell.p[0] != ':' && cell.p[cell.n - 1] == ':'
                                    : shape.is_right[i];
        }
    }
    text_finish(&scratch);
    return shape;
}

static void append_times(struct text *out, char c, size_t n)
{
    while (n-- > 0) {
        text_append(out, &c, 1);
    }
}

static void append_row(struct text *out, const struct row *row, const struct shape *shape,
                       struct text *scratch)
{
    size_t due = 0; /* spaces that only come if something follows them */
    for (size_t i = 0; i < shape->n; i++) {
        ops_str cell = i < row->n ? row->cells[i] : (ops_str){NULL, 0};
        size_t width = width_of(cell, scratch);
        size_t fill = shape->widths[i] - width;
        due += shape->is_right[i] ? fill : 0;
        if (width > 0) {
            append_times(out, ' ', due);
            text_append_str(out, text_str(scratch));
            due = 0;
        }
        due += (shape->is_right[i] ? 0 : fill) + 2;
    }
}

static void append_line_of_dashes(struct text *out, const struct shape *shape)
{
    for (size_t i = 0; i < shape->n; i++) {
        text_append_literal(out, i > 0 ? "  " : "");
        append_times(out, '-', shape->widths[i]);
    }
}

int table_append_columns(struct text *out, ops_str table)
{
    struct text scratch = {NULL, 0, 0, 0};
    struct shape shape = measure(table);
    size_t width = 0;
    for (size_t i = 0; i < shape.n; i++) {
        width += shape.widths[i] + (i > 0 ? 2 : 0);
    }
    if (width > TABLE_WIDTH) {
        return 0;
    }
    for (size_t line = 0; table.n > 0; line++) {
        struct row row = read_row(element_take_line(&table));
        text_append_literal(out, line > 0 ? "\n" : "");
        if (line == 1) {
            append_line_of_dashes(out, &shape);
        } else {
            append_row(out, &row, &shape, &scratch);
        }
    }
    out->failed = out->failed || scratch.failed;
    text_finish(&scratch);
    return 1;
}

/* ---- Items ---- */

static void append_item(struct text *out, const struct row *names, const struct row *row)
{
    text_append_literal(out, "\xE2\x80\xA2 ");
    for (size_t i = 0, n = 0; i < row->n && i < names->n; i++) {
        if (row->cells[i].n == 0) {
            continue;
        }
        text_append_literal(out, n++ > 0 ? " \xC2\xB7 " : "");
        if (names->cells[i].n > 0) {
            struct text name = {NULL, 0, 0, 0};
            append_cell(&name, names->cells[i]);
            text_append_literal(out, "*");
            inline_append_escaped(out, text_str(&name));
            text_append_literal(out, ":* ");
            out->failed = out->failed || name.failed;
            text_finish(&name);
        }
        inline_append_mrkdwn(out, row->cells[i]);
    }
}

void table_append_items(struct text *out, ops_str table)
{
    struct row names = read_row(element_take_line(&table));
    (void)element_take_line(&table); /* the one of dashes */
    for (size_t line = 0; table.n > 0; line++) {
        struct row row = read_row(element_take_line(&table));
        text_append_literal(out, line > 0 ? "\n" : "");
        append_item(out, &names, &row);
    }
}
