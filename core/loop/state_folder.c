/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder is held by an O_PATH descriptor: that needs no right to read it, so that a folder of
 * another user is recognised as one, and what was checked stays what is used.
 */
#include "core/loop/state_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/str.h"
#include "core/loop/file_system.h"

enum { SOCKET_PATH_BYTES = sizeof(((struct sockaddr_un *)0)->sun_path) };

struct state_folder {
    int fd; /* O_PATH */
    bool is_foreign;
    char *path;
    char *files[STATE_FILES];
    char socket[SOCKET_PATH_BYTES];
};

static const char *const file_names[STATE_FILES] = {
    [STATE_FILE_LOCK] = "state.lock",   [STATE_FILE_SOCKET] = "control.sock",
    [STATE_FILE_DATABASE] = "state.db", [STATE_FILE_BLOBS] = "blobs",
    [STATE_FILE_LOG] = "engine.log",    [STATE_FILE_OLD_LOG] = "engine.log.1",
};

static const struct state_folder_system real_system = {.statfs = fstatfs, .user = geteuid};

/* ---- which folder ---- */

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static int join(const char *folder, const char *name, char **out_path, struct error *err)
{
    struct strbuf path = STRBUF_INIT;
    strbuf_append_format(&path, "%s%s%s", folder, name[0] != '\0' ? "/" : "", name);
    *out_path = strbuf_take(&path);
    return *out_path != NULL ? 0 : error_nomem(err);
}

static int locate(const char *option, uid_t user, char **out_path, struct error *err)
{
    if (option != NULL && option[0] == '\0') {
        return error_set(err, E_INVALID, "the state folder's name is empty: use --state DIR");
    }
    const char *named = option != NULL ? option : variable("OPSTREAM_STATE");
    if (named != NULL) {
        return join(named, "", out_path, err);
    }
    if (user == 0) {
        return join("/var/lib", "opstream", out_path, err);
    }

    const char *xdg = variable("XDG_STATE_HOME");
    if (xdg != NULL && xdg[0] == '/') {
        return join(xdg, "opstream", out_path, err);
    }
    const char *home = variable("HOME");
    if (home == NULL) {
        return error_set(err, E_NOT_FOUND,
                         "there is no place for the state folder: set HOME, or use --state DIR");
    }
    return join(home, ".local/state/opstream", out_path, err);
}

int state_folder_locate(const char *option, char **out_path, struct error *err)
{
    return locate(option, geteuid(), out_path, err);
}

/* ---- making it ---- */

