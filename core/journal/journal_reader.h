/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_JOURNAL_JOURNAL_READER_H
#define CORE_JOURNAL_JOURNAL_READER_H

/*
 * Journal reader: what is durable, read. A reader is a read-only connection of its own; each
 * function is one short transaction, and lists come in pages.
 *
 * Used by:  loop (recovery, parked runs, queries), cli (when nobody owns the state folder).
 * Uses:     engine (restore.h), sqlite3.
 * Threads:  one reader belongs to one thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/engine/restore.h"
#include "core/model/queue_priority.h"

struct error;
struct journal_reader;

/*
 * Opens `state.db` in `folder` (borrowed) for reading. Owned: journal_reader_close().
 * Fails with E_NOT_FOUND (there is none yet), E_IO, E_CORRUPT, E_VERSION, E_NOMEM.
 */
int journal_reader_open(const char *folder, struct journal_reader **out_reader, struct error *err);

/*
 * The same for a file that may never be asked: it is opened with the first question, which fails
 * as journal_reader_open() does. Fails with E_NOMEM alone.
 */
int journal_reader_open_later(const char *folder, struct journal_reader **out_reader,
                              struct error *err);
void journal_reader_close(struct journal_reader *reader);

/*
 * Until journal_reader_end() all questions are about the same state of the file. For moments only:
 * meanwhile the log cannot be cut. Fails with E_IO, E_CORRUPT, E_NOMEM.
 */
int journal_reader_begin(struct journal_reader *reader, struct error *err);
void journal_reader_end(struct journal_reader *reader);

/* One run. All texts are borrowed for the call. */
struct journal_run {
    uint64_t number;
    struct str id;
    struct str definition; /* digest */
    struct str workflow;
    struct str name;
    struct str version;
    struct str labels;  /* JSON */
    struct str state;   /* one of the set that people see */
    struct str blocked; /* why, or empty */
    uint64_t last_seq;
    uint64_t root;
    uint64_t parent; /* 0: none */
    struct str call;
    struct str parent_path; /* of an item of the queue: of the node whose call it delivers */
    struct str queued_by;   /* of an item: the workflow of that node; else empty */
    int priority;           /* of an item, as it is kept, and since when it may be tried */
    int64_t turn_at;
    bool is_dead; /* it has ended, and is a dead letter */
    struct str key;
    struct str request;
    struct str triggered_by;
    struct str options;
    int64_t wake_at; /* parked until then, INT64_MAX: an event; 0: not parked */
    uint32_t crashes;
    uint32_t nodes_total;  /* of the root body */
    uint32_t nodes_done;   /* of these, those that have ended, however; each once */
    uint32_t nodes_failed; /* of these */
    int64_t created_at;    /* unix ms */
    int64_t started_at;    /* 0: not yet */
    int64_t ended_at;
    struct str spent;  /* what its calls took, JSON; empty: none was paid for */
    struct str result; /* the body of its last record (RUN_ENDED), JSON; empty: it lives */
};

/* Returns 0, or what ends the listing and becomes the result of the function that calls it. */
typedef int (*journal_run_cb)(void *user, const struct journal_run *run);

/*
 * The run with this id, or the one whose id begins with `id` when it is the only one (at least 4
 * characters; a child's id only whole). Fails with E_NOT_FOUND, E_CONFLICT (several), and what
 * `each` returns.
 */
int journal_reader_run(struct journal_reader *reader, struct str id, journal_run_cb each,
                       void *user, struct error *err);
int journal_reader_run_by_number(struct journal_reader *reader, uint64_t number,
                                 journal_run_cb each, void *user, struct error *err);
/* How many characters of `id`, a run that nobody called, no other such id begins with. */
int journal_reader_unique_size(struct journal_reader *reader, struct str id, size_t *out_size,
                               struct error *err);
/* The run that was started with `key`. E_NOT_FOUND: none. */
int journal_reader_run_by_key(struct journal_reader *reader, struct str key, journal_run_cb each,
                              void *user, struct error *err);

/* Which runs a list has. Empty and 0: any. */
struct journal_filter {
    struct str state;       /* of those that people see; "blocked": see journal_run */
    struct str workflow;    /* its id or its name */
    struct str label_key;   /* has this label */
    struct str label_value; /* with this value */
    int64_t created_after;  /* unix ms */
    int64_t created_before;
    uint64_t before;   /* numbers below this one: the next page */
    bool has_children; /* child runs, too */
    bool has_queued;   /* items of the queue, too */
    uint64_t root;     /* with `parent`: the tree that it is in */
    uint64_t parent;   /* only those that this run called */
    bool is_live;      /* those that have not ended */
    uint32_t limit;    /* 0: 50; at most 1,000 */
};

