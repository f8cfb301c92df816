/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/schema_text.h"

#include "core/cli/terminal.h"
#include "core/value/value.h"

enum { NESTING_SHOWN = 4 };

static void append_spaces(size_t n, struct strbuf *out)
{
    for (; n > 0; n--) {
        strbuf_append_char(out, ' ');
    }
}

/* "a | b | c" of a list of texts or values. */
static void append_choices(const struct value *list, struct strbuf *out)
{
    for (size_t i = 0; i < value_count(list); i++) {
        const struct value *item = value_at(list, i);
        strbuf_append_text(out, i > 0 ? " | " : "");
        if (value_is(item, VALUE_STRING)) {
            terminal_append_safe(out, value_str(item));
        } else {
            terminal_append_json(out, item, JSON_COMPACT);
        }
    }
}

static bool is_false(const struct value *schema)
{
    return value_is(schema, VALUE_BOOL) && !value_bool(schema);
}

/* An expression of CEL, which is text, or a value that it stands for. */
static bool is_expression(const struct value *field)
{
    const struct value *format = value_get(field, STR("format"));
    return value_is(format, VALUE_STRING) && str_equal(value_str(format), STR("cel"));
}

static void append_kind(const struct value *field, struct strbuf *out)
{
    const struct value *choices = value_get(field, STR("enum"));
    const struct value *type = value_get(field, STR("type"));
    if (value_is(choices, VALUE_LIST)) {
        append_choices(choices, out);
    } else if (value_is(type, VALUE_STRING)) {
        terminal_append_safe(out, value_str(type));
    } else if (value_is(type, VALUE_LIST)) {
        append_choices(type, out);
    } else if (is_expression(field)) {
        strbuf_append_text(out, "expression");
    } else {
        strbuf_append_text(out, is_false(field) ? "never" : "any");
    }
}

static bool is_required(const struct value *schema, struct str name)
{
    const struct value *required = value_get(schema, STR("required"));
    for (size_t i = 0; value_is(required, VALUE_LIST) && i < value_count(required); i++) {
        const struct value *item = value_at(required, i);
        if (value_is(item, VALUE_STRING) && str_equal(value_str(item), name)) {
            return true;
        }
    }
    return false;
}

static void append_field(const struct value *schema, const struct value_member *member,
                         unsigned indent, size_t widest, struct strbuf *out)
{
    struct str name = value_str(&member->key);
    append_spaces(indent, out);
    terminal_append_safe(out, name);
    size_t width = terminal_safe_width(name);
    append_spaces(widest > width ? widest - width + 2 : 2, out);
    append_kind(&member->value, out);
    const struct value *fallback = value_get(&member->value, STR("default"));
    if (is_required(schema, name)) {
        strbuf_append_text(out, ", required");
    } else if (fallback != NULL) {
        strbuf_append_text(out, ", default ");
        terminal_append_json(out, fallback, JSON_COMPACT);
    }
    const struct value *description = value_get(&member->value, STR("description"));
    if (value_is(description, VALUE_STRING)) {
        strbuf_append_text(out, ": ");
        terminal_append_safe(out, value_str(description));
    }
    strbuf_append_char(out, '\n');
}

static size_t widest_key(const struct value *properties)
{
    size_t widest = 0;
    for (size_t i = 0; i < value_count(properties); i++) {
        size_t width = terminal_safe_width(value_str(&value_member_at(properties, i)->key));
        widest = width > widest ? width : widest;
    }
    return widest;
}

/* Bounded by NESTING_SHOWN, so recursion is shallow. */
static void append_level(const struct value *schema, unsigned indent, unsigned level,
                         struct strbuf *out)
{
    const struct value *properties = value_get(schema, STR("properties"));
    if (!value_is(properties, VALUE_MAP)) {
        return;
    }
    size_t widest = widest_key(properties);
    for (size_t i = 0; i < value_count(properties); i++) {
        const struct value_member *member = value_member_at(properties, i);
        append_field(schema, member, indent, widest, out);
        const struct value *items = value_get(&member->value, STR("items"));
        if (level < NESTING_SHOWN) {
            append_level(&member->value, indent + 4, level + 1, out);
            append_level(items, indent + 4, level + 1, out);
        }
    }
}

void schema_text_append(const struct value *schema, unsigned indent, struct strbuf *out)
{
    const struct value *properties = value_get(schema, STR("properties"));
    if (value_is(properties, VALUE_MAP) && value_count(properties) > 0) {
        append_level(schema, indent, 0, out);
        return;
    }
    append_spaces(indent, out);
    const struct value *type = value_get(schema, STR("type"));
    bool is_map = type == NULL ||
                  (value_is(type, VALUE_STRING) && str_equal(value_str(type), STR("object")));
    if (!is_map) {
        append_kind(schema, out);
        strbuf_append_char(out, '\n');
        return;
    }
    bool is_closed = is_false(schema) || is_false(value_get(schema, STR("additionalProperties")));
    strbuf_append_text(out, is_closed ? "nothing\n" : "any fields\n");
}
