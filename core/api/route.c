/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/route.h"

#include <stdio.h>

#include "core/api/job_list.h"
#include "core/api/job_short.h"
#include "core/api/job_write.h"
#include "core/api/route_call.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/value/builder.h"
#include "core/value/value.h"

/* One row of the table. */
struct route {
    const char *method;
    const char *pattern;
    enum route_action action;
    route_read_fn read;
    const char *const *params;
    enum route_live live;
};

static const char *const no_params[] = {NULL};

#define JOB    "/api/v1/jobs/{id}"
#define LETTER "/api/v1/dlq/{id}"

static const struct route routes[] = {
    {"GET", "/api/v1/jobs", ROUTE_READ, route_jobs_list, route_jobs_list_params,
     ROUTE_LIVE_NOTHING},
    {"POST", "/api/v1/jobs", ROUTE_START, NULL, no_params, ROUTE_LIVE_NOTHING},
    {"GET", JOB, ROUTE_READ, route_job, route_job_params, ROUTE_LIVE_WAITS},
    {"GET", JOB "/definition", ROUTE_READ, route_definition, no_params, ROUTE_LIVE_NOTHING},
    {"GET", JOB "/history", ROUTE_READ, route_history, route_history_params, ROUTE_LIVE_NOTHING},
    {"GET", JOB "/logs", ROUTE_READ, route_logs, route_logs_params, ROUTE_LIVE_NOTHING},
    {"GET", JOB "/stream", ROUTE_STREAM, NULL, no_params, ROUTE_LIVE_NOTHING},
    {"POST", JOB "/cancel", ROUTE_CANCEL, NULL, no_params, ROUTE_LIVE_NOTHING},
    {"POST", JOB "/pause", ROUTE_PAUSE, NULL, no_params, ROUTE_LIVE_NOTHING},
    {"POST", JOB "/resume", ROUTE_RESUME, NULL, no_params, ROUTE_LIVE_NOTHING},
    {"POST", JOB "/retry", ROUTE_RETRY, NULL, no_params, ROUTE_LIVE_NOTHING},
    {"POST", JOB "/resolve", ROUTE_RESOLVE, NULL, no_params, ROUTE_LIVE_NOTHING},
    {"POST", JOB "/events", ROUTE_SEND, NULL, no_params, ROUTE_LIVE_NOTHING},
    {"POST", "/api/v1/workflows/{id}/execute", ROUTE_EXECUTE, NULL, no_params, ROUTE_LIVE_NOTHING},
    {"GET", "/api/v1/breakers", ROUTE_READ, route_breakers, route_breakers_params,
     ROUTE_LIVE_NOTHING},
    {"POST", "/api/v1/breakers", ROUTE_BREAKER, NULL, no_params, ROUTE_LIVE_NOTHING},
    {"GET", "/api/v1/limits", ROUTE_READ, route_limits, no_params, ROUTE_LIVE_LIMITS},
    {"POST", "/api/v1/limits", ROUTE_LIMIT, NULL, no_params, ROUTE_LIVE_NOTHING},
    {"GET", "/api/v1/stream", ROUTE_STREAM, NULL, no_params, ROUTE_LIVE_NOTHING},
    {"GET", "/api/v1/status", ROUTE_READ, route_status, no_params, ROUTE_LIVE_QUEUES},
    {"GET", "/api/v1/queue", ROUTE_READ, route_queue, route_queue_params, ROUTE_LIVE_ITEMS},
    {"POST", "/api/v1/queue/run", ROUTE_TRY_ALL, NULL, no_params, ROUTE_LIVE_NOTHING},
    {"POST", "/api/v1/dlq/requeue", ROUTE_REQUEUE_ALL, NULL, no_params, ROUTE_LIVE_NOTHING},
    {"POST", "/api/v1/dlq/drop", ROUTE_DROP_ALL, NULL, no_params, ROUTE_LIVE_NOTHING},
    {"GET", "/api/v1/dlq", ROUTE_READ, route_dlq, route_dlq_params, ROUTE_LIVE_NOTHING},
    {"GET", LETTER, ROUTE_READ, route_letter, no_params, ROUTE_LIVE_NOTHING},
    {"POST", LETTER "/requeue", ROUTE_REQUEUE, NULL, no_params, ROUTE_LIVE_NOTHING},
    {"POST", LETTER "/skip", ROUTE_SKIP, NULL, no_params, ROUTE_LIVE_NOTHING},
    {"POST", LETTER "/drop", ROUTE_DROP, NULL, no_params, ROUTE_LIVE_NOTHING},
    {"GET", "/health", ROUTE_READ, route_health, no_params, ROUTE_LIVE_NOTHING},
    {"GET", "/ping", ROUTE_READ, route_ping, no_params, ROUTE_LIVE_NOTHING},
    {"GET", "/metrics", ROUTE_READ, route_metrics, no_params, ROUTE_LIVE_COUNTS},
};

