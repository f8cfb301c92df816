/* SPDX-License-Identifier: Apache-2.0 */
#include "core/testkit/gate.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/testkit/testkit.h"

/* ---- One call ---- */

static struct gate_detour *detour_add(struct gates *gates, ops_status status)
{
    struct gate_detour *detour = calloc(1, sizeof *detour);
    if (detour != NULL) {
        detour->status = status;
        detour->next = gates->detours;
        gates->detours = detour;
    }
    return detour;
}

bool gate_enter(struct gate *gate, void *h, enum fault_point point, uint64_t handle)
{
    struct ops_test_host *host = host_tables_self(h);
    *gate = (struct gate){.owner = host, .point = point, .handle = handle};
    gate->status = OPS_E_INTERNAL;
    if (host == NULL) {
        return false;
    }

    gate->real = &host->gates.real;
    testkit_lock(host);
    enum fault_deed deed = fault_decide(&host->faults, point, &gate->status);
    if (deed == FAULT_IN_CALLBACK) {
        gate->detour = detour_add(&host->gates, gate->status);
    }
    testkit_unlock(host);
    if (deed == FAULT_IN_CALLBACK && gate->detour == NULL) {
        gate->status = OPS_E_RESOURCE;
        return false;
    }
    return deed != FAULT_AT_ONCE;
}

ops_error gate_error(const struct gate_detour *detour)
{
    static const char message[] = "the test wants this call to fail";
    return (ops_error){.size = sizeof(ops_error),
                       .code = detour->status,
                       .message = {message, sizeof message - 1}};
}

/* Ends of operations are told later than they come: naming one that is over is no fault. */
static bool may_be_stale(const struct gate *gate)
{
    switch (gate->point) {
    case FAULT_BUDGET_ABORT:
    case FAULT_HTTP_ABORT:
    case FAULT_JOB_ABORT:
    case FAULT_KV_ABORT:
    case FAULT_MAIL_ABORT:
    case FAULT_PROCESS_KILL:
    case FAULT_SECRET_ABORT:
    case FAULT_TIMER_ABORT:
        return true;
    default: /* reading a value that is none is how one finds out */
        return gate->handle == 0 && gate->point >= FAULT_VALUE_GET_BOOL;
    }
}

static void complain(const struct gate *gate, uint32_t kind, const char *what)
{
    struct ops_test_host *host = gate->owner;
    char text[128];
    (void)snprintf(text, sizeof text, "%s() %s", fault_point_name(gate->point), what);
    testkit_lock(host);
    const struct test_task *task = test_tasks_find_handle(&host->tasks, gate->handle);
    bool is_after_cancel = task != NULL ? task->was_cancelled : host->has_cancelled;
    bool is_harmless = kind == OPS_TEST_STALE && is_after_cancel;
    complaint_add(&host->complaints, kind, task != NULL ? task->number : 0,
                  is_harmless ? COMPLAINT_HARMLESS : COMPLAINT_FAULT, text);
    testkit_unlock(host);
}

ops_status gate_leave(struct gate *gate, ops_status status)
{
    if (status == OPS_E_STALE && !may_be_stale(gate)) {
        complain(gate, OPS_TEST_STALE, "with a handle that is over, or is none");
    }
    if (status == OPS_E_INTERNAL) {
        complain(gate, OPS_TEST_BAD_CALL, "with arguments that cannot be right");
    }
    return status;
}

/* ---- Tables ---- */

/* Where the tables of an interface are in struct gate_real and struct gate_tables. */
static const struct row {
    const char *id;
    size_t real;
    size_t table;
    size_t size;
} rows[] = {
    {OPS_IF_BUDGET, offsetof(struct gate_real, budget), offsetof(struct gate_tables, budget),
     sizeof(ops_if_budget)},
    {OPS_IF_EXEC, offsetof(struct gate_real, exec), offsetof(struct gate_tables, exec),
     sizeof(ops_if_exec)},
    {OPS_IF_HTTP, offsetof(struct gate_real, http), offsetof(struct gate_tables, http),
     sizeof(ops_if_http)},
    {OPS_IF_JOB, offsetof(struct gate_real, job), offsetof(struct gate_tables, job),
     sizeof(ops_if_job)},
    {OPS_IF_KV, offsetof(struct gate_real, kv), offsetof(struct gate_tables, kv),
     sizeof(ops_if_kv)},
    {OPS_IF_LOG, offsetof(struct gate_real, log), offsetof(struct gate_tables, log),
     sizeof(ops_if_log)},
    {OPS_IF_MAIL, offsetof(struct gate_real, mail), offsetof(struct gate_tables, mail),
     sizeof(ops_if_mail)},
    {OPS_IF_PROCESS, offsetof(struct gate_real, process), offsetof(struct gate_tables, process),
     sizeof(ops_if_process)},
    {OPS_IF_SCHEMA, offsetof(struct gate_real, schema), offsetof(struct gate_tables, schema),
     sizeof(ops_if_schema)},
    {OPS_IF_SECRET, offsetof(struct gate_real, secret), offsetof(struct gate_tables, secret),
     sizeof(ops_if_secret)},
    {OPS_IF_TIMER, offsetof(struct gate_real, timer), offsetof(struct gate_tables, timer),
     sizeof(ops_if_timer)},
    {OPS_IF_VALUE, offsetof(struct gate_real, value), offsetof(struct gate_tables, value),
     sizeof(ops_if_value)},
};

static const struct row *find_row(const char *id)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].id, id) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static void fill_all(struct gate_tables *tables)
{
    gate_fill_value(&tables->value);
    gate_fill_exec(&tables->exec);
    gate_fill_log(&tables->log);
    gate_fill_calls(tables);
    gate_fill_locals(tables);
}

/* The table is made once: it is constant from then on, for all threads. */
static void *table_make(struct gates *gates, const struct row *row, const void *table)
{
    struct gate_tables scratch = {0};
    const void **real = (const void **)(void *)((char *)&gates->real + row->real);
    char *made = (char *)&gates->tables + row->table;
    if (*real == NULL) {
        *real = table;
        char *from = (char *)&scratch + row->table;
        memcpy(from, table, row->size);
        fill_all(&scratch);
        memcpy(made, from, row->size);
    }
    return made;
}

static const void *wrap(void *self, const char *id, const void *table)
{
    struct ops_test_host *host = self;
    const struct row *row = find_row(id);
    if (testkit_is_without(host, id)) {
        return NULL;
    }
    return row != NULL ? table_make(&host->gates, row, table) : table;
}

void gates_init(struct gates *gates, struct ops_test_host *owner)
{
    *gates = (struct gates){.table = {owner, wrap}};
}

void gates_finish(struct gates *gates)
{
    while (gates->detours != NULL) {
        struct gate_detour *detour = gates->detours;
        gates->detours = detour->next;
        free(detour);
    }
}
