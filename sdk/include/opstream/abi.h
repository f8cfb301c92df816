/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPSTREAM_ABI_H
#define OPSTREAM_ABI_H

/*
 * The ground of the plugin interface, epoch 1: handles, status codes, errors, and the host's first
 * table, from which a plugin fetches the others by name.
 *
 * A plugin is built once and runs in every OpStream that offers epoch 1. It may run inside the
 * orchestrator or in a worker process of its own, without being built again: nothing in these
 * headers tells which.
 *
 * Words used for pointers:
 *   borrowed  valid for this call only; copy what you need longer
 *   kept      the other side holds it until the event that the text names
 *   static    valid as long as the plugin is loaded
 * What `malloc` of one side gave is never freed by the other. A pointer may be NULL only where the
 * text says so; a function that gets one elsewhere returns OPS_E_INTERNAL.
 *
 * Words used for threads, at every function:
 *   [control]     one at a time per plugin; may take a second; must not wait for I/O
 *   [strand]      calls of one task never overlap and see each other's memory effects; the thread
 *                 may be another each time, so keep nothing in thread-local variables. A call
 *                 should return within 10 ms; longer ones are logged with the node's type.
 *   [any-thread]  may be called from everywhere, also from threads of the plugin; never blocks,
 *                 and never calls the plugin back from inside
 *   [any-thread, files]  the same, but where its text says so it reads files of the host: that can
 *                 take as long as a disk takes, and on a strand it counts as the plugin's time
 * Whatever only the orchestrator can answer is answered later, on the strand. What is answered at
 * once is known where the plugin runs.
 *
 * How these headers change: fields and functions are only ever appended, and zero always means "as
 * before". Each struct starts with its size; who reads one reads the smaller of that and its own,
 * and takes the rest as zero. Members with the name `reserved0` are 0. A flag or number that the
 * host does not know is OPS_E_UNSUPPORTED: it belongs to a later version. See ABI.md.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OPS_ABI_MAGIC 0x4F505354u /* "OPST" */
#define OPS_ABI_EPOCH 1u          /* is part of the name of the symbol that a plugin exports */
#define OPS_ABI_MINOR 0u          /* grows when something is appended */

/* The version of these headers; only for people, nothing is decided by it. */
#define OPS_SDK_VERSION "1.0.0-rc.1"

/* Marks the one symbol that a plugin exports; build all else with -fvisibility=hidden. */
#define OPS_EXPORT __attribute__((visibility("default")))

/*
 * Is member `m` there in the table or struct `p` of type `type`? The other side may have been built
 * with older headers. Needed only for what was added after minor 0.
 */
#define OPS_HAS(p, type, m) ((p) && (p)->size >= offsetof(type, m) + sizeof((p)->m))

/* ==== Handles ==== */

/*
 * Handles are numbers, 0 is "none". One that is over, made up or another plugin's is harmless: the
 * function returns OPS_E_STALE.
 */
typedef uint64_t ops_val;   /* an immutable value: see value.h */
typedef uint64_t ops_task;  /* one attempt to execute one node */
typedef uint64_t ops_op;    /* one host operation of a task that is under way */
typedef uint64_t ops_scope; /* how long values live */

/*
 * Scopes. Values die with theirs; nobody has to free them.
 *   a task's      the handle of the task itself; ends when it has completed
 *   inside one    scope_open(); ends with scope_close(), or with the task
 *   a node's      the argument of create(); ends after destroy()
 *   the plugin's  ops_host.scope; ends after shutdown()
 */

/* `n` bytes at `p`, UTF-8 unless the text says bytes; not NUL-terminated; `p` may be NULL if n = 0.
 */
typedef struct ops_str {
    const char *p;
    uint64_t n;
} ops_str;

/* ==== Status ==== */

/* 0 is success. The numbers are frozen; the host reads one that it does not know as INTERNAL. */
typedef int32_t ops_status;

