/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/template_walk.h"

#include "core/base/error.h"
#include "core/expr/template_state.h"
#include "core/value/builder.h"
#include "core/value/value.h"

/* The mark of `value`, if it has one. */
static const struct template_mark *next_mark(const struct template_walk *walk,
                                             const struct value *value)
{
    const struct template *t = walk->template;
    bool is_marked = walk->next < t->mark_count && t->marks[walk->next].value == value;
    return is_marked ? &t->marks[walk->next] : NULL;
}

int template_walk_fail(struct template_walk *walk, const struct template_mark *mark, int status)
{
    if (status != 0 && status != E_NOMEM && mark->pointer.n > 0) {
        error_prefix(walk->err, "%.*s: ", STR_ARG(mark->pointer));
    }
    return status;
}

/*
 * Whether a member or an item is left out: it is nothing but an expression, and that gives an
 * optional without a value. Another value is kept until the string is written.
 */
static int find_left_out(struct template_walk *walk, const struct value *value, bool *out_left_out)
{
    const struct template_mark *mark = walk->scope != NULL ? next_mark(walk, value) : NULL;
    bool is_string = mark != NULL && mark->is_dynamic && value_type(value) == VALUE_STRING;
    const struct piece *only = is_string ? pieces_only_expr(mark->pieces, mark->piece_count) : NULL;
    *out_left_out = false;
    if (only == NULL) {
        return 0;
    }
    struct cel result;
    int status = expr_evaluate(mark->exprs[only - mark->pieces], walk->scope, walk->arena,
                               walk->budget, &result, walk->err);
    if (status != 0) {
        return template_walk_fail(walk, mark, status);
    }
    walk->known = mark;
    walk->known_value = result;
    if (result.type == CEL_OPTIONAL && result.as.optional == NULL) {
        *out_left_out = true;
        walk->next++;
    }
    return 0;
}

static int write_item(struct template_walk *walk, const struct value *value,
                      template_walk_string_cb write_string)
{
    bool is_left_out = false;
    int status = find_left_out(walk, value, &is_left_out);
    return status != 0 || is_left_out ? status : template_walk_write(walk, value, write_string);
}

static int write_member(struct template_walk *walk, const struct value_member *member,
                        template_walk_string_cb write_string)
{
    bool is_left_out = false;
    int status = find_left_out(walk, &member->value, &is_left_out);
    if (status != 0 || is_left_out) {
        return status;
    }
    builder_key(walk->builder, value_str(&member->key));
    return template_walk_write(walk, &member->value, write_string);
}

int template_walk_write(struct template_walk *walk, const struct value *value,
                        template_walk_string_cb write_string)
{
    const struct template_mark *mark = next_mark(walk, value);
    int status = 0;
    walk->next += mark != NULL ? 1 : 0;
    if (mark == NULL || mark->is_raw) {
        builder_embed(walk->builder, walk->document, value);
        return 0;
    }
    switch (value_type(value)) {
    case VALUE_LIST:
        builder_list_begin(walk->builder);
        for (size_t i = 0; i < value_count(value) && status == 0; i++) {
            status = write_item(walk, value_at(value, i), write_string);
        }
        if (status == 0) {
            builder_list_end(walk->builder);
        }
        return status;
    case VALUE_MAP:
        builder_map_begin(walk->builder);
        for (size_t i = 0; i < value_count(value) && status == 0; i++) {
            status = write_member(walk, value_member_at(value, i), write_string);
        }
        if (status == 0) {
            builder_map_end(walk->builder);
        }
        return status;
    default:
        return write_string(walk, mark);
    }
}
