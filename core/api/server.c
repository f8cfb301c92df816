/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "core/api/api_module.h"
#include "core/api/socket_address.h"
#include "core/base/check.h"
#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/module.h"

enum {
    SERVER_MAGIC = 0x41504953,
    BACKLOG = 512,
    ACCEPTS_PER_WAKE = 64, /* then the loop's other work has its turn */
    PAUSE_MS = 1000,       /* before accepting again when the process has no descriptor left */
};

struct api_server {
    uint32_t magic;
    bool is_closing;
    int listen_fd;
    uint32_t owner_uid;
    bool is_for_group;                            /* who the folder lets through may enter */
    char *path;                                   /* of the socket; or the address */
    bool (*find_peer)(int fd, uint32_t *out_uid); /* NULL: the socket is a file */
    struct stat socket_file; /* what was made: nothing else is removed at the end */
    uv_poll_t listening;
    uv_timer_t pause;
    uint32_t open_handles; /* of the two */
    struct api_transport_options options;
    const struct api_transport_table *table; /* NULL until the first connection */
    struct api_transport *transport;
    uint64_t grace_ms;
    void (*done)(void *user);
    void *done_user;
};

static int check_folder(const char *path, struct stat *out_folder, struct error *err)
{
    const char *slash = strrchr(path, '/');
    cleanup_free char *folder = str_dup(str_make(path, slash != NULL ? (size_t)(slash - path) : 0));
    if (folder == NULL) {
        return error_nomem(err);
    }

    struct stat status;
    if (stat(folder[0] != '\0' ? folder : "/", &status) != 0) {
        int code = errno == ENOENT || errno == ENOTDIR ? E_NOT_FOUND : E_IO;
        return error_set_errno(err, code, errno, "cannot look at the folder '%s'", folder);
    }
    if (!S_ISDIR(status.st_mode)) {
        return error_set(err, E_INVALID, "'%s' is no folder", folder);
    }
    if (status.st_uid != geteuid()) {
        return error_set(err, E_INVALID, "the folder '%s' belongs to another user", folder);
    }
    if ((status.st_mode & ((S_IRWXG & ~S_IXGRP) | S_IRWXO)) != 0) {
        return error_set(err, E_INVALID,
                         "the folder '%s' is open to other users: chmod 700 closes it", folder);
    }

    *out_folder = status;
    return 0;
}

static int check_place(const struct sockaddr_un *address, const char *path, struct error *err)
{
    struct stat status;
    if (lstat(address->sun_path, &status) == 0 && !S_ISSOCK(status.st_mode)) {
        return error_set(err, E_INVALID, "'%s' is there and is no socket: move it away", path);
    }
    return 0;
}

/* 0 when what stands at `path` is a socket at which nobody listens; it is removed then. */
static int remove_stale(const struct sockaddr_un *address, const char *path, struct error *err)
{
    int status = check_place(address, path, err);
    if (status != 0) {
        return status;
    }

    cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return error_set_errno(err, E_IO, errno, "cannot make a socket");
    }
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN) {
        return error_set(err, E_CONFLICT, "another program listens at '%s'", path);
    }
    if (errno != ECONNREFUSED || unlink(address->sun_path) != 0) {
        return error_set_errno(err, E_IO, errno, "cannot replace '%s'", path);
    }
    return 0;
}

static int bind_socket(int fd, const struct sockaddr_un *address, const char *path,
                       struct error *err)
{
    const struct sockaddr *bound = (const void *)address;
    if (bind(fd, bound, sizeof *address) == 0) {
        return 0;
    }
    if (errno == EADDRINUSE) {
        int status = remove_stale(address, path, err);
        if (status != 0) {
            return status;
        }
        if (bind(fd, bound, sizeof *address) == 0) {
            return 0;
        }
    }
    return error_set_errno(err, E_IO, errno, "cannot make the socket '%s'", path);
}

/* Who has the group already asks for nothing: a service need not have the right to. */
static int give_to_group(const char *path, gid_t group)
{
    struct stat status;
    if (lstat(path, &status) == 0 && status.st_gid == group) {
        return 0;
    }
    return lchown(path, (uid_t)-1, group);
}

/* The socket's group and mode, before anybody can connect: nobody listens yet. */
static int admit(const struct api_server *server, const char *path, gid_t group, struct error *err)
{
    mode_t mode = S_IRUSR | S_IWUSR;
    if (server->is_for_group) {
        mode |= S_IRGRP | S_IWGRP;
        if (give_to_group(path, group) != 0) {
            return error_set_errno(err, E_IO, errno,
                                   "cannot give '%s' to the group %u that its folder belongs to",
                                   server->path, (unsigned)group);
        }
    }
    return chmod(path, mode) == 0
               ? 0
               : error_set_errno(err, E_IO, errno, "cannot close '%s' to others", server->path);
}

