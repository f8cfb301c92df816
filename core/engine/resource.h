/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_RESOURCE_H
#define CORE_ENGINE_RESOURCE_H

/*
 * Resources: a service may count calls in several windows and say with an answer which one it was,
 * as GitHub does ("core", "search", "graphql"). Each has a limiter of its own, behind that of the
 * service: "http https://api.github.com:443 /search".
 *
 * Which one a call falls under is known when it has been answered. So an operation (the path of
 * its URL) is taken to fall under the one that its last answer named, and one without an answer
 * under the usual one, "core": at worst it waits for that, or is refused by another.
 *
 * Used by:  limiter, dispatch.
 * Uses:     service.
 * Threads:  [loop]; pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

struct limiter;
struct limiters;

/* Of one service: what it names beyond that binds nobody, and what is learned lately stays. */
enum { RESOURCES_MOST = 16, RESOURCES_MOST_LEARNED = 32 };

struct resources {
    struct limiter *named[RESOURCES_MOST];
    uint32_t count;
    struct limiter *usual; /* NULL: it has not been named */
    struct {
        uint64_t operation; /* see service_operation(); 0: none */
        struct limiter *resource;
    } learned[RESOURCES_MOST_LEARNED]; /* but those of the usual one */
    uint32_t oldest;                   /* of those that are learned */
};

/*
 * The limiter of what `service` calls `name`, made when it is new; NULL: there are too many.
 * Returns 0 or E_NOMEM.
 */
int resources_find(struct limiters *limiters, struct limiter *service, struct str name,
                   struct limiter **out_limiter);

/* `resource`, which an earlier process saved, is one of `service`. Returns 0 or E_NOMEM. */
int resources_add(struct limiters *limiters, struct limiter *service, struct limiter *resource);

/* What a call of `operation` is taken to fall under; NULL: nothing is known. */
struct limiter *resources_of(const struct limiter *service, uint64_t operation);

/* A call of `operation` fell under `resource`. True: it was taken for another. */
bool resources_learn(struct limiter *service, uint64_t operation, struct limiter *resource);

#endif
