/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/api/scripted_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static void serve_one(const struct scripted_peer *peer, const char *answer, char *request)
{
    int fd = accept(peer->listen_fd, NULL, NULL);
    size_t n = 0;
    while (fd >= 0 && strstr(request, "\r\n\r\n") == NULL && n < PEER_REQUEST_SIZE - 1) {
        ssize_t got = recv(fd, request + n, PEER_REQUEST_SIZE - 1 - n, 0);
        if (got <= 0) {
            break;
        }
        n += (size_t)got;
        request[n] = '\0';
    }
    (void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
    (void)close(fd);
}

static void *run_script(void *user)
{
    struct scripted_peer *peer = user;
    for (size_t i = 0; i < PEER_MAX_ANSWERS && peer->answers[i] != NULL; i++) {
        bool is_last = i + 1 == PEER_MAX_ANSWERS || peer->answers[i + 1] == NULL;
        serve_one(peer, peer->answers[i], peer->requests[i]);
        if (is_last) {
            (void)close(peer->listen_fd);
        }
    }
    return NULL;
}

void scripted_peer_begin(struct scripted_peer *peer, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    memset(peer->requests, 0, sizeof peer->requests);
    peer->path = path;
    peer->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(peer->listen_fd >= 0);
    assert_int_equal(bind(peer->listen_fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(peer->listen_fd, 16), 0);
    assert_int_equal(pthread_create(&peer->thread, NULL, run_script, peer), 0);
}

void scripted_peer_end(struct scripted_peer *peer)
{
    assert_int_equal(pthread_join(peer->thread, NULL), 0);
    (void)unlink(peer->path); /* a test may have done it */
}
