/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_TEMPLATE_TEXT_H
#define CORE_CLI_TEMPLATE_TEXT_H

/*
 * Template text: @NAME@ in the files that a new plugin begins with.
 *
 * Used by:  template_tree, cmd_plugin_new.
 * Uses:     base.
 * Threads:  [any]
 */

#include <stddef.h>

#include "core/base/str.h"

struct error;

/* What stands for @name@. */
struct template_word {
    const char *name; /* upper-case letters */
    struct str text;
};

/*
 * Appends `text` with all words replaced. E_INVALID: there is @LETTERS@ in it that is no word;
 * E_NOMEM. `err` may be NULL.
 */
int template_text_expand(struct str text, const struct template_word *words, size_t count,
                         struct strbuf *out, struct error *err);

#endif
