/* SPDX-License-Identifier: Apache-2.0 */
#include "core/testkit/fake_http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/host/task_failure.h"
#include "core/testkit/testkit.h"

/* An answer with all that it points to in the arena. */
struct http_reply {
    ops_test_answer answer;
    struct str message;
    struct host_http_header *headers;
    size_t header_count;
};

struct http_rule {
    struct http_rule *next;
    const char *method; /* NULL: any */
    const char *url;
    bool is_prefix;
    uint64_t left; /* calls that it is for; 0: no more */
    bool is_endless;
    const struct http_reply *reply; /* NULL: left open */
};

struct http_call {
    ops_test_http_call shown; /* first */
    struct fake_http *http;
    host_http_done_cb done;
    void (*on_chunk)(void *user, struct str bytes);
    void *user;
    const struct http_reply *reply;
    struct host_alarm answer;  /* with the reply */
    struct host_alarm timeout; /* what the plugin gives it */
};

/* ---- Answers ---- */

static bool add_header(struct http_reply *reply, struct str line)
{
    const char *colon = line.n > 0 ? memchr(line.p, ':', line.n) : NULL;
    if (colon == NULL || colon == line.p) {
        return false;
    }
    size_t n = (size_t)(colon - line.p);
    reply->headers[reply->header_count++] = (struct host_http_header){
        str_make(line.p, n), str_trim(str_make(colon + 1, line.n - n - 1))};
    return true;
}

/* At least one. */
static size_t count_lines(struct str text)
{
    size_t count = 1;
    for (size_t i = 0; i < text.n; i++) {
        count += text.p[i] == '\n' ? 1 : 0;
    }
    return count;
}

/* False: a line is no header. */
static bool split_headers(struct http_reply *reply, struct str text)
{
    while (text.n > 0) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end != NULL ? (size_t)(end - text.p) : text.n;
        struct str line = str_trim(str_make(text.p, n));
        if (line.n > 0 && !add_header(reply, line)) {
            return false;
        }
        size_t taken = end != NULL ? n + 1 : n;
        text = str_make(text.p + taken, text.n - taken);
    }
    return true;
}

static bool answer_is_bad(const ops_test_answer *answer)
{
    bool is_failure = answer->code != OPS_OK;
    return (answer->status != 0) == is_failure || answer->effect > OPS_EFFECT_MAYBE ||
           answer->code < 0 || answer->code > OPS_E_BUDGET || answer->reserved0 != 0 ||
           (answer->status != 0 && (answer->status < 100 || answer->status > 999)) ||
           (answer->body.p == NULL && answer->body.n > 0);
}

static ops_status reply_create(struct fake_http *http, const ops_test_answer *answer,
                               const struct http_reply **out_reply)
{
    if (answer_is_bad(answer)) {
        return OPS_E_INPUT;
    }
    struct http_reply *reply = arena_calloc(&http->arena, 1, sizeof *reply);
    struct str headers = arena_dup_str(&http->arena, str_from(answer->headers));
    struct str body = arena_dup_str(&http->arena, str_make(answer->body.p, (size_t)answer->body.n));
    struct str message = arena_dup_str(
        &http->arena,
        str_from(answer->message != NULL ? answer->message : "the test wants this call to fail"));
    struct host_http_header *lines =
        arena_calloc(&http->arena, count_lines(headers), sizeof *lines);
    if (reply == NULL || headers.p == NULL || body.p == NULL || message.p == NULL ||
        lines == NULL) {
        return OPS_E_RESOURCE;
    }

    reply->answer = *answer;
    reply->answer.body = (ops_str){body.p, body.n};
    reply->message = message;
    reply->headers = lines;
    *out_reply = reply;
    return split_headers(reply, headers) ? OPS_OK : OPS_E_INPUT;
}

/* ---- The end of a call ---- */

static void call_close(struct http_call *call)
{
    test_clock_stop(&call->answer);
    test_clock_stop(&call->timeout);
    call->shown.is_open = 0;
    call->http->open--;
}

static void call_fail(struct http_call *call, const struct host_http_failure *failure)
{
    call_close(call);
    call->done(call->user, NULL, failure);
}

/* The test may cancel the task at a piece, which ends the call. */
static void call_send_body(const struct http_call *call, struct str body)
{
    uint64_t piece = call->reply->answer.piece_bytes;
    while (body.n > 0 && call->shown.is_open != 0) {
        size_t n = piece > 0 && piece < body.n ? (size_t)piece : body.n;
        call->on_chunk(call->user, str_make(body.p, n));
        body = str_make(body.p + n, body.n - n);
    }
}

