/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_LOOP_H
#define CORE_LOOP_LOOP_H

/*
 * Loop: binds the pure engine to the world: libuv, the plugin host, outgoing HTTP, the journal.
 *
 * It keeps the rule of engine.h: what observers hear, and every effect, comes after the batch it
 * belongs to is durable.
 *
 * Used by:  cli.
 * Uses:     engine, journal, host, net, libuv.
 * Threads:  [loop]: whoever calls loop_run() is the loop thread, and calls all the others.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/digest.h"
#include "core/base/id.h"
#include "core/base/str.h"
#include "core/model/queue_priority.h"
#include "core/policy/admission.h"
#include "core/policy/alert.h"
#include "core/policy/breaker.h"
#include "core/policy/purse.h"

struct batch;
struct catalogue;
struct document;
struct error;
struct host;
struct journal_reader;
struct load_options;
struct loop;
struct loop_task;
struct net_settings;
struct pipeline;
struct record;
struct retention;
struct run;
struct secrets;
struct tape;
struct uv_loop_s;

struct loop_options {
    const char *const *plugin_folders; /* before the default ones */
    size_t plugin_folder_count;
    const char *plugin_index_path;      /* see struct host_options */
    const char *plugin_file;            /* this one, and no folder; NULL: the folders */
    const char *plugin_copy_folders[2]; /* the same */
    const struct net_settings *network; /* borrowed for loop_create(); NULL: defaults */
    struct secrets *secrets;            /* kept until loop_close(); NULL: there are none */
    struct tape *tape;                  /* likewise: calls are recorded or played; NULL: neither */
    uint32_t process_concurrency;       /* per plugin; 0: twice the cores */
    int64_t cancel_grace_ms;            /* 0: the host's default */
};

/* On success `*out_loop` is owned: loop_close(). Fails with E_NOMEM, E_IO. */
int loop_create(const struct loop_options *options, struct loop **out_loop, struct error *err);

/*
 * Cancels what still runs, waits for it within the grace, closes everything and frees it.
 * Returns when that is done. NULL is fine.
 */
void loop_close(struct loop *loop);

/*
 * From here on all runs are kept in the state folder (borrowed), whose lock is held; without this
 * nothing is. Only before the first run. `loading` says how definitions that were kept are loaded
 * again: `env` with its `user`, `engine_types` and `flags` count; it is kept until loop_close(),
 * as is what it points to. Fails as journal_sqlite_open() does.
 */
int loop_keep_state(struct loop *loop, const char *folder, const struct load_options *loading,
                    struct error *err);

/*
 * With a state: runs that have ended go when their pipeline's retention is over, and where it says
 * nothing, that of `site` (borrowed); without this call all are kept. May be called again. Fails
 * with E_NOMEM.
 */
int loop_set_retention(struct loop *loop, const struct retention *site, struct error *err);
/* How much all results that nodes may take again take at most; 0: 256 MiB. */
void loop_bound_cache(struct loop *loop, uint64_t bytes);

/* libuv's, for what else lives on it; it works until loop_close(). */
struct uv_loop_s *loop_uv(struct loop *loop);

/* No node starts any more, and nobody waits for room on the disk: for a command that only decides.
 */
void loop_hold_starts(struct loop *loop);

/* Works until `*is_done`, which a callback sets. */
void loop_wait(struct loop *loop, const bool *is_done);

/* Whether the state has runs that have not ended and are not blocked: work for an engine. */
bool loop_has_left(struct loop *loop);

/* Reads what is durable; borrowed, for the loop's thread. NULL: nothing is kept. */
struct journal_reader *loop_reader(struct loop *loop);

/*
 * Goes on with all runs that had not ended when the state was left. What cannot (a plugin, a file's
 * text or an environment variable is missing) is blocked, and says so. Only before loop_run().
 * Fails with E_NOMEM, E_IO, E_CORRUPT.
 */
int loop_recover(struct loop *loop, struct error *err);

/* The plugin host, for lists, and its node types, for the model. Borrowed. */
struct host *loop_host(struct loop *loop);
const struct catalogue *loop_catalogue(struct loop *loop);

/* Works until loop_stop(). Fails with E_NOMEM when a run could not go on for lack of memory. */
int loop_run(struct loop *loop, struct error *err);

/* Makes loop_run() return after the callback that is running. */
void loop_stop(struct loop *loop);

/*
 * Calls `cb` on the loop at each SIGINT, SIGTERM and SIGHUP from now on. `user` is kept. When the
 * loop is held up, a further SIGINT or SIGTERM ends the process at once, with 128 + signal.
 */
