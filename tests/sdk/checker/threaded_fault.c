/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A plugin with one thread of its own, which init() starts and shutdown() joins. The thread ends
 * the tasks, which is allowed:
 *
 *     FAULT_THREAD_ENDS   at once
 *     FAULT_THREAD_NAPS   after naps of 2 ms, between which it looks for a cancel
 *     FAULT_THREAD_TICKS  it does nothing but to wake each 10 ms; execute() ends them by a timer
 *     FAULT_ENDS_LATE     execute() does, and the thread once more, which is the fault
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "opstream/sdk.h"

struct entry {
    struct entry *next;
    ops_task task;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_t thread;
static struct entry *first;
static struct entry **last = &first;
static bool is_stopped;

static void finish(ops_task task)
{
    struct ops_map out = ops_map_begin(task);
    ops_map_i64(&out, "n", 1);
    ops_complete_map(task, &out);
}

#if !defined FAULT_THREAD_ENDS && !defined FAULT_THREAD_TICKS
static void nap(long ms)
{
    const struct timespec wait = {.tv_nsec = ms * 1000 * 1000};
    (void)nanosleep(&wait, NULL);
}
#endif

static void serve(ops_task task)
{
#if defined FAULT_ENDS_LATE
    nap(1);
    ops_fail_text(task, OPS_E_INTERNAL, "once more");
    return;
#elif defined FAULT_THREAD_NAPS
    for (int i = 0; i < 3; i++) {
        if (ops.exec->cancelled(ops.h, task)) {
            ops_fail_text(task, OPS_E_CANCELLED, "cancelled");
            return;
        }
        nap(2);
    }
#endif
    finish(task);
}

static void wait_for_change(void)
{
#ifdef FAULT_THREAD_TICKS
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 10 * 1000 * 1000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_cond_timedwait(&changed, &lock, &until);
#else
    (void)pthread_cond_wait(&changed, &lock);
#endif
}

static void *run(void *unused)
{
    (void)pthread_mutex_lock(&lock);
    for (;;) {
        while (first == NULL && !is_stopped) {
            wait_for_change();
        }
        struct entry *entry = first;
        if (entry == NULL) {
            break;
        }
        first = entry->next;
        last = first != NULL ? last : &first;
        (void)pthread_mutex_unlock(&lock);
        serve(entry->task);
        free(entry);
        (void)pthread_mutex_lock(&lock);
    }
    (void)pthread_mutex_unlock(&lock);
    return unused;
}

static ops_status fault_init(const ops_host *host, ops_plugin **out, ops_error *err)
{
    ops_status status = ops_tables_fetch(host, err);
    *out = NULL;
    is_stopped = false;
    if (status != OPS_OK) {
        return status;
    }
    return pthread_create(&thread, NULL, run, NULL) == 0
               ? OPS_OK
               : ops_error_fill(err, OPS_E_RESOURCE, "no thread");
}

static void fault_shutdown(ops_plugin *plugin)
{
    (void)plugin;
    (void)pthread_mutex_lock(&lock);
    is_stopped = true;
    (void)pthread_cond_signal(&changed);
    (void)pthread_mutex_unlock(&lock);
    (void)pthread_join(thread, NULL);
}

#ifdef FAULT_THREAD_TICKS
static void on_time(void *user, ops_task task, ops_status status)
{
    (void)user;
    if (status != OPS_OK) {
        ops_fail_text(task, status, "the wait was broken off");
        return;
    }
    finish(task);
}
#endif

static void fault_execute(ops_node *node, ops_task task, ops_val config)
{
    (void)node;
    (void)config;
#ifdef FAULT_THREAD_TICKS
    ops_status status = ops.timer->after(ops.h, task, 1000, on_time, NULL, NULL);
    if (status != OPS_OK) {
        ops_fail_text(task, status, "no timer could be started");
    }
#else
    struct entry *entry = malloc(sizeof *entry);
    if (entry == NULL) {
        ops_fail_text(task, OPS_E_RESOURCE, "out of memory");
        return;
    }
#ifdef FAULT_ENDS_LATE
    finish(task);
#endif
    (void)pthread_mutex_lock(&lock);
    *entry = (struct entry){NULL, task};
    *last = entry;
    last = &entry->next;
    (void)pthread_cond_signal(&changed);
    (void)pthread_mutex_unlock(&lock);
#endif
}

static void fault_cancel(ops_node *node, ops_task task, uint32_t reason)
{
    (void)node;
    (void)task;
    (void)reason; /* the thread ends it all the same */
}

static const ops_node_type fault =
    OPS_NODE_WITH_CANCEL("fault", OPS_NODE_PARALLEL, fault_execute, fault_cancel);
OPS_PLUGIN_WITH("fault", "1.0.0", fault_init, fault_shutdown, &fault);
