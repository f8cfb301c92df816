/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_SANITIZER_KINDS_H
#define CORE_VALUE_SANITIZER_KINDS_H

/*
 * The kinds of things that a sanitizer finds by name: the expression that finds what may be one,
 * and the check that tells whether it is. For the files of this folder alone.
 *
 * Used by:  sanitizer.
 * Uses:     base.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"
#include "core/value/sanitizer.h"

/* The expression, in RE2's syntax; static. Empty for cards, which have sanitizer_find_card(). */
struct str sanitizer_kind_pattern(enum sanitizer_kind kind);

/* Whether what the expression found is one, and where it ends: at `*end` or before. */
bool sanitizer_kind_holds(enum sanitizer_kind kind, struct str text, size_t begin, size_t *end);

/* The first number of a card that begins at `from` or later. */
bool sanitizer_find_card(struct str text, size_t from, size_t *out_begin, size_t *out_end);

#endif
