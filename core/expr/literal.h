/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_LITERAL_H
#define CORE_EXPR_LITERAL_H

/*
 * Literals: numbers, strings and bytes as they are written, turned into values.
 *
 * Used by:  parser.
 * Uses:     base, cel.
 * Threads:  [any]
 */

#include <stdbool.h>

#include "core/base/str.h"
#include "core/expr/cel.h"
#include "core/expr/expr.h"

struct arena;
struct error;

/*
 * Reads an int, uint or double token. `is_negative`: a minus stands in front of it, which makes
 * the smallest int writable. Fails with E_INVALID.
 */
int literal_read_int(struct str token, bool is_negative, struct cel *out, struct error *err);
int literal_read_uint(struct str token, struct cel *out, struct error *err);
int literal_read_double(struct str token, bool is_negative, struct cel *out, struct error *err);

/*
 * Reads a string or bytes token with its prefix and quotes; the content goes to `arena`.
 * E_INVALID: `out_fault` is the place inside the token. E_NOMEM.
 */
int literal_read_string(struct str token, struct arena *arena, struct cel *out,
                        struct expr_fault *out_fault, struct error *err);

#endif
