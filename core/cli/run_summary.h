/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_RUN_SUMMARY_H
#define CORE_CLI_RUN_SUMMARY_H

/*
 * Run summary: what people read when a run has ended: its output, what became of it and why.
 *
 * Used by:  cmd_run.
 * Uses:     run_view, run_text, value_text.
 * Threads:  [main]
 */

#include "core/base/str.h"
#include "core/cli/run_text.h"

struct run_view;

enum {
    RUN_SUMMARY_FAILURES_MOST = 10, /* inside loops and child runs; more are counted */
    RUN_SUMMARY_STATES_MOST = 12,   /* of a state machine's way: the first and the last ones */
};

/*
 * The output and an empty line; status, time and counts; the way of a state machine; the failure
 * with its hint; failures inside loops and child runs; what was undone and which
 * endings ran; events that nothing took.
 */
void run_summary_append(const struct run_view *view, struct run_text_style style,
                        struct strbuf *out);

#endif
