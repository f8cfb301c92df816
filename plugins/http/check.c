/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <stdio.h>

#include "service/text.h"

static int is_there(int32_t status)
{
    return (status > 0 && status < 500) || status == 501;
}

static void complete(ops_task task, const ops_http_res *res)
{
    struct ops_map out = ops_map_begin(task);
    ops_map_i64(&out, "status", res->status);
    ops_complete_map(task, &out);
}

static void fail_status(ops_task task, const ops_http_res *res)
{
    char message[64];
    ops_error e = ops_error_make(OPS_E_UNAVAILABLE, NULL);
    (void)snprintf(message, sizeof message, "it answered HEAD / with %d", (int)res->status);
    e.message = ops_text(message);
    e.symbol = ops_text("http.unavailable");
    e.upstream_status = res->status;
    (void)ops.exec->fail(ops.h, task, &e); /* STALE: it has ended already */
}

static void on_done(void *user, ops_task task, const ops_http_res *res, const ops_error *err)
{
    (void)user;
    if (res == NULL) {
        (void)ops.exec->fail(ops.h, task, err); /* STALE: it has ended already */
    } else if (is_there(res->status)) {
        complete(task, res);
    } else {
        fail_status(task, res);
    }
}

void check_origin(ops_node *node, ops_task task, ops_str origin)
{
    struct text url = {NULL, 0, 0, 0};
    ops_http_req req = {0};
    (void)node;
    text_append_str(&url, origin);
    text_append_literal(&url, "/");
    req.size = (uint32_t)sizeof req;
    req.flags = OPS_HTTP_NO_REDIRECT;
    req.method = ops_text("HEAD");
    req.url = text_str(&url);
    req.on_done = on_done;
    ops_status status = url.failed ? OPS_E_RESOURCE : ops.http->send(ops.h, task, &req, NULL);
    if (status != OPS_OK) {
        ops_fail_text(task, status, "the call cannot be started");
    }
    text_finish(&url);
}
