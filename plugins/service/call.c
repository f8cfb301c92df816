/* SPDX-License-Identifier: Apache-2.0 */
#include "service/call.h"

#include <stdio.h>

#include "service/link.h"
#include "service/marker.h"
#include "service/pages.h"
#include "service/status.h"
#include "service/url.h"

enum { CALL_HEADERS = 16 };

int call_is_repeatable(const struct service_call *call)
{
    const struct service_operation *operation = call->operation;
    return (operation->flags & SERVICE_REPEATABLE) != 0 || operation->marker != NULL ||
           status_is_idempotent(ops_text(operation->request.method));
}

int call_has_made_credential(const struct ops_node *node)
{
    const struct service_credential *credential = node->service->credential;
    return credential != NULL && credential->is_used(node);
}

/* ---- In ---- */

/* Not OPS_OK: it should be JSON and is none. */
static ops_status read_value(const struct service_call *call, const ops_http_res *res, ops_val *out,
                             ops_error *err)
{
    ops_scope scope = call->out.scope != 0 ? call->out.scope : call->task;
    return res->body.n > 0 ? ops.value->from_json(ops.h, scope, res->body, out, err) : OPS_OK;
}

static int is_good(const struct service_call *call, int32_t status)
{
    return (status >= 200 && status < 300) || (status != 0 && status == call->out.good_status);
}

static void fail_json(struct service_call *call, const struct service_answer *answer,
                      const ops_error *why, ops_status status)
{
    struct text what = {NULL, 0, 0, 0};
    text_append_literal(&what, status == OPS_E_RESOURCE
                                   ? " answered more than can be kept"
                                   : " answered JSON that is broken, or cut off: ");
    text_append_line(&what, status == OPS_E_RESOURCE ? ops_text("") : why->message, 200);
    text_append(&what, "", 1);
    problem_fail_body(call, answer, "bad_body", what.failed ? " answered no JSON" : what.p);
    text_finish(&what);
}

/* The query of the next page. */
static ops_str read_next(const struct service_call *call, const struct service_answer *answer)
{
    const struct service_pages *pages = call->operation->pages;
    int is_inside = pages != NULL && pages->next != NULL;
    return link_query(is_inside ? pick_str(answer->value, pages->next)
                                : link_find(problem_find_header(answer->res, "link"), "next"));
}

/* Judged, then read. */
static void take_answer(struct service_call *call, const ops_http_res *res, ops_str url)
{
    const struct service *service = call->node->service;
    struct problem problem = {.code = OPS_OK};
    ops_error why = ops_error_make(OPS_OK, NULL);
    struct service_answer answer = {
        .call = call,
        .status = res->status,
        .res = res,
        .url = url,
    };
    int is_raw = call->out.accept != NULL && is_good(call, res->status);
    ops_status status = is_raw ? OPS_OK : read_value(call, res, &answer.value, &why);
    if (service->judge != NULL && service->judge(&answer, &problem)) {
        problem_fail_answer(call, &answer, &problem);
        return;
    }
    if (!is_good(call, res->status)) {
        problem_of_status(&answer, &problem);
        problem_fail_answer(call, &answer, &problem);
        return;
    }
    if (status != OPS_OK) {
        fail_json(call, &answer, &why, status);
        return;
    }
    answer.next = read_next(call, &answer);
    call->out.on_answer(call, &answer);
}

static void take_unchanged(struct service_call *call, const ops_http_res *res, ops_str url)
{
    const struct etag_answer *kept = &call->place.answer;
    ops_scope scope = call->out.scope != 0 ? call->out.scope : call->task;
    struct service_answer answer = {.call = call,
                                    .status = res->status,
                                    .next = kept->next,
                                    .kept = kept,
                                    .res = res,
                                    .url = url};
    ops_status status = ops.value->from_json(ops.h, scope, kept->body, &answer.value, NULL);
    if (status != OPS_OK) {
        ops_fail_text(call->task, status, "what was kept of the answer cannot be read");
        return;
    }
    call->unchanged++;
    call->out.on_answer(call, &answer);
}

static int append_url(struct service_call *call, const struct call_request *request,
                      struct text *out, struct url_fault *fault)
{
    return url_append(out, text_str(&call->node->base_url), request->request, call->config,
                      request->query, fault);
}

/* What was noted of the request is as good as the request. */
static struct call_request read_noted(const struct service_call *call)
{
    struct call_request request = call->out;
    request.query = ops_text(call->next);
    return request;
}

