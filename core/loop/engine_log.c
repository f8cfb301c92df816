/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/engine_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/escape.h"
#include "core/loop/state_folder.h"

enum {
    TAIL_BYTES = 4096,
    APPENDING = O_WRONLY | O_CREAT | O_APPEND,
};

static bool is_log(const struct state_folder *folder, int fd)
{
    struct stat mine;
    struct stat there;
    return fstat(fd, &mine) == 0 && lstat(state_folder_file(folder, STATE_FILE_LOG), &there) == 0 &&
           mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

static bool is_too_long(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && st.st_size >= ENGINE_LOG_BYTES;
}

/* Of two who want to put the same file aside only one does: the other's would be the new one. */
static int put_aside(const struct state_folder *folder, int fd, struct error *err)
{
    const char *from = state_folder_file(folder, STATE_FILE_LOG);
    const char *to = state_folder_file(folder, STATE_FILE_OLD_LOG);
    (void)flock(fd, LOCK_EX); /* fails on no file of ours; then two may lose an old log */
    int status = 0;
    if (is_log(folder, fd) && rename(from, to) != 0) {
        status = error_set_errno(err, E_IO, errno, "cannot rename '%s' to '%s'", from, to);
    }
    (void)flock(fd, LOCK_UN);
    return status;
}

int engine_log_open(const struct state_folder *folder, int *out_fd, struct error *err)
{
    cleanup_fd int fd = -1;
    int status = state_folder_open_file(folder, STATE_FILE_LOG, APPENDING, &fd, err);
    if (status == 0 && is_too_long(fd)) {
        status = put_aside(folder, fd, err);
        cleanup_close_fd(&fd);
        fd = -1;
        if (status == 0) {
            status = state_folder_open_file(folder, STATE_FILE_LOG, APPENDING, &fd, err);
        }
    }
    if (status != 0) {
        return status;
    }
    *out_fd = fd;
    fd = -1;
    return 0;
}

int engine_log_bound(const struct state_folder *folder, struct error *err)
{
    bool is_output = is_log(folder, STDOUT_FILENO);
    bool is_errors = is_log(folder, STDERR_FILENO);
    if ((!is_output && !is_errors) || !is_too_long(is_errors ? STDERR_FILENO : STDOUT_FILENO)) {
        return 0;
    }
    cleanup_fd int fd = -1;
    int status = engine_log_open(folder, &fd, err);
    if (status != 0) {
        return status;
    }
    if ((is_output && dup2(fd, STDOUT_FILENO) < 0) || (is_errors && dup2(fd, STDERR_FILENO) < 0)) {
        return error_set_errno(err, E_IO, errno, "cannot go on to the new '%s'",
                               state_folder_file(folder, STATE_FILE_LOG));
    }
    return 0;
}

void engine_log_append_last_line(const struct state_folder *folder, int64_t from,
                                 struct strbuf *out)
{
    struct stat st;
    char tail[TAIL_BYTES];
    cleanup_fd int fd = -1;
    if (state_folder_open_file(folder, STATE_FILE_LOG, O_RDONLY, &fd, NULL) != 0 ||
        fstat(fd, &st) != 0) {
        return;
    }
    int64_t start = st.st_size > TAIL_BYTES ? st.st_size - TAIL_BYTES : 0;
    ssize_t n = pread(fd, tail, sizeof tail, start > from ? start : from);
    struct str text = str_trim(str_make(tail, n > 0 ? (size_t)n : 0));
    const char *end = text.n > 0 ? memrchr(text.p, '\n', text.n) : NULL;
    if (end != NULL) {
        text = str_make(end + 1, text.n - (size_t)(end + 1 - text.p));
    }
    escape_append_text(out, text);
}
