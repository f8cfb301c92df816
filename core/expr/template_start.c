/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/template_start.h"

#include "core/base/arena.h"
#include "core/expr/expr.h"
#include "core/expr/result.h"
#include "core/expr/template.h"
#include "core/expr/template_state.h"
#include "core/value/value.h"

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

static int tell_mixed(const struct template_mark *mark, const struct expr_scope *scope, int slot,
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

int template_start_each(const struct template *template, const struct expr_scope *scope, int slot,
                        template_start_cb cb, void *user)
{
    int status = 0;
    tell_constants(template, document_root(template->source), cb, user);
    for (size_t i = 0; i < template->mark_count && status == 0; i++) {
        const struct template_mark *mark = &template->marks[i];
        if (mark->is_dynamic && value_type(mark->value) == VALUE_STRING) {
            status = tell_mixed(mark, scope, slot, cb, user);
        }
    }
    return status;
}
