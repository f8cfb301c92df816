/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/journal/fault_vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/random.h"

enum { MOST_FILES = 16 };

/* One change that was not synced. `n` 0: the file was cut to `offset` bytes. */
struct change {
    struct change *next;
    int64_t offset;
    size_t n;
    char bytes[];
};

/* What is known of one file, by its path. */
struct image {
    char path[256];
    char *synced;
    size_t n;
    struct change *first;
    struct change *last;
};

struct fault_file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this */
    struct image *image;
};

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    struct fault_vfs_plan plan;
    atomic_uint_least64_t calls;
    atomic_bool is_mended;
    struct image images[MOST_FILES];
    pthread_mutex_t lock;
} fault = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local bool is_inside; /* of `before` */

/* ---- images ---- */

/* What a file holds when it is first seen counts as synced. */
static void load(struct image *image)
{
    FILE *file = fopen(image->path, "rb");
    if (file == NULL) {
        return;
    }
    if (fseek(file, 0, SEEK_END) == 0 && ftell(file) > 0) {
        image->n = (size_t)ftell(file);
        image->synced = malloc(image->n);
        rewind(file);
    }
    if (image->synced == NULL || fread(image->synced, 1, image->n, file) != image->n) {
        image->n = 0;
    }
    (void)fclose(file);
}

static struct image *find_image(const char *path)
{
    struct image *found = NULL;
    (void)pthread_mutex_lock(&fault.lock);
    for (size_t i = 0; i < MOST_FILES && found == NULL; i++) {
        if (strcmp(fault.images[i].path, path) == 0) {
            found = &fault.images[i];
        }
    }
    for (size_t i = 0; i < MOST_FILES && found == NULL; i++) {
        if (fault.images[i].path[0] == '\0') {
            found = &fault.images[i];
            (void)snprintf(found->path, sizeof(found->path), "%s", path);
            load(found);
        }
    }
    (void)pthread_mutex_unlock(&fault.lock);
    return found;
}

static void drop_changes(struct image *image)
{
    while (image->first != NULL) {
        struct change *next = image->first->next;
        free(image->first);
        image->first = next;
    }
    image->last = NULL;
}

static void forget_image(const char *path)
{
    struct image *image = find_image(path);
    if (image != NULL) {
        drop_changes(image);
        free(image->synced);
        *image = (struct image){0};
    }
}

static bool grow(char **bytes, size_t *n, size_t wanted)
{
    char *grown = wanted > *n ? realloc(*bytes, wanted) : *bytes;
    if (wanted > *n && grown == NULL) {
        return false;
    }
    if (wanted > *n) {
        memset(grown + *n, 0, wanted - *n);
        *bytes = grown;
        *n = wanted;
    }
    return true;
}

/* The first `part` bytes of it. */
static bool apply(const struct change *change, char **bytes, size_t *n, size_t part)
{
    size_t offset = (size_t)change->offset;
    if (change->n == 0) {
        *n = *n < offset ? *n : offset;
        return true;
    }
    if (!grow(bytes, n, offset + part)) {
        return false;
    }
    memcpy(*bytes + offset, change->bytes, part);
    return true;
}

static void note_change(struct image *image, const void *bytes, size_t n, int64_t offset)
{
    struct change *change = image != NULL ? malloc(sizeof(*change) + n) : NULL;
    if (change == NULL) {
        return;
    }
    *change = (struct change){.offset = offset, .n = n};
    if (n > 0) {
        memcpy(change->bytes, bytes, n);
    }
    if (image->last != NULL) {
        image->last->next = change;
    } else {
        image->first = change;
    }
    image->last = change;
}

static void note_sync(struct image *image)
{
    for (struct change *at = image != NULL ? image->first : NULL; at != NULL; at = at->next) {
        (void)apply(at, &image->synced, &image->n, at->n);
    }
    if (image != NULL) {
        drop_changes(image);
    }
}

/* ---- calls ---- */

