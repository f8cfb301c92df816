/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_RUN_STATE_H
#define CORE_ENGINE_RUN_STATE_H

/*
 * The inside of a run, for the files of this folder alone: apply.c and what it calls write
 * it (run_apply), the others read it.
 *
 * A run is a tree of frames. Each frame is one execution of a body: the states of its nodes and
 * edges. Work that needs nothing from outside waits in two lists of the run: nodes to look at,
 * and frames in which nothing is left to do.
 *
 * Used by:  the files of this folder, tests that compare runs.
 * Uses:     record, model.
 * Threads:  [loop]
 */

#include "core/engine/notices.h"
#include "core/engine/run.h"
#include "core/engine/undo.h"
#include "core/model/pipeline.h"
#include "core/policy/purse.h"
#include "core/value/value.h"

struct loop_state;
struct stream;

enum edge_state {
    EDGE_OPEN,
    EDGE_TAKEN,
    EDGE_DEAD,
    EDGE_DEAD_BY_FAILURE,
};

/* There may be very many that wait: small ones. */
struct run_node {
    uint8_t state;               /* enum node_state */
    uint8_t stop_reason;         /* enum stop_reason, while it stops */
    uint8_t from;                /* OUTPUT_FROM_* of `output` */
    uint8_t source;              /* enum edge_state: of a reader's stream; else EDGE_TAKEN */
    bool is_dead_by_failure : 1; /* an incoming edge died through a failure */
    bool is_delayed : 1;         /* running, but it waits for its next round */
    bool has_begun : 1;          /* ready again: its `when` has held already */
    bool is_retrying : 1;        /* delayed: it waits for its next attempt */
    bool is_asking : 1;          /* queued: it asks the cache or the queue, not for permits */
    bool is_falling_back : 1;    /* delayed: its attempts are spent, and its fallback goes on */
    bool is_unknown : 1;         /* running, as far as is known: a person has to say */
    bool is_dead : 1;            /* unknown: its item of the queue is given up */
    bool is_due_timeout : 1;     /* at due_at it has waited too long */
    bool is_listed : 1;          /* in the run's list of nodes to look at */
    bool is_held : 1;            /* in that of those that wait for room instead */
    bool is_reader : 1;          /* a loop over a stream */
    uint32_t open_edges;
    uint32_t taken_edges;
    uint32_t attempt;
    uint32_t failures; /* of its attempts, in this execution */
    uint32_t outcome;
    uint32_t iteration;               /* of `repeat`, from 0 */
    uint32_t visit;                   /* of a state, from 1 */
    uint32_t pending_edge;            /* of a state that an event is ending: 1 + the out edge */
    const struct document *waits_for; /* the name of an event; of NODE_QUEUE its items; or NULL */
    struct frame *frame;
    struct run_node *next_listed;
    struct run_node *previous_listed;
    struct loop_state *loop; /* of a loop that has started; owned */
    struct stream *stream;   /* of a node with readers that has started; owned */
    void *ticket;            /* see run_ticket(); owned */
    int64_t ready_at;
    int64_t due_at; /* of a wait or the next round; 0: none */
    int64_t started_at;
    int64_t first_started_at; /* of the first round */
    int64_t first_try_at;     /* of this execution */
    int64_t ended_at;
    const struct document *output;
    const struct document *error;
    const struct document *detail; /* of a loop: {errors, counts} */
};

/* What a node that has a budget spends: all its attempts, rounds and visits in this frame. */
struct node_account {
    uint32_t node;
    int64_t since; /* unix ms: it began first */
    struct purse purse;
    struct node_account *next;
};

struct frame {
    uint64_t id;
    struct run *run;
    const struct body *body;
    struct frame *parent; /* whose nodes it sees, too; NULL: the root */
    enum frame_kind kind : 8;
    enum run_state state : 8; /* RUN_RUNNING, RUN_FAILING or RUN_CANCELLING while it lives */
    bool is_settled;          /* in the run's list of frames in which nothing is left to do */
    uint32_t owner;           /* the node of the parent that it works for, or RECORD_NO_NODE */
    uint32_t visit;           /* of the owner, and its round of `repeat`: those it works for */
    uint32_t iteration;
    uint32_t active;                      /* nodes that are queued, running or stopping */
    uint32_t ready;                       /* nodes that are ready */
    uint32_t worker;                      /* of the loop, see loops.c */
    uint32_t undo_count;                  /* what is to be undone happened here so often */
    uint32_t current;                     /* BODY_STATES: the node at work */
    uint64_t index;                       /* of the iteration */
    uint64_t count;                       /* of a kept one: of the iterations, see iter.count */
    const struct document *item_document; /* FRAME_UNDO: the output of what it undoes, FRAME_NOTICE:
                                             of the milestone */
    const struct document *detail;        /* FRAME_NOTICE: of the milestone, see run_node */
    const struct value *item;             /* NULL: none */
    const struct document *error;         /* the first failure that nothing handled */
    struct frame *next_hashed;
    struct frame *next_settled;
    struct frame *first_child; /* the oldest */
    struct frame *last_child;
    struct frame *next_sibling;
    struct frame *previous_sibling;
    struct state_history *history; /* BODY_STATES, once a state was left; owned */
    struct node_account *accounts; /* of nodes that have begun; owned */
    struct run_node nodes[];       /* of the body, in its order; behind them frame_edge() */
};

/* The states that were left. */
struct state_history {
    uint32_t *nodes;
    size_t count;
    size_t cap;
};