typedef void (*loop_signal_cb)(void *user, int signal_number);
int loop_watch_signals(struct loop *loop, loop_signal_cb cb, void *user, struct error *err);

/* Calls `cb` every `interval_ms` until loop_close(); 0 stops it. One tick at a time. */
typedef void (*loop_tick_cb)(void *user);
void loop_tick(struct loop *loop, uint32_t interval_ms, loop_tick_cb cb, void *user);

/* ---- runs ---- */

struct loop_run;

/* One execution of a node, in a run or in a child run of it. */
struct run_place {
    const struct run *run;
    uint64_t frame;
    uint32_t node;
};

/*
 * What happens to a run and to the child runs below it, in order, all of it durable. Every
 * function may be NULL; what is passed is borrowed.
 */
struct run_observer {
    void *user;
    /* `place` has started a child run; before its first record. */
    void (*on_child)(void *user, const struct run *child, const struct run_place *place);
    void (*on_record)(void *user, const struct record *record);
    void (*on_batch)(void *user); /* the last record of those that became durable together */
    /* What nodes wait for at present, see loop_append_waits(): now and then, changed or not. */
    void (*on_waits)(void *user, struct str waits);
    /* `fraction` < 0: unknown. */
    void (*on_progress)(void *user, const struct run_place *place, double fraction,
                        struct str note);
    /* `level`: base/log.h */
    void (*on_log)(void *user, const struct run_place *place, int level, struct str line);
    void (*on_ended)(void *user); /* last */
};

/* An event that is sent to a run. */
struct loop_event {
    struct str name;
    const struct document *data; /* shared; NULL: null */
};

/* The definition that a run keeps; see bundle.h and layout.h. All borrowed. */
struct loop_definition {
    struct str digest;
    struct str source;
    struct str compiled_by;
};

/* Called once: everything that was asked for is durable (0), or will not be. */
typedef void (*loop_ack_cb)(void *user, int status);

struct loop_run_options {
    const struct pipeline *pipeline;   /* shared */
    struct loop_definition definition; /* needed when there is a state folder */
    struct str key;                    /* idempotency key; empty: none */
    struct str request;                /* the digest of what was asked for with it */
    struct str who;                    /* for the audit trail */
    struct str audit;                  /* what is to be known of the start: JSON; may be empty */
    const struct document *reuse;      /* results of an earlier run; NULL: none */
    loop_ack_cb on_started;            /* the run is durable; may be NULL */
    void *user;                        /* of it */
    const struct document *input;      /* shared; checked and with defaults */
    struct str id;                     /* copied */
    struct str triggered_by;           /* copied */
    const struct loop_event *events;   /* sent as it starts, in this order; copied */
    size_t event_count;
    const struct document *env;   /* shared; values of variables, over the engine's; NULL: none */
    struct run_observer observer; /* kept until loop_run_release() */
};

/*
 * Starts a run; nothing of it happens before loop_run() is (back) at work.
 * `*out_run` is owned: loop_run_release(). Fails with E_NOMEM.
 */
int loop_run_start(struct loop *loop, const struct loop_run_options *options,
                   struct loop_run **out_run, struct error *err);

/*
 * Cancels: a state machine takes its `cancel` transition; else no new node starts and running
 * tasks are told. Then compensations and endings run, which a further call leaves alone.
 * Child runs are told by the nodes that wait for them. `who` (borrowed; "uid 1000") is in the audit
 * trail; empty: no person has asked for it.
 */
void loop_run_cancel(struct loop_run *run, struct str who);

/* Cancels without grace: child processes are killed, tasks given up, endings dropped. */
void loop_run_kill(struct loop_run *run, struct str who);

/* Only after on_ended, and not from inside it. NULL is fine. */
void loop_run_release(struct loop_run *run);

/*
 * Nobody looks at the run any more: it goes on, and is given up by itself. Its observer hears
 * nothing more.
 */
void loop_run_detach(struct loop_run *run);

/*
 * Goes on with the run of this number in the state, which has not ended, unless it does already,
 * and lets `observer` hear of what comes from here on: what was before is in the file. `*out_run`
 * is owned as that of loop_run_start(). Returns LOOP_BLOCKED when it cannot go on (`err` says why),
 * or fails with E_NOMEM, E_IO, E_NOT_FOUND, E_CONFLICT (it has ended, or somebody has it).
 */
