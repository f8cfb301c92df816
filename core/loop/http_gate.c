/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/http_gate.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/engine/dispatch.h"
#include "core/engine/engine.h"
#include "core/host/http.h"
#include "core/host/mail.h"
#include "core/host/start_failure.h"
#include "core/loop/commit.h"
#include "core/loop/health_checks.h"
#include "core/loop/loop_state.h"
#include "core/loop/mail_bridge.h"
#include "core/loop/run_driver.h"
#include "core/loop/run_tasks.h"
#include "core/policy/rate_words.h"

/* Who waits longer finds a line about it in the log of the node. */
enum { WAIT_WORTH_A_LINE_MS = 1000 };

enum call_state {
    CALL_WAITS,   /* for the engine */
    CALL_GRANTED, /* for the disk */
    CALL_OUT,
    CALL_OVER,
};

/* From send() until `done` has run and the disk has no more to say of it. */
struct gated_call {
    struct dispatch_ticket ticket;
    struct loop *loop;
    struct loop_task *task; /* until the call is over; NULL: the call is of a health check */
    struct host_http_request request;
    void (*on_chunk)(void *user, struct str bytes);
    host_http_done_cb done;
    const struct host_mail_request *mail; /* not NULL: a mail; `request` has URL and token alone */
    host_mail_done_cb mail_done;
    void *user;
    void *inner; /* of the bridge, when it is out */
    enum call_state state;
    bool is_in_send;
    bool is_paused; /* the time of its node stands still */
    int send_status;
    struct error *send_error;
};

/* ---- what an answer says of the limits ---- */

static struct str find_header(const struct host_http_response *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++) {
        struct str found = response->headers[i].name;
        if (str_equal_caseless(found, str_from(name))) {
            return str_trim(response->headers[i].value);
        }
    }
    return STR("");
}

static struct engine_call_end read_end(const struct host_http_response *response, int64_t now)
{
    struct str words[RATE_WORDS];
    if (response == NULL) {
        return (struct engine_call_end){0};
    }
    for (int i = 0; i < RATE_WORDS; i++) {
        words[i] = find_header(response, rate_word_names[i]);
    }
    struct rate_said said = rate_words_read(words, response->status, now);
    return (struct engine_call_end){.frozen_until = said.frozen_until,
                                    .has_remaining = said.has_remaining,
                                    .remaining = said.remaining,
                                    .reset_at = said.reset_at,
                                    .resource = said.resource};
}

/* ---- the end ---- */

static void end_pause(struct gated_call *call)
{
    if (call->is_paused) {
        call->is_paused = false;
        run_tasks_end_pause(call->task);
    }
}

/* The permits go back, and others may go. */
static void release(struct gated_call *call, const struct host_http_response *response)
{
    struct loop *loop = call->loop;
    struct error err = {0};
    int64_t now = clock_unix_ms();
    struct engine_call_end end = read_end(response, now);
    struct commit *commit = commit_create(loop);
    end_pause(call);
    call->state = CALL_OVER;
    if (commit == NULL) {
        return; /* the loop stops */
    }
    if (engine_end_call(loop->engine, &call->ticket, &end, now, &commit->batch, &err) == 0) {
        run_driver_submit(commit);
        return;
    }
    commit_destroy(commit);
    run_driver_fail(loop, &err);
}

static void on_inner_done(void *user, const struct host_http_response *response,
                          const struct host_http_failure *failure)
{
    struct gated_call *call = user;
    release(call, response);
    call->done(call->user, response, failure);
    free(call);
}

static void on_inner_chunk(void *user, struct str bytes)
{
    const struct gated_call *call = user;
    call->on_chunk(call->user, bytes);
}

static void on_inner_sent(void *user, const struct host_mail_result *result,
                          const struct host_mail_failure *failure)
{
    struct gated_call *call = user;
    release(call, NULL);
    call->mail_done(call->user, result, failure);
    free(call);
}

/* Why a call does not go out, as HTTP and as mail. */
enum refused { REFUSED_REQUEST, REFUSED_LIMITS, REFUSED_CANCELLED };

