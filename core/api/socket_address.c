/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/socket_address.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/str.h"

static int open_folder(const char *path, const char *slash, int *out_fd, struct error *err)
{
    cleanup_free char *folder = str_dup(str_make(path, (size_t)(slash - path) + 1));
    if (folder == NULL) {
        return error_nomem(err);
    }

    int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        int code = errno == ENOENT || errno == ENOTDIR ? E_NOT_FOUND : E_IO;
        return error_set_errno(err, code, errno, "cannot open the folder '%s'", folder);
    }

    *out_fd = fd;
    return 0;
}

int socket_address_init(struct socket_address *address, const char *path, struct error *err)
{
    const char *slash = strrchr(path, '/');
    if (path[0] != '/' || slash[1] == '\0') {
        return error_set(err, E_INVALID, "'%s' is no absolute path of a socket", path);
    }

    struct socket_address made = {.address = {.sun_family = AF_UNIX}, .folder_fd = -1};
    size_t n = strlen(path);
    if (n < sizeof made.address.sun_path) {
        memcpy(made.address.sun_path, path, n + 1);
        *address = made;
        return 0;
    }

    int status = open_folder(path, slash, &made.folder_fd, err);
    if (status != 0) {
        return status;
    }

    int room = (int)sizeof made.address.sun_path;
    int length =
        snprintf(made.address.sun_path, (size_t)room, "/proc/self/fd/%d%s", made.folder_fd, slash);
    if (length >= room) {
        socket_address_finish(&made);
        return error_set(err, E_INVALID, "the name '%s' is too long for a socket", slash + 1);
    }

    *address = made;
    return 0;
}

void socket_address_finish(struct socket_address *address)
{
    cleanup_close_fd(&address->folder_fd);
    address->folder_fd = -1;
}
