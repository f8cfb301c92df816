/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/yaml_layout.h"

#include <string.h>

#include "core/base/error.h"
#include "core/model/report.h"
#include "core/model/tree.h"

/* The byte at `at`, a line's end behind the last one. */
static char byte_at(const struct yaml_layout *layout, size_t at)
{
    return at < layout->cursor.source.n ? layout->cursor.source.p[at] : '\n';
}

static bool is_break(char c)
{
    return c == '\n' || c == '\r';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || is_break(c);
}

static void refuse(struct yaml_layout *layout, size_t offset, const char *message, const char *hint)
{
    if (layout->fault.message == NULL) {
        layout->fault = (struct yaml_layout_fault){
            .offset = offset, .message = message, .hint = hint, .indent = 0};
    }
}

/* A fault that libyaml may stumble over later, saying less. */
static void refuse_cause(struct yaml_layout *layout, size_t offset, const char *message,
                         const char *hint)
{
    bool is_first = layout->fault.message == NULL;
    refuse(layout, offset, message, hint);
    layout->fault.is_cause = layout->fault.is_cause || is_first;
}

static void refuse_indent(struct yaml_layout *layout, size_t offset, uint32_t indent)
{
    bool is_first = layout->fault.message == NULL;
    refuse(layout, offset, "this line goes on with a value, but is not indented", NULL);
    layout->fault.indent = is_first ? indent : layout->fault.indent;
}

/*
 * The line at the cursor goes on with what began above it. A bracket that closes may stand as far
 * left as the key that it belongs to: many write that, and it is never ambiguous.
 */
static void check_line(struct yaml_layout *layout, const struct yaml_surroundings *around,
                       bool is_gap)
{
    size_t at = layout->cursor.offset;
    size_t spaces = 0;
    while (byte_at(layout, at + spaces) == ' ') {
        spaces++;
    }
    size_t first = at + spaces;
    while (byte_at(layout, first) == '\t' || byte_at(layout, first) == ' ') {
        first++;
    }
    char c = byte_at(layout, first);
    bool closes = is_gap && (c == ']' || c == '}');
    if (is_break(c) || (is_gap && c == '#') || spaces + (closes ? 1 : 0) >= around->indent) {
        return;
    }
    if (first > at + spaces) {
        refuse(layout, at + spaces, "a tab is used for indentation", "use spaces");
    } else {
        refuse_indent(layout, first, around->indent);
    }
}

static void skip_comment(struct yaml_layout *layout, size_t index)
{
    size_t at = layout->cursor.offset;
    if (at > 0 && !is_blank(layout->cursor.source.p[at - 1])) {
        refuse(layout, at, "a comment needs a blank before its '#'",
               "put text with '#' in it in quotes");
    }
    while (layout->cursor.index < index && !is_break(byte_at(layout, layout->cursor.offset))) {
        cursor_step(&layout->cursor);
    }
}

static bool is_before(const struct yaml_layout *layout, size_t index)
{
    return layout->cursor.index < index && layout->cursor.offset < layout->cursor.source.n;
}