#define OPS_OK             0
#define OPS_E_CONFIG       1  /* the node's config is wrong; never retried; `path` says where */
#define OPS_E_INPUT        2  /* this run's input is wrong; never retried */
#define OPS_E_AUTH         3  /* credential refused or expired */
#define OPS_E_PERMISSION   4  /* the other side says no, or a capability is not granted */
#define OPS_E_NOT_FOUND    5  /* no such thing */
#define OPS_E_CONFLICT     6  /* precondition or version clash */
#define OPS_E_RATE_LIMITED 7  /* retried; retry_after_ms is honoured */
#define OPS_E_TIMEOUT      8  /* retried if the effect is NONE or the node is idempotent */
#define OPS_E_UNAVAILABLE  9  /* cannot be reached, or says 502 or 503; retried */
#define OPS_E_UPSTREAM     10 /* remote fault that a retry is not known to cure */
#define OPS_E_CANCELLED    11 /* because somebody asked for it */
#define OPS_E_RESOURCE     12 /* memory, quota, a limit of size */
#define OPS_E_WOULD_BLOCK  13 /* back-pressure: wait for on_writable() */
#define OPS_E_STALE        14 /* the handle is no longer valid; harmless */
#define OPS_E_UNSUPPORTED  15 /* this host, or this build of it, cannot do that */
#define OPS_E_INTERNAL     16 /* a bug in the plugin */
#define OPS_E_CRASHED      17 /* only the host reports it */
#define OPS_E_BUDGET       18 /* ops.budget has refused the call; never retried */

/* May the step be tried again? For ops_error.retry; unknown: as DEFAULT. */
#define OPS_RETRY_DEFAULT 0u /* by code, as above */
#define OPS_RETRY_YES     1u
#define OPS_RETRY_NO      2u

/* Did anything happen outside? For ops_error.effect; unknown: as MAYBE. */
#define OPS_EFFECT_NONE  0u /* nothing happened */
#define OPS_EFFECT_MAYBE 1u /* unknown: retried only if idempotent or sent with a key */
#define OPS_EFFECT_DONE  2u /* it happened */

/*
 * For ops_error.flags. The same once more does no harm, whatever the node's type is: what was done
 * is idempotent, or was sent with a key.
 */
#define OPS_ERROR_REPEATABLE 1u

/*
 * What went wrong. Given to the host it is borrowed. Filled by the host its texts live as long as
 * the scope of the call; who gives one to be filled sets `size` before. All but `size` and `code`
 * may be zero.
 */
typedef struct ops_error {
    uint32_t size; /* sizeof(ops_error) */
    ops_status code;
    uint32_t retry;          /* OPS_RETRY_* */
    uint32_t effect;         /* OPS_EFFECT_* */
    uint64_t retry_after_ms; /* 0: the host's own back-off */
    ops_str symbol;          /* stable name for programs: "github.rate_limit" */
    ops_str message;         /* one sentence for people; no secrets in it */
    ops_str path;            /* JSON pointer into the config or the input */
    ops_str hint;            /* what to do about it */
    ops_val details;         /* any value, 0: none */
    int32_t upstream_status; /* of HTTP, or 0 */
    uint32_t flags;          /* OPS_ERROR_* */
} ops_error;

/* ==== The host ==== */

/* What init() is given; static. */
typedef struct ops_host {
    uint32_t size;
    uint32_t abi_minor; /* the host's */
    void *h;            /* the first argument of all host functions */
    ops_scope scope;    /* the plugin's */
    ops_str name;       /* "opstream" */
    ops_str version;    /* "1.4.0" */
    /*
     * [any-thread] The table of interface `id` ("ops.http"), static; it has at least version
     * `min_version`. NULL: the host does not know it (UNSUPPORTED), has an older one (UNSUPPORTED),
     * or did not grant it (PERMISSION); `why` (may be NULL) is filled and says which and what to
     * do.
     */
    const void *(*get_iface)(const struct ops_host *host, const char *id, uint32_t min_version,
                             ops_error *why);
} ops_host;

#ifdef __cplusplus
}
#endif
#endif
