/* SPDX-License-Identifier: Apache-2.0 */

#include "core/host/registry_scan.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/host/registry.h"
#include "core/host/registry_file.h"

/* What one folder holds, in order of name, so that two scans find the same. */
struct listing {
    struct dirent **entries;
    int count;
};

static int keep_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void listing_finish(struct listing *listing)
{
    for (int i = 0; i < listing->count; i++) {
        free(listing->entries[i]);
    }
    free((void *)listing->entries);
}

static struct registry_file *find_file(const struct registry *registry, const char *path)
{
    for (size_t i = 0; i < registry->file_count; i++) {
        if (str_equal_text(registry->files[i]->info.path, path)) {
            return registry->files[i];
        }
    }
    return NULL;
}

/* What cannot be looked into, or must not be used, is listed like a file, with the reason. */
static int refuse(struct registry *registry, struct str path, const struct error *problem)
{
    struct registry_file *file = NULL;
    int status = registry_add_file(registry, path, &file);
    return status == 0 ? registry_file_set_problem(registry, file, problem) : status;
}

static int read_folder_failed(const char *path, int errnum, struct error *problem)
{
    return error_set_errno(problem, E_IO, errnum, "cannot read the folder '%s'", path);
}

/*
 * What is there, and is not to be reached: `errnum` is what came of trying. A link that leads
 * nowhere is a plugin whose disk is not there, more often than not.
 */
static int refuse_lost(struct registry *registry, const char *path, int errnum, struct error *err)
{
    char target[PATH_MAX];
    struct error problem = {0};
    ssize_t n = readlink(path, target, sizeof target);
    if (n < 0 && errnum == ENOENT && registry->only_file == NULL) {
        return 0; /* it was there a moment ago */
    }
    if (n >= 0 && errnum == ENOENT) {
        error_set(&problem, E_PLUGIN,
                  "'%s' is a symbolic link to '%.*s', which is not there: remove the link, or put "
                  "there what it names",
                  path, (int)n, target);
    } else if (n >= 0 && errnum == ELOOP) {
        error_set(&problem, E_PLUGIN,
                  "'%s' is a symbolic link to '%.*s', and leads round in a circle: remove it", path,
                  (int)n, target);
    } else {
        error_set_errno(&problem, E_IO, errnum, "cannot open '%s'", path);
    }
    return refuse(registry, str_from(path), &problem) != 0 ? error_nomem(err) : 0;
}

/*
 * A file that is there, under its real path: links are looked through once, here. `id`: of the
 * plugin that may lie there; NULL: none may.
 */
static int scan_file(struct registry *registry, const char *path, const char *id, struct error *err)
{
    char real[PATH_MAX];
    if (realpath(path, real) == NULL) {
        return refuse_lost(registry, path, errno, err);
    }
    struct registry_file *file = find_file(registry, real);
    bool is_new = file == NULL;
    if (is_new && registry_add_file(registry, str_from(real), &file) != 0) {
        return error_nomem(err);
    }
    int status = 0;
    if (is_new) {
        file->is_named = registry->only_file != NULL;
        status = registry_file_read(registry, file, path, err);
    }
    bool is_misplaced = file->info.id.n > 0 && (id == NULL || !str_equal_text(file->info.id, id));
    file->is_misplaced = is_misplaced && (is_new || file->is_misplaced);
    return status;
}

static int keep_libraries(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && str_ends_with(str_from(entry->d_name), STR(".so"));
}

/* FOLDER/X without X.so: whatever else is there was meant for another place. */
static int scan_strays(struct registry *registry, struct str folder, struct error *err)
{
    struct listing listing = {0};
    struct strbuf path = STRBUF_INIT;
    int status = 0;
    listing.count = scandir(folder.p, &listing.entries, keep_libraries, alphasort);
    if (listing.count < 0 && errno != ENOENT) {
        struct error problem = {0};
        (void)read_folder_failed(folder.p, errno, &problem);
        status = refuse(registry, folder, &problem) != 0 ? error_nomem(err) : 0;
    }
    for (int i = 0; status == 0 && i < listing.count; i++) {
        strbuf_clear(&path);
        strbuf_append_format(&path, "%.*s/%s", STR_ARG(folder), listing.entries[i]->d_name);
        status = strbuf_status(&path) == 0 ? scan_file(registry, path.p, NULL, err)
                                           : error_nomem(err);
    }
    listing_finish(&listing);
    strbuf_finish(&path);
    return status;
}

