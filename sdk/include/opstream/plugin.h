/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPSTREAM_PLUGIN_H
#define OPSTREAM_PLUGIN_H

/*
 * What a plugin gives to the host, and the whole interface besides: include this one. Most plugins
 * want opstream/sdk.h, which is this and inline functions that make it short.
 *
 * A plugin is one .so file with a manifest inside (an ELF note; the build puts it there) and one
 * exported symbol. The host reads the manifest without running code of the plugin; then, when a
 * node of it is first needed:
 *
 *     init -> create(settings) -> execute(task, config)* -> [cancel] -> complete or fail -> destroy
 *          -> shutdown
 *
 * and, where a pipeline wants to know how services are, check(task, origin) in the place of
 * execute().
 *
 * A library is loaded once and never unloaded. A plugin must not handle signals, fork, exit, change
 * the working folder, the environment, the locale or the umask, or write to stdout: it shares them
 * with others.
 */

#include "opstream/abi.h"
#include "opstream/budget.h"
#include "opstream/exec.h"
#include "opstream/http.h"
#include "opstream/job.h"
#include "opstream/kv.h"
#include "opstream/log.h"
#include "opstream/mail.h"
#include "opstream/process.h"
#include "opstream/schema.h"
#include "opstream/secret.h"
#include "opstream/timer.h"
#include "opstream/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The plugin's own, opaque to the host; struct ops_plugin and struct ops_node are yours to define.
 */
typedef struct ops_plugin ops_plugin;
typedef struct ops_node ops_node;

/* ==== Node types ==== */

/* For ops_node_type.flags. */
#define OPS_NODE_PARALLEL   1u /* tasks of one node may run at the same time: a strand for each */
#define OPS_NODE_BLOCKING   2u /* execute() may block: it is called on a thread of the job pool */
#define OPS_NODE_IDEMPOTENT 4u /* the manifest must say so too: it is read before this is */

typedef struct ops_node_type {
    uint32_t size;           /* sizeof(ops_node_type) */
    uint32_t flags;          /* OPS_NODE_* */
    const char *name;        /* "acme.issues.create"; must stand in the manifest */
    uint32_t config_version; /* of the config that this code reads; the manifest says the same */
    uint32_t reserved0;
    /*
     * [control] Optional. Called once per node type and digest of settings. The settings are
     * checked against the manifest's schema and live until destroy(). Only for what a schema
     * cannot say; must not do I/O. On OPS_OK `*out` must be set and not NULL. Otherwise `err` is
     * the host's memory to fill; its texts are static or were made by new_str() in `scope`.
     * NULL: the other functions get NULL for the node.
     */
    ops_status (*create)(ops_plugin *plugin, ops_scope scope, ops_val settings, ops_node **out,
                         ops_error *err);
    /*
     * [strand] The config is this task's, resolved and checked against the schema; it lives until
     * the task ends. Return soon; end the task through ops.exec, now or later.
     */
    void (*execute)(ops_node *node, ops_task task, ops_val config);
    /*
     * [strand] Optional. At most once, never after the end, never before execute() has returned (a
     * blocking one polls cancelled()). Stop own work, then complete or fail. `reason`:
     * OPS_CANCEL_*. NULL: nothing to stop; the task must still end soon after its operations were
     * aborted.
     */
    void (*cancel)(ops_node *node, ops_task task, uint32_t reason);
    /*
     * [control] Optional. No tasks of the node are left: what a plugin does on threads of its own
     * may not use the node after the end of the task that it did it for. It comes when opstream
     * ends, or earlier for settings that nobody has used for long.
     */
    void (*destroy)(ops_node *node);
    /*
     * [strand] Optional; with one, the manifest says `"check": true` of the type. Finds out whether
     * the service that the settings name can be reached: with as little as can be, and without
     * changing anything there. `origin` is what tells services of equal settings apart, as
     * "https://api.example.com:443": the origin of the URL in configs or in the settings, where a
     * schema marks one (x-ops-origin); else it is empty. It lives until the task ends. The task is
     * none of a run: it has no config, its info no run, node and key, and its items are dropped.
     * Return soon, and end it through ops.exec: complete() says that the service can be used (the
     * output is not looked at), fail() why it cannot; with UNSUPPORTED, that these settings name
     * nothing that can be asked so, and nothing is known of it. Time out yourself only where the
     * service asks for less than the host gives: the deadline of the info, when cancel() is called.
     * A check that does not end soon after that is given up, and the service is not checked again
     * by this process.
     *
     * A type whose `size` ends before this member has none, as one with NULL; a host that does not
     * know it never calls it.
     */
    void (*check)(ops_node *node, ops_task task, ops_str origin);
} ops_node_type;

/* ==== The plugin ==== */

typedef struct ops_plugin_desc {
    uint32_t magic;     /* OPS_ABI_MAGIC */
    uint32_t size;      /* sizeof(ops_plugin_desc) */
    uint32_t abi_epoch; /* OPS_ABI_EPOCH */
    uint32_t abi_minor; /* OPS_REQUIRE_MINOR: the least that the source needs */
    uint32_t flags;     /* 0: there are none yet */
    uint32_t reserved0;
    const char *id;          /* as in the manifest */
    const char *version;     /* as in the manifest */
    const char *sdk_version; /* OPS_SDK_VERSION */
    uint64_t manifest_crc;   /* OPS_MANIFEST_CRC, from the build: binds code and manifest */
    /*
     * [control] Optional. Once per process, before anything else. `host` is static. `*out` may
     * stay NULL. On failure `err` is filled as in create().
     */
    ops_status (*init)(const ops_host *host, ops_plugin **out, ops_error *err);
    /* [control] Optional. All nodes are gone. Stop own threads before returning. */
    void (*shutdown)(ops_plugin *plugin);
    const ops_node_type *const *types;
    uint64_t n_types;
    /*
     * [control] Optional. Extensions by name, for later interfaces from the plugin to the host; the
     * table is static. Not called by this version.
     */
    const void *(*get_ext)(ops_plugin *plugin, const char *id, uint32_t min_version);
} ops_plugin_desc;

/*
 * The least minor version of the interface that the source needs. 0 unless you define it before
 * including this header, so that building with newer headers does not by itself ask for a newer
 * host.
 */
#ifndef OPS_REQUIRE_MINOR
#define OPS_REQUIRE_MINOR 0u
#endif

/* The only symbol that a plugin exports. Constant data: reading it runs no code of the plugin. */
extern OPS_EXPORT const ops_plugin_desc opstream_plugin_v1;

#ifdef __cplusplus
}
#endif
#endif