enum { LOOP_BLOCKED = 1 };
int loop_run_attach(struct loop *loop, uint64_t number, const struct run_observer *observer,
                    struct loop_run **out_run, struct error *err);

/* The run that was started with an idempotency key. */
struct loop_key {
    uint64_t number;
    bool has_ended;
    bool is_durable; /* else its start is on its way: loop_when_durable() */
    char id[ID_TEXT_SIZE];
    char request[DIGEST_HEX_SIZE]; /* what was asked for, see loop_run_options */
};

/* Fails with E_NOT_FOUND, E_IO, E_NOMEM. */
int loop_find_key(struct loop *loop, struct str key, struct loop_key *out_key, struct error *err);

/* Calls `cb` when all that was decided before is durable. It may run from inside, on failure. */
void loop_when_durable(struct loop *loop, loop_ack_cb cb, void *user);

/*
 * Pipelines with nodes that start processes are refused from here on, also those that were begun
 * elsewhere: they are blocked. `why` (static) is what people read.
 */
void loop_refuse_processes(struct loop *loop, const char *why);

/* Whether this loop runs such a pipeline, and has its secrets: 0, or E_INVALID and `err` says why
 * not. */
int loop_check_pipeline(const struct loop *loop, const struct pipeline *pipeline,
                        struct error *err);

/* Which run is done again, and from where on. */
struct loop_retry_wish {
    uint64_t number;            /* of the run */
    struct str from;            /* a node; empty: from what did not complete on */
    const struct document *env; /* values of variables, over those it had; borrowed; NULL: none */
    bool takes_nothing;         /* all of it is done again */
    bool may_double;            /* also calls that the retry queue may still make */
};

/* What a run that has ended gives to one that does its work again. */
struct loop_retry {
    const struct pipeline *pipeline; /* shared: pipeline_unref() */
    struct document *input;          /* owned, like the rest */
    struct document *reuse;          /* NULL: nothing */
    struct document *env;            /* for the new run; NULL: none */
    char definition[DIGEST_HEX_SIZE];
};

/*
 * Reads a run for another try. End it with loop_retry_finish(). Fails with E_NOT_FOUND, E_CONFLICT
 * (it has not ended, or calls of it wait in the queue), E_INVALID (blocked, or `from` cannot be),
 * E_CORRUPT, E_IO, E_NOMEM.
 */
int loop_retry_read(struct loop *loop, const struct loop_retry_wish *wish,
                    struct loop_retry *out_retry, struct error *err);
void loop_retry_finish(struct loop_retry *retry);

/* ---- commands of people, to any run in the state ---- */

enum loop_action {
    LOOP_CANCEL,
    LOOP_PAUSE,
    LOOP_RESUME, /* also of a run that is blocked: it is tried again */
    LOOP_SEND,
    LOOP_RESOLVE,
    /* Of items of the retry queue: */
    LOOP_TRY,     /* it does not wait any longer, but for the breaker */
    LOOP_REQUEUE, /* it was given up, and is tried again: `data` is its new input, or NULL */
    LOOP_SKIP,    /* it was given up: `data` is what it gave */
    LOOP_DROP,    /* it ends as it is; a run that is a dead letter is none any more */
};

struct loop_command {
    enum loop_action action;
    uint64_t run;    /* number; a child run's means its root's for all but SEND and RESOLVE */
    struct str who;  /* for the audit trail */
    struct str name; /* of the event; RESOLVE: the path of the node */
    const struct document *env;  /* of RESUME: values of variables; kept in memory alone; or NULL */
    const struct document *data; /* of the event; RESOLVE: output or error; may be NULL */
    int resolution;              /* enum run_resolution */
    bool has_priority;           /* REQUEUE: it gets this one */
    enum queue_priority priority;
};

/* Borrowed for the call; `err` says what was wrong with the command. */
typedef void (*loop_command_cb)(void *user, int status, const struct error *err);

/*
 * Carries the command out; `cb` runs once it is durable, with 0, or with why it was not: E_CONFLICT
 * (the run has ended, is not paused, the node is not unknown), E_NOT_FOUND, E_INVALID (blocked),
 * E_LIMIT (it keeps too many events), E_NOMEM. It may run from inside this function.
 */
void loop_command(struct loop *loop, const struct loop_command *command, loop_command_cb cb,
                  void *user);

/* ---- circuit breakers ---- */

/*
 * The scope that `part` names: it is the whole, or in no other one; or the service, without the
 * mark of settings, that has them all. `*out_scope` is borrowed from the engine. Fails with
 * E_NOT_FOUND (`err` names the nearest) and E_CONFLICT (which ones have it).
 */
