/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/dns_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/str.h"

enum { HEADER_BYTES = 12, TYPE_A = 1, TYPE_AAAA = 28, PACKET_BYTES = 512 };

struct dns_server {
    int fd;
    int stop_fd;
    char address[32];
    pthread_t thread;
    uint64_t rebind_count;
    atomic_uint_fast64_t questions;
};

struct packet {
    uint8_t bytes[PACKET_BYTES];
    size_t n;
};

static void put_record(struct packet *packet, uint16_t type, const uint8_t *data, uint8_t n)
{
    /* The name of the question, class IN, no time to live. */
    const uint8_t head[] = {0xC0, HEADER_BYTES, 0, (uint8_t)type, 0, 1, 0, 0, 0, 0, 0, n};
    CHECK(packet->n + sizeof head + n <= PACKET_BYTES);
    memcpy(packet->bytes + packet->n, head, sizeof head);
    memcpy(packet->bytes + packet->n + sizeof head, data, n);
    packet->n += sizeof head + n;
    packet->bytes[7]++; /* the count of answers */
}

static void put_v4(struct packet *packet, const char *text)
{
    uint8_t bytes[4];
    CHECK(inet_pton(AF_INET, text, bytes) == 1);
    put_record(packet, TYPE_A, bytes, sizeof bytes);
}

/* "a-1-2-3-4-5-6-7-8" */
static void put_listed(struct packet *packet, const char *label)
{
    uint8_t bytes[4];
    int count = 0;
    for (const char *dash = strchr(label, '-'); dash != NULL; dash = strchr(dash + 1, '-')) {
        bytes[count++ % 4] = (uint8_t)strtoul(dash + 1, NULL, 10);
        if (count % 4 == 0) {
            put_record(packet, TYPE_A, bytes, sizeof bytes);
        }
    }
}

static void set_result(struct packet *packet, uint8_t code)
{
    packet->bytes[3] = (uint8_t)((packet->bytes[3] & 0xF0) | code);
}

/* False: no answer. */
static bool answer(struct dns_server *server, const char *label, uint16_t type,
                   struct packet *packet)
{
    if (strcmp(label, "silent") == 0) {
        return false;
    }
    if (strcmp(label, "broken") == 0) {
        set_result(packet, 2);
    } else if (strcmp(label, "six") == 0) {
        if (type == TYPE_AAAA) {
            put_record(packet, TYPE_AAAA, in6addr_loopback.s6_addr, 16);
        }
    } else if (strcmp(label, "rebind") == 0) {
        if (type == TYPE_A) {
            put_v4(packet, server->rebind_count++ == 0 ? "127.0.0.2" : "127.0.0.1");
        }
    } else if (strncmp(label, "a-", 2) == 0) {
        if (type == TYPE_A) {
            put_listed(packet, label);
        }
    } else {
        set_result(packet, 3);
    }
    return true;
}

/* Reads the one question; false when it is none. */
static bool read_question(struct packet *packet, char label[64], uint16_t *out_type)
{
    size_t at = HEADER_BYTES;
    if (packet->n <= HEADER_BYTES || packet->bytes[at] > 63) {
        return false;
    }

    size_t n = packet->bytes[at];
    memcpy(label, packet->bytes + at + 1, n);
    label[n] = '\0';
    while (at < packet->n && packet->bytes[at] != 0) {
        at += 1u + packet->bytes[at];
    }
    if (at + 5 > packet->n) {
        return false;
    }

    *out_type = (uint16_t)(packet->bytes[at + 1] << 8 | packet->bytes[at + 2]);
    packet->n = at + 5; /* what follows (EDNS) is not answered */
    packet->bytes[2] |= 0x80;
    packet->bytes[3] = 0x80;
    memset(packet->bytes + 6, 0, 6);
    return true;
}

static void serve(struct dns_server *server)
{
    struct packet packet;
    struct sockaddr_in from;
    socklen_t from_size = sizeof from;
    ssize_t got = recvfrom(server->fd, packet.bytes, sizeof packet.bytes, 0,
                           (struct sockaddr *)&from, &from_size);
    char label[64];
    uint16_t type;
    packet.n = got > 0 ? (size_t)got : 0;
    if (!read_question(&packet, label, &type)) {
        return;
    }
    if (type == TYPE_A && strncmp(label, "a-", 2) == 0) {
        (void)atomic_fetch_add(&server->questions, 1);
    }
    if (answer(server, label, type, &packet)) {
        CHECK(sendto(server->fd, packet.bytes, packet.n, 0, (struct sockaddr *)&from, from_size) ==
              (ssize_t)packet.n);
    }
}

static void *run_server(void *user)
{
    struct dns_server *server = user;
    struct pollfd fds[] = {{server->fd, POLLIN, 0}, {server->stop_fd, POLLIN, 0}};
    while (poll(fds, 2, -1) >= 0 && fds[1].revents == 0) {
        if (fds[0].revents != 0) {
            serve(server);
        }
    }
    return NULL;
}

struct dns_server *dns_server_start(void)
{
    struct dns_server *server = calloc(1, sizeof *server);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    CHECK(server != NULL);
    server->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    server->stop_fd = eventfd(0, EFD_CLOEXEC);
    CHECK(server->fd >= 0 && server->stop_fd >= 0);
    CHECK(bind(server->fd, (struct sockaddr *)&address, size) == 0);
    CHECK(getsockname(server->fd, (struct sockaddr *)&address, &size) == 0);
    (void)snprintf(server->address, sizeof server->address, "127.0.0.1:%u",
                   ntohs(address.sin_port));
    CHECK(pthread_create(&server->thread, NULL, run_server, server) == 0);
    return server;
}

void dns_server_stop(struct dns_server *server)
{
    uint64_t one = 1;
    CHECK(write(server->stop_fd, &one, sizeof one) == sizeof one);
    CHECK(pthread_join(server->thread, NULL) == 0);
    (void)close(server->fd);
    (void)close(server->stop_fd);
    free(server);
}

const char *dns_server_address(const struct dns_server *server)
{
    return server->address;
}

uint64_t dns_server_question_count(const struct dns_server *server)
{
    return atomic_load(&server->questions);
}