static void call_respond(struct http_call *call)
{
    const struct http_reply *reply = call->reply;
    struct str body = str_make(reply->answer.body.p, (size_t)reply->answer.body.n);
    if (call->shown.max_body_bytes > 0 && body.n > call->shown.max_body_bytes) {
        call_fail(call, &(struct host_http_failure){
                            .code = "RESOURCE",
                            .symbol = "http.too_large",
                            .is_maybe_done = true,
                            .message = STR("the answer is larger than the plugin takes")});
        return;
    }
    if (call->on_chunk != NULL) {
        call_send_body(call, body);
    }
    if (call->shown.is_open == 0) {
        return;
    }
    call_close(call);
    const struct host_http_response response = {
        .status = reply->answer.status,
        .headers = reply->headers,
        .header_count = reply->header_count,
        .body = call->on_chunk != NULL ? str_make("", 0) : body,
        .effective_url = str_from(call->shown.url),
        .duration_ms = (double)reply->answer.late_ms,
        .body_bytes = body.n,
    };
    call->done(call->user, &response, NULL);
}

static void on_answer(struct host_alarm *alarm)
{
    struct http_call *call =
        (struct http_call *)((char *)alarm - offsetof(struct http_call, answer));
    const ops_test_answer *answer = &call->reply->answer;
    if (answer->code == OPS_OK) {
        call_respond(call);
        return;
    }
    call_fail(call, &(struct host_http_failure){.code = task_failure_code_name(answer->code),
                                                .symbol = "http.test",
                                                .is_maybe_done = answer->effect == OPS_EFFECT_MAYBE,
                                                .message = call->reply->message});
}

static void on_timeout(struct host_alarm *alarm)
{
    struct http_call *call =
        (struct http_call *)((char *)alarm - offsetof(struct http_call, timeout));
    call_fail(call, &(struct host_http_failure){.code = "TIMEOUT",
                                                .symbol = "http.timeout",
                                                .is_maybe_done = true,
                                                .message = STR("no answer came in time")});
}

static void table_abort(void *self, void *handle)
{
    struct http_call *call = handle;
    (void)self;
    call->shown.is_aborted = 1;
    call_fail(call, &(struct host_http_failure){.code = "CANCELLED",
                                                .symbol = "http.aborted",
                                                .message = STR("the call was aborted")});
}

static void call_answer(struct http_call *call, const struct http_reply *reply)
{
    struct ops_test_host *host = call->http->owner;
    uint64_t late_ms = reply->answer.late_ms + testkit_late_ms(host, FAULT_HTTP_SEND);
    call->reply = reply;
    call->answer.fire = on_answer;
    test_clock_start(&host->clock, &call->answer, late_ms);
}

/* ---- A call comes ---- */

static const char *keep(struct fake_http *http, struct str text)
{
    return arena_dup(&http->arena, text);
}

static bool keep_headers(struct fake_http *http, struct http_call *call,
                         const struct host_http_request *request)
{
    size_t n = request->header_count;
    const char **names = arena_calloc(&http->arena, 2 * n + 1, sizeof *names);
    bool is_kept = names != NULL;
    for (size_t i = 0; is_kept && i < n; i++) {
        names[i] = keep(http, request->headers[i].name);
        names[n + i] = keep(http, request->headers[i].value);
        is_kept = names[i] != NULL && names[n + i] != NULL;
    }
    call->shown.header_names = names;
    call->shown.header_values = is_kept ? names + n : NULL;
    call->shown.n_headers = n;
    return is_kept;
}

static struct http_call *call_create(struct fake_http *http,
                                     const struct host_http_request *request)
{
    struct http_call **calls =
        array_reserve((void *)http->calls, &http->cap, http->count + 1, sizeof *http->calls);
    if (calls == NULL) {
        return NULL;
    }
    http->calls = calls;
    struct http_call *call = arena_calloc(&http->arena, 1, sizeof *call);
    struct str body = arena_dup_str(&http->arena, request->body);
    if (call == NULL || body.p == NULL || !keep_headers(http, call, request)) {
        return NULL;
    }
    call->http = http;
    call->shown.task = request->token;
    call->shown.method = keep(http, request->method);
    call->shown.url = keep(http, request->url);
    call->shown.body = (ops_str){body.p, body.n};
    call->shown.timeout_ms = request->timeout_ms;
    call->shown.max_body_bytes = request->max_body_bytes;
    call->shown.has_chunks = request->on_chunk != NULL;
    call->shown.has_no_redirect = request->has_no_redirects;
    call->on_chunk = request->on_chunk;
    return call->shown.method != NULL && call->shown.url != NULL ? call : NULL;
}

static struct http_rule *find_rule(struct fake_http *http, const ops_test_http_call *call)
{
    for (struct http_rule *rule = http->first_rule; rule != NULL; rule = rule->next) {
        bool is_url = rule->is_prefix ? str_starts_with(str_from(call->url), str_from(rule->url))
                                      : strcmp(call->url, rule->url) == 0;
        bool is_method = rule->method == NULL || strcmp(call->method, rule->method) == 0;
        if (is_url && is_method && (rule->is_endless || rule->left > 0)) {
            return rule;
        }
    }
    return NULL;
}

