/* SPDX-License-Identifier: Apache-2.0 */

/* A plugin for tests: keeps and finds by ops.kv what its config says, and calls it badly. */

#include <stdlib.h>
#include <string.h>

#include "opstream/sdk.h"

static void on_done(void *user, ops_task task, ops_status status, const ops_kv_entry *entry)
{
    struct ops_map out = ops_map_begin(task);
    (void)user;
    ops_map_i64(&out, "status", status);
    if (entry != NULL) {
        ops_map_i64(&out, "bytes", (int64_t)entry->value.n);
        ops_map_str(&out, "value",
                    ops_slice(entry->value.p, entry->value.n < 64 ? entry->value.n : 64));
        ops_map_i64(&out, "version", (int64_t)entry->version);
        ops_map_bool(&out, "expires", entry->expires_unix_ms > 0);
    }
    ops_complete_map(task, &out);
}

static ops_kv_req request_of(ops_val config)
{
    ops_kv_req req;
    memset(&req, 0, sizeof req);
    req.size = (uint32_t)sizeof req;
    req.key = ops_get_str(config, "key", NULL);
    req.value = ops_get_str(config, "value", NULL);
    req.version = (uint64_t)ops_get_i64(config, "version", 0);
    req.ttl_ms = (uint64_t)ops_get_i64(config, "ttl_ms", 0);
    req.flags = ops_get_bool(config, "if_absent", 0) ? OPS_KV_IF_ABSENT : 0;
    req.flags |= ops_get(config, "version") != 0 ? OPS_KV_IF_VERSION : 0;
    req.done = on_done;
    return req;
}

static void end_if_refused(ops_task task, ops_status status)
{
    if (status != OPS_OK) {
        ops_fail_text(task, status, "it was refused");
    }
}

static void get_execute(ops_node *node, ops_task task, ops_val config)
{
    ops_str key = ops_get_str(config, "key", NULL);
    (void)node;
    end_if_refused(task, ops_kv_get(task, key, on_done, NULL));
}

static void put_execute(ops_node *node, ops_task task, ops_val config)
{
    ops_kv_req req = request_of(config);
    uint64_t big = (uint64_t)ops_get_i64(config, "big", 0);
    char *bytes = calloc(1, big + 1);
    (void)node;
    if (bytes == NULL) {
        ops_fail_text(task, OPS_E_RESOURCE, "out of memory");
        return;
    }
    if (big > 0) {
        req.value = ops_slice(bytes, big);
    }
    end_if_refused(task, ops.kv->put(ops.h, task, &req, NULL)); /* which copies it */
    free(bytes);
}

static void remove_execute(ops_node *node, ops_task task, ops_val config)
{
    ops_kv_req req = request_of(config);
    (void)node;
    end_if_refused(task, ops.kv->remove(ops.h, task, &req, NULL));
}

static ops_status put_with(ops_task task, const ops_kv_req *base, uint32_t flags, uint32_t size,
                           ops_kv_done done)
{
    ops_kv_req req = *base;
    req.flags = flags;
    req.size = size;
    req.done = done;
    return ops.kv->put(ops.h, task, &req, NULL);
}

static void refused_execute(ops_node *node, ops_task task, ops_val config)
{
    struct ops_map out = ops_map_begin(task);
    static char large[OPS_KV_VALUE_BYTES + 1];
    ops_kv_req good;
    ops_kv_req req;
    const uint32_t size = (uint32_t)sizeof req;
    (void)node;
    (void)config;
    memset(&good, 0, sizeof good);
    good.size = size;
    good.key = ops_text("k");
    good.done = on_done;
    ops_map_i64(&out, "no_request", ops.kv->put(ops.h, task, NULL, NULL));
    ops_map_i64(&out, "size", put_with(task, &good, 0, 8, on_done));
    ops_map_i64(&out, "no_done", put_with(task, &good, 0, size, NULL));
    ops_map_i64(&out, "flag", put_with(task, &good, 4, size, on_done));
    ops_map_i64(&out, "both_flags", put_with(task, &good, 3, size, on_done));
    ops_map_i64(&out, "stale", put_with(task + 1, &good, 0, size, on_done));
    req = good;
    req.flags = OPS_KV_IF_ABSENT;
    ops_map_i64(&out, "remove_absent", ops.kv->remove(ops.h, task, &req, NULL));
    req = good;
    req.key = ops_text("");
    ops_map_i64(&out, "no_key", ops.kv->put(ops.h, task, &req, NULL));
    req.key = ops_text("\xff");
    ops_map_i64(&out, "no_text", ops.kv->put(ops.h, task, &req, NULL));
    req.key = ops_slice(large, OPS_KV_KEY_BYTES + 1);
    ops_map_i64(&out, "long_key", ops.kv->put(ops.h, task, &req, NULL));
    req = good;
    req.value = ops_slice(large, sizeof large);
    ops_map_i64(&out, "large", ops.kv->put(ops.h, task, &req, NULL));
    ops_map_i64(&out, "get_no_key", ops_kv_get(task, ops_text(""), on_done, NULL));
    ops_map_i64(&out, "get_no_done", ops_kv_get(task, good.key, NULL, NULL));
    ops_map_i64(&out, "abort_stale", ops.kv->abort(ops.h, 1));
    ops_complete_map(task, &out);
}

static const ops_node_type get_type =
    OPS_NODE("kv.get", OPS_NODE_PARALLEL | OPS_NODE_IDEMPOTENT, get_execute);
static const ops_node_type put_type =
    OPS_NODE("kv.put", OPS_NODE_PARALLEL | OPS_NODE_IDEMPOTENT, put_execute);
static const ops_node_type remove_type =
    OPS_NODE("kv.remove", OPS_NODE_PARALLEL | OPS_NODE_IDEMPOTENT, remove_execute);
static const ops_node_type refused_type =
    OPS_NODE("kv.refused", OPS_NODE_PARALLEL, refused_execute);

OPS_PLUGIN("kv", "1.0.0", &get_type, &put_type, &remove_type, &refused_type);
