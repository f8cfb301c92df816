/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_TEMPLATE_H
#define CORE_EXPR_TEMPLATE_H

/*
 * Templates: JSON values whose strings may hold {{ expressions }}, ${...} and environment
 * variables. A string that is exactly one {{ expr }} takes the value with its type; inside other
 * text the value is written as text. Results are never read as templates again.
 *
 * {{ expr }} ends at the first }} outside CEL strings and nested braces. ${NAME} and
 * ${NAME:-default}, NAME in capitals, digits and '_', are environment variables, put in while
 * compiling; the default also stands for a variable that is set to nothing, and is plain text.
 * Other ${expr} is {{ expr }} where a bare name that is not in scope means input.NAME. $${ writes
 * ${ and {{ '{{' }} writes {{. In text, numbers, bools, lists and maps appear as JSON, times as
 * RFC 3339; null and an optional without a value are errors. Keys of maps are never templates.
 * A member of a map or an item of a list that is exactly one expression, whose value is an optional
 * without a value ({{ input.?note }}), is left out.
 *
 * Used by:  model (compile, check), engine (resolve).
 * Uses:     expr, pieces, result, value.
 * Threads:  [any]; a compiled template never changes.
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"
#include "core/expr/expr.h"

struct document;
struct template;
struct value;

/* True for the value at `pointer` when it is raw: copied as it stands, never a template. */
typedef bool (*template_is_raw_cb)(void *user, struct str pointer);

/* The environment variable `name`; NULL when it is not set. Read once, while compiling. */
typedef const char *(*template_env_cb)(void *user, struct str name);

/* One fault; `pointer` and the place in its string. Compilation goes on to find all. */
typedef void (*template_fault_cb)(void *user, struct str pointer, struct expr_fault fault,
                                  const struct error *err);

struct template_options {
    struct expr_names names;
    template_is_raw_cb is_raw; /* NULL: nothing is raw */
    template_env_cb env;       /* NULL: no variable is set */
    template_fault_cb on_fault;
    void *user;        /* for is_raw, env and on_fault */
    bool keeps_faulty; /* faults do not fail: what is sound can still be checked */
};

/*
 * Compiles the strings below `value` of `document` (shared: held until template_destroy()).
 * On success `*out_template` is owned. E_INVALID for faults: each goes to on_fault (may be NULL),
 * `err` is the first with its pointer in front. With `keeps_faulty` they are no failure, and
 * strings with faults are dynamic: template_fault_count() tells. E_NOMEM.
 */
int template_compile(const struct document *document, const struct value *value,
                     const struct template_options *options, struct template **out_template,
                     struct error *err);
void template_destroy(struct template *template);

/* Faults that it was compiled with; when there are any, it cannot be resolved. */
size_t template_fault_count(const struct template *template);

/* No expression inside: the result is always the same. */
bool template_is_constant(const struct template *template);

/*
 * True when `value`, a string below template_source(), is an expression or holds one. Lists and
 * maps are never dynamic themselves.
 */
bool template_is_dynamic(const struct template *template, const struct value *value);

/* The source, with ${NAME} variables put in and expressions as they are written; borrowed. */
const struct value *template_source(const struct template *template);

/*
 * All expressions inside, for checks: the expression, the pointer of its string, and the offset of
 * the expression's text in that string as it was before variables were put in.
 */
size_t template_expr_count(const struct template *template);
const struct expr *template_expr_at(const struct template *template, size_t i,
                                    struct str *out_pointer, size_t *out_offset);

/*
 * Whether `value`, a result of the `i`th expression, can be what the expression stands for: JSON,
 * or a part of a text. 0, E_INVALID or E_NOMEM.
 */
int template_check_result(const struct template *template, size_t i, const struct cel *value,
                          struct error *err);

/* Variables that were named, not set and had no default: a warning, an error at start. */
size_t template_unset_count(const struct template *template);
struct str template_unset_at(const struct template *template, size_t i, struct str *out_pointer);

/*
 * The resolved value as a document; a constant template gives the same document each time.
 * On success `*out_document` is owned: document_unref(). On failure `err` is the expression's
 * error, with the JSON pointer of its string in front. Text that values are put into counts as
 * made by the expressions: it comes from the budget's output_bytes.
 */
int template_resolve(const struct template *template, const struct expr_scope *scope,
                     struct expr_budget *budget, struct document **out_document, struct error *err);

#endif
