/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NET_RESOLVER_H
#define CORE_NET_RESOLVER_H

/*
 * Resolver: names to addresses, by c-ares on the loop.
 *
 * /etc/hosts is read, localhost is this machine without asking anybody (RFC 6761), and an answer
 * is kept for its time to live, between 1 and 60 seconds. Calls that ask for one name at the same
 * time share one question. Failures are not kept.
 *
 * Used by:  net, in the module.
 * Uses:     base, rules.h, libuv, c-ares.
 * Threads:  [loop]
 */

#include <stddef.h>

#include "core/base/str.h"
#include "core/net/rules.h"

struct error;
struct resolver;
struct resolver_entry;
struct uv_loop_s;

enum { RESOLVER_MAX_ADDRESSES = 16 };

struct resolver_answer {
    struct net_address addresses[RESOLVER_MAX_ADDRESSES];
    size_t count; /* 0: `problem` says why */
    const char *problem;
};

/* Part of the asker; private to the resolver while the question is open. */
struct resolver_query {
    struct resolver_entry *entry; /* NULL: not open */
    struct resolver_query *next;
    void (*on_answer)(void *user, const struct resolver_answer *answer);
    void *user;
};

/*
 * `name_servers` (kept; NULL: those of /etc/resolv.conf) is as in net_settings. Owned:
 * resolver_close(). Fails with E_NOMEM, E_IO, E_INVALID (bad name servers).
 */
int resolver_open(struct uv_loop_s *loop, const char *name_servers, struct resolver **out_resolver,
                  struct error *err);

/* No question may be open. Asynchronous; frees the resolver, then calls `done`. */
void resolver_close(struct resolver *resolver, void (*done)(void *user), void *user);

enum { RESOLVER_READY = 1 };

/*
 * Asks for `host`, a name. Returns RESOLVER_READY with `*out_answer`, when it is known already;
 * else 0, and query->on_answer runs once, later. `query` is kept until then.
 * Fails with E_NOMEM.
 */
int resolver_ask(struct resolver *resolver, struct str host, struct resolver_query *query,
                 struct resolver_answer *out_answer);

/* Closes the question: on_answer will not run. A closed one is fine. */
void resolver_cancel(struct resolver_query *query);

#endif
