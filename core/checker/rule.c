/* SPDX-License-Identifier: Apache-2.0 */
#include "core/checker/rule.h"

#include <string.h>

#define BUILD_WITH_US "build with opstream_add_plugin(), which does it"

const struct rule rule_table[] = {
    {"static.elf",
     RULE_ERROR,
     "the file is a whole shared library for this machine",
     "What is truncated, or built for another machine, cannot be loaded.",
     "Copy or build it again, on a machine like that which it is for.",
     {NULL},
     rule_static_elf},
    {"static.exports",
     RULE_ERROR,
     "it exports 'opstream_plugin_v1' and nothing else",
     "Whatever else it exports may take the place of another library's function of that name, or "
     "have its own taken.",
     "Compile with -fvisibility=hidden and link with -Wl,--exclude-libs,ALL, and mark nothing else "
     "as visible: " BUILD_WITH_US ". Define opstream_plugin_v1 by OPS_PLUGIN().",
     {"static.elf"},
     rule_static_exports},
    {"static.unique",
     RULE_ERROR,
     "no symbol is unique in the process (STB_GNU_UNIQUE)",
     "Of such symbols there is one for all libraries of the process, so that two plugins use each "
     "other's static data.",
     "Compile C++ with -fvisibility=hidden and -fno-gnu-unique.",
     {"static.elf"},
     rule_static_unique},
    {"static.tls",
     RULE_ERROR,
     "no thread-local data of the initial-exec model (DF_STATIC_TLS)",
     "It takes from some 1,500 bytes that the whole process has to spare: with a few such plugins "
     "the next one cannot be loaded.",
     "Compile with -fPIC, without -ftls-model=initial-exec or __attribute__((tls_model)); or keep "
     "the data elsewhere: tasks move between threads anyway.",
     {"static.elf"},
     rule_static_tls},
    {"static.textrel",
     RULE_ERROR,
     "its code is never written to (DT_TEXTREL)",
     "Pages that are both written and run are refused by hardened systems, and shared with nobody.",
     "Compile everything with -fPIC, assembler sources and static libraries too.",
     {"static.elf"},
     rule_static_textrel},
    {"static.stack",
     RULE_ERROR,
     "it does not ask for a stack that can be run",
     "The loader then makes the stacks of the whole process executable, or refuses the library.",
     "Add .section .note.GNU-stack,\"\",@progbits to assembler sources, take the address of no "
     "nested function, and link with -Wl,-z,noexecstack.",
     {"static.elf"},
     rule_static_stack},
    {"static.constructors",
     RULE_ERROR,
     "nothing of it runs when it is loaded, or when the program ends",
     "A constructor runs before the host can limit, time or blame it, in `opstream plugin list` "
     "of the probe as in the daemon. A destructor runs when the rest of the program is gone "
     "already, and one that crashes makes a good end of the daemon a bad one.",
     "Do it in init() and shutdown(); in C++ have no global objects with constructors, and do not "
     "include <iostream>. Link without -Wl,-init and -Wl,-fini. '_GLOBAL__sub_I_eh_alloc.cc' comes "
     "with -static-libstdc++: link with libstdc++.so. '__cpu_indicator_init' and resolvers come "
     "with target_clones, ifunc and __builtin_cpu_supports(): ask for the processor in init(), by "
     "getauxval() or cpuid, and call what fits by a pointer.",
     {"static.elf"},
     rule_static_constructors},
    {"static.imports",
     RULE_ERROR,
     "it uses nothing that is the host's alone",
     "Signals, children, the working folder, the environment, the locale, the umask and stdout are "
     "of the whole process, which other plugins and the orchestrator live in.",
     "Use the services of the host (ops.process, ops.timer, ops.log), or functions that change "
     "nothing for others.",
     {"static.elf"},
     rule_static_imports},
    {"static.glibc",
     RULE_ERROR,
     "it needs no newer C library than it may",
     "On a system with an older glibc it cannot be loaded.",
     "Build on the oldest system that it is for; --glibc VERSION says which one that is.",
     {"static.elf"},
     rule_static_glibc},
    {"static.rpath",
     RULE_ERROR,
     "it names no folders for its libraries (RPATH, RUNPATH)",
     "On another machine the folder is missing, or is somebody else's, who then chooses what is "
     "loaded.",
     "Link without -rpath; with CMake set INSTALL_RPATH and BUILD_RPATH to nothing.",
     {"static.elf"},
     rule_static_rpath},
    {"static.libraries",
     RULE_ERROR,
     "the libraries that it needs are there",
     "Without them it cannot be loaded.",
     "Install what is missing, name it in the dependencies of the package, or link it statically.",
     {"static.elf"},
     rule_static_libraries},
    {"static.symbols",
     RULE_ERROR,
     "all that it uses is in the libraries that it names",
     "What happens to be in the program today may be gone tomorrow; the host exports nothing.",
     "Link with -Wl,-z,defs, which makes the linker say so, and name the library that has it.",
     {"static.elf", "static.libraries"},
     rule_static_symbols},
    {"static.build-id",
     RULE_WARNING,
     "it has a build id",
     "A report of a crash names the build id, by which its debugging symbols are found.",
     "Link with -Wl,--build-id.",
     {"static.elf"},
     rule_static_build_id},
    {"manifest.note",
     RULE_ERROR,
     "its manifest is in the file, whole",
     "The host reads the manifest before it runs any code; without one it is no plugin.",
     "Build with opstream_add_plugin(), or put what opstream-manifest-note makes into it.",
     {"static.elf"},
     rule_manifest_note},
    {"manifest.form",
     RULE_ERROR,
     "its manifest is as manifests must be, and its schemas compile",
     "The host refuses a plugin whose manifest it does not understand.",
     "Mend manifest.json and build again.",
     {"manifest.note"},
     rule_manifest_form},
    {"manifest.sidecar",
     RULE_ERROR,
     "plugin.json beside it is its manifest, byte for byte",
     "People and programs read plugin.json; the host believes the file. They must say the same.",
     "Install the plugin.json that the build made with this file.",
     {"manifest.note"},
     rule_manifest_sidecar},
    {"manifest.needs",
     RULE_ERROR,
     "this opstream has what it needs",
     "A plugin of a newer ABI, or that needs an interface that is not there, is not loaded.",
     "Ask for no more than the source uses: abi.minor_needed, interfaces.required.",
     {"manifest.form"},
     rule_manifest_needs},
    {"run.load",
     RULE_ERROR,
     "it loads, its code is as its manifest says, and init() succeeds",
     "Otherwise none of its node types can be used. The descriptor must have the manifest's id, "
     "version, checksum and node types, each with its config_version, flags and check().",
     "Build code and manifest together; name the same node types in both.",
     {"static.symbols", "manifest.needs"},
     rule_run_load},
    {"run.configs",
     RULE_ERROR,
     "each task ends once, with every config that its schema allows",
     "A task that never ends holds its run; one that ends twice, or leaves operations or values "
     "behind, is a fault that shows as another one later.",
     "End every path of execute() and of each callback by exactly one complete(), with a port that "
     "the manifest names, or fail(), also "
     "with texts, lists and numbers that are as small or as large as the schema allows, and with "
     "secrets where x-ops-secret lets them stand: then the plugin has handles that it cannot read. "
     "The finding has the config; services answer by chance, of which --seed is the beginning.",
     {"run.load"},
     rule_run_configs},
    {"run.strand",
     RULE_WARNING,
     "execute() and callbacks return within 10 ms",
     "One thread serves many tasks: while a call of this one works or sleeps, none of the others "
     "goes on, nor do timers and the API.",
     "Wait by ops.timer and the callbacks of services, work in ops.job, or set OPS_NODE_BLOCKING "
     "for a node that can only wait: then its execute() has a thread of its own. Each config is "
     "played 5 times, of which the fastest counts.",
     {"run.configs"},
     rule_run_strand},
    {"run.mutations",
     RULE_ERROR,
     "the same holds when one thing in the config is made otherwise",
     "What breaks the schema, the host refuses. What the schema allows comes to the node as it is: "
     "empty, very long, at the ends of numbers, in any language; a secret, where one may stand.",
     "Mend the node, or say in the schema what it can't take: minLength, maximum, pattern.",
     {"run.configs"},
     rule_run_mutations},
    {"run.outputs",
     RULE_WARNING,
     "what it completes with keeps its output_schema",
     "Expressions in pipelines are checked against the output_schema; what is otherwise at run "
     "time makes them fail there.",
     "Services answer by chance here, also as none would. Where that matters check what comes "
     "before it becomes the output, and fail with OPS_E_UPSTREAM "
     "where it is not as it should be; or say in the schema what can come.",
     {"run.configs"},
     rule_run_outputs},
    {"run.checks",
     RULE_ERROR,
     "check() ends once, whatever the service answers",
     "A check that does not end is given up, and the service is not looked at again.",
     "End every path of check() and of its callbacks by exactly one complete() or fail().",
     {"run.load"},
     rule_run_checks},
    {"run.cancel",
     RULE_ERROR,
     "a task that is cancelled ends, at whatever step it is",
     "One that does not is given up after its grace, and its memory stays until the program ends.",
     "After cancel() end the task soon: by fail() with OPS_E_CANCELLED, there or in the callbacks "
     "of its operations, which all come back with CANCELLED. A node without operations of the host "
     "under way needs a cancel().",
     {"run.configs"},
     rule_run_cancel},
    {"run.faults",
     RULE_ERROR,
     "a task ends once, whichever call of the host fails",
     "Memory runs out, connections break, quotas are used up: mostly in production.",
     "Look at what each function returns, and fail the task with it; a call that returned an error "
     "has no callback to wait for.",
     {"run.configs"},
     rule_run_faults},
    {"run.start",
     RULE_ERROR,
     "init() and create() say no when a call of the host fails",
     "A plugin that starts without what it asked for does something else than it should, or "
     "crashes, in the first task or in a later one.",
     "Look at what each function returns, give up what was made before, fill `err` and return the "
     "status: the host says so and tries again later. Going on is for who was told that there is "
     "no such time zone or program. What a node can do without it asks for when a task needs it.",
     {"run.configs"},
     rule_run_start},
    {"run.process",
     RULE_ERROR,
     "it leaves the process as it was",
     "Working folder, umask, environment, locale, signals, children and stdout are of the whole "
     "process; descriptors that are never closed run out.",
     "Do not change them, nor call libraries that do; close what was opened in destroy() and "
     "shutdown().",
     {"run.configs"},
     rule_run_process},
    {"run.growth",
     RULE_ERROR,
     "memory, descriptors and threads do not grow from task to task",
     "The orchestrator runs for months, and with it the plugin.",
     "Free what a task took when it ends, also when it was cancelled or a call of the host failed "
     "(one in three each), or take it from its scope with ops_task_alloc(). The blocks of malloc() "
     "and new are counted, those of libraries as well: one in some hundreds of tasks is found. "
     "What fills up and stops, in the first third of the tasks, is no fault. The finding has the "
     "place that allocates: `addr2line -e FILE 0xPLACE` says the line. What init() and create() "
     "make, "
     "shutdown() and destroy() free: after the tasks 60 hosts are opened and closed, with one task "
     "for each node type.",
     {"run.configs", "run.cancel", "run.faults"},
     rule_run_growth},
    {NULL, RULE_ERROR, NULL, NULL, NULL, {NULL}, NULL},
};

const struct rule *rule_find(const char *id)
{
    for (const struct rule *rule = rule_table; rule->id != NULL; rule++) {
        if (strcmp(rule->id, id) == 0) {
            return rule;
        }
    }
    return NULL;
}

const char *rule_severity_name(const struct rule *rule)
{
    return rule->severity == RULE_ERROR ? "error" : "warning";
}