static void fail(struct gated_call *call, enum refused why, const char *code, const char *message)
{
    static const char *const symbols[][2] = {
        [REFUSED_REQUEST] = {"http.request", "mail.request"},
        [REFUSED_LIMITS] = {"http.limits", "mail.limits"},
        [REFUSED_CANCELLED] = {"http.cancelled", "mail.cancelled"},
    };
    const struct host_http_failure failure = {
        .code = code, .symbol = symbols[why][0], .message = str_from(message)};
    const struct host_mail_failure unsent = {
        .code = code, .symbol = symbols[why][1], .message = str_from(message)};
    if (call->task == NULL) {
        health_checks_skip(call->request.token); /* it did not go out */
    }
    release(call, NULL);
    if (call->mail != NULL) {
        call->mail_done(call->user, NULL, &unsent);
    } else {
        call->done(call->user, NULL, &failure);
    }
}

/* ---- out ---- */

static int give_out(struct gated_call *call, struct error *err)
{
    const struct host_http *http = &call->loop->http_out;
    const struct host_mail *mail = &call->loop->mail_out;
    if (call->mail != NULL) {
        return mail->send(mail->self, call->mail, on_inner_sent, call, &call->inner, err);
    }
    return http->send(http->self, &call->request, on_inner_done, call, &call->inner, err);
}

/* What fails at once is said by send(), if it still is to return. */
static void send_out(struct gated_call *call)
{
    struct error own = {0};
    struct error *err = call->is_in_send ? call->send_error : &own;
    end_pause(call);
    int status = give_out(call, err);
    const char *code = start_failure_name(status);
    call->state = CALL_OUT;
    if (status != 0 && call->is_in_send) {
        call->send_status = status;
    } else if (status != 0) {
        fail(call, REFUSED_REQUEST, code != NULL ? code : "INPUT", own.message);
        free(call);
    }
}

static void on_saved(void *user, int status)
{
    struct gated_call *call = user;
    if (call->state == CALL_OVER) { /* it was given up meanwhile */
        free(call);
    } else if (status != 0 && call->is_in_send) {
        call->send_status = status;
    } else if (status == 0) {
        send_out(call);
    } else {
        fail(call, REFUSED_LIMITS, "RESOURCE", "the limits of the service could not be saved");
        free(call);
    }
}

void http_gate_let_go(struct loop *loop, struct commit *commit)
{
    struct dispatch_ticket *ticket = NULL;
    while ((ticket = engine_next_call(loop->engine)) != NULL) {
        struct gated_call *call = ticket->owner;
        call->state = CALL_GRANTED;
        if (commit->batch.scope_count == 0 && loop->scope_writes == 0) {
            send_out(call);
        } else {
            commit_add_ack(commit, on_saved, call);
        }
    }
}

/* ---- in ---- */

static void begin_pause(struct gated_call *call)
{
    struct engine_call_wait wait;
    call->is_paused = true;
    run_tasks_begin_pause(call->task);
    if (!engine_call_waits(&call->ticket, &wait) ||
        wait.next_at - clock_unix_ms() < WAIT_WORTH_A_LINE_MS) {
        return;
    }
    struct strbuf line = STRBUF_INIT;
    char until[CLOCK_TEXT_SIZE];
    clock_format_rfc3339(wait.next_at, until);
    strbuf_append_format(&line, "a call waits for the rate limit of '%.*s': the next may go at %s",
                         STR_ARG(wait.key), until);
    run_tasks_log(call->task, LOG_LEVEL_INFO, strbuf_str(&line));
    strbuf_finish(&line);
}

/* Asks the engine; what it admits goes out at once, if nothing has to be saved. */
static int ask(struct gated_call *call, struct error *err)
{
    struct loop *loop = call->loop;
    struct commit *commit = commit_create(loop);
    if (commit == NULL) {
        return error_nomem(err);
    }
    int status = engine_want_call(loop->engine, &call->ticket, call->request.url, clock_unix_ms(),
                                  &commit->batch, err);
    if (status != 0) {
        commit_destroy(commit);
        return status;
    }
    run_driver_submit(commit);
    return call->send_status;
}

