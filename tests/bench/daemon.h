/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_BENCH_DAEMON_H
#define TESTS_BENCH_DAEMON_H

/*
 * Daemon: an `opstream serve` on a state folder of its own in /tmp, and connections to its control
 * socket that say HTTP/1.1 and stay open. Plain sockets, so that the client costs next to nothing.
 *
 * Used by:  bench_socket.
 * Uses:     nothing.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { DAEMON_ANSWER_BYTES = 64 * 1024, DAEMON_MAX_CONNECTIONS = 64 };

struct daemon {
    char folder[64]; /* of the state; its parent is removed at the end */
    char parent[40];
    pid_t pid;
};

/* Runs `program` (borrowed) and waits until it listens. 0, or -1 after a line on stderr. */
int daemon_start(struct daemon *daemon, const char *program);
/* SIGTERM, its end, and the folder goes. */
void daemon_stop(struct daemon *daemon);
/* VmRSS, in KiB; 0: it cannot be read. */
double daemon_memory_kib(const struct daemon *daemon);
/* Of the processor, since it started; 0: it cannot be told. */
double daemon_cpu_us(const struct daemon *daemon);

struct connection {
    int fd;
    size_t n; /* bytes of the answer so far */
    char answer[DAEMON_ANSWER_BYTES + 1];
};

/* 0, or -1. `connection->fd` is owned: close(). */
int connection_open(struct connection *connection, const struct daemon *daemon);
/* Writes a whole request (borrowed). 0, or -1. */
int connection_ask(struct connection *connection, const char *request, size_t n);
/*
 * Reads what is there, and waits if nothing is. 1: the answer is whole, 0: not yet, -1: failed.
 * The body of a whole one is at connection_body(), and ends with a NUL.
 */
int connection_read(struct connection *connection);
const char *connection_body(const struct connection *connection);
/* The status of a whole answer. */
int connection_status(const struct connection *connection);

/* Asks, and reads the whole answer. 0, or -1 also when its status is none of 2xx. */
int connection_call(struct connection *connection, const char *request, size_t n);

#endif