/* The new entry is in `path`'s parent: without this it may be gone after a power failure. */
static int sync_parent(const char *path)
{
    cleanup_free char *parent = str_dup(str_from(path));
    if (parent == NULL) {
        return -ENOMEM;
    }
    char *slash = strrchr(parent, '/');
    if (slash != NULL) {
        slash[slash == parent ? 1 : 0] = '\0';
    }
    cleanup_fd int fd = open(slash != NULL ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* A parent that may be written to but not read cannot be synced, and is used all the same. */
    return fd >= 0 && fsync(fd) != 0 ? -errno : 0;
}

static int make_one(const char *path)
{
    if (mkdir(path, 0700) == 0) {
        return sync_parent(path);
    }
    /* "Exists" is said of links that lead nowhere, too; opening it tells. */
    return errno == EEXIST ? 0 : -errno;
}

/* `path` with all that is above it. `path` is as it was when this returns. */
static int make_all(char *path)
{
    struct stat st;
    if (stat(path, &st) == 0) {
        return 0;
    }
    for (char *at = path + 1; *at != '\0'; at++) {
        if (*at != '/' || at[-1] == '/') {
            continue;
        }
        *at = '\0';
        /* Of what is there nothing is asked: not even that it could be made. */
        int status = stat(path, &st) == 0 ? 0 : make_one(path);
        *at = '/';
        if (status != 0) {
            return status;
        }
    }
    return make_one(path);
}

static int make_folder(const char *path, struct error *err)
{
    cleanup_free char *copy = str_dup(str_from(path));
    if (copy == NULL) {
        return error_nomem(err);
    }
    for (size_t n = strlen(copy); n > 1 && copy[n - 1] == '/'; n--) {
        copy[n - 1] = '\0';
    }
    int status = make_all(copy);
    switch (status) {
    case 0:
        return 0;
    case -ENOMEM:
        return error_nomem(err);
    case -EROFS:
        return error_set(err, E_INVALID,
                         "the state folder '%s' cannot be made: the file system is read-only; "
                         "choose another place with --state DIR",
                         path);
    case -ENOTDIR:
        return error_set(err, E_INVALID,
                         "the state folder '%s' cannot be made: something above it is no folder",
                         path);
    default:
        return error_set_errno(err, E_IO, -status, "cannot make the state folder '%s'", path);
    }
}

/* ---- what must hold ---- */

static int open_error(const char *path, int errnum, struct error *err)
{
    switch (errnum) {
    case ENOENT:
        return error_set(err, E_NOT_FOUND, "the state folder '%s' is not there", path);
    case ENOTDIR:
        return error_set(err, E_INVALID,
                         "the state folder '%s' is no folder: choose another with --state DIR",
                         path);
    case ENOMEM:
        return error_nomem(err);
    default:
        return error_set_errno(err, E_IO, errnum, "cannot open the state folder '%s'", path);
    }
}

static int check_file_system(const struct state_folder *folder, const struct stat *st,
                             const struct state_folder_system *system, struct error *err)
{
    struct statfs fs = {0};
    if (system->statfs(folder->fd, &fs) != 0) {
        return error_set_errno(err, E_IO, errno, "cannot look at the file system of '%s'",
                               folder->path);
    }
    const char *remote = file_system_remote_name((uint64_t)fs.f_type, (uint64_t)st->st_dev);
    if (remote != NULL) {
        return error_set(err, E_INVALID,
                         "the state folder '%s' is on %s, where locks and syncs cannot be relied "
                         "on: choose a folder on a local disk with --state DIR",
                         folder->path, remote);
    }
    if (((unsigned long)fs.f_flags & ST_RDONLY) != 0) {
        return error_set(err, E_INVALID,
                         "the state folder '%s' is on a read-only file system: mount it writable, "
                         "or choose another with --state DIR",
                         folder->path);
    }
    return 0;
}

/* Whether the user who owns the folder listens at its socket. */
static bool has_listener(const struct state_folder *folder, uid_t user)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ucred peer = {0};
    socklen_t peer_n = sizeof peer;
    if (folder->socket[0] == '\0') {
        return false;
    }
    memcpy(address.sun_path, folder->socket, sizeof address.sun_path);
    /* Non-blocking: a listener with a full queue is busy, and there. */
    cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        return false;
    }
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_n) == 0 && peer.uid == user;
}

static int check_owner(struct state_folder *folder, const struct stat *st, uid_t user,
                       struct error *err)
{
    if (st->st_uid != user) {
        folder->is_foreign = has_listener(folder, st->st_uid);
        return folder->is_foreign
                   ? 0
                   : error_set(err, E_INVALID,
                               "the state folder '%s' belongs to user %u: run this as that user, "
                               "or choose another with --state DIR%s",
                               folder->path, (unsigned)st->st_uid,
                               user == 0 ? "; if it is the service's, start that with 'systemctl "
                                           "start opstream', or run this as an ordinary user"
                                         : "");
    }
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return error_set(err, E_INVALID,
                         "the state folder '%s' can be written to by others: use chmod 700 '%s'",
                         folder->path, folder->path);
    }
    if ((st->st_mode & S_IRWXU) != S_IRWXU) {
        return error_set(err, E_INVALID,
                         "the state folder '%s' cannot be written to: use chmod u+rwx '%s'",
                         folder->path, folder->path);
    }
    return 0;
}

static int check(struct state_folder *folder, const struct state_folder_system *system,
                 struct error *err)
{
    struct stat st;
    if (fstat(folder->fd, &st) != 0) {
        return open_error(folder->path, errno, err);
    }
    int status = check_owner(folder, &st, system->user(), err);
    if (status != 0 || folder->is_foreign) {
        return status;
    }
    return check_file_system(folder, &st, system, err);
}

/* ---- lifecycle ---- */

