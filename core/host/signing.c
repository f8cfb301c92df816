/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/signing.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/module.h"
#include "core/base/str.h"
#include "core/host/op.h"
#include "core/host/runtime.h"
#include "core/host/scope.h"
#include "core/host/sign_module.h"
#include "core/host/task.h"
#include "core/value/value.h"

_Static_assert(OPS_SECRET_DIGEST_BYTES == SIGN_HMAC_BYTES, "what plugins are told holds");
_Static_assert(OPS_SIGN_RSA_MIN_BITS == SIGN_RSA_MIN_BITS, "what plugins are told holds");
_Static_assert(OPS_SIGN_RSA_MAX_BITS == SIGN_RSA_MAX_BITS, "what plugins are told holds");

enum { REQUEST_SIZE_MAX = 65536 };

struct sign_op {
    struct op op; /* first */
    uint32_t algorithm;
    struct strbuf key;
    struct strbuf data;
    ops_sign_done done;
    void *user;
    /* the answer; `status` OPS_OK: the first two */
    unsigned char signature[SIGN_MAX_BYTES];
    size_t signature_bytes;
    ops_status status;
    struct error error;
};

/* ---- the answer ---- */

static void call_done(struct op *op)
{
    struct sign_op *sign = (struct sign_op *)op;
    if (sign->status == OPS_OK) {
        struct str signature = str_make((const char *)sign->signature, sign->signature_bytes);
        sign->done(sign->user, op_task(op), ops_from_str(signature), NULL);
        return;
    }
    const ops_error error = {.size = sizeof error,
                             .code = sign->status,
                             .message = ops_from_str(str_from(sign->error.message))};
    sign->done(sign->user, op_task(op), (ops_str){NULL, 0}, &error);
}

static void fail(struct sign_op *sign, ops_status status, const char *words)
{
    sign->status = status;
    (void)error_set(&sign->error, E_INVALID, "%s", words);
}

static void call_cancelled(struct op *op)
{
    fail((struct sign_op *)op, OPS_E_CANCELLED, "cancelled before it began");
    call_done(op);
}

static void explain(struct sign_op *sign, enum sign_result result)
{
    switch (result) {
    case SIGN_DONE:
        break;
    case SIGN_NO_KEY:
        fail(sign, OPS_E_CONFIG,
             "the key is no private key in PEM, which begins with '-----BEGIN' and has several "
             "lines");
        break;
    case SIGN_NOT_RSA:
        fail(sign, OPS_E_CONFIG, "the key is none of RSA, which RS256 wants");
        break;
    case SIGN_ENCRYPTED:
        fail(sign, OPS_E_CONFIG, "the key has a passphrase: give one without");
        break;
    case SIGN_BAD_SIZE:
        fail(sign, OPS_E_CONFIG, "the key's size is not between 2048 and 8192 bits");
        break;
    case SIGN_OUT_OF_MEMORY:
        fail(sign, OPS_E_RESOURCE, "out of memory while signing");
        break;
    }
}

/* ---- the operation ---- */

static void compute(struct sign_op *sign)
{
    const void *table = NULL;
    if (sign->key.n == 0) {
        fail(sign, OPS_E_CONFIG, "the key must not be empty");
        return;
    }
    if (module_load("sign", &table, &sign->error) != 0) {
        sign->status = OPS_E_UNSUPPORTED;
        return;
    }
    const struct sign_module *module = table;
    struct str key = strbuf_str(&sign->key);
    struct str data = strbuf_str(&sign->data);
    sign->signature_bytes = SIGN_HMAC_BYTES;
    explain(sign, sign->algorithm == OPS_SIGN_RS256
                      ? module->rs256(key, data, sign->signature, &sign->signature_bytes)
                      : module->hmac_sha256(key, data, sign->signature));
}

static void sign_start(struct op *op)
{
    struct sign_op *sign = (struct sign_op *)op;
    if (sign->status == OPS_OK) { /* else the key is no text */
        compute(sign);
    }
    op_finish(op, call_done);
}

/* It ends within its start. */
static void sign_abort(struct op *op, enum op_abort how)
{
    (void)op;
    (void)how;
}

static void sign_destroy(struct op *op)
{
    struct sign_op *sign = (struct sign_op *)op;
    if (sign->key.p != NULL) {
        explicit_bzero(sign->key.p, sign->key.cap);
    }
    strbuf_finish(&sign->key);
    strbuf_finish(&sign->data);
    free(sign);
}

static const struct op_type sign_type = {
    .name = "sign", .start = sign_start, .abort = sign_abort, .destroy = sign_destroy};

