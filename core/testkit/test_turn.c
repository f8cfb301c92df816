/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How a test host goes on: the loop of the host is turned, without waiting, until it has nothing to
 * do; then one alarm that is due fires, and so on. When nothing is due any more, what is really at
 * work (threads, children) is waited for; only then is there nothing left but to let time pass.
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/base/check.h"
#include "core/testkit/testkit.h"

enum {
    LOST_STEP_MS = 2,        /* how often lost threads are looked for */
    OWN_STEP_MS = 1,         /* how often the plugin's own are looked at */
    OWN_PATIENCE_LEAST = 10, /* however often they were waited for in vain */
};

/* ---- Cancel ---- */

bool testkit_is_how(uint32_t how)
{
    uint32_t reason = how & ~OPS_TEST_KILL;
    return reason >= OPS_CANCEL_REQUESTED && reason <= OPS_CANCEL_SHUTDOWN;
}

void testkit_cancel(struct test_task *task, uint32_t how)
{
    struct ops_test_host *host = task->owner;
    enum host_cancel_reason reason = (enum host_cancel_reason)(how & ~OPS_TEST_KILL);
    if (task->result.kind != OPS_TEST_RUNNING) {
        return;
    }
    testkit_lock(host);
    host->has_cancelled = true;
    task->was_cancelled = true;
    task->was_killed = task->was_killed || (how & OPS_TEST_KILL) != 0;
    testkit_unlock(host);
    if ((how & OPS_TEST_KILL) != 0) {
        host_task_kill(host->host, task->handle, reason);
    } else {
        host_task_cancel(host->host, task->handle, reason);
    }
}

/* Those whose moment came while something was under way. */
static bool cancel_later(struct ops_test_host *host)
{
    bool has_cancelled = false;
    for (size_t i = host->tasks.forgotten; i < host->tasks.count && host->later > 0; i++) {
        struct test_task *task = host->tasks.tasks[i];
        if (task != NULL && task->cancel_later != 0) {
            uint32_t how = task->cancel_later;
            task->cancel_later = 0;
            host->later--;
            testkit_cancel(task, how);
            has_cancelled = true;
        }
    }
    return has_cancelled;
}

/* ---- Turning ---- */

static void on_patience(uv_timer_t *timer)
{
    struct ops_test_host *host = timer->data;
    host->is_patience_over = true;
}

/* Waits in real time for something to come; false: nothing came. */
static bool wait_really(struct ops_test_host *host, uint64_t ms)
{
    host->is_patience_over = ms == 0;
    if (ms > 0) {
        uv_update_time(&host->loop);
        CHECK(uv_timer_start(&host->patience, on_patience, ms, 0) == 0);
        (void)uv_run(&host->loop, UV_RUN_ONCE);
        (void)uv_timer_stop(&host->patience);
    }
    return !host->is_patience_over;
}

/* All that goes on by itself, and what is due. */
static void turn(struct ops_test_host *host)
{
    do {
        (void)uv_run(&host->loop, UV_RUN_NOWAIT);
    } while (host_has_mail(host->host) || cancel_later(host) || test_clock_fire(&host->clock));
}

/* Whether threads of the plugin's own may still bring something that is of interest. */
static bool may_come(const struct ops_test_host *host, const struct test_task *until)
{
    return host->running > 0 && (until == NULL || until->result.kind == OPS_TEST_RUNNING);
}

/* One that sleeps for a time is only waited for when nothing else can bring a task on. */
static bool are_at_work(struct ops_test_host *host, struct own_threads_seen seen)
{
    struct host_counts counts;
    host_count(host->host, &counts);
    return seen.is_busy || (seen.is_timed && counts.operations == 0);
}

/*
 * While they are at work, or were since the last look: one that has woken another may be asleep
 * when that is looked at, and the other was before. False: nothing came of it.
 */
static bool wait_for_own_threads(struct ops_test_host *host)
{
    uint64_t began_ns = uv_hrtime();
    struct own_threads_seen before = own_threads_look(&host->own_threads, host->host);
    if (!before.is_there) {
        return host_has_mail(host->host); /* of one that has ended since the loop was turned */
    }
    while (uv_hrtime() - began_ns < host->own_patience_ms * 1000000) {
        struct own_threads_seen seen = own_threads_look(&host->own_threads, host->host);
        bool is_quiet = !are_at_work(host, seen) && seen.turns == before.turns;
        if (host_has_mail(host->host)) {
            return true;
        }
        if (is_quiet) {
            return false;
        }
        if (wait_really(host, OWN_STEP_MS)) {
            return true;
        }
        before = seen;
    }
    uint64_t half_ms = host->own_patience_ms / 2;
    host->own_patience_ms = half_ms > OWN_PATIENCE_LEAST ? half_ms : OWN_PATIENCE_LEAST;
    return false;
}

static bool something_came(struct ops_test_host *host)
{
    if ((host->options.flags & OPS_TEST_OWN_THREADS) != 0) {
        return wait_for_own_threads(host);
    }
    return wait_really(host, host->options.own_threads_ms);
}

