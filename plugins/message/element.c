/* SPDX-License-Identifier: Apache-2.0 */
#include "message/element.h"

#include <string.h>

#include "message/inline.h"
#include "message/table.h"

enum { TAB_COLUMNS = 4, CODE_COLUMNS = 4 };

/* ---- Lines ---- */

static ops_str behind(ops_str s, uint64_t n)
{
    ops_str rest = {s.p != NULL ? s.p + n : NULL, s.n - n};
    return rest;
}

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

ops_str element_trim(ops_str line)
{
    while (line.n > 0 && (is_space(line.p[0]) || line.p[0] == '\n')) {
        line = behind(line, 1);
    }
    while (line.n > 0 && (is_space(line.p[line.n - 1]) || line.p[line.n - 1] == '\n')) {
        line.n--;
    }
    return line;
}

ops_str element_take_line(ops_str *text)
{
    ops_str line = *text;
    const char *end = text->n > 0 ? memchr(text->p, '\n', (size_t)text->n) : NULL;
    line.n = end != NULL ? (uint64_t)(end - text->p) : text->n;
    *text = behind(*text, line.n + (end != NULL));
    if (line.n > 0 && line.p[line.n - 1] == '\r') {
        line.n--;
    }
    return line;
}

static ops_str line_of(ops_str text)
{
    return element_take_line(&text);
}

static uint32_t indent_of(ops_str line)
{
    uint32_t columns = 0;
    for (uint64_t i = 0; i < line.n && (line.p[i] == ' ' || line.p[i] == '\t'); i++) {
        columns += line.p[i] == '\t' ? TAB_COLUMNS - columns % TAB_COLUMNS : 1;
    }
    return columns;
}

static uint64_t run_of(ops_str s, char c)
{
    uint64_t n = 0;
    while (n < s.n && s.p[n] == c) {
        n++;
    }
    return n;
}

/* From where `from` begins to where `rest` does, without the last line's end. */
static ops_str between(ops_str from, ops_str rest)
{
    ops_str s = {from.p, from.n - rest.n};
    while (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r')) {
        s.n--;
    }
    return s;
}

/* ---- What a line begins ---- */

static int begins_heading(ops_str line)
{
    uint64_t n = run_of(line, '#');
    return n >= 1 && n <= 6 && (n == line.n || is_space(line.p[n]));
}

/* How long the fence is; 0: it is none. */
static uint64_t begins_fence(ops_str line)
{
    char c = line.n > 0 && line.p[0] == '~' ? '~' : '`';
    uint64_t n = run_of(line, c);
    int has_more = c == '`' && line.n > n && memchr(line.p + n, '`', (size_t)(line.n - n)) != NULL;
    return n >= 3 && !has_more ? n : 0;
}

static int is_rule(ops_str line)
{
    uint64_t count = 0;
    char c = line.n > 0 ? line.p[0] : '\0';
    for (uint64_t i = 0; i < line.n; i++) {
        if (line.p[i] != c && !is_space(line.p[i])) {
            return 0;
        }
        count += line.p[i] == c;
    }
    return count >= 3 && (c == '-' || c == '*' || c == '_');
}

/* How long the mark of an item is, "- " or "12. "; 0: it is none. */
static uint64_t begins_item(ops_str line)
{
    uint64_t n = 0;
    while (n < line.n && n < 9 && line.p[n] >= '0' && line.p[n] <= '9') {
        n++;
    }
    if (n < line.n && (n > 0 ? line.p[n] == '.' || line.p[n] == ')'
                             : line.p[n] == '-' || line.p[n] == '*' || line.p[n] == '+')) {
        n++;
    } else {
        return 0;
    }
    return n == line.n ? n : is_space(line.p[n]) ? n + 1 : 0;
}

static int begins_comment(ops_str line)
{
    return line.n >= 4 && memcmp(line.p, "<!--", 4) == 0;
}

static int is_image(ops_str line)
{
    ops_str text = {NULL, 0};
    ops_str url = {NULL, 0};
    return line.n > 1 && line.p[0] == '!' && inline_read_link(line, &text, &url) == line.n;
}

