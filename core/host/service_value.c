/* SPDX-License-Identifier: Apache-2.0 */

/* ops.value. The contract is in opstream/value.h; nothing that a plugin passes is trusted. */

#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/host/bytes.h"
#include "core/host/runtime.h"
#include "core/host/scope.h"
#include "core/host/task.h"
#include "core/host/task_failure.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

/* A value that is being read: ends with reading_end(). */
struct reading {
    struct plugin *plugin;
    struct scope *scope; /* held */
    struct scope_value value;
};

static const ops_str no_text = {NULL, 0};

bool ops_bytes_are_bad(ops_str s)
{
    return s.n > SIZE_MAX / 2 || (s.p == NULL && s.n > 0);
}

bool ops_str_is_bad(ops_str s)
{
    return ops_bytes_are_bad(s) || (s.n > 0 && utf8_valid_prefix(s.p, (size_t)s.n) != (size_t)s.n);
}

static ops_status status_of(int core_status)
{
    switch (core_status) {
    case 0:
        return OPS_OK;
    case E_NOMEM:
        return OPS_E_RESOURCE;
    default:
        return OPS_E_INPUT;
    }
}

static ops_status reading_begin(void *h, ops_val v, const void *out, struct reading *r)
{
    r->plugin = plugin_from(h);
    if (r->plugin == NULL || out == NULL) {
        return OPS_E_INTERNAL;
    }
    return value_acquire(r->plugin, v, &r->value, &r->scope) ? OPS_OK : OPS_E_STALE;
}

static void reading_end(const struct reading *r)
{
    scope_release(r->plugin, r->scope);
}

/* Only who has the capability may have what secrets are in. */
static bool is_closed(const struct reading *r)
{
    return r->value.value != NULL && value_is_secret(r->value.value) && !r->plugin->reads_secrets;
}

/* As reading_begin(), for one type only. */
static ops_status reading_begin_type(void *h, ops_val v, const void *out, enum value_type type,
                                     struct reading *r)
{
    ops_status status = reading_begin(h, v, out, r);
    if (status == OPS_OK && !value_is(r->value.value, type)) {
        reading_end(r);
        return OPS_E_INPUT;
    }
    if (status == OPS_OK && is_closed(r)) {
        reading_end(r);
        return OPS_E_PERMISSION;
    }
    return status;
}

static uint32_t type_of(const struct scope_value *value)
{
    static const uint32_t types[] = {
        [VALUE_NULL] = OPS_TYPE_NULL,     [VALUE_BOOL] = OPS_TYPE_BOOL,
        [VALUE_INT] = OPS_TYPE_INT,       [VALUE_DOUBLE] = OPS_TYPE_DOUBLE,
        [VALUE_STRING] = OPS_TYPE_STRING, [VALUE_LIST] = OPS_TYPE_LIST,
        [VALUE_MAP] = OPS_TYPE_MAP,
    };
    return value->value == NULL ? OPS_TYPE_BYTES : types[value_type(value->value)];
}

static uint32_t service_type(void *h, ops_val v)
{
    struct reading r;
    if (reading_begin(h, v, "", &r) != OPS_OK) {
        return OPS_TYPE_NONE;
    }
    uint32_t type = type_of(&r.value);
    reading_end(&r);
    return type;
}

/* ---- Reading ---- */

static ops_status service_get_bool(void *h, ops_val v, int32_t *out)
{
    struct reading r;
    ops_status status = reading_begin_type(h, v, out, VALUE_BOOL, &r);
    if (status == OPS_OK) {
        *out = value_bool(r.value.value);
        reading_end(&r);
    }
    return status;
}

static ops_status service_get_i64(void *h, ops_val v, int64_t *out)
{
    struct reading r;
    ops_status status = reading_begin_type(h, v, out, VALUE_INT, &r);
    if (status == OPS_OK) {
        *out = value_int(r.value.value);
        reading_end(&r);
    }
    return status;
}