static void complain(struct http_call *call, const char *why)
{
    struct strbuf text = STRBUF_INIT;
    strbuf_append_format(&text, "%s %s %s", call->shown.method, call->shown.url, why);
    testkit_complain(call->http->owner, OPS_TEST_UNEXPECTED, call->shown.task, COMPLAINT_FAULT,
                     text.p != NULL ? text.p : why);
    strbuf_finish(&text);
}

static void ask_handler(struct http_call *call)
{
    struct fake_http *http = call->http;
    ops_test_answer answer = {0};
    const struct http_reply *reply = NULL;
    int said = http->handler != NULL ? http->handler(http->handler_user, &call->shown, &answer)
                                     : -1;
    if (said == 0) {
        return;
    }
    if (said != 1) {
        complain(call, "is called, and no rule is for it");
        return;
    }
    ops_status status = reply_create(http, &answer, &reply);
    if (status == OPS_OK) {
        call_answer(call, reply);
    } else {
        complain(call, status == OPS_E_INPUT ? "is answered by the handler with what is no answer"
                                             : "cannot be answered: out of memory");
    }
}

static void call_begin(struct http_call *call)
{
    struct fake_http *http = call->http;
    struct http_rule *rule = find_rule(http, &call->shown);
    if (call->shown.timeout_ms > 0) {
        call->timeout.fire = on_timeout;
        test_clock_start(&http->owner->clock, &call->timeout, call->shown.timeout_ms);
    }
    if (rule == NULL) {
        ask_handler(call);
        return;
    }
    rule->left -= rule->is_endless ? 0 : 1;
    if (rule->reply != NULL) {
        call_answer(call, rule->reply);
    }
}

static int table_send(void *self, const struct host_http_request *request, host_http_done_cb done,
                      void *user, void **out_call, struct error *err)
{
    struct fake_http *http = self;
    bool is_http = str_starts_with(request->url, STR("http://")) ||
                   str_starts_with(request->url, STR("https://"));
    if (!is_http) {
        return error_set(err, E_INVALID, "'%.*s' is no URL with http or https",
                         STR_ARG(request->url));
    }
    struct http_call *call = call_create(http, request);
    if (call == NULL) {
        return error_nomem(err);
    }
    call->done = done;
    call->user = user;
    call->shown.is_open = 1;
    http->calls[http->count++] = call;
    http->open++;
    *out_call = call;
    call_begin(call);
    return 0;
}

/* ---- Life ---- */

void fake_http_init(struct fake_http *http, struct ops_test_host *owner)
{
    *http = (struct fake_http){.table = {http, table_send, table_abort}, .owner = owner};
    http->last_rule = &http->first_rule;
}

void fake_http_finish(struct fake_http *http)
{
    free((void *)http->calls);
    arena_finish(&http->arena);
}

/* ---- For tests: the contract is in opstream/test.h ---- */

ops_status ops_test_http_rule(ops_test_host *host, const char *method, const char *url,
                              uint64_t times, const ops_test_answer *answer)
{
    struct fake_http *http = &host->http;
    struct str text = str_from(url);
    bool is_prefix = str_ends_with(text, STR("*"));
    if (url == NULL) {
        return OPS_E_INPUT;
    }
    struct http_rule *rule = arena_calloc(&http->arena, 1, sizeof *rule);
    if (rule == NULL) {
        return OPS_E_RESOURCE;
    }

    rule->url = keep(http, str_make(text.p, is_prefix ? text.n - 1 : text.n));
    rule->method = method != NULL ? keep(http, str_from(method)) : NULL;
    rule->is_prefix = is_prefix;
    rule->left = times;
    rule->is_endless = times == 0;
    if (rule->url == NULL || (method != NULL && rule->method == NULL)) {
        return OPS_E_RESOURCE;
    }
    ops_status status = answer != NULL ? reply_create(http, answer, &rule->reply) : OPS_OK;
    if (status == OPS_OK) {
        *http->last_rule = rule;
        http->last_rule = &rule->next;
    }
    return status;
}

void ops_test_http_handle(ops_test_host *host, ops_test_http_handler handler, void *user)
{
    host->http.handler = handler;
    host->http.handler_user = user;
}

const ops_test_http_call *ops_test_http_call_at(const ops_test_host *host, uint64_t i)
{
    return i < host->http.count ? &host->http.calls[i]->shown : NULL;
}

ops_status ops_test_http_reply(ops_test_host *host, uint64_t i, const ops_test_answer *answer)
{
    struct fake_http *http = &host->http;
    const struct http_reply *reply = NULL;
    struct http_call *call = i < http->count ? http->calls[i] : NULL;
    if (call == NULL || call->shown.is_open == 0 || call->reply != NULL) {
        return OPS_E_STALE;
    }
    ops_status status = reply_create(http, answer, &reply);
    if (status == OPS_OK) {
        call_answer(call, reply);
    }
    return status;
}

const char *ops_test_http_header(const ops_test_http_call *call, const char *name)
{
    for (uint64_t i = 0; i < call->n_headers; i++) {
        if (strcasecmp(call->header_names[i], name) == 0) {
            return call->header_values[i];
        }
    }
    return NULL;
}
