/* SPDX-License-Identifier: Apache-2.0 */
#include "walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pattern.h"

static const char *type_of(const struct stat *info)
{
    return S_ISREG(info->st_mode)   ? "file"
           : S_ISDIR(info->st_mode) ? "folder"
           : S_ISLNK(info->st_mode) ? "link"
                                    : "other";
}

/* Takes `path`. 0 or a negative errno. */
static int add_entry(struct walk *walk, char *path, const struct stat *info)
{
    if (walk->n == walk->max_entries) {
        free(path);
        return -E2BIG;
    }
    if (walk->n == walk->cap) {
        uint64_t cap = walk->cap == 0 ? 64 : walk->cap * 2;
        struct entry *grown = reallocarray(walk->entries, (size_t)cap, sizeof(*grown));
        if (grown == NULL) {
            free(path);
            return -ENOMEM;
        }
        walk->entries = grown;
        walk->cap = cap;
    }
    walk->entries[walk->n++] = (struct entry){
        .path = path, .type = type_of(info), .size = info->st_size, .modified = info->st_mtim};
    return 0;
}

static char *join(const char *folder, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", name) < 0) {
        return NULL;
    }
    return path;
}

static int walk_folder(struct walk *walk, int fd, const char *folder, int depth);

/* What cannot be entered is told as an entry, and its inside is left out. */
static int walk_below(struct walk *walk, int fd, const char *name, const char *path, int depth)
{
    if (depth >= PLACE_DEPTH_MAX) {
        return 0;
    }
    int below = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (below >= 0 && place_look(walk->place, below) != 0) {
        (void)close(below); /* it was not even read */
        return 0;
    }
    return below >= 0 ? walk_folder(walk, below, path, depth + 1) : 0;
}

static int walk_entry(struct walk *walk, int fd, const char *folder, const char *name, int depth)
{
    struct stat info;
    if (fstatat(fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? 0 : -errno; /* gone meanwhile */
    }
    char *path = join(folder, name);
    if (path == NULL) {
        return -ENOMEM;
    }
    int status = 0;
    if (walk->is_recursive && S_ISDIR(info.st_mode)) {
        status = walk_below(walk, fd, name, path, depth);
    }
    if (status == 0 && (walk->pattern == NULL || pattern_matches(walk->pattern, path))) {
        return add_entry(walk, path, &info);
    }
    free(path);
    return status;
}

/* Takes `fd`. */
static int walk_folder(struct walk *walk, int fd, const char *folder, int depth)
{
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        int status = -errno;
        (void)close(fd); /* it was only read */
        return status;
    }
    int status = 0;
    errno = 0;
    for (struct dirent *at = readdir(dir); at != NULL && status == 0; at = readdir(dir)) {
        int is_self = strcmp(at->d_name, ".") == 0 || strcmp(at->d_name, "..") == 0;
        if (is_self || (at->d_name[0] == '.' && !walk->takes_hidden)) {
            continue;
        }
        if (++walk->looked_at > WALK_LOOKED_AT_MAX) {
            status = -E2BIG;
        } else if (ops.exec->cancelled(ops.h, walk->task) != 0) {
            status = -ECANCELED;
        } else {
            status = walk_entry(walk, dirfd(dir), folder, at->d_name, depth);
        }
        if (status != 0) {
            break;
        }
    }
    (void)closedir(dir); /* it was only read */
    return status;
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->path, ((const struct entry *)b)->path);
}

int walk_run(struct walk *walk, int fd)
{
    int status = walk_folder(walk, fd, "", 0);
    if (status == 0 && walk->n > 1) {
        qsort(walk->entries, (size_t)walk->n, sizeof(*walk->entries), compare_entries);
    }
    return status;
}

void walk_finish(struct walk *walk)
{
    for (uint64_t i = 0; i < walk->n; i++) {
        free(walk->entries[i].path);
    }
    free(walk->entries);
}
