/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_JQ_PROGRAM_H
#define PLUGINS_JQ_PROGRAM_H

/*
 * Programs: compiled jq programs, kept for the next use of the same text (compiling takes about
 * 15 ms), and one run of one of them.
 *
 * A compiled program serves one thread at a time; as many are compiled as run at once, and
 * PROGRAMS_KEPT of them are kept while nobody uses them.
 */

#include <pthread.h>

#include "opstream/sdk.h"

struct jq_state;

enum {
    PROGRAMS_KEPT = 64,
    PROGRAM_BYTES_MAX = 256 * 1024,
    RESULT_COUNT_MAX = 1000000,
    RESULT_DEPTH_MAX = 63,
};
enum { RESULT_BYTES_MAX = 16 * 1024 * 1024 };

enum results {
    RESULTS_ONE,   /* one; none is null, more are an error */
    RESULTS_FIRST, /* the first; none is null */
    RESULTS_ALL,   /* all, as a list */
};

struct program {
    struct jq_state *jq;
    char *text;
    uint64_t n;
    struct program *next; /* kept, the last used first */
};

struct programs {
    pthread_mutex_t mutex;
    struct program *kept;
    uint32_t count;
};

enum stop {
    STOP_NONE,
    STOP_TIME,
    STOP_MEMORY,
    STOP_CANCEL,
};

/* How a run went. */
struct outcome {
    ops_status code;    /* OPS_OK: `output` is there */
    const char *symbol; /* static */
    const char *hint;   /* static, or NULL */
    char message[1024];
    ops_val output;
};

/* A run. Another thread may stop it: stop() is the only function that may be called meanwhile. */
struct run {
    struct programs *programs;
    ops_task task;
    ops_val input;
    ops_str program;
    enum results results;
    pthread_mutex_t mutex;
    struct program *running; /* guarded by the mutex; NULL: nothing to be stopped */
    enum stop stop;          /* guarded by the mutex */
    struct outcome outcome;
};

/* Runs the program to its end, blocking; the outcome is in `run`. */
void program_run(struct run *run);

/* Makes a run that is under way end at its next step, or one that has not begun not begin. */
void program_stop(struct run *run, enum stop why);

#define PROGRAMS_INIT                                                                              \
    {                                                                                              \
        .mutex = PTHREAD_MUTEX_INITIALIZER                                                         \
    }

/* Forgets the programs that nobody uses. */
void programs_drop(struct programs *programs);

#endif
