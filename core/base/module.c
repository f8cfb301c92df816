/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/module.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/str.h"

#define MODULE_PREFIX "opstream-"
#define MODULE_SUFFIX ".so"

enum { MODULES_MOST = 8, MODULE_NAME_SIZE = 32 };

/*
 * What has been loaded. A cache, not configuration: it only spares a second dlopen. The lock is
 * held while a module loads, so that two threads never load one twice.
 */
static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    char name[MODULE_NAME_SIZE];
    const void *table;
} cache[MODULES_MOST];
static char cached_folder[PATH_MAX];

/* The files as they were at the start. They stay open: the loader knows libraries by their path. */
static struct kept {
    char name[MODULE_NAME_SIZE];
    int fd;
} kept[MODULES_MOST];
static size_t kept_count;

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* The folder of the running program, without a slash at its end. */
static int program_folder(char out[PATH_MAX], struct error *err)
{
    ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
    if (n < 0) {
        return error_set_errno(err, E_IO, errno, "cannot find the program's own folder");
    }
    out[n] = '\0';
    char *slash = strrchr(out, '/');
    if (slash == NULL) {
        return error_set(err, E_IO, "the program's own path '%s' has no folder", out);
    }
    *slash = '\0';
    return 0;
}

/* A folder of that name alone says nothing: there may be one with plugins of others only. */
static bool has_modules(const char *folder)
{
    char marker[PATH_MAX];
    int n = snprintf(marker, sizeof(marker), "%s/opstream-exec", folder);
    return n > 0 && n < PATH_MAX && access(marker, X_OK) == 0;
}

static int find_folder(char out[PATH_MAX], struct error *err)
{
    static const char *const places[] = {
        "../lib/" OPSTREAM_TRIPLET "/opstream", "../lib/opstream", "../../lib/opstream",
        "../opstream", /* of programs that lie among the modules */
    };
    char program[PATH_MAX];
    int status = program_folder(program, err);
    if (status != 0) {
        return status;
    }
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        char tried[PATH_MAX];
        int n = snprintf(tried, sizeof(tried), "%s/%s", program, places[i]);
        char whole[PATH_MAX];
        if (n > 0 && n < PATH_MAX && has_modules(tried) && realpath(tried, whole) != NULL) {
            memcpy(out, whole, sizeof(whole));
            return 0;
        }
    }
    return error_set(err, E_NOT_FOUND,
                     "opstream's modules are missing: neither '%s/%s' nor '%s/%s' is there; "
                     "install OpStream again",
                     program, places[0], program, places[1]);
}

static int folder_locked(const char **out_folder, struct error *err)
{
    if (cached_folder[0] == '\0') {
        char found[PATH_MAX];
        int status = find_folder(found, err);
        if (status != 0) {
            return status;
        }
        memcpy(cached_folder, found, sizeof(found));
    }
    *out_folder = cached_folder;
    return 0;
}

int module_folder(const char **out_folder, struct error *err)
{
    (void)pthread_mutex_lock(&cache_lock); /* a static plain mutex: cannot fail */
    int status = folder_locked(out_folder, err);
    (void)pthread_mutex_unlock(&cache_lock);
    return status;
}

int module_set_folder(const char *folder, struct error *err)
{
    if (!is_folder(folder)) {
        return error_set(err, E_NOT_FOUND, "there is no folder '%s'", folder);
    }
    if (strlen(folder) >= sizeof cached_folder) {
        return error_set(err, E_LIMIT, "the path of the folder '%s' is too long", folder);
    }
    (void)pthread_mutex_lock(&cache_lock); /* a static plain mutex: cannot fail */
    CHECK(kept_count == 0);
    memcpy(cached_folder, folder, strlen(folder) + 1);
    (void)pthread_mutex_unlock(&cache_lock);
    return 0;
}

static bool is_module_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return n > 0 && n < MODULE_NAME_SIZE && name[n] == '\0';
}

static int check_desc(const struct module_desc *desc, const char *path, const char *name,
                      struct error *err)
{
    if (desc == NULL || desc->magic != MODULE_MAGIC || desc->size < sizeof(*desc)) {
        return error_set(err, E_CORRUPT, "'%s' is no module of OpStream", path);
    }
    if (strcmp(desc->build_id, OPSTREAM_BUILD_ID) != 0) {
        return error_set(err, E_VERSION,
                         "'%s' is of build '%s', but this program is of build '%s'; install both "
                         "from one package",
                         path, desc->build_id, OPSTREAM_BUILD_ID);
    }
    if (strcmp(desc->name, name) != 0 || desc->table == NULL) {
        return error_set(err, E_CORRUPT, "'%s' is the module '%s', not '%s'", path, desc->name,
                         name);
    }
    return 0;
}

