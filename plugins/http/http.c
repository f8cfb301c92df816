/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The node type `http`: one call of ops.http. request.c makes it from the config, answer.c makes
 * output or error from what came back.
 *
 * Nothing is kept in between: the config lives until the task ends, so the call carries its handle
 * and reads it again. A task that ends early therefore leaves nothing behind. check.c asks whether
 * a service is there.
 */

#include <stdlib.h>

#include "answer.h"
#include "check.h"
#include "opstream/sdk.h"
#include "request.h"

_Static_assert(sizeof(void *) >= sizeof(ops_val), "a handle travels as the call's user pointer");

static void on_done(void *user, ops_task task, const ops_http_res *res, const ops_error *err)
{
    ops_val config = (ops_val)(uintptr_t)user;
    if (res != NULL) {
        answer_end(task, config, res);
    } else {
        answer_fail(task, config, err);
    }
}

static void fail_config(ops_task task, const struct request *request)
{
    ops_error e = ops_error_make(OPS_E_CONFIG, request->problem);
    e.path = ops_text(request->path);
    e.symbol = ops_text("http.config");
    (void)ops.exec->fail(ops.h, task, &e); /* STALE: it has ended already */
}

static void send(ops_task task, ops_val config, const struct request *request)
{
    ops_http_req req = {0};
    req.size = (uint32_t)sizeof req;
    req.flags = ops_get_bool(config, "follow_redirects", 1) ? 0 : OPS_HTTP_NO_REDIRECT;
    if (request_has_key(config) && !request_has_own_key(config)) {
        req.flags |= OPS_HTTP_IDEMPOTENCY_KEY;
    }
    req.method = ops_text(request->method);
    req.url = text_str(&request->url);
    req.header_names = request->names;
    req.header_values = request->values;
    req.header_vals = request->vals;
    req.n_headers = request->n_headers;
    req.body = text_str(&request->body);
    req.timeout_ms = request->timeout_ms;
    req.connect_timeout_ms = request->connect_timeout_ms;
    req.max_body_bytes = (uint64_t)ops_get_i64(config, "max_response_bytes", 0);
    req.on_done = on_done;
    req.user = (void *)(uintptr_t)config;
    ops_status status = ops.http->send(ops.h, task, &req, NULL);
    if (status != OPS_OK) {
        ops_fail_text(task, status, "the call cannot be started");
    }
}

static void http_execute(ops_node *node, ops_task task, ops_val config)
{
    (void)node;
    struct request *request = calloc(1, sizeof *request);
    if (request == NULL) {
        ops_fail_text(task, OPS_E_RESOURCE, "out of memory");
        return;
    }
    if (request_read(request, task, config)) {
        send(task, config, request);
    } else {
        fail_config(task, request);
    }
    request_finish(request);
    free(request);
}

static const ops_node_type http_type =
    OPS_NODE_WITH_CHECK("http", OPS_NODE_PARALLEL, http_execute, NULL, check_origin);

OPS_PLUGIN("http", "1.0.0", &http_type);
