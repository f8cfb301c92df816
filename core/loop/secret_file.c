/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/fd.h"
#include "core/base/guarded.h"

/* The clock of files goes in steps: what was changed this short ago may change unseen. */
enum { SETTLED_MS = 2000 };

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* ---- reading ---- */

static int open_error(const char *path, int errnum, struct error *err)
{
    switch (errnum) {
    case ENOENT:
        return error_set(err, E_NOT_FOUND, "'%s' is not there", path);
    case ELOOP:
    case EXDEV:
        return error_set(err, E_INVALID, "'%s' is a link that leads out of its folder: remove it",
                         path);
    default:
        return error_set_errno(err, E_IO, errnum, "cannot open '%s'", path);
    }
}

static int open_below(const struct secret_file_wish *wish, struct error *err)
{
    bool has_links = (wish->flags & SECRET_FILE_LINKS) != 0;
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                           .resolve = RESOLVE_BENEATH |
                                      (has_links ? RESOLVE_NO_MAGICLINKS : RESOLVE_NO_SYMLINKS)};
    long fd = syscall(SYS_openat2, wish->folder, name_of(wish->path), &how, sizeof(how));
    return fd >= 0 ? (int)fd : open_error(wish->path, errno, err);
}

static int check(const struct secret_file_wish *wish, const struct stat *st, struct error *err)
{
    bool has_readers = (wish->flags & SECRET_FILE_GROUP_READS) != 0;
    mode_t refused = has_readers ? S_IRWXO | S_IWGRP : S_IRWXO | S_IRWXG;
    if (!S_ISREG(st->st_mode)) {
        return error_set(err, E_INVALID, "'%s' is no regular file: remove it", wish->path);
    }
    if (st->st_uid != geteuid() && st->st_uid != 0) {
        return error_set(err, E_INVALID,
                         "'%s' belongs to user %u, who could change it: it must belong to user %u "
                         "or to root",
                         wish->path, (unsigned)st->st_uid, (unsigned)geteuid());
    }
    if ((st->st_mode & refused) != 0) {
        return error_set(err, E_INVALID,
                         "'%s' has mode %04o, so that others can read or change it: use chmod %s "
                         "'%s'",
                         wish->path, (unsigned)(st->st_mode & 07777),
                         has_readers ? "o=,g-w" : "600", wish->path);
    }
    if (st->st_size < 0 || (uint64_t)st->st_size > wish->limit_bytes) {
        return error_set(err, E_LIMIT, "'%s' has more than %zu bytes", wish->path,
                         wish->limit_bytes);
    }
    return 0;
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 29;
}

static uint64_t stamp_of(const char *path, const struct stat *st)
{
    uint64_t stamp = str_hash(str_from(path));
    const uint64_t words[] = {st->st_dev,
                              st->st_ino,
                              (uint64_t)st->st_size,
                              st->st_mode,
                              (uint64_t)st->st_mtim.tv_sec,
                              (uint64_t)st->st_mtim.tv_nsec,
                              (uint64_t)st->st_ctim.tv_sec,
                              (uint64_t)st->st_ctim.tv_nsec};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        stamp = mix(stamp, words[i]);
    }
    int64_t age_ms = clock_unix_ms() - (int64_t)st->st_ctim.tv_sec * 1000;
    return age_ms < SETTLED_MS ? 0 : stamp | 1; /* a clock that was set back counts as that, too */
}

/* Until its end, and not further than it was large. */
static int read_all(int fd, const char *path, struct secret_file *file, struct error *err)
{
    while (file->n + 1 < file->size) {
        ssize_t n = read(fd, file->p + file->n, file->size - 1 - file->n);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return error_set_errno(err, E_IO, errno, "cannot read '%s'", path);
        }
        if (n == 0) {
            break;
        }
        file->n += (size_t)n;
    }
    return 0;
}

int secret_file_read(const struct secret_file_wish *wish, struct secret_file *out_file,
                     struct error *err)
{
    struct stat st;
    cleanup_fd int fd = open_below(wish, err);
    if (fd < 0) {
        return fd;
    }
    if (fstat(fd, &st) != 0) {
        return error_set_errno(err, E_IO, errno, "cannot look at '%s'", wish->path);
    }
    int status = check(wish, &st, err);
    uint64_t stamp = stamp_of(wish->path, &st);
    if (status != 0 || (stamp != 0 && stamp == wish->known)) {
        return status != 0 ? status : SECRET_FILE_UNCHANGED;
    }
    struct secret_file file = {.size = (size_t)st.st_size + 1, .stamp = stamp};
    file.p = guarded_alloc(file.size);
    if (file.p == NULL) {
        return error_nomem(err);
    }
    status = read_all(fd, wish->path, &file, err);
    if (status != 0) {
        secret_file_finish(&file);
        return status;
    }
    *out_file = file;
    return 0;
}

void secret_file_finish(struct secret_file *file)
{
    guarded_free(file->p, file->size);
    *file = (struct secret_file){0};
}

/* ---- writing ---- */

int secret_file_write(int folder, const char *path, struct str bytes, struct error *err)
{
    char fresh[64];
    const char *name = name_of(path);
    (void)snprintf(fresh, sizeof(fresh), "%s.new", name); /* fits: names are our own */
    (void)unlinkat(folder, fresh, 0);                     /* of a crash; mostly not there */
    cleanup_fd int fd =
        openat(folder, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return error_set_errno(err, E_IO, errno, "cannot make '%s.new'", path);
    }
    int errnum = fd_write_all(fd, bytes);
    if (errnum == 0 && (fsync(fd) != 0 || renameat(folder, fresh, folder, name) != 0)) {
        errnum = errno;
    }
    if (errnum != 0) {
        (void)unlinkat(folder, fresh, 0); /* what is there stays as it was */
        return error_set_errno(err, E_IO, errnum, "cannot write '%s'", path);
    }
    cleanup_fd int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (again < 0 || fsync(again) != 0) {
        return error_set_errno(err, E_IO, errno, "cannot sync the folder of '%s'", path);
    }
    return 0;
}
