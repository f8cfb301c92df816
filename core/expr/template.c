/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/template.h"

#include <stdlib.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/expr/pieces.h"
#include "core/expr/result.h"
#include "core/expr/template_state.h"
#include "core/expr/template_walk.h"
#include "core/value/builder.h"
#include "core/value/value.h"

void template_destroy(struct template *template)
{
    if (template == NULL) {
        return;
    }
    for (size_t m = 0; m < template->mark_count; m++) {
        const struct template_mark *mark = &template->marks[m];
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

static int compare_values(const void *a, const void *b)
{
    const struct value *x = *(const struct value *const *)a;
    const struct value *y = *(const struct value *const *)b;
    return x < y ? -1 : (x > y ? 1 : 0);
}

int template_sort_dynamic(struct template *t)
{
    t->dynamic = arena_calloc(&t->arena, t->mark_count + 1, sizeof(*t->dynamic));
    if (t->dynamic == NULL) {
        return E_NOMEM;
    }
    for (size_t i = 0; i < t->mark_count; i++) {
        if (t->marks[i].is_dynamic && value_type(t->marks[i].value) == VALUE_STRING) {
            t->dynamic[t->dynamic_count++] = t->marks[i].value;
        }
    }
    qsort(t->dynamic, t->dynamic_count, sizeof(struct value *), compare_values);
    return 0;
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
    const struct template_use *use = &template->uses[i];
    const struct template_mark *mark = &template->marks[use->mark];
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
static bool is_secret(const struct template_walk *walk, const struct template_mark *mark)
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
static int write_mixed(struct template_walk *walk, const struct template_mark *mark)
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

static int write_resolved_string(struct template_walk *walk, const struct template_mark *mark)
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
    return template_walk_fail(walk, mark, status);
}

int template_check_result(const struct template *template, size_t i, const struct cel *value,
                          struct error *err)
{
    const struct template_use *use = &template->uses[i];
    const struct template_mark *mark = &template->marks[use->mark];
    if (pieces_only_expr(mark->pieces, mark->piece_count) != NULL) {
        return result_check_json(value, err);
    }
    struct strbuf text = STRBUF_INIT;
    int status = result_append_text(value, expr_source(mark->exprs[use->piece]), &text, err);
    strbuf_finish(&text);
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
    struct template_walk walk = {.template = template,
                                 .document = template->source,
                                 .builder = builder_create(),
                                 .scope = scope,
                                 .budget = budget,
                                 .arena = &arena,
                                 .err = err};
    int status = template_walk_write(&walk, document_root(template->source), write_resolved_string);
    if (status != 0) {
        builder_destroy(walk.builder);
    } else {
        status = builder_finish(walk.builder, out_document, err);
    }
    arena_finish(&arena);
    return status;
}
