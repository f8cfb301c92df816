/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_RUN_WATCH_LOCAL_H
#define CORE_CLI_RUN_WATCH_LOCAL_H

/*
 * Run watch, local: the part for a run whose engine is this process. What is shown comes from the
 * file, as it would from another engine's stream; the loop only says that there is more of it.
 *
 * Used by:  run_watch.
 * Uses:     api (control), loop, run_replica.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

struct control;
struct loop;
struct loop_run;
struct run_replica;

struct run_watch_local_options {
    struct loop *loop; /* which keeps a state */
    struct control *control;
    struct run_replica *replica;
    struct str body; /* of POST /api/v1/jobs, with a key */
    /* The run has an id; again when it is at work here. */
    void (*on_id)(void *user, struct str id);
    /* It is refused, or cannot go on: an enum exit_code and why. */
    void (*on_failed)(void *user, int code, const char *message);
    void *user;
};

struct run_watch_local {
    struct run_watch_local_options options;
    struct loop_run *run; /* NULL: not at work here, or it had ended */
    uint64_t number;
    char who[32]; /* who asks for it, for the audit trail */
    bool is_answered;
    bool is_ended;
};

/* Hands the run over; it is kept until run_watch_local_finish(). */
void run_watch_local_begin(struct run_watch_local *local,
                           const struct run_watch_local_options *options);

/* Gives the run up; not from inside a callback. One that is all zero is fine. */
void run_watch_local_finish(struct run_watch_local *local);

#endif
