/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_CONTROL_BODY_H
#define CORE_API_CONTROL_BODY_H

/*
 * Control body: what the body of each request that changes something may have. A member that is
 * not known, or is of another type, is refused: what would be ignored was meant to do something.
 *
 * Used by:  control.
 * Uses:     route, value.
 * Threads:  [any]
 */

#include "core/api/route.h"
#include "core/base/str.h"

struct document;
struct error;

/* `body` may be NULL: nothing was sent. 0, or E_INVALID and `err` names the member. */
int control_body_check(enum route_action action, const struct document *body, struct error *err);

/* The text at `key`; empty: there is none. Borrowed. */
struct str control_body_text(const struct document *body, const char *key);

#endif
