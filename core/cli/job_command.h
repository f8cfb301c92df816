/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_JOB_COMMAND_H
#define CORE_CLI_JOB_COMMAND_H

/*
 * Job command: what the commands share that change one run: cancel, pause, resume, send, resolve.
 *
 * Used by:  cmd_*.
 * Uses:     engine_command.
 * Threads:  [main]
 */

#include "core/base/str.h"

struct command_args;
struct engine_session;

/* What is asked of the run of the first operand. */
struct job_command {
    const char *below; /* "/cancel" */
    struct str body;   /* JSON; empty: none */
    const char *done;  /* "cancelling"; what people read when it is durable */
};

/*
 * Asks, and says on stdout what comes of it; with --json the answer as it is. Returns an
 * enum exit_code.
 */
int job_command_run(struct engine_session *session, const struct command_args *args,
                    const struct job_command *command);

/* The rows of command_option that job_command_run() reads besides STATE_OPTION. */
#define JOB_JSON_OPTION                                                                            \
    {                                                                                              \
        "json", 0, NULL, "print one JSON document", false                                          \
    }

#endif
