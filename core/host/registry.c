/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/registry.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/base/module.h"
#include "core/host/manifest.h"
#include "core/host/registry_catalogue.h"
#include "core/host/registry_file.h"
#include "core/host/registry_index.h"
#include "core/host/registry_scan.h"
#include "core/value/schema.h"

static const char local_folder[] = "/usr/local/lib/" OPSTREAM_TRIPLET "/opstream/plugins";

/* ---- Parts ---- */

struct str registry_dup(struct registry *registry, struct str text)
{
    return arena_dup_str(&registry->arena, text);
}

int registry_add_place(struct registry *registry, struct str path, const struct trust_stamp *stamp)
{
    struct registry_place *places = array_reserve(registry->places, &registry->place_cap,
                                                  registry->place_count + 1,
                                                  sizeof *registry->places);
    if (places == NULL) {
        return E_NOMEM;
    }
    registry->places = places;
    struct str copy = registry_dup(registry, path);
    if (copy.p == NULL) {
        return E_NOMEM;
    }

    places[registry->place_count++] = (struct registry_place){copy, *stamp};
    return 0;
}

int registry_add_file(struct registry *registry, struct str path, struct registry_file **out_file)
{
    struct registry_file **files = array_reserve((void *)registry->files, &registry->file_cap,
                                                 registry->file_count + 1, sizeof *registry->files);
    if (files == NULL) {
        return E_NOMEM;
    }
    registry->files = files;
    struct registry_file *file = arena_calloc(&registry->arena, 1, sizeof *file);
    struct str copy = registry_dup(registry, path);
    if (file == NULL || copy.p == NULL) {
        return E_NOMEM;
    }

    file->info.path = copy;
    file->kept_fd = -1;
    files[registry->file_count++] = file;
    *out_file = file;
    return 0;
}

static struct registry_file *find_in(struct registry_file *const *files, size_t count,
                                     const struct manifest *manifest)
{
    for (size_t i = 0; i < count; i++) {
        if (files[i]->manifest == manifest) {
            return files[i];
        }
    }
    return NULL;
}

struct registry_file *registry_file_of_manifest(struct registry *registry,
                                                const struct manifest *manifest)
{
    struct registry_file *file = find_in(registry->files, registry->file_count, manifest);
    if (file == NULL) {
        file = find_in(registry->retired, registry->retired_count, manifest);
    }
    CHECK(file != NULL);
    return file;
}

/* ---- All of them ---- */

void registry_clear(struct registry *registry)
{
    for (size_t i = 0; i < registry->file_count; i++) {
        registry_file_finish(registry->files[i]);
    }
    registry->file_count = 0;
    registry->place_count = 0;
    registry_types_finish(&registry->types);
    trust_above_finish(&registry->above);
    registry->has_all_manifests = false;
}

static struct registry_file *find_by_id(const struct registry *registry, struct str id,
                                        const struct registry_file *before)
{
    for (size_t i = 0; i < registry->file_count && registry->files[i] != before; i++) {
        struct registry_file *file = registry->files[i];
        if (id.n > 0 && !file->is_misplaced && str_equal(file->info.id, id)) {
            return file;
        }
    }
    return NULL;
}

struct registry_file *registry_find_plugin(const struct registry *registry, struct str id)
{
    return find_by_id(registry, id, NULL);
}

/* The first file of an id wins. */
static int mark_shadowed(struct registry *registry)
{
    for (size_t i = 0; i < registry->file_count; i++) {
        struct registry_file *file = registry->files[i];
        const struct registry_file *first = find_by_id(registry, file->info.id, file);
        if (first == NULL || file->is_misplaced) {
            continue;
        }

        struct error problem = {0};
        error_set(&problem, E_EXISTS, "plugin '%.*s' is taken from '%.*s', which comes first",
                  STR_ARG(file->info.id), STR_ARG(first->info.path));
        if (registry_file_set_problem(registry, file, &problem) != 0) {
            return E_NOMEM;
        }
    }
    return 0;
}