/* In whose name the call is made. A check has no task, only a node whose limits it keeps. */
static int find_place(uint64_t token, struct loop_task **out_task, struct run_place *out_place,
                      struct error *err)
{
    if (!health_checks_own(token)) {
        *out_task = run_tasks_of(token);
        *out_place = run_tasks_place(*out_task);
        return 0;
    }
    *out_task = NULL;
    return health_checks_place(token, out_place)
               ? 0
               : error_set(err, E_CANCELED, "no run wants to know any more");
}

bool http_gate_find_node(uint64_t token, const struct pipeline **out_pipeline, uint32_t *out_node)
{
    struct run_place place = {0};
    struct loop_task *task = NULL;
    if (find_place(token, &task, &place, NULL) != 0) {
        return false;
    }
    *out_pipeline = run_pipeline(place.run);
    *out_node = place.node;
    return true;
}

/* What has been asked for: a check does not wait for a turn. */
static int settle(struct gated_call *call, struct error *err)
{
    if (call->task != NULL && call->state != CALL_OUT) { /* it waits for its turn, or the disk */
        begin_pause(call);
    }
    if (call->task == NULL && call->state == CALL_WAITS) {
        health_checks_skip(call->request.token);
        return error_set(err, E_LIMIT, "the limits of the service let no call go now");
    }
    return 0;
}

/* Takes a copy of `like`, which says what is to go out. */
static int begin(const struct gated_call *like, void **out_call, struct error *err)
{
    struct run_place place = {0};
    struct loop_task *task = NULL;
    int status = find_place(like->request.token, &task, &place, err);
    struct gated_call *call = status == 0 ? calloc(1, sizeof(*call)) : NULL;
    if (call == NULL) {
        return status != 0 ? status : error_nomem(err);
    }
    *call = *like;
    call->task = task;
    call->is_in_send = true;
    call->send_error = err;
    call->ticket = (struct dispatch_ticket){
        .owner = call, .run = place.run, .frame = place.frame, .node = place.node};
    status = ask(call, err);
    call->is_in_send = false;
    call->send_error = NULL;
    status = status == 0 ? settle(call, err) : status;
    if (status != 0) {
        release(call, NULL);
        free(call);
        return status;
    }
    *out_call = call;
    return 0;
}

static int gate_send(void *self, const struct host_http_request *request, host_http_done_cb done,
                     void *user, void **out_call, struct error *err)
{
    struct gated_call call = {.loop = self,
                              .request = *request,
                              .on_chunk = request->on_chunk,
                              .done = done,
                              .user = user};
    call.request.on_chunk = request->on_chunk != NULL ? on_inner_chunk : NULL;
    return begin(&call, out_call, err);
}

static int gate_send_mail(void *self, const struct host_mail_request *mail, host_mail_done_cb done,
                          void *user, void **out_call, struct error *err)
{
    const struct gated_call call = {.loop = self,
                                    .request = {.url = mail->url, .token = mail->token},
                                    .mail = mail,
                                    .mail_done = done,
                                    .user = user};
    return begin(&call, out_call, err);
}

static void abort_out(const struct gated_call *call)
{
    const struct host_http *http = &call->loop->http_out;
    const struct host_mail *mail = &call->loop->mail_out;
    if (call->mail != NULL) {
        mail->abort(mail->self, call->inner);
    } else {
        http->abort(http->self, call->inner);
    }
}

static void gate_abort(void *self, void *aborted)
{
    struct gated_call *call = aborted;
    (void)self; /* a call knows its loop */
    if (call->state == CALL_OUT) {
        abort_out(call);
        return;
    }
    bool is_awaited = call->state == CALL_GRANTED; /* by its write */
    fail(call, REFUSED_CANCELLED, "CANCELLED", "the call was cancelled");
    if (!is_awaited) {
        free(call);
    }
}

void http_gate_init(struct loop *loop)
{
    http_bridge_init(&loop->http_out, &loop->bridge);
    mail_bridge_init(&loop->mail_out, &loop->bridge);
    loop->http = (struct host_http){.self = loop, .send = gate_send, .abort = gate_abort};
    loop->mail = (struct host_mail){.self = loop, .send = gate_send_mail, .abort = gate_abort};
}
