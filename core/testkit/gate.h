/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_TESTKIT_GATE_H
#define CORE_TESTKIT_GATE_H

/*
 * Gate: tables of services that stand before those of the host. Each function lets faults hit,
 * passes the call on, and looks at what came of it.
 *
 *     struct gate gate;
 *     if (!gate_enter(&gate, h, FAULT_HTTP_SEND, task)) {
 *         return gate.status;
 *     }
 *     return gate_leave(&gate, gate.real->http->send(h, task, req, out));
 *
 * Used by:  testkit; the host, as its struct host_tables.
 * Uses:     host, fault, complaint, test_task; sdk.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/host/host.h"
#include "core/testkit/fault.h"
#include "opstream/plugin.h"

struct ops_test_host;

/* Those of the host; NULL: the plugin has not asked. */
struct gate_real {
    const ops_if_budget *budget;
    const ops_if_exec *exec;
    const ops_if_http *http;
    const ops_if_job *job;
    const ops_if_kv *kv;
    const ops_if_log *log;
    const ops_if_mail *mail;
    const ops_if_process *process;
    const ops_if_schema *schema;
    const ops_if_secret *secret;
    const ops_if_timer *timer;
    const ops_if_value *value;
};

/* Those that the plugin gets. */
struct gate_tables {
    ops_if_budget budget;
    ops_if_exec exec;
    ops_if_http http;
    ops_if_job job;
    ops_if_kv kv;
    ops_if_log log;
    ops_if_mail mail;
    ops_if_process process;
    ops_if_schema schema;
    ops_if_secret secret;
    ops_if_timer timer;
    ops_if_value value;
};

/* The failure that a callback gets instead of what there was. Kept until the host closes. */
struct gate_detour {
    struct gate_detour *next;
    ops_status status;
    void *user; /* the plugin's, as all functions below that are not NULL */
    ops_budget_done budget;
    ops_http_done http;
    void (*chunk)(void *user, ops_task task, ops_str bytes);
    void (*work)(void *user);
    void (*job)(void *user, ops_task task, ops_status status);
    ops_kv_done kv;
    ops_mail_done mail;
    ops_process_done process;
    ops_process_output outputs[3];
    ops_secret_done secret;
    ops_sign_done sign;
    ops_timer_done timer;
};

struct gates {
    struct host_tables table; /* what the host is given; its self is the owner */
    struct gate_real real;
    struct gate_tables tables;
    struct gate_detour *detours; /* under the lock */
};

/* It must not move in memory from here on. */
void gates_init(struct gates *gates, struct ops_test_host *owner);
void gates_finish(struct gates *gates);

/* One call. */
struct gate {
    struct ops_test_host *owner;
    const struct gate_real *real;
    enum fault_point point;
    uint64_t handle; /* the first of its arguments, or 0 */
    ops_status status;
    struct gate_detour *detour; /* not NULL: its callback is to fail */
};

/* False: it ends here with gate->status. */
bool gate_enter(struct gate *gate, void *h, enum fault_point point, uint64_t handle);
/* Complains where the plugin is to blame. Returns `status`. */
ops_status gate_leave(struct gate *gate, ops_status status);

/* The `err` of a callback that fails. */
ops_error gate_error(const struct gate_detour *detour);

/* One for each file gate_*.c: those of its functions that look at calls. */
void gate_fill_value(ops_if_value *table);
void gate_fill_exec(ops_if_exec *table);
void gate_fill_log(ops_if_log *table);
void gate_fill_calls(struct gate_tables *tables);
void gate_fill_locals(struct gate_tables *tables);

#endif
