/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.write: one file, whole or not at all.
 *
 * The content goes to a new file beside the old one, to the disk, and then in its place by one
 * rename; so readers see the old or the new content, also after a crash. Only `append` writes into
 * the file itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions.h"
#include "indent.h"

enum mode { MODE_REPLACE, MODE_CREATE, MODE_APPEND };

enum { TEMPORARY_TRIES = 16 };

struct write {
    enum mode mode;
    int makes_parents;
    ops_str bytes;
    char *owned; /* what `bytes` is, when it had to be made */
    int is_new;  /* there was no such file */
};

static int write_all(int fd, ops_str bytes)
{
    while (bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, (size_t)bytes.n);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        bytes = ops_slice(bytes.p + n, bytes.n - (uint64_t)n);
    }
    return 0;
}

static int write_and_sync(int fd, ops_str bytes)
{
    int status = write_all(fd, bytes);
    if (status == 0 && fsync(fd) != 0 && errno != EINVAL) {
        status = -errno; /* EINVAL: this file system does not know what that is */
    }
    return status;
}

/* A new file beside `name`; its name in `temporary`. A descriptor or a negative errno. */
static int open_temporary(int folder, char *temporary, size_t size)
{
    for (int i = 0; i < TEMPORARY_TRIES; i++) {
        uint64_t number = 0;
        if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number)) {
            return -EAGAIN;
        }
        (void)snprintf(temporary, size, ".opstream-%016llx.tmp", (unsigned long long)number);
        int fd =
            openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) {
            return fd >= 0 ? fd : -errno;
        }
    }
    return -EEXIST;
}

/* What is there already must be an ordinary file; the new one gets its permissions. */
static int check_old(int folder, const char *name, struct write *write, mode_t *out_permissions)
{
    struct stat old;
    if (fstatat(folder, name, &old, AT_SYMLINK_NOFOLLOW) != 0) {
        write->is_new = errno == ENOENT;
        *out_permissions = 0;
        return errno == ENOENT ? 0 : -errno;
    }
    if (write->mode == MODE_CREATE) {
        return -EEXIST;
    }
    if (S_ISDIR(old.st_mode)) {
        return -EISDIR;
    }
    *out_permissions = old.st_mode & 07777;
    return S_ISREG(old.st_mode) ? 0 : S_ISLNK(old.st_mode) ? -ELOOP : -EMEDIUMTYPE;
}

static int put_in_place(int folder, const char *temporary, const char *name, enum mode mode)
{
    unsigned flags = mode == MODE_CREATE ? RENAME_NOREPLACE : 0;
    if (renameat2(folder, temporary, folder, name, flags) != 0) {
        return -errno;
    }
    /* The name is durable when the folder is. */
    return fsync(folder) == 0 || errno == EINVAL ? 0 : -errno;
}

static int replace_file(int folder, const char *name, struct write *write)
{
    char temporary[64];
    mode_t permissions = 0;
    int status = check_old(folder, name, write, &permissions);
    int fd = status == 0 ? open_temporary(folder, temporary, sizeof(temporary)) : status;
    if (fd < 0) {
        return fd;
    }
    status = write_and_sync(fd, write->bytes);
    if (status == 0 && permissions != 0 && fchmod(fd, permissions) != 0) {
        status = -errno;
    }
    if (close(fd) != 0 && status == 0) {
        status = -errno;
    }
    if (status == 0) {
        status = put_in_place(folder, temporary, name, write->mode);
    }
    if (status != 0) {
        (void)unlinkat(folder, temporary, 0); /* it may be in its place already */
    }
    return status;
}

/*
 * In two steps: where a link leads is seen only when it is open, and nothing may be made before.
 * A link that leads nowhere is refused as one.
 */
static int open_append(struct place *place, int folder, const char *name, int *out_is_new)
{
    enum { FLAGS = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY };
    int fd = place_open_below(place, folder, name, FLAGS);
    *out_is_new = 0;
    if (fd == -ENOENT) {
        fd = place_create_below(place, folder, name, FLAGS);
        *out_is_new = fd >= 0;
    }
    if (fd == -EEXIST) { /* somebody has made it meanwhile, or a link is there */
        fd = place_open_below(place, folder, name, FLAGS);
        fd = fd == -ENOENT ? -ELOOP : fd;
    }
    return fd;
}

