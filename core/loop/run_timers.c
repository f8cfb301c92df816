/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/run_timers.h"

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/engine/engine.h"
#include "core/loop/clock_watch.h"
#include "core/loop/loop_state.h"
#include "core/loop/parking.h"
#include "core/loop/run_driver.h"
#include "core/loop/run_tasks.h"

/* An hour: what is later is looked at again then. */
static const int64_t LONGEST_MS = 3600000;

static int64_t monotonic_ms(void)
{
    return clock_monotonic_ns() / 1000000;
}

static void on_uv_timer(uv_timer_t *uv_timer);

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void on_clock_set(void *user)
{
    run_timers_clock_set(user);
}

/* Only who waits for a time of day cares. Without descriptors the hourly look has to do. */
static void watch_clock(struct loop *loop)
{
    const struct clock_watch_options options = {
        .loop = &loop->uv, .cb = on_clock_set, .user = loop};
    if (!loop->has_tried_clock) {
        loop->has_tried_clock = true;
        (void)clock_watch_open(&options, &loop->clock, NULL);
    }
}

static void arm_next(struct loop *loop)
{
    const struct heap_timer *timeout = timer_heap_first(&loop->timeouts);
    const struct heap_timer *wait = timer_heap_first(&loop->waits);
    loop->shared_due = engine_next_due(loop->engine);
    if (wait != NULL || loop->wake_at != INT64_MAX || loop->shared_due != INT64_MAX) {
        watch_clock(loop); /* before it is read: what sets it in between would not be told */
    }
    int64_t now = clock_unix_ms();
    int64_t delay = INT64_MAX;
    if (timeout != NULL) {
        delay = sooner(delay, timeout->due_ms - monotonic_ms());
    }
    if (wait != NULL) {
        delay = sooner(delay, wait->due_ms - now);
    }
    if (loop->wake_at != INT64_MAX) {
        delay = sooner(delay, loop->wake_at - now);
    }
    if (loop->shared_due != INT64_MAX) {
        delay = sooner(delay, loop->shared_due - now);
    }
    if (delay == INT64_MAX) {
        (void)uv_timer_stop(&loop->timer); /* cannot fail */
        return;
    }
    delay = delay < 0 ? 0 : sooner(delay, LONGEST_MS);
    uv_update_time(&loop->uv);
    (void)uv_timer_start(&loop->timer, on_uv_timer, (uint64_t)delay, 0);
}

static void fire(const struct heap_timer *timer)
{
    run_driver_handle(timer->run, &(struct run_event){.type = RUN_EVENT_TIMER,
                                                      .frame = timer->frame,
                                                      .node = timer->node,
                                                      .attempt = timer->attempt,
                                                      .timer = timer->kind});
}

/* Timers that are due: their runs hear of it. */
static void on_uv_timer(uv_timer_t *uv_timer)
{
    struct loop *loop = uv_timer->data;
    struct heap_timer timer;
    while (timer_heap_pop(&loop->timeouts, monotonic_ms(), &timer)) {
        fire(&timer);
    }
    while (timer_heap_pop(&loop->waits, clock_unix_ms(), &timer)) {
        fire(&timer);
    }
    if (loop->shared_due <= clock_unix_ms()) {
        run_driver_tick(loop);
        parking_wake_sleepers(loop);
    }
    if (loop->wake_at <= clock_unix_ms()) {
        loop->wake_at = INT64_MAX;
        parking_wake(loop);
    }
    arm_next(loop);
}

/* When a time-out is over by the clock that nobody sets. */
static int64_t timeout_due(int64_t at_unix_ms)
{
    int64_t delay = at_unix_ms - clock_unix_ms();
    /* The two clocks do not tick together: counted from the last tick it would fire too early. */
    int64_t next_tick_ms = (clock_monotonic_ns() + 999999) / 1000000;
    return delay > 0 ? next_tick_ms + delay : 0;
}

void run_timers_arm(struct loop_run *run, const struct effect *effect)
{
    struct loop *loop = run->loop;
    bool is_wait = effect->timer == TIMER_WAIT;
    struct heap_timer timer = {
        .due_ms = is_wait ? effect->at_unix_ms : timeout_due(effect->at_unix_ms),
        .run = run,
        .frame = effect->frame,
        .node = effect->node,
        .attempt = effect->attempt,
        .kind = effect->timer,
    };
    if (timer_heap_add(is_wait ? &loop->waits : &loop->timeouts, &run->timers, &timer) != 0) {
        struct error err = {0};
        (void)error_nomem(&err);
        run_driver_fail(loop, &err);
        return;
    }
    arm_next(loop);
}

bool run_timers_hold(struct loop *loop, struct heap_timer *timer)
{
    const struct heap_timer *found = timer_heap_find(&loop->timeouts, timer);
    if (found == NULL) {
        return false;
    }
    int64_t left = found->due_ms - monotonic_ms();
    timer_heap_remove(&loop->timeouts, timer);
    timer->due_ms = left > 0 ? left : 0;
    arm_next(loop);
    return true;
}

void run_timers_go_on(struct loop *loop, const struct heap_timer *timer)
{
    struct heap_timer again = *timer;
    again.due_ms = (clock_monotonic_ns() + 999999) / 1000000 + timer->due_ms;
    if (timer_heap_add(&loop->timeouts, &again.run->timers, &again) != 0) {
        struct error err = {0};
        (void)error_nomem(&err);
        run_driver_fail(loop, &err);
        return;
    }
    arm_next(loop);
}

void run_timers_disarm(struct loop_run *run, const struct effect *effect)
{
    struct loop *loop = run->loop;
    if (effect->timer == TIMER_NODE_TIMEOUT) {
        run_tasks_forget_timeout(run, effect);
    }
    timer_heap_remove(
        effect->timer == TIMER_WAIT ? &loop->waits : &loop->timeouts,
        &(struct heap_timer){
            .run = run, .frame = effect->frame, .node = effect->node, .kind = effect->timer});
    arm_next(loop);
}

void run_timers_drop(struct loop_run *run)
{
    timer_list_clear(&run->timers);
}

void run_timers_wake_at(struct loop *loop, int64_t unix_ms)
{
    if (unix_ms < loop->wake_at) {
        loop->wake_at = unix_ms;
        arm_next(loop);
    }
}

void run_timers_look_at_shared(struct loop *loop)
{
    if (engine_next_due(loop->engine) != loop->shared_due) {
        arm_next(loop);
    }
}

void run_timers_clock_set(struct loop *loop)
{
    if (loop->shared_due != INT64_MAX) {
        run_driver_tick(loop);
    }
    arm_next(loop);
}