static const size_t route_count = sizeof(routes) / sizeof(routes[0]);

/* ---- finding ---- */

/* Up to the next slash. */
static struct str segment_of(struct str path)
{
    const char *slash = path.n > 0 ? memchr(path.p, '/', path.n) : NULL;
    return slash != NULL ? str_make(path.p, (size_t)(slash - path.p)) : path;
}

static bool take_id(struct str segment, char out_id[ROUTE_ID_SIZE])
{
    if (segment.n == 0 || segment.n >= ROUTE_ID_SIZE) {
        return false;
    }
    for (size_t i = 0; i < segment.n; i++) {
        out_id[i] = segment.p[i] == ROUTE_SLASH ? '/' : segment.p[i];
    }
    out_id[segment.n] = '\0';
    return true;
}

static bool is_match(const char *pattern, struct str path, char out_id[ROUTE_ID_SIZE])
{
    struct str wanted = str_from(pattern);
    out_id[0] = '\0';
    while (wanted.n > 0 && path.n > 0) {
        if (wanted.p[0] == '{') {
            struct str segment = segment_of(path);
            size_t skipped = segment_of(wanted).n;
            if (!take_id(segment, out_id)) {
                return false;
            }
            wanted = str_make(wanted.p + skipped, wanted.n - skipped);
            path = str_make(path.p + segment.n, path.n - segment.n);
        } else if (wanted.p[0] != path.p[0]) {
            return false;
        } else {
            wanted = str_make(wanted.p + 1, wanted.n - 1);
            path = str_make(path.p + 1, path.n - 1);
        }
    }
    return wanted.n == 0 && path.n == 0;
}

static bool is_method(const struct route *route, struct str method)
{
    return str_equal_text(method, route->method) ||
           (str_equal_text(method, "HEAD") && strcmp(route->method, "GET") == 0);
}

static int refuse_path(struct str path, struct answer *answer, struct error *err)
{
    struct strbuf message = STRBUF_INIT;
    strbuf_append_format(&message, "there is nothing at '%.*s'", STR_ARG(path));
    struct answer_problem problem = {
        .status = ANSWER_NOT_FOUND,
        .code = "unknown_route",
        .message = strbuf_str(&message),
        .hint = "runs are at /api/v1/jobs; also /api/v1/status, /api/v1/breakers, /api/v1/limits, "
                "/api/v1/queue, /api/v1/dlq, /health, /ping and /metrics",
    };
    int status = answer_problem(answer, &problem, err);
    strbuf_finish(&message);
    return status != 0 ? status : ROUTE_REFUSED;
}

static int refuse_method(struct str method, const char *allow, struct answer *answer,
                         struct error *err)
{
    struct strbuf message = STRBUF_INIT;
    strbuf_append_format(&message, "method '%.*s' is not for this; there is: %s", STR_ARG(method),
                         allow);
    struct answer_problem problem = {
        .status = ANSWER_METHOD_NOT_ALLOWED,
        .code = "method_not_allowed",
        .message = strbuf_str(&message),
    };
    int status = answer_problem(answer, &problem, err);
    strbuf_finish(&message);
    if (status != 0) {
        return status;
    }
    answer->allow = allow;
    return ROUTE_REFUSED;
}

