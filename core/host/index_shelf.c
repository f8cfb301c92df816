/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/index_shelf.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/grow.h"

#define PREFIX "plugins-"
#define SUFFIX ".index"

enum { KEY_DIGITS = 16, NAME_BYTES = sizeof(PREFIX) - 1 + KEY_DIGITS + sizeof(SUFFIX) };

/* One that may go. */
struct entry {
    char name[NAME_BYTES];
    struct timespec used;
};

struct shelf {
    struct entry *entries;
    size_t count;
    size_t cap;
};

void index_shelf_note_use(int fd)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}};
    struct stat st;
    if (fstat(fd, &st) == 0 && time(NULL) - st.st_mtime > INDEX_SHELF_USE_SECONDS) {
        (void)futimens(fd, times); /* else it goes a little earlier */
    }
}

static bool is_index_name(const char *name)
{
    size_t prefix = sizeof(PREFIX) - 1;
    return strlen(name) == NAME_BYTES - 1 && strncmp(name, PREFIX, prefix) == 0 &&
           strspn(name + prefix, "0123456789abcdef") == KEY_DIGITS &&
           strcmp(name + prefix + KEY_DIGITS, SUFFIX) == 0;
}

/* Whether it could be noted; what is no file of ours is passed over. */
static bool add_entry(struct shelf *shelf, int folder, const char *name)
{
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode) ||
        st.st_uid != geteuid()) {
        return true;
    }
    struct entry *entries =
        array_reserve(shelf->entries, &shelf->cap, shelf->count + 1, sizeof(*entries));
    if (entries == NULL) {
        return false;
    }
    shelf->entries = entries;
    struct entry *entry = &entries[shelf->count++];
    memcpy(entry->name, name, sizeof entry->name);
    entry->used = st.st_mtim;
    return true;
}

/* The latest first. */
static int compare(const void *a, const void *b)
{
    const struct timespec *first = &((const struct entry *)a)->used;
    const struct timespec *second = &((const struct entry *)b)->used;
    if (first->tv_sec != second->tv_sec) {
        return first->tv_sec > second->tv_sec ? -1 : 1;
    }
    return (first->tv_nsec < second->tv_nsec) - (first->tv_nsec > second->tv_nsec);
}

static void sweep(DIR *folder, const char *own)
{
    struct shelf shelf = {0};
    const struct dirent *found = NULL;
    bool is_noted = true;
    while (is_noted && (found = readdir(folder)) != NULL) {
        if (is_index_name(found->d_name) && strcmp(found->d_name, own) != 0) {
            is_noted = add_entry(&shelf, dirfd(folder), found->d_name);
        }
    }
    if (shelf.count > 0) {
        qsort(shelf.entries, shelf.count, sizeof(*shelf.entries), compare);
    }
    for (size_t i = INDEX_SHELF_KEEPS - 1; i < shelf.count; i++) { /* and its own */
        (void)unlinkat(dirfd(folder), shelf.entries[i].name, 0);   /* another may have done it */
    }
    free(shelf.entries);
}

void index_shelf_sweep(const char *path)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];
    if (slash == NULL || !is_index_name(slash + 1) || (size_t)(slash - path) >= sizeof folder) {
        return;
    }
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = '\0';
    DIR *opened = opendir(folder);
    if (opened != NULL) {
        sweep(opened, slash + 1);
        (void)closedir(opened); /* it was only read */
    }
}
