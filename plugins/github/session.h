/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_GITHUB_SESSION_H
#define PLUGINS_GITHUB_SESSION_H

/*
 * Session: the token of an App's installation, one for all instances of the plugin's node types
 * that sign in with the same key to the same place.
 *
 * Used by:  app.
 * Uses:     service/text.h.
 * Threads:  [any-thread]; a lock inside.
 */

#include <stdint.h>

#include "opstream/abi.h"
#include "service/text.h"

enum { SESSION_MARGIN_MS = 300000 }; /* so long before its end a token is not used any more */

struct session;

/* Shared by all that give the same `id`; by nobody when it is empty. NULL: out of memory. */
struct session *session_ref(ops_str id);
/* The last one clears the token. NULL is fine. */
void session_unref(struct session *session);

/* 1: appends the token, which is good for a while, and gives its end. 0: there is none. */
int session_find(struct session *session, int64_t now_ms, struct text *out, int64_t *out_ends_ms);

/* In the place of the one before. Without memory none is kept. */
void session_keep(struct session *session, ops_str token, int64_t ends_ms);

/* It is refused. */
void session_drop(struct session *session);

/* Ends a text after it was overwritten. */
void session_clear(struct text *text);

#endif
