/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "instance.h"

static void on_done(void *user, ops_task task, const ops_http_res *res, const ops_error *err)
{
    (void)user;
    if (res == NULL) {
        (void)ops.exec->fail(ops.h, task, err); /* STALE: it has ended already */
    } else if (res->status >= 500) {
        ops_fail_format(task, OPS_E_UNAVAILABLE, "asked for its models it answered %d",
                        (int)res->status);
    } else {
        struct ops_map out = ops_map_begin(task);
        ops_map_i64(&out, "status", res->status);
        ops_complete_map(task, &out);
    }
}

void check_service(ops_node *node, ops_task task, ops_str origin)
{
    struct text url = {NULL, 0, 0, 0};
    struct instance_headers headers = {0};
    ops_http_req req = {0};
    (void)origin; /* the settings say where */
    text_append_str(&url, text_str(&node->base_url));
    text_append_literal(&url, node->provider->list_path);
    req.size = (uint32_t)sizeof req;
    req.flags = OPS_HTTP_NO_REDIRECT;
    req.url = text_str(&url);
    instance_set_headers(node, &headers, &req);
    req.on_done = on_done;
    ops_status status = url.failed ? OPS_E_RESOURCE : ops.http->send(ops.h, task, &req, NULL);
    if (status != OPS_OK) {
        ops_fail_text(task, status, "the call cannot be started");
    }
    text_finish(&url);
}
