/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The gate before what calls back. A call whose callback is to fail goes to the host with functions
 * of this file, which pass on what comes on the way, and fail at the end.
 */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/testkit/testkit.h"

/*
 * The request, which begins with its size, as far as both sides know it. False: there is none; what
 * else is wrong with it the host says.
 */
static bool copy_request(void *to, uint32_t to_size, const void *from)
{
    uint32_t from_size = 0;
    if (from == NULL) {
        return false;
    }
    memcpy(&from_size, from, sizeof from_size);
    memset(to, 0, to_size);
    memcpy(to, from, from_size < to_size ? from_size : to_size);
    return true;
}

/* ---- ops.http ---- */

static void fail_http(void *user, ops_task task, const ops_http_res *res, const ops_error *err)
{
    const struct gate_detour *detour = user;
    const ops_error failure = gate_error(detour);
    (void)res;
    (void)err;
    detour->http(detour->user, task, NULL, &failure);
}

static void pass_chunk(void *user, ops_task task, ops_str bytes)
{
    const struct gate_detour *detour = user;
    detour->chunk(detour->user, task, bytes);
}

static ops_status gated_send(void *h, ops_task task, const ops_http_req *req, ops_op *out)
{
    struct gate gate;
    ops_http_req other;
    if (!gate_enter(&gate, h, FAULT_HTTP_SEND, task)) {
        return gate.status;
    }
    if (gate.detour != NULL && copy_request(&other, sizeof other, req) && other.on_done != NULL) {
        gate.detour->user = other.user;
        gate.detour->http = other.on_done;
        gate.detour->chunk = other.on_chunk;
        other.user = gate.detour;
        other.on_done = fail_http;
        other.on_chunk = other.on_chunk != NULL ? pass_chunk : NULL;
        req = &other;
    }
    return gate_leave(&gate, gate.real->http->send(h, task, req, out));
}

/* ---- ops.timer ---- */

static void fail_timer(void *user, ops_task task, ops_status status)
{
    const struct gate_detour *detour = user;
    (void)status;
    detour->timer(detour->user, task, detour->status);
}

static ops_status gated_after(void *h, ops_task task, uint64_t ms, ops_timer_done cb, void *user,
                              ops_op *out)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_TIMER_AFTER, task)) {
        return gate.status;
    }
    if (gate.detour != NULL && cb != NULL) {
        gate.detour->user = user;
        gate.detour->timer = cb;
        user = gate.detour;
        cb = fail_timer;
    }
    uint64_t late_ms = testkit_late_ms(gate.owner, FAULT_TIMER_AFTER);
    uint64_t all_ms = ms < UINT64_MAX - late_ms ? ms + late_ms : UINT64_MAX;
    return gate_leave(&gate, gate.real->timer->after(h, task, all_ms, cb, user, out));
}

/* ---- ops.job ---- */

static void pass_work(void *user)
{
    const struct gate_detour *detour = user;
    detour->work(detour->user);
}

static void fail_job(void *user, ops_task task, ops_status status)
{
    const struct gate_detour *detour = user;
    (void)status;
    detour->job(detour->user, task, detour->status);
}

static ops_status gated_run(void *h, ops_task task, void (*work)(void *user),
                            void (*done)(void *user, ops_task task, ops_status status), void *user,
                            ops_op *out)
{
    struct gate gate;
    if (!gate_enter(&gate, h, FAULT_JOB_RUN, task)) {
        return gate.status;
    }
    if (gate.detour != NULL && work != NULL && done != NULL) {
        gate.detour->user = user;
        gate.detour->work = work;
        gate.detour->job = done;
        user = gate.detour;
        work = pass_work;
        done = fail_job;
    }
    return gate_leave(&gate, gate.real->job->run(h, task, work, done, user, out));
}

/* ---- ops.process ---- */

static void fail_process(void *user, ops_task task, const ops_process_exit *exit,
                         const ops_error *err)
{
    const struct gate_detour *detour = user;
    const ops_error failure = gate_error(detour);
    (void)exit;
    (void)err;
    detour->process(detour->user, task, NULL, &failure);
}

