/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A template is a source document and marks: one for each string that holds an expression and
 * for each list and map above one, in the order in which a walk meets them. Resolving walks the
 * source beside the marks and shares every subtree that has none.
 *
 * Compiling walks twice: over the given document, to cut strings and compile expressions, and,
 * where variables were put in, over the new source, to give the marks their values there.
 * Variables are put in as text, after cutting: what they hold is never read as a template.
 */
#include "core/expr/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/base/utf8.h"
#include "core/expr/pieces.h"
#include "core/expr/result.h"
#include "core/value/builder.h"
#include "core/value/value.h"

/* A string or a container that is not simply copied, or that is raw and is. */
struct mark {
    const struct value *value;
    size_t parent; /* the mark of the container around it; NO_MARK at the root */
    struct str pointer;
    struct piece *pieces; /* of a string */
    size_t piece_count;
    struct expr **exprs; /* as many as pieces; NULL for those that are none */
    bool is_dynamic;     /* an expression is in it or below it */
    bool is_raw;
};

static const size_t NO_MARK = SIZE_MAX;

struct use {
    size_t mark;
    size_t piece;
};

/* A variable that has no value. */
struct unset {
    struct str name;
    struct str pointer;
};

struct template
{
    struct arena arena;
    struct document *given; /* what it was compiled from: pieces point into it */
    struct document *source;
    struct mark *marks;
    size_t mark_count;
    size_t mark_cap;
    struct use *uses; /* the expressions, in order */
    size_t use_count;
    size_t use_cap;
    struct unset *unset;
    size_t unset_count;
    size_t unset_cap;
    const struct value **dynamic; /* strings, sorted by address */
    size_t dynamic_count;
    size_t fault_count;
};

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

static int add_use(struct compilation *c, struct use use)
{
    struct template *t = c->template;
    struct use *grown = array_reserve(t->uses, &t->use_cap, t->use_count + 1, sizeof(*grown));
    if (grown == NULL) {
        return error_nomem(c->err);
    }
    t->uses = grown;
    grown[t->use_count++] = use;
    return 0;
}

static int add_unset(struct compilation *c, struct unset unset)
{
    struct template *t = c->template;
    struct unset *grown =
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
    struct mark *grown = array_reserve(t->marks, &t->mark_cap, t->mark_count + 1, sizeof(*grown));
    if (grown == NULL) {
        return error_nomem(c->err);
    }
    t->marks = grown;
    struct mark mark = {.value = value, .parent = c->parent};
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
    struct mark *mark = &t->marks[number];
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
    return add_use(c, (struct use){number, i});
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
        return add_unset(c, (struct unset){piece->text, t->marks[number].pointer});
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
    struct mark *mark = &c->template->marks[number];
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

/* A walk over a source beside the marks. */
struct walk {
    const struct template *template;
    const struct document *document; /* that holds the values */
    struct builder *builder;
    size_t next; /* mark */
    const struct expr_scope *scope;
    struct expr_budget *budget;
    struct arena *arena;
    const struct mark *known; /* what has its value already */
    struct cel known_value;
    struct error *err;
};

/* Writes what a marked string becomes. */
typedef int (*write_string_cb)(struct walk *walk, const struct mark *mark);

/* The mark of `value`, if it has one. */
static const struct mark *next_mark(const struct walk *walk, const struct value *value)
{
    const struct template *t = walk->template;
    bool is_marked = walk->next < t->mark_count && t->marks[walk->next].value == value;
    return is_marked ? &t->marks[walk->next] : NULL;
}

static int fail_at_mark(struct walk *walk, const struct mark *mark, int status)
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
static int find_left_out(struct walk *walk, const struct value *value, bool *out_left_out)
{
    const struct mark *mark = walk->scope != NULL ? next_mark(walk, value) : NULL;
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
        return fail_at_mark(walk, mark, status);
    }
    walk->known = mark;
    walk->known_value = result;
    if (result.type == CEL_OPTIONAL && result.as.optional == NULL) {
        *out_left_out = true;
        walk->next++;
    }
    return 0;
}

static int write_value(struct walk *walk, const struct value *value, write_string_cb write_string);

static int write_item(struct walk *walk, const struct value *value, write_string_cb write_string)
{
    bool is_left_out = false;
    int status = find_left_out(walk, value, &is_left_out);
    return status != 0 || is_left_out ? status : write_value(walk, value, write_string);
}

static int write_member(struct walk *walk, const struct value_member *member,
                        write_string_cb write_string)
{
    bool is_left_out = false;
    int status = find_left_out(walk, &member->value, &is_left_out);
    if (status != 0 || is_left_out) {
        return status;
    }
    builder_key(walk->builder, value_str(&member->key));
    return write_value(walk, &member->value, write_string);
}

