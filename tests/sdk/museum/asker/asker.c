/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A plugin for the museum: its check() asks the service of its settings, with the key of its
 * settings, and is told the origin of that; its node does the same.
 */

#include "opstream/sdk.h"

struct ops_node {
    ops_str url;
    ops_val key; /* "Key ..." */
};

static ops_status asker_create(ops_plugin *plugin, ops_scope scope, ops_val settings,
                               ops_node **out, ops_error *err)
{
    void *node = NULL;
    (void)plugin;
    if (ops.value->alloc(ops.h, scope, sizeof(ops_node), &node) != OPS_OK) {
        return ops_error_fill(err, OPS_E_RESOURCE, "out of memory");
    }
    *out = node;
    (*out)->url = ops_get_str(settings, "url", "");
    (*out)->key = ops_with_prefix(scope, "Key ", ops_get(settings, "key"));
    return (*out)->key != 0 ? OPS_OK : ops_error_fill(err, OPS_E_RESOURCE, "out of memory");
}

static void on_done(void *user, ops_task task, const ops_http_res *res, const ops_error *err)
{
    (void)user;
    if (err != NULL) {
        (void)ops.exec->fail(ops.h, task, err);
    } else if (res->status >= 300) {
        ops_error failure = ops_error_make(OPS_E_UPSTREAM, "the service refuses");
        failure.upstream_status = res->status;
        (void)ops.exec->fail(ops.h, task, &failure);
    } else {
        struct ops_map out = ops_map_begin(task);
        ops_map_bool(&out, "is_there", 1);
        ops_complete_map(task, &out);
    }
}

static void ask(const ops_node *node, ops_task task)
{
    const ops_str names[] = {ops_text("Authorization")};
    const ops_str values[] = {{NULL, 0}};
    ops_http_req req;
    memset(&req, 0, sizeof req);
    req.size = (uint32_t)sizeof req;
    req.method = ops_text("GET");
    req.url = node->url;
    req.header_names = names;
    req.header_values = values;
    req.header_vals = &node->key;
    req.n_headers = 1;
    req.on_done = on_done;
    ops_status status = ops.http->send(ops.h, task, &req, NULL);
    if (status != OPS_OK) {
        ops_fail_text(task, status, "the call cannot be started");
    }
}

static void asker_execute(ops_node *node, ops_task task, ops_val config)
{
    (void)config;
    ask(node, task);
}

/* The origin is that of the URL, with its port. */
static void asker_check(ops_node *node, ops_task task, ops_str origin)
{
    if (origin.n == 0 || origin.n > node->url.n || memcmp(origin.p, node->url.p, origin.n) != 0) {
        ops_fail_text(task, OPS_E_INTERNAL, "the origin is another one");
        return;
    }
    ask(node, task);
}

static const ops_node_type asker = {(uint32_t)sizeof(ops_node_type),
                                    OPS_NODE_PARALLEL,
                                    "asker",
                                    1u,
                                    0u,
                                    asker_create,
                                    asker_execute,
                                    NULL,
                                    NULL,
                                    asker_check};
OPS_PLUGIN("asker", "1.0.0", &asker);