static void set_socket(struct state_folder *folder)
{
    const char *path = folder->files[STATE_FILE_SOCKET];
    if (strlen(path) < sizeof folder->socket) {
        memcpy(folder->socket, path, strlen(path) + 1);
        return;
    }
    char link[64];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", folder->fd); /* fits */
    if (access(link, F_OK) == 0) {
        (void)snprintf(folder->socket, sizeof folder->socket, "%s/%s", link,
                       file_names[STATE_FILE_SOCKET]); /* fits as well */
    }
}

static int open_folder(struct state_folder *folder, const char *path, struct error *err)
{
    folder->path = realpath(path, NULL);
    if (folder->path == NULL) {
        return open_error(path, errno, err);
    }
    folder->fd = open(folder->path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder->fd < 0) {
        return open_error(folder->path, errno, err);
    }
    for (size_t i = 0; i < STATE_FILES; i++) {
        int status = join(folder->path, file_names[i], &folder->files[i], err);
        if (status != 0) {
            return status;
        }
    }
    set_socket(folder);
    return 0;
}

int state_folder_open(const struct state_folder_options *options, struct state_folder **out_folder,
                      struct error *err)
{
    const struct state_folder_system *system = options->system != NULL ? options->system
                                                                       : &real_system;
    cleanup_free char *path = NULL;
    int status = locate(options->path, system->user(), &path, err);
    if (status == 0 && options->use == STATE_FOLDER_CREATE) {
        status = make_folder(path, err);
    }
    if (status != 0) {
        return status;
    }

    struct state_folder *folder = calloc(1, sizeof *folder);
    if (folder == NULL) {
        return error_nomem(err);
    }
    folder->fd = -1;
    status = open_folder(folder, path, err);
    if (status == 0) {
        status = check(folder, system, err);
    }
    if (status != 0) {
        state_folder_close(folder);
        return status;
    }
    *out_folder = folder;
    return 0;
}

void state_folder_close(struct state_folder *folder)
{
    if (folder == NULL) {
        return;
    }
    for (size_t i = 0; i < STATE_FILES; i++) {
        free(folder->files[i]);
    }
    free(folder->path);
    cleanup_close_fd(&folder->fd);
    free(folder);
}

/* ---- use ---- */

const char *state_folder_path(const struct state_folder *folder)
{
    return folder->path;
}

const char *state_folder_file(const struct state_folder *folder, enum state_file file)
{
    return folder->files[file];
}

const char *state_folder_socket(const struct state_folder *folder, struct error *err)
{
    if (folder->socket[0] != '\0') {
        return folder->socket;
    }
    error_set(err, E_LIMIT,
              "the path '%s' has more than %d bytes, and /proc, which would help, is not mounted: "
              "choose a folder with a shorter name with --state DIR",
              folder->files[STATE_FILE_SOCKET], SOCKET_PATH_BYTES - 1);
    return NULL;
}

bool state_folder_is_foreign(const struct state_folder *folder)
{
    return folder->is_foreign;
}

static int check_file(const char *path, int fd, uid_t user, struct error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return error_set_errno(err, E_IO, errno, "cannot look at '%s'", path);
    }
    if (!S_ISREG(st.st_mode) || st.st_uid != user) {
        return error_set(err, E_INVALID,
                         "'%s' is no regular file of the user who runs opstream: remove it", path);
    }
    return 0;
}

int state_folder_open_file(const struct state_folder *folder, enum state_file file, int flags,
                           int *out_fd, struct error *err)
{
    const char *path = folder->files[file];
    if (folder->is_foreign) {
        return error_set(err, E_INVALID, "'%s' belongs to another user: run this as that user",
                         path);
    }
    /* Without O_NONBLOCK a FIFO would hold the program up. */
    int all_flags = flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    cleanup_fd int fd = openat(folder->fd, file_names[file], all_flags, 0600);
    if (fd < 0 && errno == ELOOP) {
        return error_set(err, E_INVALID, "'%s' is a link: remove it", path);
    }
    if (fd < 0) {
        return error_set_errno(err, errno == ENOENT ? E_NOT_FOUND : E_IO, errno, "cannot open '%s'",
                               path);
    }
    int status = check_file(path, fd, geteuid(), err);
    if (status != 0) {
        return status;
    }

    *out_fd = fd;
    fd = -1;
    return 0;
}