int route_find(struct str method, struct str path, struct route_match *out_match,
               struct answer *answer, struct error *err)
{
    bool has_get = false;
    bool has_post = false;
    struct route_match match = {0};
    for (size_t i = 0; i < route_count; i++) {
        const struct route *route = &routes[i];
        if (!is_match(route->pattern, path, match.id)) {
            continue;
        }
        if (is_method(route, method)) {
            match.action = route->action;
            match.read = route->read;
            match.params = route->params;
            match.live = route->live;
            *out_match = match;
            return ROUTE_FOUND;
        }
        has_get = has_get || strcmp(route->method, "GET") == 0;
        has_post = has_post || strcmp(route->method, "POST") == 0;
    }
    if (!has_get && !has_post) {
        return refuse_path(path, answer, err);
    }
    const char *allow = has_get && has_post ? "GET, HEAD, POST" : has_get ? "GET, HEAD" : "POST";
    return refuse_method(method, allow, answer, err);
}

/* ---- answering ---- */

int route_finish(struct builder *b, struct answer *answer, struct error *err)
{
    cleanup_document struct document *document = NULL;
    int status = builder_finish(b, &document, err);
    return status != 0 ? status : answer_document(answer, ANSWER_OK, document, err);
}

/* What the client did not ask wrongly is no mistake of its. */
static int read_checked(const struct route_call *call, const struct route_match *match,
                        struct answer *answer, struct error *err)
{
    struct error failure = {0};
    int status = match->read(call, answer, &failure);
    if (status < 0 && answer->status == 0) {
        if (failure.code != status) { /* a callback has stopped the reader */
            (void)error_set(&failure, status, "%s", error_code_text(status));
        }
        status = answer_failure(answer, &failure, err);
    }
    return status < 0 ? status : 0;
}

int route_read(const struct route_request *request, const struct route_match *match,
               struct answer *answer, struct error *err)
{
    struct error failure = {0};
    struct route_call call = {.request = request, .id = match->id, .query = &request->query};
    if (query_check(&request->query, match->params, &failure) != 0) {
        return answer_failure(answer, &failure, err);
    }
    return read_checked(&call, match, answer, err);
}

int route_answer(struct str method, struct str path, const struct route_request *request,
                 struct answer *answer, struct error *err)
{
    struct route_match match;
    int status = route_find(method, path, &match, answer, err);
    if (status != ROUTE_FOUND) {
        return status == ROUTE_REFUSED ? 0 : status;
    }
    if (match.action == ROUTE_READ) {
        return route_read(request, &match, answer, err);
    }
    return answer_problem(answer,
                          &(struct answer_problem){
                              .status = ANSWER_UNAVAILABLE,
                              .code = "no_engine",
                              .message = STR("nobody is at work in this state folder"),
                              .hint = "'opstream serve' or 'opstream start' begin to work there",
                          },
                          err);
}

/* ---- ids ---- */

enum { CANDIDATES_MOST = 10, CANDIDATES_AMONG = 1000 };

/* The runs, of the latest ones, whose ids begin so. */
struct candidates {
    struct job_list list;
    struct str prefix;
};

static int add_candidate(void *user, const struct journal_run *run)
{
    struct candidates *candidates = user;
    bool is_one = candidates->list.count < CANDIDATES_MOST &&
                  str_starts_with(run->id, candidates->prefix);
    return is_one ? job_list_add(&candidates->list, run) : 0;
}

/* A list of jobs. `*out` is owned. */
static int write_candidates(struct journal_reader *reader, const struct job_list *list,
                            struct document **out, struct error *err)
{
    struct builder *b = builder_create();
    int status = 0;
    builder_list_begin(b);
    for (size_t i = 0; i < list->count && status == 0; i++) {
        builder_map_begin(b);
        job_write_members(b, &list->items[i], clock_unix_ms(), 3);
        status = job_short_write(b, reader, &list->items[i], err);
        if (status == 0) {
            builder_map_end(b);
        }
    }
    if (status != 0) {
        builder_destroy(b);
        return status;
    }
    builder_list_end(b);
    return builder_finish(b, out, err);
}

