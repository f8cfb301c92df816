/* SPDX-License-Identifier: Apache-2.0 */
#include "core/testkit/fake_budget.h"

#include <stdbool.h>
#include <stdlib.h>

#include "core/base/grow.h"
#include "core/base/str.h"
#include "core/testkit/testkit.h"

/* A reservation whose answer is on its way. */
struct budget_call {
    struct host_alarm alarm; /* first */
    struct fake_budget *budget;
    host_budget_done_cb done;
    void *user;
    struct host_budget_answer answer;
};

/* ---- The purse ---- */

static int64_t take_calls(int64_t left, int64_t n)
{
    if (left < 0 || n < 0) {
        return left;
    }
    return left > n ? left - n : 0;
}

static double take_cost(double left, double n)
{
    if (left < 0 || n < 0) {
        return left;
    }
    return left > n ? left - n : 0;
}

static void take(struct fake_budget *budget, int64_t calls, int64_t tokens, double cost)
{
    budget->calls_left = take_calls(budget->calls_left, calls);
    budget->tokens_left = take_calls(budget->tokens_left, tokens);
    budget->cost_left = take_cost(budget->cost_left, cost);
}

static bool has_room(const struct fake_budget *budget, const struct host_budget_wish *wish)
{
    return (budget->calls_left < 0 || wish->calls <= budget->calls_left) &&
           (budget->tokens_left < 0 || wish->tokens <= budget->tokens_left) &&
           (budget->cost_left < 0 || wish->cost <= budget->cost_left);
}

/* 0: out of memory. */
static uint64_t hold(struct fake_budget *budget, const struct host_budget_wish *wish)
{
    struct budget_hold *holds = array_reserve(budget->holds, &budget->hold_cap,
                                              budget->hold_count + 1, sizeof *budget->holds);
    if (holds == NULL) {
        return 0;
    }
    budget->holds = holds;
    holds[budget->hold_count++] =
        (struct budget_hold){++budget->reservation, wish->calls, wish->tokens, wish->cost};
    budget->spent.open++;
    take(budget, wish->calls, wish->tokens, wish->cost);
    return budget->reservation;
}

/* Gives back what was held; what was really taken is taken after it. */
static void release(struct fake_budget *budget, uint64_t reservation)
{
    for (size_t i = 0; reservation != 0 && i < budget->hold_count; i++) {
        struct budget_hold *held = &budget->holds[i];
        if (held->reservation != reservation) {
            continue;
        }
        budget->calls_left += budget->calls_left >= 0 ? held->calls : 0;
        budget->tokens_left += budget->tokens_left >= 0 ? held->tokens : 0;
        budget->cost_left += budget->cost_left >= 0 && held->cost > 0 ? held->cost : 0;
        budget->holds[i] = budget->holds[--budget->hold_count];
        budget->spent.open--;
        return;
    }
}

/* ---- The host's table ---- */

static int64_t known(int64_t n)
{
    return n > 0 ? n : 0;
}

static void table_settle(void *self, uint64_t token, const struct host_budget_use *use)
{
    struct fake_budget *budget = self;
    ops_test_spent *spent = &budget->spent;
    (void)token;
    spent->calls += known(use->calls);
    spent->input_tokens += known(use->input_tokens);
    spent->output_tokens += known(use->output_tokens);
    spent->cached_tokens += known(use->cached_tokens);
    spent->cost += use->cost > 0 ? use->cost : 0;
    release(budget, use->reservation);
    take(budget, known(use->calls), known(use->input_tokens) + known(use->output_tokens),
         use->cost);
}

static void on_answer(struct host_alarm *alarm)
{
    struct budget_call *call = (struct budget_call *)alarm;
    bool is_refused = call->answer.status == HOST_BUDGET_REFUSED;
    call->answer.model = str_from(is_refused ? call->budget->model : NULL);
    call->done(call->user, &call->answer);
    free(call);
}

static struct host_budget_answer decide(struct fake_budget *budget,
                                        const struct host_budget_wish *wish)
{
    if (!has_room(budget, wish)) {
        return (struct host_budget_answer){.status = HOST_BUDGET_REFUSED,
                                           .why = STR("it is more than the test leaves")};
    }
    uint64_t reservation = hold(budget, wish);
    return (struct host_budget_answer){.status = reservation != 0 ? HOST_BUDGET_GRANTED
                                                                  : HOST_BUDGET_FAILED,
                                       .reservation = reservation};
}

static void table_reserve(void *self, uint64_t token, const struct host_budget_wish *wish,
                          host_budget_done_cb done, void *user, void **out_wait)
{
    struct fake_budget *budget = self;
    struct ops_test_host *host = budget->owner;
    struct budget_call *call = calloc(1, sizeof *call);
    (void)token;
    if (call == NULL) {
        done(user, &(struct host_budget_answer){.status = HOST_BUDGET_FAILED});
        return;
    }
    *call = (struct budget_call){.alarm.fire = on_answer,
                                 .budget = budget,
                                 .done = done,
                                 .user = user,
                                 .answer = decide(budget, wish)};
    *out_wait = call;
    test_clock_start(&host->clock, &call->alarm, testkit_late_ms(host, FAULT_BUDGET_RESERVE));
}

static void table_abort(void *self, void *wait)
{
    struct budget_call *call = wait;
    test_clock_stop(&call->alarm);
    release(self, call->answer.reservation);
    call->answer = (struct host_budget_answer){.status = HOST_BUDGET_GONE};
    on_answer(&call->alarm);
}

void fake_budget_init(struct fake_budget *budget, struct ops_test_host *owner)
{
    *budget = (struct fake_budget){
        .table = {budget, table_settle, table_reserve, table_abort},
        .owner = owner,
        .calls_left = -1,
        .tokens_left = -1,
        .cost_left = -1,
    };
}

void fake_budget_finish(struct fake_budget *budget)
{
    free(budget->holds);
    free(budget->model);
}

/* ---- For tests: the contract is in opstream/test.h ---- */

ops_status ops_test_budget(ops_test_host *host, int64_t calls, int64_t tokens, double cost,
                           const char *model)
{
    struct fake_budget *budget = &host->budget;
    char *copy = model != NULL ? str_dup(str_from(model)) : NULL;
    if (model != NULL && copy == NULL) {
        return OPS_E_RESOURCE;
    }
    free(budget->model);
    budget->model = copy;
    budget->calls_left = calls < 0 ? -1 : calls;
    budget->tokens_left = tokens < 0 ? -1 : tokens;
    budget->cost_left = cost < 0 ? -1 : cost;
    return OPS_OK;
}

void ops_test_budget_spent(const ops_test_host *host, ops_test_spent *out)
{
    *out = host->budget.spent;
}
