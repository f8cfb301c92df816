/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_RUN_WATCH_H
#define CORE_CLI_RUN_WATCH_H

/*
 * Run watch: shows a run whose engine is another process, or this one, until it ends.
 *
 *     hands the run over ──▶ follows its stream ──▶ end
 *        ▲                      │ the engine is gone
 *        │ another one is there ▼
 *        └──────────────────── takes the lock ──▶ is the engine, goes on with the run ──▶ end
 *
 * The run is the one of an idempotency key, so that handing it over again is no second run; what
 * was shown is not shown again. SIGINT cancels the run alone; a second one leaves it to its engine,
 * or kills what runs when that is this process. SIGHUP leaves it to its engine, or to the next one.
 *
 * In a folder of another user's this process cannot be the engine: the next one is waited for, up
 * to 10 min. Who only looks at a run waits for the next engine, or has it started. Any signal ends
 * the looking: EXIT_LEFT and its number.
 *
 * Used by:  cmd_run, status_follow.
 * Uses:     api (control, control_client), loop, state_owner, run_replica, run_show.
 * Threads:  [main]
 */

#include "core/base/str.h"

struct command_args;
struct run_pipelines;
struct run_show;
struct state_hold;
struct workspace;

struct error;

/* What is said when no engine is at work. */
#define RUN_WATCH_WAITS    "no engine is at work: waiting for one ('opstream serve' is one)\n"
#define RUN_WATCH_LAUNCHES "the engine has gone away: starting the next one\n"

struct run_watch_options {
    struct workspace *workspace;
    struct state_hold *hold; /* with a folder; begun when it is STATE_ROLE_ENGINE */
    struct run_show *show;   /* which is initialised without on_ended */
    struct run_pipelines *pipelines;
    struct str body; /* of POST /api/v1/jobs, with a key; empty: only looks at the run `id` */
    struct str id;
    /*
     * Who only looks: starts an engine when none is at work; as engine_launch_start(). NULL, or in
     * a folder of another user's: the next one is waited for.
     */
    int (*launch)(void *user, struct error *err);
    void *user;
};

/*
 * Returns EXIT_DONE when the run has ended, and `show` has heard of all of it; else another enum
 * exit_code, after a line on stderr. `hold` may have become STATE_ROLE_ENGINE.
 */
int run_watch(const struct run_watch_options *options);

#endif
