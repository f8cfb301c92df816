/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_FUNCTION_H
#define CORE_EXPR_FUNCTION_H

/*
 * Functions: the fixed table of what an expression can call. All of them are pure.
 *
 * To add one: write it in the fn_*.c of its kind, add its row to the table there.
 *
 * Used by:  compile, eval.
 * Uses:     eval.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/base/suggest.h"
#include "core/expr/cel.h"

struct code;
struct evaluation;

enum function_form {
    FUNCTION_GLOBAL = 1u << 0,   /* f(x) */
    FUNCTION_RECEIVER = 1u << 1, /* x.f() */
};

typedef int (*function_call_cb)(struct evaluation *ev, const struct cel *args, size_t count,
                                struct cel *out);

/* Returned by `function.result` where the type depends on the arguments. */
enum { FUNCTION_ANY_TYPE = -1 };

/* As `function.max_args`: as many as one likes. */
enum { FUNCTION_MANY = 255 };

struct function {
    const char *name; /* "size", or with a namespace "math.abs" */
    uint8_t forms;    /* enum function_form */
    uint8_t min_args; /* the receiver is one */
    uint8_t max_args;
    int8_t result; /* enum cel_type that it surely has, or FUNCTION_ANY_TYPE */
    function_call_cb call;
    uint16_t takes[4]; /* enum kind_mask of each argument, the last for all further ones; 0: any */
};

struct function_table {
    const struct function *functions;
    size_t count;
};

extern const struct function_table function_types;     /* fn_type.c: conversions, size */
extern const struct function_table function_texts;     /* fn_text.c */
extern const struct function_table function_formats;   /* fn_format.c */
extern const struct function_table function_maths;     /* fn_math.c */
extern const struct function_table function_lists;     /* fn_list.c */
extern const struct function_table function_sets;      /* fn_set.c */
extern const struct function_table function_codecs;    /* fn_codec.c: JSON, base64, digests */
extern const struct function_table function_times;     /* fn_time.c */
extern const struct function_table function_optionals; /* fn_optional.c */

/*
 * The function that `args` arguments (with the receiver) call, or NULL. `out_nearest` is then
 * the function with this name and other arguments, or NULL.
 */
const struct function *function_find(struct str name, enum function_form form, size_t args,
                                     const struct function **out_nearest);

/* What argument `i` may be: enum kind_mask, or 0 for anything. */
static inline unsigned function_takes(const struct function *function, size_t i)
{
    return function->takes[i < 3 ? i : 3];
}

/* Offers every name to a search for the nearest spelling. */
void function_suggest(struct suggest *nearest);

/*
 * The items in the order of their keys, which must all be of one ordered type; items with equal
 * keys keep their order. `code` is for messages.
 */
int function_sort(struct evaluation *ev, const struct code *code, const struct cel *keys,
                  const struct cel *items, size_t count, struct cel *out);

/* Appends the text that string(x) gives. 1 when the type has none. */
int function_write_text(const struct cel *cel, struct strbuf *out);

#endif
