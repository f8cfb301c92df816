/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_JOB_SHORT_H
#define CORE_API_JOB_SHORT_H

/*
 * Job short: the start of a run's id that nothing else begins with now: what people read and type.
 *
 * Used by:  route_job, route_jobs.
 * Uses:     journal, value.
 * Threads:  [any] of the reader's.
 */

struct builder;
struct error;
struct journal_reader;
struct journal_run;

/* Member short_id: 13 characters or more of the id; of a child run, with the path of its call. */
int job_short_write(struct builder *b, struct journal_reader *reader, const struct journal_run *run,
                    struct error *err);

#endif