static int add_types(struct registry *registry, bool are_misplaced)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < registry->file_count; i++) {
        struct registry_file *file = registry->files[i];
        if (file->problem_code != E_EXISTS && file->is_misplaced == are_misplaced) {
            status = registry_types_add(&registry->types, file, &registry->arena);
        }
    }
    return status;
}

/* Those of misplaced files are known for what is said to whoever asks for one. */
static int collect_types(struct registry *registry)
{
    bool is_full = add_types(registry, false) != 0 || add_types(registry, true) != 0;
    return is_full ? E_NOMEM : registry_types_sort(&registry->types);
}

static int scan(struct registry *registry, struct error *err)
{
    int status = registry_scan(registry, err);
    if (status != 0) {
        return status;
    }
    if (mark_shadowed(registry) != 0 || collect_types(registry) != 0) {
        return error_nomem(err);
    }

    registry->has_all_manifests = true;
    registry->was_indexed = false;
    registry->is_loaded = true;
    registry_index_write(registry);
    return 0;
}

int registry_load(struct registry *registry, struct error *err)
{
    if (registry->is_loaded) {
        return 0;
    }
    if (registry_index_read(registry)) {
        if (collect_types(registry) != 0) {
            return error_nomem(err);
        }
        registry->was_indexed = true;
        registry->is_loaded = true;
        return 0;
    }

    registry_clear(registry);
    int status = scan(registry, err);
    if (status != 0) {
        registry_clear(registry);
    }
    return status;
}

static int reserve_retired(struct registry *registry, size_t more)
{
    struct registry_file **retired =
        array_reserve((void *)registry->retired, &registry->retired_cap,
                      registry->retired_count + more, sizeof *registry->retired);
    if (retired == NULL) {
        return E_NOMEM;
    }
    registry->retired = retired;
    return 0;
}

int registry_repair(struct registry *registry, struct error *err)
{
    if (reserve_retired(registry, registry->file_count) != 0) {
        return error_nomem(err);
    }
    for (size_t i = 0; i < registry->file_count; i++) {
        registry->retired[registry->retired_count++] = registry->files[i];
    }
    registry->file_count = 0;
    registry_clear(registry);
    return scan(registry, err);
}

static int load_all(struct registry *registry, struct error *err)
{
    int status = registry_load(registry, err);
    for (size_t i = 0; status == 0 && !registry->has_all_manifests && i < registry->file_count;
         i++) {
        status = registry_file_read_manifest(registry, registry->files[i], err);
    }
    registry->has_all_manifests = registry->has_all_manifests || status == 0;
    return status;
}

/* Kept with the retired ones, so that it ends with the registry and is no plugin of a folder. */
struct registry_file *registry_take_file(struct registry *registry, const char *path,
                                         struct error *err)
{
    cleanup_free char *real = realpath(path, NULL);
    if (real == NULL) {
        (void)error_set_errno(err, errno == ENOENT ? E_NOT_FOUND : E_IO, errno,
                              "cannot open the file '%s'", path);
        return NULL;
    }
    struct registry_file *file = arena_calloc(&registry->arena, 1, sizeof *file);
    if (file == NULL || reserve_retired(registry, 1) != 0) {
        (void)error_nomem(err);
        return NULL;
    }
    file->info.path = registry_dup(registry, str_from(real));
    file->is_named = true;
    file->kept_fd = -1;
    registry->retired[registry->retired_count++] = file;
    if (file->info.path.p == NULL || registry_file_read(registry, file, path, err) != 0) {
        (void)error_nomem(err);
        return NULL;
    }
    registry_file_look_at_trial(registry, file);
    return file;
}

const struct host_plugin_file *registry_read_file(struct registry *registry, const char *path,
                                                  struct error *err)
{
    const struct registry_file *file = registry_take_file(registry, path, err);
    return file != NULL ? &file->info : NULL;
}