int loop_find_breaker(struct loop *loop, struct str part, struct str *out_scope, struct error *err);

struct loop_breaker_order {
    struct str scope; /* whole; a service means all that it has */
    enum breaker_order order;
    struct str who; /* for the audit trail */
};

/* Carries it out; `cb` as that of loop_command(): E_NOT_FOUND, E_NOMEM. */
void loop_order_breaker(struct loop *loop, const struct loop_breaker_order *order,
                        loop_command_cb cb, void *user);

/* ---- rate limits and permits ---- */

enum { LOOP_LIMITS_MOST = 100 };

/* Which ones, if there are more. */
enum loop_limits_order {
    LOOP_LIMITS_OLDEST, /* always the same */
    LOOP_LIMITS_URGENT, /* that are frozen, or that somebody waits for, first */
};

/*
 * As JSON: {"rate_limits": [{"scope", "limit", "period_ms", "burst", "left", "next_at",
 * "frozen_until", "waiting", "allowed", "delayed"}], "rate_limits_left_out": OTHERS, "limits":
 * [{"scope", "limit", "in_use", "waiting", "allowed", "delayed"}], "limits_left_out": OTHERS}: up
 * to LOOP_LIMITS_MOST of each, and OTHERS are {"scopes", "waiting", "allowed", "delayed",
 * "frozen_until"} together. Times are unix ms, frozen_until 0: it is not; limit 0: a service that
 * has no rate. See strbuf_status().
 */
void loop_append_limits(const struct loop *loop, enum loop_limits_order order, struct strbuf *out);

/*
 * The same, LOOP_LIMITS_OLDEST, and "services": those that live runs want checked, or wanted until
 * some minutes ago: [{"plugin", "origin", "state": "unknown"|"up"|"down"|"given_up", "why",
 * "since", "checked_at", "took_ms", "interval_ms": 0 when no run wants it}].
 */
void loop_append_counts(const struct loop *loop, struct strbuf *out);

/*
 * The rate limit that `part` names, as loop_find_breaker() does; a service is meant with its rates.
 */
int loop_find_limit(struct loop *loop, struct str part, struct str *out_scope, struct error *err);

struct loop_limit_reset {
    struct str scope; /* whole; of a service: its rates, too */
    struct str who;   /* for the audit trail */
};

/*
 * What was counted, and until when it is frozen, is forgotten; `cb` as that of loop_command():
 * E_NOT_FOUND, E_NOMEM.
 */
void loop_reset_limit(struct loop *loop, const struct loop_limit_reset *reset, loop_command_cb cb,
                      void *user);

/* ---- what nodes wait for ---- */

enum { LOOP_WAITS_MOST = 100 };

/*
 * What nodes of the run `number` and of those below it, and calls of their tasks, wait for, as
 * JSON:
 * {"waits": [{"path", "for": "permit"|"budget"|"breaker"|"rate_limit"|"memory", "until", "event":
 * null, "scope", and "limit", "in_use" or "state" or "frozen"}], "left_out"}; of a task whose call
 * waits for what others may give back to its budget "for": "spending", "why", and no "scope". No
 * record says it.
 * See strbuf_status().
 */
void loop_append_waits(const struct loop *loop, uint64_t number, struct strbuf *out);
/* Whether there is any such wait, of whatever run. */
bool loop_has_waits(const struct loop *loop);

/* Of all runs: {"limits": [{"scope", "limit", "in_use", "waiting"}], "breakers": [{"scope",
 * "waiting"}], "rate_limits": [{"scope", "until", "frozen_until", "waiting"}]}, those that somebody
 * waits for, and services that are frozen; and "services" as loop_append_counts() has them. See
 * strbuf_status(). */
void loop_append_queues(const struct loop *loop, struct strbuf *out);

/* Whether a node of the run `number`, or of one below it, asks this breaker. */
bool loop_run_asks(const struct loop *loop, uint64_t number, struct str scope);

/* Calls `cb` now and then while things happen: waits may have changed. `user` is kept. */
void loop_watch_waits(struct loop *loop, void (*cb)(void *user), void *user);

/* ---- what is accepted ---- */

/*
 * At most so much at once (borrowed; without this call the defaults of admission.h): runs in
 * memory, those that runs called and those that wait for a person with them, but not what is
 * parked; writes on their way to the disk; bytes of values. May be called again.
 */
void loop_set_admission(struct loop *loop, const struct admission_load *limits);

