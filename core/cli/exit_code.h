/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_EXIT_CODE_H
#define CORE_CLI_EXIT_CODE_H

/*
 * Exit code: what the program says when it ends, of every command in the same way.
 *
 * Used by:  command, and through it all of cli; command_help, man_command.
 * Uses:     base, engine (record.h).
 * Threads:  [any]
 */

#include "core/base/str.h"
#include "core/engine/record.h"

enum exit_code {
    EXIT_DONE = 0,       /* of a run: completed */
    EXIT_RUN_FAILED = 1, /* the run that was shown failed */
    EXIT_USAGE = 2,      /* the command line, the input, or not what this run can do now */
    EXIT_INVALID = 3,    /* the pipeline does not validate */
    EXIT_CANCELLED = 4,  /* the run that was shown was cancelled */
    EXIT_STATE = 74,     /* state, or the output, could not be read or written */
    EXIT_STUCK = 75, /* the run is kept, but is blocked, or no engine could be started for it; or
                        the engine had no room, and nothing was begun */
    EXIT_LEFT = 128, /* and a signal's number: it ended the command; a run that is kept goes on */
};

/* For people: "75" and what it means, in lines of at most 54 columns. */
struct exit_code_row {
    const char *name; /* NULL: the end */
    const char *text;
};

extern const struct exit_code_row exit_code_rows[];

/* Of a run that has ended. */
int exit_code_of_run(enum run_state state);

/* The same by the name that JSON has. */
int exit_code_of_status(struct str status);

/* Of an engine that refuses (a status of HTTP) what is asked of a run, or the start of one. */
int exit_code_of_refusal(int http_status);
int exit_code_of_refused_start(int http_status);

/* Of a state that --state (`option`, or NULL) names, and that cannot be opened. */
int exit_code_of_state(const char *option);

#endif