static void on_done(void *user, ops_task task, const ops_http_res *res, const ops_error *err)
{
    struct service_call *call = user;
    struct text url = {NULL, 0, 0, 0};
    struct url_fault fault = {"", NULL};
    (void)task;
    if (res == NULL) {
        problem_fail_transport(call, err);
        return;
    }
    if (res->status == 401 && call_has_made_credential(call->node) && !call->is_renewed) {
        call->is_renewed = 1;
        call->node->service->credential->drop(call->node);
        call_resume(call, 0);
        return;
    }
    call->is_renewed = 0;

    const struct call_request again = read_noted(call);
    (void)append_url(call, &again, &url, &fault); /* it was made before */
    if (res->status == 304 && call->out.is_conditional && call->place.answer.etag.n > 0) {
        take_unchanged(call, res, text_str(&url));
    } else {
        take_answer(call, res, text_str(&url));
    }
    text_finish(&url);
}

/* ---- Out ---- */

struct headers {
    ops_str names[CALL_HEADERS];
    ops_str values[CALL_HEADERS];
    ops_val vals[CALL_HEADERS]; /* where one is not 0, instead of the text */
    uint64_t n;
};

static void add_header(struct headers *headers, const char *name, ops_str value)
{
    if (headers->n < CALL_HEADERS) {
        headers->names[headers->n] = ops_text(name);
        headers->values[headers->n] = value;
        headers->n++;
    }
}

static void add_headers(const struct service_call *call, const struct call_request *request,
                        ops_str etag, struct headers *out)
{
    const struct service *service = call->node->service;
    int has_accept = 0;
    for (size_t i = 0; service->headers != NULL && service->headers[i].name != NULL; i++) {
        int is_accept = text_equal_nocase(ops_text(service->headers[i].name), "accept");
        if (!is_accept || request->accept == NULL) {
            add_header(out, service->headers[i].name, ops_text(service->headers[i].value));
        }
        has_accept = has_accept || is_accept;
    }
    if (request->accept != NULL || !has_accept) {
        add_header(out, "Accept",
                   ops_text(request->accept != NULL ? request->accept : "application/json"));
    }
    if (request->body != 0) {
        add_header(out, "Content-Type", ops_text("application/json"));
    }
    ops_val credential = call_has_made_credential(call->node) ? call->credential
                                                              : call->node->token;
    if (credential != 0 && out->n < CALL_HEADERS) {
        out->vals[out->n] = credential;
        add_header(out, service->auth_header, ops_text(""));
    }
    if (etag.n > 0) {
        add_header(out, "If-None-Match", etag);
    }
}

static ops_status send(struct service_call *call, const struct call_request *request, ops_str url)
{
    ops_str etag = request->is_conditional ? call->place.answer.etag : ops_text(NULL);
    struct headers headers = {.n = 0};
    ops_http_req req = {0};
    ops_str body = {NULL, 0};
    ops_status status = request->body != 0 ? ops.value->to_json(ops.h, request->body, &body)
                                           : OPS_OK;
    if (status != OPS_OK) {
        return status;
    }
    add_headers(call, request, etag, &headers);
    req.size = (uint32_t)sizeof req;
    req.method = ops_text(request->request->method);
    req.url = url;
    req.header_names = headers.names;
    req.header_values = headers.values;
    req.header_vals = headers.vals;
    req.n_headers = headers.n;
    req.body = body;
    req.max_body_bytes = call->node->service->max_body_bytes;
    req.on_done = on_done;
    req.user = call;
    return ops.http->send(ops.h, call->task, &req, NULL);
}

static void start(struct service_call *call, const struct call_request *request, ops_str url)
{
    ops_status status = send(call, request, url);
    if (status != OPS_OK) {
        ops_fail_text(call->task, status, "the call cannot be started");
    }
    call->credential = 0;
}

static void on_looked(struct service_call *call)
{
    const struct call_request request = read_noted(call);
    struct text url = {NULL, 0, 0, 0};
    struct url_fault fault = {"", NULL};
    (void)append_url(call, &request, &url, &fault); /* it was made before */
    start(call, &request, text_str(&url));
    text_finish(&url);
}

