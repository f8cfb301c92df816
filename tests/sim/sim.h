/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

/*
 * Sim: some runs of random pipelines under a simulated clock, store, plugins, operators, and a
 * process that dies. One seed decides everything, so that it repeats a failure exactly.
 *
 * The store commits late and in groups; plugins are slow, answer twice, answer after they were
 * told to stop, or never; timers fire late, and after they were disarmed; operators cancel, pause,
 * resume, resolve, and send events. The process dies at any moment, also between two effects of one
 * write and while it recovers: what was not durable is kept or dropped, its tasks become zombies,
 * whose effects count but whose reports reach nobody. Runs that only wait are unloaded.
 *
 * Used by:  the files of this folder.
 * Uses:     engine, journal, run_watch.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/engine/engine.h"
#include "core/engine/record.h"
#include "tests/support/random.h"
#include "tests/support/run_watch.h"

struct journal;
struct pipeline;
struct sim_paid_call;
struct strbuf;

#define SIM_BEGIN_MS INT64_C(1700000000000)
#define SIM_QUIET_MS (SIM_BEGIN_MS + 110000) /* from here on the process lives */

#define SIM_EVENTS(X)                                                                              \
    X(SIM_START, "start")   /* a run */                                                            \
    X(SIM_COMMIT, "commit") /* the store has written what waits */                                 \
    X(SIM_DONE, "done")     /* a task reports: done, or failed */                                  \
    X(SIM_FAILED, "failed")                                                                        \
    X(SIM_ITEMS, "items")     /* it emits some */                                                  \
    X(SIM_RESERVE, "reserve") /* it asks what it may spend */                                      \
    X(SIM_SETTLE, "settle")   /* it says what it has spent */                                      \
    X(SIM_TIMER, "timer")                                                                          \
    X(SIM_CACHED, "cached") /* the cache answers a node */                                         \
    X(SIM_FOUND, "found")   /* which items of the queue there are */                               \
    X(SIM_WORKED, "worked") /* these have been tried */                                            \
    X(SIM_SIGNAL, "signal") /* somebody sends the run an event */                                  \
    X(SIM_CANCEL, "cancel") /* an operator */                                                      \
    X(SIM_PAUSE, "pause")                                                                          \
    X(SIM_RESUME, "resume")                                                                        \
    X(SIM_RESOLVE, "resolve") /* of an unknown node */                                             \
    X(SIM_SHUTDOWN, "shutdown")                                                                    \
    X(SIM_LOOK, "look")       /* what is durable at this moment is looked at */                    \
    X(SIM_CRASH, "crash")     /* the process dies, at once or after some more effects */           \
    X(SIM_RESTART, "restart") /* and another one begins */                                         \
    X(SIM_PARK, "park")       /* the run is unloaded if it only waits */                           \
    X(SIM_WAKE, "wake")       /* the time that it waited for has come */                           \
    X(SIM_SHARED, "shared")   /* what runs share is due */

enum sim_event_type {
#define X(name, text) name,
    SIM_EVENTS(X)
#undef X
};

/* The rules of order of the durability page that can be broken on purpose. */
enum sim_plant {
    SIM_PLANT_NONE = 0,
    SIM_PLANT_O1 = 1, /* a start is acknowledged before it is durable */
    SIM_PLANT_O2 = 2, /* a task starts before its record is durable */
    SIM_PLANT_O3 = 3, /* a result is written apart from what follows from it */
    SIM_PLANT_O4 = 4, /* what other runs are told is written apart from what caused it */
    SIM_PLANT_O5 = 5, /* a timer is armed before its time is durable */
    SIM_PLANT_O6 = 6, /* a run is loaded before the claim on it is durable */
    SIM_PLANT_O8 = 8, /* ends and answers are shown before they are durable */
    /* And the rules for calls that are paid for. */
    SIM_PLANT_B1 = 11, /* a call is made before what it may take is durable */
    SIM_PLANT_B2 = 12, /* what a task leaves open is not settled with its end */
    SIM_PLANT_B3 = 13, /* a call is settled twice */
};

