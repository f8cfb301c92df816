/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_RUN_SESSION_H
#define CORE_CLI_RUN_SESSION_H

/*
 * Run session: runs one pipeline here and now and shows it: live rows on a terminal, lines
 * elsewhere, one JSON document with --json. When another process is the engine of the state folder,
 * that one runs it, and this one shows it. The first Ctrl-C cancels the run, the second kills what
 * is left of it, or leaves it to that engine; a hangup hands it over to an engine in the
 * background.
 *
 * Used by:  cmd_run, cmd_plugin_run.
 * Uses:     start_request, state_owner, run_show, run_watch, run_tape, loop.
 * Threads:  [loop]
 */

#include <stdbool.h>

struct command_args;
struct start_request;

struct run_session_options {
    /* What is run: as start_request_prepare(), which is one of them. */
    int (*prepare)(struct start_request *request, const struct command_args *args);
    bool is_ephemeral; /* nothing is kept, whatever the arguments say; with a tape neither */
};

/* Returns an enum exit_code. */
int run_session(const struct command_args *args, const struct run_session_options *options);

#endif
