/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPSTREAM_SDK_H
#define OPSTREAM_SDK_H

/*
 * The short way to write a plugin: inline functions over the tables of plugin.h. Nothing here adds
 * to the interface; all of it ends up inside the plugin.
 *
 * The smallest useful node:
 *
 *     #include "opstream/sdk.h"
 *
 *     static void hello_execute(ops_node *node, ops_task task, ops_val config)
 *     {
 *         struct ops_map out = ops_map_begin(task);
 *         (void)node;
 *         ops_map_str(&out, "greeting", ops_get_str(config, "greeting", "hello"));
 *         ops_complete_map(task, &out);
 *     }
 *
 *     static const ops_node_type hello = OPS_NODE("hello", OPS_NODE_PARALLEL, hello_execute);
 *     OPS_PLUGIN("hello", "1.0.0", &hello);
 *
 * Threads: all functions here are [any-thread], as those that they call.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "opstream/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The CRC of the manifest in the .so; opstream_add_plugin() defines it. 0 never loads. */
#ifndef OPS_MANIFEST_CRC
#define OPS_MANIFEST_CRC 0
#endif

/* ==== The plugin's tables ==== */

/*
 * What OPS_PLUGIN's init() fetched, once, before anything else of the plugin runs; constant after
 * that. A table is NULL when the host does not offer it: those that the manifest calls required
 * never are.
 */
struct ops_tables {
    void *h; /* the first argument of all functions in the tables */
    const ops_host *host;
    const ops_if_value *value;
    const ops_if_exec *exec;
    const ops_if_http *http;
    const ops_if_timer *timer;
    const ops_if_job *job;
    const ops_if_process *process;
    const ops_if_log *log;
    const ops_if_kv *kv;
    const ops_if_schema *schema;
    const ops_if_secret *secret;
    const ops_if_budget *budget;
    const ops_if_mail *mail;
};

/* One for the plugin, defined by OPS_PLUGIN; not visible outside of its .so. */
extern __attribute__((visibility("hidden"))) struct ops_tables ops;

/* Fills `ops`; the init() of OPS_PLUGIN. Call it first in an init() of your own. */
static inline ops_status ops_tables_fetch(const ops_host *host, ops_error *err)
{
    ops.host = host;
    ops.h = host->h;
    ops.value = (const ops_if_value *)host->get_iface(host, OPS_IF_VALUE, 1, err);
    if (ops.value == NULL) {
        return OPS_E_UNSUPPORTED;
    }

    ops.exec = (const ops_if_exec *)host->get_iface(host, OPS_IF_EXEC, 1, err);
    if (ops.exec == NULL) {
        return OPS_E_UNSUPPORTED;
    }

    ops.http = (const ops_if_http *)host->get_iface(host, OPS_IF_HTTP, 1, NULL);
    ops.timer = (const ops_if_timer *)host->get_iface(host, OPS_IF_TIMER, 1, NULL);
    ops.job = (const ops_if_job *)host->get_iface(host, OPS_IF_JOB, 1, NULL);
    ops.process = (const ops_if_process *)host->get_iface(host, OPS_IF_PROCESS, 1, NULL);
    ops.log = (const ops_if_log *)host->get_iface(host, OPS_IF_LOG, 1, NULL);
    ops.kv = (const ops_if_kv *)host->get_iface(host, OPS_IF_KV, 1, NULL);
    ops.schema = (const ops_if_schema *)host->get_iface(host, OPS_IF_SCHEMA, 1, NULL);
    ops.secret = (const ops_if_secret *)host->get_iface(host, OPS_IF_SECRET, 1, NULL);
    ops.budget = (const ops_if_budget *)host->get_iface(host, OPS_IF_BUDGET, 1, NULL);
    ops.mail = (const ops_if_mail *)host->get_iface(host, OPS_IF_MAIL, 1, NULL);
    return OPS_OK;
}

static inline ops_status ops_default_init(const ops_host *host, ops_plugin **out, ops_error *err)
{
    (void)out;
    return ops_tables_fetch(host, err);
}

/* ==== Definitions ==== */

/* A node type without state of its own, with config version 1. */
#define OPS_NODE(type_name, node_flags, execute_function)                                          \
    {                                                                                              \
        (uint32_t)sizeof(ops_node_type), (node_flags), (type_name), 1u, 0u, NULL,                  \
            (execute_function), NULL, NULL, NULL                                                   \
    }

/* The same with a cancel() */
#define OPS_NODE_WITH_CANCEL(type_name, node_flags, execute_function, cancel_function)             \
    {                                                                                              \
        (uint32_t)sizeof(ops_node_type), (node_flags), (type_name), 1u, 0u, NULL,                  \
            (execute_function), (cancel_function), NULL, NULL                                      \
    }

/* The same with a check(), and a cancel() or NULL */
#define OPS_NODE_WITH_CHECK(type_name, node_flags, execute_function, cancel_function,              \
                            check_function)                                                        \
    {                                                                                              \
        (uint32_t)sizeof(ops_node_type), (node_flags), (type_name), 1u, 0u, NULL,                  \
            (execute_function), (cancel_function), NULL, (check_function)                          \
    }

