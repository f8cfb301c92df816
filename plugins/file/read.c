/* SPDX-License-Identifier: Apache-2.0 */
/* file.read: the content of one file, as text, JSON or base64. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions.h"

enum { READ_MAX_BYTES = 10 * 1024 * 1024, FIRST_BYTES = 64 * 1024 };

/* 0 or a negative errno: of something that is no ordinary file. */
static int check_type(int fd, struct stat *info)
{
    if (fstat(fd, info) != 0) {
        return -errno;
    }
    if (S_ISDIR(info->st_mode)) {
        return -EISDIR;
    }
    return S_ISREG(info->st_mode) ? 0 : -EMEDIUMTYPE;
}

/* All to the end, since the size of what is in /proc is not known before. 0 or a negative errno. */
static int read_all(int fd, uint64_t max_bytes, char **out_bytes, uint64_t *out_n)
{
    size_t cap = FIRST_BYTES;
    size_t n = 0;
    char *bytes = malloc(cap);
    int status = bytes != NULL ? 0 : -ENOMEM;
    while (status == 0) {
        if (n == cap) {
            char *grown = realloc(bytes, cap * 2);
            if (grown == NULL) {
                status = -ENOMEM;
                break;
            }
            bytes = grown;
            cap *= 2;
        }
        ssize_t got = read(fd, bytes + n, cap - n);
        if (got == 0) {
            break;
        }
        if (got > 0) {
            n += (size_t)got;
            status = n > max_bytes ? -EFBIG : 0;
        } else if (errno != EINTR) {
            status = -errno;
        }
    }
    if (status != 0) {
        free(bytes);
        return status;
    }
    *out_bytes = bytes;
    *out_n = n;
    return 0;
}

static void fail_content(ops_task task, const char *path, const ops_error *why)
{
    char message[1024];
    ops_str reason = why->message.n > 0 ? why->message : ops_text("it is not UTF-8");
    (void)snprintf(message, sizeof(message), "'%.600s' cannot be read like that: %.*s", path,
                   (int)(reason.n < 300 ? reason.n : 300), reason.p);
    ops_error error = ops_error_make(OPS_E_INPUT, message);
    error.symbol = ops_text("file.content");
    error.hint = ops_text("set 'as: text' or, for any bytes, 'as: base64'");
    error.path = ops_text("/as");
    (void)ops.exec->fail(ops.h, task, &error);
}

static ops_status make_content(ops_task task, ops_val config, ops_str bytes, ops_val *out,
                               ops_error *why)
{
    ops_str as = ops_get_str(config, "as", "text");
    if (ops_equal(as, "json")) {
        return ops.value->from_json(ops.h, task, bytes, out, why);
    }
    if (ops_equal(as, "base64")) {
        return ops.value->new_bytes(ops.h, task, bytes, out);
    }
    return ops.value->new_str(ops.h, task, bytes, out);
}

static void complete(ops_task task, ops_val config, const struct place *place, ops_str bytes,
                     const struct stat *info)
{
    ops_val content = 0;
    ops_error why = {.size = sizeof(why)};
    ops_status status = make_content(task, config, bytes, &content, &why);
    if (status == OPS_E_INPUT) {
        fail_content(task, place->path, &why);
        return;
    }
    char modified[TIME_TEXT_BYTES];
    file_format_time(info->st_mtim, modified);
    struct ops_map map = ops_map_begin(task);
    ops_map_text(&map, "path", place->path);
    ops_map_made(&map, "content", status, content);
    ops_map_i64(&map, "size", (int64_t)bytes.n);
    ops_map_text(&map, "modified", modified);
    ops_complete_map(task, &map);
}

void file_read_execute(ops_node *node, ops_task task, ops_val config)
{
    struct place place;
    if (!place_find(node, task, ops_get_str(config, "path", ""), &place)) {
        return;
    }
    char *bytes = NULL;
    uint64_t n = 0;
    struct stat info;
    /* Non-blocking: opening a named pipe would wait for its other end. */
    int fd = place_open(&place, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    int status = fd >= 0 ? check_type(fd, &info) : fd;
    if (status == 0) {
        uint64_t max_bytes = (uint64_t)ops_get_i64(config, "max_bytes", READ_MAX_BYTES);
        status = read_all(fd, max_bytes, &bytes, &n);
    }
    if (fd >= 0) {
        (void)close(fd); /* it was only read */
    }
    if (status == 0) {
        complete(task, config, &place, ops_slice(bytes, n), &info);
    } else {
        place_fail(task, -status, &place);
    }
    free(bytes);
    place_finish(&place);
}
