/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/waits.h"

#include <string.h>

#include "core/engine/dispatch.h"
#include "core/engine/dispatch_guard.h"
#include "core/engine/dispatch_scope.h"
#include "core/engine/engine_state.h"
#include "core/engine/limiter.h"
#include "core/engine/member.h"
#include "core/engine/run_bytes.h"
#include "core/engine/tickets.h"

const char *engine_wait_name(enum engine_wait_kind kind)
{
    static const char *const names[] = {
        [ENGINE_WAIT_PERMIT] = "permit",   [ENGINE_WAIT_BUDGET] = "budget",
        [ENGINE_WAIT_BREAKER] = "breaker", [ENGINE_WAIT_LIMIT] = "rate_limit",
        [ENGINE_WAIT_MEMORY] = "memory",
    };
    return names[kind];
}

/* ---- one ticket ---- */

static void describe_guard(const struct dispatch_guard *guard, struct engine_wait *out)
{
    const struct breaker *breaker = dispatch_guard_breaker(guard);
    out->kind = ENGINE_WAIT_BREAKER;
    out->scope = dispatch_guard_key(guard);
    out->state = breaker->state;
    out->until = breaker->state == BREAKER_OPEN ? breaker->due_at : BREAKER_NEVER;
}

static void describe_scope(const struct dispatch_ticket *ticket, struct engine_wait *out)
{
    const struct dispatch_scope *scope = dispatch_ticket_waits_in(ticket);
    bool is_budget = ticket->waits_for == DISPATCH_FOR_BUDGET;
    out->kind = is_budget ? ENGINE_WAIT_BUDGET : ENGINE_WAIT_PERMIT;
    if (scope != NULL) {
        out->scope = tickets_scope_name(dispatch_scope_key(scope));
        out->limit = dispatch_scope_limit(scope);
        out->in_use = dispatch_scope_in_use(scope);
    }
}

/* The tasks that are under way have to end first. */
static void describe_room(const struct run *run, struct engine_wait *out)
{
    const struct run_measure *measure = &member_root(member_of(run))->measure;
    out->kind = ENGINE_WAIT_MEMORY;
    out->scope = STR("run");
    out->limit = run_max_memory_mb(run);
    out->in_use = run_measure_mib(measure);
}

static struct engine_wait describe(const struct run *run, const struct dispatch_ticket *ticket)
{
    struct engine_wait wait = {
        .run = run, .frame = ticket->frame, .node = ticket->node, .until = BREAKER_NEVER};
    struct engine_call_wait limit;
    if (engine_call_waits(ticket, &limit)) {
        wait.kind = ENGINE_WAIT_LIMIT;
        wait.scope = limit.key;
        wait.until = limit.next_at;
        wait.is_frozen = limit.is_service;
    } else if (ticket->waits_for == DISPATCH_FOR_BREAKER) {
        describe_guard(ticket->guard, &wait);
    } else if (ticket->waits_for == DISPATCH_FOR_ROOM) {
        describe_room(run, &wait);
    } else {
        describe_scope(ticket, &wait);
    }
    return wait;
}

/* ---- all of a tree ---- */

struct listing {
    uint64_t most;
    uint64_t count;
    engine_wait_cb each;
    void *user;
};

static void list_one(struct listing *listing, const struct run *run,
                     const struct dispatch_ticket *ticket)
{
    if (listing->count++ < listing->most) {
        const struct engine_wait wait = describe(run, ticket);
        listing->each(listing->user, &wait);
    }
}

static void list_held(struct listing *listing, const struct run *run, uint64_t frame, uint32_t node)
{
    struct engine_wait wait = {.run = run, .frame = frame, .node = node, .until = BREAKER_NEVER};
    if (listing->count++ < listing->most) {
        describe_room(run, &wait);
        listing->each(listing->user, &wait);
    }
}

static void list_nodes(struct listing *listing, const struct member *member)
{
    struct member_cursor at = {0};
    while (member_next_node(member, &at)) {
        const struct dispatch_ticket *ticket = member_find_ticket(member, at.frame, at.node);
        if (ticket != NULL && ticket->state == DISPATCH_WAITING) {
            list_one(listing, member->run, ticket);
        } else if (run_is_held(member->run, at.frame, at.node)) {
            list_held(listing, member->run, at.frame, at.node);
        }
    }
}

static bool is_below(const struct run *root, const struct run *run)
{
    const struct member *top = member_of(root);
    const struct member *at = member_of(run);
    while (at != NULL && at != top) {
        at = at->caller;
    }
    return at != NULL;
}

static void list_calls(struct listing *listing, const struct engine *engine, const struct run *root)
{
    const struct limiter *at = dispatch_limiters(engine->dispatch)->first_awaited;
    for (; at != NULL; at = at->next_awaited) {
        const struct dispatch_ticket *ticket = queue_first(&at->waiting);
        for (; ticket != NULL; ticket = queue_next(ticket)) {
            if (ticket->is_call && is_below(root, ticket->run)) {
                list_one(listing, ticket->run, ticket);
            }
        }
    }
}

uint64_t engine_each_wait(const struct engine *engine, const struct run *root, uint64_t most,
                          engine_wait_cb each, void *user)
{
    struct listing listing = {.most = most, .each = each, .user = user};
    struct member *top = member_of(root);
    for (struct member *at = top; at != NULL; at = member_next_below(top, at)) {
        list_nodes(&listing, at);
    }
    list_calls(&listing, engine, root);
    return listing.count > most ? listing.count - most : 0;
}

void engine_append_wait_path(const struct run *root, const struct engine_wait *wait,
                             struct strbuf *out)
{
    size_t skipped = run_id(root).n;
    struct str id = run_id(wait->run);
    if (wait->run != root && id.n > skipped) {
        strbuf_append(out, id.p + skipped + 1, id.n - skipped - 1);
        strbuf_append_char(out, '/');
    }
    run_append_path(wait->run, wait->frame, wait->node, out);
}

bool engine_run_asks(const struct run *root, struct str key)
{
    struct member *top = member_of(root);
    struct member *at = top;
    while (at != NULL && !member_has_asked(at, key)) {
        at = member_next_below(top, at);
    }
    return at != NULL;
}
