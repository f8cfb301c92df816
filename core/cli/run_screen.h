/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_RUN_SCREEN_H
#define CORE_CLI_RUN_SCREEN_H

/*
 * Run screen: the live view on a terminal. Nodes that have ended are lines that stay; below them
 * one row for each node that runs, with the first few that run inside it, as many as fit, and the
 * progress line are drawn anew.
 *
 * Used by:  cmd_run.
 * Uses:     run_text, live_waits, terminal.
 * Threads:  [loop]
 */

#include <stdint.h>

#include "core/base/str.h"
#include "core/cli/run_text.h"

struct live_waits;
struct run_view;

struct run_screen {
    const struct run_view *view;
    const struct live_waits *waits; /* borrowed; NULL: nobody tells them */
    struct run_text_style style;
    struct strbuf kept; /* lines that are not written yet and stay */
    unsigned drawn;     /* rows of the live part that stand on the terminal */
};

void run_screen_init(struct run_screen *screen, const struct run_view *view,
                     struct run_text_style style);
void run_screen_finish(struct run_screen *screen);

/* Where lines that stay are appended; they appear at the next draw. */
struct strbuf *run_screen_lines(struct run_screen *screen);

/* Writes what is kept and draws the live part for `now` (unix ms). */
void run_screen_draw(struct run_screen *screen, int64_t now);

/* Writes what is kept and takes the live part away. */
void run_screen_clear(struct run_screen *screen);

#endif