/* Newest first. `result` is left out. */
int journal_reader_list(struct journal_reader *reader, const struct journal_filter *filter,
                        journal_run_cb each, void *user, struct error *err);

/*
 * The runs that have not ended, those of number `after` + 1 and up, at most `limit` (0: all), in
 * their order: roots and children, parked ones among them. For recovery.
 */
int journal_reader_live(struct journal_reader *reader, uint64_t after, uint32_t limit,
                        journal_run_cb each, void *user, struct error *err);
/* Of the tree of `root` those that have not ended, and all above them, in their order. */
int journal_reader_tree_live(struct journal_reader *reader, uint64_t root, journal_run_cb each,
                             void *user, struct error *err);
/* All runs of the tree of `root`, ended or not, in their order. */
int journal_reader_tree(struct journal_reader *reader, uint64_t root, journal_run_cb each,
                        void *user, struct error *err);
/* How many roots are parked. */
int journal_reader_parked(struct journal_reader *reader, uint64_t *out_count, struct error *err);
/* The earliest wake_at of parked roots; INT64_MAX: none. `each` gets those due at `now`. */
int journal_reader_next_wake(struct journal_reader *reader, int64_t *out_at, struct error *err);
int journal_reader_due(struct journal_reader *reader, int64_t now, uint32_t limit,
                       journal_run_cb each, void *user, struct error *err);

/*
 * The newest run, root or child, of the first workflow behind `after` in the order of their ids;
 * none: `each` is not called. `result` is left out.
 */
int journal_reader_newest(struct journal_reader *reader, struct str after, journal_run_cb each,
                          void *user, struct error *err);

/* ---- the retry queue, see core/engine/queue.h ---- */

/* An item of the queue that has not ended, or a run that is a dead letter; borrowed for the call.
 */
struct journal_item {
    uint64_t number;
    struct str id;
    struct str queued_by;  /* the workflow of the node whose call it delivers; of a run: empty */
    struct str workflow;   /* its own */
    struct str path;       /* of the node in the run that queued the call */
    struct str state;      /* of its run: "running", "dead", "approval_required", ... */
    struct str blocked;    /* why, or empty */
    struct str node_state; /* "running", "retry_wait", ...; empty: it has not been tried yet */
    enum queue_priority priority;
    int64_t turn_at; /* since when it may be tried, unix ms; of a run: 0 */
    uint32_t attempt;
    int64_t wake_at; /* 0: none; INT64_MAX: a person */
    int64_t created_at;
    int64_t tried_at; /* when the last attempt ended; of a run: its end; 0: not yet */
    struct str body;  /* of the record of that, with its error */
};
typedef int (*journal_item_cb)(void *user, const struct journal_item *item);

/* Where a page ends. */
struct journal_item_place {
    enum queue_priority priority;
    int64_t turn_at;
    uint64_t number;
};

/* Empty and 0: any. */
struct journal_item_filter {
    bool is_dead; /* what waits for a person, and runs that are dead letters; else all others */
    struct str workflow;
    struct str node; /* its id */
    struct str code; /* of the error */
    struct str
        of_run; /* all unsettled calls of this run, and of those it called: waiting or dead */
    int64_t tried_before;
    int64_t tried_after;
    bool has_priority;
    enum queue_priority priority;
    uint64_t number;                 /* this one alone */
    struct journal_item_place after; /* all zero: from the first one on */
    uint32_t limit;                  /* 0: 50; at most 1,000 */
};

/* The queue in the order in which it is worked off; what waits for a person by its numbers. */
int journal_reader_items(struct journal_reader *reader, const struct journal_item_filter *filter,
                         journal_item_cb each, void *user, struct error *err);

/* One record as it was written. */
struct journal_row {
    uint64_t id;  /* grows with time over all runs */
    uint64_t run; /* number */
    struct str run_id;
    uint64_t seq;
    struct str type; /* "node_started" */
    struct str path;
    uint32_t attempt;
    int64_t at;      /* unix ms */
    struct str body; /* JSON, with large documents put back in */
};

/* The same for restore_row(), borrowed from it. */
static inline struct restore_row journal_row_to_restore(const struct journal_row *row)
{
    return (struct restore_row){.seq = row->seq,
                                .type = row->type,
                                .path = row->path,
                                .attempt = row->attempt,
                                .at_unix_ms = row->at,
                                .body = row->body};
}

typedef int (*journal_row_cb)(void *user, const struct journal_row *row);

/* Records of one run from `after_seq` + 1 on, in order. limit 0: all. */
int journal_reader_rows(struct journal_reader *reader, uint64_t run, uint64_t after_seq,
                        uint32_t limit, journal_row_cb each, void *user, struct error *err);
