/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_CODE_RUN_H
#define PLUGINS_CODE_RUN_H

/*
 * Run: what one task collects while its child runs.
 */

#include "opstream/sdk.h"
#include "text.h"

enum language { LANGUAGE_PYTHON, LANGUAGE_BASH, LANGUAGE_JAVASCRIPT, LANGUAGE_COUNT };

/* What becomes the node's output. */
enum result_mode {
    RESULT_JSON, /* the returned value, or the last line of stdout */
    RESULT_TEXT, /* all of stdout */
    RESULT_NONE, /* null: the code is run for what it does */
};

struct run {
    struct run *next; /* of all that are under way */
    struct run **prev;
    ops_task task;
    enum language language;
    enum result_mode mode;
    ops_val on_exit;    /* of the config: "75" to "retry"; 0: none */
    struct text out;    /* text mode: all; else the lines that were not logged yet */
    size_t kept_n;      /* in `out`: the last line that is whole and has text, with its end */
    struct text errors; /* the end of stderr, not yet clean */
    size_t error_begin; /* in `errors`: of the line that is being written */
    struct text answer; /* of the runner, on descriptor 3 */
};

/* The interpreter, as it is looked up. */
const char *run_program(enum language language);

/* Take what the child wrote; lines go to the log. */
void run_take_stdout(struct run *run, ops_str bytes);
void run_take_stderr(struct run *run, ops_str bytes);

/* Logs what is left of stdout but for `result`, a slice of it or empty. */
void run_flush(struct run *run, ops_str result);

/* Ends the task by how the child ended; `exit` and `err` as ops_process_done() has them. */
void run_end(struct run *run, const ops_process_exit *exit, const ops_error *err);

/* NULL: out of memory. */
struct run *run_create(ops_task task);
void run_destroy(struct run *run);

/* Ends the runs that the host has given up, without a word to us. No task may be left. */
void run_destroy_all(void);

#endif
