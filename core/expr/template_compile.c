/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiling walks twice: over the given document, to cut strings and compile expressions, and,
 * where variables were put in, over the new source, to give the marks their values there.
 * Variables are put in as text, after cutting: what they hold is never read as a template.
 */
#include "core/expr/template.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/base/utf8.h"
#include "core/expr/template_state.h"
#include "core/expr/template_walk.h"
#include "core/value/builder.h"
#include "core/value/value.h"

static const size_t NO_MARK = SIZE_MAX;

struct compilation {
    struct template *template;
    const struct template_options *options;
    struct strbuf pointer; /* of the current value */
    size_t parent;         /* the mark of the container that is being compiled */
    size_t faults;
    bool has_variables;
    struct error *err;   /* the first fault's */
    struct error latest; /* the latest fault's: clearing one for each string would be slow */
};

static int compile_value(struct compilation *c, const struct value *value, bool *out_dynamic);

static int report(struct compilation *c, const struct expr_fault *fault)
{
    const struct error *err = &c->latest;
    if (c->faults++ == 0) {
        (void)error_copy(c->err, err); /* all faults have this code */
        if (c->pointer.n > 0) {
            error_prefix(c->err, "%.*s: ", STR_ARG(strbuf_str(&c->pointer)));
        }
    }
    if (c->options->on_fault != NULL) {
        c->options->on_fault(c->options->user, strbuf_str(&c->pointer), *fault, err);
    }
    return 0;
}

static int add_use(struct compilation *c, struct template_use use)
{
    struct template *t = c->template;
    struct template_use *grown =
        array_reserve(t->uses, &t->use_cap, t->use_count + 1, sizeof(*grown));
    if (grown == NULL) {
        return error_nomem(c->err);
    }
    t->uses = grown;
    grown[t->use_count++] = use;
    return 0;
}

static int add_unset(struct compilation *c, struct template_unset unset)
{
    struct template *t = c->template;
    struct template_unset *grown =
        array_reserve(t->unset, &t->unset_cap, t->unset_count + 1, sizeof(*grown));
    if (grown == NULL) {
        return error_nomem(c->err);
    }
    t->unset = grown;
    grown[t->unset_count++] = unset;
    return 0;
}

/* A mark for `value`; its number is *out_mark. */
static int add_mark(struct compilation *c, const struct value *value, size_t *out_mark)
{
    struct template *t = c->template;
    struct template_mark *grown =
        array_reserve(t->marks, &t->mark_cap, t->mark_count + 1, sizeof(*grown));
    if (grown == NULL) {
        return error_nomem(c->err);
    }
    t->marks = grown;
    struct template_mark mark = {.value = value, .parent = c->parent};
    mark.pointer = arena_dup_str(&t->arena, strbuf_str(&c->pointer));
    if (mark.pointer.p == NULL || strbuf_status(&c->pointer) != 0) {
        return error_nomem(c->err);
    }
    *out_mark = t->mark_count;
    t->marks[t->mark_count++] = mark;
    return 0;
}

static int compile_expr(struct compilation *c, size_t number, size_t i)
{
    struct template *t = c->template;
    struct template_mark *mark = &t->marks[number];
    const struct piece *piece = &mark->pieces[i];
    struct expr_fault fault = {0, 0};
    int status = expr_compile(piece->text, &c->options->names,
                              piece->is_dollar ? EXPR_INPUT_DEFAULT : 0, &mark->exprs[i], &fault,
                              &c->latest);
    mark->is_dynamic = true;
    if (status == E_NOMEM) {
        return error_nomem(c->err);
    }
    if (status != 0) {
        fault.offset += piece->offset;
        if (piece->is_dollar && str_starts_with(piece->text, STR("{"))) {
            (void)error_set(&c->latest, c->latest.code,
                            "'${{' is of other tools: leave the '$' out");
            fault = (struct expr_fault){piece->offset - 2, 2};
        }
        return report(c, &fault);
    }
    return add_use(c, (struct template_use){number, i});
}

/* Makes the piece the variable's text; its own text stays in `whole`. */
static int put_variable(struct compilation *c, size_t number, size_t i)
{
    struct template *t = c->template;
    struct piece *piece = &t->marks[number].pieces[i];
    const char *set = NULL;
    c->has_variables = true;
    if (c->options->env != NULL) {
        set = c->options->env(c->options->user, piece->text);
    }
    if (set == NULL && !piece->has_fallback) {
        return add_unset(c, (struct template_unset){piece->text, t->marks[number].pointer});
    }
    if (set != NULL && utf8_valid_prefix(set, strlen(set)) < strlen(set)) {
        struct expr_fault fault = {piece->offset, piece->text.n};
        t->marks[number].is_dynamic = true; /* as other strings with faults */
        (void)error_set(&c->latest, E_INVALID, "the environment variable '%.*s' is not UTF-8",
                        STR_ARG(piece->text));
        return report(c, &fault);
    }
    /* As in the shell, ":-" also stands in for a variable that is set to nothing. */
    bool is_fallback = set == NULL || (piece->has_fallback && *set == '\0');
    piece->fallback = is_fallback ? piece->fallback : arena_dup_str(&t->arena, str_from(set));
    return piece->fallback.p != NULL || is_fallback ? 0 : error_nomem(c->err);
}