static int append_file(struct place *place, int folder, const char *name, struct write *write)
{
    struct stat info;
    int fd = open_append(place, folder, name, &write->is_new);
    if (fd < 0) {
        return fd == -ENXIO ? -EMEDIUMTYPE : fd;
    }
    int status = fstat(fd, &info) != 0        ? -errno
                 : S_ISREG(info.st_mode) == 0 ? -EMEDIUMTYPE
                                              : write_and_sync(fd, write->bytes);
    if (close(fd) != 0 && status == 0) {
        status = -errno;
    }
    return status;
}

/* 0 or a negative errno. */
static int write_file(struct place *place, struct write *write)
{
    const char *name = NULL;
    int folder = place_open_parent(place, write->makes_parents, &name);
    if (folder < 0) {
        return folder;
    }
    int status = strlen(name) > PLACE_NAME_BYTES ? -ENAMETOOLONG
                 : write->mode == MODE_APPEND    ? append_file(place, folder, name, write)
                                                 : replace_file(folder, name, write);
    (void)close(folder); /* what was written was synced */
    return status;
}

/* Texts as they are, all else as JSON. */
static ops_status read_content(ops_val config, struct write *write)
{
    ops_val content = ops_get(config, "content");
    uint32_t type = ops.value->type(ops.h, content);
    ops_str format = ops_get_str(config, "format", "auto");
    if (!ops_equal(format, "json") && (type == OPS_TYPE_STRING || type == OPS_TYPE_BYTES)) {
        return ops.value->get_bytes(ops.h, content, &write->bytes);
    }
    if (ops_equal(format, "text")) {
        return OPS_E_INPUT;
    }
    ops_str json = ops_text(NULL);
    ops_status status = ops.value->to_json(ops.h, content, &json);
    if (status != OPS_OK) {
        return status;
    }
    if (!indent_json(json, ops_get_bool(config, "pretty", 1), &write->owned, &write->bytes)) {
        return OPS_E_RESOURCE;
    }
    return OPS_OK;
}

static void complete(ops_task task, const struct place *place, const struct write *write)
{
    struct ops_map map = ops_map_begin(task);
    ops_map_text(&map, "path", place->path);
    ops_map_i64(&map, "bytes", (int64_t)write->bytes.n);
    ops_map_bool(&map, "created", write->is_new);
    ops_complete_map(task, &map);
}

void file_write_execute(ops_node *node, ops_task task, ops_val config)
{
    ops_str mode = ops_get_str(config, "mode", "replace");
    struct write write = {
        .mode = ops_equal(mode, "create")   ? MODE_CREATE
                : ops_equal(mode, "append") ? MODE_APPEND
                                            : MODE_REPLACE,
        .makes_parents = ops_get_bool(config, "parents", 0),
    };
    struct place place;
    if (!place_find(node, task, ops_get_str(config, "path", ""), &place)) {
        return;
    }
    ops_status read = read_content(config, &write);
    if (read != OPS_OK) {
        ops_fail_text(task, read,
                      read == OPS_E_INPUT ? "'content' is not a text: set 'format: json'"
                                          : "'content' cannot be written as JSON");
        place_finish(&place);
        return;
    }
    int status = write_file(&place, &write);
    if (status == 0) {
        complete(task, &place, &write);
    } else if (status == -ENOENT) {
        ops_error error = ops_error_make(OPS_E_NOT_FOUND, "the folder to write to does not exist");
        error.hint = ops_text("set 'parents: true' to have it made");
        error.symbol = ops_text("file.error");
        error.path = ops_text("/path");
        (void)ops.exec->fail(ops.h, task, &error);
    } else {
        place_fail(task, -status, &place);
    }
    free(write.owned);
    place_finish(&place);
}
