/* SPDX-License-Identifier: Apache-2.0 */

/* ops.budget over `struct host_budget`. The contract is in opstream/budget.h. */

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/host/budget.h"
#include "core/host/op.h"
#include "core/host/runtime.h"
#include "core/host/task.h"

enum { STRUCT_SIZE_MAX = 65536 };

/* What settle() posts: no op, since a cancel must not keep it away. */
struct settling {
    struct mailbox_item item;
    struct task *task; /* held */
    struct host_budget_use use;
};

struct budget_op {
    struct op op; /* first */
    struct host_budget_wish wish;
    void *wait; /* the keeper's, until it has answered; NULL: it has, or was not asked */
    ops_budget_done done;
    void *user;
    /* the answer */
    ops_status status;
    ops_budget_answer answer;
    struct strbuf texts; /* of the answer */
};

/* ---- settle() ---- */

static void on_settle(struct mailbox_item *item)
{
    struct settling *settling = (struct settling *)item;
    struct task *task = settling->task;
    const struct host_budget *budget = task->host->budget;
    bool is_check = task->config == 0;
    if (!task->is_over && !is_check) {
        budget->settle(budget->self, task->token, &settling->use);
    }
    task_release(task);
    free(settling);
}

static bool is_too_much(int64_t tokens)
{
    return tokens > OPS_BUDGET_MOST_TOKENS;
}

/* The cost of nothing that can be called; what is not a number is not known. */
static bool is_too_dear(double cost)
{
    return cost > OPS_BUDGET_MOST_DOLLARS;
}

static ops_status read_use(const ops_budget_used *used, struct host_budget_use *out)
{
    const uint32_t size_min = offsetof(ops_budget_used, cost) + sizeof used->cost;
    if (used == NULL || used->size < size_min || used->size > STRUCT_SIZE_MAX) {
        return OPS_E_INTERNAL;
    }
    if (used->calls > OPS_BUDGET_MOST_CALLS || is_too_much(used->input_tokens) ||
        is_too_much(used->output_tokens) || is_too_much(used->cached_tokens) ||
        is_too_dear(used->cost)) {
        return OPS_E_INPUT;
    }
    *out = (struct host_budget_use){.reservation = used->reservation,
                                    .calls = used->calls,
                                    .input_tokens = used->input_tokens,
                                    .output_tokens = used->output_tokens,
                                    .cached_tokens = used->cached_tokens,
                                    .cost = used->cost};
    return OPS_OK;
}

static ops_status service_settle(void *h, ops_task task_handle, const ops_budget_used *used)
{
    struct host_budget_use use;
    ops_status status = plugin_from(h) != NULL ? read_use(used, &use) : OPS_E_INTERNAL;
    if (status != OPS_OK) {
        return status;
    }
    struct task *task = task_acquire(h, task_handle);
    if (task == NULL) {
        return OPS_E_STALE;
    }
    struct settling *settling = malloc(sizeof *settling);
    if (settling == NULL) {
        task_release(task);
        return OPS_E_RESOURCE;
    }
    *settling = (struct settling){.item.run = on_settle, .task = task, .use = use};
    mailbox_post(&task->host->mailbox, &settling->item);
    return OPS_OK;
}

/* ---- reserve() ---- */

static void call_done(struct op *op)
{
    struct budget_op *budget = (struct budget_op *)op;
    bool has_answer = budget->status == OPS_OK || budget->status == OPS_E_BUDGET;
    budget->done(budget->user, op_task(op), budget->status, has_answer ? &budget->answer : NULL);
}

static void call_cancelled(struct op *op)
{
    ((struct budget_op *)op)->status = OPS_E_CANCELLED;
    call_done(op);
}

