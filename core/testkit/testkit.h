/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_TESTKIT_TESTKIT_H
#define CORE_TESTKIT_TESTKIT_H

/*
 * Testkit: what its parts share: the test host. Only for files of this folder.
 *
 * Used by:  testkit.
 * Uses:     all parts.
 * Threads:  [loop], which is the thread of the test; what is under the lock: [any].
 */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "core/base/str.h"
#include "core/testkit/complaint.h"
#include "core/testkit/fake_budget.h"
#include "core/testkit/fake_http.h"
#include "core/testkit/fake_kv.h"
#include "core/testkit/fake_mail.h"
#include "core/testkit/fake_secrets.h"
#include "core/testkit/fault.h"
#include "core/testkit/gate.h"
#include "core/testkit/own_threads.h"
#include "core/testkit/test_clock.h"
#include "core/testkit/test_task.h"
#include "opstream/test.h"

struct error;
struct host;
struct host_plugin_file;

struct ops_test_host {
    ops_test_options options; /* with the defaults in; texts are its own */
    uv_loop_t loop;
    bool has_loop;
    uv_timer_t patience; /* real time */
    bool is_patience_over;
    struct own_threads own_threads;
    uint64_t own_patience_ms; /* for them, the next time */
    bool is_closed;           /* the host, at the end */
    struct host *host;
    const struct host_plugin_file *file;
    char *manifest;
    char **types; /* names, NULL behind the last */
    struct test_clock clock;
    struct test_tasks tasks;
    size_t running; /* tasks that have not ended */
    size_t later;   /* tasks with a cancel that waits: test_task.cancel_later */
    struct fake_budget budget;
    struct fake_http http;
    struct fake_kv kv;
    struct fake_mail mail;
    struct fake_secrets secrets;
    struct gates gates;
    bool is_short; /* what a task told could not be kept for want of memory */

    pthread_mutex_t lock; /* of what follows, and as their headers say */
    bool has_cancelled;   /* a task: handles may be over then before the plugin knows */
    struct faults faults;
    struct complaints complaints;
    struct strbuf complaints_text;
    struct arena log_arena; /* of what the plugin logged itself */
    struct test_lines logs;
};

/* Whether the options leave the interface `id` out. */
bool testkit_is_without(const struct ops_test_host *host, const char *id);

void testkit_lock(struct ops_test_host *host);
void testkit_unlock(struct ops_test_host *host);

/*
 * Where the program's own modules are that the host loads, when they are not beside the program
 * that runs: where this library was installed, or beside the `opstream` of the PATH.
 */
void testkit_find_modules(void);

/* Fills `why` (may be NULL) and returns the status of the SDK that is nearest. */
ops_status testkit_explain(const struct error *err, ops_test_problem *why);
ops_status testkit_refuse(ops_status status, ops_test_problem *why, const char *text);

/* fault_late_ms() under the lock. */
uint64_t testkit_late_ms(struct ops_test_host *host, enum fault_point point);
/* complaint_add() under the lock. */
void testkit_complain(struct ops_test_host *host, uint32_t kind, ops_test_task task,
                      enum complaint_weight weight, const char *text);

/* What tasks tell: the host's events. */
struct host_events testkit_events(struct ops_test_host *host);

/*
 * As ops_test_idle(), also when something is short. When the task `until` (NULL: every one) has
 * ended, threads of the plugin's own are not waited for.
 */
ops_status testkit_idle(struct ops_test_host *host, const struct test_task *until);

/* Waits for threads that were given up, in real time as long as the patience. False: one hangs. */
bool testkit_wait_for_lost(struct ops_test_host *host);

/* Cancels as `how` says, which is a good one. */
bool testkit_is_how(uint32_t how);
void testkit_cancel(struct test_task *task, uint32_t how);

#endif
