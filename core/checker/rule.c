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
     "nothing of it runs when it is loaded",
     "A constructor runs before the host can limit, time or blame it, in `opstream plugin list` "
     "of the probe as in the daemon.",
     "Do it in init(); in C++ have no global objects with constructors, and do not include "
     "<iostream>.",
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
     {"static.elf"},
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
