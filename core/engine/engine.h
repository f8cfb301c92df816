/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_ENGINE_H
#define CORE_ENGINE_ENGINE_H

/*
 * Engine: the two pure machines, run and dispatch, put together. An event goes in; out comes one
 * batch of records and of effects for the outside.
 *
 * The rule of this house: the records of a batch are durable before any of its effects is
 * carried out or anything of it is shown. Who drives the engine keeps it.
 *
 * Used by:  loop, tests.
 * Uses:     run, dispatch.
 * Threads:  [loop]; never called from inside itself.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/engine/run.h"

struct batch;
struct engine;
struct error;

struct engine_options {
    uint32_t plugin_concurrency;  /* per plugin; 0: 25 */
    uint32_t process_concurrency; /* per plugin that starts processes; 0: 4 */
    /*
     * What all values take now, asked before each decision; NULL: nobody knows. `scaling.
     * max_memory_mb` of the run that nobody called (1,024 when it does not say) is the bound.
     */
    size_t (*value_bytes)(void);
};

/* On success `*out_engine` is owned: engine_destroy(). Fails with E_NOMEM. */
int engine_create(const struct engine_options *options, struct engine **out_engine,
                  struct error *err);

/* Destroys the runs that are left, too. NULL is fine. */
void engine_destroy(struct engine *engine);

/*
 * Adds a run and starts it. `*out_run` is the engine's: it lives until engine_remove().
 * Fails with E_NOMEM, and then there is no run.
 */
int engine_start(struct engine *engine, const struct run_options *options, int64_t now_unix_ms,
                 struct batch *batch, struct run **out_run, struct error *err);

/*
 * Decides and applies `event` and all that follows from it at once. Appends to `batch`.
 * Fails with E_NOMEM: then the state of the run is not to be relied upon.
 */
int engine_handle(struct engine *engine, struct run *run, const struct run_event *event,
                  int64_t now_unix_ms, struct batch *batch, struct error *err);

/* The answer to EFFECT_CONTINUE. Fails as engine_handle() does. */
int engine_continue(struct engine *engine, struct run *run, int64_t now_unix_ms,
                    struct batch *batch, struct error *err);

/* The `user` of the options that the run was started with; of a child NULL until it is set. */
void *engine_run_user(const struct run *run);
void engine_set_run_user(struct run *run, void *user);

/* The execution of a node that started a child run. */
struct engine_call {
    struct run *run; /* its run */
    uint64_t frame;
    uint32_t node;
    bool is_awaited; /* it waits for the child's end, and passes a cancel on */
};

/* Who started this run. False: nobody did, or that run is removed. */
bool engine_find_call(const struct run *run, struct engine_call *out_call);

/*
 * The caller of a run that has ended may have it undone, or does, or has: the run is needed until
 * the end of the caller is durable and nobody needs that one either.
 */
bool engine_keeps(const struct run *run);

/* Frees a run that has ended and that nobody needs. All its records must be durable. */
void engine_remove(struct engine *engine, struct run *run);

#endif
