/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_ROUTE_H
#define CORE_API_ROUTE_H

/*
 * Route: from the method and path of a request to what is asked for, and the answers of all that
 * only reads: pure functions of a journal reader, which know no connection. So the control socket
 * and a command that opens the file itself answer alike.
 *
 *     struct route_match match;
 *     if (route_find(method, path, &match, &answer, err) == ROUTE_FOUND) {
 *         if (match.action == ROUTE_READ) route_read(&request, &match, &answer, err);
 *         else ... the engine's business: match.action, match.id
 *     }
 *
 * Used by:  the control socket, cli.
 * Uses:     journal (reading), value.
 * Threads:  [any] of the reader's.
 */

#include <stdint.h>

#include "core/api/answer.h"
#include "core/api/query.h"
#include "core/base/str.h"

struct api_numbers;
struct error;
struct journal_reader;

enum route_action {
    ROUTE_READ,    /* route_read() answers */
    ROUTE_START,   /* POST /api/v1/jobs */
    ROUTE_EXECUTE, /* POST /api/v1/workflows/{id}/execute */
    ROUTE_CANCEL,  /* POST /api/v1/jobs/{id}/cancel, and so on */
    ROUTE_PAUSE,
    ROUTE_RESUME,
    ROUTE_RETRY,
    ROUTE_RESOLVE,
    ROUTE_BREAKER,     /* POST /api/v1/breakers */
    ROUTE_LIMIT,       /* POST /api/v1/limits */
    ROUTE_TRY_ALL,     /* POST /api/v1/queue/run */
    ROUTE_REQUEUE_ALL, /* POST /api/v1/dlq/requeue, and so on */
    ROUTE_DROP_ALL,
    ROUTE_REQUEUE, /* POST /api/v1/dlq/{id}/requeue, and so on */
    ROUTE_SKIP,
    ROUTE_DROP,
    ROUTE_SEND,   /* POST /api/v1/jobs/{id}/events */
    ROUTE_STREAM, /* GET /api/v1/jobs/{id}/stream, and without id /api/v1/stream */
};

enum { ROUTE_ID_SIZE = 1024 };

/* The id of a child run has slashes, which a path's segment cannot have: this stands for them. */
#define ROUTE_SLASH '~'

struct route_call;
typedef int (*route_read_fn)(const struct route_call *call, struct answer *answer,
                             struct error *err);

/* What a read wants to know of the engine besides. */
enum route_live {
    ROUTE_LIVE_NOTHING,
    ROUTE_LIVE_WAITS,  /* loop_append_waits() of {id} */
    ROUTE_LIVE_QUEUES, /* loop_append_queues() */
    ROUTE_LIVE_LIMITS, /* loop_append_limits(), urgent ones first */
    ROUTE_LIVE_COUNTS, /* loop_append_counts() */
    ROUTE_LIVE_ITEMS,  /* item_live_append() of the query */
};

struct route_match {
    enum route_action action;
    enum route_live live;
    char id[ROUTE_ID_SIZE];    /* {id} of the path; "" without one */
    route_read_fn read;        /* of ROUTE_READ */
    const char *const *params; /* what its query may have; ends with NULL */
};

enum route_found {
    ROUTE_FOUND = 0,
    ROUTE_REFUSED = 1, /* `answer` says why: 404, or 405 with Allow */
};

/*
 * Finds what `method` and `path` (decoded, without the query; both borrowed) ask for. HEAD is as
 * GET; the carrier leaves out the body. Returns enum route_found, or E_NOMEM.
 */
int route_find(struct str method, struct str path, struct route_match *out_match,
               struct answer *answer, struct error *err);

/* What a read is answered from; all borrowed. */
struct route_request {
    struct query query;                /* its parameters */
    struct journal_reader *reader;     /* NULL: there is no state yet */
    const struct api_numbers *numbers; /* NULL: nobody is at work */
    struct str live;                   /* JSON of enum route_live; empty: nothing is known */
    int64_t now_unix_ms;
};

/* Answers a match of ROUTE_READ; what goes wrong is an answer, too. Fails with E_NOMEM only. */
int route_read(const struct route_request *request, const struct route_match *match,
               struct answer *answer, struct error *err);

/* Both in one, for who has no engine: what changes something is answered with 503. */
int route_answer(struct str method, struct str path, const struct route_request *request,
                 struct answer *answer, struct error *err);

/*
 * The full id of the run that `id` names or begins (see journal_reader_run), into `out_id`.
 * Returns ROUTE_FOUND, ROUTE_REFUSED with an answer (404; 409 with candidates), or E_NOMEM.
 */
int route_resolve_id(struct journal_reader *reader, struct str id, char out_id[ROUTE_ID_SIZE],
                     struct answer *answer, struct error *err);

#endif
