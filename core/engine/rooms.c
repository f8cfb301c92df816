/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/rooms.h"

#include "core/engine/dispatch.h"
#include "core/engine/engine.h"
#include "core/engine/member.h"
#include "core/engine/record.h"
#include "core/engine/run_bytes.h"
#include "core/value/value.h"

/* ---- what there is ---- */

static size_t bound_of(const struct member *root)
{
    return (size_t)run_max_memory_mb(root->run) * 1024 * 1024;
}

static void measure(struct member *root)
{
    root->measure = (struct run_measure){.own = 1};
    for (struct member *at = root; at != NULL; at = member_next_below(root, at)) {
        bool is_gone = run_is_ended(at->run) && !engine_keeps(at->run); /* once that is durable */
        size_t own = is_gone ? 0 : run_bytes(at->run, &root->measure.frames);
        root->measure.own += own < SIZE_MAX - root->measure.own ? own : 0;
    }
}

/*
 * Of a run and all that it shares its bound with, at least 1; 0: it cannot be too much. `coming`:
 * what is about to be added.
 */
static size_t bytes_with(struct member *root, size_t coming, size_t total)
{
    size_t bound = bound_of(root);
    if (total <= bound) {
        return 0;
    }
    if (run_measure_is_old(&root->measure, coming, bound)) {
        measure(root);
    }
    size_t own = root->measure.own;
    size_t room = SIZE_MAX - own;
    own += root->measure.added < room ? root->measure.added : room;
    return own < total ? own : total;
}

static size_t bytes_of(struct member *root, size_t total)
{
    return bytes_with(root, 0, total);
}

static uint32_t tasks_of(struct member *root)
{
    uint32_t tasks = 0;
    for (struct member *at = root; at != NULL; at = member_next_below(root, at)) {
        tasks += run_tasks(at->run, at != root);
    }
    return tasks;
}

void rooms_count(const struct run *run, const struct record *records, size_t count)
{
    struct run_measure *measured = &member_root(member_of(run))->measure;
    for (size_t i = 0; measured->own > 0 && i < count; i++) {
        run_measure_add(measured, &records[i]);
    }
}

/* ---- who waits ---- */

static void list(struct rooms *rooms, struct member *root)
{
    if (!root->has_room_listed) {
        root->has_room_listed = true;
        root->next_room = rooms->first;
        rooms->first = root;
    }
}

/* What the engine computes has no size yet: who has the last word may bring anything. */
static size_t coming_with(const struct member *root, const struct run_event *event)
{
    size_t coming = event->output != NULL ? document_reach_bytes(event->output) : 0;
    return root->has_last_word ? SIZE_MAX : coming;
}

void rooms_look(struct rooms *rooms, struct run *run, const struct run_event *event, size_t total)
{
    struct run_memory memory = {0};
    if (total > (size_t)run_max_memory_mb(run) * 1024 * 1024) {
        struct member *root = member_root(member_of(run));
        memory = (struct run_memory){.bytes = bytes_with(root, coming_with(root, event), total),
                                     .at_work = tasks_of(root),
                                     .is_called = root != member_of(run),
                                     .is_final = root->has_last_word};
        root->has_last_word = false;
        if (memory.bytes > bound_of(root)) {
            root->room.is_full = true;
            list(rooms, root);
        }
    }
    run_note_memory(run, &memory);
}

void rooms_hold(struct rooms *rooms, struct run *run)
{
    struct member *root = member_root(member_of(run));
    run_hold(run);
    root->held_at = root->measure.own + root->measure.added;
    list(rooms, root);
}

struct dispatch_room *rooms_of(struct member *member, uint64_t frame)
{
    struct member *root = member_root(member);
    bool has_end = frame != 0 || root != member;
    bool is_on_its_way = root->room.is_full && has_end && run_frame_has_output(member->run, frame);
    return is_on_its_way ? NULL : &root->room;
}

/* One of those that wait for `root`; false: nobody need be asked. */
static bool give(struct member *root, struct dispatch *dispatch, size_t total)
{
    bool has_asked = false;
    if (bytes_of(root, total) <= bound_of(root)) {
        has_asked = !queue_is_empty(&root->room.waiting);
        dispatch_open_room(dispatch, &root->room);
    } else if (!queue_is_empty(&root->room.waiting) && tasks_of(root) == 0) {
        has_asked = dispatch_pass_room(dispatch, &root->room);
    }
    return has_asked;
}

static struct member *find_held(struct member *root)
{
    struct member *at = root;
    while (at != NULL && !run_has_held(at->run)) {
        at = member_next_below(root, at);
    }
    return at;
}

bool rooms_give(struct rooms *rooms, struct dispatch *dispatch, size_t total)
{
    bool has_asked = false;
    struct member **link = &rooms->first;
    while (*link != NULL) {
        struct member *root = *link;
        has_asked |= root->room.is_full && give(root, dispatch, total);
        if (root->room.is_full || find_held(root) != NULL) {
            link = &root->next_room;
        } else {
            *link = root->next_room;
            root->has_room_listed = false;
        }
    }
    return has_asked;
}

struct member *rooms_next_held(struct rooms *rooms, size_t total)
{
    for (struct member *root = rooms->first; root != NULL; root = root->next_room) {
        struct member *held = find_held(root);
        bool is_last = tasks_of(root) == 0;
        bool may_go = held != NULL && (bytes_of(root, total) < root->held_at || is_last);
        if (may_go && run_try_held(held->run)) {
            root->has_last_word = is_last;
            return held;
        }
    }
    return NULL;
}

/* ---- who goes ---- */

static void forget_room(const struct member *member, const struct dispatch_room *room)
{
    struct member_cursor at = {0};
    while (member_next_node(member, &at)) {
        struct dispatch_ticket *ticket = member_find_ticket(member, at.frame, at.node);
        if (ticket != NULL && ticket->room == room) {
            ticket->room = NULL;
        }
    }
}

void rooms_drop(struct rooms *rooms, struct dispatch *dispatch, struct member *member)
{
    struct member **link = &rooms->first;
    if (member->caller != NULL) {
        return;
    }
    while (*link != NULL && *link != member) {
        link = &(*link)->next_room;
    }
    if (*link != NULL) {
        *link = member->next_room;
        member->has_room_listed = false;
    }
    dispatch_open_room(dispatch, &member->room);
    for (struct member *at = member_next_below(member, member); at != NULL;
         at = member_next_below(member, at)) {
        forget_room(at, &member->room);
        if (at->caller == member && find_held(at) != NULL) { /* it is its own root now */
            at->held_at = SIZE_MAX;
            list(rooms, at);
        }
    }
}