struct sim_event {
    int64_t at;
    uint64_t order; /* of scheduling: equal times keep it */
    enum sim_event_type type;
    uint32_t run; /* index */
    uint64_t frame;
    uint32_t node;
    uint32_t attempt;
    enum timer_kind timer;
    uint64_t life; /* the process or the loaded run that it belongs to */
    uint64_t turn; /* SIM_CACHED, SIM_FOUND; SIM_RESERVE: tokens; SIM_SETTLE: the call */
    int64_t after; /* SIM_CACHED; SIM_RESERVE: 1: of a cheaper model */
    char cache_key[CACHE_KEY_SIZE];
};

/* What the world outside knows of one execution of a node, whatever the process forgets. */
struct sim_execution {
    char *path;
    char key[32]; /* empty: no task was started */
    uint32_t starts;
    uint32_t effects;
    uint32_t last_attempt;
    uint32_t may_start; /* with at_most_once: 1, and one more for each `again` */
    bool is_at_most_once;
    bool has_result; /* a durable one */
};

/* Where a run that somebody started is; the runs below it are with it. */
enum sim_place {
    SIM_NEW, /* not started yet, or its start was lost */
    SIM_LOADED,
    SIM_AWAY, /* its process died */
    SIM_PARKED,
    SIM_OVER, /* all of it had ended when the process died */
};

struct sim_run {
    struct sim *sim;
    uint32_t index;
    struct pipeline *pipeline;
    struct document *input;
    struct run *run;    /* NULL: not loaded, or given up after its end */
    struct run *shadow; /* what the records so far make of it */
    struct run_watch watch;
    struct sim_run *root; /* that somebody started; itself when it is that one */
    bool is_child;
    bool is_item; /* of the retry queue: a root that another run's node began */
    bool is_gone; /* a child, or an item, whose start was lost */
    bool has_continue;
    struct strbuf portions; /* 'c' at the number of the last record of each write behind which the
                             * run goes on by itself: any of them may be the last durable one */

    /* What is kept with a run beside its records. */
    uint64_t number; /* 0: it was never begun */
    char id[200];
    uint32_t depth;
    bool has_rollback;
    struct sim_run *caller;
    struct engine_call call;

    /* Of a root. */
    enum sim_place place;
    uint64_t life; /* of this loading */
    int64_t loaded_at;
    bool is_asleep; /* parked, for a breaker */
    int64_t claims; /* without any record since */
    bool is_poison; /* loading it kills the process */
    bool is_dead_letter;

    /* What the world was told. */
    bool is_started;   /* its start is acknowledged */
    bool is_cancelled; /* a cancel is */
    bool is_paused;    /* a pause is, and nothing else since */
    bool is_touched;   /* its end depends on what somebody did, or when */
    bool is_settled;   /* somebody said what became of a node */
    char item_key[32]; /* of an item: that of the call which it delivers */
    bool is_told;      /* its end was shown */
    uint64_t told_seq; /* of the last record that was shown */
    enum run_state told_state;
    struct sim_execution *executions;
    size_t execution_count;
    size_t execution_cap;
};

