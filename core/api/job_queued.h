/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_JOB_QUEUED_H
#define CORE_API_JOB_QUEUED_H

/*
 * Job queued: what has become of the calls that nodes of a run have left to the retry queue.
 *
 * Used by:  route_job.
 * Uses:     job_steps, item_write, journal (reading).
 * Threads:  [any]; with the steps and the reader.
 */

struct error;
struct job_steps;
struct journal_reader;

enum { JOB_QUEUED_MOST = 200 }; /* items that are looked up; of others the state is not known */

/*
 * Sets queue_id of all steps whose call went to the queue, and queue_state where the item is still
 * known. Fails with E_NOMEM and as the journal's reader does.
 */
int job_queued_read(struct job_steps *steps, struct journal_reader *reader, struct error *err);

#endif
