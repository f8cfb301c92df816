/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_JOB_ENDING_H
#define CORE_API_JOB_ENDING_H

/*
 * Job ending: what a run that still lives is on its way to: nothing new starts in it, it is undone,
 * or its endings run.
 *
 * Used by:  route_job.
 * Uses:     journal, value.
 * Threads:  [any]; one belongs to one thread at a time.
 */

#include <stdbool.h>

#include "core/journal/journal_reader.h"

struct builder;

struct job_ending {
    const char *status; /* it will have this one; NULL: it is not ending */
    bool has_settled;   /* what ran has ended: it is undone, and its endings run */
    bool is_undoing;    /* a compensation has begun; set by the owner */
    struct strbuf body; /* of the record that says so, JSON */
};

/* A journal_row_cb of the run's own rows, in order. Returns 0 or E_NOMEM. */
int job_ending_note_row(struct job_ending *ending, const struct journal_row *row);

/* Member ending: {status, phase, error} or null. */
void job_ending_write(struct builder *b, const struct job_ending *ending);

void job_ending_finish(struct job_ending *ending);

#endif
