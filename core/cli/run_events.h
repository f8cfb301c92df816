/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_RUN_EVENTS_H
#define CORE_CLI_RUN_EVENTS_H

/*
 * Run events: those that `opstream run --send EVENT[=JSON]` sends to the run as it starts.
 *
 * Used by:  cmd_run.
 * Uses:     command, loop, value.
 * Threads:  [main]
 */

#include <stddef.h>

struct command_args;
struct loop_event;

struct run_events {
    struct loop_event *items; /* their names lie in the arguments */
    size_t count;
};

/* An enum exit_code; says on stderr what is wrong. End `*out_events` with run_events_finish(). */
int run_events_read(const struct command_args *args, struct run_events *out_events);
void run_events_finish(struct run_events *events);

#endif
