/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_MEMO_H
#define CORE_EXPR_MEMO_H

/*
 * Memo: the expressions that were compiled in one scope, by their text. Large pipelines say the
 * same condition at many nodes; it is compiled once, and all of them hold it.
 *
 * Used by:  expr (expr_compile() asks it), model (owns it).
 * Uses:     expr.
 * Threads:  [any]; a memo belongs to one thread at a time.
 */

#include <stdint.h>

#include "core/base/strmap.h"

struct expr;

struct expr_memo {
    struct strmap exprs; /* held; the keys are their texts */
    uint64_t scope;      /* the caller's name of it */
};

#define EXPR_MEMO_INIT ((struct expr_memo){0})

/* Forgets what it holds, unless `scope` is the one that it is of already. */
void expr_memo_enter(struct expr_memo *memo, uint64_t scope);

/* Gives up all that it holds. */
void expr_memo_finish(struct expr_memo *memo);

/* The expression that `text` became with these flags, borrowed; NULL: there is none. */
struct expr *expr_memo_find(const struct expr_memo *memo, struct str text, unsigned flags);

/* Holds `expr` from now on. Its text may be there with other flags: then it stays as it was. */
int expr_memo_add(struct expr_memo *memo, struct expr *expr); /* 0 or E_NOMEM */

#endif
