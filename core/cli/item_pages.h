/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_ITEM_PAGES_H
#define CORE_CLI_ITEM_PAGES_H

/*
 * Item pages: the lists of the retry queue and of dead letters, and orders for all that filters
 * leave of them, or for those that were named.
 *
 * Used by:  cmd_queue_*, cmd_dlq_*.
 * Uses:     engine_command, queue_table.
 * Threads:  [main]
 */

#include "core/cli/command.h"

struct engine_session;
struct strbuf;

/* The rows of command_option that leave some of the calls; those of dead letters alone. */
#define ITEM_FILTER_OPTIONS                                                                        \
    {"workflow", 'w', "ID", "only calls of this workflow", false},                                 \
    {                                                                                              \
        "node", 'n', "ID", "only calls of nodes with this id", false                               \
    }
#define ITEM_LETTER_OPTIONS                                                                        \
    {"code", 0, "CODE", "only those whose last error has this code", false},                       \
        {"older", 0, "TIME", "given up before: a time, or how long ago: 2h, 7d", false},           \
    {                                                                                              \
        "newer", 0, "TIME", "given up since", false                                                \
    }
#define ITEM_PRIORITY_OPTION                                                                       \
    {                                                                                              \
        "priority", 0, "WORD", "only calls of this priority: high, normal, low", false             \
    }

/* The rows of a list. */
#define ITEM_PAGE_OPTIONS                                                                          \
    {"limit", 0, "N", "so many at most, up to 500 [100]", false},                                  \
    {                                                                                              \
        "cursor", 0, "CURSOR", "the page behind, as the one before said", false                    \
    }

/* One page of `path`; `none` is said on stderr when it is empty. Returns an enum exit_code. */
int item_pages_show(struct engine_session *session, const struct command_args *args,
                    const char *path, const char *none);

/*
 * POST to `path` for the ids that are the operands, or else for what the filters leave; then `done`
 * ("requeued"), with what it was done to. Returns an enum exit_code.
 */
int item_pages_order(struct engine_session *session, const struct command_args *args,
                     const char *path, const char *done);

/*
 * POST of `body` (JSON; ended) to `below` ("/skip") of the dead letter that the first operand
 * names; then `done` with its id. Returns an enum exit_code.
 */
int item_pages_decide(struct engine_session *session, const struct command_args *args,
                      const char *below, struct strbuf *body, const char *done);

/* One of the filters was given. */
bool item_pages_has_filter(const struct command_args *args);

/* What is wrong about which dead letters are meant, ids or --all; NULL: nothing is. */
const char *item_pages_fault_of(const struct command_args *args);

#endif
