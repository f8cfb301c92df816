/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_RUN_TEXT_H
#define CORE_CLI_RUN_TEXT_H

/*
 * Run text: the lines that people read about a run: a node's beginning and end, a log line, the
 * output and the summary.
 *
 * Used by:  cmd_run, run_screen.
 * Uses:     run_view, terminal.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

struct document;
struct run_view;

struct run_text_style {
    bool is_colored;
    unsigned name_columns; /* node names are padded to this */
};

/* The style for a pipeline: the widest name, within reason. */
struct run_text_style run_text_style_of(const struct run_view *view, bool is_colored);

/* "started    fetch  http" */
void run_text_started(const struct run_view *view, uint32_t node, struct run_text_style style,
                      struct strbuf *out);

/* "completed  fetch  0.12 s", "failed     fetch  0.30 s  TIMEOUT: ..." */
void run_text_ended(const struct run_view *view, uint32_t node, struct run_text_style style,
                    struct strbuf *out);

/* "fetch | text" */
void run_text_log(const struct run_view *view, uint32_t node, struct str line,
                  struct run_text_style style, struct strbuf *out);

/* One row for a node that runs: no line end; `now` in unix ms. */
void run_text_live(const struct run_view *view, uint32_t node, int64_t now,
                   struct run_text_style style, struct strbuf *out);

/* "7/12 done, 3 running, 0.8 s" */
void run_text_progress(const struct run_view *view, int64_t now, struct run_text_style style,
                       struct strbuf *out);

/* The output and an empty line, then what became of the run, with the failure and its hint. */
void run_text_summary(const struct run_view *view, struct run_text_style style, struct strbuf *out);

#endif
