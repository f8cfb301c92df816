/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_RECORD_PAGES_H
#define CORE_CLI_RECORD_PAGES_H

/*
 * Record pages: the rows of a long list of one run (its history, its log lines), page by page, so
 * that memory is bounded by a page.
 *
 * Used by:  cmd_history, cmd_logs.
 * Uses:     engine_command.
 * Threads:  [main]
 */

#include <stdint.h>

#include "core/base/str.h"

struct engine_session;
struct value;

struct record_pages {
    struct engine_session *session; /* borrowed */
    const char *id;                 /* of the run, as it was given */
    const char *below;              /* "/logs" */
    const char *rows;               /* the member with the rows: "logs" */
    struct str query;               /* what is asked for besides; borrowed */
    int64_t after;                  /* where to begin; afterwards where it ended */
    uint64_t most;                  /* rows; 0: all that are there */
    const struct value *audit;      /* in JSON a member behind the rows; borrowed, NULL: none */
};

/* Takes one row and appends what is to be printed of it. */
typedef void (*record_pages_cb)(void *user, const struct value *row, struct strbuf *out);

/*
 * Gives all rows to `each`, printing after each page. Returns EXIT_DONE; EXIT_USAGE or EXIT_STATE
 * after lines on stderr.
 */
int record_pages_print(struct record_pages *pages, record_pages_cb each, void *user);

/*
 * The same as one JSON document, {"id": ..., ROWS: [...]}, with a row a line.
 */
int record_pages_print_json(struct record_pages *pages);

#endif
