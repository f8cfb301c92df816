/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_RUN_TEXT_H
#define CORE_CLI_RUN_TEXT_H

/*
 * Run text: the lines that people read about a run while it is under way. A node of the root body
 * has its name, everything below it its path. run_lines decides which lines there are.
 *
 * Used by:  run_lines, run_screen, run_summary, cmd_run.
 * Uses:     run_view, terminal.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/cli/run_tree.h"

struct document;
struct run_view;

struct run_text_style {
    bool is_colored;
    unsigned name_columns; /* names and paths are padded to this */
    unsigned name_most;    /* names, and paths of live rows, are cut to this; 0: never */
};

/*
 * The style for a pipeline: the widest name, within reason. On a terminal of so many columns (0:
 * on none) its rows leave room for the rest; elsewhere every name is there whole.
 */
struct run_text_style run_text_style_of(const struct run_view *view, bool is_colored,
                                        unsigned live_columns);

/* "started    fetch  http" */
void run_text_started(struct step step, struct run_text_style style, struct strbuf *out);

/*
 * "completed  fetch  0.12 s", "failed     each[17].fix  0.30 s  TIMEOUT: ...",
 * "completed  each  2.10 s  1000 items, 3 failed", "completed  poll@2  0.10 s  again in 5.0 s"
 */
void run_text_ended(struct step step, struct run_text_style style, struct strbuf *out);

/* "retrying   fetch  0.12 s  again in 1.4 s  UNAVAILABLE: ..." */
void run_text_retry(struct step step, struct run_text_style style, struct strbuf *out);

/* "failed     each[17]  EXPRESSION: ...": a body that failed without one of its nodes. */
void run_text_frame_failed(const struct frame_view *frame, const struct document *error,
                           struct run_text_style style, struct strbuf *out);

/* "running    each      340/1000, 2 failed" */
void run_text_sum(struct step step, struct run_text_style style, struct strbuf *out);

/* "waiting    gate      for the event 'approve' (--send approve)" */
void run_text_waits(struct step step, struct run_text_style style, struct strbuf *out);

/* The same for a node of this path, up to what it waits for; without the line end. */
void run_text_waits_at(struct str path, struct run_text_style style, struct strbuf *out);

/* A line about the lines. */
void run_text_note(const char *text, struct run_text_style style, struct strbuf *out);

/* "fetch | text" */
void run_text_log(struct step step, struct str line, struct run_text_style style,
                  struct strbuf *out);

/* One row for a node that is under way: no line end; `now` in unix ms. */
void run_text_live(struct step step, int64_t now, struct run_text_style style, struct strbuf *out);

/* The same for a node inside it: its path, as much of its end as fits. */
void run_text_live_inner(struct step step, int64_t now, struct run_text_style style,
                         struct strbuf *out);

/* "7/12 done, 3 running, 0.8 s"; of a state machine "in 'deploy', 4 states left, 2.0 s" */
void run_text_progress(const struct run_view *view, int64_t now, struct run_text_style style,
                       struct strbuf *out);

/* "for the event 'approve'" or "for one of the events 'a', 'b'" */
void run_text_append_wait(struct step step, struct strbuf *out);

/* "CODE: message" of a failure. */
void run_text_append_error(const struct document *failure, struct strbuf *out);
/* The same and " (not retried: REASON)", where it says so. */
void run_text_append_failure(const struct document *failure, struct strbuf *out);

/* "340/1000, 2 failed" of a loop; of one whose number of items is not known "340, 2 failed". */
void run_text_append_counts(const struct node_view *node, struct strbuf *out);

#endif