static int compile_pieces(struct compilation *c, size_t number)
{
    struct template *t = c->template;
    size_t count = t->marks[number].piece_count;
    t->marks[number].exprs = arena_calloc(&t->arena, count > 0 ? count : 1, sizeof(struct expr *));
    if (t->marks[number].exprs == NULL) {
        return error_nomem(c->err);
    }
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        switch (t->marks[number].pieces[i].kind) {
        case PIECE_EXPR:
            status = compile_expr(c, number, i);
            break;
        case PIECE_VARIABLE:
            status = put_variable(c, number, i);
            break;
        case PIECE_TEXT:
            break;
        }
    }
    return status;
}

static int compile_string(struct compilation *c, const struct value *value, bool *out_dynamic)
{
    if (!pieces_are_worth_it(value_str(value))) {
        return 0;
    }
    size_t number = 0;
    int status = add_mark(c, value, &number);
    if (status != 0) {
        return status;
    }
    struct template_mark *mark = &c->template->marks[number];
    struct expr_fault fault = {0, 0};
    status = pieces_cut(value_str(value), &c->template->arena, &mark->pieces, &mark->piece_count,
                        &fault, &c->latest);
    if (status == E_NOMEM) {
        return error_nomem(c->err);
    }
    if (status != 0) {
        mark->is_dynamic = true; /* nobody knows what it was to become */
        *out_dynamic = true;
        return report(c, &fault);
    }
    size_t written = 0;
    for (size_t i = 0; i < mark->piece_count; i++) {
        written += mark->pieces[i].whole.n;
    }
    /* "$${" loses its first character: that changes the source as a variable does. */
    c->has_variables = c->has_variables || written != value_count(value);
    status = compile_pieces(c, number);
    *out_dynamic = c->template->marks[number].is_dynamic;
    return status;
}

static int compile_child(struct compilation *c, const struct value *value, struct str key,
                         bool *out_dynamic)
{
    size_t length = c->pointer.n;
    bool is_dynamic = false;
    value_pointer_append(&c->pointer, key);
    int status = strbuf_status(&c->pointer) == 0 ? 0 : error_nomem(c->err);
    if (status == 0) {
        status = compile_value(c, value, &is_dynamic);
    }
    if (c->pointer.p != NULL) {
        c->pointer.n = length;
        c->pointer.p[length] = '\0';
    }
    *out_dynamic = *out_dynamic || is_dynamic;
    return status;
}

/* A container has a mark only when something below it has one. */
static int compile_container(struct compilation *c, const struct value *value, bool *out_dynamic)
{
    struct template *t = c->template;
    bool is_map = value_type(value) == VALUE_MAP;
    bool is_dynamic = false;
    size_t number = 0;
    size_t outer = c->parent;
    int status = add_mark(c, value, &number);
    c->parent = number;
    for (size_t i = 0; i < value_count(value) && status == 0; i++) {
        if (is_map) {
            const struct value_member *member = value_member_at(value, i);
            status = compile_child(c, &member->value, value_str(&member->key), &is_dynamic);
        } else {
            char index[24];
            (void)snprintf(index, sizeof(index), "%zu", i); /* 20 digits at most */
            status = compile_child(c, value_at(value, i), str_from(index), &is_dynamic);
        }
    }
    c->parent = outer;
    if (status == 0 && t->mark_count == number + 1) {
        t->mark_count = number;
    } else if (status == 0) {
        t->marks[number].is_dynamic = is_dynamic;
    }
    *out_dynamic = is_dynamic;
    return status;
}

/* Documents may share values: one that is raw here can be a template elsewhere, so it is marked. */
static int compile_raw(struct compilation *c, const struct value *value)
{
    size_t number = 0;
    bool is_shareable = value_type(value) == VALUE_LIST || value_type(value) == VALUE_MAP ||
                        value_type(value) == VALUE_STRING;
    int status = is_shareable ? add_mark(c, value, &number) : 0;
    if (status == 0 && is_shareable) {
        c->template->marks[number].is_raw = true;
    }
    return status;
}

