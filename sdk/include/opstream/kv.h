/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPSTREAM_KV_H
#define OPSTREAM_KV_H

/*
 * ops.kv 1: bytes by key, kept for the plugin beside the state of the runs: for what one run has to
 * know of another (a page's ETag, the thread of an incident, what was sent already). All nodes and
 * runs of the plugin share one space; no other plugin sees it.
 *
 * What put() has answered with OK is durable, and get() gives it back until it is removed or its
 * time is over, also after a restart. Where runs are not kept (`opstream run --ephemeral`) it ends
 * with the process. It is no place for secrets, which would stand in it as they are, nor for
 * results of nodes, which the host keeps.
 *
 * Several tasks at once: each put() is whole; who must not lose the write of another says which
 * version it has seen (OPS_KV_IF_VERSION), and on CONFLICT reads and tries again.
 */

#include "opstream/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OPS_IF_KV "ops.kv"

#define OPS_KV_KEY_BYTES   512u      /* of a key at most; at least 1, UTF-8 */
#define OPS_KV_VALUE_BYTES 1048576u  /* of a value at most */
#define OPS_KV_ALL_BYTES   67108864u /* of all keys and values of a plugin */

/* For ops_kv_req.flags. */
#define OPS_KV_IF_ABSENT  1u /* only where nothing stands under the key */
#define OPS_KV_IF_VERSION 2u /* only over the version that the request names */

/* What stands under a key; borrowed. */
typedef struct ops_kv_entry {
    uint32_t size;
    uint32_t reserved0;
    ops_str value;
    uint64_t version;        /* another one with each put(), never given twice; not 0 */
    int64_t expires_unix_ms; /* 0: never */
} ops_kv_entry;

/*
 * [strand] The end of an operation, exactly once, but not after the task has ended.
 *   OK            get: `entry` is what was found; put: what stands there now, its value empty
 *   NOT_FOUND     get, remove: there is nothing; put with IF_VERSION: no more
 *   CONFLICT      put, remove: `entry` is what stands there, value and all
 *   RESOURCE      put: too much for OPS_KV_ALL_BYTES; or out of memory
 *   UNAVAILABLE   the state cannot be read or written
 *   CANCELLED     the operation had not begun
 * `entry` is NULL unless it is named here.
 */
typedef void (*ops_kv_done)(void *user, ops_task task, ops_status status,
                            const ops_kv_entry *entry);

/* Borrowed. `value` and `ttl_ms` are of put(), and of the others nothing. */
typedef struct ops_kv_req {
    uint32_t size;
    uint32_t flags; /* OPS_KV_*; of get(): 0; of remove(): 0 or IF_VERSION */
    ops_str key;
    ops_str value;    /* may be empty */
    uint64_t version; /* for IF_VERSION */
    uint64_t ttl_ms;  /* how long it is kept; 0: for ever */
    ops_kv_done done; /* must not be NULL */
    void *user;       /* kept until `done`, or until the task ends */
} ops_kv_req;

typedef struct ops_if_kv {
    uint32_t size;
    uint32_t version;
    /*
     * [any-thread] All three: `out` (may be NULL) names the operation for abort(). OPS_E_INPUT: the
     * key or the value is too long, or the key empty or not UTF-8; OPS_E_UNSUPPORTED: unknown
     * flags, or those of another function; OPS_E_INTERNAL: no `done`, both flags at once;
     * OPS_E_STALE; OPS_E_RESOURCE.
     */
    ops_status (*get)(void *h, ops_task task, const ops_kv_req *req, ops_op *out);
    ops_status (*put)(void *h, ops_task task, const ops_kv_req *req, ops_op *out);
    ops_status (*remove)(void *h, ops_task task, const ops_kv_req *req, ops_op *out);
    /* [any-thread] One that has not begun ends with CANCELLED; what has begun goes to its end. */
    ops_status (*abort)(void *h, ops_op op);
} ops_if_kv;

#ifdef __cplusplus
}
#endif
#endif
