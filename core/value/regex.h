/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_REGEX_H
#define CORE_VALUE_REGEX_H

/*
 * Regular expressions in RE2's syntax, linear in the text. The library lives in the private
 * module opstream-re2.so, which is loaded when the first expression is compiled.
 *
 * Used by:  schema (`pattern`), expr (`matches`), sanitizer.
 * Uses:     base/module.
 * Threads:  [any]; a compiled expression never changes.
 */

#include <stdbool.h>

#include "core/base/str.h"

struct error;
struct regex;

enum {
    REGEX_MAX_PATTERN_BYTES = 1024,
    REGEX_MAX_TEXT_BYTES = 1024 * 1024,
    REGEX_MAX_MEMORY_BYTES = 8 * 1024 * 1024,
};

/*
 * On success `*out_regex` is owned by the caller: regex_destroy().
 * Fails with E_INVALID (the message says where and why), E_LIMIT for a pattern over
 * REGEX_MAX_PATTERN_BYTES, E_NOT_FOUND when the module is not installed, E_NOMEM.
 */
int regex_compile(struct str pattern, struct regex **out_regex, struct error *err);
/*
 * The same with a bound on the memory of the compiled form (REGEX_MAX_MEMORY_BYTES otherwise), and
 * so on the time that compiling takes. Fails with E_LIMIT beyond it, too.
 */
int regex_compile_within(struct str pattern, size_t max_memory_bytes, struct regex **out_regex,
                         struct error *err);

/* How large the compiled form is: what a byte of text may cost, in instructions. */
size_t regex_size(const struct regex *regex);

void regex_destroy(struct regex *regex);

/*
 * True when any part of `text` matches (anchors are the pattern's business).
 * E_LIMIT for text over REGEX_MAX_TEXT_BYTES; `*out_matches` is set only on 0.
 */
int regex_search(const struct regex *regex, struct str text, bool *out_matches, struct error *err);

/*
 * The first match that begins at byte `from` or later: *out_begin to *out_end, which are set only
 * on 1. What stands before `from` counts for \b and the like. 0: there is none. Fails with E_NOMEM.
 * The text may be of any length.
 */
int regex_find(const struct regex *regex, struct str text, size_t from, size_t *out_begin,
               size_t *out_end);

#endif
