/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/dispatch_limit.h"

#include "core/base/error.h"
#include "core/engine/dispatch_state.h"
#include "core/engine/resource.h"

struct limiter *dispatch_limit_find(const struct dispatch *dispatch,
                                    const struct dispatch_ticket *ticket)
{
    struct limiter *found = NULL;
    int64_t longest = 0;
    for (uint32_t i = 0; i < ticket->limiter_count; i++) {
        struct limiter *limiter = ticket->limiters[i];
        int64_t wait = limiter_peek(limiter, dispatch->now);
        if (wait > longest || (found == NULL && limiter_is_behind(limiter, ticket))) {
            found = limiter;
            longest = wait;
        }
    }
    return found;
}

void dispatch_limit_choose_resource(struct dispatch_ticket *ticket)
{
    bool is_possible = ticket->operation != 0 && ticket->limiter_count > 0;
    struct limiter *resource = is_possible ? resources_of(ticket->limiters[0], ticket->operation)
                                           : NULL;
    ticket->limiter_count -= ticket->has_resource ? 1 : 0;
    ticket->has_resource = resource != NULL;
    if (resource != NULL) {
        ticket->limiters[ticket->limiter_count++] = resource;
    }
}

/* Also where one leaves the queue for another place, the next is the oldest that is left. */
void dispatch_limit_wake(struct dispatch *dispatch, struct limiter *limiter)
{
    while (!queue_is_empty(&limiter->waiting) && limiter_peek(limiter, dispatch->now) == 0) {
        dispatch_ask_again(dispatch, queue_first(&limiter->waiting));
    }
    limiter_look(limiter, dispatch->now);
}

/* Those for which nobody waits any more leave the list. */
void dispatch_limit_tick(struct dispatch *dispatch)
{
    struct limiter *at = dispatch->limiters.first_awaited;
    dispatch->limiters.first_awaited = NULL;
    while (at != NULL) {
        struct limiter *next = at->next_awaited;
        at->is_awaited = false;
        dispatch_limit_wake(dispatch, at);
        limiter_await(&dispatch->limiters, at);
        at = next;
    }
}

void dispatch_limit_freeze(struct dispatch *dispatch, const struct dispatch_ticket *ticket,
                           int64_t until)
{
    if (ticket->limiter_count > 0) {
        limiter_freeze(&dispatch->limiters, ticket->limiters[0], until, dispatch->now);
    }
}

static void lower_rates(struct dispatch *dispatch, const struct dispatch_ticket *ticket,
                        uint32_t remaining)
{
    for (uint32_t i = 0; i < ticket->limiter_count; i++) {
        limiter_lower(&dispatch->limiters, ticket->limiters[i], remaining, dispatch->now);
    }
}

/* None until then is as if it had frozen them. */
static void hear(struct dispatch *dispatch, struct limiter *limiter, uint32_t remaining,
                 int64_t reset_at)
{
    if (reset_at > dispatch->now && remaining > 0) {
        limiter_hear(limiter, remaining, reset_at, dispatch->now);
    } else if (reset_at > dispatch->now) {
        limiter_freeze(&dispatch->limiters, limiter, reset_at, dispatch->now);
    }
}

void dispatch_limit_lower(struct dispatch *dispatch, const struct dispatch_ticket *ticket,
                          uint32_t remaining, int64_t reset_at)
{
    lower_rates(dispatch, ticket, remaining);
    if (ticket->limiter_count > 0) {
        hear(dispatch, ticket->limiters[0], remaining, reset_at);
    }
}

/* Some of those that wait for `resource` fall under another: all are asked again, in order. */
static void ask_waiting(struct dispatch *dispatch, struct limiter *resource)
{
    struct dispatch_list all = {0};
    while (!queue_is_empty(&resource->waiting)) {
        struct dispatch_ticket *first = queue_first(&resource->waiting);
        dispatch_leave_queue(dispatch, first);
        list_push(&all, first);
    }
    while (all.first != NULL) {
        struct dispatch_ticket *first = ticket_at(all.first);
        list_remove(&all, first);
        dispatch_ask(dispatch, first);
    }
    limiter_look(resource, dispatch->now);
}

int dispatch_limit_lower_resource(struct dispatch *dispatch, const struct dispatch_ticket *ticket,
                                  struct str resource, uint32_t remaining, int64_t reset_at)
{
    struct limiter *service = ticket->limiter_count > 0 ? ticket->limiters[0] : NULL;
    struct limiter *named = NULL;
    if (service == NULL || ticket->operation == 0) {
        return 0;
    }
    if (resources_find(&dispatch->limiters, service, resource, &named) != 0) {
        return E_NOMEM;
    }
    if (named == NULL) {
        return 0;
    }
    struct limiter *taken_for = resources_of(service, ticket->operation);
    hear(dispatch, named, remaining, reset_at);
    if (resources_learn(service, ticket->operation, named) && taken_for != NULL) {
        ask_waiting(dispatch, taken_for);
    }
    if (named == service->resources->usual) { /* the rates that people write are for that */
        lower_rates(dispatch, ticket, remaining);
    }
    return 0;
}
