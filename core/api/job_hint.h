/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_JOB_HINT_H
#define CORE_API_JOB_HINT_H

/*
 * Job hint: whether a run can go on by itself, and if not, which command lets it.
 *
 * Used by:  route_job.
 * Uses:     journal, value.
 * Threads:  [any]
 */

struct api_numbers;
struct builder;
struct journal_run;

/*
 * Members at_work: whether there is an engine, which has `numbers` (NULL: there is none), and hint:
 * a text, or null when nothing is to do.
 */
void job_hint_write(struct builder *b, const struct journal_run *run,
                    const struct api_numbers *numbers);

#endif
