/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/member.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/engine/dispatch.h"
#include "core/engine/dispatch_guard.h"
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

struct member *member_root(struct member *member)
{
    while (member->caller != NULL) {
        member = member->caller;
    }
    return member;
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
                                           uint32_t node)
{
    void **place = run_ticket(member->run, frame, node);
    return place != NULL ? *place : NULL;
}

struct dispatch_ticket *member_make_ticket(struct member *member, uint64_t frame, uint32_t node)
{
    void **place = run_ticket(member->run, frame, node);
    if (place != NULL && *place == NULL) {
        *place = calloc(1, sizeof(struct dispatch_ticket));
    }
    return place != NULL ? *place : NULL;
}

void member_free_ticket(struct member *member, uint64_t frame, uint32_t node)
{
    void **place = run_ticket(member->run, frame, node);
    const struct dispatch_ticket *ticket = place != NULL ? *place : NULL;
    if (ticket != NULL) {
        CHECK(ticket->state == DISPATCH_IDLE);
        free(*place);
        *place = NULL;
    }
}

/* ---- breakers ---- */

int member_note_guard(struct member *member, const struct dispatch_guard *guard)
{
    if (guard == member->last_guard) {
        return 0;
    }
    void *value = (void *)(uintptr_t)guard; /* the map only gives it back */
    int status = strmap_add(&member->guards, dispatch_guard_key(guard), value);
    if (status != 0 && status != E_EXISTS) {
        return status;
    }
    member->last_guard = guard;
    return 0;
}

bool member_has_asked(const struct member *member, struct str key)
{
    return strmap_get(&member->guards, key) != NULL;
}

/* ---- all of a member ---- */

bool member_next_node(const struct member *member, struct member_cursor *cursor)
{
    const struct pipeline *pipeline = run_pipeline(member->run);
    bool is_begun = cursor->end > 0;
    cursor->node += is_begun ? 1 : 0;
    while (cursor->node == cursor->end) { /* a frame may have no nodes */
        if (is_begun && !run_next_frame(member->run, &cursor->frame)) {
            return false;
        }
        const struct body *body = &pipeline->bodies[run_frame_body(member->run, cursor->frame)];
        cursor->node = body->first_node;
        cursor->end = body->first_node + body->node_count;
        is_begun = true;
    }
    return true;
}

void member_look_for_guard(const struct member *member, struct member_wait *wait)
{
    struct member_cursor at = {0};
    while (!wait->is_of_many && member_next_node(member, &at)) {
        const struct dispatch_ticket *ticket = member_find_ticket(member, at.frame, at.node);
        if (ticket == NULL || ticket->state != DISPATCH_WAITING ||
            ticket->waits_for != DISPATCH_FOR_BREAKER) {
            continue;
        }
        wait->is_of_many = wait->is_of_many || (wait->nodes > 0 && wait->guard != ticket->guard);
        bool is_first = wait->nodes == 0 || turn_queue_is_before(&ticket->place.turn, &wait->turn);
        wait->turn = is_first ? ticket->place.turn : wait->turn;
        wait->guard = ticket->guard;
        wait->nodes++;
    }
}

void member_release_tickets(struct member *member, struct dispatch *dispatch)
{
    struct member_cursor at = {0};
    while (member_next_node(member, &at)) {
        struct dispatch_ticket *ticket = member_find_ticket(member, at.frame, at.node);
        if (ticket != NULL) {
            dispatch_release(dispatch, ticket, BREAKER_CANCELLED);
        }
    }
}
