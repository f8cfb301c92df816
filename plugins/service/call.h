/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SERVICE_CALL_H
#define PLUGINS_SERVICE_CALL_H

/*
 * Call: one task of a service's node, and the requests that it makes, one after the other.
 * Operations with steps of their own are written with it:
 *
 *     static void on_file(struct service_call *call, const struct service_answer *answer) { ... }
 *     static void execute(struct service_call *call)
 *     {
 *         call_send(call, &(struct call_request){.request = &get_file, .on_answer = on_file});
 *     }
 *
 * What is refused, cannot be read or does not come ends the task with the right error, unless the
 * operation has its own way with that; only good answers get to `on_answer`.
 *
 * Used by:  service, pages, marker, plugins for services of HTTP.
 * Uses:     service.h, problem.h.
 * Threads:  [strand]
 */

#include "opstream/sdk.h"
#include "service/etag.h"
#include "service/kept.h"
#include "service/problem.h"
#include "service/service.h"

/* An instance: what create() made of the settings. Nothing in it changes but `kept`. */
struct ops_node {
    const struct service *service;
    struct text base_url; /* without a slash at its end */
    ops_val token;        /* as its header has it, and not to be read; 0: none is set */
    struct kept *kept;    /* for the plugin's own use */
    void *own;            /* the plugin's, set by a create() of its own */
};

/* A good answer, or one that judge() looks at. Borrowed. */
struct service_answer {
    struct service_call *call;
    int32_t status;
    ops_val value;                  /* of the JSON; 0: the body was none */
    ops_str next;                   /* the query of the next page; empty: there is none */
    const struct etag_answer *kept; /* not NULL: nothing has changed, this is what was kept */
    const ops_http_res *res;
    ops_str url; /* as it was asked for */
};

typedef void (*service_answer_cb)(struct service_call *call, const struct service_answer *answer);
/* What would fail the task; `problem` and all in it lives as long as the task. */
typedef void (*service_problem_cb)(struct service_call *call, const struct problem *problem);

/* What to send; borrowed but for what the comments say. */
struct call_request {
    const struct service_request *request; /* static */
    ops_val body;                          /* 0: none */
    ops_str query;               /* not empty: instead of the one that `request` says, as it is */
    const char *subject;         /* what a 404 is about; static; NULL: that of the operation */
    ops_scope scope;             /* of the answer's value; 0: the task */
    const char *accept;          /* static; NULL: that of the service, and JSON */
    int32_t good_status;         /* one above 299 that is a good answer all the same; 0: none */
    int is_conditional;          /* send If-None-Match where an answer is kept */
    service_answer_cb on_answer; /* static */
    /* Comes instead of the failure, to be ended by problem_fail() or otherwise. NULL: it fails. */
    service_problem_cb on_problem;
};

enum { CALL_NEXT_BYTES = 2048, CALL_LAST_ITEMS = 128 };

/* In the task's memory. */
struct service_call {
    ops_node *node;
    const struct service_operation *operation;
    ops_task task;
    ops_val config;
    ops_str key; /* the step's idempotency key */
    uint32_t attempt;
    struct call_request out; /* that is under way; its borrowed parts are not looked at any more */
    char next[CALL_NEXT_BYTES]; /* the query of the page that comes next; "" for none */
    uint32_t pages;             /* fetched so far */
    ops_scope page;             /* of the values of the page in hand; 0: none */
    ops_val items;              /* of it */
    uint64_t at;                /* of them, the next to emit */
    int64_t seen;               /* items of the pages so far */
    int64_t count;              /* emitted so far */
    int64_t most;               /* to emit; 0: all; read once: what is read of the config lives
                                   as long as the task, and items may be many */
    uint64_t unchanged;         /* answers that were as before */
    struct etag_place place;    /* of the answer to what is under way, if it is conditional */
    ops_val credential;         /* that was made for the next request; 0: obtain one */
    int is_renewed;             /* the last answer refused a credential that was made */
    int is_found;               /* what was to be created is there already */
    char latest[40];
    int64_t last[CALL_LAST_ITEMS]; /* emitted: what is unique in them; a ring */
    void *user;                    /* the operation's own */
};

/* Sends; the answer, or the end of the task, comes later. */
void call_send(struct service_call *call, const struct call_request *request);

/*
 * Sends what is under way, once more or at last, with `credential`, a value of the task; 0: one is
 * obtained.
 */
void call_resume(struct service_call *call, ops_val credential);

/* 1: its service takes a credential that is made. */
int call_has_made_credential(const struct ops_node *node);

/* The body of the operation's request: fields of the config, computed ones, the mark. */
ops_status call_make_body(struct service_call *call, const struct service_request *request,
                          ops_val *out);

/* Does as the operation's tables say: its pages, its marker, or its one request. */
void call_begin(struct service_call *call);

/* Sends the operation's own request, and ends the task with its output. */
void call_act(struct service_call *call);

/* Ends the task well with what the operation's output table picks from `value`. */
void call_complete(struct service_call *call, ops_val value);

/* Notes the query of the next page; 0, and the task has ended: it is too long, or the same. */
int call_note_next(struct service_call *call, const struct service_answer *answer);

/* 1 when the same call once more does no harm. */
int call_is_repeatable(const struct service_call *call);

#endif
