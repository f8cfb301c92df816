/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/module.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"

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

/* The library stays open whatever it turns out to be: our modules are never unloaded. */
int module_load_from(const char *folder, const char *name, const void **out_table,
                     struct error *err)
{
    if (!is_module_name(name)) {
        return error_set(err, E_INVALID, "'%s' cannot be a module's name", name);
    }
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/opstream-%s.so", folder, name);
    if (n < 0 || n >= PATH_MAX || folder[0] != '/') {
        return error_set(err, E_INVALID, "'%s' is no absolute path of a folder", folder);
    }
    if (access(path, F_OK) != 0) {
        return error_set_errno(err, E_NOT_FOUND, errno, "cannot load the module '%s'", path);
    }
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
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
        status = module_load_from(folder, name, &table, err);
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
