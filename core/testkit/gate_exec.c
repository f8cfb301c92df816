/* SPDX-License-Identifier: Apache-2.0 */

/* The gate before ops.exec, and ops.log: what is said of a task's end, and what the plugin logs. */

#include "core/testkit/gate.h"

#include "core/base/log.h"
#include "core/model/catalogue.h"
#include "core/testkit/testkit.h"

/* ---- The end of a task, which comes once ---- */

/* Of one that was forgotten long ago it is not known: the plugin has the benefit of the doubt. */
static bool may_be_given_up(const struct ops_test_host *host, const struct test_task *task,
                            const struct test_forgotten *forgotten)
{
    if (task != NULL) {
        return task->was_cancelled && !task->is_ended_by_plugin;
    }
    return forgotten != NULL ? forgotten->is_given_up : host->has_cancelled;
}

/* The host did not take it: the task has ended before, by the plugin or given up by the host. */
static void blame(struct gate *gate, struct test_task *task)
{
    struct ops_test_host *host = gate->owner;
    const char *name = fault_point_name(gate->point);
    const struct test_forgotten *forgotten =
        task == NULL ? test_tasks_find_forgotten(&host->tasks, gate->handle) : NULL;
    uint64_t number = task != NULL ? task->number : forgotten != NULL ? forgotten->number : 0;
    char text[128];
    if (may_be_given_up(host, task, forgotten)) {
        (void)snprintf(text, sizeof text, "%s() after the host had given it up", name);
        complaint_add(&host->complaints, OPS_TEST_ENDED_LATE, number, COMPLAINT_HARMLESS, text);
        return;
    }
    (void)snprintf(text, sizeof text, "%s() of a task that has ended", name);
    complaint_add(&host->complaints, OPS_TEST_ENDED_TWICE, number, COMPLAINT_FAULT, text);
    if (task != NULL) {
        task->more_ends++;
    }
}

static ops_status leave_end(struct gate *gate, ops_status status)
{
    struct ops_test_host *host = gate->owner;
    if (status != OPS_OK && status != OPS_E_STALE) {
        return gate_leave(gate, status);
    }
    testkit_lock(host);
    struct test_task *task = test_tasks_find_handle(&host->tasks, gate->handle);
    if (status == OPS_E_STALE) {
        blame(gate, task);
    } else if (task != NULL) {
        task->is_ended_by_plugin = true;
    }
    testkit_unlock(host);
    return status;
}

/* The lock is held. */
static void look_at_port(struct gate *gate, ops_str port)
{
    struct ops_test_host *host = gate->owner;
    const struct test_task *task = test_tasks_find_handle(&host->tasks, gate->handle);
    bool is_named = port.n == 0 || task == NULL || task->type->ports_from.n > 0;
    for (size_t i = 0; !is_named && i < task->type->port_count; i++) {
        is_named = str_equal(task->type->ports[i], str_make(port.p, port.n));
    }
    if (!is_named) {
        char text[160];
        (void)snprintf(text, sizeof text,
                       "complete() with the port '%.*s', which the manifest does not name",
                       (int)(port.n < 60 ? port.n : 60), port.p);
        complaint_add(&host->complaints, OPS_TEST_BAD_PORT, task->number, COMPLAINT_FAULT, text);
    }
}

static ops_status gated_complete(void *h, ops_task task, ops_str port, ops_val output)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_EXEC_COMPLETE, task)) {
        return gate.status;
    }
    ops_status status = gate.real->exec->complete(h, task, port, output);
    if (status == OPS_E_INPUT) {
        testkit_lock(gate.owner);
        look_at_port(&gate, port);
        testkit_unlock(gate.owner);
    }
    return leave_end(&gate, status);
}

static ops_status gated_fail(void *h, ops_task task, const ops_error *error)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_EXEC_FAIL, task)) {
        return gate.status;
    }
    return leave_end(&gate, gate.real->exec->fail(h, task, error));
}

/* ---- The rest of ops.exec ---- */

static ops_status gated_info(void *h, ops_task task, ops_task_info *io)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_EXEC_INFO, task)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->exec->info(h, task, io));
}

static ops_status gated_progress(void *h, ops_task task, double fraction, ops_str note)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_EXEC_PROGRESS, task)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->exec->progress(h, task, fraction, note));
}

static ops_status gated_emit(void *h, ops_task task, ops_str port, ops_val item)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_EXEC_EMIT, task)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->exec->emit(h, task, port, item));
}

static ops_status gated_on_writable(void *h, ops_task task, void (*cb)(void *user, ops_task task),
                                    void *user)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_EXEC_ON_WRITABLE, task)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->exec->on_writable(h, task, cb, user));
}

static ops_status gated_post(void *h, ops_task task, void (*call)(void *user, ops_task task),
                             void *user)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_EXEC_POST, task)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->exec->post(h, task, call, user));
}

static ops_status gated_set_user(void *h, ops_task task, void *user)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_EXEC_SET_USER, task)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->exec->set_user(h, task, user));
}

void gate_fill_exec(ops_if_exec *table)
{
    table->complete = gated_complete;
    table->fail = gated_fail;
    table->info = gated_info;
    table->progress = gated_progress;
    table->emit = gated_emit;
    table->on_writable = gated_on_writable;
    table->post = gated_post;
    table->set_user = gated_set_user;
}

/* ---- ops.log: the lines of tasks come back by the host, those of the plugin are kept here ---- */

static void keep_line(struct ops_test_host *host, uint32_t level, ops_str message)
{
    struct strbuf line = STRBUF_INIT;
    strbuf_append_text(
        &line, log_level_name(level <= OPS_LOG_DEBUG ? (enum log_level)level : LOG_LEVEL_INFO));
    strbuf_append_text(&line, ": ");
    strbuf_append(&line, message.p, message.n <= LOG_FIELD_BYTES ? (size_t)message.n : 0);
    testkit_lock(host);
    bool is_kept = strbuf_status(&line) == 0 &&
                   test_lines_add(&host->logs, &host->log_arena, strbuf_str(&line));
    host->complaints.is_short = host->complaints.is_short || !is_kept;
    testkit_unlock(host);
    strbuf_finish(&line);
}

static void gated_write(void *h, ops_task task, uint32_t level, ops_str message,
                        const ops_str *keys, const ops_str *values, uint64_t n)
{
    struct ops_test_host *host = host_tables_self(h);
    if (host == NULL) {
        return;
    }
    if (task == 0 && (message.p != NULL || message.n == 0)) {
        keep_line(host, level, message);
        return;
    }
    host->gates.real.log->write(h, task, level, message, keys, values, n);
}

void gate_fill_log(ops_if_log *table)
{
    table->write = gated_write;
}
