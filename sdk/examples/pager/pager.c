/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A channel of one's own for notifications: a node type whose config has `title`, `text` and
 * `severity` gets these from what a run tells. The address and the key are settings of the plugin;
 * the key is a secret, which passes through here as a handle.
 */

#include "opstream/sdk.h"

/* One for each digest of settings; it lives as long as they do. */
struct ops_node {
    ops_str url;
    ops_val key; /* "Key ..." */
};

static ops_status pager_create(ops_plugin *plugin, ops_scope scope, ops_val settings,
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
        ops_error failure = ops_error_make(OPS_E_UPSTREAM, "the pager refuses");
        failure.upstream_status = res->status;
        failure.effect = res->status >= 500 ? OPS_EFFECT_MAYBE : OPS_EFFECT_NONE;
        (void)ops.exec->fail(ops.h, task, &failure);
    } else {
        struct ops_map out = ops_map_begin(task);
        ops_map_bool(&out, "paged", 1);
        ops_complete_map(task, &out);
    }
}

/* The config as it is: the pager takes title, text and severity. */
static void pager_execute(ops_node *node, ops_task task, ops_val config)
{
    const ops_str names[] = {ops_text("Authorization"), ops_text("Content-Type")};
    const ops_str values[] = {{NULL, 0}, ops_text("application/json")};
    const ops_val vals[] = {node->key, 0};
    ops_str body = {NULL, 0};
    ops_http_req req;
    ops_status status = ops.value->to_json(ops.h, config, &body);

    memset(&req, 0, sizeof req);
    req.size = (uint32_t)sizeof req;
    req.flags = OPS_HTTP_IDEMPOTENCY_KEY; /* who is paged again after a crash is paged once */
    req.method = ops_text("POST");
    req.url = node->url;
    req.header_names = names;
    req.header_values = values;
    req.header_vals = vals;
    req.n_headers = 2;
    req.body = body;
    req.on_done = on_done;
    if (status == OPS_OK) {
        status = ops.http->send(ops.h, task, &req, NULL);
    }
    if (status != OPS_OK) {
        ops_fail_text(task, status, "the call cannot be started");
    }
}

static const ops_node_type page = {
    .size = (uint32_t)sizeof(ops_node_type),
    .flags = OPS_NODE_PARALLEL | OPS_NODE_IDEMPOTENT,
    .name = "pager.page",
    .config_version = 1,
    .create = pager_create,
    .execute = pager_execute,
};

OPS_PLUGIN("pager", "1.0.0", &page);
