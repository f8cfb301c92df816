/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_RECORD_H
#define CORE_ENGINE_RECORD_H

/*
 * Records and effects: what a decision of the engine consists of.
 *
 * A record is a fact about a run; run_apply() of all its records gives the run's state again.
 * An effect is something to do outside. The order is fixed: records are durable before any
 * effect of the same batch is carried out or anything of it is shown to anybody.
 *
 * Used by:  engine, journal, loop, cli (reads records).
 * Uses:     base, value, model (queue_priority).
 * Threads:  [any]; a batch belongs to one thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/engine/edge_set.h"
#include "core/model/queue_priority.h"

struct document;
struct pipeline;
struct run;
struct value;

#define RUN_STATES(X)                                                                              \
    X(RUN_PENDING, "pending")                                                                      \
    X(RUN_RUNNING, "running")                                                                      \
    X(RUN_FAILING, "running")    /* a failure is not handled: what runs ends, nothing starts */    \
    X(RUN_CANCELLING, "running") /* somebody cancelled: what runs is told */                       \
    X(RUN_ENDING, "running")     /* its outcome is known: undoing, and endings run */              \
    X(RUN_COMPLETED, "completed")                                                                  \
    X(RUN_FAILED, "failed")                                                                        \
    X(RUN_CANCELLED, "cancelled")

enum run_state {
#define X(name, text) name,
    RUN_STATES(X)
#undef X
};

#define NODE_STATES(X)                                                                             \
    X(NODE_PENDING, "pending") /* some of its edges are open */                                    \
    X(NODE_READY, "ready")     /* may run: `when` and config come next */                          \
    X(NODE_QUEUED, "queued")   /* waits for a permit of a shared scope */                          \
    X(NODE_RUNNING, "running")                                                                     \
    X(NODE_STOPPING, "stopping") /* told to end: time-out, cancel */                               \
    X(NODE_COMPLETED, "completed")                                                                 \
    X(NODE_FAILED, "failed")                                                                       \
    X(NODE_SKIPPED, "skipped") /* its `when` was false; what follows goes on */                    \
    X(NODE_NOT_RUN, "not_run") /* no way led to it, or the run ended before */                     \
    X(NODE_CANCELLED, "cancelled")

enum node_state {
#define X(name, text) name,
    NODE_STATES(X)
#undef X
};

/* The names that people and JSON see; static. */
const char *run_state_name(enum run_state state);
bool run_state_is_terminal(enum run_state state);
const char *node_state_name(enum node_state state);

enum record_type {
    RECORD_RUN_STARTED, /* output: the input; detail: results that are taken over */
    RECORD_NODE_QUEUED, /* lazy: a journal may leave it out, it is decided again */
    /* Of a loop, output: its items, of queue.process likewise; of a wait, output: its event; due */
    RECORD_NODE_STARTED,
    RECORD_NODE_STOPPING, /* reason */
    RECORD_NODE_ENDED,    /* node_state, outcome, output or error, taken */
    RECORD_NODE_AGAIN,    /* output, due_unix_ms: it completed and runs again */
    RECORD_NODE_DUE,      /* the time for that has come */
    /* Its task ended with its process, unreported: it starts anew; output: the run's new input;
       priority */
    RECORD_NODE_LOST,
    RECORD_NODE_UNKNOWN,    /* the same, and it may run once at most: a person decides; error */
    RECORD_NODE_FALLBACK,   /* error: its attempts are spent, and its fallback goes on */
    RECORD_NODE_RETRY,      /* error, due_unix_ms: its attempt failed, and there will be another */
    RECORD_FRAME_STARTED,   /* of node: child, kind, body, index, output and item */
    RECORD_FRAME_STOPPING,  /* run_state, error: nothing new starts in it and below */
    RECORD_FRAME_ENDED,     /* of node: kind, body, run_state, output or error, is_last */
    RECORD_SIGNAL,          /* output: {name, data, time}; it is kept */
    RECORD_SIGNAL_TAKEN,    /* index: of those that are kept */
    RECORD_SIGNALS_SEEN,    /* nobody wants those that are left */
    RECORD_LOOP_REDUCED,    /* index, output: acc with this item */
    RECORD_ITEM,            /* of node: index in its attempt, output: an item of its stream */
    RECORD_CREDIT,          /* of node: index: so many credits went back to its task */
    RECORD_RUN_STOPPING,    /* as RECORD_FRAME_STOPPING, of the root */
    RECORD_RUN_ENDING,      /* run_state (how it will end), output, error: endings come */
    RECORD_CHILD_UNDOING,   /* of node and attempt: its child run is being undone */
    RECORD_CHILD_UNDONE,    /* it has been; error: what could not be, or NULL */
    RECORD_ENDINGS_DROPPED, /* no more endings and compensations start */
    RECORD_RUN_ENDED,       /* run_state, output, error */
    RECORD_RUN_UNDOING,     /* of a run that has ended: it is being undone for its caller */
    RECORD_RUN_UNDONE,      /* error: of the first compensation that failed, or NULL */
    RECORD_RUN_PAUSED,      /* no node starts until it goes on */
    RECORD_RUN_RESUMED,
    /* What a call of node, or of a run below it, may take (output) is held for it, and what it took
       is spent. */
    RECORD_NODE_RESERVED,
    RECORD_NODE_SPENT,
};

