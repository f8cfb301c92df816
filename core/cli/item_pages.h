/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_ITEM_PAGES_H
#define CORE_CLI_ITEM_PAGES_H

/*
 * Item pages: the lists of the retry queue and of dead letters, and orders for all that filters
 * leave of them, or for those that were named.
 *
 * Used by:  cmd_queue, cmd_dlq.
 * Uses:     engine_command, queue_table.
 * Threads:  [main]
 */

#include "core/cli/command.h"

struct engine_session;

/* One page of `path`; `none` is said on stderr when it is empty. Returns an enum exit_code. */
int item_pages_show(struct engine_session *session, const struct command_args *args,
                    const char *path, const char *none);

/*
 * POST to `path` for the ids among the operands behind the first, or else for what the filters
 * leave; then `done` ("requeued"), with what it was done to. Returns an enum exit_code.
 */
int item_pages_order(struct engine_session *session, const struct command_args *args,
                     const char *path, const char *done);

/* One of the filters was given. */
bool item_pages_has_filter(const struct command_args *args);

#endif
