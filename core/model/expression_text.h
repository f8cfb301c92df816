/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_EXPRESSION_TEXT_H
#define CORE_MODEL_EXPRESSION_TEXT_H

/*
 * Expression text: fields of a config that are expressions as a whole, written as the templates
 * that they are for the plugin, which gets their values.
 *
 * Used by:  scope.
 * Uses:     base, value.
 * Threads:  [any]
 */

#include <stdbool.h>

#include "core/base/str.h"

struct builder;

/* Whether it has a ${: then a bare name that is not in scope is short for one of the input. */
bool expression_text_has_dollar(struct str text);

/*
 * Adds `text` as a template. {{ }} and ${ } in it become parentheses of the same length; a ${NAME}
 * of the environment stays as it is, and is refused later. 0 or E_NOMEM.
 */
int expression_text_write(struct str text, struct builder *b);

#endif
