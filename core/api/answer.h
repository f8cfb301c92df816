/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_ANSWER_H
#define CORE_API_ANSWER_H

/*
 * Answer: what a request gets, as a value: the status of HTTP, the content type, the body. Errors
 * are JSON, {"error": {"code", "message", "hint"}}; core's error codes are mapped to HTTP here and
 * nowhere else.
 *
 * Used by:  the routes, whoever carries them (control socket, cli).
 * Uses:     value.
 * Threads:  [any]; one answer belongs to one thread at a time.
 */

#include <stdint.h>

#include "core/api/exchange.h"
#include "core/base/str.h"

struct document;
struct error;

enum answer_status {
    ANSWER_OK = 200,
    ANSWER_CREATED = 201,
    ANSWER_ACCEPTED = 202,
    ANSWER_BAD_REQUEST = 400,
    ANSWER_FORBIDDEN = 403,
    ANSWER_NOT_FOUND = 404,
    ANSWER_METHOD_NOT_ALLOWED = 405,
    ANSWER_CONFLICT = 409,
    ANSWER_TOO_LARGE = 413,
    ANSWER_UNPROCESSABLE = 422,
    ANSWER_TOO_MANY = 429,
    ANSWER_SERVER_ERROR = 500,
    ANSWER_UNAVAILABLE = 503,
    ANSWER_TIMEOUT = 504,
    ANSWER_NO_STORAGE = 507,
};

#define ANSWER_TYPE_JSON    "application/json"
#define ANSWER_TYPE_TEXT    "text/plain; charset=utf-8"
#define ANSWER_TYPE_METRICS "text/plain; version=0.0.4; charset=utf-8"

struct answer {
    int status;               /* enum answer_status; 0: there is none yet */
    const char *content_type; /* static */
    const char *allow;        /* of 405: what Allow says; static; else NULL */
    uint32_t retry_after_s;   /* of 429: what Retry-After says; else 0 */
    struct strbuf body;
};

#define ANSWER_INIT ((struct answer){0})

/* Frees the body; the answer is empty and usable again. */
void answer_finish(struct answer *answer);

/* `document` (borrowed) as JSON. Fails with E_NOMEM; the answer is empty then. */
int answer_document(struct answer *answer, enum answer_status status,
                    const struct document *document, struct error *err);

/* What went wrong, for programs and people; all borrowed, NULL where there is nothing to say. */
struct answer_problem {
    enum answer_status status;
    const char *code;                  /* "not_found" */
    struct str message;                /* one sentence; what is no UTF-8 in it is replaced */
    const char *hint;                  /* what to do */
    uint32_t retry_after_s;            /* of 429, else 0 */
    const struct document *candidates; /* a list: what could have been meant */
};

/* Fails with E_NOMEM. */
int answer_problem(struct answer *answer, const struct answer_problem *problem, struct error *err);

/* The problem that `failure` of core is to a client. Fails with E_NOMEM. */
int answer_failure(struct answer *answer, const struct error *failure, struct error *err);

/* 429 `busy`: nothing was begun, and there may be room after so many seconds. Fails with E_NOMEM.
 */
int answer_busy(struct answer *answer, struct str message, uint32_t retry_after_s,
                struct error *err);

/* The caller's, for what an answer says in headers. */
struct answer_headers {
    struct api_header header;
    char text[16];
};

/* The answer as api_respond() takes it, borrowed from both. */
struct api_answer answer_to_api(const struct answer *answer, struct answer_headers *headers);

/* The status of HTTP for a code of core/base/error.h. */
enum answer_status answer_status_of(int code);

#endif
