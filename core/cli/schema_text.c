/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/schema_text.h"

#include "core/cli/terminal.h"
#include "core/value/value.h"

/* A $ref to a $ref and so on, and branches in branches: schemas may go round in circles. */
enum { NESTING_SHOWN = 4, REF_MAX_HOPS = 16, BRANCHES_SHOWN = 3 };

struct job {
    const struct value *root;
    struct strbuf *out;
};

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

/* The schema itself, or the one that it only refers to. */
static const struct value *follow_refs(const struct job *job, const struct value *schema)
{
    for (int hops = 0; hops < REF_MAX_HOPS; hops++) {
        const struct value *ref = value_get(schema, STR("$ref"));
        if (!value_is(ref, VALUE_STRING) || !str_starts_with(value_str(ref), STR("#"))) {
            return schema;
        }
        struct str text = value_str(ref);
        schema = value_pointer(job->root, str_make(text.p + 1, text.n - 1));
    }
    return NULL;
}

static const struct value *branches_of(const struct value *schema)
{
    const struct value *branches = value_get(schema, STR("anyOf"));
    branches = branches != NULL ? branches : value_get(schema, STR("oneOf"));
    return value_is(branches, VALUE_LIST) ? branches : NULL;
}

/* Bounded by BRANCHES_SHOWN, so recursion is shallow. */
static void append_kind(const struct job *job, const struct value *field, int level)
{
    field = follow_refs(job, field);
    const struct value *choices = value_get(field, STR("enum"));
    const struct value *type = value_get(field, STR("type"));
    const struct value *branches = level < BRANCHES_SHOWN ? branches_of(field) : NULL;
    if (value_is(choices, VALUE_LIST)) {
        append_choices(choices, job->out);
    } else if (value_is(type, VALUE_STRING)) {
        terminal_append_safe(job->out, value_str(type));
    } else if (value_is(type, VALUE_LIST)) {
        append_choices(type, job->out);
    } else if (is_expression(field)) {
        strbuf_append_text(job->out, "expression");
    } else if (branches != NULL) {
        for (size_t i = 0; i < value_count(branches); i++) {
            strbuf_append_text(job->out, i > 0 ? " | " : "");
            append_kind(job, value_at(branches, i), level + 1);
        }
    } else {
        strbuf_append_text(job->out, is_false(field) ? "never" : "any");
    }
}

static void append_description(const struct value *schema, struct strbuf *out)
{
    const struct value *description = value_get(schema, STR("description"));
    if (value_is(description, VALUE_STRING)) {
        strbuf_append_text(out, ": ");
        terminal_append_safe(out, value_str(description));
    }
    strbuf_append_char(out, '\n');
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

static void append_field(const struct job *job, const struct value *schema,
                         const struct value_member *member, unsigned indent, size_t widest)
{
    struct str name = value_str(&member->key);
    append_spaces(indent, job->out);
    terminal_append_safe(job->out, name);
    size_t width = terminal_safe_width(name);
    append_spaces(widest > width ? widest - width + 2 : 2, job->out);
    append_kind(job, &member->value, 0);
    const struct value *fallback = value_get(&member->value, STR("default"));
    if (is_required(schema, name)) {
        strbuf_append_text(job->out, ", required");
    } else if (fallback != NULL) {
        strbuf_append_text(job->out, ", default ");
        terminal_append_json(job->out, fallback, JSON_COMPACT);
    }
    append_description(&member->value, job->out);
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
static void append_level(const struct job *job, const struct value *schema, unsigned indent,
                         unsigned level)
{
    const struct value *properties = value_get(follow_refs(job, schema), STR("properties"));
    if (!value_is(properties, VALUE_MAP)) {
        return;
    }
    size_t widest = widest_key(properties);
    for (size_t i = 0; i < value_count(properties); i++) {
        const struct value_member *member = value_member_at(properties, i);
        append_field(job, schema, member, indent, widest);
        const struct value *items = value_get(&member->value, STR("items"));
        if (level < NESTING_SHOWN) {
            append_level(job, &member->value, indent + 4, level + 1);
            append_level(job, items, indent + 4, level + 1);
        }
    }
}

static bool is_map(const struct value *schema)
{
    const struct value *type = value_get(schema, STR("type"));
    return type == NULL ? value_get(schema, STR("description")) == NULL
                        : value_is(type, VALUE_STRING) && str_equal(value_str(type), STR("object"));
}

void schema_text_append(const struct value *schema, unsigned indent, struct strbuf *out)
{
    struct job job = {.root = schema, .out = out};
    const struct value *properties = value_get(schema, STR("properties"));
    if (value_is(properties, VALUE_MAP) && value_count(properties) > 0) {
        append_level(&job, schema, indent, 0);
        return;
    }
    append_spaces(indent, out);
    if (!is_map(schema)) {
        append_kind(&job, schema, 0);
    } else if (is_false(schema) || is_false(value_get(schema, STR("additionalProperties")))) {
        strbuf_append_text(out, "nothing");
    } else {
        strbuf_append_text(out, "any fields");
    }
    append_description(schema, out);
}