static void pass_stdout(void *user, ops_task task, ops_str bytes)
{
    const struct gate_detour *detour = user;
    detour->outputs[0](detour->user, task, bytes);
}

static void pass_stderr(void *user, ops_task task, ops_str bytes)
{
    const struct gate_detour *detour = user;
    detour->outputs[1](detour->user, task, bytes);
}

static void pass_result(void *user, ops_task task, ops_str bytes)
{
    const struct gate_detour *detour = user;
    detour->outputs[2](detour->user, task, bytes);
}

static void divert_process(struct gate_detour *detour, ops_process_spec *spec)
{
    detour->user = spec->user;
    detour->process = spec->on_exit;
    detour->outputs[0] = spec->on_stdout;
    detour->outputs[1] = spec->on_stderr;
    detour->outputs[2] = spec->on_result;
    spec->user = detour;
    spec->on_exit = fail_process;
    spec->on_stdout = spec->on_stdout != NULL ? pass_stdout : NULL;
    spec->on_stderr = spec->on_stderr != NULL ? pass_stderr : NULL;
    spec->on_result = spec->on_result != NULL ? pass_result : NULL;
}

static ops_status gated_spawn(void *h, ops_task task, const ops_process_spec *spec, ops_op *out)
{
    struct gate gate;
    ops_process_spec other;
    if (!gate_enter(&gate, h, FAULT_PROCESS_SPAWN, task)) {
        return gate.status;
    }
    if ((gate.owner->options.flags & OPS_TEST_PROCESSES) == 0) {
        return OPS_E_PERMISSION;
    }
    if (gate.detour != NULL && copy_request(&other, sizeof other, spec) && other.on_exit != NULL) {
        divert_process(gate.detour, &other);
        spec = &other;
    }
    return gate_leave(&gate, gate.real->process->spawn(h, task, spec, out));
}

/* ---- ops.kv ---- */

static void fail_kv(void *user, ops_task task, ops_status status, const ops_kv_entry *entry)
{
    const struct gate_detour *detour = user;
    (void)status;
    (void)entry;
    detour->kv(detour->user, task, detour->status, NULL);
}

static const ops_kv_req *divert_kv(struct gate_detour *detour, const ops_kv_req *req,
                                   ops_kv_req *other)
{
    if (detour == NULL || !copy_request(other, sizeof *other, req) || other->done == NULL) {
        return req;
    }
    detour->user = other->user;
    detour->kv = other->done;
    other->user = detour;
    other->done = fail_kv;
    return other;
}

static ops_status gated_get(void *h, ops_task task, const ops_kv_req *req, ops_op *out)
{
    struct gate gate;
    ops_kv_req other;
    if (!gate_enter(&gate, h, FAULT_KV_GET, task)) {
        return gate.status;
    }
    req = divert_kv(gate.detour, req, &other);
    return gate_leave(&gate, gate.real->kv->get(h, task, req, out));
}

static ops_status gated_put(void *h, ops_task task, const ops_kv_req *req, ops_op *out)
{
    struct gate gate;
    ops_kv_req other;
    if (!gate_enter(&gate, h, FAULT_KV_PUT, task)) {
        return gate.status;
    }
    req = divert_kv(gate.detour, req, &other);
    return gate_leave(&gate, gate.real->kv->put(h, task, req, out));
}

static ops_status gated_remove(void *h, ops_task task, const ops_kv_req *req, ops_op *out)
{
    struct gate gate;
    ops_kv_req other;
    if (!gate_enter(&gate, h, FAULT_KV_REMOVE, task)) {
        return gate.status;
    }
    req = divert_kv(gate.detour, req, &other);
    return gate_leave(&gate, gate.real->kv->remove(h, task, req, out));
}

/* ---- ops.mail ---- */

static void fail_mail(void *user, ops_task task, const ops_mail_res *res, const ops_error *err)
{
    const struct gate_detour *detour = user;
    const ops_error failure = gate_error(detour);
    (void)res;
    (void)err;
    detour->mail(detour->user, task, NULL, &failure);
}