static ops_status service_get_f64(void *h, ops_val v, double *out)
{
    struct reading r;
    ops_status status = reading_begin(h, v, out, &r);
    if (status != OPS_OK) {
        return status;
    }

    const struct value *value = r.value.value;
    if (value_is(value, VALUE_INT) || value_is(value, VALUE_DOUBLE)) {
        *out = value_number(value);
    } else {
        status = OPS_E_INPUT;
    }
    reading_end(&r);
    return status;
}

static ops_status service_get_str(void *h, ops_val v, ops_str *out)
{
    struct reading r;
    ops_status status = reading_begin_type(h, v, out, VALUE_STRING, &r);
    if (status == OPS_OK) {
        *out = ops_from_str(value_str(r.value.value));
        reading_end(&r);
    }
    return status;
}

static ops_status service_get_bytes(void *h, ops_val v, ops_str *out)
{
    struct reading r;
    ops_status status = reading_begin(h, v, out, &r);
    if (status != OPS_OK) {
        return status;
    }

    if (r.value.value == NULL) {
        *out = ops_from_str(r.value.bytes);
    } else if (is_closed(&r)) {
        status = OPS_E_PERMISSION;
    } else if (value_is(r.value.value, VALUE_STRING)) {
        *out = ops_from_str(value_str(r.value.value));
    } else {
        status = OPS_E_INPUT;
    }
    reading_end(&r);
    return status;
}

static uint64_t service_count(void *h, ops_val v)
{
    struct reading r;
    if (reading_begin(h, v, "", &r) != OPS_OK) {
        return 0;
    }

    uint64_t count = 0;
    const struct value *value = r.value.value;
    if (value == NULL) {
        count = r.value.bytes.n;
    } else if (is_closed(&r)) {
        count = 0;
    } else if (value_type(value) >= VALUE_STRING) {
        count = value_count(value);
    }
    reading_end(&r);
    return count;
}

/* A part of the value that is read, as a handle of the same scope. */
static ops_status reading_add(const struct reading *r, const struct value *part, ops_val *out)
{
    uint64_t handle = scope_add_part(r->scope, r->value.document, part);
    if (handle == 0) {
        return OPS_E_RESOURCE;
    }
    *out = handle;
    return OPS_OK;
}

static ops_status service_at(void *h, ops_val list, uint64_t i, ops_val *out)
{
    struct reading r;
    ops_status status = reading_begin_type(h, list, out, VALUE_LIST, &r);
    if (status != OPS_OK) {
        return status;
    }

    status = i < value_count(r.value.value)
                 ? reading_add(&r, value_at(r.value.value, (size_t)i), out)
                 : OPS_E_NOT_FOUND;
    reading_end(&r);
    return status;
}

static ops_status service_find(void *h, ops_val map, ops_str key, ops_val *out)
{
    struct reading r;
    if (ops_bytes_are_bad(key)) {
        return OPS_E_INTERNAL;
    }
    ops_status status = reading_begin_type(h, map, out, VALUE_MAP, &r);
    if (status != OPS_OK) {
        return status;
    }

    const struct value *member = value_get(r.value.value, str_from_ops(key));
    status = member != NULL ? reading_add(&r, member, out) : OPS_E_NOT_FOUND;
    reading_end(&r);
    return status;
}

static ops_status service_pair(void *h, ops_val map, uint64_t i, ops_str *key, ops_val *out)
{
    struct reading r;
    ops_status status = reading_begin_type(h, map, "", VALUE_MAP, &r);
    if (status != OPS_OK) {
        return status;
    }
    if (i >= value_count(r.value.value)) {
        reading_end(&r);
        return OPS_E_NOT_FOUND;
    }

    const struct value_member *member = value_member_at(r.value.value, (size_t)i);
    if (out != NULL) {
        status = reading_add(&r, &member->value, out);
    }
    if (status == OPS_OK && key != NULL) {
        *key = ops_from_str(value_str(&member->key));
    }
    reading_end(&r);
    return status;
}

/* ---- Making ---- */

/* The scope that a new value goes to; scope_release(). */
static ops_status making_begin(void *h, ops_scope handle, const void *out,
                               struct plugin **out_plugin, struct scope **out_scope)
{
    *out_plugin = plugin_from(h);
    if (*out_plugin == NULL || out == NULL) {
        return OPS_E_INTERNAL;
    }

