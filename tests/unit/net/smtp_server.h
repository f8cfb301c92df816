/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_NET_SMTP_SERVER_H
#define TESTS_UNIT_NET_SMTP_SERVER_H

/*
 * An SMTP server that says what it is told to: the first of its lines when a client connects, the
 * next for each command, and one for a message after a line that begins with 354. A NULL ends the
 * connection instead; "" says nothing, until the client goes.
 *
 * Used by:  tests of net's mail.
 * Uses:     nothing of core.
 * Threads:  [any]; it has one of its own.
 */

#include <stddef.h>
#include <stdint.h>

struct smtp_server;

/* `lines` are kept. One connection is served; others are closed. Owned: smtp_server_stop(). */
struct smtp_server *smtp_server_start(const char *const *lines, size_t count);
uint16_t smtp_server_port(const struct smtp_server *server);

/* Waits for the end of the connection. All that the client said, borrowed. */
const char *smtp_server_heard(struct smtp_server *server);
void smtp_server_stop(struct smtp_server *server);

#endif
