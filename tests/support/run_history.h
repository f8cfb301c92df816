/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_RUN_HISTORY_H
#define TESTS_SUPPORT_RUN_HISTORY_H

/*
 * Run histories: the records of a run as text, one a line, as a file could hold them that somebody
 * has damaged:
 *
 *     node_started 1 1700000000000 {"node":2}
 *
 * type, attempt, time and body; a line's seq is its place. The pipelines that they are of have
 * something of everything.
 *
 * Used by:  tests/fuzz, tests of engine.
 * Uses:     engine, pipeline_fixture, toy_world.
 * Threads:  [main]
 */

#include <stdint.h>

#include "core/base/str.h"

struct pipeline;

enum { RUN_HISTORY_PIPELINES = 5 };

/* Pipeline `i` modulo their number, made once; borrowed. */
const struct pipeline *run_history_pipeline(uint32_t i);

/*
 * Restores a run of it from `text`. A history that is taken has to give a run that can go on: it
 * recovers, is paused, resumed, resolved, sent events, cancelled and shut down, in a process that
 * none of this may end. Returns what the first refused line gave, or 0.
 */
int run_history_try(const struct pipeline *pipeline, struct str text);

/*
 * Appends the history of a run of it whose tasks, drawn from `seed`, complete or fail, with events,
 * a crash now and then, maybe a cancel; cut off at any moment. A child run ends with its own.
 */
void run_history_make(uint32_t i, uint64_t seed, struct strbuf *out);

#endif
