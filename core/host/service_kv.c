/* SPDX-License-Identifier: Apache-2.0 */

/* ops.kv over `struct host_kv`. The contract is in opstream/kv.h. */

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/host/kv.h"
#include "core/host/op.h"
#include "core/host/runtime.h"
#include "core/host/task.h"

enum { REQUEST_SIZE_MAX = 65536 };

_Static_assert(OPS_KV_ALL_BYTES == HOST_KV_ALL_BYTES, "what plugins are told is what holds");

enum kv_deed {
    KV_GET,
    KV_PUT,
    KV_REMOVE,
};

struct kv_op {
    struct op op; /* first */
    enum kv_deed deed;
    struct strbuf texts; /* the key, then the value */
    size_t key_bytes;
    enum host_kv_condition condition;
    uint64_t version;
    uint64_t ttl_ms;
    ops_kv_done done;
    void *user;
    /* the answer */
    ops_status status;
    bool has_entry;
    ops_kv_entry entry;
    char *kept; /* its value, while `done` has to wait for the strand; owned */
};

/* ---- the answer ---- */

static void call_done(struct op *op)
{
    struct kv_op *kv = (struct kv_op *)op;
    kv->done(kv->user, op_task(op), kv->status, kv->has_entry ? &kv->entry : NULL);
}

static void call_cancelled(struct op *op)
{
    ((struct kv_op *)op)->status = OPS_E_CANCELLED;
    call_done(op);
}

static ops_status status_of(enum host_kv_status status)
{
    switch (status) {
    case HOST_KV_OK:
        return OPS_OK;
    case HOST_KV_NOT_FOUND:
        return OPS_E_NOT_FOUND;
    case HOST_KV_CONFLICT:
        return OPS_E_CONFLICT;
    case HOST_KV_FULL:
        return OPS_E_RESOURCE;
    case HOST_KV_FAILED:
        return OPS_E_UNAVAILABLE;
    }
    return OPS_E_INTERNAL;
}

/* The value is borrowed, and the call may come later. */
static void keep_value(struct kv_op *kv)
{
    kv->kept = malloc((size_t)kv->entry.value.n + 1);
    if (kv->kept == NULL) {
        kv->status = OPS_E_RESOURCE;
        kv->has_entry = false;
        return;
    }
    if (kv->entry.value.n > 0) {
        memcpy(kv->kept, kv->entry.value.p, (size_t)kv->entry.value.n);
    }
    kv->entry.value.p = kv->kept;
}

static void on_done(void *user, enum host_kv_status status, const struct host_kv_entry *entry)
{
    struct kv_op *kv = user;
    if (kv->op.is_dropped) {
        op_finish(&kv->op, NULL);
        return;
    }
    kv->status = status_of(status);
    kv->has_entry = entry != NULL;
    if (entry != NULL) {
        kv->entry = (ops_kv_entry){.size = sizeof(ops_kv_entry),
                                   .value = ops_from_str(entry->value),
                                   .version = entry->version,
                                   .expires_unix_ms = entry->expires_unix_ms};
    }
    if (entry != NULL && !op_is_direct(&kv->op)) {
        keep_value(kv);
    }
    op_finish(&kv->op, call_done);
}

/* ---- the operation ---- */

static void kv_start(struct op *op)
{
    struct kv_op *kv = (struct kv_op *)op;
    const struct host_kv *store = op->host->kv;
    struct str texts = strbuf_str(&kv->texts);
    const struct host_kv_request request = {
        .plugin = str_from(op->task->plugin->id),
        .key = str_make(texts.p, kv->key_bytes),
        .value = str_make(texts.p + kv->key_bytes, texts.n - kv->key_bytes),
        .condition = kv->condition,
        .version = kv->version,
        .ttl_ms = kv->ttl_ms,
    };
    switch (kv->deed) {
    case KV_GET:
        store->get(store->self, &request, on_done, kv);
        return;
    case KV_PUT:
        store->put(store->self, &request, on_done, kv);
        return;
    case KV_REMOVE:
        store->remove(store->self, &request, on_done, kv);
        return;
    }
}

/* What is on its way to the disk is there soon, and cannot be called back. */
static void kv_abort(struct op *op, enum op_abort how)
{
    (void)op;
    (void)how;
}