static int write_value(struct walk *walk, const struct value *value, write_string_cb write_string)
{
    const struct mark *mark = next_mark(walk, value);
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

/* Of the source: variables are put in, expressions stay as they are written. */
static int write_source_string(struct walk *walk, const struct mark *mark)
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
    struct mark *mark = &t->marks[(*next)++];
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
    struct walk walk = {
        .template = t, .document = t->given, .builder = builder_create(), .err = c->err};
    int status = write_value(&walk, root, write_source_string);
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
        struct mark mark = t->marks[i];
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

static int compare_values(const void *a, const void *b)
{
    const struct value *x = *(const struct value *const *)a;
    const struct value *y = *(const struct value *const *)b;
    return x < y ? -1 : (x > y ? 1 : 0);
}

static int sort_dynamic(struct compilation *c)
{
    struct template *t = c->template;
    t->dynamic = arena_calloc(&t->arena, t->mark_count + 1, sizeof(*t->dynamic));
    if (t->dynamic == NULL) {
        return error_nomem(c->err);
    }
    for (size_t i = 0; i < t->mark_count; i++) {
        if (t->marks[i].is_dynamic && value_type(t->marks[i].value) == VALUE_STRING) {
            t->dynamic[t->dynamic_count++] = t->marks[i].value;
        }
    }
    qsort(t->dynamic, t->dynamic_count, sizeof(struct value *), compare_values);
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
        status = sort_dynamic(&c);
    }
    if (status != 0) {
        template_destroy(t);
        return status;
    }
    *out_template = t;
    return 0;
}

void template_destroy(struct template *template)
{
    if (template == NULL) {
        return;
    }
    for (size_t m = 0; m < template->mark_count; m++) {
        const struct mark *mark = &template->marks[m];
        for (size_t i = 0; mark->exprs != NULL && i < mark->piece_count; i++) {
            expr_destroy(mark->exprs[i]);
        }
    }
    free(template->marks);
    free(template->uses);
    free(template->unset);
    document_unref(template->source);
    document_unref(template->given);
    arena_finish(&template->arena);
    free(template);
}

size_t template_fault_count(const struct template *template)
{
    return template->fault_count;
}

bool template_is_constant(const struct template *template)
{
    return template->use_count == 0 && template->fault_count == 0;
}

bool template_is_dynamic(const struct template *template, const struct value *value)
{
    return bsearch(&value, template->dynamic, template->dynamic_count, sizeof(value),
                   compare_values) != NULL;
}

const struct value *template_source(const struct template *template)
{
    return document_root(template->source);
}

size_t template_expr_count(const struct template *template)
{
    return template->use_count;
}

const struct expr *template_expr_at(const struct template *template, size_t i,
                                    struct str *out_pointer, size_t *out_offset)
{
    const struct use *use = &template->uses[i];
    const struct mark *mark = &template->marks[use->mark];
    *out_pointer = mark->pointer;
    *out_offset = mark->pieces[use->piece].offset;
    return mark->exprs[use->piece];
}

size_t template_unset_count(const struct template *template)
{
    return template->unset_count;
}

struct str template_unset_at(const struct template *template, size_t i, struct str *out_pointer)
{
    *out_pointer = template->unset[i].pointer;
    return template->unset[i].name;
}

/* What secrets are in is no more than text: model/secret_uses. */
static bool is_secret(const struct walk *walk, const struct mark *mark)
{
    uint32_t slots = walk->scope->secret_slots;
    for (size_t i = 0; slots != 0 && i < mark->piece_count; i++) {
        size_t count = mark->exprs[i] != NULL ? expr_reference_count(mark->exprs[i]) : 0;
        for (size_t k = 0; k < count; k++) {
            const struct expr_reference *use = expr_reference_at(mark->exprs[i], k);
            bool is_known = use->slot >= 0 && use->slot < 32 && !use->is_test;
            if (is_known && (slots >> use->slot & 1) != 0) {
                return true;
            }
        }
    }
    return false;
}

/* Text with expressions in it. */
static int write_mixed(struct walk *walk, const struct mark *mark)
{
    struct strbuf text = STRBUF_INIT;
    int status = 0;
    for (size_t i = 0; i < mark->piece_count && status == 0; i++) {
        const struct piece *piece = &mark->pieces[i];
        struct cel value;
        if (piece->kind != PIECE_EXPR) {
            strbuf_append_str(&text, piece->kind == PIECE_TEXT ? piece->text : piece->fallback);
            continue;
        }
        status = expr_evaluate(mark->exprs[i], walk->scope, walk->arena, walk->budget, &value,
                               walk->err);
        if (status == 0) {
            status = result_append_text(&value, expr_source(mark->exprs[i]), &text, walk->err);
        }
        if (status == 0 && strbuf_status(&text) != 0) {
            status = error_nomem(walk->err);
        }
        if (status == 0 && text.n > walk->budget->output_bytes) {
            status = error_set(walk->err, E_LIMIT,
                               "the text with its values has more than %zu bytes (limit "
                               "'expression output'): put less into it",
                               walk->budget->output_bytes);
        }
    }
    if (status == 0) {
        walk->budget->output_bytes -=
            text.n < walk->budget->output_bytes ? text.n : walk->budget->output_bytes;
        builder_string(walk->builder, strbuf_str(&text));
    }
    strbuf_finish(&text);
    return status;
}

