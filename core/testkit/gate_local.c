/* SPDX-License-Identifier: Apache-2.0 */

/* The gate before what is done at once: digests, schemas, programs that are looked for, aborts.
 */

#include "core/testkit/gate.h"

/* ---- ops.schema ---- */

static ops_status gated_check(void *h, ops_scope scope, ops_val schema, ops_val value,
                              ops_error *err)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_SCHEMA_CHECK, scope)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->schema->check(h, scope, schema, value, err));
}

/* ---- ops.secret ---- */

static ops_status gated_digest(void *h, ops_scope scope, ops_val key, ops_str data, ops_str *out)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_SECRET_DIGEST, scope)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->secret->digest(h, scope, key, data, out));
}

static ops_status gated_join(void *h, ops_scope scope, const ops_val *parts, uint64_t n,
                             uint32_t flags, ops_val *out)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_SECRET_JOIN, scope)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->secret->join(h, scope, parts, n, flags, out));
}

/* ---- ops.timer, ops.process, ops.budget ---- */

static ops_status gated_zone_offset(void *h, ops_str zone, int64_t at_unix_ms, int32_t *out_seconds)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_TIMER_ZONE_OFFSET, 0)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->timer->zone_offset(h, zone, at_unix_ms, out_seconds));
}

static ops_status gated_find(void *h, ops_scope scope, ops_str name, ops_str *out)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_PROCESS_FIND, scope)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->process->find(h, scope, name, out));
}

static ops_status gated_kill(void *h, ops_op op, int32_t signal)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_PROCESS_KILL, op)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->process->kill(h, op, signal));
}

static ops_status gated_settle(void *h, ops_task task, const ops_budget_used *used)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_BUDGET_SETTLE, task)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->budget->settle(h, task, used));
}

/* ---- Aborts ---- */

static ops_status gated_budget_abort(void *h, ops_op op)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_BUDGET_ABORT, op)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->budget->abort(h, op));
}

static ops_status gated_http_abort(void *h, ops_op op)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_HTTP_ABORT, op)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->http->abort(h, op));
}

static ops_status gated_job_abort(void *h, ops_op op)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_JOB_ABORT, op)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->job->abort(h, op));
}

static ops_status gated_kv_abort(void *h, ops_op op)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_KV_ABORT, op)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->kv->abort(h, op));
}

static ops_status gated_mail_abort(void *h, ops_op op)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_MAIL_ABORT, op)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->mail->abort(h, op));
}

static ops_status gated_secret_abort(void *h, ops_op op)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_SECRET_ABORT, op)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->secret->abort(h, op));
}

static ops_status gated_timer_abort(void *h, ops_op op)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_TIMER_ABORT, op)) {
        return gate.status;
    }
    return gate_leave(&gate, gate.real->timer->abort(h, op));
}

void gate_fill_locals(struct gate_tables *tables)
{
    tables->schema.check = gated_check;
    tables->secret.digest = gated_digest;
    tables->secret.join = gated_join;
    tables->timer.zone_offset = gated_zone_offset;
    tables->process.find = gated_find;
    tables->process.kill = gated_kill;
    tables->budget.settle = gated_settle;
    tables->budget.abort = gated_budget_abort;
    tables->http.abort = gated_http_abort;
    tables->job.abort = gated_job_abort;
    tables->kv.abort = gated_kv_abort;
    tables->mail.abort = gated_mail_abort;
    tables->secret.abort = gated_secret_abort;
    tables->timer.abort = gated_timer_abort;
}
