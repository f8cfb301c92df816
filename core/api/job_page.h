/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_JOB_PAGE_H
#define CORE_API_JOB_PAGE_H

/*
 * Job page: one page of what is listed of a run, {id, NAME: [...], next_after, last}.
 *
 * Used by:  route_history, route_logs.
 * Uses:     query, value.
 * Threads:  [any]; pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

struct builder;
struct error;
struct query;

enum { JOB_PAGE_FULL = 1 };

struct job_page {
    struct builder *b;
    struct str id; /* of the run: paths are seen from it */
    uint64_t after;
    uint64_t limit;
    uint64_t count; /* of what was looked at */
    uint64_t last;  /* the place of the last of it */
    bool has_more;
};

/* Where it begins and how long it is: `after` and `limit`. Fails with E_INVALID. */
int job_page_read(struct job_page *page, const struct query *query, struct error *err);

/* One more, at the place `at`: 0, or JOB_PAGE_FULL, which ends the listing. */
int job_page_count(struct job_page *page, uint64_t at);

/* Around what is listed. */
void job_page_begin(struct job_page *page, struct str name);
void job_page_end(struct job_page *page);

#endif
