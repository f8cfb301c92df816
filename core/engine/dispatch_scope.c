/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/dispatch_scope.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/error.h"

int dispatch_scopes_find(struct dispatch_scopes *scopes, struct str key, uint32_t limit,
                         struct dispatch_scope **out_scope)
{
    CHECK(limit > 0);
    struct dispatch_scope *scope = strmap_get(&scopes->by_key, key);
    if (scope == NULL) {
        struct str kept = arena_dup_str(&scopes->arena, key);
        scope = arena_calloc(&scopes->arena, 1, sizeof(*scope));
        if (kept.p == NULL || scope == NULL || strmap_add(&scopes->by_key, kept, scope) != 0) {
            return E_NOMEM;
        }
        *scope = (struct dispatch_scope){.key = kept, .limit = limit};
        if (scopes->last != NULL) {
            scopes->last->next = scope;
        } else {
            scopes->first = scope;
        }
        scopes->last = scope;
    }
    *out_scope = scope;
    return 0;
}

struct dispatch_scope *dispatch_scope_create(uint32_t limit)
{
    CHECK(limit > 0);
    struct dispatch_scope *scope = calloc(1, sizeof(*scope));
    if (scope != NULL) {
        scope->limit = limit;
    }
    return scope;
}

void dispatch_scope_destroy(struct dispatch_scope *scope)
{
    CHECK(scope == NULL || (scope->in_use == 0 && queue_is_empty(&scope->waiting) &&
                            queue_is_empty(&scope->retries)));
    free(scope);
}

struct dispatch_scope *dispatch_scope_find_refusing(const struct dispatch_ticket *ticket)
{
    for (uint32_t i = 0; i < ticket->scope_count; i++) {
        if (ticket->scopes[i]->in_use >= ticket->scopes[i]->limit) {
            return ticket->scopes[i];
        }
    }
    return NULL;
}

bool dispatch_scope_is_within_budget(const struct dispatch_ticket *ticket)
{
    return ticket->attempt <= 1 || ticket->scope_count == 0 ||
           retry_budget_allows(&ticket->scopes[0]->budget, ticket->retry_budget);
}

struct str dispatch_scope_key(const struct dispatch_scope *scope)
{
    return scope->key;
}

uint32_t dispatch_scope_waiting(const struct dispatch_scope *scope)
{
    return scope->waiting.turns.count + scope->retries.turns.count;
}

uint32_t dispatch_scope_in_use(const struct dispatch_scope *scope)
{
    return scope->in_use;
}

uint32_t dispatch_scope_limit(const struct dispatch_scope *scope)
{
    return scope->limit;
}

uint64_t dispatch_scope_allowed(const struct dispatch_scope *scope)
{
    return scope->allowed;
}

uint64_t dispatch_scope_delayed(const struct dispatch_scope *scope)
{
    return scope->delayed;
}

void dispatch_scope_take(const struct dispatch_ticket *ticket)
{
    for (uint32_t i = 0; i < ticket->scope_count; i++) {
        ticket->scopes[i]->in_use++;
        ticket->scopes[i]->allowed++;
    }
    if (ticket->scope_count > 0) {
        retry_budget_begin(&ticket->scopes[0]->budget, ticket->attempt);
    }
}

void dispatch_scope_give_back(const struct dispatch_ticket *ticket)
{
    for (uint32_t i = 0; i < ticket->scope_count; i++) {
        CHECK(ticket->scopes[i]->in_use > 0);
        ticket->scopes[i]->in_use--;
    }
    if (ticket->scope_count > 0) {
        retry_budget_end(&ticket->scopes[0]->budget, ticket->attempt);
    }
}

void dispatch_scopes_finish(struct dispatch_scopes *scopes)
{
    strmap_finish(&scopes->by_key);
    arena_finish(&scopes->arena);
}
