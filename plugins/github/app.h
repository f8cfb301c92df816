/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_GITHUB_APP_H
#define PLUGINS_GITHUB_APP_H

/*
 * App: signing in as the installation of a GitHub App.
 *
 *     private key -> JWT, good for minutes (signed by the host, RS256) -> token of the
 *     installation, good for an hour -> the header of every request
 *
 * All node types have one token, made when it is first needed and again shortly before its end.
 * Tasks that need one at the same moment each get one: GitHub gives as many as are asked for. JWT
 * and token are as secret as the key: the host hides them, and sends them where the key may go.
 *
 * Used by:  github.
 * Uses:     session.h, service/call.h.
 * Threads:  [strand]
 */

#include "service/call.h"
#include "service/text.h"

enum { APP_JWT_BACK_SECONDS = 60, APP_JWT_SECONDS = 540 };

extern const struct service_credential app_credential;

/*
 * Reads `app` of the settings into `node->own`: NULL when they have none. OPS_E_CONFIG: with a
 * token beside it.
 */
ops_status app_open(ops_node *node, ops_scope scope, ops_val settings, ops_error *err);
void app_close(ops_node *node);

/* The claims of a JWT, as JSON: good from a minute before `now_s`, for clocks that differ. */
void app_append_claims(struct text *out, ops_str issuer_json, int64_t now_s);

/* "2026-07-11T22:14:10Z" in ms since 1970; 0: it is no such time. */
int64_t app_read_time(ops_str text);

#endif
