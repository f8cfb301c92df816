/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/memo.h"

#include "core/base/error.h"
#include "core/expr/program.h"

void expr_memo_finish(struct expr_memo *memo)
{
    size_t cursor = 0;
    struct expr *expr = NULL;
    while ((expr = strmap_next(&memo->exprs, &cursor, NULL)) != NULL) {
        expr_destroy(expr);
    }
    strmap_finish(&memo->exprs);
    *memo = EXPR_MEMO_INIT;
}

void expr_memo_enter(struct expr_memo *memo, uint64_t scope)
{
    if (memo->scope != scope) {
        expr_memo_finish(memo);
        memo->scope = scope;
    }
}

struct expr *expr_memo_find(const struct expr_memo *memo, struct str text, unsigned flags)
{
    struct expr *expr = strmap_get(&memo->exprs, text);
    return expr != NULL && expr->flags == flags ? expr : NULL;
}

int expr_memo_add(struct expr_memo *memo, struct expr *expr)
{
    int status = strmap_add(&memo->exprs, expr->text, expr);
    if (status == 0) {
        expr->holders++;
    }
    return status == E_EXISTS ? 0 : status;
}
