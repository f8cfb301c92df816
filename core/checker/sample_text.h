/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CHECKER_SAMPLE_TEXT_H
#define CORE_CHECKER_SAMPLE_TEXT_H

/*
 * Sample text: texts for a place whose facets ask for a format, a pattern or a length.
 *
 * Texts for patterns are looked for among those that patterns mostly ask for.
 *
 * Used by:  config_maker.
 * Uses:     value, chance, facets.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"

struct chance;
struct facets;

/* Of a text at a bound of its length. */
struct sample_text_form {
    size_t letters;
    const char *start; /* ASCII, of `letters` at most; only where there is no pattern */
    bool is_wide;      /* letters of several bytes */
};

/*
 * Appends a text by chance: of the format or pattern if one is known, and not of a wrong length if
 * that can be had by padding. Lack of memory is kept in `text`.
 */
void sample_text_pick(const struct facets *facets, struct chance *chance, struct strbuf *text);

/*
 * Sets `text` to one of exactly `form->letters`. False: none is known that keeps the pattern. Lack
 * of memory is kept in `text`.
 */
bool sample_text_fill(const struct facets *facets, const struct sample_text_form *form,
                      struct chance *chance, struct strbuf *text);

#endif
