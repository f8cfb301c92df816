/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_ACCESS_H
#define CORE_EXPR_ACCESS_H

/*
 * Access: fields, indices and membership.
 *
 * Used by:  eval.
 * Uses:     eval, collection.
 * Threads:  [any]
 */

#include <stdbool.h>

struct cel;
struct code;
struct evaluation;

/* operand.name; E_NOT_FOUND names the path. On an optional the result is one. */
int access_select(struct evaluation *ev, const struct code *code, const struct cel *operand,
                  struct cel *out);

/* operand.?name: always an optional. */
int access_select_optional(struct evaluation *ev, const struct code *code,
                           const struct cel *operand, struct cel *out);

/* has(operand.name) */
int access_has(struct evaluation *ev, const struct code *code, const struct cel *operand,
               struct cel *out);

/* operand[key] and operand[?key] */
int access_index(struct evaluation *ev, const struct code *code, const struct cel *operand,
                 const struct cel *key, struct cel *out);
int access_index_optional(struct evaluation *ev, const struct code *code, const struct cel *operand,
                          const struct cel *key, struct cel *out);

/* item in container */
int access_in(struct evaluation *ev, const struct code *code, const struct cel *item,
              const struct cel *container, struct cel *out);

#endif