/*
 * A frame is one execution of a body: the root's, one for each iteration of a loop, and so on.
 * Frames have numbers that are never used twice in a run; 0 is the root.
 */
enum frame_kind {
    FRAME_ROOT,
    FRAME_ITEM,   /* one iteration of a loop */
    FRAME_GROUP,  /* the body of a group */
    FRAME_ENDING, /* of the run: on_failure, on_cancel, on_success, finally */
    /* The compensation of a node; `output`: the node's; `index`: visit << 32 | round. */
    FRAME_UNDO,
    FRAME_NOTICE, /* a message of the run, beside all else; `index`: see notice_index() */
};

/* Which execution of which node a message is about; RECORD_NO_NODE: of none. */
static inline uint64_t notice_index(uint32_t node, uint32_t visit)
{
    return (uint64_t)visit << 32 | (uint32_t)(node + 1);
}

static inline uint32_t notice_node(uint64_t index)
{
    return (uint32_t)index - 1;
}

static inline uint32_t notice_visit(uint64_t index)
{
    return (uint32_t)(index >> 32);
}

/* Reasons for stopping; equal to enum host_cancel_reason. */
enum stop_reason {
    STOP_REQUESTED = 1,
    STOP_TIMEOUT = 2,
    STOP_SHUTDOWN = 3,
    STOP_FAILURE = 4, /* a loop: too many items failed */
};

/* What is inside a node that took too long is cancelled: its own time was not up. */
static inline enum stop_reason stop_reason_inside(enum stop_reason reason)
{
    return reason == STOP_TIMEOUT ? STOP_REQUESTED : reason;
}

#define RECORD_NO_NODE UINT32_MAX

struct record {
    struct run *run;
    uint64_t run_number; /* of run_options; 0: nobody keeps its records */
    uint64_t seq;        /* of those of its run, from 1; 0: lazy, or nobody keeps them */
    char *path;          /* of the execution; belongs to the batch; NULL: nobody keeps it */
    enum record_type type;
    uint64_t frame;
    uint32_t node; /* index, or RECORD_NO_NODE */
    uint32_t attempt;
    int64_t at_unix_ms;
    uint64_t child; /* RECORD_FRAME_STARTED: its number */
    enum frame_kind kind;
    uint32_t body;
    /* of the iteration, of the item; of a state that an event ends: 1 + its out edge to take */
    uint64_t index;
    int64_t due_unix_ms;      /* 0: none */
    bool is_due_timeout;      /* RECORD_NODE_STARTED: at that time its time-out is over */
    const struct value *item; /* in `output`; NULL: none */
    bool is_last;             /* `until` holds: the loop takes no more items */
    enum node_state node_state;
    enum run_state run_state;
    uint32_t outcome;
    enum stop_reason reason;
    bool has_undo;     /* NODE_WORKFLOW: its child run can be undone */
    bool is_done;      /* NODE_FAILED: the work itself was done, so it is undone like other */
    bool has_priority; /* RECORD_NODE_LOST: an item of the queue gets another one */
    enum queue_priority priority;
    bool is_dead;          /* RECORD_NODE_UNKNOWN: of an item of the queue that is given up */
    bool is_handled;       /* a failed node's failure is taken care of by an edge or on_error */
    bool is_asking;        /* RECORD_NODE_QUEUED: it asks the cache or the queue, not for permits */
    unsigned from;         /* OUTPUT_FROM_*: what stood in for the call that gives the output */
    struct edge_set taken; /* of the out edges; its memory belongs to who holds the record */
    const struct document *output; /* shared with the batch; NULL: none */
    const struct document *error;
    const struct document *detail; /* of a loop's end: {errors, counts} */
    const struct document *done;   /* with is_done: what the work gave; NULL: nothing */
};

/* What stood in for a call; and the members that say so in an output that is a map. */
enum output_origin {
    OUTPUT_FROM_CACHE = 1u << 0,
    OUTPUT_FROM_FALLBACK = 1u << 1,
    OUTPUT_FROM_BOTH = 3u,  /* a fallback that is the last good result */
    OUTPUT_FROM_QUEUE = 4u, /* none yet: the call is an item of the retry queue, see queue.h */
};
#define OUTPUT_QUEUE_ID      "queue_id" /* of such an output: the item's id */
#define OUTPUT_CACHE_MARK    "from_cache"
#define OUTPUT_FALLBACK_MARK "from_fallback"