static int name_path(const char *folder, const char *name, char out[PATH_MAX], struct error *err)
{
    if (!is_module_name(name)) {
        return error_set(err, E_INVALID, "'%s' cannot be a module's name", name);
    }
    int n = snprintf(out, PATH_MAX, "%s/" MODULE_PREFIX "%s" MODULE_SUFFIX, folder, name);
    if (n < 0 || n >= PATH_MAX || folder[0] != '/') {
        return error_set(err, E_INVALID, "'%s' is no absolute path of a folder", folder);
    }
    return 0;
}

/* The file `from` of the module that is, or was, at `path`. The library stays open whatever it
 * turns out to be: our modules are never unloaded. */
static int load_file(const char *from, const char *path, const char *name, const void **out_table,
                     struct error *err)
{
    if (access(from, F_OK) != 0) {
        return error_set_errno(err, E_NOT_FOUND, errno, "cannot load the module '%s'", path);
    }
    void *library = dlopen(from, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == NULL) {
        const char *why = dlerror();
        return error_set(err, E_IO, "cannot load the module: %s", why != NULL ? why : path);
    }
    const struct module_desc *desc = dlsym(library, MODULE_SYMBOL);
    int status = check_desc(desc, path, name, err);
    if (status == 0) {
        *out_table = desc->table;
    }
    return status;
}

int module_load_from(const char *folder, const char *name, const void **out_table,
                     struct error *err)
{
    char path[PATH_MAX];
    int status = name_path(folder, name, path, err);
    return status == 0 ? load_file(path, path, name, out_table, err) : status;
}

/* ---- Files that may be replaced ---- */

static void keep_file(int folder_fd, const char *file)
{
    struct str name = str_from(file);
    struct kept *to = &kept[kept_count];
    if (!str_starts_with(name, STR(MODULE_PREFIX)) || !str_ends_with(name, STR(MODULE_SUFFIX)) ||
        name.n < sizeof(MODULE_PREFIX MODULE_SUFFIX) || kept_count == MODULES_MOST) {
        return;
    }
    size_t n = name.n + 1 - sizeof(MODULE_PREFIX MODULE_SUFFIX);
    if (n >= MODULE_NAME_SIZE) {
        return;
    }
    to->fd = openat(folder_fd, file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (to->fd >= 0) {
        memcpy(to->name, name.p + sizeof(MODULE_PREFIX) - 1, n);
        kept_count++;
    }
}

static void keep_locked(void)
{
    const char *path = NULL;
    DIR *folder = folder_locked(&path, NULL) == 0 ? opendir(path) : NULL;
    const struct dirent *entry = NULL;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        keep_file(dirfd(folder), entry->d_name);
    }
    if (folder != NULL) {
        (void)closedir(folder); /* it was only read */
    }
}

void module_keep(void)
{
    (void)pthread_mutex_lock(&cache_lock); /* a static plain mutex: cannot fail */
    if (kept_count == 0) {
        keep_locked();
    }
    (void)pthread_mutex_unlock(&cache_lock);
}

static const struct kept *find_kept(const char *name)
{
    for (size_t i = 0; i < kept_count; i++) {
        if (strcmp(kept[i].name, name) == 0) {
            return &kept[i];
        }
    }
    return NULL;
}

/* A file that is in its place has a name there, which is what debuggers look for. */
static bool is_in_place(const struct kept *file, const char *path)
{
    struct stat now;
    struct stat then;
    return stat(path, &now) == 0 && fstat(file->fd, &then) == 0 && now.st_dev == then.st_dev &&
           now.st_ino == then.st_ino;
}

static int load_kept(const char *folder, const char *name, const void **out_table,
                     struct error *err)
{
    char path[PATH_MAX];
    char from[64];
    const struct kept *file = find_kept(name);
    int status = name_path(folder, name, path, err);
    if (status != 0) {
        return status;
    }
    if (file == NULL || is_in_place(file, path)) {
        return load_file(path, path, name, out_table, err);
    }
    (void)snprintf(from, sizeof(from), "/proc/self/fd/%d", file->fd); /* fits */
    return load_file(from, path, name, out_table, err);
}

static int load_locked(const char *name, const void **out_table, struct error *err)
{
    size_t i = 0;
    while (i < MODULES_MOST && cache[i].table != NULL) {
        if (strcmp(cache[i].name, name) == 0) {
            *out_table = cache[i].table;
            return 0;
        }
        i++;
    }
    const char *folder = NULL;
    const void *table = NULL;
    int status = folder_locked(&folder, err);
    if (status == 0) {
        status = load_kept(folder, name, &table, err);
    }
    if (status != 0) {
        return status;
    }
    if (i < MODULES_MOST) {
        (void)snprintf(cache[i].name, sizeof(cache[i].name), "%s", name); /* fits: it was checked */
        cache[i].table = table;
    }
    *out_table = table;
    return 0;
}

int module_load(const char *name, const void **out_table, struct error *err)
{
    (void)pthread_mutex_lock(&cache_lock); /* a static plain mutex: cannot fail */
    int status = load_locked(name, out_table, err);
    (void)pthread_mutex_unlock(&cache_lock);
    return status;
}
