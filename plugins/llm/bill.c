/* SPDX-License-Identifier: Apache-2.0 */
#include "bill.h"

#include "answer.h"
#include "price.h"

enum {
    BYTES_PER_TOKEN = 2,
    IMAGE_TOKENS = 1600, /* of a large one, as services count them */
};

static double cost_of(const struct bill *bill, ops_str model, const struct usage *usage)
{
    return price_cost(ops_get(bill->node->settings, "prices"), model, usage);
}

static void end(const struct bill *bill, ops_status status, const char *message)
{
    ops_fail_text(bill->task, status, message);
    bill->on_answer(bill->user, BILL_ENDED, ops_text(NULL));
}

static void refuse(const struct bill *bill, ops_str why)
{
    ops_error e = ops_error_make(OPS_E_BUDGET, NULL);
    e.message = why;
    e.symbol = ops_text("llm.budget");
    e.hint = ops_text("raise the budget, or say what follows: an edge with outcome: budget");
    (void)ops.exec->fail(ops.h, bill->task, &e); /* STALE: it has ended already */
    bill->on_answer(bill->user, BILL_ENDED, ops_text(NULL));
}

static void on_reserved(void *user, ops_task task, ops_status status,
                        const ops_budget_answer *answer)
{
    struct bill *bill = user;
    if (status == OPS_OK) {
        bill->reservation = answer->reservation;
        bill->is_open = 1;
        bill->on_answer(bill->user, BILL_GRANTED, ops_text(NULL));
    } else if (status == OPS_E_BUDGET && answer->model.n > 0 && !bill->is_final) {
        bill->is_final = 1;
        bill->on_answer(bill->user, BILL_CHEAPER, answer_keep(task, answer->model));
    } else if (status == OPS_E_BUDGET) {
        refuse(bill, answer->why);
    } else {
        end(bill, status,
            status == OPS_E_CANCELLED ? "cancelled before the call"
                                      : "what the call may take could not be saved");
    }
}

void bill_reserve(struct bill *bill, const struct bill_wish *wish, bill_answer_cb on_answer,
                  void *user)
{
    const struct usage most = {
        .input_tokens = (int64_t)(wish->bytes / BYTES_PER_TOKEN + wish->images * IMAGE_TOKENS),
        .output_tokens = wish->output_tokens,
        .cached_tokens = 0};
    const ops_budget_req req = {.size = (uint32_t)sizeof req,
                                .calls = 1,
                                .tokens = most.input_tokens + most.output_tokens,
                                .cost = cost_of(bill, wish->model, &most),
                                .done = on_reserved,
                                .user = bill};
    bill->on_answer = on_answer;
    bill->user = user;
    ops_status status = ops.budget->reserve(ops.h, bill->task, &req, NULL);
    if (status != OPS_OK) {
        end(bill, status, "what the call may take cannot be reserved");
    }
}

static void tell(struct bill *bill, const ops_budget_used *used)
{
    if (bill->is_open) {
        bill->is_open = 0;
        (void)ops.budget->settle(ops.h, bill->task, used); /* else it counts in full */
    }
}

void bill_settle(struct bill *bill, ops_str model, const struct usage *usage)
{
    const ops_budget_used used = {.size = (uint32_t)sizeof used,
                                  .calls = 1,
                                  .reservation = bill->reservation,
                                  .input_tokens = usage->input_tokens,
                                  .output_tokens = usage->output_tokens,
                                  .cached_tokens = usage->cached_tokens,
                                  .cost = cost_of(bill, model, usage)};
    tell(bill, &used);
}

void bill_void(struct bill *bill)
{
    const ops_budget_used used = {.size = (uint32_t)sizeof used, .reservation = bill->reservation};
    tell(bill, &used);
}

void bill_lose(struct bill *bill)
{
    const struct usage unknown = {-1, -1, -1};
    bill_settle(bill, ops_text(NULL), &unknown);
}
