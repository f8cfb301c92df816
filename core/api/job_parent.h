/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_JOB_PARENT_H
#define CORE_API_JOB_PARENT_H

/*
 * Job parent: the id of a run's caller, which the journal knows by its number. Neighbours in a list
 * that share it cost one look.
 *
 * Used by:  route_job, route_jobs.
 * Uses:     journal, value.
 * Threads:  [any] of the reader's.
 */

#include <stdint.h>

#include "core/base/str.h"

struct builder;
struct error;
struct journal_reader;
struct journal_run;

/* Starts as {0}; end it with job_parent_finish(). */
struct job_parent {
    uint64_t number; /* of the one that was looked up last; 0: none */
    struct strbuf id;
};

void job_parent_finish(struct job_parent *parent);

/* Members parent and parent_path; null for a run that somebody started. */
int job_parent_write(struct builder *b, struct journal_reader *reader,
                     const struct journal_run *run, struct job_parent *parent, struct error *err);

#endif