/* Defines the plugin: its id and version as in the manifest, then `&type` for each node type. */
#define OPS_PLUGIN(plugin_id, plugin_version, ...)                                                 \
    OPS_PLUGIN_WITH(plugin_id, plugin_version, ops_default_init, NULL, __VA_ARGS__)

/* The same with functions of your own, which begins with ops_tables_fetch(), and shutdown. */
#define OPS_PLUGIN_WITH(plugin_id, plugin_version, init_function, shutdown_function, ...)          \
    struct ops_tables ops;                                                                         \
    static const ops_node_type *const ops_plugin_types[] = {__VA_ARGS__};                          \
    const ops_plugin_desc opstream_plugin_v1 = {OPS_ABI_MAGIC,                                     \
                                                (uint32_t)sizeof(ops_plugin_desc),                 \
                                                OPS_ABI_EPOCH,                                     \
                                                OPS_REQUIRE_MINOR,                                 \
                                                0u,                                                \
                                                0u,                                                \
                                                (plugin_id),                                       \
                                                (plugin_version),                                  \
                                                OPS_SDK_VERSION,                                   \
                                                (OPS_MANIFEST_CRC),                                \
                                                (init_function),                                   \
                                                (shutdown_function),                               \
                                                ops_plugin_types,                                  \
                                                sizeof(ops_plugin_types) /                         \
                                                    sizeof(ops_plugin_types[0]),                   \
                                                NULL}

/* ==== Texts ==== */

/* The NUL-terminated `text` (NULL gives the empty one), borrowed. */
static inline ops_str ops_text(const char *text)
{
    ops_str s;
    s.p = text;
    s.n = text != NULL ? strlen(text) : 0;
    return s;
}

/* `n` bytes at `p`, borrowed. */
static inline ops_str ops_slice(const char *p, uint64_t n)
{
    ops_str s;
    s.p = p;
    s.n = n;
    return s;
}

/* 1 when both are the same. */
static inline int ops_equal(ops_str s, const char *text)
{
    return s.n == strlen(text) && (s.n == 0 || memcmp(s.p, text, (size_t)s.n) == 0);
}

/* ==== Reading a map by key, with a default for what is missing or of another type ==== */

/* The member, or 0. */
static inline ops_val ops_get(ops_val map, const char *key)
{
    ops_val v = 0;
    (void)ops.value->find(ops.h, map, ops_text(key), &v);
    return v;
}

/* The text lives as long as `map`. `otherwise` may be NULL: the empty text. */
static inline ops_str ops_get_str(ops_val map, const char *key, const char *otherwise)
{
    ops_str s = ops_text(otherwise);
    (void)ops.value->get_str(ops.h, ops_get(map, key), &s);
    return s;
}

/*
 * The text `v` with `prefix` in front ("Bearer ") as a value of `scope`, also where the plugin may
 * not read it: for ops_http_req.header_vals. 0: `v` is no text, or out of memory.
 */
static inline ops_val ops_with_prefix(ops_scope scope, const char *prefix, ops_val v)
{
    ops_val parts[2] = {0, v};
    ops_val joined = 0;
    if (v != 0 && ops.value->new_str(ops.h, scope, ops_text(prefix), &parts[0]) == OPS_OK) {
        (void)ops.secret->join(ops.h, scope, parts, 2, 0, &joined); /* 0 stays */
    }
    return joined;
}

static inline int64_t ops_get_i64(ops_val map, const char *key, int64_t otherwise)
{
    (void)ops.value->get_i64(ops.h, ops_get(map, key), &otherwise);
    return otherwise;
}

static inline double ops_get_f64(ops_val map, const char *key, double otherwise)
{
    (void)ops.value->get_f64(ops.h, ops_get(map, key), &otherwise);
    return otherwise;
}

static inline int ops_get_bool(ops_val map, const char *key, int otherwise)
{
    int32_t b = otherwise;
    (void)ops.value->get_bool(ops.h, ops_get(map, key), &b);
    return b;
}

/* ==== Making a map, for outputs ==== */

enum { OPS_MAP_MEMBERS = 32 };

/* Remembers the first failure, so that only the end has to be asked. */
struct ops_map {
    ops_scope scope;
    uint32_t n;
    ops_status status;
    ops_str keys[OPS_MAP_MEMBERS];
    ops_val values[OPS_MAP_MEMBERS];
};

/* An empty map; its values will live in `scope`: mostly a task. */
static inline struct ops_map ops_map_begin(ops_scope scope)
{
    struct ops_map map;
    map.scope = scope;
    map.n = 0;
    map.status = OPS_OK;
    return map;
}

/* Adds a member; `key` (not NULL) must live until ops_map_end(). The others do the same. */
static inline void ops_map_val(struct ops_map *map, const char *key, ops_val v)
{
    if (map->status == OPS_OK && map->n == OPS_MAP_MEMBERS) {
        map->status = OPS_E_RESOURCE;
    }
    if (map->status == OPS_OK) {
        map->keys[map->n] = ops_text(key);
        map->values[map->n] = v;
        map->n++;
    }
}

