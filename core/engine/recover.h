/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_RECOVER_H
#define CORE_ENGINE_RECOVER_H

/*
 * Recover: what follows for a run from the end of the process that worked on it, and what people
 * do to runs that go on for long: pause, resume, resolve.
 *
 * A task that had started and not ended runs again, as its next attempt with the same key; with
 * `at_most_once` it is unknown what became of it, and a person has to say. One that had been told
 * to end has ended. Timers are armed again for the times that they were set to.
 *
 * Used by:  decide.
 * Uses:     decision.
 * Threads:  [loop]
 */

struct decision;
struct run_event;

/* RUN_EVENT_RECOVER: one node, or the run itself. */
void recover_part(const struct decision *d, const struct run_event *event);

/* RUN_EVENT_ABANDON */
void recover_abandon(const struct decision *d, const struct run_event *event);

/* RUN_EVENT_RESOLVE; nothing happens to a node that is not unknown. */
void recover_resolve(const struct decision *d, const struct run_event *event);

/* RUN_EVENT_PAUSE: a cancel that is under way wins. RUN_EVENT_RESUME */
void recover_pause(const struct decision *d);
void recover_resume(const struct decision *d);

#endif