struct loop_refusal {
    enum admission_answer answer;
    uint32_t retry_after_s;
    char message[128]; /* one sentence */
};

/*
 * Whether another run, or an event for run `number` (one in memory only as long as it keeps others
 * that nothing has taken), has to ask again later; then `*out_refusal`
 * says why, and it is counted. loop_run_start() and loop_command() do not ask: what an engine
 * starts for itself is its own affair.
 */
bool loop_refuses_start(struct loop *loop, struct loop_refusal *out_refusal);
bool loop_refuses_event(struct loop *loop, uint64_t number, struct loop_refusal *out_refusal);

/* ---- what becomes durable, for who passes it on ---- */

/* All records of one batch, of any run, and what changed in scopes; borrowed for the call. */
typedef void (*loop_batch_cb)(void *user, const struct batch *batch);
void loop_watch_batches(struct loop *loop, loop_batch_cb cb, void *user);

/* A run that no other has called has started, or ended: its RECORD_RUN_STARTED or _ENDED. Borrowed.
 */
typedef void (*loop_root_cb)(void *user, const struct record *record);
void loop_watch_roots(struct loop *loop, loop_root_cb cb, void *user);

/* A line that a node has logged. */
typedef void (*loop_log_cb)(void *user, uint64_t run_number, struct str path, int level,
                            struct str line);
void loop_watch_logs(struct loop *loop, loop_log_cb cb, void *user);

/* Such lines became durable; those of `left` later writes are on their way. */
typedef void (*loop_logged_cb)(void *user, uint32_t left);
void loop_watch_logged(struct loop *loop, loop_logged_cb cb, void *user);

/* A threshold of a pipeline's `monitoring` was crossed, or is kept again: JSON, see JOBS.md. */
typedef void (*loop_alert_cb)(void *user, struct str alert);
void loop_watch_alerts(struct loop *loop, loop_alert_cb cb, void *user);

/* What a checked service is has changed: JSON, see JOBS.md. */
typedef void (*loop_service_cb)(void *user, struct str service);
void loop_watch_services(struct loop *loop, loop_service_cb cb, void *user);

/* ---- the end of the process ---- */

/* The tasks that are at work; the texts are borrowed for the call. */
typedef void (*loop_task_cb)(void *user, struct str run_id, struct str path);
void loop_each_task(const struct loop *loop, loop_task_cb cb, void *user);

/*
 * No node starts any more. `done` runs when none is at work, or after `limit_ms`; then
 * loop_close() leaves everything as it is in the state: what was at work starts anew elsewhere.
 */
void loop_drain(struct loop *loop, uint64_t limit_ms, void (*done)(void *user), void *user);

/*
 * Waits for all that is on its way to the disk. What finds no room there is given up: it was
 * acknowledged to nobody, whoever waits for it hears E_CANCELED, and its nodes run again with the
 * next engine. loop_close() does the same, and says in the log how much it was.
 */
void loop_settle(struct loop *loop);

/* As loop_drain() at once: child processes are killed, and loop_run() returns. */
void loop_abandon(struct loop *loop);

/* What is in memory. */
struct loop_numbers {
    uint64_t runs;   /* roots and children */
    uint64_t roots;  /* that have not ended */
    uint64_t parked; /* roots that wait as rows, or for a breaker */
    uint64_t tasks;
    uint64_t queued; /* nodes that wait before they may start */
    uint64_t timers;
    uint64_t writes_waiting;
    uint64_t writes_committed;
    uint64_t runs_started; /* roots, since the process started; the same below */
    uint64_t runs_completed;
    uint64_t runs_failed;
    uint64_t runs_cancelled;
    uint64_t nodes_started;
    struct purse_total spent;                 /* by calls that were paid for */
    uint64_t alerts[ALERT_KINDS];             /* that began */
    uint64_t alerts_active[ALERT_KINDS];      /* now */
    uint64_t breaker_changes[BREAKER_STATES]; /* by the state that one has changed to */
    uint64_t refused[ADMISSION_ANSWERS];      /* starts and events, by the reason */
    uint64_t cache_hits; /* answers to nodes that asked for an earlier result */
    uint64_t cache_misses;
    const char *trouble; /* why nothing becomes durable at the moment; NULL: all is well */
};
struct loop_numbers loop_numbers(const struct loop *loop);

/* The last of these alone; cheap. */
const char *loop_trouble(const struct loop *loop);

/* Calls `cb` when the last root that is in memory has ended or is parked. `user` is kept. */
void loop_watch_idle(struct loop *loop, void (*cb)(void *user), void *user);

#endif
