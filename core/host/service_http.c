/* SPDX-License-Identifier: Apache-2.0 */

/* ops.http over `struct host_http`. The contract is in opstream/http.h. */

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/host/http.h"
#include "core/host/op.h"
#include "core/host/runtime.h"
#include "core/host/scope.h"
#include "core/host/start_failure.h"
#include "core/host/task.h"
#include "core/host/task_failure.h"
#include "core/value/value.h"

enum {
    REQUEST_SIZE_MAX = 65536,
    KNOWN_FLAGS = OPS_HTTP_NO_REDIRECT | OPS_HTTP_IDEMPOTENCY_KEY,
};

/* The answer as the plugin sees it. */
struct http_answer {
    bool is_failure;
    union {
        ops_http_res response;
        ops_error failure; /* is_failure */
    };
    size_t header_count; /* of the response; 0 for a failure */
    ops_str *names;      /* header_count names, then as many values; owned */
    char *block;         /* owned copies of texts, or NULL while they are borrowed */
};

struct http_op {
    struct op op; /* first */
    struct host_http_request request;
    struct strbuf texts; /* of the request */
    struct host_http_header *headers;
    ops_http_done done;
    void (*on_chunk)(void *user, ops_task task, ops_str bytes);
    void *user;
    void *call; /* of host_http; NULL: none under way, or aborted already */
    struct http_answer answer;
    bool hides_url; /* the plugin may not read where it goes */
};

/* ---- The request: copied into one buffer, offsets first, because it moves while it grows ---- */

static struct str text_add(struct strbuf *texts, ops_str s)
{
    struct str offset = {(const char *)(uintptr_t)texts->n, (size_t)s.n};
    strbuf_append(texts, s.p, (size_t)s.n);
    return offset;
}

static void text_fix(const struct strbuf *texts, struct str *s)
{
    s->p = texts->p != NULL ? texts->p + (uintptr_t)s->p : "";
}

static bool headers_are_bad(const ops_http_req *req)
{
    if (req->n_headers > OPS_HTTP_HEADERS_MOST ||
        (req->n_headers > 0 && (req->header_names == NULL || req->header_values == NULL))) {
        return true;
    }
    for (uint64_t i = 0; i < req->n_headers; i++) {
        if (ops_bytes_are_bad(req->header_names[i]) || ops_bytes_are_bad(req->header_values[i])) {
            return true;
        }
    }
    return false;
}

/* A text that is given by a handle, or as `text` when that is 0. */
static ops_status add_text(struct http_op *http, ops_val v, ops_str text, struct str *out)
{
    struct plugin *plugin = http->op.task->plugin;
    struct scope *scope = NULL;
    struct scope_value value;
    if (v == 0) {
        *out = text_add(&http->texts, text);
        return OPS_OK;
    }
    if (!value_acquire(plugin, v, &value, &scope)) {
        return OPS_E_STALE;
    }
    bool is_text = value_is(value.value, VALUE_STRING);
    if (is_text) {
        *out = text_add(&http->texts, ops_from_str(value_str(value.value)));
    }
    scope_release(plugin, scope);
    return is_text ? OPS_OK : OPS_E_INTERNAL;
}

static ops_status add_headers(struct http_op *http, const ops_http_req *req)
{
    ops_status status = OPS_OK;
    for (size_t i = 0; i < req->n_headers && status == OPS_OK; i++) {
        ops_val v = req->header_vals != NULL ? req->header_vals[i] : 0;
        http->headers[i].name = text_add(&http->texts, req->header_names[i]);
        status = add_text(http, v, req->header_values[i], &http->headers[i].value);
    }
    http->request.header_count = (size_t)req->n_headers;
    return status;
}

static void add_key_header(struct http_op *http, ops_str label)
{
    struct host_http_header *header = &http->headers[http->request.header_count++];
    header->name = text_add(&http->texts, ops_from_str(STR("Idempotency-Key")));
    header->value = text_add(&http->texts, http->op.task->info.idempotency_key);
    if (label.n > 0) {
        strbuf_append_char(&http->texts, '.');
        strbuf_append(&http->texts, label.p, (size_t)label.n);
        header->value.n += 1 + (size_t)label.n;
    }
}

static void request_fix(struct http_op *http)
{
    struct host_http_request *request = &http->request;
    text_fix(&http->texts, &request->method);
    text_fix(&http->texts, &request->url);
    text_fix(&http->texts, &request->body);
    for (size_t i = 0; i < request->header_count; i++) {
        text_fix(&http->texts, &http->headers[i].name);
        text_fix(&http->texts, &http->headers[i].value);
    }
    request->headers = http->headers;
}

