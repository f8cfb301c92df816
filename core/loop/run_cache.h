/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_RUN_CACHE_H
#define CORE_LOOP_RUN_CACHE_H

/*
 * Run cache: results of earlier calls, for nodes that ask before they call, or fall back. What is
 * durable is there; without a state folder there is nothing.
 *
 * Used by:  run_driver.
 * Uses:     loop_state, journal_reader, engine.
 * Threads:  [loop]
 */

struct effect;
struct loop_run;

/* EFFECT_ASK_CACHE: the engine gets its answer. One that cannot be read is none, and is logged. */
void run_cache_answer(struct loop_run *run, const struct effect *effect);

#endif
