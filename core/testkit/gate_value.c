/* SPDX-License-Identifier: Apache-2.0 */

/* The gate before ops.value. */

#include "core/testkit/gate.h"

static ops_status gated_get_bool(void *h, ops_val v, int32_t *out)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_VALUE_GET_BOOL, v)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->value->get_bool(h, v, out));
}

static ops_status gated_get_i64(void *h, ops_val v, int64_t *out)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_VALUE_GET_I64, v)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->value->get_i64(h, v, out));
}

static ops_status gated_get_f64(void *h, ops_val v, double *out)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_VALUE_GET_F64, v)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->value->get_f64(h, v, out));
}

static ops_status gated_get_str(void *h, ops_val v, ops_str *out)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_VALUE_GET_STR, v)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->value->get_str(h, v, out));
}

static ops_status gated_get_bytes(void *h, ops_val v, ops_str *out)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_VALUE_GET_BYTES, v)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->value->get_bytes(h, v, out));
}

static ops_status gated_at(void *h, ops_val list, uint64_t i, ops_val *out)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_VALUE_AT, list)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->value->at(h, list, i, out));
}

static ops_status gated_find(void *h, ops_val map, ops_str key, ops_val *out)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_VALUE_FIND, map)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->value->find(h, map, key, out));
}

static ops_status gated_pair(void *h, ops_val map, uint64_t i, ops_str *key, ops_val *out)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_VALUE_PAIR, map)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->value->pair(h, map, i, key, out));
}

static ops_status gated_new_null(void *h, ops_scope scope, ops_val *out)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_VALUE_NEW_NULL, scope)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->value->new_null(h, scope, out));
}

static ops_status gated_new_bool(void *h, ops_scope scope, int32_t b, ops_val *out)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_VALUE_NEW_BOOL, scope)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->value->new_bool(h, scope, b, out));
}

static ops_status gated_new_i64(void *h, ops_scope scope, int64_t i, ops_val *out)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_VALUE_NEW_I64, scope)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->value->new_i64(h, scope, i, out));
}

static ops_status gated_new_f64(void *h, ops_scope scope, double d, ops_val *out)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_VALUE_NEW_F64, scope)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->value->new_f64(h, scope, d, out));
}

static ops_status gated_new_str(void *h, ops_scope scope, ops_str s, ops_val *out)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_VALUE_NEW_STR, scope)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->value->new_str(h, scope, s, out));
}

static ops_status gated_new_bytes(void *h, ops_scope scope, ops_str bytes, ops_val *out)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_VALUE_NEW_BYTES, scope)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->value->new_bytes(h, scope, bytes, out));
}

static ops_status gated_new_list(void *h, ops_scope scope, const ops_val *values, uint64_t n,
                                 ops_val *out)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_VALUE_NEW_LIST, scope)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->value->new_list(h, scope, values, n, out));
}

static ops_status gated_new_map(void *h, ops_scope scope, const ops_str *keys,
                                const ops_val *values, uint64_t n, ops_val *out)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_VALUE_NEW_MAP, scope)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->value->new_map(h, scope, keys, values, n, out));
}

static ops_status gated_from_json(void *h, ops_scope scope, ops_str text, ops_val *out,
                                  ops_error *err)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_VALUE_FROM_JSON, scope)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->value->from_json(h, scope, text, out, err));
}

static ops_status gated_to_json(void *h, ops_val v, ops_str *out)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_VALUE_TO_JSON, v)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->value->to_json(h, v, out));
}

static ops_status gated_retain(void *h, ops_val v, ops_scope scope, ops_val *out)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_VALUE_RETAIN, v)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->value->retain(h, v, scope, out));
}

static ops_status gated_alloc(void *h, ops_scope scope, uint64_t size, void **out)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_VALUE_ALLOC, scope)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->value->alloc(h, scope, size, out));
}

static ops_status gated_scope_open(void *h, ops_task task, ops_scope *out)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_VALUE_SCOPE_OPEN, task)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->value->scope_open(h, task, out));
}

static ops_status gated_scope_close(void *h, ops_scope scope)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_VALUE_SCOPE_CLOSE, scope)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->value->scope_close(h, scope));
}

void gate_fill_value(ops_if_value *table)
{
    table->get_bool = gated_get_bool;
    table->get_i64 = gated_get_i64;
    table->get_f64 = gated_get_f64;
    table->get_str = gated_get_str;
    table->get_bytes = gated_get_bytes;
    table->at = gated_at;
    table->find = gated_find;
    table->pair = gated_pair;
    table->new_null = gated_new_null;
    table->new_bool = gated_new_bool;
    table->new_i64 = gated_new_i64;
    table->new_f64 = gated_new_f64;
    table->new_str = gated_new_str;
    table->new_bytes = gated_new_bytes;
    table->new_list = gated_new_list;
    table->new_map = gated_new_map;
    table->from_json = gated_from_json;
    table->to_json = gated_to_json;
    table->retain = gated_retain;
    table->alloc = gated_alloc;
    table->scope_open = gated_scope_open;
    table->scope_close = gated_scope_close;
}
