/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_LISTEN_SETTINGS_H
#define CORE_CLI_LISTEN_SETTINGS_H

/*
 * Listen settings: the address of this machine at which a service listens besides its control
 * socket.
 *
 *     --port N, PORT=N        default: it does not
 *     --host ADDR, HOST=ADDR  default: 127.0.0.1; HOST goes with PORT alone, since shells set it,
 *                             too
 *
 * Used by:  the commands that are services.
 * Uses:     base, command.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stdint.h>

struct command_args;
struct error;

struct listen_settings {
    bool is_wanted;
    const char *host;      /* of the arguments or the environment */
    const char *host_name; /* "--host", "HOST": where it was said; static */
    uint16_t port;         /* 0: one that is free */
};

/* The rows of command_option that it reads. */
#define LISTEN_OPTIONS                                                                             \
    {"port", 0, "N", "listen at HOST:N, too (0: a free one) [PORT]", false},                       \
    {                                                                                              \
        "host", 0, "ADDR", "an address of this machine alone [HOST, 127.0.0.1]", false             \
    }

/* Borrows from the arguments and the environment. Fails with E_INVALID. */
int listen_settings_read(struct listen_settings *settings, const struct command_args *args,
                         struct error *err);

#endif