struct sim {
    struct random random;
    uint64_t seed;
    enum sim_plant plant;
    bool is_calm;      /* nobody decides anything: each run ends by itself, and alike */
    bool is_disturbed; /* crashes, parking and pauses happen all the same */
    int64_t now;
    struct engine *engine; /* NULL: the process is down */
    int64_t shared_due;    /* what it said when the last SIM_SHARED was scheduled */
    struct journal *store;
    uint64_t life;       /* of the process */
    bool is_dying;       /* it is dead, as soon as the call under way returns */
    uint32_t dies_after; /* so many effects; 0: does not */
    uint32_t dies_with;  /* while the so manieth write waits; 0: does not */
    struct sim_event *events;
    size_t event_count;
    size_t event_cap;
    uint64_t next_order;
    struct sim_run **runs;
    size_t run_count;
    size_t run_cap;
    struct cache_entry *entries; /* what is durable of results, oldest first */
    char **entry_ports;
    size_t entry_count;
    size_t entry_cap;
    struct sim_paid_call *paid; /* calls that are paid for: sim_budget has them */
    size_t paid_count;
    size_t paid_cap;
    bool has_budgets; /* its tasks pay for calls */
    uint64_t granted;
    uint64_t refused;
    uint64_t lost_calls; /* with their process, before they were settled */
    uint64_t hits;       /* of the cache */
    uint64_t steps;
    uint64_t starts;
    uint64_t frames;
    uint64_t crashes;
    uint64_t parked;
    uint64_t asleep; /* of them, for a breaker */
    uint64_t rechecked;
    uint64_t queued;    /* calls that went to the retry queue, and are not lost */
    uint64_t delivered; /* of them */
    bool has_trace;
};

/* ---- sim_history: what is printed ---- */

