/* SPDX-License-Identifier: Apache-2.0 */
#include "service/service.h"

#include <stdio.h>
#include <stdlib.h>

#include "service/call.h"

/* ---- Instances ---- */

/* Secrets never stand in an address: it is shown. */
static const char *fault_of_url(ops_str url)
{
    int has_scheme = (url.n > 7 && memcmp(url.p, "http://", 7) == 0) ||
                     (url.n > 8 && memcmp(url.p, "https://", 8) == 0);
    if (!has_scheme) {
        return "'base_url' must begin with http:// or https://";
    }
    for (uint64_t i = 0; i < url.n; i++) {
        unsigned char c = (unsigned char)url.p[i];
        if (c <= ' ' || c == '?' || c == '#' || c == '@' || c == 0x7F) {
            return "'base_url' must have no user, query, fragment or white space";
        }
    }
    return NULL;
}

static ops_node *node_create(const struct service *service, ops_str url)
{
    ops_node *node = calloc(1, sizeof *node);
    if (node == NULL) {
        return NULL;
    }
    node->service = service;
    node->kept = kept_create();
    text_append_str(&node->base_url, url);
    if (node->kept == NULL || node->base_url.failed) {
        service_destroy(node);
        return NULL;
    }
    return node;
}

ops_status service_create(const struct service *service, ops_scope scope, ops_val settings,
                          ops_node **out, ops_error *err)
{
    ops_str url = ops_get_str(settings, "base_url", service->base_url);
    ops_val token =
        pick_find(settings, service->token_path != NULL ? service->token_path : "token");
    const char *fault = fault_of_url(url);
    if (fault != NULL) {
        return ops_error_fill(err, OPS_E_CONFIG, fault);
    }
    while (url.p[url.n - 1] == '/') {
        url.n--;
    }
    ops_node *node = node_create(service, url);
    if (node != NULL && token != 0) {
        node->token = ops_with_prefix(scope, service->auth_prefix, token);
    }
    if (node == NULL || (token != 0 && node->token == 0)) {
        service_destroy(node);
        return ops_error_fill(err, OPS_E_RESOURCE, "out of memory");
    }
    *out = node;
    return OPS_OK;
}

void service_destroy(ops_node *node)
{
    if (node == NULL) {
        return;
    }
    text_finish(&node->base_url);
    kept_destroy(node->kept);
    free(node);
}

/* ---- Tasks ---- */

static const struct service_operation *find_operation(const struct service *service, ops_str type)
{
    const struct service_operation *operation = service->operations;
    while (operation->type != NULL && !ops_equal(type, operation->type)) {
        operation++;
    }
    return operation->type != NULL ? operation : NULL;
}

void service_start(ops_node *node, ops_task task, const struct service_operation *operation,
                   ops_val config)
{
    ops_task_info info = {.size = sizeof info};
    struct service_call *call = ops_task_alloc(task, sizeof *call);
    if (call == NULL) {
        return;
    }
    (void)ops.exec->info(ops.h, task, &info);
    call->node = node;
    call->operation = operation;
    call->task = task;
    call->config = config;
    call->key = info.idempotency_key;
    call->attempt = info.attempt;
    if (operation->execute != NULL) {
        operation->execute(call);
    } else {
        call_begin(call);
    }
}

void service_execute(ops_node *node, ops_task task, ops_val config)
{
    ops_task_info info = {.size = sizeof info};
    (void)ops.exec->info(ops.h, task, &info);
    const struct service_operation *operation = find_operation(node->service, info.type);
    if (operation == NULL) {
        ops_fail_text(task, OPS_E_INTERNAL, "no operation has the name of this node type");
        return;
    }
    service_start(node, task, operation, config);
}

/* ---- Checks ---- */

/* What the service says where it refuses with a good status; empty: it does not. */
static ops_str find_refusal(const struct service *service, ops_task task, const ops_http_res *res)
{
    ops_val value = 0;
    ops_str none = {NULL, 0};
    int is_read = service->check_error != NULL &&
                  ops.value->from_json(ops.h, task, res->body, &value, NULL) == OPS_OK;
    return is_read ? pick_str(value, service->check_error) : none;
}

static void on_checked(void *user, ops_task task, const ops_http_res *res, const ops_error *err)
{
    const ops_node *node = user;
    struct text message = {NULL, 0, 0, 0};
    if (res == NULL) {
        (void)ops.exec->fail(ops.h, task, err); /* STALE: it has ended already */
        return;
    }
    ops_str refusal = find_refusal(node->service, task, res);
    int is_refused = res->status == 401 || refusal.n > 0;
    if (!is_refused && res->status < 500) {
        struct ops_map out = ops_map_begin(task);
        ops_map_i64(&out, "status", res->status);
        ops_complete_map(task, &out);
        return;
    }
    char number[16];
    (void)snprintf(number, sizeof number, "%d", (int)res->status);
    text_append_literal(&message,
                        is_refused ? "it refuses the token of integrations." : node->service->name);
    text_append_literal(&message, is_refused ? node->service->id : " answered the check with ");
    text_append_literal(&message, is_refused ? " (" : "");
    text_append_line(&message, refusal.n > 0 ? refusal : ops_text(number), 64);
    text_append_literal(&message, is_refused ? ")" : "");
    ops_error e = ops_error_make(is_refused ? OPS_E_AUTH : OPS_E_UNAVAILABLE, "");
    e.message = message.failed ? ops_text("the check failed") : text_str(&message);
    e.upstream_status = res->status;
    (void)ops.exec->fail(ops.h, task, &e); /* as above */
    text_finish(&message);
}

static void send_check(ops_node *node, ops_task task, ops_val credential)
{
    const struct service *service = node->service;
    struct text url = {NULL, 0, 0, 0};
    const ops_str names[] = {ops_text(service->auth_header)};
    const ops_str values[] = {{NULL, 0}};
    int is_made = call_has_made_credential(node);
    const ops_val vals[] = {credential};
    ops_http_req req = {0};
    text_append_str(&url, text_str(&node->base_url));
    text_append_literal(&url, is_made ? service->credential->check_path : service->check_path);
    req.size = (uint32_t)sizeof req;
    req.flags = OPS_HTTP_NO_REDIRECT;
    req.url = text_str(&url);
    req.header_names = names;
    req.header_values = values;
    req.header_vals = vals;
    req.n_headers = vals[0] != 0;
    req.on_done = on_checked;
    req.user = node;
    ops_status status = url.failed ? OPS_E_RESOURCE : ops.http->send(ops.h, task, &req, NULL);
    if (status != OPS_OK) {
        ops_fail_text(task, status, "the call cannot be started");
    }
    text_finish(&url);
}

void service_check(ops_node *node, ops_task task, ops_str origin)
{
    (void)origin; /* that of the settings, which the node knows */
    if (call_has_made_credential(node)) {
        node->service->credential->check(node, task, send_check);
    } else {
        send_check(node, task, node->token);
    }
}
