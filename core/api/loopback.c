/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/loopback.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/error.h"

enum {
    BACKLOG = 512,
    LINE_BYTES = 512,      /* of the kernel's table */
    ADDRESS_BYTES = 40,    /* of an address in it */
    STATE_ESTABLISHED = 1, /* of a connection in it */
    LOOPBACK_NET = 127,    /* the first byte */
    HOST_BYTES = 64,       /* of a Host header that can be right */
};

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* ---- addresses ---- */

static bool is_loopback_v4(struct in_addr address)
{
    return ntohl(address.s_addr) >> 24 == LOOPBACK_NET;
}

/* By digits alone: a name could become another machine's. */
static bool parse_host(const char *host, union address *out, socklen_t *out_size)
{
    *out = (union address){0};
    const char *text = strcasecmp(host, "localhost") == 0 ? "127.0.0.1" : host;
    if (inet_pton(AF_INET, text, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        *out_size = sizeof(out->v4);
        return is_loopback_v4(out->v4.sin_addr);
    }
    if (inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1) {
        out->v6.sin6_family = AF_INET6;
        *out_size = sizeof(out->v6);
        return IN6_IS_ADDR_LOOPBACK(&out->v6.sin6_addr);
    }
    return false;
}

static void format_address(const union address *address, char out[LOOPBACK_ADDRESS_SIZE])
{
    char text[INET6_ADDRSTRLEN] = "";
    bool is_v6 = address->any.sa_family == AF_INET6;
    const void *bytes = is_v6 ? (const void *)&address->v6.sin6_addr
                              : (const void *)&address->v4.sin_addr;
    unsigned port = ntohs(is_v6 ? address->v6.sin6_port : address->v4.sin_port);
    (void)inet_ntop(address->any.sa_family, bytes, text, sizeof(text)); /* it is large enough */
    (void)snprintf(out, LOOPBACK_ADDRESS_SIZE, is_v6 ? "[%s]:%u" : "%s:%u", text, port);
}

/* ---- listening ---- */

/* `out_address` is where it listens. */
static int open_socket(int fd, const union address *address, socklen_t size,
                       char out_address[LOOPBACK_ADDRESS_SIZE], struct error *err)
{
    char text[LOOPBACK_ADDRESS_SIZE];
    union address bound = *address;
    socklen_t bound_size = sizeof(bound);
    int yes = 1;
    format_address(address, text);
    /* A port of connections that ended a moment ago is free. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(fd, &address->any, size) != 0 || listen(fd, BACKLOG) != 0) {
        int failure = errno;
        return failure == EADDRINUSE
                   ? error_set(err, E_CONFLICT, "another program listens at %s", text)
                   : error_set_errno(err, E_IO, failure, "cannot listen at %s", text);
    }
    if (getsockname(fd, &bound.any, &bound_size) != 0) {
        return error_set_errno(err, E_IO, errno, "cannot listen at %s", text);
    }
    format_address(&bound, out_address);
    return 0;
}

static const char *table_of(const union address *address)
{
    return address->any.sa_family == AF_INET6 ? "/proc/net/tcp6" : "/proc/net/tcp";
}

int loopback_listen(const char *host, uint16_t port, struct loopback *out_loopback,
                    struct error *err)
{
    union address address;
    socklen_t size = 0;
    if (!parse_host(host, &address, &size)) {
        return error_set(err, E_INVALID,
                         "'%.100s' is not an address of this machine alone: 127.0.0.1, ::1 or "
                         "localhost, and a tunnel to it for others",
                         host);
    }
    if (access(table_of(&address), R_OK) != 0) {
        return error_set_errno(err, E_IO, errno, "nobody could be let in: '%s' cannot be read",
                               table_of(&address));
    }
    if (address.any.sa_family == AF_INET6) {
        address.v6.sin6_port = htons(port);
    } else {
        address.v4.sin_port = htons(port);
    }
    struct loopback loopback = {
        .fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (loopback.fd < 0) {
        return error_set_errno(err, E_IO, errno, "cannot make a socket");
    }
    int status = open_socket(loopback.fd, &address, size, loopback.address, err);
    if (status != 0) {
        (void)close(loopback.fd); /* nobody has connected */
        return status;
    }
    *out_loopback = loopback;
    return 0;
}

/* ---- who is there ---- */

/* As the kernel's table writes it: the words of the address in this machine's byte order. */
static void format_entry(const union address *address, char out[ADDRESS_BYTES])
{
    if (address->any.sa_family == AF_INET) {
        (void)snprintf(out, ADDRESS_BYTES, "%08X:%04X", address->v4.sin_addr.s_addr,
                       ntohs(address->v4.sin_port));
        return;
    }
    uint32_t words[4];
    memcpy(words, &address->v6.sin6_addr, sizeof(words));
    (void)snprintf(out, ADDRESS_BYTES, "%08X%08X%08X%08X:%04X", words[0], words[1], words[2],
                   words[3], ntohs(address->v6.sin6_port));
}

/*
 * A socket that its program has closed belongs to nobody, and is listed as root's, without inode:
 * only one that is open and in use counts.
 */
static bool read_entry(const char *line, const char *theirs, const char *ours, uint32_t *out_uid)
{
    char from[ADDRESS_BYTES];
    char to[ADDRESS_BYTES];
    unsigned state = 0;
    unsigned uid = 0;
    unsigned long inode = 0;
    int count =
        sscanf(line, " %*u: %39s %39s %x %*s %*s %*s %u %*u %lu", from, to, &state, &uid, &inode);
    if (count != 5 || state != STATE_ESTABLISHED || inode == 0 || strcmp(from, theirs) != 0 ||
        strcmp(to, ours) != 0) {
        return false;
    }
    *out_uid = uid;
    return true;
}

bool loopback_find_peer(int fd, uint32_t *out_uid)
{
    union address us = {0};
    union address them = {0};
    socklen_t our_size = sizeof(us);
    socklen_t their_size = sizeof(them);
    if (getsockname(fd, &us.any, &our_size) != 0 || getpeername(fd, &them.any, &their_size) != 0) {
        return false;
    }
    char ours[ADDRESS_BYTES];
    char theirs[ADDRESS_BYTES];
    char line[LINE_BYTES];
    bool is_found = false;
    format_entry(&us, ours);
    format_entry(&them, theirs);
    FILE *table = fopen(table_of(&us), "re");
    while (table != NULL && !is_found && fgets(line, sizeof(line), table) != NULL) {
        is_found = read_entry(line, theirs, ours, out_uid);
    }
    if (table != NULL) {
        (void)fclose(table); /* it was read */
    }
    return is_found;
}

/* ---- names ---- */

static bool is_port(const char *text)
{
    return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

bool loopback_is_host(struct str host)
{
    char text[HOST_BYTES];
    union address address;
    socklen_t size = 0;
    if (host.n >= HOST_BYTES) {
        return false;
    }
    (void)snprintf(text, sizeof(text), "%.*s", STR_ARG(host));
    if (strlen(text) != host.n) {
        return false;
    }
    char *name = text[0] == '[' ? text + 1 : text;
    char *end = text[0] == '[' ? strchr(name, ']') : strchr(name, ':');
    if (end == NULL) {
        return text[0] != '[' && parse_host(name, &address, &size);
    }
    const char *rest = text[0] == '[' ? end + 1 : end;
    bool is_well = rest[0] == '\0' || (rest[0] == ':' && is_port(rest + 1));
    *end = '\0';
    return is_well && parse_host(name, &address, &size);
}
