/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/value_text.h"

#include "core/cli/terminal.h"
#include "core/value/value.h"

static bool is_simple(const struct value *value)
{
    switch (value_type(value)) {
    case VALUE_LIST:
    case VALUE_MAP:
        return value_count(value) == 0;
    case VALUE_STRING:
        return value_count(value) == 0 ||
               memchr(value_str(value).p, '\n', value_count(value)) == NULL;
    case VALUE_NULL:
    case VALUE_BOOL:
    case VALUE_INT:
    case VALUE_DOUBLE:
        return true;
    }
    return true;
}

static void append_simple(const struct value *value, struct strbuf *out)
{
    if (value_is(value, VALUE_STRING) && value_count(value) > 0) {
        terminal_append_safe(out, value_str(value));
        return;
    }
    terminal_append_json(out, value, JSON_COMPACT);
}

static void append_indent(unsigned indent, struct strbuf *out)
{
    for (unsigned i = 0; i < indent; i++) {
        strbuf_append_char(out, ' ');
    }
}

/* Text of several lines, each indented. */
static void append_lines(struct str text, unsigned indent, struct strbuf *out)
{
    while (text.n > 0) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end != NULL ? (size_t)(end - text.p) : text.n;
        append_indent(n > 0 ? indent : 0, out);
        terminal_append_safe(out, str_make(text.p, n));
        strbuf_append_char(out, '\n');
        size_t used = end != NULL ? n + 1 : n;
        text = str_make(text.p + used, text.n - used);
    }
}

/* What follows "name:" or "-": on the same line when it is simple, else below. */
static void append_behind(const struct value *value, unsigned indent, struct strbuf *out)
{
    if (is_simple(value)) {
        strbuf_append_char(out, ' ');
        append_simple(value, out);
        strbuf_append_char(out, '\n');
        return;
    }
    strbuf_append_char(out, '\n');
    value_text_append(value, indent + 2, out);
}

static void append_members(const struct value *map, unsigned indent, struct strbuf *out)
{
    for (size_t i = 0; i < value_count(map); i++) {
        const struct value_member *member = value_member_at(map, i);
        append_indent(indent, out);
        terminal_append_safe(out, value_str(&member->key));
        strbuf_append_char(out, ':');
        append_behind(&member->value, indent, out);
    }
}

/* Lists and maps inside lists are one JSON text a line: easier on the eye than ladders. */
static void append_items(const struct value *list, unsigned indent, struct strbuf *out)
{
    for (size_t i = 0; i < value_count(list); i++) {
        const struct value *item = value_at(list, i);
        append_indent(indent, out);
        strbuf_append_text(out, "- ");
        if (is_simple(item)) {
            append_simple(item, out);
        } else {
            terminal_append_json(out, item, JSON_COMPACT);
        }
        strbuf_append_char(out, '\n');
    }
}

void value_text_append(const struct value *value, unsigned indent, struct strbuf *out)
{
    if (value_is(value, VALUE_MAP) && value_count(value) > 0) {
        append_members(value, indent, out);
    } else if (value_is(value, VALUE_LIST) && value_count(value) > 0) {
        append_items(value, indent, out);
    } else if (value_is(value, VALUE_STRING) && !is_simple(value)) {
        append_lines(value_str(value), indent, out);
    } else {
        append_indent(indent, out);
        append_simple(value, out);
        strbuf_append_char(out, '\n');
    }
}
