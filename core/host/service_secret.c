/* SPDX-License-Identifier: Apache-2.0 */

/* ops.secret. The contract is in opstream/secret.h. */

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/host/bytes.h"
#include "core/host/op.h"
#include "core/host/runtime.h"
#include "core/host/scope.h"
#include "core/host/secret.h"
#include "core/host/signing.h"
#include "core/host/task.h"
#include "core/host/task_failure.h"
#include "core/value/builder.h"
#include "core/value/value.h"

enum { REQUEST_SIZE_MAX = 65536 };

/* ---- joining ---- */

/* What parts give; ends with joint_finish(). */
struct joint {
    struct strbuf text;
    bool is_secret;
};

static void joint_finish(struct joint *joint)
{
    if (joint->text.p != NULL) {
        explicit_bzero(joint->text.p, joint->text.cap);
    }
    strbuf_finish(&joint->text);
}

static ops_status add_part(struct plugin *plugin, ops_val part, struct joint *joint)
{
    struct scope *scope = NULL;
    struct scope_value value;
    if (!value_acquire(plugin, part, &value, &scope)) {
        return OPS_E_STALE;
    }
    bool is_text = value_is(value.value, VALUE_STRING);
    if (is_text) {
        strbuf_append_str(&joint->text, value_str(value.value));
        joint->is_secret = joint->is_secret || value_is_secret(value.value);
    }
    scope_release(plugin, scope);
    return is_text ? OPS_OK : OPS_E_INPUT;
}

static ops_status add_parts(struct plugin *plugin, const ops_val *parts, uint64_t n,
                            struct joint *joint)
{
    ops_status status = OPS_OK;
    for (uint64_t i = 0; i < n && status == OPS_OK; i++) {
        status = add_part(plugin, parts[i], joint);
    }
    return status == OPS_OK && strbuf_status(&joint->text) != 0 ? OPS_E_RESOURCE : status;
}

static ops_status encode(struct joint *joint)
{
    const struct strbuf bare = STRBUF_INIT;
    struct strbuf plain = joint->text;
    joint->text = bare;
    bytes_append_base64(&joint->text, strbuf_str(&plain));
    joint_finish(&(struct joint){.text = plain});
    return strbuf_status(&joint->text) == 0 ? OPS_OK : OPS_E_RESOURCE;
}

static ops_status add_joint(struct plugin *plugin, ops_scope handle, const struct joint *joint,
                            ops_val *out)
{
    cleanup_document struct document *document = NULL;
    struct scope *scope = scope_acquire(plugin, handle);
    if (scope == NULL) {
        return OPS_E_STALE;
    }
    struct builder *b = builder_create();
    builder_string(b, strbuf_str(&joint->text));
    if (joint->is_secret) {
        builder_hide(b);
    }
    uint64_t added = builder_finish(b, &document, NULL) == 0
                         ? scope_add(scope, document, document_root(document))
                         : 0;
    scope_release(plugin, scope);
    if (added == 0) {
        return OPS_E_RESOURCE;
    }
    *out = added;
    return OPS_OK;
}

static ops_status service_join(void *h, ops_scope scope, const ops_val *parts, uint64_t n,
                               uint32_t flags, ops_val *out)
{
    struct plugin *plugin = plugin_from(h);
    struct joint joint = {.text = STRBUF_INIT};
    if (plugin == NULL || out == NULL || (parts == NULL && n > 0)) {
        return OPS_E_INTERNAL;
    }
    if ((flags & ~OPS_SECRET_BASE64) != 0) {
        return OPS_E_UNSUPPORTED;
    }
    if (n > OPS_SECRET_PARTS_MOST) {
        return OPS_E_INPUT;
    }
    ops_status status = add_parts(plugin, parts, n, &joint);
    if (status == OPS_OK && (flags & OPS_SECRET_BASE64) != 0) {
        status = encode(&joint);
    }
    if (status == OPS_OK) {
        status = add_joint(plugin, scope, &joint, out);
    }
    joint_finish(&joint);
    return status;
}

/* ---- adopting ---- */

struct adopt_op {
    struct op op; /* first */
    struct joint of;
    struct strbuf text;
    uint64_t ttl_ms;
    ops_secret_done done;
    void *user;
    ops_status status;
};

