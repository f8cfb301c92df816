/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/host/trust_above.h"

static struct trust_stamp stamp_from(const struct stat *st)
{
    return (struct trust_stamp){
        .device = (uint64_t)st->st_dev,
        .inode = (uint64_t)st->st_ino,
        .size = (uint64_t)st->st_size,
        .modified_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
        .changed_ns = (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec,
    };
}

bool trust_stamp_equal(const struct trust_stamp *a, const struct trust_stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

bool trust_stamp_is_of(const struct trust_stamp *stamp, int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return false;
    }
    struct trust_stamp now = stamp_from(&st);
    now.changed_ns = stamp->changed_ns; /* that is when its name was taken, too */
    return trust_stamp_equal(&now, stamp);
}

struct trust_stamp trust_stamp_of(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        return (struct trust_stamp){0};
    }
    return stamp_from(&st);
}

static bool is_foreign(const struct stat *st)
{
    return st->st_uid != 0 && st->st_uid != geteuid();
}

/* The first of them that is another user; 0: none. */
static uint32_t find_owner(const struct stat *file, const struct stat *parent, uint32_t above)
{
    if (is_foreign(file)) {
        return (uint32_t)file->st_uid;
    }
    return is_foreign(parent) ? (uint32_t)parent->st_uid : above;
}

static int check_mode(const char *path, const char *what, const struct stat *st, struct error *err)
{
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return error_set(err, E_PLUGIN,
                         "the %s '%s' can be written to by others: use chmod go-w '%s'", what, path,
                         path);
    }
    return 0;
}

static int look_at_folder(const char *path, struct stat *out_st, struct error *err)
{
    if (stat(path, out_st) != 0) {
        int code = errno == ENOENT || errno == ENOTDIR ? E_NOT_FOUND : E_IO;
        return error_set_errno(err, code, errno, "cannot look at the folder '%s'", path);
    }
    if (!S_ISDIR(out_st->st_mode)) {
        return error_set(err, E_PLUGIN, "'%s' is no folder", path);
    }
    return check_mode(path, "folder", out_st, err);
}

int trust_check_folder(struct trust_above *above, const char *path, struct error *err)
{
    struct stat st;
    uint32_t owner = 0;
    int status = look_at_folder(path, &st, err);
    return status == 0 ? trust_above_check(above, path, &owner, err) : status;
}

static int look_at_parent(const char *path, struct stat *out_st, struct error *err)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t n = slash != NULL ? (size_t)(slash - path) : 0;
    if (n == 0 || n >= sizeof folder) {
        return error_set(err, E_INVALID, "'%s' is no absolute path of a file", path);
    }

    memcpy(folder, path, n);
    folder[n] = '\0';
    return look_at_folder(folder, out_st, err);
}

int trust_open_file(struct trust_above *above, const char *path, struct trust_file *out_file,
                    struct error *err)
{
    struct stat parent;
    struct stat st;
    uint32_t owner = 0;
    int status = look_at_parent(path, &parent, err);
    if (status == 0) {
        status = trust_above_check(above, path, &owner, err);
    }
    if (status != 0) {
        return status;
    }
    /* Without O_NONBLOCK a FIFO would hold the program up. */
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) != 0) {
        return error_set_errno(err, errno == ENOENT ? E_NOT_FOUND : E_IO, errno, "cannot open '%s'",
                               path);
    }
    if (!S_ISREG(st.st_mode)) {
        return error_set(err, E_PLUGIN, "'%s' is no regular file", path);
    }
    status = check_mode(path, "file", &st, err);
    if (status != 0) {
        return status;
    }

    owner = find_owner(&st, &parent, owner);
    *out_file = (struct trust_file){
        .fd = fd,
        .stamp = stamp_from(&st),
        .is_foreign = owner != 0,
        .owner = owner,
    };
    fd = -1;
    return 0;
}