static ops_status status_of(enum host_budget_status status)
{
    switch (status) {
    case HOST_BUDGET_GRANTED:
        return OPS_OK;
    case HOST_BUDGET_REFUSED:
        return OPS_E_BUDGET;
    case HOST_BUDGET_GONE:
        return OPS_E_CANCELLED;
    case HOST_BUDGET_FAILED:
        return OPS_E_UNAVAILABLE;
    }
    return OPS_E_INTERNAL;
}

static void on_done(void *user, const struct host_budget_answer *answer)
{
    struct budget_op *budget = user;
    budget->wait = NULL;
    if (budget->op.is_dropped) {
        op_finish(&budget->op, NULL);
        return;
    }
    strbuf_append_str(&budget->texts, answer->model);
    strbuf_append_str(&budget->texts, answer->why);
    bool is_kept = strbuf_status(&budget->texts) == 0;
    struct str texts = strbuf_str(&budget->texts);
    budget->status = is_kept ? status_of(answer->status) : OPS_E_RESOURCE;
    if (is_kept) {
        budget->answer = (ops_budget_answer){
            .size = sizeof(ops_budget_answer),
            .reservation = answer->reservation,
            .model = ops_from_str(str_make(texts.p, answer->model.n)),
            .why = ops_from_str(str_make(texts.p + answer->model.n, answer->why.n))};
    }
    op_finish(&budget->op, call_done);
}

static void budget_start(struct op *op)
{
    struct budget_op *budget = (struct budget_op *)op;
    const struct host_budget *keeper = op->host->budget;
    if (op->task->config == 0) { /* a check: no run pays for it */
        on_done(budget, &(struct host_budget_answer){.status = HOST_BUDGET_GRANTED});
        return;
    }
    keeper->reserve(keeper->self, op->task->token, &budget->wish, on_done, budget, &budget->wait);
}

static void budget_abort(struct op *op, enum op_abort how)
{
    const struct budget_op *budget = (const struct budget_op *)op;
    const struct host_budget *keeper = op->host->budget;
    (void)how; /* either way nobody needs the answer */
    if (budget->wait != NULL) {
        keeper->abort(keeper->self, budget->wait);
    }
}

static void budget_destroy(struct op *op)
{
    struct budget_op *budget = (struct budget_op *)op;
    strbuf_finish(&budget->texts);
    free(budget);
}

static const struct op_type budget_type = {
    .name = "budget", .start = budget_start, .abort = budget_abort, .destroy = budget_destroy};

static ops_status check_request(const ops_budget_req *req)
{
    const uint32_t size_min = offsetof(ops_budget_req, user) + sizeof req->user;
    if (req == NULL || req->size < size_min || req->size > STRUCT_SIZE_MAX || req->done == NULL) {
        return OPS_E_INTERNAL;
    }
    bool is_bad = req->tokens < 0 || is_too_much(req->tokens) || is_too_dear(req->cost) ||
                  req->calls > OPS_BUDGET_MOST_CALLS;
    return is_bad ? OPS_E_INPUT : OPS_OK;
}

static ops_status service_reserve(void *h, ops_task task, const ops_budget_req *req, ops_op *out)
{
    ops_status status = check_request(req);
    struct budget_op *budget = status == OPS_OK ? calloc(1, sizeof *budget) : NULL;
    if (budget == NULL) {
        return status != OPS_OK ? status : OPS_E_RESOURCE;
    }
    status = op_init(&budget->op, &budget_type, h, task);
    if (status != OPS_OK) {
        free(budget);
        return status;
    }
    budget->wish =
        (struct host_budget_wish){.calls = req->calls, .tokens = req->tokens, .cost = req->cost};
    budget->done = req->done;
    budget->user = req->user;
    return op_submit(&budget->op, call_cancelled, out);
}

static ops_status service_abort(void *h, ops_op op)
{
    return op_request_abort(h, op, &budget_type);
}

const ops_if_budget service_budget = {
    .size = sizeof(ops_if_budget),
    .version = 1,
    .settle = service_settle,
    .reserve = service_reserve,
    .abort = service_abort,
};
