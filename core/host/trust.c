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

struct trust_stamp trust_stamp_of(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        return (struct trust_stamp){0};
    }
    return stamp_from(&st);
}

static int check_owner(const char *path, const char *what, const struct stat *st, struct error *err)
{
    if (st->st_uid != 0 && st->st_uid != geteuid()) {
        return error_set(err, E_PLUGIN,
                         "the %s '%s' belongs to user %u; plugins must belong to root or to the "
                         "user who runs opstream",
                         what, path, (unsigned)st->st_uid);
    }
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return error_set(err, E_PLUGIN,
                         "the %s '%s' can be written to by others: use chmod go-w '%s'", what, path,
                         path);
    }
    return 0;
}

int trust_check_folder(const char *path, struct trust_stamp *out_stamp, struct error *err)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        int code = errno == ENOENT || errno == ENOTDIR ? E_NOT_FOUND : E_IO;
        return error_set_errno(err, code, errno, "cannot look at the folder '%s'", path);
    }
    if (!S_ISDIR(st.st_mode)) {
        return error_set(err, E_PLUGIN, "'%s' is no folder", path);
    }
    if (out_stamp != NULL) {
        *out_stamp = stamp_from(&st);
    }
    return check_owner(path, "folder", &st, err);
}

static int check_parent(const char *path, struct error *err)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t n = slash != NULL ? (size_t)(slash - path) : 0;
    if (n == 0 || n >= sizeof folder) {
        return error_set(err, E_INVALID, "'%s' is no absolute path of a file", path);
    }

    memcpy(folder, path, n);
    folder[n] = '\0';
    return trust_check_folder(folder, NULL, err);
}

int trust_open_file(const char *path, int *out_fd, struct trust_stamp *out_stamp, struct error *err)
{
    struct stat st;
    int status = check_parent(path, err);
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
    status = check_owner(path, "file", &st, err);
    if (status != 0) {
        return status;
    }

    *out_stamp = stamp_from(&st);
    *out_fd = fd;
    fd = -1;
    return 0;
}
