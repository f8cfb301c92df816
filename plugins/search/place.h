/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SEARCH_PLACE_H
#define PLUGINS_SEARCH_PLACE_H

/*
 * Place: one file with an index, as this process shares it. It keeps the connections that are idle,
 * and sees to it that one writes at a time, of this process and of all: SQLite before 3.51.3 may
 * damage a file in which one connection writes while another checkpoints, and so both are done by
 * whoever holds the lock of a file beside the index.
 *
 * Without a file an index lives in memory, with one connection, until the process ends.
 *
 * Threads: those of the job pool; each waits at most as long as it says, and for no cancelled task.
 */

#include "fault.h"

struct index;
struct place;

/* As long as a task may wait for another one, or for another process. */
struct place_wait {
    ops_task task;
    uint64_t until_ns; /* of ops.timer's clock */
};

/* 1: go on waiting, after a moment; 0: time is over or the task cancelled, and the fault filled. */
int place_wait_more(const struct place_wait *wait, const char *file, struct fault *fault);

/* The place of `file` (absolute; empty: in memory), made when it is the first time; shared. */
struct place *place_of(const char *file, struct fault *fault);
/* As messages name it. */
const char *place_name(const struct place *place);
int place_is_memory(const struct place *place);

/* A connection that nobody uses now; `*out` stays NULL when one is to be opened. */
int place_take(struct place *place, const struct place_wait *wait, struct index **out,
               struct fault *fault);
/* Takes it back; NULL: one that was taken, or was to be opened, is no more. */
void place_give(struct place *place, struct index *index);

/* From here on no other connection of any process writes. */
int place_begin_write(struct place *place, const struct place_wait *wait, struct fault *fault);
void place_end_write(struct place *place);

/* Makes the file when it is not there: for its user only. */
int place_make_file(const struct place *place, struct fault *fault);

/* Closes what is idle and forgets all places. No task is left. */
void places_finish(void);

#endif
