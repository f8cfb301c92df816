/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_REGISTRY_TYPES_H
#define CORE_HOST_REGISTRY_TYPES_H

/*
 * Registry types: which file has which node type, by what the files' lines say.
 *
 * A type that two plugins have is nobody's: it is kept with both, and is not among the sorted.
 *
 * Used by:  registry, registry_catalogue.
 * Uses:     registry_file.
 * Threads:  [loop]
 */

#include <stddef.h>

#include "core/base/strmap.h"
#include "core/model/catalogue.h"

struct arena;
struct registry_file;

struct registry_type {
    struct node_type_line line; /* texts are the file's */
    struct registry_file *file;
    struct registry_file *rival; /* another plugin that has it too; NULL: none */
};

/* All zero: none. */
struct registry_types {
    struct strmap by_name;         /* name -> registry_type */
    struct registry_type **sorted; /* by name: those that can be used */
    size_t sorted_count;
};

/*
 * Adds those of `file` (kept, as are its texts). Files that are misplaced come last: they are
 * nobody's rivals. Allocates in `arena` (kept), which must outlive `types`. Fails with E_NOMEM.
 */
int registry_types_add(struct registry_types *types, struct registry_file *file,
                       struct arena *arena);

/* When all are added: makes `sorted`. Fails with E_NOMEM. */
int registry_types_sort(struct registry_types *types);

void registry_types_finish(struct registry_types *types);

#endif
