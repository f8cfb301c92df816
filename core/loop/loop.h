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

#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct catalogue;
struct document;
struct error;
struct host;
struct loop;
struct loop_task;
struct net_settings;
struct pipeline;
struct record;
struct run;
struct secrets;

struct loop_options {
    const char *const *plugin_folders; /* before the default ones */
    size_t plugin_folder_count;
    const char *plugin_index_path;      /* see struct host_options */
    const struct net_settings *network; /* borrowed for loop_create(); NULL: defaults */
    const struct secrets *secrets;      /* kept until loop_close(); NULL: there are none */
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

/* The plugin host, for lists, and its node types, for the model. Borrowed. */
struct host *loop_host(struct loop *loop);
const struct catalogue *loop_catalogue(struct loop *loop);

/* Works until loop_stop(). Fails with E_NOMEM when a run could not go on for lack of memory. */
int loop_run(struct loop *loop, struct error *err);

/* Makes loop_run() return after the callback that is running. */
void loop_stop(struct loop *loop);

/* Calls `cb` on the loop at each SIGINT and SIGTERM from now on. `user` is kept. */
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

struct loop_run_options {
    const struct pipeline *pipeline; /* shared */
    const struct document *input;    /* shared; checked and with defaults */
    struct str id;                   /* copied */
    struct str triggered_by;         /* copied */
    const struct loop_event *events; /* sent as it starts, in this order; copied */
    size_t event_count;
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
 * Child runs are told by the nodes that wait for them.
 */
void loop_run_cancel(struct loop_run *run);

/* Cancels without grace: child processes are killed, tasks given up, endings dropped. */
void loop_run_kill(struct loop_run *run);

/* Only after on_ended, and not from inside it. NULL is fine. */
void loop_run_release(struct loop_run *run);

#endif
