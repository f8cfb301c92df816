/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_RUN_DEFINITION_H
#define CORE_LOOP_RUN_DEFINITION_H

/*
 * Run definition: the pipeline of a run that the state keeps, loaded with the engine's environment
 * and, over it, with what somebody brought for the run.
 *
 * Used by:  restorer, retry; for the files of this folder alone.
 * Uses:     definition_store, run_env, loop_state.
 * Threads:  [loop]
 */

#include "core/base/str.h"

struct document;
struct error;
struct loop;
struct pipeline;

struct run_definition_wish {
    struct str digest;
    struct str workflow;
    const struct document *env; /* borrowed, as of run_env_find(); NULL: nobody brought any */
};

/*
 * `*out_pipeline` is borrowed until the next call. Returns 0; LOOP_BLOCKED when it cannot go on
 * here (`err` says what is missing); E_NOMEM, E_IO.
 */
int run_definition_find(struct loop *loop, const struct run_definition_wish *wish,
                        const struct pipeline **out_pipeline, struct error *err);

#endif
