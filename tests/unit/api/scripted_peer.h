/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_API_SCRIPTED_PEER_H
#define TESTS_UNIT_API_SCRIPTED_PEER_H

/*
 * A server that says, in a thread of its own, to one connection after the other what a script has,
 * closes each, and ends after the last one. So a client meets what a good server never does.
 *
 * Used by:  tests/unit/api.
 * Uses:     base.
 * Threads:  the test's for what is declared here.
 */

#include <pthread.h>
#include <stddef.h>

enum { PEER_MAX_ANSWERS = 8, PEER_REQUEST_SIZE = 1024 };

struct scripted_peer {
    const char *answers[PEER_MAX_ANSWERS];              /* NULL ends them */
    char requests[PEER_MAX_ANSWERS][PEER_REQUEST_SIZE]; /* what came; to be read after the end */
    const char *path;
    int listen_fd;
    pthread_t thread;
};

void scripted_peer_begin(struct scripted_peer *peer, const char *path);

/* Waits for its last connection, and removes the socket. */
void scripted_peer_end(struct scripted_peer *peer);

#endif
