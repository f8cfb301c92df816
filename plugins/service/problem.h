/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SERVICE_PROBLEM_H
#define PLUGINS_SERVICE_PROBLEM_H

/*
 * Problem: why a call of a service has failed, as people and the engine need to hear it:
 *
 *     GitHub: issue 7 of a/b is not there, or the token may not see it (404: Not Found)
 *
 * Used by:  call, plugins for services of HTTP.
 * Uses:     sdk.h, text.h.
 * Threads:  [strand]
 */

#include "opstream/sdk.h"
#include "service/text.h"

struct service_answer;
struct service_call;

struct problem {
    ops_status code;
    const char *symbol; /* behind the plugin's id and a dot: "not_found"; static */
    const char *hint;   /* static; NULL: that of the code */
    uint64_t retry_after_ms;
    uint32_t retry;    /* OPS_RETRY_* */
    uint32_t effect;   /* OPS_EFFECT_* */
    int is_unchanged;  /* judge() knows that nothing was done, whatever the status */
    struct text words; /* the service's own, on one line */
    /* Made by this module. */
    int32_t status;
    ops_str message;
    int is_page; /* the body is a page for people: something else answered, or a proxy */
};

enum { PROBLEM_WORDS_BYTES = 400 };

/* Whether it is a page for people, as proxies and wrong addresses send. */
int problem_is_page(ops_str body);

/* Fails the task for an answer: what judge() says, else what its status says. */
void problem_fail_answer(struct service_call *call, const struct service_answer *answer,
                         struct problem *problem);

/* What the status alone says; `problem` is all zero. */
void problem_of_status(const struct service_answer *answer, struct problem *problem);

/* Fails the task for what on_problem() was given. */
void problem_fail(struct service_call *call, const struct problem *problem);

/* Fails the task for what came instead of an answer. */
void problem_fail_transport(struct service_call *call, const ops_error *err);

/* Fails the task for a good status whose body is no use; `what` follows the service's name. */
void problem_fail_body(struct service_call *call, const struct service_answer *answer,
                       const char *symbol, const char *what);

/* Fails the task for its config, before anything was sent; all texts are static. */
void problem_fail_config(struct service_call *call, const char *field, const char *what);

/* Appends at most `max` bytes of `text` to the words, on one line, ": " or ", " in front. */
void problem_add_words(struct problem *problem, ops_str text);

/* The value of a header, by its name in lower case; empty: it has none. */
ops_str problem_find_header(const ops_http_res *res, const char *name);

#endif
