/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/api/socket_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/error.h"

void socket_folder_make(struct socket_folder *made)
{
    (void)snprintf(made->folder, sizeof made->folder, "/tmp/opstream-socket-XXXXXX");
    assert_non_null(mkdtemp(made->folder));
    (void)snprintf(made->path, sizeof made->path, "%s/control.sock", made->folder);
}

void socket_folder_remove(const struct socket_folder *made)
{
    (void)unlink(made->path); /* a test may have left it */
    assert_int_equal(rmdir(made->folder), 0);
}

struct api_server *socket_folder_serve(uv_loop_t *loop, struct toy_api *toy, const char *path)
{
    const struct api_server_options options = {
        .loop = loop,
        .socket_path = path,
        .handlers = toy_handlers(toy),
    };
    struct api_server *server = NULL;
    struct error err = {0};
    if (api_server_open(&options, &server, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return server;
}

static void on_closed(void *user)
{
    *(size_t *)user = 1;
}

void socket_folder_close(uv_loop_t *loop, struct api_server *server)
{
    size_t is_closed = 0;
    api_server_close(server, 0, on_closed, &is_closed);
    toy_run_until(loop, &is_closed, 1);
}
