/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"

static bool read_whole(int fd, size_t size, struct strbuf *out)
{
    size_t end = out->n + size;
    char *to = strbuf_reserve(out, size);
    while (to != NULL && out->n < end) {
        ssize_t got = read(fd, out->p + out->n, end - out->n);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        out->n += (size_t)got;
        out->p[out->n] = '\0';
    }
    return to != NULL;
}

bool private_file_read(const char *path, size_t most, void (*on_open)(int fd), struct strbuf *out)
{
    struct stat st;
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
        (st.st_mode & (S_IWGRP | S_IWOTH)) != 0 || (uint64_t)st.st_size > most) {
        return false;
    }
    if (on_open != NULL) {
        on_open(fd);
    }
    return read_whole(fd, (size_t)st.st_size, out);
}

void private_file_make_parents(const char *path)
{
    char folder[PATH_MAX];
    size_t n = strlen(path);
    for (size_t i = 1; i < n && n < sizeof folder; i++) {
        if (path[i] == '/') {
            memcpy(folder, path, i);
            folder[i] = '\0';
            (void)mkdir(folder, 0700); /* most are there */
        }
    }
}

int private_file_write(int fd, struct str bytes)
{
    while (bytes.n > 0) {
        ssize_t done = write(fd, bytes.p, bytes.n);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return done < 0 ? errno : EIO;
        }
        bytes.p += done;
        bytes.n -= (size_t)done;
    }
    return 0;
}

static int write_draft(const char *draft, struct str text)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
    int fd = open(draft, flags, 0600);
    if (fd < 0 && errno == ENOENT) {
        private_file_make_parents(draft);
        fd = open(draft, flags, 0600);
    }
    if (fd < 0) {
        return errno;
    }
    int errnum = private_file_write(fd, text);
    if (close(fd) != 0 && errnum == 0) {
        errnum = errno;
    }
    return errnum;
}

/* Beside the file, then over it. */
int private_file_replace(const char *path, struct str text)
{
    struct strbuf draft = STRBUF_INIT;
    strbuf_append_format(&draft, "%s.%ld", path, (long)getpid());
    if (strbuf_status(&draft) != 0) {
        strbuf_finish(&draft);
        return ENOMEM;
    }
    int errnum = write_draft(draft.p, text);
    if (errnum == 0 && rename(draft.p, path) != 0) {
        errnum = errno;
    }
    if (errnum != 0 && errnum != EEXIST) {
        (void)unlink(draft.p); /* a draft that stays behind harms nobody */
    }
    strbuf_finish(&draft);
    return errnum;
}
