/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_RUN_REPLICA_H
#define CORE_CLI_RUN_REPLICA_H

/*
 * Run replica: a run of another process, or of an earlier one, and the runs below it, played again
 * from their records, for whoever shows them: an observer hears what it would hear of a run of its
 * own process. Rows come in the order of commit, from a stream or from the file. With the id of the
 * last one it goes on elsewhere: nothing is told twice.
 *
 * Used by:  run_watch.
 * Uses:     engine (restore), journal (reader), loop (struct run_observer).
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/loop/loop.h"

struct error;
struct journal_reader;
struct journal_row;
struct journal_run;
struct pipeline;
struct run_replica;

struct run_replica_options {
    struct run_observer observer; /* on_progress is not called: no record says it */
    /*
     * The pipeline `workflow` of the definition `digest`; borrowed by the replica, which shares it.
     * What it returns becomes the result of the function that needed it.
     */
    int (*find_pipeline)(void *user, struct str digest, struct str workflow,
                         const struct pipeline **out_pipeline, struct error *err);
    void *user;
};

/* The options are kept. On success `*out_replica` is owned: run_replica_destroy(). E_NOMEM. */
int run_replica_create(const struct run_replica_options *options, struct run_replica **out_replica,
                       struct error *err);
/* NULL is fine. */
void run_replica_destroy(struct run_replica *replica);

/*
 * A run of the tree, before its first row, callers first; the first one is the root. One that is
 * known already changes nothing. Of `run` count number, id, definition, workflow, parent, call,
 * options and triggered_by. Fails with E_CORRUPT, E_NOMEM, and as find_pipeline() does.
 */
int run_replica_add_run(struct run_replica *replica, const struct journal_run *run,
                        struct error *err);

/*
 * A row; one that was there before changes nothing. Of `row` all but `run_id` counts. Fails with
 * E_CORRUPT (it cannot be, or its run was not added), E_NOMEM; then nothing more may come.
 */
int run_replica_add_row(struct run_replica *replica, const struct journal_row *row,
                        struct error *err);

/* No more rows at the moment. */
void run_replica_end_batch(struct run_replica *replica);

/* What nodes wait for at present, see on_waits of the observer. */
void run_replica_take_waits(struct run_replica *replica, struct str waits);

/* A line that the execution `path` of the run `number` has logged. */
void run_replica_add_log(struct run_replica *replica, uint64_t number, struct str path, int level,
                         struct str line);

/* All have ended; on_ended is called. */
void run_replica_end(struct run_replica *replica);

/* Whether it was. */
bool run_replica_is_over(const struct run_replica *replica);

/* Of the latest row; 0: there was none. */
uint64_t run_replica_last_id(const struct run_replica *replica);

/*
 * Reads what the file has of the tree of `root` behind the last row, in pages, and then ends the
 * batch, and the run if all of the tree has ended. Fails as the functions above and the reader's.
 */
int run_replica_read(struct run_replica *replica, struct journal_reader *reader, uint64_t root,
                     struct error *err);

#endif
