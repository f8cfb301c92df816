/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_RUN_LINES_H
#define CORE_CLI_RUN_LINES_H

/*
 * Run lines: which lines a run gets while it is under way. The nodes of the root body have one
 * for their start and one for their end. What happens below them is shown as long as that is
 * little: not in loops with many iterations, and up to a limit over all; such loops tell how far
 * they are. Failures are shown whatever their place, up to a limit of their own. On a terminal
 * the live rows show what runs, so there are lines for ends only.
 *
 * Used by:  cmd_run.
 * Uses:     run_view, run_text.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/cli/run_text.h"

struct record;
struct run_view;

enum {
    RUN_LINES_STEPS_MOST = 400,    /* lines about steps below the root body */
    RUN_LINES_FAILURES_MOST = 100, /* lines about failures there */
    RUN_LINES_WAITS_MOST = 20,     /* lines about waits for events there */
};

struct run_lines {
    struct run_view *view; /* borrowed */
    struct run_text_style style;
    struct strbuf *out; /* borrowed */
    bool is_live;
    int64_t least_wait_ms; /* a wait for an event that gives up by then has no line; 0: all have */
    uint32_t steps;
    uint32_t failures;
    uint32_t waits;
};

/* Appends what there is to say about a record that the view has just taken in. */
void run_lines_add(struct run_lines *lines, const struct record *record);

/* Appends what has begun to wait for an event and still does. */
void run_lines_add_waits(struct run_lines *lines);

#endif
