/* SPDX-License-Identifier: Apache-2.0 */

/* ops.secret. The contract is in opstream/secret.h. */

#include "core/base/error.h"
#include "core/base/module.h"
#include "core/host/bytes.h"
#include "core/host/runtime.h"
#include "core/host/scope.h"
#include "core/host/sign_module.h"
#include "core/host/task_failure.h"
#include "core/value/builder.h"
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

const ops_if_secret service_secret = {
    .size = sizeof(ops_if_secret),
    .version = 1,
    .hmac_sha256 = service_hmac_sha256,
    .sign_rs256 = service_sign_rs256,
    .join = service_join,
};