enum effect_type {
    EFFECT_START,      /* start the task: config; count: items that may wait, 0: as you like */
    EFFECT_STOP,       /* tell the task to end: reason */
    EFFECT_ARM_TIMER,  /* timer, at_unix_ms */
    EFFECT_DISARM,     /* timer; it may have fired already */
    EFFECT_WANT_START, /* ask dispatch for permits; config, where it names the service */
    EFFECT_RELEASE,    /* the wish or the permits are given back */
    EFFECT_RUN_ENDED,
    EFFECT_START_CHILD, /* of `child` with input `config`; attempt 0: nobody waits for its end */
    EFFECT_QUEUE,       /* start `child`, an item of the queue, with input `config` */
    EFFECT_UNDO_CHILD,  /* of the attempt's child run, which has ended */
    EFFECT_RUN_UNDONE,
    EFFECT_ASK_CACHE, /* config: the key, a text; at_unix_ms: none from before that; turn */
    EFFECT_ASK_QUEUE, /* config: which items; turn */
    /* config: the items, which are to be tried; at_unix_ms: until then what is put off is waited
       for, 0: not at all */
    EFFECT_WORK_QUEUE,
    EFFECT_END_QUEUE, /* the attempt waits for its items no more: what is known is reported */
    EFFECT_CREDIT,    /* the task may emit `count` more items */
    EFFECT_LOG,       /* for the log of the node: config: the line, a text */
    EFFECT_CONTINUE,  /* much is ready: call engine_continue() at the next turn */
};

enum timer_kind {
    TIMER_NODE_TIMEOUT,
    TIMER_WAIT,
    TIMER_RUN_TIMEOUT,
    TIMER_DEADLINE, /* of all attempts of a node: it ends the one at work */
};

/* How the call of a service went, for its breaker; see enum breaker_result. */
enum call_result {
    CALL_NOT_MADE, /* or not to its end */
    CALL_GOOD,
    CALL_BAD,
    CALL_SAYS_NOTHING, /* of the service */
};

struct effect {
    struct run *run;
    uint64_t frame;
    enum effect_type type;
    uint32_t node;
    uint32_t attempt;
    enum timer_kind timer;
    enum stop_reason reason;
    enum call_result result;      /* EFFECT_RELEASE */
    int64_t at_unix_ms;           /* EFFECT_RELEASE: the service wants no call before; 0: it may */
    uint32_t count;               /* of credits */
    const struct pipeline *child; /* borrowed from the run's pipeline */
    uint64_t turn;                /* EFFECT_ASK_...: for the event that answers */
    uint32_t visit;               /* EFFECT_START_CHILD: of the node, when it started */
    uint32_t iteration;
    const struct document *config; /* shared with the batch */
};

/*
 * What a scope that runs share (a breaker, a limiter) knows from now on. It is durable together
 * with the records of the decision that it comes from.
 */
struct scope_change {
    const char *kind; /* "breaker"; static */
    struct str key;   /* borrowed; its scope lives as long as the engine */
    int64_t at_unix_ms;
    const struct document *state; /* a map, shared with the batch; NULL: forget it */
};

enum { CACHE_KEY_SIZE = 65 };

/*
 * The result of a call that may be taken again; durable with the record of its end. A store may
 * leave it out, when it is large for example.
 */
struct cache_entry {
    char key[CACHE_KEY_SIZE]; /* hex */
    int64_t at_unix_ms;
    int64_t until_unix_ms;         /* nobody asks for it later */
    struct str port;               /* borrowed from the pipeline; empty: success */
    const struct document *output; /* shared with the batch; NULL: what was kept is old */
    /*
     * Of a node that emits, else NULL: the seqs of the records whose outputs are its items, as a
     * list; shared with the batch. The store has them all, of this run, and keeps them with
     * `output`, which is then as large as it likes; who asks gets {"items": [...], "output": ...}.
     */
    const struct document *items;
    uint64_t run_number;
    size_t items_bytes; /* about what they take as JSON */
};

/* One decision, or several that become durable together. */
struct batch {
    struct record *records;
    size_t record_count;
    size_t record_cap;
    struct effect *effects;
    size_t effect_count;
    size_t effect_cap;
    struct scope_change *scopes;
    size_t scope_count;
    size_t scope_cap;
    struct cache_entry *caches;
    size_t cache_count;
    size_t cache_cap;
    bool has_failed; /* an allocation failed: nothing of the batch may be used */
    bool lacks_room; /* the decision waits for memory, see run_hold(); it has appended nothing */
};

#define BATCH_INIT ((struct batch){0})

/* Gives up all that the batch holds; it is empty and usable again. NULL is fine. */
void batch_finish(struct batch *batch);

/* As batch_finish(), but keeps the memory of the arrays. */
void batch_clear(struct batch *batch);

/*
 * Appends a copy. The record's and the effect's documents get one more reference; the memory of
 * record->taken is taken. A failed allocation sets has_failed.
 */
void batch_add_record(struct batch *batch, const struct record *record);
void batch_add_effect(struct batch *batch, const struct effect *effect);

/* The same for a scope; it takes the place of an earlier change of it in the same batch. */
void batch_add_scope(struct batch *batch, const struct scope_change *change);

/* The same for what is to be kept. */
void batch_add_cache(struct batch *batch, const struct cache_entry *entry);

#endif
