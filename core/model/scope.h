/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_SCOPE_H
#define CORE_MODEL_SCOPE_H

/*
 * Scope: compiles the expressions and templates of a draft, with the names that
 * are in scope there, and notes each for references_check().
 *
 * Used by:  model.
 * Uses:     draft, expr, lookup, sure_failure.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/model/draft.h"

struct expr;
struct template;
struct tree;
struct value;

/* What a condition of this static type always is, in words; NULL when it may be a bool. */
const char *scope_wrong_condition(int type);

/* Names that are there in few places only. */
enum scope_names {
    SCOPE_SIGNAL = 1u << 0,   /* `signal`: the event that arrives */
    SCOPE_REDUCE = 1u << 1,   /* `acc` and `item`: what there is, and what comes to it */
    SCOPE_STREAM = 1u << 2,   /* NODE.stream */
    SCOPE_SECRETS = 1u << 3,  /* settings: `secrets`, also where there is no schema */
    SCOPE_NOTHING = 1u << 5,  /* no expressions: what is wrong in them is no matter */
    SCOPE_EVENT = 1u << 4,    /* the output of a state that waited: an event has ended it */
    SCOPE_UNMARKED = 1u << 6, /* the schema marks no place as raw or as an expression */
};

struct scope_at {
    enum use_site site;
    uint32_t node;    /* of those of one node */
    uint32_t body;    /* of USE_OUTPUT */
    unsigned names;   /* SCOPE_* */
    const char *what; /* for messages: "'when' of node 'a'" */
};

/*
 * Compiles a condition: an expression that is not sure to be anything but bool.
 * 0: `*out_expr` is the pipeline's, or NULL when it was reported. Fails with E_NOMEM.
 */
int scope_compile_condition(struct draft *draft, const struct tree *scalar,
                            const struct scope_at *at, const struct expr **out_expr);

/*
 * Compiles an expression of any type; `*out_type` becomes the one that it is sure to have.
 * 0: `*out_expr` is the pipeline's, or NULL when it was reported. Fails with E_NOMEM.
 */
int scope_compile_expr(struct draft *draft, const struct tree *scalar, const struct scope_at *at,
                       const struct expr **out_expr, int *out_type);

/*
 * Compiles `tree` (NULL: an empty map) as a template. `schema` (may be NULL) is the root of the
 * JSON Schema that says what is raw, text, or an expression.
 * 0: `*out_template` is the pipeline's, or NULL when it was reported. Fails with E_NOMEM.
 */
int scope_compile_template(struct draft *draft, const struct tree *tree, const struct value *schema,
                           const struct scope_at *at, const struct template **out_template);

/* The tree as a document, text where `schema` (may be NULL) wants it. Owned: document_unref(). */
int scope_make_document(struct draft *draft, const struct tree *tree, const struct value *schema,
                        struct document **out_document);

#endif
