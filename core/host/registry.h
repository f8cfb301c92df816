/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_REGISTRY_H
#define CORE_HOST_REGISTRY_H

/*
 * Registry: which plugins there are, which node types they offer, and the catalogue made of that.
 *
 *     folders, in order        FOLDER/ID/ID.so, other files are refused; the first of an id wins
 *         │ scan: reads the manifests of all files       ▲ something changed
 *         ▼                                              │
 *     files, types  ──▶ the index, a small generated file that the next start reads instead
 *         │ a node type is asked for
 *         ▼
 *     the manifest of that one file
 *
 * No code of a plugin runs here. A node type that two plugins have is nobody's: both are named.
 *
 * Used by:  host, plugin, trial, probe_main.
 * Uses:     registry_*, copy_shelf, manifest, trust, trust_above.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/str.h"
#include "core/host/copy_shelf.h"
#include "core/host/host.h"
#include "core/host/registry_types.h"
#include "core/host/trust.h"
#include "core/host/trust_above.h"
#include "core/model/catalogue.h"

struct error;
struct manifest;
struct registry_file;
struct schema;

/* A folder, or a place in it where a file may be; watched by its stamp. */
struct registry_place {
    struct str path;
    struct trust_stamp stamp;
};

struct registry {
    struct arena arena;
    struct str *folders;
    size_t folder_count;
    size_t named_count; /* the first ones, which somebody has named */
    struct strbuf folders_text;
    struct strbuf folders_told; /* the same for people */
    const char *index_path;     /* NULL: no index is kept */
    const char *only_file;      /* in no folder; NULL: the folders count */
    struct copy_folders copies; /* of files that are not ours, and what is known of them */
    bool loads_in_place;        /* whoever owns a file: no copy of it is made */
    struct schema *form;        /* of manifests; made for the first one */
    bool is_loaded;
    bool has_all_manifests;
    bool was_indexed; /* what is known comes from the index */

    struct trust_above above; /* folders, as they were when the registry last looked around */
    struct registry_place *places;
    size_t place_count;
    size_t place_cap;
    struct registry_file **files;
    size_t file_count;
    size_t file_cap;
    struct registry_types types;
    struct registry_file **retired; /* of an index that was wrong; their manifests may be in use */
    size_t retired_count;
    size_t retired_cap;
    struct catalogue catalogue;
};

/*
 * `folders` (borrowed) in order; the program's own and the system's come behind them. `index_path`
 * may be NULL. Nothing is read yet. On success `*out_registry` is owned: registry_destroy().
 */
int registry_create(const char *const *folders, size_t folder_count, const char *index_path,
                    struct registry **out_registry, struct error *err);
void registry_destroy(struct registry *registry);

/*
 * Before anything is read: there are no folders, only the plugin file `path` (borrowed), wherever
 * it lies. Fails with E_NOMEM.
 */
int registry_use_file(struct registry *registry, const char *path, struct error *err);

/* Where copies may lie: `paths` are copied, and end with NULL or COPY_SHELF_FOLDERS. E_NOMEM. */
int registry_set_copies(struct registry *registry, const char *const *paths, struct error *err);

const struct catalogue *registry_catalogue(struct registry *registry);

/* All files, with their manifests. */
size_t registry_file_count(struct registry *registry);
const struct host_plugin_file *registry_file_at(struct registry *registry, size_t i);

/*
 * A file outside the folders, read for whoever looks at it; it adds nothing to the catalogue.
 * NULL: `err` says why it cannot be looked at.
 */
const struct host_plugin_file *registry_read_file(struct registry *registry, const char *path,
                                                  struct error *err);

/* The same, for who loads it. */
struct registry_file *registry_take_file(struct registry *registry, const char *path,
                                         struct error *err);

/* The file of a manifest. There is one. */
struct registry_file *registry_file_of_manifest(struct registry *registry,
                                                const struct manifest *manifest);

/* ---- For the files registry_*.c ---- */

/* A NUL-terminated copy that lives as long as the registry; `.p` NULL: out of memory. */
struct str registry_dup(struct registry *registry, struct str text);

/* Fail with E_NOMEM. */
int registry_add_place(struct registry *registry, struct str path, const struct trust_stamp *stamp);
int registry_add_file(struct registry *registry, struct str path, struct registry_file **out_file);

/* Forgets files, places and types. */
void registry_clear(struct registry *registry);

/* By the index if it fits, else by a scan; the first call does it. Fails with E_NOMEM. */
int registry_load(struct registry *registry, struct error *err);

/*
 * The index said what the files do not: looks again. Manifests that were given out stay. Fails with
 * E_NOMEM.
 */
int registry_repair(struct registry *registry, struct error *err);

/* The file that counts for the id; NULL: none. */
struct registry_file *registry_find_plugin(const struct registry *registry, struct str id);

#endif
