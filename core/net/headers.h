/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NET_HEADERS_H
#define CORE_NET_HEADERS_H

/*
 * Headers: what may be sent, what came back, and what goes along with a redirect.
 *
 * Used by:  net, in the module.
 * Uses:     base, net.h.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"
#include "core/net/net.h"

struct error;

/* ASCII case does not count. */
bool header_is(struct str name, const char *other);

/*
 * Method and headers as HTTP has them: tokens, no line breaks, none of those that the connection
 * owns. Fails with E_INVALID, E_LIMIT.
 */
int headers_check_request(const struct net_request *request, struct error *err);

/* Whether an answer with `status` asks to go elsewhere. */
bool redirect_is(int status);

/* Whether the next hop is a GET without a body (RFC 9110, 15.4). */
bool redirect_becomes_get(int status, struct str method);

struct redirect_hop {
    bool is_same_origin;
    bool has_become_get;
};

bool redirect_keeps_header(const struct redirect_hop *hop, const struct net_header *header);

/* The headers of a response, line by line. */
struct header_list {
    struct strbuf bytes;
    struct net_header *items; /* offsets into `bytes` until headers_export() */
    size_t count;
    size_t cap;
};

#define HEADER_LIST_INIT ((struct header_list){0})

void headers_finish(struct header_list *list);
/* Forgets all lines: another response begins. */
void headers_clear(struct header_list *list);

/* "Name: value", the name in any case; what is no header line is ignored. Returns 0 or E_NOMEM. */
int headers_add_line(struct header_list *list, struct str line);

/* The value of the first header `name`, borrowed until the next change; empty when none. */
struct str headers_get(const struct header_list *list, const char *name);

/* Turns offsets into slices, which live until the next change. */
const struct net_header *headers_export(struct header_list *list);

#endif