/* A line of the seed's history, if that is wanted. */
void sim_note(const struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints the history, the seed, the moment and what was promised; ends the program. */
_Noreturn void sim_broken(const struct sim *sim, const char *promise, const char *file, int line);

#define SIM_HOLDS(sim, condition)                                                                  \
    ((condition) ? (void)0 : sim_broken((sim), #condition, __FILE__, __LINE__))

/* Of what gives NULL or the text of a broken promise. */
#define SIM_KEEPS(sim, promise) sim_check_promise((sim), (promise), __FILE__, __LINE__)
void sim_check_promise(const struct sim *sim, const char *broken, const char *file, int line);

/* ---- sim_world: what happens ---- */

void sim_schedule(struct sim *sim, struct sim_event event);
int64_t sim_later(struct sim *sim, uint32_t most_ms);
void sim_world_begin(struct sim *sim);
void sim_world_handle(struct sim *sim, const struct sim_event *event);
/* The operators' last words to a run. */
void sim_world_schedule_end(struct sim *sim, uint32_t run);

/* ---- sim_driver: from the engine to the store, and from there to the world ---- */

enum sim_answer {
    SIM_ANSWER_NONE,
    SIM_ANSWER_START,
    SIM_ANSWER_CANCEL,
    SIM_ANSWER_PAUSE,
    SIM_ANSWER_CLAIM,   /* nobody asked; the run may be loaded */
    SIM_ANSWER_GRANTED, /* a call may be made */
};

/* A write between the engine and the store's answer. */
struct sim_commit {
    struct sim *sim;
    struct batch batch;
    struct sim_run *run; /* whom the answer is about */
    enum sim_answer answer;
    size_t call;      /* SIM_ANSWER_GRANTED */
    bool is_recovery; /* its claim is settled */
};

struct sim_commit *sim_commit_create(struct sim *sim);
void sim_commit_submit(struct sim_commit *commit);
void sim_driver_start(struct sim *sim, struct sim_run *run);
void sim_driver_tell(struct sim_run *run, const struct run_event *event, enum sim_answer answer);
void sim_driver_pause(struct sim_run *run, enum run_event_type type);
/* Results: what becomes durable, and what is asked for. */
void sim_cache_keep(struct sim *sim, const struct batch *batch);
void sim_cache_ask(struct sim_run *run, const struct effect *effect);
void sim_cache_answer(struct sim_run *run, const struct sim_event *event);
void sim_cache_finish(struct sim *sim);

/* ---- sim_queue ---- */

void sim_queue_ask(struct sim_run *run, const struct effect *effect); /* the three effects */
void sim_queue_answer(struct sim_run *run, const struct sim_event *event);
/* What runs share is due; nothing happens while the process is down. */
void sim_driver_tick(struct sim *sim);
/* When it is due next may be another time now. */
void sim_driver_look_at_shared(struct sim *sim);
/* The store has written some of what waits. */
void sim_driver_commit(struct sim *sim);
/* For sim_store_open(). */
void sim_driver_wake(void *user);
struct sim_run *sim_run_add(struct sim *sim, struct pipeline *pipeline, struct document *input);

/* ---- sim_tasks: plugins ---- */

void sim_task_start(struct sim_run *run, const struct effect *effect);
void sim_task_stop(struct sim_run *run, const struct effect *effect);
void sim_task_report(struct sim_run *run, const struct sim_event *event);
void sim_task_emit(struct sim_run *run, const struct sim_event *event);

/* ---- sim_budget: calls that are paid for, and who has charged what ---- */

void sim_budget_write_pipeline(struct random *making, struct strbuf *out);
/* A task has started: it will ask. */
void sim_budget_plan(struct sim_run *run, const struct sim_event *task);
void sim_budget_ask(struct sim_run *run, const struct sim_event *event);
void sim_budget_granted(struct sim *sim, size_t call);
void sim_budget_settle(struct sim_run *run, const struct sim_event *event);
/* A task is about to report. */
void sim_budget_end_task(struct sim_run *run, const struct sim_event *task);
/* The process has died, and its runs are still known. */
void sim_budget_crash(struct sim *sim);
/* What the runs know of their calls, after each event. */
void sim_budget_check(const struct sim *sim);
void sim_budget_finish(struct sim *sim);

/* ---- sim_restart: the death of the process, and what comes after ---- */

void sim_crash(struct sim *sim);
void sim_restart(struct sim *sim);
/* The claim on it is durable, or it was parked. False: that killed the process. */
bool sim_load(struct sim_run *root, bool is_claimed);
void sim_claim_next(struct sim *sim);
void sim_park(struct sim_run *root);
/* Those whose breaker lets calls through. */
void sim_wake_sleepers(struct sim *sim);

/* ---- sim_ledger: what the world outside has seen; the promises by their numbers ---- */

void sim_ledger_finish(struct sim_run *run);
/* Of a record that is about to be applied to run->shadow and written. */
void sim_ledger_record(struct sim_run *run, const struct record *record);
/* A write with it is durable, and may be shown. */
void sim_ledger_durable(struct sim_run *run, const struct record *record);
/* Of an effect that is about to be carried out. */
void sim_ledger_effect(struct sim_run *run, const struct effect *effect);
/* A node's call goes to the queue, as this item. */
void sim_ledger_queued(struct sim_run *item, const struct effect *effect);
/* A task has had its effect outside; its process may be dead. */
void sim_ledger_outside(struct sim_run *run, uint64_t frame, uint32_t node);
/* Somebody said that an unknown node may run again. */
void sim_ledger_again(struct sim_run *run, uint64_t frame, uint32_t node);
/* Somebody starts a run that is there. */
void sim_ledger_asked_again(struct sim_run *root);
/* Of a run that was restored, and not recovered yet. */
void sim_ledger_restored(struct sim_run *run);
/* Of a root that a dead process has left behind. */
void sim_ledger_left(const struct sim_run *root);
/* Of a run that has ended, when nothing can happen any more. */
void sim_ledger_ended(const struct sim_run *run, enum run_state state);

/* ---- sim_checks: what holds after each event ---- */

/* The run's options, for a replay of its records. Owned: run_destroy(). */
struct run *sim_fresh_run(const struct sim_run *run);
/* What is durable makes of it, by way of its text, or as the records were. Owned. */
struct run *sim_replay_text(const struct sim_run *run);
struct run *sim_replay_records(const struct sim_run *run);

/* Of each record, before it goes to the store. */
void sim_check_record(struct sim_run *run, const struct record *record);
/* Of an effect, which is about to be carried out. */
void sim_check_effect(struct sim_run *run, const struct effect *effect);
void sim_check_state(const struct sim *sim);
/* What a crash at this moment would leave. */
void sim_check_look(const struct sim *sim);
/* Of a run that has ended and is given up, and one that is unloaded. */
void sim_check_ended(const struct sim_run *run);
void sim_check_replay(const struct sim_run *run);
/* When nothing can happen any more. */
void sim_check_end(const struct sim *sim);

#endif
