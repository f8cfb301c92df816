/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_KV_H
#define CORE_HOST_KV_H

/*
 * What the host needs of a durable store for plugins. core/loop offers it over the journal; tests
 * give their own.
 *
 * Used by:  host (ops.kv), loop.
 * Uses:     base.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

#define HOST_KV_ALL_BYTES UINT64_C(67108864) /* of all keys and values of a plugin */

enum host_kv_status {
    HOST_KV_OK,
    HOST_KV_NOT_FOUND,
    HOST_KV_CONFLICT,
    HOST_KV_FULL,   /* all that the plugin may keep */
    HOST_KV_FAILED, /* the state cannot be read or written */
};

struct host_kv_entry {
    struct str value;
    uint64_t version;
    int64_t expires_unix_ms; /* 0: never */
};

/*
 * Once, from inside the call or later. `entry` is borrowed: of OK and CONFLICT; else NULL. After a
 * put() that went well its value is empty.
 */
typedef void (*host_kv_done_cb)(void *user, enum host_kv_status status,
                                const struct host_kv_entry *entry);

enum host_kv_condition {
    HOST_KV_ALWAYS,
    HOST_KV_IF_ABSENT,
    HOST_KV_IF_VERSION,
};

/* All borrowed for the call. */
struct host_kv_request {
    struct str plugin;
    struct str key;
    struct str value; /* put() */
    enum host_kv_condition condition;
    uint64_t version;
    uint64_t ttl_ms; /* put(); 0: for ever */
};

struct host_kv {
    void *self;
    void (*get)(void *self, const struct host_kv_request *request, host_kv_done_cb done,
                void *user);
    /* Both are durable when `done` comes with OK. `user` is kept until then. */
    void (*put)(void *self, const struct host_kv_request *request, host_kv_done_cb done,
                void *user);
    void (*remove)(void *self, const struct host_kv_request *request, host_kv_done_cb done,
                   void *user);
};

#endif