/* SQLITE_OK: the call is carried out. */
static int enter(unsigned kind)
{
    const struct fault_vfs_plan *plan = &fault.plan;
    if (is_inside) {
        return SQLITE_OK;
    }
    if (plan->before != NULL) {
        is_inside = true;
        plan->before(plan->user);
        is_inside = false;
    }
    if ((plan->fails & kind) == 0) {
        return SQLITE_OK;
    }
    uint64_t number = atomic_fetch_add(&fault.calls, 1) + 1;
    bool fails = plan->at > 0 && number >= plan->at && number - plan->at < plan->count;
    return fails && !atomic_load(&fault.is_mended) ? plan->rc : SQLITE_OK;
}

static struct fault_file *file_of(sqlite3_file *file)
{
    return (struct fault_file *)file;
}

#define REAL(file) (file_of(file)->real)

static int on_close(sqlite3_file *file)
{
    return REAL(file)->pMethods->xClose(REAL(file));
}

static int on_read(sqlite3_file *file, void *bytes, int n, sqlite3_int64 offset)
{
    return REAL(file)->pMethods->xRead(REAL(file), bytes, n, offset);
}

static int on_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 offset)
{
    int rc = enter(FAULT_VFS_WRITES);
    if (rc != SQLITE_OK) {
        return rc;
    }
    note_change(file_of(file)->image, bytes, (size_t)n, offset);
    return REAL(file)->pMethods->xWrite(REAL(file), bytes, n, offset);
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int rc = enter(FAULT_VFS_WRITES);
    if (rc != SQLITE_OK) {
        return rc;
    }
    note_change(file_of(file)->image, NULL, 0, size);
    return REAL(file)->pMethods->xTruncate(REAL(file), size);
}

static int on_sync(sqlite3_file *file, int flags)
{
    int rc = enter(FAULT_VFS_SYNCS);
    if (rc != SQLITE_OK || is_inside) {
        return rc;
    }
    rc = REAL(file)->pMethods->xSync(REAL(file), flags);
    if (rc == SQLITE_OK) {
        note_sync(file_of(file)->image);
    }
    return rc;
}

static int on_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return REAL(file)->pMethods->xFileSize(REAL(file), size);
}

static int on_lock(sqlite3_file *file, int level)
{
    return REAL(file)->pMethods->xLock(REAL(file), level);
}

static int on_unlock(sqlite3_file *file, int level)
{
    return REAL(file)->pMethods->xUnlock(REAL(file), level);
}

static int on_check_lock(sqlite3_file *file, int *out)
{
    return REAL(file)->pMethods->xCheckReservedLock(REAL(file), out);
}

static int on_control(sqlite3_file *file, int what, void *argument)
{
    return REAL(file)->pMethods->xFileControl(REAL(file), what, argument);
}

static int on_sector_size(sqlite3_file *file)
{
    return REAL(file)->pMethods->xSectorSize(REAL(file));
}

static int on_characteristics(sqlite3_file *file)
{
    return REAL(file)->pMethods->xDeviceCharacteristics(REAL(file));
}

static int on_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **out)
{
    return REAL(file)->pMethods->xShmMap(REAL(file), region, size, extend, out);
}

static int on_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    bool is_counted = (fault.plan.fails & FAULT_VFS_LOCKS) != 0 && (flags & SQLITE_SHM_LOCK) != 0;
    int rc = is_counted ? enter(FAULT_VFS_LOCKS) : SQLITE_OK;
    return rc == SQLITE_OK ? REAL(file)->pMethods->xShmLock(REAL(file), offset, n, flags) : rc;
}

static void on_shm_barrier(sqlite3_file *file)
{
    REAL(file)->pMethods->xShmBarrier(REAL(file));
}

static int on_shm_unmap(sqlite3_file *file, int deletes)
{
    return REAL(file)->pMethods->xShmUnmap(REAL(file), deletes);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2, /* no mapped reading of the file */
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_file_size,
    .xLock = on_lock,
    .xUnlock = on_unlock,
    .xCheckReservedLock = on_check_lock,
    .xFileControl = on_control,
    .xSectorSize = on_sector_size,
    .xDeviceCharacteristics = on_characteristics,
    .xShmMap = on_shm_map,
    .xShmLock = on_shm_lock,
    .xShmBarrier = on_shm_barrier,
    .xShmUnmap = on_shm_unmap,
};

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct fault_file *opened = file_of(file);
    (void)vfs;
    opened->real = (sqlite3_file *)(opened + 1);
    bool keeps = fault.plan.keeps_images && name != NULL && !is_inside;
    opened->image = keeps ? find_image(name) : NULL;
    int rc = fault.real->xOpen(fault.real, name, opened->real, flags, out);
    file->pMethods = rc == SQLITE_OK || opened->real->pMethods != NULL ? &methods : NULL;
    return rc;
}