    *out_scope = scope_acquire(*out_plugin, handle);
    return *out_scope != NULL ? OPS_OK : OPS_E_STALE;
}

static ops_status making_end(struct plugin *plugin, struct scope *scope, uint64_t handle,
                             ops_val *out)
{
    scope_release(plugin, scope);
    if (handle == 0) {
        return OPS_E_RESOURCE;
    }
    *out = handle;
    return OPS_OK;
}

static ops_status make_scalar(void *h, ops_scope scope_handle, const struct value *scalar,
                              ops_val *out)
{
    struct plugin *plugin = NULL;
    struct scope *scope = NULL;
    ops_status status = making_begin(h, scope_handle, out, &plugin, &scope);
    if (status != OPS_OK) {
        return status;
    }
    return making_end(plugin, scope, scope_add_scalar(scope, scalar), out);
}

static ops_status service_new_null(void *h, ops_scope scope, ops_val *out)
{
    return make_scalar(h, scope, &(struct value){.type = VALUE_NULL}, out);
}

static ops_status service_new_bool(void *h, ops_scope scope, int32_t b, ops_val *out)
{
    return make_scalar(h, scope, &(struct value){.type = VALUE_BOOL, .as.boolean = b != 0}, out);
}

static ops_status service_new_i64(void *h, ops_scope scope, int64_t i, ops_val *out)
{
    return make_scalar(h, scope, &(struct value){.type = VALUE_INT, .as.integer = i}, out);
}

static ops_status service_new_f64(void *h, ops_scope scope, double d, ops_val *out)
{
    if (!(d - d == 0)) { /* NaN or infinite */
        return OPS_E_INPUT;
    }
    return make_scalar(h, scope, &(struct value){.type = VALUE_DOUBLE, .as.number = d}, out);
}

/* Ends the builder; its document becomes a value of the scope, which is released. */
static ops_status making_finish(struct plugin *plugin, struct scope *scope, struct builder *b,
                                ops_val *out)
{
    cleanup_document struct document *document = NULL;
    int built = builder_finish(b, &document, NULL);
    if (built != 0) {
        scope_release(plugin, scope);
        return status_of(built);
    }
    return making_end(plugin, scope, scope_add(scope, document, document_root(document)), out);
}

static ops_status service_new_str(void *h, ops_scope scope_handle, ops_str s, ops_val *out)
{
    struct plugin *plugin = NULL;
    struct scope *scope = NULL;
    if (ops_bytes_are_bad(s)) {
        return OPS_E_INTERNAL;
    }
    ops_status status = making_begin(h, scope_handle, out, &plugin, &scope);
    if (status != OPS_OK) {
        return status;
    }

    struct builder *b = builder_create();
    builder_string(b, str_from_ops(s));
    return making_finish(plugin, scope, b, out);
}

static ops_status service_new_bytes(void *h, ops_scope scope_handle, ops_str bytes, ops_val *out)
{
    struct plugin *plugin = NULL;
    struct scope *scope = NULL;
    if (ops_bytes_are_bad(bytes)) {
        return OPS_E_INTERNAL;
    }
    ops_status status = making_begin(h, scope_handle, out, &plugin, &scope);
    if (status != OPS_OK) {
        return status;
    }
    return making_end(plugin, scope, scope_add_bytes(scope, str_from_ops(bytes)), out);
}

/* Adds value `v` to what is built. */
static ops_status build_value(struct plugin *plugin, struct builder *b, ops_val v)
{
    struct scope_value value;
    struct scope *scope = NULL;
    if (!value_acquire(plugin, v, &value, &scope)) {
        return OPS_E_STALE;
    }

    int status = 0;
    if (value.value != NULL) {
        builder_embed(b, value.document, value.value);
    } else {
        status = bytes_build_base64(b, value.bytes);
    }
    scope_release(plugin, scope);
    return status_of(status);
}