/* Reasons for which nodes wait for another attempt: of the latest different ones there is one each.
 */
enum { RUN_FAILURES_KEPT = 4 };

struct run {
    const struct pipeline *pipeline;
    uint64_t number;
    uint64_t last_seq; /* of the records applied; lazy ones do not count */
    char *id;
    struct str instance;
    char *triggered_by;
    void *user;
    struct secrets *secrets;
    const struct document *input;
    enum queue_priority priority; /* of an item of the queue, and since when it may be tried */
    int64_t turn_at;              /* unix ms */
    int64_t queued_at;            /* of an item: when all its attempts were there, unix ms */
    uint32_t revision;            /* of the input: how often a person gave another one */
    const struct document *reuse; /* see reuse.h; NULL: nothing */
    const struct document *output;
    uint32_t depth;
    uint32_t max_memory_mb;
    struct run_memory memory; /* see run_note_memory() */
    uint32_t tasks;           /* at work in frames that end before the run, see node_is_at_work() */
    uint32_t root_tasks;      /* in the root frame */
    int64_t started_at;
    int64_t ended_at;
    char date[40]; /* of the start, UTC: 2025-01-31 */
    char time[40]; /* 14-22-33 */
    enum run_state state;
    bool has_failed;              /* memory ran out while a record was applied */
    bool is_paused;               /* what is ready is not looked at */
    uint32_t unknown;             /* nodes that are */
    const struct document *error; /* the first failure that nothing handled */
    struct frame *root;
    struct frame **frames; /* by their numbers: chains */
    size_t frame_slots;    /* a power of two */
    size_t frame_count;
    uint64_t next_frame;             /* the number of the next one */
    const struct document **signals; /* that nobody has taken, in order */
    size_t signal_count;
    size_t signal_cap;
    bool has_news;         /* somebody may want a signal */
    bool has_taken_cancel; /* a state machine has taken its `cancel` transition */
    bool has_rollback;
    bool drops_endings;
    bool has_run_outcome; /* the ending for its outcome has begun */
    bool has_run_finally;
    bool is_undoing; /* it has ended; its caller wants it undone */
    bool is_undoing_child;
    enum run_state outcome; /* RUN_ENDING: how it will end */
    struct frame *ending;   /* the ending or compensation that runs; NULL: none */
    struct undo_stack undo;
    struct notice_list notices;
    struct run_node *first_listed;
    struct run_node *last_listed;
    struct run_node *first_held; /* is_listed, too */
    struct run_node *last_held;
    struct frame *first_settled;
    struct frame *last_settled;
    uint32_t *work;           /* nodes whose end is to be spread, while applying */
    struct purse_total spent; /* see run_spent() */
    struct purse purse;       /* of the budget of the run */
    const struct document *failures[RUN_FAILURES_KEPT]; /* see attempts_keep(); NULL: none yet */
    uint32_t next_failure;                              /* the place of the next one */
};

/* The node's index in the pipeline. */
static inline uint32_t run_node_index(const struct run_node *node)
{
    return node->frame->body->first_node + (uint32_t)(node - node->frame->nodes);
}

static inline struct run_node *frame_node(const struct frame *frame, uint32_t node)
{
    struct frame *own = (struct frame *)(uintptr_t)frame; /* apply changes it through this */
    return &own->nodes[node - own->body->first_node];
}

/* An enum edge_state. */
static inline uint8_t *frame_edge(const struct frame *frame, uint32_t edge)
{
    const struct body *body = frame->body;
    uint8_t *edges = (uint8_t *)(uintptr_t)(frame->nodes + body->node_count);
    return &edges[edge - body->first_edge];
}

/* It lives as long as its parent, and is found by its number. NULL when out of memory. */
struct frame *frame_create(struct run *run, struct frame *parent, uint64_t id,
                           const struct body *body);

/* Nothing of it may be listed. NULL is fine. */
void frame_destroy(struct frame *frame);

/* NULL: it is gone. */
struct frame *frame_find(const struct run *run, uint64_t id);

/*
 * Its task is under way and ends by itself: not one that emits items, which waits for those who
 * read them.
 */
static inline bool node_is_at_work(const struct run_node *node)
{
    const struct node *def = &node->frame->run->pipeline->nodes[run_node_index(node)];
    bool is_begun = node->state == NODE_RUNNING || node->state == NODE_STOPPING;
    return is_begun && def->kind == NODE_PLUGIN && !def->has_readers && !node->is_delayed &&
           !node->is_unknown;
}

/* The frame after `frame` in the tree below `top`, parents first; NULL at the end. */
struct frame *frame_next(const struct frame *frame, const struct frame *top);

/* The nearest frame from `frame` upwards that has `node`; NULL when none has. */
const struct frame *frame_with_node(const struct frame *frame, uint32_t node);

/* What is known of one node of `frame`. */
struct run_node_view run_frame_node_in(const struct frame *frame, uint32_t node);

/* The run's list of nodes to look at. A node that is in it already keeps its place. */
void run_list_node(struct run *run, struct run_node *node);
void run_unlist_node(struct run *run, struct run_node *node);

/* Keeps `document` (may be NULL) instead. */
static inline void run_replace_document(const struct document **kept,
                                        const struct document *document)
{
    document_unref(*kept);
    *kept = document_ref(document);
}

/* Lists `frame` as settled when nothing is left to do in it. */
void frame_check_settled(struct frame *frame);
/* It is listed. */
void frame_unsettle(struct frame *frame);

#endif