/* Whether the line ends the paragraph or the item before it. */
static int begins_other(ops_str rest)
{
    ops_str whole = element_take_line(&rest);
    ops_str line = element_trim(whole);
    return line.n == 0 || begins_heading(line) || begins_fence(line) > 0 || is_rule(line) ||
           line.p[0] == '>' || begins_item(line) > 0 || begins_comment(line) || is_image(line) ||
           table_begins(whole, line_of(rest));
}

/* "===" or "---" below a paragraph: its level; 0: it is neither. */
static uint32_t level_below(ops_str line)
{
    ops_str trimmed = element_trim(line);
    char c = trimmed.n > 0 ? trimmed.p[0] : '\0';
    int is_line = (c == '=' || c == '-') && run_of(trimmed, c) == trimmed.n && trimmed.n >= 2;
    return is_line ? (c == '=' ? 1 : 2) : 0;
}

/* ---- Elements; each takes its lines off the reader ---- */

static struct element take_heading(struct element_reader *reader)
{
    ops_str line = element_trim(element_take_line(&reader->rest));
    struct element element = {.kind = ELEMENT_HEADING, .level = (uint32_t)run_of(line, '#')};
    line = element_trim(behind(line, element.level));
    ops_str end = line;
    while (end.n > 0 && end.p[end.n - 1] == '#') {
        end.n--;
    }
    element.text = end.n == 0 || is_space(end.p[end.n - 1]) ? element_trim(end) : line;
    return element;
}

static struct element take_fence(struct element_reader *reader)
{
    ops_str first = element_take_line(&reader->rest);
    ops_str from = reader->rest;
    ops_str rest = from;
    uint64_t size = begins_fence(element_trim(first));
    char c = element_trim(first).p[0];
    struct element element = {.kind = ELEMENT_CODE, .indent = indent_of(first)};
    while (reader->rest.n > 0) {
        rest = reader->rest;
        ops_str line = element_trim(element_take_line(&reader->rest));
        if (line.n > 0 && run_of(line, c) == line.n && line.n >= size) {
            element.text = between(from, rest);
            return element;
        }
    }
    element.text = between(from, reader->rest);
    return element;
}

static struct element take_indented(struct element_reader *reader)
{
    ops_str from = reader->rest;
    ops_str end = from;
    while (reader->rest.n > 0) {
        ops_str rest = reader->rest;
        ops_str line = element_take_line(&reader->rest);
        int is_blank = element_trim(line).n == 0;
        if (!is_blank && indent_of(line) < CODE_COLUMNS) {
            reader->rest = rest;
            break;
        }
        end = is_blank ? end : reader->rest;
    }
    return (struct element){
        .kind = ELEMENT_CODE, .text = between(from, end), .indent = CODE_COLUMNS};
}

static struct element take_quote(struct element_reader *reader)
{
    ops_str from = reader->rest;
    while (reader->rest.n > 0) {
        ops_str line = element_trim(line_of(reader->rest));
        if (line.n == 0 || line.p[0] != '>') {
            break;
        }
        (void)element_take_line(&reader->rest);
    }
    return (struct element){.kind = ELEMENT_QUOTE, .text = between(from, reader->rest)};
}

static struct element take_table(struct element_reader *reader)
{
    ops_str from = reader->rest;
    while (reader->rest.n > 0) {
        ops_str line = line_of(reader->rest);
        if (line.n == 0 || memchr(line.p, '|', (size_t)line.n) == NULL) {
            break;
        }
        (void)element_take_line(&reader->rest);
    }
    return (struct element){.kind = ELEMENT_TABLE, .text = between(from, reader->rest)};
}

static struct element take_image(struct element_reader *reader)
{
    struct element element = {.kind = ELEMENT_IMAGE};
    ops_str line = element_trim(element_take_line(&reader->rest));
    (void)inline_read_link(line, &element.text, &element.url); /* it is one */
    return element;
}

/* "[ ] " and "[x] " are taken off the text. */
static enum element_box take_box(ops_str *text)
{
    int is_box = text->n >= 4 && text->p[0] == '[' && text->p[2] == ']' && is_space(text->p[3]);
    char c = is_box ? text->p[1] : '\0';
    if (c != ' ' && c != 'x' && c != 'X') {
        return ELEMENT_NO_BOX;
    }
    *text = element_trim(behind(*text, 4));
    return c == ' ' ? ELEMENT_BOX_OPEN : ELEMENT_BOX_DONE;
}