/* Documents are at most VALUE_MAX_DEPTH deep, and so is this recursion. */
static int compile_value(struct compilation *c, const struct value *value, bool *out_dynamic)
{
    if (c->options->is_raw != NULL &&
        c->options->is_raw(c->options->user, strbuf_str(&c->pointer))) {
        return compile_raw(c, value);
    }
    switch (value_type(value)) {
    case VALUE_STRING:
        return compile_string(c, value, out_dynamic);
    case VALUE_LIST:
    case VALUE_MAP:
        return compile_container(c, value, out_dynamic);
    default:
        return 0;
    }
}

/* Of the source: variables are put in, expressions stay as they are written. */
static int write_source_string(struct template_walk *walk, const struct template_mark *mark)
{
    struct strbuf text = STRBUF_INIT;
    for (size_t i = 0; i < mark->piece_count; i++) {
        const struct piece *piece = &mark->pieces[i];
        strbuf_append_str(&text, piece->kind == PIECE_VARIABLE ? piece->fallback : piece->whole);
    }
    int status = strbuf_status(&text);
    if (status == 0) {
        builder_string(walk->builder, strbuf_str(&text));
    }
    strbuf_finish(&text);
    return status == 0 ? 0 : error_nomem(walk->err);
}

/* Gives the marks from `*next` on the values that they have in the new source. */
static void move_marks(struct template *t, size_t *next, const struct value *old,
                       const struct value *value)
{
    if (*next >= t->mark_count || t->marks[*next].value != old) {
        return;
    }
    struct template_mark *mark = &t->marks[(*next)++];
    mark->value = value;
    size_t count = mark->is_raw ? 0 : value_count(value);
    for (size_t i = 0; value_type(value) == VALUE_LIST && i < count; i++) {
        move_marks(t, next, value_at(old, i), value_at(value, i));
    }
    for (size_t i = 0; value_type(value) == VALUE_MAP && i < count; i++) {
        move_marks(t, next, &value_member_at(old, i)->value, &value_member_at(value, i)->value);
    }
}

static int make_source(struct compilation *c, const struct value *root)
{
    struct template *t = c->template;
    bool is_whole = root == document_root(t->given);
    if (is_whole && !c->has_variables) {
        t->source = document_ref(t->given);
        return 0;
    }
    struct template_walk walk = {
        .template = t, .document = t->given, .builder = builder_create(), .err = c->err};
    int status = template_walk_write(&walk, root, write_source_string);
    if (status != 0) {
        builder_destroy(walk.builder);
        return status;
    }
    status = builder_finish(walk.builder, &t->source, c->err);
    if (status == 0) {
        size_t next = 0;
        move_marks(t, &next, root, document_root(t->source));
    }
    return status;
}

/*
 * Without an expression in it a value of the source is its own result. What is raw keeps its mark
 * where the container around it does.
 */
static int drop_constant_marks(struct compilation *c)
{
    struct template *t = c->template;
    bool *is_kept = arena_calloc(&t->arena, t->mark_count + 1, sizeof(*is_kept));
    size_t kept = 0;
    size_t use = 0;
    if (is_kept == NULL) {
        return error_nomem(c->err);
    }
    for (size_t i = 0; i < t->mark_count; i++) {
        struct template_mark mark = t->marks[i];
        bool is_in_kept = mark.parent != NO_MARK && is_kept[mark.parent]; /* parents come first */
        is_kept[i] = mark.is_dynamic || (mark.is_raw && is_in_kept);
        for (; use < t->use_count && t->uses[use].mark == i; use++) {
            t->uses[use].mark = kept; /* a mark with an expression is dynamic, so it is kept */
        }
        if (is_kept[i]) {
            t->marks[kept++] = mark;
        }
    }
    t->mark_count = kept;
    return 0;
}
int template_compile(const struct document *document, const struct value *value,
                     const struct template_options *options, struct template **out_template,
                     struct error *err)
{
    struct template *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        return error_nomem(err);
    }
    t->given = document_ref(document);
    struct compilation c = {.template = t, .options = options, .parent = NO_MARK, .err = err};
    bool is_dynamic = false;
    int status = compile_value(&c, value, &is_dynamic);
    strbuf_finish(&c.pointer);
    t->fault_count = c.faults;
    if (status == 0 && c.faults > 0 && !options->keeps_faulty) {
        status = E_INVALID;
    }
    if (status == 0) {
        status = make_source(&c, value);
    }
    if (status == 0) {
        status = drop_constant_marks(&c);
    }
    if (status == 0) {
        status = template_sort_dynamic(t) == 0 ? 0 : error_nomem(err);
    }
    if (status != 0) {
        template_destroy(t);
        return status;
    }
    *out_template = t;
    return 0;
}
