/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_RESULT_H
#define CORE_EXPR_RESULT_H

/*
 * Results: what the value of an expression becomes in a template, as JSON or in a text.
 *
 * Used by:  template.
 * Uses:     cel, value.
 * Threads:  [any]
 */

#include "core/base/str.h"

struct cel;
struct error;

/*
 * Appends what stands for `value`, the result of `source`, in a text; whether there was memory for
 * it, strbuf_status() tells. E_INVALID: it has no text. E_NOMEM.
 */
int result_append_text(const struct cel *value, struct str source, struct strbuf *text,
                       struct error *err);

/* Whether `value` can be written as JSON; an optional without a value can be left out. */
int result_check_json(const struct cel *value, struct error *err);

#endif
