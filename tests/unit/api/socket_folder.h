/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_API_SOCKET_FOLDER_H
#define TESTS_UNIT_API_SOCKET_FOLDER_H

/*
 * A folder of mode 0700 with room for a socket, and a server of toy routes at it.
 *
 * Used by:  tests/unit/api, tests/unit/net, tests/bench.
 * Uses:     toy_api.h, core/api/server.h.
 * Threads:  the test's.
 */

#include "core/api/server.h"
#include "tests/unit/api/toy_api.h"

struct socket_folder {
    char folder[64];
    char path[96]; /* of the socket */
};

void socket_folder_make(struct socket_folder *made);
void socket_folder_remove(const struct socket_folder *made);

/* A server that listens at `path`. */
struct api_server *socket_folder_serve(uv_loop_t *loop, struct toy_api *toy, const char *path);

/* Closes it and runs the loop until it is closed. */
void socket_folder_close(uv_loop_t *loop, struct api_server *server);

#endif
