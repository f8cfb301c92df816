/* SPDX-License-Identifier: Apache-2.0 */

/* ops.secret. The contract is in opstream/secret.h. */

#include "core/base/error.h"
#include "core/base/module.h"
#include "core/host/runtime.h"
#include "core/host/scope.h"
#include "core/host/sign_module.h"
#include "core/host/task_failure.h"
#include "core/value/value.h"

_Static_assert(OPS_SECRET_HMAC_SHA256_BYTES == SIGN_HMAC_BYTES, "what plugins are told holds");
_Static_assert(OPS_SECRET_RSA_MIN_BITS == SIGN_RSA_MIN_BITS, "what plugins are told holds");
_Static_assert(OPS_SECRET_RSA_MAX_BITS == SIGN_RSA_MAX_BITS, "what plugins are told holds");

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

const ops_if_secret service_secret = {
    .size = sizeof(ops_if_secret),
    .version = 1,
    .hmac_sha256 = service_hmac_sha256,
    .sign_rs256 = service_sign_rs256,
};