void yaml_layout_gap(struct yaml_layout *layout, size_t index,
                     const struct yaml_surroundings *around)
{
    while (is_before(layout, index)) {
        size_t at = layout->cursor.offset;
        char c = byte_at(layout, at);
        if (c == ' ') {
            cursor_pass_spaces(&layout->cursor, index);
            continue;
        }
        if (c == '#') {
            skip_comment(layout, index);
            continue;
        }
        if (c == '?' && around->is_flow && !is_blank(byte_at(layout, at + 1))) {
            refuse_cause(layout, at, "plain text within '[]' and '{}' cannot begin with '?'",
                         "put it in quotes");
        }
        cursor_step(&layout->cursor);
        if (c == '\n' && around->is_flow) {
            check_line(layout, around, true);
        }
    }
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

static void skip_name(struct yaml_layout *layout, const struct yaml_surroundings *around)
{
    cursor_step(&layout->cursor);
    while (is_name_byte(byte_at(layout, layout->cursor.offset))) {
        cursor_step(&layout->cursor);
    }
    char c = byte_at(layout, layout->cursor.offset);
    bool is_end = is_blank(c) || (around->is_flow && strchr(",[]{}", c) != NULL);
    if (!is_end) {
        refuse_cause(layout, layout->cursor.offset,
                     "names of anchors and aliases have letters, digits, '-' and '_' only",
                     "put a blank behind the name, or the value in quotes");
    }
}

void yaml_layout_properties(struct yaml_layout *layout, size_t index,
                            const struct yaml_surroundings *around)
{
    static const struct yaml_surroundings anywhere = {0};
    while (is_before(layout, index)) {
        char c = byte_at(layout, layout->cursor.offset);
        if (c == '&' || c == '*') {
            skip_name(layout, around);
        } else if (c == '!') {
            while (is_before(layout, index) && !is_blank(byte_at(layout, layout->cursor.offset))) {
                cursor_step(&layout->cursor);
            }
        } else if (c == '#') {
            skip_comment(layout, index);
        } else if (is_blank(c)) {
            yaml_layout_gap(layout, layout->cursor.index + 1, &anywhere);
        } else {
            return;
        }
    }
}

/* The first line with text says how deep a '|' or '>' is; blank lines above it may not be deeper.
 */
static void check_block(struct yaml_layout *layout, const struct yaml_surroundings *around)
{
    size_t at = layout->cursor.offset + 1;
    size_t deepest = 0;
    bool is_given = false;
    while (strchr("+-0123456789", byte_at(layout, at)) != NULL) {
        is_given = is_given || (byte_at(layout, at) != '+' && byte_at(layout, at) != '-');
        at++;
    }
    if (byte_at(layout, at) == '#') {
        refuse(layout, at, "a comment needs a blank before its '#'",
               "put text with '#' in it in quotes");
    }
    while (!is_given && at < layout->cursor.source.n) {
        const char *line_end =
            memchr(layout->cursor.source.p + at, '\n', layout->cursor.source.n - at);
        if (line_end == NULL) {
            return;
        }
        at = (size_t)(line_end - layout->cursor.source.p) + 1;
        size_t spaces = 0;
        while (byte_at(layout, at + spaces) == ' ') {
            spaces++;
        }
        bool is_empty = is_break(byte_at(layout, at + spaces));
        if (!is_empty && spaces >= around->indent && spaces < deepest) {
            refuse_cause(layout, at + spaces,
                         "a blank line above this one is indented deeper than the text",
                         "remove the blanks of that line");
        }
        if (!is_empty) {
            return;
        }
        deepest = spaces > deepest ? spaces : deepest;
    }
}

void yaml_layout_scalar(struct yaml_layout *layout, size_t index, enum yaml_source source,
                        const struct yaml_surroundings *around)
{
    size_t at = layout->cursor.offset;
    if (source == YAML_SOURCE_BLOCK && is_before(layout, index)) {
        check_block(layout, around);
    }
    if (source == YAML_SOURCE_PLAIN && around->is_flow && byte_at(layout, at) == '-' &&
        strchr(",[]{} \t\r\n", byte_at(layout, at + 1)) != NULL) {
        refuse(layout, at, "a '-' is no value within '[]' and '{}'", "put it in quotes");
    }
    bool is_checked = source == YAML_SOURCE_QUOTED ||
                      (source == YAML_SOURCE_PLAIN && around->is_flow);
    if (!is_checked) {
        cursor_to_index(&layout->cursor,
                        index > layout->cursor.index ? index : layout->cursor.index);
    }
    while (is_before(layout, index)) {
        cursor_pass_plain(&layout->cursor, index);
        if (!is_before(layout, index)) {
            return;
        }
        char c = byte_at(layout, layout->cursor.offset);
        cursor_step(&layout->cursor);
        if (c == '\n' && is_before(layout, index)) {
            check_line(layout, around, false);
        }
    }
}

int yaml_layout_report(const struct yaml_layout *layout)
{
    const struct yaml_layout_fault *fault = &layout->fault;
    if (fault->message == NULL) {
        return 0;
    }
    struct place place = report_place(layout->report, fault->offset);
    report_error(layout->report, place, "%s", fault->message);
    if (fault->hint != NULL) {
        report_hint(layout->report, "%s", fault->hint);
    } else {
        report_hint(layout->report, "indent it with %u blank%s or more", fault->indent,
                    fault->indent == 1 ? "" : "s");
    }
    return E_INVALID;
}