/* OPS_E_RESOURCE, and what a handle of a header is wrong with. */
static ops_status request_copy(struct http_op *http, const ops_http_req *req)
{
    static const ops_str get = {"GET", 3};
    struct host_http_request *request = &http->request;
    struct strbuf *texts = &http->texts;
    http->headers = calloc((size_t)req->n_headers + 1, sizeof *http->headers);
    if (http->headers == NULL) {
        return OPS_E_RESOURCE;
    }

    request->method = text_add(texts, req->method.n > 0 ? req->method : get);
    request->body = text_add(texts, req->body);
    ops_status status = add_text(http, req->url_val, req->url, &request->url);
    if (status == OPS_OK) {
        status = add_headers(http, req);
    }
    if (status != OPS_OK) {
        return status;
    }
    if ((req->flags & OPS_HTTP_IDEMPOTENCY_KEY) != 0) {
        add_key_header(http, req->label);
    }
    if (strbuf_status(texts) != 0) {
        return OPS_E_RESOURCE;
    }

    request_fix(http);
    request->timeout_ms = req->timeout_ms;
    request->connect_timeout_ms = req->connect_timeout_ms;
    request->max_body_bytes = req->max_body_bytes;
    request->has_no_redirects = (req->flags & OPS_HTTP_NO_REDIRECT) != 0;
    return OPS_OK;
}

/* ---- The answer ---- */

static void call_done(struct op *op)
{
    struct http_op *http = (struct http_op *)op;
    const struct http_answer *answer = &http->answer;
    http->done(http->user, op_task(op), answer->is_failure ? NULL : &answer->response,
               answer->is_failure ? &answer->failure : NULL);
}

static void call_cancelled(struct op *op)
{
    struct http_op *http = (struct http_op *)op;
    http->answer.is_failure = true;
    http->answer.failure = (ops_error){
        .size = sizeof(ops_error),
        .code = OPS_E_CANCELLED,
        .message = ops_from_str(STR("the call was cancelled")),
    };
    call_done(op);
}

static ops_str *header_name(const struct http_answer *answer, size_t i)
{
    return &answer->names[i];
}

static ops_str *header_value(const struct http_answer *answer, size_t i)
{
    return &answer->names[answer->header_count + i];
}

/* Moves `s` to `*to` and behind it. */
static void move_text(char **to, ops_str *s)
{
    if (s->n > 0) {
        memcpy(*to, s->p, (size_t)s->n);
    }
    s->p = *to;
    *to += s->n;
}

/* Owns all texts, because the call comes later. Fails with E_NOMEM. */
static int answer_keep(struct http_answer *answer)
{
    ops_str *const of_response[] = {&answer->response.body, &answer->response.effective_url,
                                    &answer->response.tls_subject, &answer->response.tls_issuer};
    ops_str *const of_failure[] = {&answer->failure.message, &answer->failure.hint};
    ops_str *const *fixed = answer->is_failure ? of_failure : of_response;
    size_t fixed_count = answer->is_failure ? sizeof of_failure / sizeof of_failure[0]
                                            : sizeof of_response / sizeof of_response[0];
    size_t total = 1;
    for (size_t i = 0; i < fixed_count; i++) {
        total += (size_t)fixed[i]->n;
    }
    for (size_t i = 0; i < 2 * answer->header_count; i++) {
        total += (size_t)answer->names[i].n;
    }
    answer->block = malloc(total);
    if (answer->block == NULL) {
        return E_NOMEM;
    }

    char *to = answer->block;
    for (size_t i = 0; i < fixed_count; i++) {
        move_text(&to, fixed[i]);
    }
    for (size_t i = 0; i < 2 * answer->header_count; i++) {
        move_text(&to, &answer->names[i]);
    }
    return 0;
}

static int answer_set_response(struct http_answer *answer, const struct host_http_response *from)
{
    size_t n = from->header_count;
    answer->response = (ops_http_res){
        .size = sizeof(ops_http_res),
        .status = from->status,
        .n_headers = n,
        .body = ops_from_str(from->body),
        .effective_url = ops_from_str(from->effective_url),
        .duration_ms = from->duration_ms,
        .tls_not_after_unix_ms = from->tls_not_after_unix * 1000,
        .body_bytes = from->body_bytes,
        .connect_ms = from->connect_ms,
        .first_byte_ms = from->first_byte_ms,
        .tls_subject = ops_from_str(from->tls_subject),
        .tls_issuer = ops_from_str(from->tls_issuer),
    };
    answer->names = calloc(2 * n + 1, sizeof *answer->names);
    if (answer->names == NULL) {
        answer->response.n_headers = 0;
        return E_NOMEM;
    }

    answer->header_count = n;
    for (size_t i = 0; i < n; i++) {
        *header_name(answer, i) = ops_from_str(from->headers[i].name);
        *header_value(answer, i) = ops_from_str(from->headers[i].value);
    }
    answer->response.header_names = answer->names;
    answer->response.header_values = answer->names + n;
    return 0;
}

