/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/shelf.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/grow.h"

enum { NAME_BYTES = 128 };

/* One that may go. */
struct entry {
    char name[NAME_BYTES];
    struct timespec used;
};

struct listing {
    struct entry *entries;
    size_t count;
    size_t cap;
};

void shelf_note_use(int fd)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}};
    struct stat st;
    if (fstat(fd, &st) == 0 && time(NULL) - st.st_mtime > SHELF_USE_SECONDS) {
        (void)futimens(fd, times); /* else it goes a little earlier */
    }
}

bool shelf_has_name(const struct shelf_kind *kind, const char *name)
{
    size_t prefix = strlen(kind->prefix);
    size_t whole = prefix + kind->digits + strlen(kind->suffix);
    return strlen(name) == whole && whole < NAME_BYTES &&
           strncmp(name, kind->prefix, prefix) == 0 &&
           strspn(name + prefix, "0123456789abcdef") >= kind->digits &&
           strcmp(name + prefix + kind->digits, kind->suffix) == 0;
}

/* Whether it could be noted; what is no file of ours is passed over. */
static bool add_entry(struct listing *listing, int folder, const char *name)
{
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode) ||
        st.st_uid != geteuid()) {
        return true;
    }
    struct entry *entries =
        array_reserve(listing->entries, &listing->cap, listing->count + 1, sizeof(*entries));
    if (entries == NULL) {
        return false;
    }
    listing->entries = entries;
    struct entry *entry = &entries[listing->count++];
    memcpy(entry->name, name, strlen(name) + 1); /* shelf_has_name() */
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

void shelf_sweep(const struct shelf_kind *kind, const char *folder, const char *own)
{
    struct listing listing = {0};
    const struct dirent *found = NULL;
    bool is_noted = true;
    DIR *opened = opendir(folder);
    while (opened != NULL && is_noted && (found = readdir(opened)) != NULL) {
        if (shelf_has_name(kind, found->d_name) && strcmp(found->d_name, own) != 0) {
            is_noted = add_entry(&listing, dirfd(opened), found->d_name);
        }
    }
    if (listing.count > 0) {
        qsort(listing.entries, listing.count, sizeof(*listing.entries), compare);
    }
    for (size_t i = kind->keeps - 1; i < listing.count; i++) {     /* and its own */
        (void)unlinkat(dirfd(opened), listing.entries[i].name, 0); /* another may have done it */
    }
    free(listing.entries);
    if (opened != NULL) {
        (void)closedir(opened); /* it was only read */
    }
}
