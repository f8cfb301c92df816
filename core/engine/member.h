/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_MEMBER_H
#define CORE_ENGINE_MEMBER_H

/*
 * Member: a run in the engine, and what the engine keeps beside it: who called it, whom it called,
 * and the tickets of its nodes.
 *
 * Used by:  engine.
 * Uses:     run, dispatch.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/strmap.h"
#include "core/engine/run.h"
#include "core/engine/run_bytes.h"
#include "core/engine/ticket_queue.h"

struct dispatch;
struct dispatch_guard;
struct dispatch_scope;
struct dispatch_ticket;

/* What a run has to be told in this turn, because of another one. */
enum member_due {
    DUE_NOTHING,
    DUE_START,
    DUE_CANCEL,
    DUE_END, /* its parent has to be told of its end */
    DUE_UNDO,
    DUE_UNDONE, /* its caller has to be told that it has been undone */
};

/* A run and what the engine keeps beside it. */
struct member {
    struct run *run;
    void *user;
    struct dispatch_scope *scope; /* max_parallel_nodes; NULL: no limit, or not yet needed */
    struct strmap guards;         /* that its nodes have asked, by key */
    const struct dispatch_guard *last_guard; /* the latest of them; or NULL */
    struct member *caller; /* whose node started it; NULL: nobody's, or it is gone */
    struct run *origin;    /* see engine_take_origin() */
    struct member *parent; /* whose node waits for the run's end; NULL: nobody does */
    uint64_t parent_frame;
    uint32_t parent_node;
    uint32_t parent_attempt;
    struct member *next;
    struct member *previous;
    struct member *first_called; /* whose caller it is */
    struct member *next_called;
    struct member *previous_called;
    struct member *next_due; /* in the list of those to look at in this turn */
    enum member_due due;
    enum stop_reason stop_reason;
    struct run_measure measure; /* of a run that nobody called */
    struct dispatch_room room;  /* of the same, for what it takes in memory; see rooms.h */
    struct member *next_room;   /* in the list of those for whose room somebody may wait */
    bool has_room_listed;
    bool has_last_word; /* what is looked at next waits no more */
    size_t held_at;     /* it took so much when a node of the run, or of one below it, was held */
    bool has_continue;  /* an EFFECT_CONTINUE is out */
    bool has_undo;      /* it has ended, and its caller may have it undone */
};

/* The run's user is its member; that of whoever started the run is there. */
static inline struct member *member_of(const struct run *run)
{
    return run_user(run);
}

/* `caller` started it. */
void member_link(struct member *caller, struct member *member);
/* Nobody did, as far as is known any more. */
void member_unlink(struct member *member);

/* The one that nobody called above it, or itself: those below share its memory. */
struct member *member_root(struct member *member);

/* The member after `at` among `root` and those below it, callers first; NULL at the end. */
struct member *member_next_below(const struct member *root, struct member *at);

/* The run that a node of `caller` waits for; NULL: none. */
struct member *member_find_child(const struct member *caller, uint64_t frame, uint32_t node);
/* The run that this attempt of a node was, whether it has ended or not. */
struct member *member_find_called(const struct member *caller, uint64_t frame, uint32_t node,
                                  uint32_t attempt);

/* The ticket of a node that asks, or holds what it asked for; NULL: it does neither. */
struct dispatch_ticket *member_find_ticket(const struct member *member, uint64_t frame,
                                           uint32_t node);
/* The nodes of all frames of the run, one by one. All zero: before the first. */
struct member_cursor {
    uint64_t frame;
    uint32_t node;
    uint32_t end; /* behind the last node of the frame */
};
/* To the next one; false: there is none. The run must not change meanwhile. */
bool member_next_node(const struct member *member, struct member_cursor *cursor);

/* The ticket of a node, made when there is none. NULL: out of memory. */
struct dispatch_ticket *member_make_ticket(struct member *member, uint64_t frame, uint32_t node);
/* It is idle: what waits for another attempt needs none. */
void member_free_ticket(struct member *member, uint64_t frame, uint32_t node);

/* A node of the member asks `guard`. Returns 0 or E_NOMEM. */
int member_note_guard(struct member *member, const struct dispatch_guard *guard);
/* Whether one has, since the run is in memory. */
bool member_has_asked(const struct member *member, struct str key);

/* Who waits for a breaker. */
struct member_wait {
    struct dispatch_guard *guard; /* NULL: nobody does */
    uint32_t nodes;
    struct turn_key turn; /* of the first of them */
    bool is_of_many;      /* they wait for different ones */
};
/* Adds those of its nodes that do. */
void member_look_for_guard(const struct member *member, struct member_wait *wait);
/* What a run that is given up still waits for or holds goes back. */
void member_release_tickets(struct member *member, struct dispatch *dispatch);

#endif
