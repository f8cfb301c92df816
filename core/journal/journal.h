/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_JOURNAL_JOURNAL_H
#define CORE_JOURNAL_JOURNAL_H

/*
 * Journal: what is durable, written. Batches of records go in; the caller hears, in the order of
 * submission, when each is durable. A store may do its work on threads of its own: it calls
 * `wake` from them, and callbacks run only inside journal_collect(), on the loop. What is read
 * back is journal_reader.h's business.
 *
 * Stores: in SQLite (journal_sqlite.h); in memory; and one that keeps nothing, for runs that end
 * with the process. The last two are durable at once and lose all with the process; their
 * callbacks come at the next journal_collect() all the same, so that what drives the engine
 * behaves alike with every store.
 *
 * Used by:  loop.
 * Uses:     engine (records).
 * Threads:  [loop] unless a function says otherwise.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/model/queue_priority.h"

struct batch;
struct document;
struct error;
struct journal;
struct record;

/* On the loop, from journal_collect(): the batch is durable (0), or never will be (negative). */
typedef void (*journal_append_cb)(void *user, int status);

/* [any] Tells that journal_collect() has something to do. */
typedef void (*journal_wake_cb)(void *user);

/* A run that begins with this write: its row, before its first record. */
struct journal_new_run {
    uint64_t number; /* see journal_next_run() */
    struct str id;
    struct str definition; /* the digest of its bundle, in hex; written with it */
    struct str workflow;   /* the id of its pipeline */
    struct str name;       /* for people */
    struct str version;
    struct str labels; /* JSON, a map; empty: {} */
    uint64_t root;     /* its own number, or that of the run that somebody started */
    uint64_t parent;   /* 0: nobody called it */
    struct str call;   /* JSON: where in the parent, see run_call.h; empty without a parent */
    struct str
        parent_path;      /* of the call in the parent; of an item of the queue, in who queued it */
    struct str queued_by; /* of an item: the workflow whose call it delivers; empty: it is none */
    enum queue_priority priority; /* of an item, and since when it may be tried; else normal, 0 */
    int64_t turn_at;
    struct str key;     /* idempotency key; empty: none */
    struct str request; /* digest of what was asked for with the key; empty: none */
    struct str triggered_by;
    struct str options;   /* JSON: what restoring it needs besides */
    uint32_t nodes_total; /* of the root body */
    int64_t created_at;   /* unix ms */
};

/*
 * The text of a definition with all that it was made of. One that is there already stays; one that
 * no run names any more goes when runs are pruned, so each run brings its own.
 */
struct journal_definition {
    struct str digest; /* hex */
    struct str source; /* JSON */
    struct str compiled_by;
};

/* What a person did, or the program decided about a run, for the audit trail. */
struct journal_audit {
    int64_t at_unix_ms;
    struct str who;    /* "uid 1000 (ann)", "engine" */
    struct str action; /* "start", "cancel", "pause", ... */
    uint64_t run;      /* 0: none */
    struct str detail; /* JSON; empty: {} */
};

/* A line that a node has logged. Lines may be written late, with whatever comes next. */
struct journal_log {
    uint64_t run;
    struct str path;
    uint32_t attempt;
    int64_t at_unix_ms;
    int level; /* enum log_level */
    struct str line;
};

/* What a plugin keeps under a key of its own, or keeps no more. */
struct journal_kv {
    struct str plugin;
    struct str key;
    struct str value; /* bytes */
    uint64_t version; /* 0: it is removed */
    int64_t until;    /* unix ms, from then on it is not there; 0: for ever */
    int64_t at_unix_ms;
};

/* Lines kept of one run; of those that come later the last one says how many were dropped. */
enum { JOURNAL_LOGS_MOST = 10000 };

/* Columns of a run that no record of its own changes by itself. */
enum journal_mark_kind {
    JOURNAL_MARK_WAKE,     /* parked: nothing happens before `at`; INT64_MAX: only an event */
    JOURNAL_MARK_ACTIVE,   /* loaded again: no wake_at */
    JOURNAL_MARK_BLOCKED,  /* `text`: what is missing; empty: no longer */
    JOURNAL_MARK_DEAD,     /* `at`: 1: it has ended and is a dead letter; 0: it is none any more */
    JOURNAL_MARK_CRASHES,  /* `at`: how often the engine ended with it at work, without progress
                              since */
    JOURNAL_MARK_TURN,     /* of an item of the queue: `at`: from then on it may be tried */
    JOURNAL_MARK_PRIORITY, /* the same: `at`: an enum queue_priority */
};

struct journal_mark {
    uint64_t run;
    enum journal_mark_kind kind;
    int64_t at;
    struct str text;
};

/*
 * One write: all of it is durable together. Everything is kept until the callback has run: the
 * store may read it from a thread of its own, and nobody may change it meanwhile. Of a record's
 * `run` it uses nothing: run_number, seq and path say which. Of a scope the last change is kept, of
 * a result or a plugin's value the last one under its key.
 */
struct journal_write {
    const struct batch *batch; /* records, scopes, results; NULL: none */
    const struct journal_definition *definitions;
    size_t definition_count;
    const struct journal_new_run *runs;
    size_t run_count;
    const struct journal_audit *audits;
    size_t audit_count;
    const struct journal_mark *marks;
    size_t mark_count;
    const struct journal_log *logs;
    size_t log_count;
    const struct journal_kv *kvs; /* in their order */
    size_t kv_count;
};

/*
 * Opens a store that keeps all records in memory, and nothing of scopes, results and
 * values of plugins. `wake` and
 * `user` are kept until the close. On success `*out_journal` is owned: journal_close(). Fails with
 * E_NOMEM.
 */
int journal_memory_open(journal_wake_cb wake, void *user, struct journal **out_journal,
                        struct error *err);

/*
 * The same for a store that keeps nothing, so that runs which nobody reads again take no more
 * memory the longer they are.
 */
int journal_ephemeral_open(journal_wake_cb wake, void *user, struct journal **out_journal,
                           struct error *err);

/* Whether records need seq and path: a store that keeps nothing does without. */
bool journal_keeps(const struct journal *journal);

/* The number of the next run; each call gives another one. */
uint64_t journal_next_run(struct journal *journal);

/*
 * Submits `write`: all of it is kept, or nothing. `user` is kept until `cb` has run; `cb` runs
 * exactly once if 0 is returned, and never from inside this function. Lazy records (see record.h)
 * are left out.
 */
int journal_append(struct journal *journal, const struct journal_write *write, journal_append_cb cb,
                   void *user, struct error *err);

/* Runs the callbacks of all that is durable by now. Callbacks may append. */
void journal_collect(struct journal *journal);

/* Nothing may be outstanding. NULL is fine. */
void journal_close(struct journal *journal);

/* ---- for tests of the store in memory ---- */

/*
 * Calls `each` for every record of run `number`, in order; stops when it returns other than 0 and
 * returns that. Records are borrowed for the call; their `run` is NULL.
 */
typedef int (*journal_each_cb)(void *user, const struct record *record);
int journal_memory_read(struct journal *journal, uint64_t number, journal_each_cb each, void *user);

/* ---- for stores ---- */

struct journal_class {
    int (*append)(struct journal *journal, const struct journal_write *write, journal_append_cb cb,
                  void *user, struct error *err);
    void (*collect)(struct journal *journal);
    void (*close)(struct journal *journal);
};

/* The first member of every store. */
struct journal {
    const struct journal_class *class_;
    uint64_t next_run; /* the number given last */
    bool keeps;
};

#endif
