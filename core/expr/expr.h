/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_EXPR_H
#define CORE_EXPR_EXPR_H

/*
 * Expressions: CEL (the Common Expression Language) compiled once, evaluated many times.
 *
 * Names are resolved to slots when an expression is compiled; evaluation asks the scope for the
 * value of a slot. Evaluation is pure, takes no locks, is iterative in the data and bounded by
 * a step budget and a bound on what it makes.
 *
 * Used by:  model (compile, check), engine (evaluate).
 * Uses:     value.
 * Threads:  [any]; a compiled expression never changes. One evaluation belongs to one thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/expr/cel.h"

struct arena;
struct error;
struct expr;
struct expr_memo;

/* Where a fault is in the source text: byte offset, for the caller to map to line and column. */
struct expr_fault {
    size_t offset;
    size_t length; /* bytes to underline, at least 1 unless at the end */
};

/*
 * Compile time: the slot of a root name, or -1 when nothing has this name. `out_hint` may be set
 * to static or long-lived text that says more ("did you mean 'fetch'?").
 */
typedef int (*expr_resolve_cb)(void *user, struct str name, struct str *out_hint);

struct expr_names {
    expr_resolve_cb resolve;
    void *user;
    struct expr_memo *memo; /* of the scope that `resolve` knows; NULL: nothing is shared */
};

enum expr_flags {
    EXPR_BRACES = 1u << 0,        /* a {{x}} or ${x} in the text stands for (x) */
    EXPR_INPUT_DEFAULT = 1u << 1, /* a bare name that is not in scope means input.NAME */
    EXPR_DOTTED_NAMES = 1u << 2,  /* `resolve` knows names such as "a.b", the longest wins; it is
                                     asked for .NAME with the dot */
    EXPR_UNCHECKED = 1u << 3,     /* unknown names and functions fail only when evaluated */
};

/*
 * Compiles `text` (borrowed). On success `*out_expr` is owned: expr_destroy(). With a memo it may
 * be one that others own, too: then all of them belong to one thread when they are destroyed. Fails
 * with E_INVALID, E_LIMIT (longer than 64 KiB, nested deeper than 250 levels), E_NOMEM; `err` gets
 * the sentence and `out_fault` (may be NULL) the place.
 */
int expr_compile(struct str text, const struct expr_names *names, unsigned flags,
                 struct expr **out_expr, struct expr_fault *out_fault, struct error *err);
void expr_destroy(struct expr *expr);

/* The source text, borrowed. */
struct str expr_source(const struct expr *expr);

enum {
    EXPR_TYPE_OPEN = -1,       /* it depends on the data */
    EXPR_TYPE_NUMBER = -3,     /* of one of the types of numbers */
    EXPR_TYPE_ARITHMETIC = -2, /* the same, but it comes from an operator that makes no bool */
};

/* What is known of data that is not there yet. */
struct expr_shape {
    unsigned types;    /* bits 1 << enum cel_type that it may have; 0: nothing is known */
    const void *shape; /* the caller's, for what is inside; NULL: nothing is known of that */
};

/*
 * The shape of the value of `slot` when `above` is NULL; else of a member (any item, when `field`
 * is NULL) of the value whose shape `above` is. Numbers of data mix, so int and double go together.
 */
typedef struct expr_shape (*expr_describe_cb)(void *user, int slot, const void *above,
                                              const struct str *field);

/*
 * Checks the types of a compiled expression once more, now that something is known of its data.
 * 0 and its static type, E_INVALID with the place in `out_fault`, or E_NOMEM.
 */
int expr_check_types(const struct expr *expr, expr_describe_cb describe, void *user, int *out_type,
                     struct expr_fault *out_fault, struct error *err);

/*
 * Looks for a part that names nothing, is sure to be evaluated and always fails: 5 / 0 in
 * input.a + 5 / 0. What && || ?: default() and coalesce() may pass over or absorb is not looked at,
 * nor are the bodies of macros, nor parts of more than 100,000 steps.
 * 0, or E_INVALID with the part's failure and place, or E_NOMEM.
 */
int expr_find_failure(const struct expr *expr, struct expr_fault *out_fault, struct error *err);

/* Where the expression is in its text, without the blanks and parentheses around it. */
struct expr_fault expr_place(const struct expr *expr);

/* The enum cel_type that the expression is sure to have, or EXPR_TYPE_*. */
int expr_static_type(const struct expr *expr);

/*
 * One use of a root name: `nodes['a'].output.x` is root "nodes" with path ["a", "output", "x"].
 * The path ends at the first step that is not constant text. `is_guarded`: absence is no error,
 * because the use stands in has(), default(), coalesce() or behind ?., or because a has() of the
 * same thing is asked first, as in has(a.b) && a.b > 1.
 */
struct expr_reference {
    struct str root;
    int slot;
    const struct str *path;
    size_t path_count;
    size_t offset; /* in the source text, of the root */
    size_t length; /* of the whole reference */
    bool is_guarded;
    bool is_test; /* has() asks for the whole of it: its value is not read */
    /* Between it and the result stand only '+', base64(), default(), coalesce(), orValue() and the
       two answers of `c ? x : y`. */
    bool is_text_only;
};

size_t expr_reference_count(const struct expr *expr);
const struct expr_reference *expr_reference_at(const struct expr *expr, size_t i);

/* Evaluation: the value of a slot. 0, or a negative code with `err`. */
typedef int (*expr_fetch_cb)(const void *user, int slot, struct cel *out, struct error *err);

struct expr_scope {
    expr_fetch_cb fetch;
    const void *user;
    /* Bit by slot, of the first 32: text that is made of what they hold is secret; whether they
       hold something is not. */
    uint32_t secret_slots;
};

struct expr_budget {
    uint64_t steps;      /* left; a step is some 50 ns: an AST node, an item that is walked or
                            compared, 8 to 1024 bytes of text, by what is done with them */
    size_t output_bytes; /* left for lists, maps and strings that the expression makes */
};

/* 1,000,000 steps, 8 MiB. */
extern const struct expr_budget expr_default_budget;

/*
 * Evaluates. What the result points to lives in `arena`, in the scope's documents, or in the
 * expression. `budget` (not NULL) is counted down.
 *
 * default(x, y) is x, or y where x is absent, null or an optional without a value; other failures
 * of x stay failures. coalesce(a, b, ...) is the first that is there in this sense, else null.
 * An int and a double calculate together, as doubles, when one of them came from a document or was
 * calculated from something that did.
 * Fails with E_INVALID (the message says what and where), E_NOT_FOUND (a key that is not there:
 * the message names the path), E_LIMIT (a budget is spent), E_NOMEM.
 */
int expr_evaluate(const struct expr *expr, const struct expr_scope *scope, struct arena *arena,
                  struct expr_budget *budget, struct cel *out, struct error *err);

#endif
