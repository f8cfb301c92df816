/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPSTREAM_SCHEMA_H
#define OPSTREAM_SCHEMA_H

/*
 * ops.schema 1: JSON Schema, draft 2020-12, for schemas that stand in a config or come from a
 * service. What the manifest's schemas say the host checks by itself.
 */

#include "opstream/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OPS_IF_SCHEMA "ops.schema"

typedef struct ops_if_schema {
    uint32_t size;
    uint32_t version;
    /*
     * [any-thread, files] Checks `value` by `schema`; a `value` of 0: only whether `schema` is one.
     * The first regular expression of all loads a library.
     * OPS_E_CONFIG: it is none, and `err` says where and why. OPS_E_INPUT: the value breaks rules,
     * and the message of `err` names the first ten, each with its JSON pointer. OPS_E_RESOURCE: out
     * of memory, or larger than the host takes. `err` may be NULL; its texts live as long as
     * `scope`.
     */
    ops_status (*check)(void *h, ops_scope scope, ops_val schema, ops_val value, ops_error *err);
} ops_if_schema;

#ifdef __cplusplus
}
#endif
#endif