static void kv_destroy(struct op *op)
{
    struct kv_op *kv = (struct kv_op *)op;
    strbuf_finish(&kv->texts);
    free(kv->kept);
    free(kv);
}

static const struct op_type kv_type = {
    .name = "kv", .start = kv_start, .abort = kv_abort, .destroy = kv_destroy};

static ops_status check_texts(const ops_kv_req *req)
{
    bool is_bad = ops_str_is_bad(req->key) || req->key.n == 0 || req->key.n > OPS_KV_KEY_BYTES ||
                  ops_bytes_are_bad(req->value) || req->value.n > OPS_KV_VALUE_BYTES;
    return is_bad ? OPS_E_INPUT : OPS_OK;
}

/* `allowed`: the flags that the deed takes. */
static ops_status read_request(const ops_kv_req *req, uint32_t allowed, ops_kv_req *out)
{
    const uint32_t size_min = offsetof(ops_kv_req, user) + sizeof out->user;
    if (req == NULL || req->size < size_min || req->size > REQUEST_SIZE_MAX) {
        return OPS_E_INTERNAL;
    }
    memcpy(out, req, sizeof *out);
    bool has_both = out->flags == (OPS_KV_IF_ABSENT | OPS_KV_IF_VERSION);
    if (out->done == NULL || has_both) {
        return OPS_E_INTERNAL;
    }
    if ((out->flags & ~allowed) != 0) {
        return OPS_E_UNSUPPORTED;
    }
    return check_texts(out);
}

static enum host_kv_condition condition_of(uint32_t flags)
{
    if (flags == OPS_KV_IF_ABSENT) {
        return HOST_KV_IF_ABSENT;
    }
    return flags == OPS_KV_IF_VERSION ? HOST_KV_IF_VERSION : HOST_KV_ALWAYS;
}

static ops_status submit(void *h, ops_task task, enum kv_deed deed, const ops_kv_req *req,
                         ops_op *out)
{
    struct kv_op *kv = calloc(1, sizeof *kv);
    if (kv == NULL) {
        return OPS_E_RESOURCE;
    }
    ops_status status = op_init(&kv->op, &kv_type, h, task);
    if (status != OPS_OK) {
        free(kv);
        return status;
    }
    kv->deed = deed;
    kv->condition = condition_of(req->flags);
    kv->version = req->version;
    kv->ttl_ms = req->ttl_ms;
    kv->done = req->done;
    kv->user = req->user;
    kv->key_bytes = (size_t)req->key.n;
    strbuf_append(&kv->texts, req->key.p, (size_t)req->key.n);
    strbuf_append(&kv->texts, req->value.p, (size_t)req->value.n);
    if (strbuf_status(&kv->texts) != 0) {
        op_discard(&kv->op);
        return OPS_E_RESOURCE;
    }
    return op_submit(&kv->op, call_cancelled, out);
}

static ops_status service_get(void *h, ops_task task, const ops_kv_req *req, ops_op *out)
{
    ops_kv_req known;
    ops_status status = read_request(req, 0, &known);
    return status == OPS_OK ? submit(h, task, KV_GET, &known, out) : status;
}

static ops_status service_put(void *h, ops_task task, const ops_kv_req *req, ops_op *out)
{
    ops_kv_req known;
    ops_status status = read_request(req, OPS_KV_IF_ABSENT | OPS_KV_IF_VERSION, &known);
    return status == OPS_OK ? submit(h, task, KV_PUT, &known, out) : status;
}

static ops_status service_remove(void *h, ops_task task, const ops_kv_req *req, ops_op *out)
{
    ops_kv_req known;
    ops_status status = read_request(req, OPS_KV_IF_VERSION, &known);
    return status == OPS_OK ? submit(h, task, KV_REMOVE, &known, out) : status;
}

static ops_status service_abort(void *h, ops_op op)
{
    return op_request_abort(h, op, &kv_type);
}

const ops_if_kv service_kv = {
    .size = sizeof(ops_if_kv),
    .version = 1,
    .get = service_get,
    .put = service_put,
    .remove = service_remove,
    .abort = service_abort,
};