/* FOLDER/ID, with ID.so in it or not. */
static int scan_subfolder(struct registry *registry, struct strbuf *path, const char *name,
                          struct error *err)
{
    struct trust_stamp stamp = trust_stamp_of(path->p);
    if (registry_add_place(registry, strbuf_str(path), &stamp) != 0) {
        return error_nomem(err);
    }
    size_t folder_bytes = path->n;
    strbuf_append_format(path, "/%s.so", name);
    if (strbuf_status(path) != 0) {
        return error_nomem(err);
    }

    struct stat st;
    if (lstat(path->p, &st) == 0) {
        return scan_file(registry, path->p, name, err);
    }
    path->p[folder_bytes] = '\0';
    return scan_strays(registry, str_make(path->p, folder_bytes), err);
}

static int scan_entry(struct registry *registry, struct str folder, const char *name,
                      struct error *err)
{
    struct strbuf path = STRBUF_INIT;
    struct stat st;
    int status = 0;
    strbuf_append_format(&path, "%.*s/%s", STR_ARG(folder), name);
    if (strbuf_status(&path) != 0) {
        status = error_nomem(err);
    } else if (stat(path.p, &st) != 0) {
        status = refuse_lost(registry, path.p, errno, err);
    } else if (S_ISDIR(st.st_mode)) {
        status = scan_subfolder(registry, &path, name, err);
    } else if (str_ends_with(str_from(name), STR(".so"))) {
        status = scan_file(registry, path.p, NULL, err);
    }
    strbuf_finish(&path);
    return status;
}

static int scan_folder(struct registry *registry, struct str folder, struct error *err)
{
    struct error problem = {0};
    struct trust_stamp stamp = trust_stamp_of(folder.p);
    struct listing listing = {0};
    if (registry_add_place(registry, folder, &stamp) != 0) {
        return error_nomem(err);
    }
    int status = trust_check_folder(&registry->above, folder.p, &problem);
    if (status == E_NOT_FOUND) {
        return 0;
    }
    if (status == E_NOMEM) {
        return error_nomem(err);
    }
    if (status == 0) {
        listing.count = scandir(folder.p, &listing.entries, keep_visible, alphasort);
        if (listing.count < 0) {
            status = read_folder_failed(folder.p, errno, &problem);
            listing.count = 0;
        }
    }
    if (status != 0) {
        return refuse(registry, folder, &problem) != 0 ? error_nomem(err) : 0;
    }

    for (int i = 0; status == 0 && i < listing.count; i++) {
        status = scan_entry(registry, folder, listing.entries[i]->d_name, err);
    }
    listing_finish(&listing);
    return status;
}

/* Which of several files has an id must not hang on how they are called. */
static int mark_misplaced(struct registry *registry)
{
    for (size_t i = 0; i < registry->file_count; i++) {
        struct registry_file *file = registry->files[i];
        struct error problem = {0};
        if (!file->is_misplaced || file->problem_code != 0) {
            continue;
        }
        error_set(&problem, E_PLUGIN,
                  "plugin '%.*s' must be '%.*s/%.*s.so' in a folder of plugins, and it is '%.*s': "
                  "rename it",
                  STR_ARG(file->info.id), STR_ARG(file->info.id), STR_ARG(file->info.id),
                  STR_ARG(file->info.path));
        if (registry_file_set_problem(registry, file, &problem) != 0) {
            return E_NOMEM;
        }
    }
    return 0;
}

int registry_scan(struct registry *registry, struct error *err)
{
    int status = 0;
    if (registry->only_file != NULL) { /* it may lie anywhere */
        status = scan_file(registry, registry->only_file, NULL, err);
        for (size_t i = 0; i < registry->file_count; i++) {
            registry->files[i]->is_misplaced = false;
        }
    }
    for (size_t i = 0; status == 0 && i < registry->folder_count; i++) {
        status = scan_folder(registry, registry->folders[i], err);
    }
    if (status == 0 && mark_misplaced(registry) != 0) {
        return error_nomem(err);
    }
    return status;
}
