/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/sure_failure.h"

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/expr/expr.h"
#include "core/expr/template.h"
#include "core/model/draft.h"

static int fetch_nothing(const void *user, int slot, struct cel *out, struct error *err)
{
    (void)user;
    (void)slot;
    (void)out;
    return error_set(err, E_INVALID, "a constant reads nothing");
}

static void report_failure(struct draft *draft, const struct use *use, const char *what,
                           struct expr_fault fault, const struct error *err)
{
    report_error(&draft->loader->report,
                 draft_place_in(draft, use->scalar, use->offset + fault.offset),
                 "%s always fails: %s", what, err->message);
}

/* A part that always fails. Fails with E_NOMEM. */
static int check_parts(struct draft *draft, const struct use *use, const char *what,
                       bool *out_fails)
{
    struct expr_fault fault = {0};
    struct error err = {0};
    int status = expr_find_failure(use->expr, &fault, &err);
    *out_fails = status == E_INVALID;
    if (*out_fails) {
        report_failure(draft, use, what, fault, &err);
    }
    return *out_fails ? 0 : status;
}

/* A result that cannot stand in its template, whatever its value is. Fails with E_NOMEM. */
static int check_result(struct draft *draft, const struct use *use, const char *what,
                        const struct sure_failure_place *in, const struct cel *value)
{
    struct error err = {0};
    int status = in != NULL ? template_check_result(in->template, in->i, value, &err) : 0;
    if (status != 0 && status != E_NOMEM) {
        report_failure(draft, use, what, expr_place(use->expr), &err);
        status = 0;
    }
    return status;
}

/*
 * An expression that names nothing has one value for ever: found now, or never to be found. `*type`
 * becomes the value's; a failure is reported. Fails with E_NOMEM.
 */
static int check_value(struct draft *draft, const struct use *use, const char *what,
                       const struct sure_failure_place *in, int *type)
{
    struct expr_scope scope = {.fetch = fetch_nothing};
    struct expr_budget budget = expr_default_budget;
    struct arena arena = ARENA_INIT;
    struct cel value;
    struct error err = {0};
    int status = expr_evaluate(use->expr, &scope, &arena, &budget, &value, &err);
    if (status == 0) {
        *type = (int)value.type;
        status = check_result(draft, use, what, in, &value);
    } else if (status != E_NOMEM) {
        bool is_reported = false;
        *type = EXPR_TYPE_OPEN; /* what it would be does not matter */
        status = check_parts(draft, use, what, &is_reported);
        if (status == 0 && !is_reported) {
            report_failure(draft, use, what, expr_place(use->expr), &err);
        }
    }
    arena_finish(&arena);
    return status;
}

/* `{{ fetch }}`: a node has its output, and much else, but is no value itself. */
static bool report_node(struct draft *draft, const struct use *use, const char *what)
{
    const struct expr_reference *reference = expr_reference_at(use->expr, 0);
    struct expr_fault whole = expr_place(use->expr);
    bool is_node = reference->slot >= SLOT_NODE_FIRST && reference->slot < SLOT_ITEM_FIRST;
    if (!is_node || reference->path_count > 0 || reference->length != whole.length) {
        return false;
    }
    report_error(&draft->loader->report,
                 draft_place_in(draft, use->scalar, use->offset + whole.offset),
                 "%s always fails: '%.*s' is a node and no value", what, STR_ARG(reference->root));
    report_hint(&draft->loader->report, "write %.*s.output", STR_ARG(reference->root));
    return true;
}

int sure_failure_report(struct draft *draft, const struct use *use, const char *what,
                        const struct sure_failure_place *in, int *type)
{
    bool fails = false;
    if (expr_reference_count(use->expr) == 0) {
        return check_value(draft, use, what, in, type);
    }
    if (in != NULL && report_node(draft, use, what)) {
        return 0;
    }
    int status = check_parts(draft, use, what, &fails);
    int result = expr_static_type(use->expr);
    if (status == 0 && !fails && (result == CEL_BYTES || result == CEL_TYPE)) {
        status = check_result(draft, use, what, in, &(struct cel){.type = (uint8_t)result});
    }
    return status;
}
