/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_RUN_STREAM_H
#define CORE_CLI_RUN_STREAM_H

/*
 * Run stream: the events of GET /api/v1/jobs/{id}/stream, played by a replica. JOBS.md of core/api
 * has the events; those of a newer program that are not known here are left out.
 *
 * Used by:  run_watch.
 * Uses:     run_replica, api (struct event), value.
 * Threads:  [loop]
 */

struct error;
struct event;
struct run_replica;

/* What was taken in, where somebody has to know. */
enum run_stream_taken {
    RUN_STREAM_MORE = 0,
    RUN_STREAM_END = 1,     /* the run has ended; the observer has heard of it */
    RUN_STREAM_BLOCKED = 2, /* it cannot go on where it is: `err` says why */
};

/*
 * Takes one event (borrowed). Returns enum run_stream_taken, or fails with E_CORRUPT (it is not
 * what it has to be), E_IO (the server could not go on: `err` has its words), E_NOMEM, and as the
 * replica does.
 */
int run_stream_take(struct run_replica *replica, const struct event *event, struct error *err);

#endif