static int listen_at(struct api_server *server, const struct sockaddr_un *address, gid_t group,
                     struct error *err)
{
    server->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (server->listen_fd < 0) {
        return error_set_errno(err, E_IO, errno, "cannot make a socket");
    }

    int status = bind_socket(server->listen_fd, address, server->path, err);
    if (status != 0) {
        return status;
    }
    status = admit(server, address->sun_path, group, err);
    if (status == 0 && (lstat(address->sun_path, &server->socket_file) != 0 ||
                        listen(server->listen_fd, BACKLOG) != 0)) {
        status = error_set_errno(err, E_IO, errno, "cannot listen at '%s'", server->path);
    }
    if (status != 0) {
        (void)unlink(address->sun_path); /* what stays is stale, and replaced the next time */
    }
    return status;
}

static int server_listen(struct api_server *server, struct error *err)
{
    struct socket_address address;
    int status = socket_address_init(&address, server->path, err);
    if (status != 0) {
        return status;
    }

    struct stat folder;
    status = check_folder(server->path, &folder, err);
    if (status == 0) {
        server->owner_uid = folder.st_uid;
        server->is_for_group = (folder.st_mode & S_IXGRP) != 0;
        status = listen_at(server, &address.address, folder.st_gid, err);
    }
    socket_address_finish(&address);
    return status;
}

static void server_destroy(struct api_server *server)
{
    cleanup_close_fd(&server->listen_fd);
    free(server->path);
    server->magic = 0;
    free(server);
}

static int server_load(struct api_server *server, struct error *err)
{
    if (server->transport != NULL) {
        return 0;
    }

    const void *table = NULL;
    int status = module_load("api", &table, err);
    if (status != 0) {
        return status;
    }

    server->table = table;
    return server->table->create(&server->options, &server->transport, err);
}

static bool may_enter(const struct api_server *server, int fd, uint32_t *out_uid)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (server->find_peer != NULL) {
        return server->find_peer(fd, out_uid);
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        return false;
    }

    *out_uid = peer.uid;
    return peer.uid == server->owner_uid || peer.uid == 0 || server->is_for_group;
}

static void server_adopt(struct api_server *server, int fd)
{
    uint32_t uid = 0;
    if (!may_enter(server, fd, &uid)) {
        (void)close(fd);
        return;
    }

    struct error err = {0};
    if (server_load(server, &err) != 0) {
        log_write(LOG_LEVEL_ERROR, "cannot serve who has connected",
                  LOG_FIELDS(log_text("at", server->path), log_text("error", err.message)));
        (void)close(fd);
        return;
    }
    server->table->adopt(server->transport, fd, uid);
}

static void on_connection(uv_poll_t *handle, int status, int events);

static void on_pause_over(uv_timer_t *timer)
{
    struct api_server *server = timer->data;
    (void)uv_poll_start(&server->listening, UV_READABLE, on_connection); /* as at first: valid */
}

static void on_connection(uv_poll_t *handle, int status, int events)
{
    (void)status; /* accept() tells it better */
    (void)events;
    struct api_server *server = handle->data;
    for (int i = 0; i < ACCEPTS_PER_WAKE && !server->is_closing; i++) {
        int fd = accept4(server->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            server_adopt(server, fd);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED) {
            continue;
        }
        if (errno != EAGAIN) { /* no descriptor left: the connection waits, and we do not spin */
            log_write(LOG_LEVEL_ERROR, "cannot accept a connection",
                      LOG_FIELDS(log_text("at", server->path), log_text("error", strerror(errno))));
            (void)uv_poll_stop(&server->listening);
            (void)uv_timer_start(&server->pause, on_pause_over, PAUSE_MS, 0);
        }
        return;
    }
}

static void limits_fill(struct api_limits *limits)
{
    limits->max_body_bytes = limits->max_body_bytes != 0 ? limits->max_body_bytes
                                                         : API_DEFAULT_MAX_BODY_BYTES;
    limits->max_connections = limits->max_connections != 0 ? limits->max_connections
                                                           : API_DEFAULT_MAX_CONNECTIONS;
    limits->max_unsent_bytes = limits->max_unsent_bytes != 0 ? limits->max_unsent_bytes
                                                             : API_DEFAULT_MAX_UNSENT_BYTES;
    limits->max_held_bytes = limits->max_held_bytes != 0 ? limits->max_held_bytes
                                                         : API_DEFAULT_MAX_HELD_BYTES;
    limits->timeout_ms = limits->timeout_ms != 0 ? limits->timeout_ms : API_DEFAULT_TIMEOUT_MS;
    limits->idle_timeout_ms = limits->idle_timeout_ms != 0 ? limits->idle_timeout_ms
                                                           : API_DEFAULT_IDLE_TIMEOUT_MS;
}