static int on_delete(sqlite3_vfs *vfs, const char *name, int syncs_folder)
{
    (void)vfs;
    if (fault.plan.keeps_images && !is_inside) {
        forget_image(name);
    }
    return fault.real->xDelete(fault.real, name, syncs_folder);
}

/* ---- public ---- */

void fault_vfs_install(void)
{
    if (fault.real != NULL) {
        return;
    }
    fault.real = sqlite3_vfs_find(NULL);
    fault.vfs = *fault.real;
    fault.vfs.zName = "fault";
    fault.vfs.szOsFile = (int)sizeof(struct fault_file) + fault.real->szOsFile;
    fault.vfs.xOpen = on_open;
    fault.vfs.xDelete = on_delete;
    (void)sqlite3_vfs_register(&fault.vfs, 1);
}

static void forget_images(void)
{
    for (size_t i = 0; i < MOST_FILES; i++) {
        if (fault.images[i].path[0] != '\0') {
            forget_image(fault.images[i].path);
        }
    }
}

void fault_vfs_arm(const struct fault_vfs_plan *plan)
{
    forget_images();
    atomic_store(&fault.calls, 0);
    atomic_store(&fault.is_mended, false);
    fault.plan = *plan;
}

uint64_t fault_vfs_disarm(void)
{
    forget_images();
    fault.plan = (struct fault_vfs_plan){0};
    return atomic_load(&fault.calls);
}

void fault_vfs_mend(void)
{
    atomic_store(&fault.is_mended, true);
}

static bool write_file(const char *path, const char *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");
    bool is_written = file != NULL && fwrite(bytes, 1, n, file) == n;
    return file != NULL && fclose(file) == 0 && is_written;
}

static bool add_unsynced(const struct image *image, enum fault_vfs_image kind, uint64_t seed,
                         char **bytes, size_t *n)
{
    struct random random = {seed};
    for (const struct change *at = image->first; at != NULL; at = at->next) {
        bool is_chosen = kind == FAULT_VFS_ALL || random_percent(&random, 50);
        bool is_torn = kind == FAULT_VFS_TORN && random_percent(&random, 30);
        size_t part = is_torn ? random_below(&random, (uint32_t)at->n + 1) : at->n;
        if (is_chosen && (at->n == 0 || part > 0) && !apply(at, bytes, n, part)) {
            return false;
        }
    }
    return true;
}

static bool write_image(const struct image *image, const char *to, enum fault_vfs_image kind,
                        uint64_t seed)
{
    char path[512];
    size_t n = 0;
    char *bytes = NULL;
    (void)snprintf(path, sizeof(path), "%s%s", to, strrchr(image->path, '/'));
    bool is_fine = grow(&bytes, &n, image->n);
    if (is_fine && image->n > 0) {
        memcpy(bytes, image->synced, image->n);
    }
    if (is_fine && kind != FAULT_VFS_SYNCED) {
        is_fine = add_unsynced(image, kind, seed, &bytes, &n);
    }
    is_fine = is_fine && write_file(path, bytes != NULL ? bytes : "", n);
    free(bytes);
    return is_fine;
}

bool fault_vfs_write_image(const char *from, const char *to, enum fault_vfs_image image,
                           uint64_t seed)
{
    bool is_fine = true;
    size_t n = strlen(from);
    for (size_t i = 0; i < MOST_FILES && is_fine; i++) {
        const char *path = fault.images[i].path;
        if (strncmp(path, from, n) == 0 && path[n] == '/') {
            is_fine = write_image(&fault.images[i], to, image, seed + i);
        }
    }
    return is_fine;
}