static ops_status build_list(struct plugin *plugin, struct builder *b, const ops_val *values,
                             uint64_t n)
{
    builder_list_begin(b);
    for (uint64_t i = 0; i < n; i++) {
        ops_status status = build_value(plugin, b, values[i]);
        if (status != OPS_OK) {
            return status;
        }
    }
    builder_list_end(b);
    return OPS_OK;
}

static ops_status build_map(struct plugin *plugin, struct builder *b, const ops_str *keys,
                            const ops_val *values, uint64_t n)
{
    builder_map_begin(b);
    for (uint64_t i = 0; i < n; i++) {
        if (ops_bytes_are_bad(keys[i])) {
            return OPS_E_INTERNAL;
        }
        builder_key(b, str_from_ops(keys[i]));
        ops_status status = build_value(plugin, b, values[i]);
        if (status != OPS_OK) {
            return status;
        }
    }
    builder_map_end(b);
    return OPS_OK;
}

/* A list when `keys` is NULL. */
static ops_status make_container(void *h, ops_scope scope_handle, const ops_str *keys,
                                 const ops_val *values, uint64_t n, ops_val *out)
{
    struct plugin *plugin = NULL;
    struct scope *scope = NULL;
    ops_status status = making_begin(h, scope_handle, out, &plugin, &scope);
    if (status != OPS_OK) {
        return status;
    }

    struct builder *b = builder_create();
    status = keys != NULL ? build_map(plugin, b, keys, values, n)
                          : build_list(plugin, b, values, n);
    if (status != OPS_OK) {
        builder_destroy(b);
        scope_release(plugin, scope);
        return status;
    }
    return making_finish(plugin, scope, b, out);
}

static ops_status service_new_list(void *h, ops_scope scope, const ops_val *values, uint64_t n,
                                   ops_val *out)
{
    if ((values == NULL && n > 0) || n > UINT32_MAX) {
        return OPS_E_INTERNAL;
    }
    return make_container(h, scope, NULL, values, n, out);
}

static ops_status service_new_map(void *h, ops_scope scope, const ops_str *keys,
                                  const ops_val *values, uint64_t n, ops_val *out)
{
    static const ops_str no_keys = {NULL, 0};
    if (((keys == NULL || values == NULL) && n > 0) || n > UINT32_MAX) {
        return OPS_E_INTERNAL;
    }
    return make_container(h, scope, keys != NULL ? keys : &no_keys, values, n, out);
}

/* ---- JSON ---- */

/* Tells where the text is no JSON; the words live in the scope. */
static void explain(struct scope *scope, ops_error *err, ops_status status,
                    const struct error *error)
{
    struct strbuf text = STRBUF_INIT;
    if (error->line > 0) {
        strbuf_append_format(&text, "line %u, column %u: ", error->line, error->column);
    }
    strbuf_append_format(&text, "%s", error->message);
    struct str words = strbuf_status(&text) == 0 ? scope_dup(scope, strbuf_str(&text))
                                                 : str_make(NULL, 0);
    strbuf_finish(&text);
    task_failure_fill(err, status, ops_from_str(words), no_text);
}

static ops_status service_from_json(void *h, ops_scope scope_handle, ops_str text, ops_val *out,
                                    ops_error *err)
{
    struct plugin *plugin = NULL;
    struct scope *scope = NULL;
    if (ops_bytes_are_bad(text)) {
        return OPS_E_INTERNAL;
    }
    ops_status status = making_begin(h, scope_handle, out, &plugin, &scope);
    if (status != OPS_OK) {
        return status;
    }

    cleanup_document struct document *document = NULL;
    struct error error = {0};
    int read = json_read(str_from_ops(text), NULL, &document, &error);
    if (read != 0) {
        status = read == E_LIMIT ? OPS_E_RESOURCE : status_of(read);
        explain(scope, err, status, &error);
        scope_release(plugin, scope);
        return status;
    }
    return making_end(plugin, scope, scope_add(scope, document, document_root(document)), out);
}

