/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/resource.h"

#include "core/base/error.h"
#include "core/engine/limiter.h"
#include "core/engine/service.h"
#include "core/model/policy.h"

static const char usual_name[] = "core";

int resources_add(struct limiters *limiters, struct limiter *service, struct limiter *resource)
{
    struct str name = service_resource(resource->key);
    if (service->resources == NULL) {
        service->resources = arena_calloc(&limiters->arena, 1, sizeof(*service->resources));
    }
    struct resources *all = service->resources;
    if (all == NULL) {
        return E_NOMEM;
    }
    if (all->count < RESOURCES_MOST) {
        all->named[all->count++] = resource;
        all->usual = str_equal_text(name, usual_name) ? resource : all->usual;
    }
    return 0;
}

static struct limiter *find_named(const struct limiter *service, struct str name)
{
    const struct resources *all = service->resources;
    for (uint32_t i = 0; all != NULL && i < all->count; i++) {
        if (str_equal(service_resource(all->named[i]->key), name)) {
            return all->named[i];
        }
    }
    return NULL;
}

static int make_resource(struct limiters *limiters, struct limiter *service, struct str name,
                         struct limiter **out_limiter)
{
    const struct rate_settings none = {0};
    struct strbuf key = STRBUF_INIT;
    strbuf_append_str(&key, service->key);
    service_append_resource(name, &key);
    int status = strbuf_status(&key);
    if (status == 0) {
        status = limiters_find(limiters, strbuf_str(&key), &none, out_limiter);
    }
    strbuf_finish(&key);
    return status == 0 ? resources_add(limiters, service, *out_limiter) : status;
}

int resources_find(struct limiters *limiters, struct limiter *service, struct str name,
                   struct limiter **out_limiter)
{
    struct limiter *found = find_named(service, name);
    bool is_full = service->resources != NULL && service->resources->count == RESOURCES_MOST;
    *out_limiter = found;
    return found != NULL || is_full ? 0 : make_resource(limiters, service, name, out_limiter);
}

struct limiter *resources_of(const struct limiter *service, uint64_t operation)
{
    const struct resources *all = service->resources;
    if (all == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < RESOURCES_MOST_LEARNED; i++) {
        if (all->learned[i].operation == operation && all->learned[i].resource != NULL) {
            return all->learned[i].resource;
        }
    }
    return all->usual;
}

bool resources_learn(struct limiter *service, uint64_t operation, struct limiter *resource)
{
    struct resources *all = service->resources;
    if (resources_of(service, operation) == resource) {
        return false;
    }
    uint32_t at = 0;
    while (at < RESOURCES_MOST_LEARNED &&
           (all->learned[at].operation != operation || all->learned[at].resource == NULL)) {
        at++;
    }
    if (at == RESOURCES_MOST_LEARNED) {
        at = all->oldest;
        all->oldest = (at + 1) % RESOURCES_MOST_LEARNED;
    }
    all->learned[at].operation = operation;
    all->learned[at].resource = resource == all->usual ? NULL : resource;
    return true;
}