/* Adds the value that a new_* function made, or notes that it failed. */
static inline void ops_map_made(struct ops_map *map, const char *key, ops_status made, ops_val v)
{
    if (map->status == OPS_OK) {
        map->status = made;
    }
    ops_map_val(map, key, v);
}

static inline void ops_map_null(struct ops_map *map, const char *key)
{
    ops_val v = 0;
    ops_status made = ops.value->new_null(ops.h, map->scope, &v);
    ops_map_made(map, key, made, v);
}

static inline void ops_map_bool(struct ops_map *map, const char *key, int b)
{
    ops_val v = 0;
    ops_status made = ops.value->new_bool(ops.h, map->scope, b, &v);
    ops_map_made(map, key, made, v);
}

static inline void ops_map_i64(struct ops_map *map, const char *key, int64_t i)
{
    ops_val v = 0;
    ops_status made = ops.value->new_i64(ops.h, map->scope, i, &v);
    ops_map_made(map, key, made, v);
}

static inline void ops_map_f64(struct ops_map *map, const char *key, double d)
{
    ops_val v = 0;
    ops_status made = ops.value->new_f64(ops.h, map->scope, d, &v);
    ops_map_made(map, key, made, v);
}

static inline void ops_map_str(struct ops_map *map, const char *key, ops_str s)
{
    ops_val v = 0;
    ops_status made = ops.value->new_str(ops.h, map->scope, s, &v);
    ops_map_made(map, key, made, v);
}

static inline void ops_map_text(struct ops_map *map, const char *key, const char *text)
{
    ops_map_str(map, key, ops_text(text));
}

static inline void ops_map_bytes(struct ops_map *map, const char *key, ops_str bytes)
{
    ops_val v = 0;
    ops_status made = ops.value->new_bytes(ops.h, map->scope, bytes, &v);
    ops_map_made(map, key, made, v);
}

/* The map as a value; the first failure of all the calls before if there was one. */
static inline ops_status ops_map_end(struct ops_map *map, ops_val *out)
{
    if (map->status != OPS_OK) {
        return map->status;
    }
    return ops.value->new_map(ops.h, map->scope, map->keys, map->values, map->n, out);
}

/* ==== Ending a task ==== */

/* An error with `code` and `message` (borrowed), and nothing else. */
static inline ops_error ops_error_make(ops_status code, const char *message)
{
    ops_error e;
    memset(&e, 0, sizeof e);
    e.size = (uint32_t)sizeof e;
    e.code = code;
    e.message = ops_text(message);
    return e;
}

/* For the `err` of init() and create(): `message` must be a literal. Returns `code`. */
static inline ops_status ops_error_fill(ops_error *err, ops_status code, const char *message)
{
    if (err != NULL) {
        err->code = code;
        err->message = ops_text(message);
    }
    return code;
}

static inline void ops_fail_text(ops_task task, ops_status code, const char *message)
{
    ops_error e = ops_error_make(code, message);
    (void)ops.exec->fail(ops.h, task, &e);
}

/* With a message by printf's rules; cut at 511 bytes. */
__attribute__((format(printf, 3, 4))) static inline void
ops_fail_format(ops_task task, ops_status code, const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    ops_fail_text(task, code, message);
}

/* Ends the task well; when `output` is no good, ends it as failed with INTERNAL. */
static inline void ops_complete(ops_task task, ops_val output)
{
    ops_status status = ops.exec->complete(ops.h, task, ops_text(NULL), output);
    if (status != OPS_OK) {
        ops_fail_text(task, OPS_E_INTERNAL, "the output is not a value of this task");
    }
}

/* Ends the task well with the map, or as failed when the map could not be made. */
static inline void ops_complete_map(ops_task task, struct ops_map *map)
{
    ops_val output = 0;
    ops_status status = ops_map_end(map, &output);
    if (status != OPS_OK) {
        ops_fail_text(task, status, "the output could not be made");
        return;
    }

    ops_complete(task, output);
}

/* ==== State ==== */

/* Cleared memory that lives as long as the task; NULL, and the task has failed, if there is none.
 */
static inline void *ops_task_alloc(ops_task task, uint64_t size)
{
    void *memory = NULL;
    if (ops.value->alloc(ops.h, task, size, &memory) != OPS_OK) {
        ops_fail_text(task, OPS_E_RESOURCE, "out of memory");
    }
    return memory;
}

/* ==== What is kept ==== */

/* What stands under `key` (copied): the get() of ops.kv. */
static inline ops_status ops_kv_get(ops_task task, ops_str key, ops_kv_done done, void *user)
{
    ops_kv_req req;
    memset(&req, 0, sizeof req);
    req.size = (uint32_t)sizeof req;
    req.key = key;
    req.done = done;
    req.user = user;
    return ops.kv->get(ops.h, task, &req, NULL);
}

/* ==== Log ==== */

/* One line about a task (0: about the plugin) without keys. */
static inline void ops_log_text(ops_task task, uint32_t level, const char *message)
{
    if (ops.log != NULL) {
        ops.log->write(ops.h, task, level, ops_text(message), NULL, NULL, 0);
    }
}

#ifdef __cplusplus
}
#endif
#endif