static int refuse_ambiguous(struct journal_reader *reader, struct str id,
                            const struct error *failure, struct answer *answer, struct error *err)
{
    struct candidates candidates = {.list = JOB_LIST_INIT, .prefix = id};
    struct journal_filter filter = {.limit = CANDIDATES_AMONG};
    cleanup_document struct document *list = NULL;
    int status = journal_reader_list(reader, &filter, add_candidate, &candidates, err);
    if (status == 0) {
        status = write_candidates(reader, &candidates.list, &list, err);
    }
    job_list_finish(&candidates.list);
    if (status != 0) {
        return status;
    }
    struct answer_problem problem = {
        .status = ANSWER_CONFLICT,
        .code = "ambiguous",
        .message = str_from(failure->message),
        .hint = "give more of the id",
        .candidates = list,
    };
    return answer_problem(answer, &problem, err);
}

static int append_id(void *user, const struct journal_run *run)
{
    strbuf_append_str(user, run->id);
    return 0;
}

/* It may be the key that a run was started with. */
static int refuse_unknown(struct journal_reader *reader, struct str id, struct answer *answer,
                          struct error *err)
{
    struct strbuf message = STRBUF_INIT;
    struct strbuf by_key = STRBUF_INIT;
    struct error ignored = {0};
    if (reader == NULL ||
        journal_reader_run_by_key(reader, id, append_id, &by_key, &ignored) != 0) {
        strbuf_clear(&by_key);
    }
    strbuf_append_format(&message, "there is no run '%.*s'", STR_ARG(id));
    if (by_key.n > 0) {
        strbuf_append_format(&message, ", but it is the key of run %.*s",
                             STR_ARG(strbuf_str(&by_key)));
    }
    struct answer_problem problem = {
        .status = ANSWER_NOT_FOUND,
        .code = "not_found",
        .message = strbuf_str(&message),
        .hint = by_key.n > 0
                    ? NULL
                    : "an id, or at least its first 4 characters; 'opstream list' shows them",
    };
    int status = answer_problem(answer, &problem, err);
    strbuf_finish(&message);
    strbuf_finish(&by_key);
    return status;
}

/* What a child run's id has behind that of the run that somebody started. */
static struct str tail_of(struct str id)
{
    const char *slash = id.n > 0 ? memchr(id.p, '/', id.n) : NULL;
    size_t n = slash != NULL ? (size_t)(slash - id.p) : id.n;
    return str_make(id.p + n, id.n - n);
}

static int copy_id(void *user, const struct journal_run *run)
{
    char *out = user;
    size_t n = run->id.n < ROUTE_ID_SIZE ? run->id.n : ROUTE_ID_SIZE - 1;
    memcpy(out, run->id.p, n);
    out[n] = '\0';
    return 0;
}

/* "019a0000/call" is the child run of the one that "019a0000" begins. */
static int find_id(struct journal_reader *reader, struct str id, char out_id[ROUTE_ID_SIZE],
                   struct error *err)
{
    struct str tail = tail_of(id);
    struct str head = str_make(id.p, id.n - tail.n);
    int status = tail.n > 0 ? journal_reader_run(reader, id, copy_id, out_id, err) : E_NOT_FOUND;
    if (status != E_NOT_FOUND) { /* an item of the queue may outlive the run that queued it */
        return status;
    }
    status = journal_reader_run(reader, head, copy_id, out_id, err);
    if (status != 0 || tail.n == 0) {
        return status;
    }
    size_t n = strlen(out_id);
    if (n + tail.n >= ROUTE_ID_SIZE) {
        return E_NOT_FOUND;
    }
    memcpy(out_id + n, tail.p, tail.n);
    out_id[n + tail.n] = '\0';
    return journal_reader_run(reader, str_from(out_id), copy_id, out_id, err);
}

int route_resolve_id(struct journal_reader *reader, struct str id, char out_id[ROUTE_ID_SIZE],
                     struct answer *answer, struct error *err)
{
    struct error failure = {0};
    int status = reader != NULL ? find_id(reader, id, out_id, &failure) : E_NOT_FOUND;
    if (status == 0) {
        return ROUTE_FOUND;
    }
    if (status == E_NOT_FOUND) {
        status = refuse_unknown(reader, id, answer, err);
    } else if (status == E_CONFLICT) {
        status = refuse_ambiguous(reader, id, &failure, answer, err);
    } else {
        return error_copy(err, &failure);
    }
    return status != 0 ? status : ROUTE_REFUSED;
}
