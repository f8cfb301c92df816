/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/member.h"

#include <stddef.h>

#include "core/engine/dispatch.h"
#include "core/model/pipeline.h"

void member_link(struct member *caller, struct member *member)
{
    member->caller = caller;
    member->next_called = caller->first_called;
    if (caller->first_called != NULL) {
        caller->first_called->previous_called = member;
    }
    caller->first_called = member;
}

void member_unlink(struct member *member)
{
    if (member->previous_called != NULL) {
        member->previous_called->next_called = member->next_called;
    } else if (member->caller != NULL) {
        member->caller->first_called = member->next_called;
    }
    if (member->next_called != NULL) {
        member->next_called->previous_called = member->previous_called;
    }
    member->caller = NULL;
    member->parent = NULL;
    member->next_called = NULL;
    member->previous_called = NULL;
}

struct member *member_next_below(const struct member *root, struct member *at)
{
    if (at->first_called != NULL) {
        return at->first_called;
    }
    while (at != root && at->next_called == NULL) {
        at = at->caller;
    }
    return at == root ? NULL : at->next_called;
}

struct member *member_find_child(const struct member *caller, uint64_t frame, uint32_t node)
{
    struct member *member = caller->first_called;
    while (member != NULL && (member->parent == NULL || member->parent_frame != frame ||
                              member->parent_node != node || run_is_ended(member->run))) {
        member = member->next_called;
    }
    return member;
}

struct member *member_find_called(const struct member *caller, uint64_t frame, uint32_t node,
                                  uint32_t attempt)
{
    struct member *member = caller->first_called;
    while (member != NULL && (member->parent_frame != frame || member->parent_node != node ||
                              member->parent_attempt != attempt)) {
        member = member->next_called;
    }
    return member;
}

struct dispatch_ticket *member_find_ticket(const struct member *member, uint64_t frame,
                                           uint32_t node, bool *has_made)
{
    const struct pipeline *pipeline = run_pipeline(member->run);
    struct dispatch_ticket *tickets =
        run_frame_memory(member->run, frame, sizeof(*tickets), has_made);
    uint32_t first = pipeline->bodies[pipeline->nodes[node].body].first_node;
    return tickets != NULL ? &tickets[node - first] : NULL;
}

void member_look_for_guard(const struct member *member, struct member_wait *wait)
{
    const struct pipeline *pipeline = run_pipeline(member->run);
    uint64_t frame = 0;
    do {
        const struct body *body = &pipeline->bodies[run_frame_body(member->run, frame)];
        const struct dispatch_ticket *ticket =
            member_find_ticket(member, frame, body->first_node, NULL);
        for (uint32_t i = 0; ticket != NULL && i < body->node_count; i++) {
            if (ticket[i].state != DISPATCH_WAITING ||
                ticket[i].waits_for != DISPATCH_FOR_BREAKER) {
                continue;
            }
            wait->is_of_many = wait->is_of_many ||
                               (wait->nodes > 0 && wait->guard != ticket[i].guard);
            wait->guard = ticket[i].guard;
            wait->nodes++;
        }
    } while (!wait->is_of_many && run_next_frame(member->run, &frame));
}

void member_release_tickets(struct member *member, struct dispatch *dispatch)
{
    const struct pipeline *pipeline = run_pipeline(member->run);
    uint64_t frame = 0;
    do {
        const struct body *body = &pipeline->bodies[run_frame_body(member->run, frame)];
        struct dispatch_ticket *ticket = member_find_ticket(member, frame, body->first_node, NULL);
        for (uint32_t i = 0; ticket != NULL && i < body->node_count; i++) {
            dispatch_release(dispatch, &ticket[i], BREAKER_CANCELLED);
        }
    } while (run_next_frame(member->run, &frame));
}
