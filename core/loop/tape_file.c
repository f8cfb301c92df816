/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/tape_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/fd.h"
#include "core/loop/tape_call.h"

int tape_file_begin(struct tape_file *file, const char *path, struct error *err)
{
    struct stat st;
    struct strbuf draft = STRBUF_INIT;
    bool is_link = lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
    file->path = is_link ? realpath(path, NULL) : str_dup(str_from(path)); /* a link stays one */
    if (is_link && file->path == NULL) {
        return error_set_errno(err, E_IO, errno, "the tape '%s' cannot be written, it is a link",
                               path);
    }
    strbuf_append_format(&draft, "%s.%ld", file->path != NULL ? file->path : "", (long)getpid());
    char *name = strbuf_take(&draft);
    if (file->path == NULL || name == NULL) {
        free(name);
        return error_nomem(err);
    }
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        free(name);
        return error_set(err, E_IO, "the tape '%s' cannot be written: it is no regular file", path);
    }
    file->fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file->fd < 0) {
        free(name);
        return error_set_errno(err, E_IO, errno, "the tape '%s' cannot be written", path);
    }
    file->draft = name;
    return 0;
}

int tape_file_save(struct tape_file *file, struct str text, struct error *err)
{
    int errnum = fd_write_all(file->fd, text);
    if (close(file->fd) != 0 && errnum == 0) {
        errnum = errno;
    }
    if (errnum == 0 && rename(file->draft, file->path) != 0) {
        errnum = errno;
    }
    if (errnum != 0) {
        int status =
            error_set_errno(err, E_IO, errnum, "the tape '%s' cannot be written", file->path);
        (void)unlink(file->draft); /* what is left of it is of no use */
        free(take_pointer(&file->draft));
        return status;
    }
    free(take_pointer(&file->draft));
    return 0;
}

void tape_file_finish(struct tape_file *file)
{
    if (file->draft != NULL) {
        (void)close(file->fd); /* nothing was written */
        (void)unlink(file->draft);
    }
    free(file->draft);
    free(file->path);
    *file = (struct tape_file){0};
}

static int read_all(int fd, size_t size, char *to)
{
    while (size > 0) {
        ssize_t n = read(fd, to, size);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            errno = n == 0 ? EIO : errno; /* it has become shorter */
            return E_IO;
        }
        to += n;
        size -= (size_t)n;
    }
    return 0;
}

int tape_file_read(const char *path, char **out_text, size_t *out_size, struct error *err)
{
    struct stat st;
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0) {
        int code = errno == ENOENT ? E_NOT_FOUND : E_IO;
        return error_set_errno(err, code, errno, "the tape '%s' cannot be opened", path);
    }
    if (!S_ISREG(st.st_mode)) {
        return error_set(err, E_IO, "the tape '%s' is no regular file", path);
    }
    if (st.st_size > TAPE_MAX_BYTES) {
        return error_set(err, E_LIMIT, "the tape '%s' is larger than 64 MiB", path);
    }
    cleanup_free char *text = malloc((size_t)st.st_size + 1);
    if (text == NULL) {
        return error_nomem(err);
    }
    if (read_all(fd, (size_t)st.st_size, text) != 0) {
        return error_set_errno(err, E_IO, errno, "the tape '%s' cannot be read", path);
    }
    text[st.st_size] = '\0';
    *out_text = take_pointer(&text);
    *out_size = (size_t)st.st_size;
    return 0;
}