/* What is two columns further in than an item's mark is below it. */
static uint32_t note_depth(struct element_reader *reader, uint32_t indent)
{
    while (reader->depth > 0 && indent < reader->columns[reader->depth - 1] + 2) {
        reader->depth--;
    }
    uint32_t level = reader->depth;
    if (reader->depth < ELEMENT_DEPTH) {
        reader->columns[reader->depth++] = indent;
    }
    return level;
}

static void take_lines(struct element_reader *reader)
{
    (void)element_take_line(&reader->rest);
    while (reader->rest.n > 0 && !begins_other(reader->rest)) {
        (void)element_take_line(&reader->rest);
    }
}

static struct element take_item(struct element_reader *reader)
{
    ops_str from = reader->rest;
    ops_str line = line_of(from);
    struct element element = {.kind = ELEMENT_ITEM, .level = note_depth(reader, indent_of(line))};
    take_lines(reader);
    ops_str all = element_trim(between(from, reader->rest));
    uint64_t mark = begins_item(element_trim(line));
    if (all.p[0] >= '0' && all.p[0] <= '9') {
        element.number = (ops_str){all.p, mark - 1 - (mark > 1 && is_space(all.p[mark - 1]))};
    }
    element.text = element_trim(behind(all, mark));
    element.box = take_box(&element.text);
    return element;
}

static struct element take_paragraph(struct element_reader *reader)
{
    ops_str from = reader->rest;
    (void)element_take_line(&reader->rest);
    for (;;) {
        uint32_t level = level_below(line_of(reader->rest));
        if (reader->rest.n > 0 && level > 0) {
            ops_str text = element_trim(between(from, reader->rest));
            (void)element_take_line(&reader->rest);
            return (struct element){.kind = ELEMENT_HEADING, .level = level, .text = text};
        }
        if (reader->rest.n == 0 || begins_other(reader->rest)) {
            break;
        }
        (void)element_take_line(&reader->rest);
    }
    return (struct element){.kind = ELEMENT_TEXT,
                            .text = element_trim(between(from, reader->rest))};
}

/* ---- The reader ---- */

static void skip_comment(struct element_reader *reader)
{
    ops_str *rest = &reader->rest;
    while (rest->n >= 3 && memcmp(rest->p, "-->", 3) != 0) {
        *rest = behind(*rest, 1);
    }
    *rest = behind(*rest, rest->n >= 3 ? 3 : rest->n);
}

static void skip(struct element_reader *reader)
{
    while (reader->rest.n > 0) {
        ops_str line = element_trim(line_of(reader->rest));
        if (begins_comment(line)) {
            skip_comment(reader);
        } else if (line.n == 0) {
            (void)element_take_line(&reader->rest);
        } else {
            return;
        }
    }
}

struct element element_next(struct element_reader *reader)
{
    skip(reader);
    if (reader->rest.n == 0) {
        return (struct element){.kind = ELEMENT_END};
    }
    ops_str whole = line_of(reader->rest);
    ops_str line = element_trim(whole);
    int is_in_list = reader->depth > 0 && indent_of(whole) >= 2;
    if (begins_fence(line) > 0) {
        return take_fence(reader);
    }
    if (is_rule(line)) {
        reader->depth = 0;
        (void)element_take_line(&reader->rest);
        return (struct element){.kind = ELEMENT_RULE};
    }
    if (begins_item(line) > 0 && (is_in_list || indent_of(whole) < CODE_COLUMNS)) {
        return take_item(reader);
    }
    reader->depth = is_in_list ? reader->depth : 0;
    if (!is_in_list && indent_of(whole) >= CODE_COLUMNS) {
        return take_indented(reader);
    }
    ops_str rest = reader->rest;
    (void)element_take_line(&rest);
    return begins_heading(line)                 ? take_heading(reader)
           : line.p[0] == '>'                   ? take_quote(reader)
           : table_begins(whole, line_of(rest)) ? take_table(reader)
           : is_image(line)                     ? take_image(reader)
                                                : take_paragraph(reader);
}
