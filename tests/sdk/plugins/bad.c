/* SPDX-License-Identifier: Apache-2.0 */

/* A plugin with one fault, chosen by a definition BAD_*; without any it is good. */

#include "opstream/sdk.h"

#ifdef BAD_UNRESOLVED
extern int opstream_test_function_that_nobody_has(void);
#endif

#ifdef BAD_TLS
/* More than the loader has left for those who come late. */
__attribute__((tls_model("initial-exec"))) static __thread volatile char of_thread[2048];
#endif

#ifndef BAD_NO_EXECUTE
static void bad_execute(ops_node *node, ops_task task, ops_val config)
{
    struct ops_map out = ops_map_begin(task);
    (void)node;
    (void)config;
#ifdef BAD_UNRESOLVED
    ops_map_i64(&out, "n", opstream_test_function_that_nobody_has());
#endif
    ops_complete_map(task, &out);
}
#endif

static ops_status bad_init(const ops_host *host, ops_plugin **out, ops_error *err)
{
    ops_status status = ops_default_init(host, out, err);
#ifdef BAD_TLS
    of_thread[host->size] = 1;
#endif
#ifdef BAD_INIT
    status = ops_error_fill(err, OPS_E_AUTH, "no licence was found");
#endif
#ifdef BAD_INIT_SILENT
    status = OPS_E_UNSUPPORTED;
#endif
    return status;
}

#if defined(BAD_CREATE) || defined(BAD_CREATE_NULL)
static ops_status bad_create(ops_plugin *plugin, ops_scope scope, ops_val settings, ops_node **out,
                             ops_error *err)
{
    (void)plugin;
    (void)scope;
    (void)settings;
    (void)out;
#ifdef BAD_CREATE
    return ops_error_fill(err, OPS_E_CONFIG, "the key is too short");
#else
    (void)err;
    return OPS_OK;
#endif
}
#else
#define bad_create NULL
#endif

#ifdef BAD_CONFIG_VERSION
#define CONFIG_VERSION 2u
#else
#define CONFIG_VERSION 1u
#endif

#ifdef BAD_IDEMPOTENT
#define FLAGS (OPS_NODE_PARALLEL | OPS_NODE_IDEMPOTENT)
#elif defined(BAD_TYPE_FLAGS)
#define FLAGS (OPS_NODE_PARALLEL | 0x100u)
#else
#define FLAGS OPS_NODE_PARALLEL
#endif

#if defined(BAD_CHECK) || defined(BAD_OLD_TYPE)
static void bad_check(ops_node *node, ops_task task, ops_str origin)
{
    (void)origin;
    bad_execute(node, task, 0);
}
#else
#define bad_check NULL
#endif

/* As it was before check(): what follows is none of the type's. */
#ifdef BAD_OLD_TYPE
#define TYPE_SIZE offsetof(ops_node_type, check)
#else
#define TYPE_SIZE sizeof(ops_node_type)
#endif

static const ops_node_type bad = {
    .size = (uint32_t)TYPE_SIZE,
    .flags = FLAGS,
    .name = "bad",
    .config_version = CONFIG_VERSION,
    .create = bad_create,
#ifndef BAD_NO_EXECUTE
    .execute = bad_execute,
#endif
    .check = bad_check,
};

#if defined(BAD_EXTRA_TYPE) || defined(BAD_OTHER_TYPE)
static const ops_node_type other = OPS_NODE("bad.other", 0u, bad_execute);
#endif

static const ops_node_type *const types[] = {
#ifdef BAD_OTHER_TYPE
    &other,
#else
    &bad,
#endif
#ifdef BAD_EXTRA_TYPE
    &other,
#endif
#ifdef BAD_TYPE_TWICE
    &bad,
#endif
};

#ifdef BAD_MAGIC
#define MAGIC 0x12345678u
#else
#define MAGIC OPS_ABI_MAGIC
#endif

/* What newer headers would append. */
struct larger {
    ops_plugin_desc known;
    uint64_t appended[8];
};

#if defined(BAD_SIZE_ZERO)
#define SIZE 0
#elif defined(BAD_SIZE)
#define SIZE (sizeof(ops_plugin_desc) - 8)
#elif defined(BAD_LARGER)
#define SIZE sizeof(struct larger)
#else
#define SIZE sizeof(ops_plugin_desc)
#endif

#ifdef BAD_DESC_EPOCH
#define EPOCH 2u
#else
#define EPOCH OPS_ABI_EPOCH
#endif

#ifdef BAD_DESC_MINOR
#define MINOR 7u
#else
#define MINOR 0u
#endif

#ifdef BAD_FLAGS
#define DESC_FLAGS 0x100u
#else
#define DESC_FLAGS 0u
#endif

#ifdef BAD_CRC
#define CRC 1u
#else
#define CRC OPS_MANIFEST_CRC
#endif

#ifdef BAD_ID
#define ID "worse"
#else
#define ID "bad"
#endif

#ifdef BAD_VERSION
#define VERSION "9.9.9"
#else
#define VERSION "1.2.3"
#endif

struct ops_tables ops;

#define DESCRIPTOR                                                                                 \
    {                                                                                              \
        .magic = MAGIC, .size = SIZE, .abi_epoch = EPOCH, .abi_minor = MINOR, .flags = DESC_FLAGS, \
        .id = ID, .version = VERSION, .sdk_version = OPS_SDK_VERSION, .manifest_crc = CRC,         \
        .init = bad_init, .types = types, .n_types = sizeof types / sizeof types[0],               \
    }

#if defined(BAD_FUNCTION)
__attribute__((visibility("default"))) void bad_entry(void) __asm__("opstream_plugin_v1");
void bad_entry(void)
{
    __builtin_trap(); /* nobody may call it */
}
const ops_plugin_desc bad_unused __attribute__((used)) = DESCRIPTOR;
#elif defined(BAD_TWO_SYMBOLS)
/* As one that also serves a later epoch. */
extern OPS_EXPORT const uint32_t opstream_plugin_v2[4];
const uint32_t opstream_plugin_v2[4] = {OPS_ABI_MAGIC, 16, 2, 0};
const ops_plugin_desc opstream_plugin_v1 = DESCRIPTOR;
#elif defined(BAD_SYMBOL)
OPS_EXPORT extern const ops_plugin_desc opstream_plugin_v0;
const ops_plugin_desc opstream_plugin_v0 = DESCRIPTOR;
#elif defined(BAD_LARGER)
/* The symbol's type is the known part; what follows it belongs to the same object. */
static const struct larger larger __attribute__((used)) = {.known = DESCRIPTOR, .appended = {1}};
extern __attribute__((alias("larger"))) const ops_plugin_desc opstream_plugin_v1;
#else
const ops_plugin_desc opstream_plugin_v1 = DESCRIPTOR;
#endif