static void answer_set_failure(struct http_answer *answer, const struct host_http_failure *from)
{
    answer->is_failure = true;
    answer->failure = (ops_error){
        .size = sizeof(ops_error),
        .code = task_failure_code_from_name(from->code),
        .effect = from->is_maybe_done ? OPS_EFFECT_MAYBE : OPS_EFFECT_NONE,
        .symbol = ops_from_str(str_from(from->symbol)),
        .message = ops_from_str(from->message),
        .hint = ops_from_str(from->hint),
    };
}

static void on_done(void *user, const struct host_http_response *response,
                    const struct host_http_failure *failure)
{
    struct http_op *http = user;
    struct http_answer *answer = &http->answer;
    int status = 0;
    http->call = NULL;
    if (http->op.is_dropped) {
        op_finish(&http->op, NULL);
        return;
    }

    if (response != NULL) {
        status = answer_set_response(answer, response);
        if (http->hides_url) {
            answer->response.effective_url = (ops_str){"", 0};
        }
    } else {
        answer_set_failure(answer, failure);
    }
    if (status == 0 && !op_is_direct(&http->op)) {
        status = answer_keep(answer);
    }
    if (status != 0) {
        task_fail_nomem(http->op.task);
    }
    op_finish(&http->op, call_done);
}

static void call_chunk(struct op *op, struct str bytes)
{
    struct http_op *http = (struct http_op *)op;
    http->on_chunk(http->user, op_task(op), ops_from_str(bytes));
}

static void on_chunk(void *user, struct str bytes)
{
    struct http_op *http = user;
    op_invoke(&http->op, call_chunk, bytes);
}

/* ---- The operation ---- */

static void http_start(struct op *op)
{
    struct http_op *http = (struct http_op *)op;
    const struct host_http *service = op->host->http;
    struct error error = {0};
    http->request.on_chunk = http->on_chunk != NULL ? on_chunk : NULL;
    http->request.token = op->task->token;
    int status = service->send(service->self, &http->request, on_done, http, &http->call, &error);
    if (status == 0) {
        return;
    }

    const char *code = start_failure_name(status);
    struct host_http_failure failure = {
        .code = code != NULL ? code : "INPUT",
        .symbol = "http.request",
        .message = str_from(error.message),
    };
    on_done(http, NULL, &failure);
}

static void http_abort(struct op *op, enum op_abort how)
{
    struct http_op *http = (struct http_op *)op;
    const struct host_http *service = op->host->http;
    (void)how;
    void *call = take_pointer(&http->call);
    if (call != NULL) {
        service->abort(service->self, call);
    }
}

static void http_destroy(struct op *op)
{
    struct http_op *http = (struct http_op *)op;
    if (http->texts.p != NULL) {
        explicit_bzero(http->texts.p, http->texts.cap); /* headers have secrets */
    }
    strbuf_finish(&http->texts);
    free(http->headers);
    free(http->answer.names);
    free(http->answer.block);
    free(http);
}

static const struct op_type http_type = {
    .name = "http", .start = http_start, .abort = http_abort, .destroy = http_destroy};

/* What the plugin gave, as far as both sides know it. */
static ops_status read_request(const ops_http_req *req, ops_http_req *out)
{
    const uint32_t size_min = offsetof(ops_http_req, user) + sizeof out->user;
    if (req == NULL || req->size < size_min || req->size > REQUEST_SIZE_MAX) {
        return OPS_E_INTERNAL;
    }

    *out = (ops_http_req){0};
    memcpy(out, req, req->size < sizeof *out ? req->size : sizeof *out);
    bool is_bad = out->on_done == NULL || ops_str_is_bad(out->method) || ops_str_is_bad(out->url) ||
                  ops_bytes_are_bad(out->body) || ops_str_is_bad(out->label) ||
                  headers_are_bad(out);
    if (is_bad) {
        return OPS_E_INTERNAL;
    }
    return (out->flags & ~(uint32_t)KNOWN_FLAGS) != 0 ? OPS_E_UNSUPPORTED : OPS_OK;
}

static ops_status service_send(void *h, ops_task task, const ops_http_req *req, ops_op *out)
{
    ops_http_req known;
    ops_status status = read_request(req, &known);
    if (status != OPS_OK) {
        return status;
    }
    struct http_op *http = calloc(1, sizeof *http);
    if (http == NULL) {
        return OPS_E_RESOURCE;
    }
    status = op_init(&http->op, &http_type, h, task);
    if (status != OPS_OK) {
        free(http);
        return status;
    }

    http->hides_url = known.url_val != 0 && !http->op.task->plugin->reads_secrets;
    http->done = known.on_done;
    http->on_chunk = known.on_chunk;
    http->user = known.user;
    status = request_copy(http, &known);
    if (status != OPS_OK) {
        op_discard(&http->op);
        return status;
    }
    return op_submit(&http->op, call_cancelled, out);
}

static ops_status service_abort(void *h, ops_op op)
{
    return op_request_abort(h, op, &http_type);
}

const ops_if_http service_http = {
    .size = sizeof(ops_if_http),
    .version = 1,
    .send = service_send,
    .abort = service_abort,
};
