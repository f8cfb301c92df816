/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_JOB_WRITE_H
#define CORE_API_JOB_WRITE_H

/*
 * Job write: the members that a run has in every JSON document, in lists and alone. The README of
 * this folder has all shapes.
 *
 * Used by:  route_jobs.
 * Uses:     journal, value.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

struct builder;
struct journal_run;

/* The states that a run can have for people; ends with NULL. */
extern const char *const job_states[];

/* Appends them, "completed, failed, ...", for messages. */
void job_write_states(struct strbuf *out);

/* What people see: what it does, or that it cannot go on. Borrowed from `run`, or static. */
struct str job_status(const struct journal_run *run);

/* It has ended: completed, failed or cancelled. */
bool job_is_over(const struct journal_run *run);

/*
 * id, execution_id, workflow, name, version, status, reason, labels, created_at, started_at,
 * completed_at, total_duration_seconds, progress {done, total, fraction}, failed_steps, usage,
 * wake_at, triggered_by, key, parent_path. `levels`: those around the job in its document.
 */
void job_write_members(struct builder *b, const struct journal_run *run, int64_t now_unix_ms,
                       unsigned levels);

/* output, error_message, error: of the run's result; null while it lives. */
void job_write_result(struct builder *b, const struct journal_run *run, unsigned levels);

#endif
