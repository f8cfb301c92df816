/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXPR_TEMPLATE_START_H
#define CORE_EXPR_TEMPLATE_START_H

/*
 * Template start: how the strings of a template begin, as far as that is sure without a run.
 *
 * Used by:  model.
 * Uses:     template, result.
 * Threads:  [any]
 */

#include <stdbool.h>

#include "core/base/str.h"

struct expr_scope;
struct template;

/*
 * `start` (borrowed for the call) has the values of expressions that read nothing but one slot, and
 * ends before the first other one; then it is not whole.
 */
typedef void (*template_start_cb)(void *user, struct str start, bool is_whole);

/* Tells of each string; `scope` has the value of `slot`. Fails with E_NOMEM. */
int template_start_each(const struct template *template, const struct expr_scope *scope, int slot,
                        template_start_cb cb, void *user);

#endif
