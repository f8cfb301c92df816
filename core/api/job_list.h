/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_JOB_LIST_H
#define CORE_API_JOB_LIST_H

/*
 * Job list: runs as a journal reader has shown them, kept beyond its callback. A "job" is what
 * clients call a run.
 *
 * Used by:  the routes.
 * Uses:     journal.
 * Threads:  [any]; one list belongs to one thread at a time.
 */

#include <stddef.h>

#include "core/base/arena.h"
#include "core/journal/journal_reader.h"

struct job_list {
    struct journal_run *items; /* their texts are in `arena` */
    size_t count;
    size_t cap;
    struct arena arena;
};

#define JOB_LIST_INIT ((struct job_list){0})

void job_list_finish(struct job_list *list);

/* A journal_run_cb; `user` is a struct job_list. Returns 0 or E_NOMEM. */
int job_list_add(void *user, const struct journal_run *run);

#endif
