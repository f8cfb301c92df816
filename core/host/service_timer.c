/* SPDX-License-Identifier: Apache-2.0 */

/* ops.timer. The contract is in opstream/timer.h. */

#include <stddef.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/zone.h"
#include "core/host/host_timer.h"
#include "core/host/op.h"
#include "core/host/runtime.h"

struct timer_op {
    struct op op; /* first */
    struct host_timer wait;
    bool is_closing;
    uint64_t ms;
    ops_timer_done done;
    void *user;
};

static void call_done(struct op *op)
{
    struct timer_op *timer = (struct timer_op *)op;
    timer->done(timer->user, op_task(op), op->is_cancelled ? OPS_E_CANCELLED : OPS_OK);
}

static struct timer_op *timer_of(struct host_timer *wait)
{
    return (struct timer_op *)((char *)wait - offsetof(struct timer_op, wait));
}

static void on_closed(struct host_timer *wait)
{
    struct timer_op *timer = timer_of(wait);
    op_finish(&timer->op, call_done);
}

static void timer_close(struct timer_op *timer)
{
    if (!timer->is_closing) {
        timer->is_closing = true;
        host_timer_close(&timer->wait, on_closed);
    }
}

static void on_time(struct host_timer *wait)
{
    timer_close(timer_of(wait));
}

static void timer_start(struct op *op)
{
    struct timer_op *timer = (struct timer_op *)op;
    host_timer_start(&timer->wait, op->host, timer->ms, on_time);
}

static void timer_abort(struct op *op, enum op_abort how)
{
    (void)how;
    timer_close((struct timer_op *)op);
}

static void timer_destroy(struct op *op)
{
    free(op);
}

static const struct op_type timer_type = {
    .name = "timer", .start = timer_start, .abort = timer_abort, .destroy = timer_destroy};

static ops_status service_after(void *h, ops_task task, uint64_t ms, ops_timer_done done,
                                void *user, ops_op *out)
{
    if (done == NULL) {
        return OPS_E_INTERNAL;
    }
    struct timer_op *timer = calloc(1, sizeof *timer);
    if (timer == NULL) {
        return OPS_E_RESOURCE;
    }
    ops_status status = op_init(&timer->op, &timer_type, h, task);
    if (status != OPS_OK) {
        free(timer);
        return status;
    }

    timer->ms = ms;
    timer->done = done;
    timer->user = user;
    return op_submit(&timer->op, call_done, out);
}

static ops_status service_abort(void *h, ops_op op)
{
    return op_request_abort(h, op, &timer_type);
}

static uint64_t service_now_ns(void *h)
{
    const struct plugin *plugin = plugin_from(h);
    return plugin != NULL ? host_now_ns(plugin->host) : 0;
}

static int64_t service_unix_ms(void *h)
{
    const struct plugin *plugin = plugin_from(h);
    return plugin != NULL ? host_unix_ms(plugin->host) : 0;
}

static ops_status service_zone_offset(void *h, ops_str zone, int64_t at_unix_ms,
                                      int32_t *out_seconds)
{
    int64_t seconds = at_unix_ms / 1000 - (at_unix_ms % 1000 < 0);
    (void)h;
    if (out_seconds == NULL || (zone.p == NULL && zone.n > 0)) {
        return OPS_E_INTERNAL;
    }
    int status = zone_offset(str_make(zone.p, (size_t)zone.n), seconds, out_seconds, NULL);
    return status == 0 ? OPS_OK : status == E_NOMEM ? OPS_E_RESOURCE : OPS_E_NOT_FOUND;
}

const ops_if_timer service_timer = {
    .size = sizeof(ops_if_timer),
    .version = 1,
    .after = service_after,
    .abort = service_abort,
    .now_ns = service_now_ns,
    .unix_ms = service_unix_ms,
    .zone_offset = service_zone_offset,
};
