/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of the loop: handles of libuv, the parts that it binds, and closing them in order:
 * runs are told, then the host (which waits for its tasks), then net, then the handles.
 */
#include "core/loop/loop.h"

#include <signal.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/engine/engine.h"
#include "core/journal/journal.h"
#include "core/loop/http_bridge.h"
#include "core/loop/loop_state.h"
#include "core/loop/run_driver.h"
#include "core/loop/run_tasks.h"
#include "core/net/net.h"
#include "core/value/value.h"

/* ---- callbacks of libuv ---- */

static void on_wake(uv_async_t *async)
{
    const struct loop *loop = async->data;
    journal_collect(loop->journal);
}

static void wake_loop(void *user)
{
    struct loop *loop = user;
    (void)uv_async_send(&loop->wake); /* fails only on a closed handle */
}

static void on_items(uv_check_t *check)
{
    (void)uv_check_stop(check); /* cannot fail */
    run_tasks_tell_items(check->data);
}

void loop_tell_items_soon(struct loop *loop)
{
    (void)uv_check_start(&loop->items, on_items); /* cannot fail with a callback */
}

static void on_tick(uv_timer_t *timer)
{
    const struct loop *loop = timer->data;
    loop->on_tick(loop->tick_user);
}

static void on_signal(uv_signal_t *handle, int signal_number)
{
    const struct loop *loop = handle->data;
    loop->on_signal(loop->signal_user, signal_number);
}

/* ---- lifecycle ---- */

static int open_handles(struct loop *loop, struct error *err)
{
    int status = uv_loop_init(&loop->uv);
    if (status != 0) {
        return error_set(err, E_IO, "the event loop cannot start: %s", uv_strerror(status));
    }
    loop->has_handles = true;
    loop->uv.data = loop;
    loop->wake.data = loop;
    loop->timer.data = loop;
    loop->tick.data = loop;
    loop->items.data = loop;
    (void)uv_timer_init(&loop->uv, &loop->timer); /* these always succeed */
    (void)uv_timer_init(&loop->uv, &loop->tick);
    (void)uv_check_init(&loop->uv, &loop->items);
    for (size_t i = 0; i < LOOP_SIGNALS; i++) {
        loop->signals[i].data = loop;
        (void)uv_signal_init(&loop->uv, &loop->signals[i]);
        uv_unref((uv_handle_t *)&loop->signals[i]);
    }
    status = uv_async_init(&loop->uv, &loop->wake, on_wake);
    if (status != 0) {
        return error_set(err, E_IO, "the event loop cannot start: %s", uv_strerror(status));
    }
    return 0;
}

static int open_host(struct loop *loop, const struct loop_options *options, struct error *err)
{
    struct host_options host_options = {
        .loop = &loop->uv,
        .folders = options->plugin_folders,
        .folder_count = options->plugin_folder_count,
        .index_path = options->plugin_index_path,
        .events = run_tasks_events,
        .http = &loop->http,
        .cancel_grace_ms = options->cancel_grace_ms,
    };
    host_options.events.user = loop;
    return host_open(&host_options, &loop->host, err);
}

static int open_parts(struct loop *loop, const struct loop_options *options, struct error *err)
{
    loop->secrets = options->secrets;
    struct engine_options engine_options = {
        .process_concurrency = options->process_concurrency != 0 ? options->process_concurrency
                                                                 : 2 * uv_available_parallelism(),
        .value_bytes = document_total_bytes,
    };
    int status = open_handles(loop, err);
    if (status == 0) {
        status = engine_create(&engine_options, &loop->engine, err);
    }
    if (status == 0) {
        status = journal_ephemeral_open(wake_loop, loop, &loop->journal, err);
    }
    if (status == 0) {
        status = net_create(&loop->uv, options->network, &loop->net, err);
    }
    if (status == 0) {
        loop->bridge = (struct http_bridge){loop->net, options->secrets};
        http_bridge_init(&loop->http, &loop->bridge);
        status = open_host(loop, options, err);
    }
    return status;
}

int loop_create(const struct loop_options *options, struct loop **out_loop, struct error *err)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL) {
        return error_nomem(err);
    }
    /* A reader that went away, a file too large: errors of the write, not the program's end. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    int status = open_parts(loop, options, err);
    if (status != 0) {
        loop_close(loop);
        return status;
    }
    *out_loop = loop;
    return 0;
}

static void on_host_closed(void *user)
{
    ((struct loop *)user)->is_host_closed = true;
}

static void on_net_closed(void *user)
{
    ((struct loop *)user)->is_net_closed = true;
}

static void run_until(struct loop *loop, const bool *is_done)
{
    while (!*is_done) {
        (void)uv_run(&loop->uv, UV_RUN_ONCE); /* whether handles are left does not matter */
    }
}

static void close_handles(struct loop *loop)
{
    uv_close((uv_handle_t *)&loop->timer, NULL);
    uv_close((uv_handle_t *)&loop->tick, NULL);
    uv_close((uv_handle_t *)&loop->items, NULL);
    for (size_t i = 0; i < LOOP_SIGNALS; i++) {
        uv_close((uv_handle_t *)&loop->signals[i], NULL);
    }
    if (uv_handle_get_type((uv_handle_t *)&loop->wake) == UV_ASYNC) {
        uv_close((uv_handle_t *)&loop->wake, NULL);
    }
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT); /* only the closing handles are left */
    int status = uv_loop_close(&loop->uv);
    CHECK_NAMED(status == 0, "handles left open");
}

void loop_close(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    if (loop->host != NULL) {
        run_driver_stop_all(loop);
        host_close(loop->host, on_host_closed, loop);
        run_until(loop, &loop->is_host_closed);
    }
    if (loop->net != NULL) {
        net_close(loop->net, on_net_closed, loop);
        run_until(loop, &loop->is_net_closed);
    }
    if (loop->journal != NULL) {
        journal_collect(loop->journal);
    }
    run_driver_free_all(loop);
    engine_destroy(loop->engine);
    if (loop->has_handles) {
        close_handles(loop);
    }
    journal_close(loop->journal);
    timer_heap_finish(&loop->timers);
    free(loop);
}

struct host *loop_host(struct loop *loop)
{
    return loop->host;
}

const struct catalogue *loop_catalogue(struct loop *loop)
{
    return host_catalogue(loop->host);
}

int loop_run(struct loop *loop, struct error *err)
{
    if (loop->failure.code == 0) {
        (void)uv_run(&loop->uv, UV_RUN_DEFAULT); /* whether it was stopped is known already */
    }
    return loop->failure.code == 0 ? 0 : error_copy(err, &loop->failure);
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

int loop_watch_signals(struct loop *loop, loop_signal_cb cb, void *user, struct error *err)
{
    static const int numbers[LOOP_SIGNALS] = {SIGINT, SIGTERM, SIGHUP};
    loop->on_signal = cb;
    loop->signal_user = user;
    for (size_t i = 0; i < LOOP_SIGNALS; i++) {
        int status = uv_signal_start(&loop->signals[i], on_signal, numbers[i]);
        if (status != 0) {
            return error_set(err, E_IO, "signals cannot be watched: %s", uv_strerror(status));
        }
    }
    return 0;
}

void loop_tick(struct loop *loop, uint32_t interval_ms, loop_tick_cb cb, void *user)
{
    loop->on_tick = cb;
    loop->tick_user = user;
    if (interval_ms == 0) {
        (void)uv_timer_stop(&loop->tick); /* cannot fail */
        return;
    }
    (void)uv_timer_start(&loop->tick, on_tick, interval_ms, interval_ms);
}
