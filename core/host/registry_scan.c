/* SPDX-License-Identifier: Apache-2.0 */

/* The scan of the registry: looks into the folders and reads every manifest. */

#include "core/host/registry.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/error.h"

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

static bool has_file(const struct registry *registry, const char *path)
{
    for (size_t i = 0; i < registry->file_count; i++) {
        if (str_equal_text(registry->files[i]->info.path, path)) {
            return true;
        }
    }
    return false;
}

/* A file that is there, under its real path: links are looked through once, here. */
static int scan_file(struct registry *registry, const char *path, struct error *err)
{
    char real[PATH_MAX];
    struct registry_file *file = NULL;
    const char *name = realpath(path, real) != NULL ? real : path;
    if (has_file(registry, name)) {
        return 0;
    }
    if (registry_add_file(registry, str_from(name), &file) != 0) {
        return error_nomem(err);
    }
    return registry_read_manifest(registry, file, err);
}

/* FOLDER/ID, with ID.so in it or not. */
static int scan_subfolder(struct registry *registry, struct strbuf *path, const char *name,
                          struct error *err)
{
    struct trust_stamp stamp = trust_stamp_of(path->p);
    if (registry_add_place(registry, strbuf_str(path), &stamp) != 0) {
        return error_nomem(err);
    }
    strbuf_append_format(path, "/%s.so", name);
    if (strbuf_status(path) != 0) {
        return error_nomem(err);
    }

    struct stat st;
    return lstat(path->p, &st) == 0 ? scan_file(registry, path->p, err) : 0;
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
    } else if (stat(path.p, &st) == 0 && S_ISDIR(st.st_mode)) {
        status = scan_subfolder(registry, &path, name, err);
    } else if (str_ends_with(str_from(name), STR(".so"))) {
        status = scan_file(registry, path.p, err);
    }
    strbuf_finish(&path);
    return status;
}

/* A folder that must not be used is listed like a file, with the reason. */
static int refuse_folder(struct registry *registry, struct str folder, const struct error *problem)
{
    struct registry_file *file = NULL;
    int status = registry_add_file(registry, folder, &file);
    return status == 0 ? registry_set_problem(registry, file, problem) : status;
}

static int scan_folder(struct registry *registry, struct str folder, struct error *err)
{
    struct error problem = {0};
    struct trust_stamp stamp = trust_stamp_of(folder.p);
    struct listing listing = {0};
    if (registry_add_place(registry, folder, &stamp) != 0) {
        return error_nomem(err);
    }
    int status = trust_check_folder(folder.p, &problem);
    if (status == E_NOT_FOUND) {
        return 0;
    }
    if (status == 0) {
        listing.count = scandir(folder.p, &listing.entries, keep_visible, alphasort);
        if (listing.count < 0) {
            status =
                error_set_errno(&problem, E_IO, errno, "cannot read the folder '%s'", folder.p);
            listing.count = 0;
        }
    }
    if (status != 0) {
        return refuse_folder(registry, folder, &problem) != 0 ? error_nomem(err) : 0;
    }

    for (int i = 0; status == 0 && i < listing.count; i++) {
        status = scan_entry(registry, folder, listing.entries[i]->d_name, err);
    }
    listing_finish(&listing);
    return status;
}

int registry_scan(struct registry *registry, struct error *err)
{
    int status = registry->only_file != NULL ? scan_file(registry, registry->only_file, err) : 0;
    for (size_t i = 0; status == 0 && i < registry->folder_count; i++) {
        status = scan_folder(registry, registry->folders[i], err);
    }
    return status;
}
