/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_GLYPH_WIDTH_H
#define CORE_CLI_GLYPH_WIDTH_H

/*
 * Glyph width: how wide text is at most in the sans-serif fonts that are about, so that it never
 * leaves its box whichever of them is there.
 *
 * Used by:  picture_box.
 * Uses:     str, utf8.
 * Threads:  [any]
 */

#include "core/base/str.h"

enum glyph_weight {
    GLYPH_NORMAL,
    GLYPH_BOLD,
};

/* Pixels that `text` takes at `size` pixels. */
int glyph_width_measure(struct str text, int size, enum glyph_weight weight);

/* The largest start of `text` that takes at most `pixels`. */
size_t glyph_width_fit(struct str text, int size, enum glyph_weight weight, int pixels);

#endif
