/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_LOOP_STATE_H
#define CORE_LOOP_LOOP_STATE_H

/*
 * The inside of a loop, for the files of this folder alone.
 *
 * Used by:  loop, run_driver, run_tasks.
 * Uses:     engine, journal, host, net, libuv.
 * Threads:  [loop]
 */

#include <uv.h>

#include "core/base/error.h"
#include "core/host/budget.h"
#include "core/host/host.h"
#include "core/host/http.h"
#include "core/host/mail.h"
#include "core/host/secret.h"
#include "core/loop/alerts.h"
#include "core/loop/budget_desk.h"
#include "core/loop/health_checks.h"
#include "core/loop/http_bridge.h"
#include "core/loop/kv_store.h"
#include "core/loop/loop.h"
#include "core/loop/run_env.h"
#include "core/loop/run_waits.h"
#include "core/loop/timer_heap.h"
#include "core/loop/trouble.h"
#include "core/policy/admission.h"

struct clock_watch;
struct commit;
struct definition_store;
struct deliveries;
struct engine;
struct journal;
struct journal_reader;
struct load_options;
struct loop_task;
struct net;
struct pruning;
struct run_keys;
struct secrets;
struct tape;

enum { LOOP_SIGNALS = 3 };

struct loop {
    uv_loop_t uv;
    uv_async_t wake;  /* the journal has callbacks */
    uv_timer_t timer; /* the next timer of the heap */
    uv_timer_t tick;  /* loop_tick() */
    uv_check_t items; /* at the end of a turn: tasks have emitted items */
    uv_idle_t going;  /* at the next turn: runs decide on */
    struct loop_run *first_going;
    uv_signal_t signals[LOOP_SIGNALS];
    struct timer_heap timeouts; /* by the monotonic clock */
    struct timer_heap waits;    /* by the wall clock */
    struct clock_watch *clock;  /* NULL: nobody waits for a time of day yet */
    bool has_tried_clock;
    int64_t wake_at;          /* of runs that wait as rows, unix ms; INT64_MAX: none */
    int64_t scopes_pruned_at; /* unix ms, see kept_scopes_prune() */
    int64_t shared_due;       /* what engine_next_due() said when the timer was set */
    struct engine *engine;
    struct journal *journal;
    struct host *host;
    struct net *net;
    struct secrets *secrets;
    struct http_bridge bridge;
    struct host_http http;
    struct host_mail mail;
    struct host_http http_out; /* behind the gate */
    struct host_mail mail_out;
    struct tape *tape; /* NULL: calls are neither recorded nor played */
    struct host_kv kv;
    struct kv_store kept; /* what plugins keep */
    struct host_budget budget;
    struct host_secrets adopter;
    struct budget_desk desk;
    loop_signal_cb on_signal;
    void *signal_user;
    loop_tick_cb on_tick;
    void *tick_user;
    const struct load_options *loading; /* how definitions are loaded again; NULL: not */
    struct journal_reader *reader;      /* NULL: nothing is kept, or nothing was read yet */
    char *state_folder;                 /* NULL: nothing is kept */
    struct definition_store *definitions;
    loop_batch_cb on_batch;
    void *batch_user;
    loop_root_cb on_root;
    void *root_user;
    loop_log_cb on_log;
    void *log_user;
    loop_logged_cb on_logged;
    void *logged_user;
    void (*on_idle)(void *user);
    void *idle_user;
    struct run_keys *keys;
    struct run_env env;
    struct trouble trouble;
    struct run_waits waits_told;
    struct alerts alerts;
    struct health_checks health;
    loop_service_cb on_service;
    void *service_user;
    loop_alert_cb on_alert;
    void *alert_user;
    struct pruning *pruning;       /* NULL: nothing is removed */
    const char *refuses_processes; /* why; NULL: it does not */
    struct commit *log_lines;      /* that wait for the next write; or NULL */
    uint32_t log_writes;           /* with such lines, on their way to the disk */
    size_t log_bytes;              /* of all of them */
    uint64_t logs_left_out;        /* there were too many; it is not said yet */
    uint32_t scope_writes;         /* with changes of scopes, likewise */
    uv_timer_t log_timer;
    uv_timer_t drain_timer;
    void (*on_drained)(void *user);
    void *drain_user;
    struct loop_numbers numbers;
    struct admission admission;
    bool holds_starts; /* it only decides: loop_hold_starts() */
    bool is_draining;  /* no node starts any more */
    bool is_leaving;   /* what is at work stays at work in the state */
    struct loop_run *runs;
    struct loop_run **run_slots; /* by number: chains */
    size_t run_slot_count;       /* a power of two */
    size_t run_count;
    struct commit *spare; /* to be used again */
    uint32_t spare_count;
    struct deliveries *deliveries; /* of nodes that work on the queue */
    struct loop_task *telling;     /* tasks with items that no event has told yet */
    struct loop_task *waiting;     /* tasks of plugins that are being tried */
    struct loop_task *called;      /* those of them that are about to be started */
    struct error failure;          /* why the loop had to stop; code 0: it had not to */
    bool has_handles;
    bool is_host_closed;
    bool is_net_closed;
};

/*
 * A line of a node's log; durable with the next write of any kind, or soon. While LOG_BYTES_MOST
 * wait for the disk it is left out, and the next one that is kept says how many were.
 */
enum {
    LOG_BYTES_MOST = 16 * 1024 * 1024,
    LOG_LINE_BYTES = 64, /* of an empty one */
};
struct journal_log;
void loop_keep_log(struct loop *loop, const struct journal_log *log);

/* Before the first of an earlier owner's runs goes on. */
int loop_end_survivors(struct loop *loop, struct error *err);

/* Tells who waits for the end of all tasks. */
void loop_check_drained(struct loop *loop);

/* run_tasks_tell_items() at the end of this turn. */
void loop_tell_items_soon(struct loop *loop);

#endif
