/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_JOB_STREAMS_H
#define CORE_API_JOB_STREAMS_H

/*
 * Job streams: GET /api/v1/jobs/{id}/stream, a run and the runs below it watched as server-sent
 * events, from its first record on. JOBS.md has the events.
 *
 * Rows are the truth: that something became durable only says that there is more to read, and what
 * is sent comes from the file, in the order of commit, so that a client that comes back with the
 * last id it has seen (Last-Event-ID) misses nothing and gets nothing twice. A client that reads
 * slowly is waited for: of a history of any length at most a page is in memory. Log lines are not
 * records: of those that such a client has no room for, it gets the number.
 *
 * Used by:  control_socket.
 * Uses:     exchange, event_stream, journal (reader), engine (records), libuv.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

struct api_exchange;
struct batch;
struct error;
struct job_streams;
struct journal_reader;
struct uv_loop_s;

enum {
    JOB_STREAMS_PAGE_BYTES = 256 * 1024, /* that wait for one client; a larger event alone */
    JOB_STREAMS_PAGE_ROWS = 256,
    JOB_STREAMS_HEARTBEAT_MS = 25 * 1000, /* a comment, so that a dead client is found */
};

/*
 * `loop` and `reader` are kept until the close. On success `*out_streams` is owned:
 * job_streams_close(). Fails with E_NOMEM.
 */
int job_streams_create(struct uv_loop_s *loop, struct journal_reader *reader,
                       struct job_streams **out_streams, struct error *err);

/* What the engine knows and no record says; everything is kept until the close. */
struct job_streams_engine {
    void (*append_waits)(void *user, uint64_t run, struct strbuf *out); /* loop_append_waits() */
    bool (*asks)(void *user, uint64_t run, struct str scope);           /* loop_run_asks() */
    void *user;
};
void job_streams_set_engine(struct job_streams *streams, const struct job_streams_engine *engine);

/* Ends the streams that are left, frees all, and then calls `done` on the loop. NULL: at once. */
void job_streams_close(struct job_streams *streams, void (*done)(void *user), void *user);

/*
 * Answers `exchange` with the stream of the tree of the run `root`: of records with ids above
 * `after`. From here on the exchange belongs to the stream until job_streams_gone().
 */
void job_streams_add(struct job_streams *streams, struct api_exchange *exchange, uint64_t root,
                     uint64_t after);

/* A batch (borrowed) became durable: loop_watch_batches(). */
void job_streams_poke(struct job_streams *streams, const struct batch *batch);

/* A node has logged a line (borrowed): loop_watch_logs(). */
void job_streams_log(struct job_streams *streams, uint64_t run, struct str path, int level,
                     struct str line);

/* Such lines became durable: loop_watch_logged(). */
void job_streams_logged(struct job_streams *streams, uint32_t left);

/* What nodes wait for may have changed: loop_watch_waits(). */
void job_streams_waits(struct job_streams *streams);

/* The run that the stream of `exchange` is of; 0: it is none. */
uint64_t job_streams_root(const struct job_streams *streams, const struct api_exchange *exchange);

/* on_drained and on_gone of the server; for an exchange that is no stream nothing happens. */
void job_streams_drained(struct job_streams *streams, struct api_exchange *exchange);
void job_streams_gone(struct job_streams *streams, struct api_exchange *exchange);

#endif
