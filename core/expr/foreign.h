/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_FOREIGN_H
#define CORE_EXPR_FOREIGN_H

/*
 * Foreign: what people write who think of another language or tool, and how it is written here.
 *
 * Used by:  parser.
 * Uses:     base.
 * Threads:  [any]
 */

#include <stddef.h>

#include "core/base/str.h"

/*
 * The cure for what stands at `offset` of `text`, `length` bytes, where something else was
 * expected: ": use '&&'". Empty when there is none.
 */
const char *foreign_cure(struct str text, size_t offset, size_t length, const char *expected);

/* The name in capitals behind the "${" at `offset`, when that is a variable; else empty. */
struct str foreign_variable(struct str text, size_t offset);

/* Where a literal has a ${name...} that somebody would have had replaced; NULL: nowhere. */
const char *foreign_dollar(struct str literal);

#endif
