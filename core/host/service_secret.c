/* SPDX-License-Identifier: Apache-2.0 */

/* ops.secret. The contract is in opstream/secret.h. */

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/module.h"
#include "core/base/utf8.h"
#include "core/host/bytes.h"
#include "core/host/op.h"
#include "core/host/runtime.h"
#include "core/host/scope.h"
#include "core/host/secret.h"
#include "core/host/sign_module.h"
#include "core/host/task.h"
#include "core/host/task_failure.h"
#include "core/value/builder.h"
#include "core/value/value.h"

_Static_assert(OPS_SECRET_HMAC_SHA256_BYTES == SIGN_HMAC_BYTES, "what plugins are told holds");
_Static_assert(OPS_SECRET_RSA_MIN_BITS == SIGN_RSA_MIN_BITS, "what plugins are told holds");
_Static_assert(OPS_SECRET_RSA_MAX_BITS == SIGN_RSA_MAX_BITS, "what plugins are told holds");

enum { REQUEST_SIZE_MAX = 65536 };

enum kind {
    KIND_HMAC_SHA256,
    KIND_RS256,
};

/* One call; what is held ends with signing_end(). */
struct signing {
    struct plugin *plugin;
    struct scope *scope;
    struct scope *key_scope;
    struct scope_value key;
    enum kind kind;
    ops_str data;
    ops_error *err;
};

static const ops_str no_text = {NULL, 0};

static void signing_end(const struct signing *s)
{
    if (s->key_scope != NULL) {
        scope_release(s->plugin, s->key_scope);
    }
    if (s->scope != NULL) {
        scope_release(s->plugin, s->scope);
    }
}

static ops_status explain(const struct signing *s, ops_status status, const char *words)
{
    struct str copy = scope_dup(s->scope, str_from(words));
    task_failure_fill(s->err, status, ops_from_str(copy), no_text);
    return status;
}

static ops_status signing_begin(struct signing *s, void *h, ops_scope scope, ops_val key)
{
    s->plugin = plugin_from(h);
    if (s->plugin == NULL) {
        return OPS_E_INTERNAL;
    }
    s->scope = scope_acquire(s->plugin, scope);
    if (s->scope == NULL || !value_acquire(s->plugin, key, &s->key, &s->key_scope)) {
        return OPS_E_STALE;
    }
    if (!value_is(s->key.value, VALUE_STRING)) {
        return explain(s, OPS_E_CONFIG, "the key must be text");
    }
    return value_str(s->key.value).n > 0 ? OPS_OK
                                         : explain(s, OPS_E_CONFIG, "the key must not be empty");
}

static ops_status fail(const struct signing *s, enum sign_result result)
{
    switch (result) {
    case SIGN_DONE:
        return OPS_OK;
    case SIGN_NO_KEY:
        return explain(s, OPS_E_CONFIG,
                       "the key is no private key in PEM, which begins with '-----BEGIN' and has "
                       "several lines");
    case SIGN_NOT_RSA:
        return explain(s, OPS_E_CONFIG, "the key is none of RSA, which RS256 wants");
    case SIGN_ENCRYPTED:
        return explain(s, OPS_E_CONFIG, "the key has a passphrase: give one without");
    case SIGN_BAD_SIZE:
        return explain(s, OPS_E_CONFIG, "the key's size is not between 2048 and 8192 bits");
    case SIGN_OUT_OF_MEMORY:
        return explain(s, OPS_E_RESOURCE, "out of memory while signing");
    }
    return OPS_E_INTERNAL;
}

static ops_status make(const struct signing *s, ops_str *out)
{
    const void *table = NULL;
    struct error error = {0};
    unsigned char bytes[SIGN_MAX_BYTES];
    size_t n = SIGN_HMAC_BYTES;
    if (module_load("sign", &table, &error) != 0) {
        return explain(s, OPS_E_UNSUPPORTED, error.message);
    }
    const struct sign_module *module = table;
    struct str key = value_str(s->key.value);
    enum sign_result result = s->kind == KIND_RS256
                                  ? module->rs256(key, str_from_ops(s->data), bytes, &n)
                                  : module->hmac_sha256(key, str_from_ops(s->data), bytes);
    if (result != SIGN_DONE) {
        return fail(s, result);
    }
    struct str copy = scope_dup(s->scope, str_make((const char *)bytes, n));
    if (copy.p == NULL) {
        return fail(s, SIGN_OUT_OF_MEMORY);
    }
    *out = ops_from_str(copy);
    return OPS_OK;
}

static ops_status sign(struct signing *s, void *h, ops_scope scope, ops_val key, ops_str *out)
{
    if (out == NULL || ops_bytes_are_bad(s->data)) {
        return OPS_E_INTERNAL;
    }
    ops_status status = signing_begin(s, h, scope, key);
    if (status == OPS_OK) {
        status = make(s, out);
    }
    signing_end(s);
    return status;
}

static ops_status service_hmac_sha256(void *h, ops_scope scope, ops_val key, ops_str data,
                                      ops_str *out, ops_error *err)
{
    struct signing s = {.kind = KIND_HMAC_SHA256, .data = data, .err = err};
    return sign(&s, h, scope, key, out);
}

static ops_status service_sign_rs256(void *h, ops_scope scope, ops_val key, ops_str data,
                                     ops_str *out, ops_error *err)
{
    struct signing s = {.kind = KIND_RS256, .data = data, .err = err};
    return sign(&s, h, scope, key, out);
}

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
    bool is_wrong = out == NULL || (parts == NULL && n > 0) || (flags & ~OPS_SECRET_BASE64) != 0;
    if (plugin == NULL || is_wrong) {
        return OPS_E_INTERNAL;
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
        req->flags != 0 || req->ttl_ms == 0) {
        return OPS_E_INTERNAL;
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
    return op_request_abort(h, op, &adopt_type);
}

const ops_if_secret service_secret = {
    .size = sizeof(ops_if_secret),
    .version = 1,
    .hmac_sha256 = service_hmac_sha256,
    .sign_rs256 = service_sign_rs256,
    .join = service_join,
    .adopt = service_adopt,
    .abort = service_abort,
};