static ops_status service_to_json(void *h, ops_val v, ops_str *out)
{
    struct reading r;
    ops_status status = reading_begin(h, v, out, &r);
    if (status != OPS_OK) {
        return status;
    }

    struct strbuf text = STRBUF_INIT;
    if (r.value.value != NULL) {
        json_write(r.value.value, r.plugin->reads_secrets ? JSON_OPEN : JSON_COMPACT, &text);
    } else {
        bytes_write_base64(&text, r.value.bytes);
    }
    struct str copy = strbuf_status(&text) == 0 ? scope_dup(r.scope, strbuf_str(&text))
                                                : str_make(NULL, 0);
    strbuf_finish(&text);
    reading_end(&r);
    if (copy.p == NULL) {
        return OPS_E_RESOURCE;
    }
    *out = ops_from_str(copy);
    return OPS_OK;
}

static ops_status service_retain(void *h, ops_val v, ops_scope scope_handle, ops_val *out)
{
    struct reading r;
    ops_status status = reading_begin(h, v, out, &r);
    if (status != OPS_OK) {
        return status;
    }

    struct scope *scope = scope_acquire(r.plugin, scope_handle);
    if (scope == NULL) {
        reading_end(&r);
        return OPS_E_STALE;
    }
    uint64_t handle = r.value.value == NULL ? scope_add_bytes(scope, r.value.bytes)
                                            : scope_add(scope, r.value.document, r.value.value);
    reading_end(&r);
    return making_end(r.plugin, scope, handle, out);
}

static ops_status service_alloc(void *h, ops_scope scope_handle, uint64_t size, void **out)
{
    struct plugin *plugin = NULL;
    struct scope *scope = NULL;
    ops_status status = making_begin(h, scope_handle, out, &plugin, &scope);
    if (status != OPS_OK) {
        return status;
    }

    void *memory = size < SIZE_MAX / 2 ? scope_alloc(scope, (size_t)size) : NULL;
    scope_release(plugin, scope);
    if (memory == NULL) {
        return OPS_E_RESOURCE;
    }
    *out = memory;
    return OPS_OK;
}

static ops_status service_scope_open(void *h, ops_task handle, ops_scope *out)
{
    struct plugin *plugin = plugin_from(h);
    if (plugin == NULL || out == NULL) {
        return OPS_E_INTERNAL;
    }
    struct task *task = task_acquire(h, handle);
    if (task == NULL) {
        return OPS_E_STALE;
    }

    uint64_t scope = task_open_scope(task);
    task_release(task);
    if (scope == 0) {
        return OPS_E_RESOURCE;
    }
    *out = scope;
    return OPS_OK;
}

static ops_status service_scope_close(void *h, ops_scope handle)
{
    struct plugin *plugin = plugin_from(h);
    if (plugin == NULL) {
        return OPS_E_INTERNAL;
    }
    if (handle_kind(handle) != HANDLE_SCOPE) {
        return OPS_E_STALE;
    }
    struct scope *scope = scope_acquire(plugin, handle);
    if (scope == NULL) {
        return OPS_E_STALE;
    }

    struct task *task = task_acquire(h, scope->task);
    bool was_open = task != NULL && task_close_scope(task, scope);
    if (task != NULL) {
        task_release(task);
    }
    scope_release(plugin, scope);
    return was_open ? OPS_OK : OPS_E_STALE;
}

const ops_if_value service_value = {
    .size = sizeof(ops_if_value),
    .version = 1,
    .type = service_type,
    .get_bool = service_get_bool,
    .get_i64 = service_get_i64,
    .get_f64 = service_get_f64,
    .get_str = service_get_str,
    .get_bytes = service_get_bytes,
    .count = service_count,
    .at = service_at,
    .find = service_find,
    .pair = service_pair,
    .new_null = service_new_null,
    .new_bool = service_new_bool,
    .new_i64 = service_new_i64,
    .new_f64 = service_new_f64,
    .new_str = service_new_str,
    .new_bytes = service_new_bytes,
    .new_list = service_new_list,
    .new_map = service_new_map,
    .from_json = service_from_json,
    .to_json = service_to_json,
    .retain = service_retain,
    .alloc = service_alloc,
    .scope_open = service_scope_open,
    .scope_close = service_scope_close,
};
