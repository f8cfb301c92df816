/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_EVAL_H
#define CORE_EXPR_EVAL_H

/*
 * Evaluation: walks the program. The recursion is as deep as the parser let the tree be.
 *
 * A failure is a code and a fault: its text is written once, into the arena, and only when
 * somebody may read it (`quiet`: what fails is absorbed anyway). E_NOMEM and E_LIMIT are never
 * absorbed.
 *
 * Used by:  expr, functions, comprehensions.
 * Uses:     program, collection.
 * Threads:  [any]; one evaluation belongs to one thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/expr/cel.h"
#include "core/expr/expr.h"

struct arena;
struct cel_array;
struct code;
struct regex;

struct eval_fault {
    int code;
    const char *text; /* NULL: out of memory, or quiet */
};

struct evaluation {
    const struct expr *expr;
    const struct expr_scope *scope;
    struct arena *arena;
    struct expr_budget *budget;
    size_t max_weight;       /* of a list or map; what the output budget was at the start */
    uint64_t max_steps;      /* what the budget was at the start */
    struct cel *locals;      /* the macros' variables */
    const struct code *call; /* the call whose function runs */
    struct eval_fault fault; /* of the last failure */
    struct error *err;       /* the caller's, for what the scope calls; may be NULL */
    unsigned quiet;
};

/* Evaluates one instruction with what is below it. */
int eval_code(struct evaluation *ev, const struct code *code, struct cel *out);

/* Fails with a text; returns `code`. */
int eval_fail(struct evaluation *ev, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Makes the failure of a callback, whose text is in `ev->err`, that of the evaluation. */
int eval_take_error(struct evaluation *ev, int code);

/* Out of memory. */
int eval_nomem(struct evaluation *ev);

/* E_INVALID: "'+' does not take (int, string) in 'a + b'". */
int eval_no_overload(struct evaluation *ev, const struct code *code, const char *what,
                     const struct cel *args, size_t count);

/* E_INVALID: "'input.x' is of type int, but a condition must be bool". */
int eval_not_bool(struct evaluation *ev, const struct code *code, const struct cel *value);

/* eval_no_overload() for the function that is being called. */
int eval_bad_call(struct evaluation *ev, const struct cel *args, size_t count);

/* Whether `status` is a failure that && || and default() may absorb. */
static inline bool eval_is_absorbable(int status)
{
    return status != 0 && status != E_NOMEM && status != E_LIMIT;
}

/* The source of an instruction, short enough for a message. */
struct str eval_source(const struct evaluation *ev, const struct code *code);

/* Takes steps from the budget. E_LIMIT. */
int eval_charge(struct evaluation *ev, uint64_t steps);

/* Bytes of text that one step pays for, by what is done with each. */
enum eval_reading {
    EVAL_COPY = 1024, /* comparing or copying */
    EVAL_HASH = 32,
    EVAL_SCAN = 8, /* looking for something, decoding */
};

/* Takes what a search costs at worst, when its automaton does not fit and is simulated. */
int eval_charge_search(struct evaluation *ev, const struct regex *regex, struct str text);

/* Takes what reading `bytes` of text costs; eval_charge_value(), comparing `cel` if it is one. */
int eval_charge_text(struct evaluation *ev, size_t bytes, enum eval_reading reading);
int eval_charge_value(struct evaluation *ev, const struct cel *cel);

/* E_LIMIT: the expression makes more than the budget lets it. */
int eval_fail_output(struct evaluation *ev);

/* `size` bytes for the result, from the arena and the budget; NULL: the fault is set. */
void *eval_alloc(struct evaluation *ev, size_t size);

/* The code of the failure that made eval_alloc() return NULL. */
static inline int eval_status(const struct evaluation *ev)
{
    return ev->fault.code;
}

/* Results of functions. `bytes` and `items` are copied. */
int eval_make_text(struct evaluation *ev, enum cel_type type, struct str bytes, struct cel *out);
int eval_make_list(struct evaluation *ev, const struct cel *items, size_t count, struct cel *out);
int eval_make_map(struct evaluation *ev, const struct cel *pairs, size_t count, struct cel *out);
int eval_make_some(struct evaluation *ev, const struct cel *value, struct cel *out);

static inline int eval_make_bool(bool boolean, struct cel *out)
{
    *out = (struct cel){.type = CEL_BOOL, .as.boolean = boolean};
    return 0;
}

static inline int eval_make_int(int64_t integer, struct cel *out)
{
    *out = (struct cel){.type = CEL_INT, .as.integer = integer};
    return 0;
}

static inline int eval_make_double(double number, struct cel *out)
{
    *out = (struct cel){.type = CEL_DOUBLE, .as.number = number};
    return 0;
}

/* Equality at the budget's cost. E_LIMIT. */
int eval_equal(struct evaluation *ev, const struct cel *a, const struct cel *b, bool *out);

#endif
