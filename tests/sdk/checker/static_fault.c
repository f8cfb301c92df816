/* SPDX-License-Identifier: Apache-2.0 */

/* A plugin whose file has one fault, chosen by a definition FAULT_*; without any it is good. */

#ifdef FAULT_ENTRY_IS_FUNCTION
__attribute__((visibility("default"))) int opstream_plugin_v1(void);
int opstream_plugin_v1(void)
{
    return 0;
}
#else

#include "opstream/sdk.h"

#ifdef FAULT_EXPORTS
OPS_EXPORT extern int opstream_fault_exported;
int opstream_fault_exported = 1;
#endif

#ifdef FAULT_UNIQUE
__asm__(".pushsection .data\n"
        ".globl opstream_fault_unique\n"
        ".type opstream_fault_unique, %gnu_unique_object\n"
        ".size opstream_fault_unique, 4\n"
        "opstream_fault_unique: .long 1\n"
        ".popsection\n");
#endif

#ifdef FAULT_TEXTREL
__asm__(".pushsection .text\n"
        ".balign 8\n"
        "opstream_fault_target: .quad opstream_fault_target\n"
        ".popsection\n");
#endif

#ifdef FAULT_TLS
static __thread int fault_calls __attribute__((tls_model("initial-exec")));
#endif

#ifdef FAULT_CONSTRUCTORS
static volatile int fault_started; /* else clang does it beforehand, and there is no constructor */
__attribute__((constructor)) static void fault_constructor(void)
{
    fault_started = 1;
}
#endif

#if defined FAULT_START_CODE || defined FAULT_START_CODE_STRIPPED
void fault_start(void);
void fault_end(void);
void fault_start(void) /* the linker is told to have it called */
{
    __asm__ volatile("");
}
void fault_end(void)
{
    __asm__ volatile("");
}
#endif

#if defined FAULT_RESOLVERS || defined FAULT_RESOLVERS_EXPORTED
static int fault_two(void)
{
    return 2;
}
__attribute__((used)) static int (*fault_resolver(void))(void) /* clang: an alias is no use */
{
    return fault_two;
}
#ifdef FAULT_RESOLVERS_EXPORTED
OPS_EXPORT
#endif
int fault_number(void) __attribute__((ifunc("fault_resolver")));
#endif

#ifdef FAULT_DESTRUCTORS
__attribute__((destructor)) static void fault_destructor(void)
{
    __builtin_trap();
}
#endif

#ifdef FAULT_IMPORTS
extern int chdir(const char *path);
#endif

static void fault_execute(ops_node *node, ops_task task, ops_val config)
{
    struct ops_map out = ops_map_begin(task);
    (void)node;
    (void)config;
#ifdef FAULT_TLS
    ops_map_i64(&out, "calls", ++fault_calls);
#endif
#ifdef FAULT_CONSTRUCTORS
    ops_map_i64(&out, "started", fault_started);
#endif
#if defined FAULT_RESOLVERS || defined FAULT_RESOLVERS_EXPORTED
    ops_map_i64(&out, "number", fault_number());
#endif
#ifdef FAULT_IMPORTS
    ops_map_i64(&out, "moved", chdir("."));
#endif
    ops_complete_map(task, &out);
}

static const ops_node_type fault = OPS_NODE("fault", OPS_NODE_PARALLEL, fault_execute);

OPS_PLUGIN("fault", "1.0.0", &fault);
#endif
