/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_ROOMS_H
#define CORE_ENGINE_ROOMS_H

/*
 * Rooms: what the values of runs may take in memory. A run that nobody called has one, for itself
 * and all runs below it. When their values take more than they may, the room is full: no further
 * task starts while one is under way whose end may free some, as each does whose body ends before
 * the run. What those bring is kept all the same, see decision_room; what the engine computes
 * waits, too. When none is under way, who waits goes on, one after the other; what there is no room
 * for then fails.
 *
 * A task of a body that keeps outputs already does not wait: its end is on the way to theirs. So
 * there always is a task under way, or the first that waits starts.
 *
 * Used by:  engine.
 * Uses:     member, run_bytes, dispatch, value.
 * Threads:  [loop]; pure. All zero is empty.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dispatch;
struct dispatch_room;
struct member;
struct record;
struct run;
struct run_event;

struct rooms {
    struct member *first; /* in whose run, or below it, somebody may wait */
};

/* Before `run` decides on `event`; `total` is what all values of the process take. */
void rooms_look(struct rooms *rooms, struct run *run, const struct run_event *event, size_t total);

/* What `run` has to look at next waits: a node that the engine itself computes, see run_hold(). */
void rooms_hold(struct rooms *rooms, struct run *run);

/* What the records of a decision bring and take. */
void rooms_count(const struct run *run, const struct record *records, size_t count);

/* The room that a task of `frame` waits for when it is full; NULL: it need not. */
struct dispatch_room *rooms_of(struct member *member, uint64_t frame);

/*
 * Asks those who wait where there is room now, or where nothing is under way. False: nobody was
 * asked, and all who wait do so for a task that is.
 */
bool rooms_give(struct rooms *rooms, struct dispatch *dispatch, size_t total);

/*
 * Of who waits by rooms_hold() the next one that is to go on, since there is more room than there
 * was, or nothing is under way; NULL: none. Its run has work then.
 */
struct member *rooms_next_held(struct rooms *rooms, size_t total);

/* The member goes, and those that it called are nobody's. */
void rooms_drop(struct rooms *rooms, struct dispatch *dispatch, struct member *member);

#endif
