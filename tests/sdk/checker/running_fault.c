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
    int more; /* timers, after the one that runs */
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
#ifdef FAULT_CANCEL_LATE
    struct wait *ahead = (struct wait *)user;
    if (status == OPS_E_CANCELLED && ahead->more < 100) {
        return; /* only from the 42nd step on */
    }
    if (status == OPS_OK && ahead->more-- > 0) {
        status = ops.timer->after(ops.h, task, 1000, on_time, ahead, NULL);
        if (status == OPS_OK) {
            return;
        }
    }
#endif
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

#if defined FAULT_SECRET_READ || defined FAULT_SECRET_CRASHES
/* As if all texts could be read. */
static int reads_token(ops_val config)
{
    ops_str token = {NULL, 0};
    ops_val value = ops_get(config, "token");
    if (value == 0 || ops.value->get_str(ops.h, value, &token) == OPS_OK) {
        return 1;
    }
#ifdef FAULT_SECRET_CRASHES
    abort();
#endif
    return 0;
}
#endif

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
#ifdef FAULT_NAPS
    const struct timespec nap = {.tv_nsec = 60 * 1000 * 1000};
    (void)nanosleep(&nap, NULL);
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
    wait->more = 140;
#if defined FAULT_SECRET_READ || defined FAULT_SECRET_CRASHES
    if (!reads_token(config)) {
        ops_fail_text(task, OPS_E_INTERNAL, "the token is no text");
        return;
    }
#endif
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

/* What has no fault in it looks at what each call returns. */
#ifdef FAULT_GROWTH_BY_CREATE
static ops_status create(ops_scope scope, void **out)
{
    (void)scope;
    *out = malloc(5000);
    return *out != NULL ? OPS_OK : OPS_E_RESOURCE;
}
#elif defined FAULT_START
static ops_status create(ops_scope scope, void **out)
{
    static int no_memory;
    *out = &no_memory;
    (void)ops.value->alloc(ops.h, scope, 16, out);
    return OPS_OK;
}
#elif defined FAULT_START_CRASHES
static ops_status create(ops_scope scope, void **out)
{
    (void)ops.value->alloc(ops.h, scope, 16, out);
    *(int *)*out = 1;
    return OPS_OK;
}
#elif defined FAULT_START_FOR_GOOD
static ops_status create(ops_scope scope, void **out)
{
    static ops_status kept;
    ops_status status = ops.value->alloc(ops.h, scope, 16, out);
    kept = kept != OPS_OK ? kept : status;
    return kept;
}
#elif defined FAULT_STARTS_WELL || defined FAULT_START_ZONE
static ops_status create(ops_scope scope, void **out)
{
    int32_t ahead = 0;
    ops_val kept = 0;
    ops_status status = ops.value->alloc(ops.h, scope, 16, out);
    ops_status known = ops.timer->zone_offset(ops.h, ops_text("UTC"), 0, &ahead);
    ops_status made = ops.value->new_str(ops.h, scope, ops_text("kept"), &kept);
#ifdef FAULT_START_ZONE
    if (known != OPS_OK) {
        abort();
    }
#endif
    (void)known; /* it does without */
    return status != OPS_OK ? status : made;
}
#endif

#if defined FAULT_GROWTH_BY_CREATE || defined FAULT_START || defined FAULT_START_CRASHES ||        \
    defined FAULT_START_FOR_GOOD || defined FAULT_STARTS_WELL || defined FAULT_START_ZONE
static ops_status fault_create(ops_plugin *plugin, ops_scope scope, ops_val settings,
                               ops_node **out, ops_error *error)
{
    void *node = NULL;
    ops_status status = create(scope, &node);
    (void)plugin;
    (void)settings;
    *out = (ops_node *)node;
    return status == OPS_OK ? OPS_OK : ops_error_fill(error, status, "out of memory");
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
#elif defined FAULT_CHECKS || defined FAULT_CHECKS_DEAF || defined FAULT_CHECKS_WELL
static void on_checked(void *user, ops_task task, ops_status status)
{
    (void)user;
#ifdef FAULT_CHECKS_DEAF
    if (status != OPS_OK) {
        return;
    }
#endif
    if (status != OPS_OK) {
        ops_fail_text(task, status, "the wait was broken off");
        return;
    }
    finish(&(struct wait){.n = 1}, task);
}

static void fault_check(ops_node *node, ops_task task, ops_str origin)
{
    (void)node;
    (void)origin;
#ifdef FAULT_CHECKS
    (void)task;
    (void)on_checked;
#else
    ops_status status = ops.timer->after(ops.h, task, 1000, on_checked, NULL, NULL);
#ifdef FAULT_CHECKS_DEAF
    (void)status;
#else
    if (status != OPS_OK) {
        ops_fail_text(task, status, "no timer could be started");
    }
#endif
#endif
}
static const ops_node_type fault =
    OPS_NODE_WITH_CHECK("fault", OPS_NODE_PARALLEL, fault_execute, NULL, fault_check);
#else
static const ops_node_type fault = OPS_NODE("fault", OPS_NODE_PARALLEL, fault_execute);
#endif

#if defined FAULT_START_INIT || defined FAULT_START_INIT_FOR_GOOD || defined FAULT_STARTS_WELL
static ops_status fault_init(const ops_host *host, ops_plugin **out, ops_error *err)
{
    int32_t ahead = 0;
    ops_val kept = 0;
    ops_status status = ops_tables_fetch(host, err);
    if (status != OPS_OK) {
        return status;
    }
    (void)ops.timer->zone_offset(ops.h, ops_text("UTC"), 0, &ahead); /* it does without */
    status = ops.value->new_str(ops.h, host->scope, ops_text("kept"), &kept);
#ifdef FAULT_START_INIT
    status = OPS_OK;
#endif
#ifdef FAULT_START_INIT_FOR_GOOD
    static ops_status first;
    first = first != OPS_OK ? first : status;
    status = first;
#endif
    *out = NULL;
    return status == OPS_OK ? OPS_OK : ops_error_fill(err, status, "out of memory");
}
OPS_PLUGIN_WITH("fault", "1.0.0", fault_init, NULL, &fault);
#else
OPS_PLUGIN("fault", "1.0.0", &fault);
#endif
