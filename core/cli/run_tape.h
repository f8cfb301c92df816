/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_RUN_TAPE_H
#define CORE_CLI_RUN_TAPE_H

/*
 * Run tape: --record and --replay of a command that runs something here, and what is said of the
 * tape when that is over.
 *
 * Used by:  run_session.
 * Uses:     loop (tape), command.
 * Threads:  [main]
 */

#include <stdbool.h>

#include "core/loop/tape.h"

struct command_args;
struct secrets;

/* The rows of command_option that run_tape_open() reads. */
#define TAPE_OPTIONS                                                                               \
    {"record", 0, "TAPE", "keep all HTTP calls in TAPE, without secrets", false},                  \
    {                                                                                              \
        "replay", 0, "TAPE", "answer HTTP calls from TAPE: nothing goes out", false                \
    }

struct run_tape {
    struct tape *tape; /* NULL: neither is asked for */
    const char *path;  /* of the arguments */
    bool has_begun;    /* the run has: there is something to save, or to say */
};

/*
 * Opens the tape that the arguments name, if any. Returns EXIT_DONE, or another code after lines on
 * stderr. End it in every case with run_tape_finish().
 */
int run_tape_open(struct run_tape *tape, const struct command_args *args);

/*
 * When a run that has begun is over: writes what was recorded, and says what there is to say.
 * Returns `code`, or EXIT_STATE when it cannot be written.
 */
int run_tape_end(struct run_tape *tape, const struct secrets *secrets, int code);

/* After the loop is closed. */
void run_tape_finish(struct run_tape *tape);

#endif
