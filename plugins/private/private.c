/* SPDX-License-Identifier: Apache-2.0 */
#include "private/private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The first folder of `list`, without the escapes; `*list` moves on. 0: there is none, or it is
 * longer than a path can be.
 */
static int next_folder(const char **list, char folder[PATH_MAX])
{
    const char *at = *list;
    size_t n = 0;
    for (; *at != '\0' && *at != ':' && n + 1 < PATH_MAX; at++) {
        at += *at == '\\' && at[1] != '\0';
        folder[n++] = *at;
    }
    folder[n] = '\0';
    *list = *at == ':' ? at + 1 : at;
    return n > 0;
}

static int is_below(const char *path, const char *folder)
{
    size_t n = strlen(folder);
    n -= n > 0 && folder[n - 1] == '/';
    return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* The folder may be mounted in a second place: then something above `path` is the same one. */
static int is_below_same(char *path, const char *folder)
{
    struct stat wanted;
    struct stat above;
    int is_same = 0;
    if (stat(folder, &wanted) != 0) {
        return 0; /* it is not there yet, or not for us */
    }
    for (size_t n = strlen(path); n > 0 && !is_same; n--) {
        if (path[n] == '/' || path[n] == '\0') {
            char end = path[n];
            path[n] = '\0';
            is_same = stat(path, &above) == 0 && above.st_dev == wanted.st_dev &&
                      above.st_ino == wanted.st_ino;
            path[n] = end;
        }
    }
    return is_same;
}

/* Where the kernel says that it is now. 0 or a negative errno. */
static int path_of(int fd, char path[PATH_MAX])
{
    char link[64];
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, PATH_MAX - 1);
    if (n < 0) {
        return -errno;
    }
    path[n] = '\0';
    return n < PATH_MAX - 1 ? 0 : -ENAMETOOLONG;
}

int private_look(int fd, char folder[PATH_MAX])
{
    char path[PATH_MAX];
    const char *list = getenv(PRIVATE_VARIABLE);
    if (list == NULL || list[0] == '\0') {
        return 0;
    }
    int status = path_of(fd, path);
    if (status != 0) {
        return status;
    }
    while (next_folder(&list, folder)) {
        if (is_below(path, folder) || is_below_same(path, folder)) {
            return 1;
        }
    }
    return 0;
}