void call_send(struct service_call *call, const struct call_request *request)
{
    struct text url = {NULL, 0, 0, 0};
    struct url_fault fault = {"", NULL};
    call->out = *request;
    if (request->query.p != call->next) { /* else it is there already */
        (void)snprintf(call->next, sizeof call->next, "%.*s", (int)request->query.n,
                       request->query.n > 0 ? request->query.p : "");
    }
    if (!append_url(call, request, &url, &fault)) {
        problem_fail_config(call, fault.field, fault.what);
    } else if (call->credential == 0 && call_has_made_credential(call->node)) {
        call->node->service->credential->obtain(call);
    } else if (request->is_conditional) {
        etag_find(call, text_str(&url), on_looked);
    } else {
        start(call, request, text_str(&url));
    }
    text_finish(&url);
}

void call_resume(struct service_call *call, ops_val credential)
{
    call->credential = credential;
    const struct call_request request = read_noted(call);
    call_send(call, &request);
}

int call_note_next(struct service_call *call, const struct service_answer *answer)
{
    if (answer->next.n >= sizeof call->next) {
        problem_fail_body(call, answer, "bad_link",
                          " names a next page by a link that is too long");
        return 0;
    }
    if (answer->next.n > 0 && ops_equal(answer->next, call->next)) {
        problem_fail_body(call, answer, "bad_link", " names as the next page the one that it gave");
        return 0;
    }
    if (answer->next.n > 0) {
        memcpy(call->next, answer->next.p, (size_t)answer->next.n);
    }
    call->next[answer->next.n] = '\0';
    return 1;
}

/* ---- The usual way ---- */

ops_status call_make_body(struct service_call *call, const struct service_request *request,
                          ops_val *out)
{
    struct ops_map body = ops_map_begin(call->task);
    for (size_t i = 0; request->body != NULL && request->body[i] != NULL; i++) {
        struct url_name name = url_read_name(request->body[i]);
        ops_val v = url_find(call->config, name.field);
        if (v != 0 && body.n < OPS_MAP_MEMBERS) {
            body.keys[body.n] = name.sent;
            body.values[body.n] = v;
            body.n++;
        }
    }
    if (call->operation->add_body != NULL) {
        call->operation->add_body(call, &body);
    }
    if (call->operation->marker != NULL) {
        marker_add(call, &body);
    }
    return ops_map_end(&body, out);
}

void call_complete(struct service_call *call, ops_val value)
{
    struct ops_map out = ops_map_begin(call->task);
    pick_add(&out, value, call->operation->output);
    if (call->operation->marker != NULL) {
        ops_map_bool(&out, "created", !call->is_found);
    }
    ops_complete_map(call->task, &out);
}

/* What stands first in an output is always there: else it is an answer to something else. */
static int is_usable(const struct service_call *call, ops_val value)
{
    const struct pick *first = call->operation->output;
    uint32_t type =
        ops.value->type(ops.h, pick_find(value, first->path != NULL ? first->path : first->name));
    return type != OPS_TYPE_NONE && type != OPS_TYPE_NULL;
}

static void complete_kept(struct service_call *call)
{
    call_complete(call, call->items);
}

static void on_acted(struct service_call *call, const struct service_answer *answer)
{
    int is_any = (call->operation->flags & SERVICE_MAY_BE_EMPTY) != 0;
    if (!is_any && !is_usable(call, answer->value)) {
        problem_fail_body(call, answer, "bad_body", " answered something else than is expected");
        return;
    }
    ops_str json = {NULL, 0};
    call->items = answer->value;
    if (call->out.is_conditional && answer->kept == NULL &&
        ops.value->to_json(ops.h, answer->value, &json) == OPS_OK) {
        etag_put(call, answer, json, complete_kept);
    } else {
        complete_kept(call);
    }
}

void call_begin(struct service_call *call)
{
    if (call->operation->pages != NULL) {
        pages_start(call);
    } else if (call->operation->marker != NULL && marker_is_due(call)) {
        marker_look(call);
    } else {
        call_act(call);
    }
}

void call_act(struct service_call *call)
{
    const struct service_request *request = &call->operation->request;
    struct call_request out = {.request = request, .on_answer = on_acted};
    int has_body = request->body != NULL || call->operation->add_body != NULL;
    ops_status status = has_body ? call_make_body(call, request, &out.body) : OPS_OK;
    if (status != OPS_OK) {
        ops_fail_text(call->task, status, "the body of the request could not be made");
        return;
    }
    out.is_conditional = (call->operation->flags & SERVICE_CONDITIONAL) != 0;
    call_send(call, &out);
}