/* Only what was made: a file of another server that took the place stays. */
static void remove_socket(const struct api_server *server)
{
    struct socket_address address;
    if (server->find_peer != NULL || socket_address_init(&address, server->path, NULL) != 0) {
        return;
    }

    struct stat status;
    if (lstat(address.address.sun_path, &status) == 0 &&
        status.st_ino == server->socket_file.st_ino &&
        status.st_dev == server->socket_file.st_dev) {
        (void)unlink(address.address.sun_path); /* what stays is stale, and replaced next time */
    }
    socket_address_finish(&address);
}

/* The handles. Without them nothing has to be closed by the loop: they come last. */
static int server_watch(struct api_server *server, struct error *err)
{
    int code = uv_poll_init(server->options.loop, &server->listening, server->listen_fd);
    if (code != 0) {
        remove_socket(server);
        return error_set(err, E_IO, "cannot watch '%s': %s", server->path, uv_strerror(code));
    }

    CHECK(uv_timer_init(server->options.loop, &server->pause) == 0);
    server->listening.data = server;
    server->pause.data = server;
    server->open_handles = 2;
    CHECK(uv_poll_start(&server->listening, UV_READABLE, on_connection) == 0);
    return 0;
}

int api_server_check(const char *socket_path, struct error *err)
{
    struct socket_address address;
    struct stat folder;
    int status = socket_address_init(&address, socket_path, err);
    if (status != 0) {
        return status;
    }

    status = check_folder(socket_path, &folder, err);
    if (status == 0) {
        status = check_place(&address.address, socket_path, err);
    }
    socket_address_finish(&address);
    return status;
}

static void close_listening(const struct api_server_options *options)
{
    if (options->socket_path == NULL) {
        (void)close(options->listening.fd); /* nobody has been accepted */
    }
}

int api_server_open(const struct api_server_options *options, struct api_server **out_server,
                    struct error *err)
{
    bool is_file = options->socket_path != NULL;
    const char *path = is_file ? options->socket_path : options->listening.address;
    struct api_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        close_listening(options);
        return error_nomem(err);
    }

    server->magic = SERVER_MAGIC;
    server->listen_fd = is_file ? -1 : options->listening.fd;
    server->find_peer = is_file ? NULL : options->listening.find_peer;
    server->options.loop = options->loop;
    server->options.handlers = options->handlers;
    server->options.limits = options->limits;
    limits_fill(&server->options.limits);
    server->path = str_dup(str_from(path));
    int status = server->path != NULL ? 0 : error_nomem(err);
    if (status == 0 && is_file) {
        status = server_listen(server, err);
    }
    if (status == 0) {
        status = server_watch(server, err);
    }
    if (status != 0) {
        server_destroy(server);
        return status;
    }

    *out_server = server;
    return 0;
}

void api_server_count(const struct api_server *server, struct api_counts *counts)
{
    if (server != NULL && server->transport != NULL) {
        server->table->count(server->transport, counts);
    }
}

static void on_transport_closed(void *user)
{
    struct api_server *server = user;
    void (*done)(void *user) = server->done;
    void *done_user = server->done_user;
    server_destroy(server);
    done(done_user);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct api_server *server = handle->data;
    server->open_handles--;
    if (server->open_handles > 0) {
        return;
    }

    cleanup_close_fd(&server->listen_fd); /* whoever waits to be accepted learns it now */
    server->listen_fd = -1;
    if (server->transport == NULL) {
        on_transport_closed(server);
        return;
    }
    server->table->close(server->transport, server->grace_ms, on_transport_closed, server);
}

void api_server_close(struct api_server *server, uint64_t grace_ms, void (*done)(void *user),
                      void *user)
{
    if (server == NULL) {
        done(user);
        return;
    }

    CHECK_MAGIC(server, SERVER_MAGIC);
    CHECK(!server->is_closing);
    server->is_closing = true;
    server->grace_ms = grace_ms;
    server->done = done;
    server->done_user = user;
    remove_socket(server);
    uv_close((uv_handle_t *)&server->listening, on_handle_closed);
    uv_close((uv_handle_t *)&server->pause, on_handle_closed);
}
