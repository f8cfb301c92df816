/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_MODULE_H
#define CORE_BASE_MODULE_H

/*
 * Modules: our own parts that live in opstream-NAME.so, because their libraries would make every
 * start slower. A module is loaded when it is first needed, and never unloaded; an engine keeps the
 * files open until then. It is no plugin: it must come from the very build of the program, and the
 * build id says so.
 *
 * The module's one exported symbol is written in one of its sources:
 *
 *     MODULE_EXPORT const struct module_desc opstream_module_v1 = MODULE_DESC("net", &net_table);
 *
 * and used as
 *
 *     const void *table = NULL;
 *     int status = module_load("net", &table, err);
 *     const struct net_table *net = table;
 *
 * Used by:  value (re2), net, api.
 * Uses:     error, str.
 * Threads:  [any]
 */

#include <stdint.h>

#include "core/base/build_id.h"

struct error;

enum { MODULE_MAGIC = 0x4D53504F }; /* "OPSM" in memory */

#define MODULE_SYMBOL "opstream_module_v1"

struct module_desc {
    uint32_t magic; /* MODULE_MAGIC */
    uint32_t size;  /* of this struct */
    const char *name;
    const char *build_id;
    const void *table; /* its type is the module's own header's business */
};

#define MODULE_EXPORT __attribute__((visibility("default")))
#define MODULE_DESC(module_name, module_table)                                                     \
    {                                                                                              \
        MODULE_MAGIC, sizeof(struct module_desc), (module_name), OPSTREAM_BUILD_ID, (module_table) \
    }

/* The symbol that each module defines; declared so that its definition is checked. */
MODULE_EXPORT extern const struct module_desc opstream_module_v1;

/*
 * The table of module `name`, from opstream-NAME.so in module_folder(). The first call loads it,
 * later ones (of any thread) get the same table; a failure is not remembered. The table is
 * borrowed for the life of the process.
 * Fails with E_NOT_FOUND (no such file), E_VERSION (another build), E_CORRUPT (no module of that
 * name), E_INVALID (a name with other than a-z, 0-9, '_'), E_NOMEM, E_IO.
 */
int module_load(const char *name, const void **out_table, struct error *err);

/*
 * [main] Opens the files of all modules, so that module_load() gets what is there now, also when
 * they have been replaced or removed since: what runs on while a package is upgraded goes on with
 * the modules that it was started with. What cannot be opened is looked for when it is needed.
 * Later calls do nothing.
 */
void module_keep(void);

/* As module_load(), from `folder` (an absolute path, borrowed): for tests. Not cached. */
int module_load_from(const char *folder, const char *name, const void **out_table,
                     struct error *err);

/*
 * The folder that holds our modules, and plugins in its subfolder `plugins`: the first that exists
 * of ../lib/TRIPLET/opstream, ../lib/opstream, ../../lib/opstream and ../opstream, seen from the
 * folder of /proc/self/exe. Borrowed for the life of the process. Fails with E_NOT_FOUND, E_IO.
 */
int module_folder(const char **out_folder, struct error *err);

/*
 * [main] Before module_keep(). From here on module_folder() is `folder` (copied), for programs that
 * do not lie beside it. Fails with E_NOT_FOUND (there is no such folder), E_LIMIT (its path is too
 * long).
 */
int module_set_folder(const char *folder, struct error *err);

#endif