static int write_resolved_string(struct walk *walk, const struct mark *mark)
{
    const struct piece *only = pieces_only_expr(mark->pieces, mark->piece_count);
    int status = 0;
    if (!mark->is_dynamic) {
        builder_embed(walk->builder, walk->document, mark->value);
    } else if (only == NULL) {
        status = write_mixed(walk, mark);
    } else if (walk->known == mark) {
        status = cel_build(&walk->known_value, walk->builder, walk->err);
    } else {
        struct cel value;
        const struct expr *expr = mark->exprs[only - mark->pieces];
        status = expr_evaluate(expr, walk->scope, walk->arena, walk->budget, &value, walk->err);
        if (status == 0) {
            status = cel_build(&value, walk->builder, walk->err);
        }
    }
    if (mark->is_dynamic && status == 0 && is_secret(walk, mark)) {
        builder_hide(walk->builder);
    }
    return fail_at_mark(walk, mark, status);
}

int template_check_result(const struct template *template, size_t i, const struct cel *value,
                          struct error *err)
{
    const struct use *use = &template->uses[i];
    const struct mark *mark = &template->marks[use->mark];
    if (pieces_only_expr(mark->pieces, mark->piece_count) != NULL) {
        return result_check_json(value, err);
    }
    struct strbuf text = STRBUF_INIT;
    int status = result_append_text(value, expr_source(mark->exprs[use->piece]), &text, err);
    strbuf_finish(&text);
    return status;
}

/* ---- how strings begin ---- */

static bool reads_only(const struct expr *expr, int slot)
{
    for (size_t i = 0; i < expr_reference_count(expr); i++) {
        if (expr_reference_at(expr, i)->slot != slot) {
            return false;
        }
    }
    return true;
}

/* Appends the value; false: it is not known. */
static bool append_known(const struct expr *expr, const struct expr_scope *scope, int slot,
                         struct strbuf *text)
{
    struct expr_budget budget = expr_default_budget;
    struct arena arena = ARENA_INIT;
    struct cel value;
    bool is_known = expr != NULL && reads_only(expr, slot) &&
                    expr_evaluate(expr, scope, &arena, &budget, &value, NULL) == 0 &&
                    result_append_text(&value, expr_source(expr), text, NULL) == 0;
    arena_finish(&arena);
    return is_known;
}

static int tell_mixed(const struct mark *mark, const struct expr_scope *scope, int slot,
                      template_start_cb cb, void *user)
{
    struct strbuf text = STRBUF_INIT;
    bool is_known = mark->piece_count > 0;
    for (size_t i = 0; i < mark->piece_count && is_known; i++) {
        const struct piece *piece = &mark->pieces[i];
        if (piece->kind == PIECE_EXPR) {
            is_known = append_known(mark->exprs[i], scope, slot, &text);
        } else {
            strbuf_append_str(&text, piece->kind == PIECE_TEXT ? piece->text : piece->fallback);
        }
    }
    int status = strbuf_status(&text);
    if (status == 0) {
        cb(user, strbuf_str(&text), is_known);
    }
    strbuf_finish(&text);
    return status;
}

/* What holds an expression is told by its mark. */
static void tell_constants(const struct template *t, const struct value *value,
                           template_start_cb cb, void *user)
{
    if (value_type(value) == VALUE_STRING && !template_is_dynamic(t, value)) {
        cb(user, value_str(value), true);
    }
    for (size_t i = 0; value_type(value) == VALUE_LIST && i < value_count(value); i++) {
        tell_constants(t, value_at(value, i), cb, user);
    }
    for (size_t i = 0; value_type(value) == VALUE_MAP && i < value_count(value); i++) {
        tell_constants(t, &value_member_at(value, i)->value, cb, user);
    }
}

int template_each_start(const struct template *template, const struct expr_scope *scope, int slot,
                        template_start_cb cb, void *user)
{
    int status = 0;
    tell_constants(template, document_root(template->source), cb, user);
    for (size_t i = 0; i < template->mark_count && status == 0; i++) {
        const struct mark *mark = &template->marks[i];
        if (mark->is_dynamic && value_type(mark->value) == VALUE_STRING) {
            status = tell_mixed(mark, scope, slot, cb, user);
        }
    }
    return status;
}

int template_resolve(const struct template *template, const struct expr_scope *scope,
                     struct expr_budget *budget, struct document **out_document, struct error *err)
{
    if (template_is_constant(template)) {
        *out_document = document_ref(template->source);
        return 0;
    }
    if (template->fault_count > 0) {
        return error_set(err, E_INVALID, "the template has faults and cannot be resolved");
    }
    struct arena arena = ARENA_INIT;
    struct walk walk = {.template = template,
                        .document = template->source,
                        .builder = builder_create(),
                        .scope = scope,
                        .budget = budget,
                        .arena = &arena,
                        .err = err};
    int status = write_value(&walk, document_root(template->source), write_resolved_string);
    if (status != 0) {
        builder_destroy(walk.builder);
    } else {
        status = builder_finish(walk.builder, out_document, err);
    }
    arena_finish(&arena);
    return status;
}
