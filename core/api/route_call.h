/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_ROUTE_CALL_H
#define CORE_API_ROUTE_CALL_H

/*
 * Route call: what the functions behind the table of route.c are called with. One resource is one
 * file route_<noun>.c.
 *
 * A function fills the answer and returns 0, or fails with an error, of which route_read() makes
 * the answer: E_INVALID is the client's mistake (400), E_NOT_FOUND and E_CONFLICT say so.
 *
 * Used by:  route.c, route_*.c.
 * Uses:     route, query.
 * Threads:  [any] of the reader's.
 */

#include "core/api/query.h"
#include "core/api/route.h"

struct builder;

struct route_call {
    const struct route_request *request;
    const char *id; /* {id} of the path; "" without one */
    const struct query *query;
};

/* How a page ends: what comes back as `after` or `cursor` for the next one. */
enum { ROUTE_PAGE = 100, ROUTE_PAGE_MOST = 500 };

int route_jobs_list(const struct route_call *call, struct answer *answer, struct error *err);
int route_job(const struct route_call *call, struct answer *answer, struct error *err);
int route_history(const struct route_call *call, struct answer *answer, struct error *err);
int route_definition(const struct route_call *call, struct answer *answer, struct error *err);
int route_logs(const struct route_call *call, struct answer *answer, struct error *err);
int route_limits(const struct route_call *call, struct answer *answer, struct error *err);
int route_breakers(const struct route_call *call, struct answer *answer, struct error *err);
int route_status(const struct route_call *call, struct answer *answer, struct error *err);
int route_queue(const struct route_call *call, struct answer *answer, struct error *err);
int route_dlq(const struct route_call *call, struct answer *answer, struct error *err);
int route_letter(const struct route_call *call, struct answer *answer, struct error *err);
int route_health(const struct route_call *call, struct answer *answer, struct error *err);
int route_ping(const struct route_call *call, struct answer *answer, struct error *err);
int route_metrics(const struct route_call *call, struct answer *answer, struct error *err);

/* Why nothing can be kept at the moment; empty: all is well, or nobody is at work. */
struct str route_trouble(const struct route_call *call);

extern const char *const route_jobs_list_params[];
extern const char *const route_job_params[];
extern const char *const route_history_params[];
extern const char *const route_logs_params[];
extern const char *const route_breakers_params[];
extern const char *const route_queue_params[];
extern const char *const route_dlq_params[];

/* Ends the builder and answers with what it made, 200. For `return` at a function's end. */
int route_finish(struct builder *b, struct answer *answer, struct error *err);

#endif
