/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_TEMPLATE_H
#define CORE_EXPR_TEMPLATE_H

/*
 * Templates: JSON values whose strings may hold {{ expressions }}, ${...} and environment
 * variables. A string that is exactly one {{ expr }} takes the value with its type; inside other
 * text the value is written as text. Results are never read as templates again.
 *
 * Used by:  model (compile, check), engine (resolve).
 * Uses:     expr, value.
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
    void *user; /* for is_raw, env and on_fault */
};

/*
 * Compiles the strings below `value` of `document` (shared: held until template_destroy()).
 * On success `*out_template` is owned. E_INVALID when on_fault was called; E_NOMEM.
 */
int template_compile(const struct document *document, const struct value *value,
                     const struct template_options *options, struct template **out_template,
                     struct error *err);
void template_destroy(struct template *template);

/* No expression inside: the result is always the same. */
bool template_is_constant(const struct template *template);

/* True when the source value `value` (of the template's document) is or holds an expression. */
bool template_is_dynamic(const struct template *template, const struct value *value);

/* The template's source, with ${NAME} variables already put in, borrowed. */
const struct value *template_source(const struct template *template);

/* All expressions inside, for checks: the expression and the pointer of its string. */
size_t template_expr_count(const struct template *template);
const struct expr *template_expr_at(const struct template *template, size_t i,
                                    struct str *out_pointer, size_t *out_offset);

/* Variables that were named, not set and had no default: a warning, an error at start. */
size_t template_unset_count(const struct template *template);
struct str template_unset_at(const struct template *template, size_t i, struct str *out_pointer);

/*
 * The resolved value as a document; a constant template gives the same document each time.
 * On success `*out_document` is owned: document_unref(). On failure `err` is the expression's
 * error, with the JSON pointer of its string in front.
 */
int template_resolve(const struct template *template, const struct expr_scope *scope,
                     struct expr_budget *budget, struct document **out_document, struct error *err);

#endif
