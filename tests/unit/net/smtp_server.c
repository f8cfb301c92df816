/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/net/smtp_server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEARD_BYTES = 1 << 20 };

struct smtp_server {
    const char *const *lines;
    size_t count;
    size_t next;
    int listener;
    uint16_t port;
    pthread_t thread;
    bool is_joined;
    size_t heard_bytes;
    char heard[HEARD_BYTES + 1];
};

/* What the client says up to `end`; false: it has gone. */
static bool hear(struct smtp_server *server, int fd, const char *end)
{
    size_t start = server->heard_bytes;
    size_t n = strlen(end);
    while (server->heard_bytes < HEARD_BYTES) {
        char *at = server->heard + server->heard_bytes;
        if (recv(fd, at, 1, 0) != 1) {
            return false;
        }
        server->heard_bytes++;
        if (server->heard_bytes - start >= n && memcmp(at + 1 - n, end, n) == 0) {
            return true;
        }
    }
    return false;
}

static bool say(int fd, const char *line)
{
    size_t n = strlen(line);
    return send(fd, line, n, MSG_NOSIGNAL) == (ssize_t)n && send(fd, "\r\n", 2, MSG_NOSIGNAL) == 2;
}

static void talk(struct smtp_server *server, int fd)
{
    bool goes_on = true;
    while (goes_on && server->next < server->count) {
        const char *line = server->lines[server->next++];
        if (line == NULL || (line[0] != '\0' && !say(fd, line))) {
            return;
        }
        bool is_message = line[0] != '\0' && strncmp(line, "354", 3) == 0;
        goes_on = hear(server, fd, is_message ? "\r\n.\r\n" : "\r\n");
    }
}

static void *serve(void *argument)
{
    struct smtp_server *server = argument;
    int fd = accept(server->listener, NULL, NULL);
    if (fd >= 0) {
        talk(server, fd);
        (void)close(fd);
    }
    return NULL;
}

struct smtp_server *smtp_server_start(const char *const *lines, size_t count)
{
    struct smtp_server *server = calloc(1, sizeof *server);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    if (server == NULL) {
        return NULL;
    }
    server->lines = lines;
    server->count = count;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&at, size) != 0 ||
        listen(server->listener, 4) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&at, &size) != 0 ||
        pthread_create(&server->thread, NULL, serve, server) != 0) {
        (void)close(server->listener);
        free(server);
        return NULL;
    }
    server->port = ntohs(at.sin_port);
    return server;
}

uint16_t smtp_server_port(const struct smtp_server *server)
{
    return server->port;
}

const char *smtp_server_heard(struct smtp_server *server)
{
    if (!server->is_joined) {
        server->is_joined = true;
        (void)pthread_join(server->thread, NULL);
    }
    return server->heard;
}

void smtp_server_stop(struct smtp_server *server)
{
    if (server != NULL) {
        (void)shutdown(server->listener, SHUT_RDWR); /* accept() returns, if nobody came */
        (void)smtp_server_heard(server);
        (void)close(server->listener);
        free(server);
    }
}
