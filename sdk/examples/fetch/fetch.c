/* SPDX-License-Identifier: Apache-2.0 */

/* An asynchronous node: execute() starts a call and returns; the answer ends the task. */

#include "opstream/sdk.h"

/* The remote says that it is its fault, or that we come too often: worth another try. */
static ops_status code_of(int32_t status)
{
    if (status == 404) {
        return OPS_E_NOT_FOUND;
    }
    if (status == 429) {
        return OPS_E_RATE_LIMITED;
    }
    return status == 502 || status == 503 ? OPS_E_UNAVAILABLE : OPS_E_UPSTREAM;
}

static void complete_with(ops_task task, const ops_http_res *res)
{
    struct ops_map out = ops_map_begin(task);
    ops_val body = 0;
    ops_error problem = ops_error_make(OPS_OK, NULL);
    ops_status status = ops.value->from_json(ops.h, task, res->body, &body, &problem);
    if (status != OPS_OK) {
        problem.code = OPS_E_UPSTREAM;
        problem.hint = ops_text("the answer is no JSON");
        (void)ops.exec->fail(ops.h, task, &problem);
        return;
    }

    ops_map_i64(&out, "status", res->status);
    ops_map_val(&out, "body", body);
    ops_complete_map(task, &out);
}

/* Comes exactly once for each send(), also when the task is cancelled. */
static void on_done(void *user, ops_task task, const ops_http_res *res, const ops_error *err)
{
    (void)user;
    if (err != NULL) {
        (void)ops.exec->fail(ops.h, task, err);
    } else if (res->status >= 300) {
        ops_error failure = ops_error_make(code_of(res->status), "the server refuses");
        failure.upstream_status = res->status;
        (void)ops.exec->fail(ops.h, task, &failure);
    } else {
        complete_with(task, res);
    }
}

static void fetch_execute(ops_node *node, ops_task task, ops_val config)
{
    ops_http_req req;
    ops_status status;

    (void)node;
    memset(&req, 0, sizeof req);
    req.size = (uint32_t)sizeof req;
    req.url = ops_get_str(config, "url", NULL);
    req.on_done = on_done;
    status = ops.http->send(ops.h, task, &req, NULL);
    if (status != OPS_OK) {
        ops_fail_text(task, status, "the call could not be started");
    }
}

static const ops_node_type fetch = OPS_NODE("fetch", OPS_NODE_PARALLEL, fetch_execute);

OPS_PLUGIN("fetch", "1.0.0", &fetch);