static ops_status gated_mail_send(void *h, ops_task task, const ops_mail_req *req, ops_op *out)
{
    struct gate gate;
    ops_mail_req other;
    if (!gate_enter(&gate, h, FAULT_MAIL_SEND, task)) {
        return gate.status;
    }
    if (gate.detour != NULL && copy_request(&other, sizeof other, req) && other.on_done != NULL) {
        gate.detour->user = other.user;
        gate.detour->mail = other.on_done;
        other.user = gate.detour;
        other.on_done = fail_mail;
        req = &other;
    }
    return gate_leave(&gate, gate.real->mail->send(h, task, req, out));
}

/* ---- ops.budget ---- */

static void fail_budget(void *user, ops_task task, ops_status status,
                        const ops_budget_answer *answer)
{
    const struct gate_detour *detour = user;
    const ops_budget_answer refusal = {
        .size = sizeof refusal, .model = {"", 0}, .why = {"the test wants it", 17}};
    (void)status;
    (void)answer;
    detour->budget(detour->user, task, detour->status,
                   detour->status == OPS_E_BUDGET ? &refusal : NULL);
}

static ops_status gated_reserve(void *h, ops_task task, const ops_budget_req *req, ops_op *out)
{
    struct gate gate;
    ops_budget_req other;
    if (!gate_enter(&gate, h, FAULT_BUDGET_RESERVE, task)) {
        return gate.status;
    }
    if (gate.detour != NULL && copy_request(&other, sizeof other, req) && other.done != NULL) {
        gate.detour->user = other.user;
        gate.detour->budget = other.done;
        other.user = gate.detour;
        other.done = fail_budget;
        req = &other;
    }
    return gate_leave(&gate, gate.real->budget->reserve(h, task, req, out));
}

/* ---- ops.secret ---- */

static void fail_secret(void *user, ops_task task, ops_status status, ops_val made)
{
    const struct gate_detour *detour = user;
    (void)status;
    (void)made;
    detour->secret(detour->user, task, detour->status, 0);
}

static ops_status gated_adopt(void *h, ops_task task, const ops_secret_req *req, ops_op *out)
{
    struct gate gate;
    ops_secret_req other;
    if (!gate_enter(&gate, h, FAULT_SECRET_ADOPT, task)) {
        return gate.status;
    }
    if (gate.detour != NULL && copy_request(&other, sizeof other, req) && other.done != NULL) {
        gate.detour->user = other.user;
        gate.detour->secret = other.done;
        other.user = gate.detour;
        other.done = fail_secret;
        req = &other;
    }
    return gate_leave(&gate, gate.real->secret->adopt(h, task, req, out));
}

static void fail_sign(void *user, ops_task task, ops_str signature, const ops_error *err)
{
    const struct gate_detour *detour = user;
    const ops_error failure = gate_error(detour);
    (void)signature;
    (void)err;
    detour->sign(detour->user, task, (ops_str){"", 0}, &failure);
}

static ops_status gated_sign(void *h, ops_task task, const ops_sign_req *req, ops_op *out)
{
    struct gate gate;
    ops_sign_req other;
    if (!gate_enter(&gate, h, FAULT_SECRET_SIGN, task)) {
        return gate.status;
    }
    if (gate.detour != NULL && copy_request(&other, sizeof other, req) && other.done != NULL) {
        gate.detour->user = other.user;
        gate.detour->sign = other.done;
        other.user = gate.detour;
        other.done = fail_sign;
        req = &other;
    }
    return gate_leave(&gate, gate.real->secret->sign(h, task, req, out));
}

void gate_fill_calls(struct gate_tables *tables)
{
    tables->http.send = gated_send;
    tables->timer.after = gated_after;
    tables->job.run = gated_run;
    tables->process.spawn = gated_spawn;
    tables->kv.get = gated_get;
    tables->kv.put = gated_put;
    tables->kv.remove = gated_remove;
    tables->mail.send = gated_mail_send;
    tables->budget.reserve = gated_reserve;
    tables->secret.adopt = gated_adopt;
    tables->secret.sign = gated_sign;
}
