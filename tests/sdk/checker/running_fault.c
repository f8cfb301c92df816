/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A plugin that does one thing wrong when it runs, chosen by a definition FAULT_*; without any it
 * is good: it waits a second and gives back what it was given.
 */

#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "opstream/sdk.h"

struct wait {
    int64_t n;
};

static void finish(const struct wait *wait, ops_task task)
{
    struct ops_map out = ops_map_begin(task);
#ifdef FAULT_OUTPUTS
    ops_map_text(&out, "n", wait->n > 0 ? "many" : "none");
#else
    ops_map_i64(&out, "n", wait->n);
#endif
#ifdef FAULT_PORT
    ops_val all = 0;
    ops_map_end(&out, &all);
    if (ops.exec->complete(ops.h, task, ops_text("sideways"), all) != OPS_OK) {
        ops_fail_text(task, OPS_E_INTERNAL, "it could not be completed");
    }
    return;
#endif
    ops_complete_map(task, &out);
#ifdef FAULT_ENDS_TWICE
    ops_fail_text(task, OPS_E_INTERNAL, "once more");
#endif
}

#if defined FAULT_GROWTH || defined FAULT_GROWTH_BY_CANCEL || defined FAULT_GROWTH_BY_REFUSAL
static void leak(size_t bytes)
{
    static void *volatile last;
    last = malloc(bytes);
    (void)last;
}
#endif

static void on_time(void *user, ops_task task, ops_status status)
{
#ifdef FAULT_CANCEL
    if (status == OPS_E_CANCELLED) {
        return;
    }
#endif
    if (status != OPS_OK) {
#ifdef FAULT_GROWTH_BY_CANCEL
        leak(100); /* what was to be freed in the end */
#endif
        ops_fail_text(task, status, "the wait was broken off");
        return;
    }
    finish((const struct wait *)user, task);
}

/* What stands first in execute(): most of the faults. */
static void misbehave(ops_val config)
{
    (void)config;
#ifdef FAULT_PARENT
    (void)syscall(SYS_kill, getppid(), SIGKILL);
    (void)pause();
#endif
#ifdef FAULT_FORKS
    if (syscall(SYS_fork) == 0) {
        (void)syscall(SYS_exit_group, 0);
    }
#endif
#ifdef FAULT_UNNAMED
    (void)ops.http->send(ops.h, 0, NULL, NULL); /* the manifest does not name it */
#endif
#ifdef FAULT_STRAND
    const struct timespec wait = {.tv_nsec = 30 * 1000 * 1000};
    (void)nanosleep(&wait, NULL);
#endif
#ifdef FAULT_BOUND_TEXT
    if (ops_get_str(config, "label", "").n >= 300) { /* the longest that the schema allows */
        abort();
    }
#endif
#ifdef FAULT_BOUND_BYTES
    if (ops_get_str(config, "label", "").n > 300) { /* letters may be of 4 bytes */
        abort();
    }
#endif
#ifdef FAULT_BOUND_ITEMS
    if (ops.value->count(ops.h, ops_get(config, "list")) >= 50) {
        abort();
    }
#endif
#ifdef FAULT_CRASHES
    abort();
#endif
#ifdef FAULT_EXITS
    (void)syscall(SYS_exit_group, 3); /* as a library might that nobody sees import exit() */
#endif
#ifdef FAULT_LOOPS
    for (volatile int i = 0; i < 2; i = 0) {
    }
#endif
#ifdef FAULT_MUTATIONS
    if (ops_get_str(config, "text", "").n > 100000) {
        abort();
    }
#endif
#ifdef FAULT_PROCESS
    (void)!write(STDOUT_FILENO, "hello\n", 6);
#endif
#ifdef FAULT_GROWTH
    leak(100);
#endif
}

static void fault_execute(ops_node *node, ops_task task, ops_val config)
{
    struct wait *wait = (struct wait *)ops_task_alloc(task, sizeof *wait);
    (void)node;
    misbehave(config);
    if (wait == NULL) {
        return;
    }
    wait->n = ops_get_i64(config, "n", 0);
#ifdef FAULT_NEVER_ENDS
    return;
#endif
    ops_status status = ops.timer->after(ops.h, task, 1000, on_time, wait, NULL);
#ifndef FAULT_FAULTS
    if (status != OPS_OK) {
#ifdef FAULT_GROWTH_BY_REFUSAL
        leak(1000);
#endif
        ops_fail_text(task, status, "no timer could be started");
    }
#else
    (void)status;
#endif
}

#ifdef FAULT_GROWTH_BY_CREATE
static ops_status fault_create(ops_plugin *plugin, ops_scope scope, ops_val settings,
                               ops_node **out, ops_error *error)
{
    (void)plugin;
    (void)scope;
    (void)settings;
    (void)error;
    *out = (ops_node *)malloc(5000);
    return *out != NULL ? OPS_OK : OPS_E_RESOURCE;
}
static const ops_node_type fault = {(uint32_t)sizeof(ops_node_type),
                                    OPS_NODE_PARALLEL,
                                    "fault",
                                    1,
                                    0,
                                    fault_create,
                                    fault_execute,
                                    NULL,
                                    NULL,
                                    NULL};
#elif defined FAULT_CHECKS
static void fault_check(ops_node *node, ops_task task, ops_str origin)
{
    (void)node;
    (void)task;
    (void)origin;
}
static const ops_node_type fault =
    OPS_NODE_WITH_CHECK("fault", OPS_NODE_PARALLEL, fault_execute, NULL, fault_check);
#else
static const ops_node_type fault = OPS_NODE("fault", OPS_NODE_PARALLEL, fault_execute);
#endif

OPS_PLUGIN("fault", "1.0.0", &fault);