const struct catalogue *registry_catalogue(struct registry *registry)
{
    return &registry->catalogue;
}

size_t registry_file_count(struct registry *registry)
{
    return load_all(registry, NULL) == 0 ? registry->file_count : 0;
}

const struct host_plugin_file *registry_file_at(struct registry *registry, size_t i)
{
    registry_file_look_at_trial(registry, registry->files[i]);
    return &registry->files[i]->info;
}

/* ---- Life ---- */

static int add_folder(struct registry *registry, const char *path)
{
    struct str folder = registry_dup(registry, str_from(path));
    if (folder.p == NULL) {
        return E_NOMEM;
    }

    registry->folders[registry->folder_count++] = folder;
    if (registry->folders_text.n > 0) {
        strbuf_append_text(&registry->folders_text, ", ");
    }
    strbuf_append_str(&registry->folders_text, folder);
    return strbuf_status(&registry->folders_text);
}

static int add_folders(struct registry *registry, const char *const *folders, size_t count)
{
    char own[PATH_MAX];
    const char *modules = NULL;
    registry->folders = arena_calloc(&registry->arena, count + 2, sizeof *registry->folders);
    registry->named_count = count;
    int status = registry->folders != NULL ? 0 : E_NOMEM;
    for (size_t i = 0; status == 0 && i < count; i++) {
        status = add_folder(registry, folders[i]);
    }
    if (status == 0 && module_folder(&modules, NULL) == 0 &&
        strlen(modules) + sizeof "/plugins" <= sizeof own) {
        size_t n = strlen(modules);
        memcpy(own, modules, n);
        memcpy(own + n, "/plugins", sizeof "/plugins");
        status = add_folder(registry, own);
    }
    return status == 0 ? add_folder(registry, local_folder) : status;
}

int registry_create(const char *const *folders, size_t folder_count, const char *index_path,
                    struct registry **out_registry, struct error *err)
{
    struct registry *registry = calloc(1, sizeof *registry);
    if (registry == NULL) {
        return error_nomem(err);
    }

    int status = add_folders(registry, folders, folder_count);
    if (status == 0 && index_path != NULL) {
        registry->index_path = arena_dup(&registry->arena, str_from(index_path));
        status = registry->index_path != NULL ? 0 : E_NOMEM;
    }
    if (status != 0) {
        registry_destroy(registry);
        return error_nomem(err);
    }

    registry_catalogue_init(&registry->catalogue, registry);
    *out_registry = registry;
    return 0;
}

int registry_use_file(struct registry *registry, const char *path, struct error *err)
{
    CHECK(!registry->is_loaded);
    registry->only_file = arena_dup(&registry->arena, str_from(path));
    registry->folder_count = 0;
    registry->index_path = NULL;
    strbuf_clear(&registry->folders_text);
    strbuf_append_text(&registry->folders_text, path);
    bool is_full = registry->only_file == NULL || strbuf_status(&registry->folders_text) != 0;
    return is_full ? error_nomem(err) : 0;
}

int registry_set_copies(struct registry *registry, const char *const *paths, struct error *err)
{
    for (size_t i = 0; i < COPY_SHELF_FOLDERS && paths[i] != NULL; i++) {
        registry->copies.paths[i] = arena_dup(&registry->arena, str_from(paths[i]));
        if (registry->copies.paths[i] == NULL) {
            return error_nomem(err);
        }
    }
    return 0;
}

void registry_destroy(struct registry *registry)
{
    if (registry == NULL) {
        return;
    }

    registry_clear(registry);
    for (size_t i = 0; i < registry->retired_count; i++) {
        registry_file_finish(registry->retired[i]);
    }
    free((void *)registry->retired);
    free((void *)registry->files);
    free(registry->places);
    strbuf_finish(&registry->folders_text);
    strbuf_finish(&registry->folders_told);
    schema_destroy(registry->form);
    arena_finish(&registry->arena);
    free(registry);
}