ops_status testkit_idle(struct ops_test_host *host, const struct test_task *until)
{
    uint64_t began_ns = uv_hrtime();
    for (;;) {
        turn(host);
        if (host_is_at_work(host->host)) {
            uint64_t waited_ms = (uv_hrtime() - began_ns) / 1000000;
            uint64_t patience_ms = host->options.patience_ms;
            if (!wait_really(host, patience_ms > waited_ms ? patience_ms - waited_ms : 0)) {
                return OPS_E_TIMEOUT;
            }
        } else if (!may_come(host, until) || !something_came(host)) {
            return OPS_OK;
        }
    }
}

/* They are not counted any more, and tell nobody when they end: it is looked for. */
bool testkit_wait_for_lost(struct ops_test_host *host)
{
    uint64_t began_ns = uv_hrtime();
    struct host_counts counts;
    host_count(host->host, &counts);
    while (counts.lost_jobs > 0 && uv_hrtime() - began_ns < host->options.patience_ms * 1000000) {
        (void)wait_really(host, LOST_STEP_MS);
        turn(host);
        host_count(host->host, &counts);
    }
    return counts.lost_jobs == 0;
}

static ops_status idle_until(struct ops_test_host *host, const struct test_task *until)
{
    ops_status status = testkit_idle(host, until);
    return status == OPS_OK && host->is_short ? OPS_E_RESOURCE : status;
}

ops_status ops_test_idle(ops_test_host *host)
{
    return idle_until(host, NULL);
}

ops_status ops_test_advance(ops_test_host *host, uint64_t ms)
{
    uint64_t now_ms = test_clock_now_ms(&host->clock);
    uint64_t end_ms = ms < UINT64_MAX - now_ms ? now_ms + ms : UINT64_MAX;
    uint64_t next_ms = 0;
    ops_status status = ops_test_idle(host);
    while (status == OPS_OK && test_clock_next(&host->clock, &next_ms) && next_ms <= end_ms) {
        test_clock_set(&host->clock, next_ms);
        status = ops_test_idle(host);
    }
    if (status == OPS_OK) {
        test_clock_set(&host->clock, end_ms);
    }
    return status;
}

ops_status ops_test_run(ops_test_host *host, ops_test_task number)
{
    const struct test_task *task = test_tasks_get(&host->tasks, number);
    uint64_t begin_ms = test_clock_now_ms(&host->clock);
    uint64_t next_ms = 0;
    if (task == NULL) {
        return OPS_E_STALE;
    }
    ops_status status = idle_until(host, task);
    while (status == OPS_OK && task->result.kind == OPS_TEST_RUNNING) {
        if (!test_clock_next(&host->clock, &next_ms)) {
            return OPS_E_WOULD_BLOCK;
        }
        if (next_ms - begin_ms > host->options.limit_ms) {
            return OPS_E_TIMEOUT;
        }
        test_clock_set(&host->clock, next_ms);
        status = idle_until(host, task);
    }
    return status;
}

/* ---- For tests: the contract is in opstream/test.h ---- */

int64_t ops_test_unix_ms(const ops_test_host *host)
{
    const struct host_clock *clock = &host->clock.table;
    return clock->unix_ms(clock->self);
}

ops_status ops_test_cancel(ops_test_host *host, ops_test_task number, uint32_t how)
{
    struct test_task *task = test_tasks_get(&host->tasks, number);
    if (task == NULL) {
        return OPS_E_STALE;
    }
    if (!testkit_is_how(how)) {
        return OPS_E_INPUT;
    }
    testkit_cancel(task, how);
    return OPS_OK;
}

ops_status ops_test_cancel_at(ops_test_host *host, ops_test_task number, uint64_t step,
                              uint32_t moment, uint32_t how)
{
    struct test_task *task = test_tasks_get(&host->tasks, number);
    if (task == NULL) {
        return OPS_E_STALE;
    }
    bool is_early_kill = moment == OPS_TEST_BEFORE && (how & OPS_TEST_KILL) != 0;
    if (!testkit_is_how(how) || moment > OPS_TEST_LATER || step <= task->steps || is_early_kill) {
        return OPS_E_INPUT;
    }
    task->cancel_at = (struct test_moment){step, moment, how};
    return OPS_OK;
}

uint64_t ops_test_steps(const ops_test_host *host, ops_test_task number)
{
    const struct test_task *task = test_tasks_get(&host->tasks, number);
    return task != NULL ? task->steps : 0;
}

uint64_t ops_test_longest_step_us(const ops_test_host *host, ops_test_task number)
{
    const struct test_task *task = test_tasks_get(&host->tasks, number);
    return task != NULL ? task->longest_ns / 1000 : 0;
}

ops_status ops_test_credit(ops_test_host *host, ops_test_task number, uint32_t count)
{
    const struct test_task *task = test_tasks_get(&host->tasks, number);
    if (task == NULL) {
        return OPS_E_STALE;
    }
    host_task_credit(host->host, task->handle, count);
    return OPS_OK;
}
