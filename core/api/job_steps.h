/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_JOB_STEPS_H
#define CORE_API_JOB_STEPS_H

/*
 * Job steps: what has become of the nodes of a run: those of its root body, each with its latest
 * visit and round, and those inside loops, groups and endings. Their number and what their outputs
 * take are bounded; what is left out is counted.
 *
 * Used by:  route_jobs.
 * Uses:     journal, value.
 * Threads:  [any]; one set of steps belongs to one thread at a time.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/strmap.h"
#include "core/journal/journal_reader.h"

struct builder;

enum {
    JOB_STEPS_INNER_MOST = 1000,
    JOB_STEPS_WAITS_MOST = 100,
    JOB_STEPS_BYTES_MOST = 16 * 1024 * 1024, /* of outputs and errors */
};

struct job_step {
    struct str path;
    struct str id; /* the node's: the path's last part, without visit and round */
    struct str state;
    uint32_t attempt;
    uint32_t before; /* attempts of earlier visits and rounds, which the number counts, too */
    int64_t wake_at;
    int64_t started_at;
    int64_t ended_at;
    bool is_said;           /* a person has said how it ended */
    uint64_t record;        /* that ended it; 0: it lives */
    struct str body;        /* JSON, or empty */
    bool is_left_out;       /* there is a body, but it did not fit */
    bool has_timeout;       /* wake_at is when its time is over */
    struct str event;       /* that it waits for; empty: none known */
    struct str queue_id;    /* its call went to the retry queue: the item's id; else empty */
    struct str queue_state; /* of the item; empty: not known any more, or not asked for */
    struct job_step *next;
};

struct job_step_list {
    struct job_step *first;
    struct job_step **last;
    uint64_t total;
};

struct job_steps {
    struct arena arena;
    struct job_step_list root;
    struct job_step_list inner;
    struct strmap by_id;   /* of `root` */
    struct strmap waiting; /* those at work, by path: one of them may wait for an event */
    size_t bytes;
    bool is_undoing; /* there is a compensation */
};

/* End it with job_steps_finish(). */
void job_steps_init(struct job_steps *steps);
void job_steps_finish(struct job_steps *steps);

/* A journal_node_cb; `user` is a struct job_steps. Returns 0 or E_NOMEM. */
int job_steps_add(void *user, const struct journal_node *node);

/* Puts the nodes of the root body into the order of their starts. Returns 0 or E_NOMEM. */
int job_steps_sort(struct job_steps *steps);

/* A journal_row_cb: notes what nodes at work wait for. Returns 0 or E_NOMEM. */
int job_steps_note_row(void *user, const struct journal_row *row);

/* A row of `resolve`, as a journal_audit_cb: once all nodes are there. Returns 0 or E_NOMEM. */
int job_steps_note_resolution(struct job_steps *steps, const struct journal_audit_row *row);

/*
 * Members step_results, success_count, failure_count, inner_results, inner_results_left_out. A step
 * is {step_id, path, status, attempt, started_at, completed_at, duration_seconds, output, error},
 * with {output_left_out: true} when both were too large, {resolved: true} when a person has said
 * how it ended, with {queue_id, queue_state} when its call went to the retry queue, and what else
 * its end has said.
 */
void job_steps_write(struct builder *b, const struct job_steps *steps);

/* What its nodes wait for, see job_waits.h, is added to a list. */
struct job_steps_waits {
    struct builder *b;
    struct str prefix;           /* of their paths */
    const struct strmap *others; /* by path: what waits there is in the list already */
    size_t left;                 /* so many more may be added */
};
void job_steps_add_waits(const struct job_steps *steps, struct job_steps_waits *waits);

#endif