/* Records of the whole tree of `root` with ids above `after_id`, in the order of commit. */
int journal_reader_tree_rows(struct journal_reader *reader, uint64_t root, uint64_t after_id,
                             uint32_t limit, journal_row_cb each, void *user, struct error *err);

/* The last state of one execution of a node. */
struct journal_node {
    struct str path;
    struct str state;
    uint32_t attempt;
    int64_t wake_at; /* 0: none */
    int64_t started_at;
    int64_t ended_at;
    struct str body; /* of the record that ended it: {output, error, ...}; empty: it lives */
    uint64_t record; /* that record's id; 0: it lives */
};
typedef int (*journal_node_cb)(void *user, const struct journal_node *node);
int journal_reader_nodes(struct journal_reader *reader, uint64_t run, journal_node_cb each,
                         void *user, struct error *err);

/* Appends the source of a definition and its `compiled_by`. E_NOT_FOUND. */
int journal_reader_definition(struct journal_reader *reader, struct str digest,
                              struct strbuf *out_source, struct strbuf *out_compiled_by,
                              struct error *err);

struct journal_log_row {
    uint64_t id;
    struct str run_id;
    struct str path;
    uint32_t attempt;
    int64_t at;
    int level;
    struct str line;
};
typedef int (*journal_log_cb)(void *user, const struct journal_log_row *row);
/* Of the tree of `root`, oldest first; `path` (empty: all) is that of a node and all inside it. */
struct journal_log_query {
    uint64_t root;
    uint64_t after_id;
    struct str path;
    uint32_t limit; /* 0: 1,000 */
};
int journal_reader_logs(struct journal_reader *reader, const struct journal_log_query *query,
                        journal_log_cb each, void *user, struct error *err);

struct journal_audit_row {
    uint64_t id;
    int64_t at;
    struct str who;
    struct str action;
    struct str run_id;
    struct str detail;
};
typedef int (*journal_audit_cb)(void *user, const struct journal_audit_row *row);
/* Of one run's tree (root number), or of all (0); oldest first. */
int journal_reader_audit(struct journal_reader *reader, uint64_t root, uint64_t after_id,
                         uint32_t limit, journal_audit_cb each, void *user, struct error *err);

/* What a scope knew when its last decision became durable. */
struct journal_scope_row {
    struct str key;
    struct str state; /* JSON, a map */
    int64_t at;       /* unix ms */
};
typedef int (*journal_scope_cb)(void *user, const struct journal_scope_row *row);
/* All of `kind`, in the order of their keys. */
int journal_reader_scopes(struct journal_reader *reader, struct str kind, journal_scope_cb each,
                          void *user, struct error *err);

/*
 * A result that may be taken again. One with items comes more than once, in their order, each time
 * with some more of them.
 */
struct journal_cache_row {
    int64_t at;        /* unix ms */
    struct str port;   /* empty: success */
    struct str output; /* JSON */
    struct str items;  /* JSON, a list; empty: a result that cannot have any */
};
typedef int (*journal_cache_cb)(void *user, const struct journal_cache_row *row);
/* The one with this key, unless it is older than `after`; none: `each` is not called. */
int journal_reader_cached(struct journal_reader *reader, struct str key, int64_t after,
                          journal_cache_cb each, void *user, struct error *err);

/* What a plugin keeps under a key. */
struct journal_kv_row {
    struct str value; /* bytes */
    uint64_t version;
    int64_t until; /* unix ms; 0: for ever */
};
typedef int (*journal_kv_cb)(void *user, const struct journal_kv_row *row);
/* Also one whose time is over; none: `each` is not called. */
int journal_reader_kv(struct journal_reader *reader, struct str plugin, struct str key,
                      journal_kv_cb each, void *user, struct error *err);
/* The bytes of all keys and values that a plugin keeps at `now`. */
int journal_reader_kv_bytes(struct journal_reader *reader, struct str plugin, int64_t now,
                            uint64_t *out_bytes, struct error *err);
/* The highest version of all; 0: nothing is kept. */
int journal_reader_kv_version(struct journal_reader *reader, uint64_t *out_version,
                              struct error *err);

/* Milliseconds that completed runs of `workflow` took, the mean of the latest 20. 0: none yet. */
int journal_reader_usual_ms(struct journal_reader *reader, struct str workflow, int64_t *out_ms,
                            struct error *err);

/* Runs by state, for metrics. */
typedef int (*journal_count_cb)(void *user, struct str workflow, struct str state, uint64_t count);
int journal_reader_counts(struct journal_reader *reader, journal_count_cb each, void *user,
                          struct error *err);

/* The value of `meta`: "instance", "epoch", "schema". */
int journal_reader_meta(struct journal_reader *reader, struct str *out_instance,
                        uint64_t *out_epoch, uint32_t *out_schema, struct error *err);

#endif
