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
#include "core/host/host.h"
#include "core/host/http.h"
#include "core/loop/http_bridge.h"
#include "core/loop/loop.h"
#include "core/loop/timer_heap.h"

struct commit;
struct engine;
struct journal;
struct loop_task;
struct net;
struct secrets;

enum { LOOP_SIGNALS = 3 };

struct loop {
    uv_loop_t uv;
    uv_async_t wake;  /* the journal has callbacks */
    uv_timer_t timer; /* the next timer of the heap */
    uv_timer_t tick;  /* loop_tick() */
    uv_check_t items; /* at the end of a turn: tasks have emitted items */
    uv_signal_t signals[LOOP_SIGNALS];
    struct timer_heap timers;
    struct engine *engine;
    struct journal *journal;
    struct host *host;
    struct net *net;
    const struct secrets *secrets;
    struct http_bridge bridge;
    struct host_http http;
    loop_signal_cb on_signal;
    void *signal_user;
    loop_tick_cb on_tick;
    void *tick_user;
    struct loop_run *runs;
    struct commit *spare; /* to be used again */
    uint32_t spare_count;
    struct loop_task *telling; /* tasks with items that no event has told yet */
    struct error failure;      /* why the loop had to stop; code 0: it had not to */
    bool has_handles;
    bool is_host_closed;
    bool is_net_closed;
};

/* run_tasks_tell_items() at the end of this turn. */
void loop_tell_items_soon(struct loop *loop);

#endif
