/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A plugin for tests: asks ops.budget for what its config says, waits as if it called, and says
 * what it took. `spend.refused` calls the interface badly.
 */

#include <string.h>

#include "opstream/sdk.h"

struct spending {
    ops_val config;
    uint64_t reservation;
};

static double number(ops_val config, const char *key, double otherwise)
{
    return ops_get_f64(config, key, otherwise);
}

static void finish(const struct spending *spending, ops_task task)
{
    ops_val config = spending->config;
    ops_budget_used used;
    memset(&used, 0, sizeof used);
    used.size = (uint32_t)sizeof used;
    used.calls = (uint32_t)ops_get_i64(config, "calls", 1);
    used.reservation = spending->reservation;
    used.input_tokens = ops_get_i64(config, "input", -1);
    used.output_tokens = ops_get_i64(config, "output", 0);
    used.cached_tokens = -1;
    used.cost = number(config, "paid", -1);
    if (ops_get_bool(config, "settle", 1)) {
        (void)ops.budget->settle(ops.h, task, &used); /* what is wrong shows in the run */
    }
    if (ops_get_bool(config, "fail", 0)) {
        ops_fail_text(task, OPS_E_UNAVAILABLE, "the call failed");
        return;
    }
    struct ops_map out = ops_map_begin(task);
    ops_map_bool(&out, "held", spending->reservation != 0);
    ops_complete_map(task, &out);
}

static void on_called(void *user, ops_task task, ops_status status)
{
    (void)status;
    finish(user, task);
}

static void refuse(ops_task task, ops_status status, const ops_budget_answer *answer)
{
    ops_error err = ops_error_make(status, "no answer");
    if (answer != NULL) {
        err.message = answer->why;
        err.hint = answer->model;
    }
    (void)ops.exec->fail(ops.h, task, &err); /* STALE: it has ended already */
}

static void on_reserved(void *user, ops_task task, ops_status status,
                        const ops_budget_answer *answer)
{
    struct spending *spending = user;
    int64_t call_ms = ops_get_i64(spending->config, "call_ms", 0);
    if (status != OPS_OK) {
        refuse(task, status, answer);
        return;
    }
    spending->reservation = answer->reservation;
    if (call_ms == 0) {
        finish(spending, task);
    } else if (ops.timer->after(ops.h, task, (uint64_t)call_ms, on_called, spending, NULL) !=
               OPS_OK) {
        ops_fail_text(task, OPS_E_RESOURCE, "no timer");
    }
}

static ops_budget_req request_of(ops_val config)
{
    ops_budget_req req;
    memset(&req, 0, sizeof req);
    req.size = (uint32_t)sizeof req;
    req.calls = (uint32_t)ops_get_i64(config, "calls", 1);
    req.tokens = ops_get_i64(config, "tokens", 0);
    req.cost = number(config, "cost", -1);
    req.done = on_reserved;
    return req;
}

static void call_execute(ops_node *node, ops_task task, ops_val config)
{
    struct spending *spending = ops_task_alloc(task, sizeof *spending);
    ops_budget_req req = request_of(config);
    (void)node;
    if (spending == NULL) {
        return;
    }
    spending->config = config;
    req.user = spending;
    if (!ops_get_bool(config, "reserve", 1)) {
        finish(spending, task);
        return;
    }
    ops_status status = ops.budget->reserve(ops.h, task, &req, NULL);
    if (status != OPS_OK) {
        ops_fail_text(task, status, "it was refused");
    }
}

static ops_status reserve_with(ops_task task, int64_t tokens, double cost, uint32_t size,
                               ops_budget_done done)
{
    ops_budget_req req;
    memset(&req, 0, sizeof req);
    req.size = size;
    req.tokens = tokens;
    req.cost = cost;
    req.done = done;
    return ops.budget->reserve(ops.h, task, &req, NULL);
}

static ops_status settle_with(ops_task task, int64_t tokens, double cost, uint32_t size)
{
    ops_budget_used used;
    memset(&used, 0, sizeof used);
    used.size = size;
    used.input_tokens = tokens;
    used.cost = cost;
    return ops.budget->settle(ops.h, task, &used);
}

static void refused_execute(ops_node *node, ops_task task, ops_val config)
{
    struct ops_map out = ops_map_begin(task);
    const uint32_t size = (uint32_t)sizeof(ops_budget_req);
    const uint32_t used_size = (uint32_t)sizeof(ops_budget_used);
    const int64_t many = OPS_BUDGET_MOST_TOKENS + 1;
    (void)node;
    (void)config;
    ops_map_i64(&out, "no_request", ops.budget->reserve(ops.h, task, NULL, NULL));
    ops_map_i64(&out, "size", reserve_with(task, 1, 0, 8, on_reserved));
    ops_map_i64(&out, "no_done", reserve_with(task, 1, 0, size, NULL));
    ops_map_i64(&out, "negative", reserve_with(task, -1, 0, size, on_reserved));
    ops_map_i64(&out, "many", reserve_with(task, many, 0, size, on_reserved));
    ops_map_i64(&out, "dear", reserve_with(task, 1, 1e9, size, on_reserved));
    ops_map_i64(&out, "stale", reserve_with(task + 1, 1, 0, size, on_reserved));
    ops_map_i64(&out, "nothing_used", ops.budget->settle(ops.h, task, NULL));
    ops_map_i64(&out, "used_size", settle_with(task, 1, 0, 8));
    ops_map_i64(&out, "used_many", settle_with(task, many, 0, used_size));
    ops_map_i64(&out, "used_dear", settle_with(task, 1, 1e9, used_size));
    ops_map_i64(&out, "used_stale", settle_with(task + 1, 1, 0, used_size));
    ops_map_i64(&out, "abort_stale", ops.budget->abort(ops.h, 1));
    ops_complete_map(task, &out);
}

static const ops_node_type call_type =
    OPS_NODE("spend.call", OPS_NODE_PARALLEL | OPS_NODE_IDEMPOTENT, call_execute);
static const ops_node_type refused_type =
    OPS_NODE("spend.refused", OPS_NODE_PARALLEL, refused_execute);

OPS_PLUGIN("spend", "1.0.0", &call_type, &refused_type);