static void call_done(struct op *op)
{
    struct adopt_op *adopt = (struct adopt_op *)op;
    struct plugin *plugin = op->task->plugin;
    ops_val made = 0;
    if (adopt->status == OPS_OK) {
        const struct joint joint = {.text = adopt->text, .is_secret = adopt->of.is_secret};
        adopt->status = add_joint(plugin, op_task(op), &joint, &made);
    }
    adopt->done(adopt->user, op_task(op), adopt->status, made);
}

static void call_cancelled(struct op *op)
{
    ((struct adopt_op *)op)->status = OPS_E_CANCELLED;
    call_done(op);
}

static ops_status hide(const struct adopt_op *adopt)
{
    const struct host_secrets *keeper = adopt->op.host->secrets;
    const struct host_secret_adoption adoption = {.token = adopt->op.task->token,
                                                  .of = strbuf_str(&adopt->of.text),
                                                  .text = strbuf_str(&adopt->text),
                                                  .ttl_ms = adopt->ttl_ms};
    int status = keeper->adopt(keeper->self, &adoption);
    if (status == E_NOT_FOUND || status == E_INVALID) {
        return OPS_E_CONFIG;
    }
    return status == 0 ? OPS_OK : OPS_E_RESOURCE;
}

static void adopt_start(struct op *op)
{
    struct adopt_op *adopt = (struct adopt_op *)op;
    adopt->status = op->is_dropped || !adopt->of.is_secret ? OPS_OK : hide(adopt);
    op_finish(op, call_done);
}

/* It ends within its start. */
static void adopt_abort(struct op *op, enum op_abort how)
{
    (void)op;
    (void)how;
}

static void adopt_destroy(struct op *op)
{
    struct adopt_op *adopt = (struct adopt_op *)op;
    joint_finish(&adopt->of);
    joint_finish(&(struct joint){.text = adopt->text});
    free(adopt);
}

static const struct op_type adopt_type = {
    .name = "secret", .start = adopt_start, .abort = adopt_abort, .destroy = adopt_destroy};

static ops_status check_adoption(const ops_secret_req *req)
{
    const uint32_t size_min = offsetof(ops_secret_req, user) + sizeof req->user;
    if (req == NULL || req->size < size_min || req->size > REQUEST_SIZE_MAX || req->done == NULL ||
        req->ttl_ms == 0) {
        return OPS_E_INTERNAL;
    }
    if (req->flags != 0) {
        return OPS_E_UNSUPPORTED;
    }
    bool is_bad = ops_str_is_bad(req->text) || req->text.n < OPS_SECRET_ADOPT_MIN_BYTES ||
                  req->text.n > OPS_SECRET_ADOPT_MAX_BYTES ||
                  memchr(req->text.p, '\0', (size_t)req->text.n) != NULL;
    return is_bad ? OPS_E_INPUT : OPS_OK;
}

static ops_status service_adopt(void *h, ops_task task, const ops_secret_req *req, ops_op *out)
{
    ops_status status = check_adoption(req);
    struct adopt_op *adopt = status == OPS_OK ? calloc(1, sizeof *adopt) : NULL;
    if (adopt == NULL) {
        return status != OPS_OK ? status : OPS_E_RESOURCE;
    }
    status = op_init(&adopt->op, &adopt_type, h, task);
    if (status != OPS_OK) {
        free(adopt);
        return status;
    }
    status = adopt->op.host->secrets != NULL
                 ? add_parts(adopt->op.task->plugin, &req->of, 1, &adopt->of)
                 : OPS_E_UNSUPPORTED;
    strbuf_append(&adopt->text, req->text.p, (size_t)req->text.n);
    if (status == OPS_OK && strbuf_status(&adopt->text) != 0) {
        status = OPS_E_RESOURCE;
    }
    if (status != OPS_OK) {
        op_discard(&adopt->op);
        return status;
    }
    adopt->ttl_ms = req->ttl_ms;
    adopt->done = req->done;
    adopt->user = req->user;
    return op_submit(&adopt->op, call_cancelled, out);
}

static ops_status service_abort(void *h, ops_op op)
{
    ops_status status = op_request_abort(h, op, &adopt_type);
    return status == OPS_E_STALE ? signing_abort(h, op) : status;
}

const ops_if_secret service_secret = {
    .size = sizeof(ops_if_secret),
    .version = 1,
    .sign = signing_sign,
    .digest = signing_digest,
    .join = service_join,
    .adopt = service_adopt,
    .abort = service_abort,
};
