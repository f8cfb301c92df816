/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_JOB_WAITS_H
#define CORE_API_JOB_WAITS_H

/*
 * Job waits: what the nodes of a run, and of those below it, wait for: what is kept says it, and
 * for nodes that may not start yet the engine that is at work.
 *
 * Used by:  route_job.
 * Uses:     job_steps, journal, value.
 * Threads:  [any]; one belongs to one thread at a time.
 */

#include <stddef.h>

#include "core/api/job_steps.h"
#include "core/base/str.h"

struct builder;
struct error;
struct journal_reader;
struct journal_run;

enum {
    JOB_WAITS_RUNS_MOST = 20
}; /* below a run whose nodes are looked at, those of the top first */

/* What is kept of one run below the one that is asked for. */
struct job_waits_run {
    uint64_t number;
    struct strbuf prefix; /* of its paths: "call/" */
    struct job_steps steps;
};

struct job_waits {
    struct job_waits_run runs[JOB_WAITS_RUNS_MOST];
    size_t count;
};

/*
 * Reads of the runs below `run` those that have not ended. End it with job_waits_finish(), in every
 * case. Fails as the reader does, and with E_NOMEM.
 */
int job_waits_read(struct job_waits *waits, struct journal_reader *reader,
                   const struct journal_run *run, struct error *err);
void job_waits_finish(struct job_waits *waits);

/*
 * Members waits_for: [{path, for:
 * "time"|"event"|"attempt"|"decision"|"permit"|"budget"|"breaker"|"spending"|..., until, event}],
 * and waits_left_out. `steps` are the run's own, `live` is what the engine knows, see
 * loop_append_waits(); empty: nothing.
 */
void job_waits_write(struct builder *b, const struct job_waits *waits,
                     const struct job_steps *steps, struct str live);

#endif
