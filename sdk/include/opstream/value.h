/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPSTREAM_VALUE_H
#define OPSTREAM_VALUE_H

/*
 * ops.value 1: immutable values, the model of JSON and bytes besides.
 *
 * A handle names a value inside a scope and stays valid until the scope ends. Reading copies
 * nothing: texts point into the host's memory, are read-only and live as long as the handle.
 *
 * Integers of 64 bits are kept apart from doubles. Texts are UTF-8, checked when they are made.
 * JSON has no bytes: put in a list or map, or given as an output, a bytes value becomes a string in
 * base64. Limits: depth 64, 16 MiB for a text to be read.
 *
 * A text that was made of a secret is a string whose bytes the plugin does not get: get_str and
 * get_bytes return OPS_E_PERMISSION, count 0, to_json writes "***". It is passed on by its handle:
 * to ops.http as the value of a header, to ops.process for a child, to ops.secret to sign with or
 * to be joined with other text; and it can be put into lists, maps and outputs, where the host
 * hides it. Only a plugin whose manifest has the capability `secret.read` reads it as any other.
 *
 * All functions return OPS_E_STALE for a value or scope that is over, and
 * OPS_E_INTERNAL for a NULL pointer where one must not be.
 */

#include "opstream/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OPS_IF_VALUE "ops.value"

#define OPS_TYPE_NONE   0u /* no value: the handle is 0, over or made up */
#define OPS_TYPE_NULL   1u
#define OPS_TYPE_BOOL   2u
#define OPS_TYPE_INT    3u /* fits int64_t */
#define OPS_TYPE_DOUBLE 4u /* finite */
#define OPS_TYPE_STRING 5u
#define OPS_TYPE_BYTES  6u
#define OPS_TYPE_LIST   7u
#define OPS_TYPE_MAP    8u /* keys are unique strings, in the order in which they were written */

typedef struct ops_if_value {
    uint32_t size;
    uint32_t version;

    /* [any-thread] One of OPS_TYPE_*. */
    uint32_t (*type)(void *h, ops_val v);

    /*
     * [any-thread] Reading. OPS_E_INPUT when `v` is of another type; `*out` is untouched then.
     * get_f64 takes integers too, get_i64 only integers. get_bytes takes strings and bytes.
     */
    ops_status (*get_bool)(void *h, ops_val v, int32_t *out);
    ops_status (*get_i64)(void *h, ops_val v, int64_t *out);
    ops_status (*get_f64)(void *h, ops_val v, double *out);
    ops_status (*get_str)(void *h, ops_val v, ops_str *out);
    ops_status (*get_bytes)(void *h, ops_val v, ops_str *out);

    /* [any-thread] Items of a list, members of a map, bytes of a string or of bytes; 0 for all
     * else. */
    uint64_t (*count)(void *h, ops_val v);
    /*
     * [any-thread] Item `i`; OPS_E_NOT_FOUND beyond the end. The handle is in the scope of `list`:
     * a new one, or in the scope of a node or of the plugin the one that the item was given before.
     */
    ops_status (*at)(void *h, ops_val list, uint64_t i, ops_val *out);
    /* [any-thread] The member `key`; OPS_E_NOT_FOUND when there is none. */
    ops_status (*find)(void *h, ops_val map, ops_str key, ops_val *out);
    /* [any-thread] Member `i`, its key and value; either of `key` and `out` may be NULL. */
    ops_status (*pair)(void *h, ops_val map, uint64_t i, ops_str *key, ops_val *out);

    /*
     * [any-thread] Making. The new value lives in `scope`; texts, keys and bytes are copied, values
     * are shared. OPS_E_INPUT: text that is not UTF-8, a double that is not finite, a key that is
     * there twice, nested too deep. OPS_E_RESOURCE: too large, or out of memory.
     */
    ops_status (*new_null)(void *h, ops_scope scope, ops_val *out);
    ops_status (*new_bool)(void *h, ops_scope scope, int32_t b, ops_val *out);
    ops_status (*new_i64)(void *h, ops_scope scope, int64_t i, ops_val *out);
    ops_status (*new_f64)(void *h, ops_scope scope, double d, ops_val *out);
    ops_status (*new_str)(void *h, ops_scope scope, ops_str s, ops_val *out);
    ops_status (*new_bytes)(void *h, ops_scope scope, ops_str bytes, ops_val *out);
    ops_status (*new_list)(void *h, ops_scope scope, const ops_val *values, uint64_t n,
                           ops_val *out);
    ops_status (*new_map)(void *h, ops_scope scope, const ops_str *keys, const ops_val *values,
                          uint64_t n, ops_val *out);

    /*
     * [any-thread] Reads JSON text straight into a value. OPS_E_INPUT: it is no JSON;
     * OPS_E_RESOURCE: deeper or larger than the host takes, or out of memory. `err` (may be NULL)
     * then has a message, with line and column.
     */
    ops_status (*from_json)(void *h, ops_scope scope, ops_str text, ops_val *out, ops_error *err);
    /* [any-thread] The value as compact JSON; the text lives as long as the scope of `v`. */
    ops_status (*to_json)(void *h, ops_val v, ops_str *out);

    /*
     * [any-thread] The same value under a new handle in another scope: to keep it longer. The old
     * handle stays as it was. Nothing is copied.
     */
    ops_status (*retain)(void *h, ops_val v, ops_scope scope, ops_val *out);

    /*
     * [any-thread] `size` bytes of cleared memory for the plugin itself, aligned for any type, that
     * live as long as `scope`: the state of a task that nobody has to free, however the task ends.
     * Memory of a task is still there until the callback that ended it, and all work of its jobs,
     * has returned.
     */
    ops_status (*alloc)(void *h, ops_scope scope, uint64_t size, void **out);

    /*
     * [any-thread] A scope inside a task, for values that are needed for a moment only: those of
     * the items of a stream, of one page of many. Without it the values of a task that emits
     * without end would all be kept. It ends with scope_close() or with the task. OPS_E_RESOURCE:
     * out of memory.
     */
    ops_status (*scope_open)(void *h, ops_task task, ops_scope *out);
    /* [any-thread] OPS_E_STALE: no scope that was opened, or it has ended. What emit() took is not
     * affected. */
    ops_status (*scope_close)(void *h, ops_scope scope);
} ops_if_value;

#ifdef __cplusplus
}
#endif
#endif
