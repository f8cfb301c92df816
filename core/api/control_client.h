/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_CONTROL_CLIENT_H
#define CORE_API_CONTROL_CLIENT_H

/*
 * Control client: talks to whoever listens at a control socket.
 *
 * On the loop of a running program: control_client_send() and control_client_follow(). For a
 * command that has one thing to ask: control_call() and control_follow(), which run a loop of
 * their own until they have the answer.
 *
 * Errors are for people: nobody listens, no permission, another version, what the server said.
 * Nothing is sent twice, but the request that follows events: it is resumed behind the last event
 * that came when the connection breaks, until nobody listens any more.
 *
 * Used by:  cli.
 * Uses:     event_stream.h, net, value, libuv.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/api/event_stream.h"
#include "core/base/error.h"
#include "core/base/str.h"

struct control_client;
struct control_feed;
struct document;
struct uv_loop_s;

struct control_request {
    struct str method;          /* empty: GET */
    struct str target;          /* "/api/v1/jobs?state=running", encoded */
    struct str body;            /* JSON text; empty: none */
    struct str idempotency_key; /* may be empty */
    uint64_t timeout_ms;        /* 0: 60 s; NET_NO_TIMEOUT */
};

struct control_answer {
    int status;                /* of HTTP; 0: there was no answer */
    struct document *document; /* the body, if it is JSON; else NULL */
    struct str body;           /* as it came */
    const struct error *error; /* NULL: the status is below 400 */
};

/* `answer` is borrowed for the call; document_ref() keeps its document. */
typedef void (*control_answer_cb)(void *user, const struct control_answer *answer);

/*
 * Nothing is opened yet. `loop` is kept until control_client_close() is done; `socket_path` is
 * borrowed. On success `*out_client` is owned: control_client_close().
 * Fails with E_INVALID (a path that is no socket's), E_NOT_FOUND (no such folder), E_NOMEM, E_IO.
 */
int control_client_create(struct uv_loop_s *loop, const char *socket_path,
                          struct control_client **out_client, struct error *err);

/* Ends all requests (E_CANCELED) and feeds, frees `client`, then calls `done` on the loop. NULL
 * calls `done` at once. */
void control_client_close(struct control_client *client, void (*done)(void *user), void *user);

/*
 * Asks. `request` is copied; `user` is kept until `on_answer` has run, which it does once if 0 is
 * returned, on the loop. Fails with E_NOMEM, E_NOT_FOUND (a module is missing), E_CANCELED.
 */
int control_client_send(struct control_client *client, const struct control_request *request,
                        control_answer_cb on_answer, void *user, struct error *err);

struct control_feed_options {
    struct str target;        /* of a text/event-stream */
    struct str last_event_id; /* where to go on; empty: at the beginning */
    /* May call control_feed_stop(). Never NULL. */
    void (*on_event)(void *user, const struct event *event);
    /*
     * The feed is over, and freed when this returns. `error` is NULL when the server ended the
     * stream: whoever waits for a certain last event looks whether it came. Never NULL.
     */
    void (*on_end)(void *user, const struct error *error);
    void *user; /* of both, kept until on_end */
};

/* Follows events. `*out_feed` (may be NULL) is borrowed until on_end. Fails as above. */
int control_client_follow(struct control_client *client, const struct control_feed_options *options,
                          struct control_feed **out_feed, struct error *err);

/* No more events; on_end comes with E_CANCELED. Again: nothing happens. */
void control_feed_stop(struct control_feed *feed);

/* What control_call() brings; owned: control_result_finish(). */
struct control_result {
    int status;                /* of HTTP; 0: there was no answer */
    struct document *document; /* NULL: the answer is no JSON */
    struct strbuf text;        /* then it is here */
};

void control_result_finish(struct control_result *result);

/*
 * Asks and waits. Returns 0, or the code of what went wrong: E_NOT_FOUND when nobody listens
 * (`out_result->status` is 0 then), the server is ending (503 `stopped`) or knows no such thing
 * (404), E_CONFLICT (409), E_LIMIT, E_TIMEOUT, E_INVALID (no permission, other 4xx), E_VERSION,
 * E_IO, E_NOMEM. `*out_result` is always set and to be finished; with a status, its document says
 * more about the error than `err`.
 */
int control_call(const char *socket_path, const struct control_request *request,
                 struct control_result *out_result, struct error *err);

/*
 * Follows events and waits until the stream ends (0), or control_feed_stop() was called with the
 * feed that `on_begin` (may be NULL) gave (0 as well), or it fails as above. `options->on_end` is
 * not called.
 */
int control_follow(const char *socket_path, const struct control_feed_options *options,
                   void (*on_begin)(void *user, struct control_feed *feed), struct error *err);

#endif
