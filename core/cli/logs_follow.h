/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_LOGS_FOLLOW_H
#define CORE_CLI_LOGS_FOLLOW_H

/*
 * Logs follow: the lines of a run, each once, as they become durable, until it has ended. The
 * engine's stream says when there are more; without an engine it is looked for one.
 *
 * Used by:  cmd_logs.
 * Uses:     record_pages, api (control_follow).
 * Threads:  [main]
 */

#include "core/cli/record_pages.h"

/* Returns EXIT_DONE; EXIT_STUCK (it is blocked), or another code, after lines on stderr. */
int logs_follow(struct record_pages *pages, record_pages_cb each, void *user);

#endif