static ops_status check(const ops_sign_req *req)
{
    const uint32_t size_min = offsetof(ops_sign_req, user) + sizeof req->user;
    if (req == NULL || req->size < size_min || req->size > REQUEST_SIZE_MAX || req->done == NULL ||
        ops_bytes_are_bad(req->data)) {
        return OPS_E_INTERNAL;
    }
    bool is_known = req->algorithm == OPS_SIGN_HMAC_SHA256 || req->algorithm == OPS_SIGN_RS256;
    return is_known ? OPS_OK : OPS_E_UNSUPPORTED;
}

/* A key that is no text is the config's fault: `done` is told. */
static ops_status copy(struct sign_op *sign, const ops_sign_req *req)
{
    struct plugin *plugin = sign->op.task->plugin;
    struct scope *scope = NULL;
    struct scope_value key;
    if (!value_acquire(plugin, req->key, &key, &scope)) {
        return OPS_E_STALE;
    }
    if (value_is(key.value, VALUE_STRING)) {
        strbuf_append_str(&sign->key, value_str(key.value));
    } else {
        fail(sign, OPS_E_CONFIG, "the key must be text");
    }
    scope_release(plugin, scope);
    strbuf_append(&sign->data, req->data.p, (size_t)req->data.n);
    bool is_copied = strbuf_status(&sign->key) == 0 && strbuf_status(&sign->data) == 0;
    return is_copied ? OPS_OK : OPS_E_RESOURCE;
}

ops_status signing_sign(void *h, ops_task task, const ops_sign_req *req, ops_op *out)
{
    ops_status status = check(req);
    struct sign_op *sign = status == OPS_OK ? calloc(1, sizeof *sign) : NULL;
    if (sign == NULL) {
        return status != OPS_OK ? status : OPS_E_RESOURCE;
    }
    status = op_init(&sign->op, &sign_type, h, task);
    if (status != OPS_OK) {
        free(sign);
        return status;
    }
    status = copy(sign, req);
    if (status != OPS_OK) {
        op_discard(&sign->op);
        return status;
    }
    sign->algorithm = req->algorithm;
    sign->done = req->done;
    sign->user = req->user;
    return op_submit(&sign->op, call_cancelled, out);
}

ops_status signing_abort(void *h, ops_op op)
{
    return op_request_abort(h, op, &sign_type);
}

/* ---- digest() ---- */

/*
 * In two steps, so that a plugin's process of its own can be given the first one of a secret and
 * compute the second, without the secret.
 */
static ops_status digest(struct str key, struct str data, unsigned char out[SIGN_HMAC_BYTES])
{
    const void *table = NULL;
    unsigned char name[SIGN_HMAC_BYTES];
    if (module_load("sign", &table, NULL) != 0) {
        return OPS_E_UNSUPPORTED;
    }
    const struct sign_module *module = table;
    enum sign_result result = module->hmac_sha256(key, STR("opstream digest"), name);
    if (result == SIGN_DONE) {
        result = module->hmac_sha256(str_make((const char *)name, sizeof name), data, out);
    }
    explicit_bzero(name, sizeof name);
    return result == SIGN_DONE ? OPS_OK : OPS_E_RESOURCE;
}

static ops_status digest_into(struct plugin *plugin, struct scope *scope, ops_val key, ops_str data,
                              ops_str *out)
{
    unsigned char bytes[SIGN_HMAC_BYTES];
    struct scope *key_scope = NULL;
    struct scope_value value;
    if (!value_acquire(plugin, key, &value, &key_scope)) {
        return OPS_E_STALE;
    }
    ops_status status = value_is(value.value, VALUE_STRING)
                            ? digest(value_str(value.value), str_from_ops(data), bytes)
                            : OPS_E_INPUT;
    scope_release(plugin, key_scope);
    if (status != OPS_OK) {
        return status;
    }
    struct str copy = scope_dup(scope, str_make((const char *)bytes, sizeof bytes));
    if (copy.p == NULL) {
        return OPS_E_RESOURCE;
    }
    *out = ops_from_str(copy);
    return OPS_OK;
}

ops_status signing_digest(void *h, ops_scope scope, ops_val key, ops_str data, ops_str *out)
{
    struct plugin *plugin = plugin_from(h);
    if (plugin == NULL || out == NULL || ops_bytes_are_bad(data)) {
        return OPS_E_INTERNAL;
    }
    struct scope *into = scope_acquire(plugin, scope);
    if (into == NULL) {
        return OPS_E_STALE;
    }
    ops_status status = digest_into(plugin, into, key, data, out);
    scope_release(plugin, into);
    return status;
}
