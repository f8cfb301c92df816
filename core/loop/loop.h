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

/* What happens to a run, in order, all of it durable. Every function may be NULL. */
struct run_observer {
    void *user;
    void (*on_record)(void *user, const struct record *record); /* borrowed */
    /* `fraction` < 0: unknown. */
    void (*on_progress)(void *user, uint32_t node, double fraction, struct str note);
    void (*on_log)(void *user, uint32_t node, int level, struct str line); /* base/log.h */
    void (*on_ended)(void *user);                                          /* last */
};

struct loop_run_options {
    const struct pipeline *pipeline; /* shared */
    const struct document *input;    /* shared; checked and with defaults */
    struct str id;                   /* copied */
    struct str triggered_by;         /* copied */
    struct run_observer observer;    /* kept until loop_run_release() */
};

/*
 * Starts a run; nothing of it happens before loop_run() is (back) at work.
 * `*out_run` is owned: loop_run_release(). Fails with E_NOMEM.
 */
int loop_run_start(struct loop *loop, const struct loop_run_options *options,
                   struct loop_run **out_run, struct error *err);

/*
 * Cancels: no new node starts, running tasks are told; then compensations and endings run. Again:
 * an ending that runs is told, too.
 */
void loop_run_cancel(struct loop_run *run);

/* Cancels without grace: child processes are killed, tasks given up, endings dropped. */
void loop_run_kill(struct loop_run *run);

/* Only after on_ended, and not from inside it. NULL is fine. */
void loop_run_release(struct loop_run *run);

#endif
