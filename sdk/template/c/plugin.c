/* SPDX-License-Identifier: Apache-2.0 */

/* @ID@: two node types to begin with. Take out the one that you do not need. */

#include "opstream/sdk.h"

/* ---- @ID@.greet: a function from the config to the output ---- */

static void greet_execute(ops_node *node, ops_task task, ops_val config)
{
    char text[200 * 4 + 16]; /* maxLength counts characters, each of 4 bytes at most */
    ops_str name = ops_get_str(config, "name", "world");
    struct ops_map out = ops_map_begin(task);

    (void)node; /* there is no create(), so there is no node */
    (void)snprintf(text, sizeof text, "hello, %.*s", (int)name.n, name.p);
    ops_map_text(&out, "greeting", text);
    ops_complete_map(task, &out);
}

/* ---- @ID@.fetch: begins a call and returns; the answer ends the task ---- */

/* The codes decide whether the step is tried again: see opstream/abi.h. */
static ops_status code_of(int32_t status)
{
    if (status == 401 || status == 403) {
        return OPS_E_AUTH;
    }
    if (status == 404) {
        return OPS_E_NOT_FOUND;
    }
    if (status == 429) {
        return OPS_E_RATE_LIMITED;
    }
    return status == 502 || status == 503 ? OPS_E_UNAVAILABLE : OPS_E_UPSTREAM;
}

static void refuse(ops_task task, const ops_http_res *res)
{
    ops_error failure = ops_error_make(code_of(res->status), "the server refuses");
    failure.upstream_status = res->status;
    (void)ops.exec->fail(ops.h, task, &failure);
}

static void take(ops_task task, const ops_http_res *res)
{
    struct ops_map out = ops_map_begin(task);
    ops_error problem = ops_error_make(OPS_OK, NULL);
    ops_val body = 0;
    ops_status status = ops.value->from_json(ops.h, task, res->body, &body, &problem);
    if (status != OPS_OK) {
        problem.code = status == OPS_E_INPUT ? OPS_E_UPSTREAM : status;
        problem.hint = ops_text("the answer is no JSON");
        (void)ops.exec->fail(ops.h, task, &problem);
        return;
    }

    ops_map_i64(&out, "status", res->status);
    ops_map_val(&out, "body", body);
    ops_complete_map(task, &out);
}

/* Comes exactly once for each send(), also when the task is cancelled: `err` says so then. */
static void on_answer(void *user, ops_task task, const ops_http_res *res, const ops_error *err)
{
    (void)user;
    if (err != NULL) {
        (void)ops.exec->fail(ops.h, task, err);
    } else if (res->status >= 300) {
        refuse(task, res);
    } else {
        take(task, res);
    }
}

static void fetch_execute(ops_node *node, ops_task task, ops_val config)
{
    ops_str name = ops_text("Authorization");
    ops_str text = ops_text(NULL);
    ops_val token = ops_get(config, "token");
    ops_val header = 0;
    ops_http_req req;
    ops_status status;

    (void)node;
    memset(&req, 0, sizeof req);
    req.size = (uint32_t)sizeof req;
    req.url = ops_get_str(config, "url", NULL);
    req.on_done = on_answer;
    if (token != 0) {
        /* The token may be made of a secret: the host puts it in, this code never sees it. */
        header = ops_with_prefix(task, "Bearer ", token);
        if (header == 0) {
            ops_fail_text(task, OPS_E_RESOURCE, "no memory for the token");
            return;
        }
        req.header_names = &name;
        req.header_values = &text;
        req.header_vals = &header;
        req.n_headers = 1;
    }
    status = ops.http->send(ops.h, task, &req, NULL);
    if (status != OPS_OK) {
        ops_fail_text(task, status, "the call could not be started");
    }
}

/* ---- The plugin ---- */

static const ops_node_type greet = OPS_NODE("@ID@.greet", OPS_NODE_PARALLEL, greet_execute);
static const ops_node_type fetch = OPS_NODE("@ID@.fetch", OPS_NODE_PARALLEL, fetch_execute);

OPS_PLUGIN("@ID@", "1.0.0", &greet, &fetch);
