/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/budget_desk.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/quantity.h"
#include "core/engine/engine.h"
#include "core/engine/run.h"
#include "core/engine/spender.h"
#include "core/host/budget.h"
#include "core/loop/commit.h"
#include "core/loop/loop_state.h"
#include "core/loop/run_driver.h"
#include "core/loop/run_tasks.h"
#include "core/loop/run_waits.h"
#include "core/model/pipeline.h"

/* What was granted to a task, and it has not settled. */
struct budget_slip {
    uint64_t reservation;
    struct purse_amount amount;
    struct budget_slip *next;
};

/* One reserve(), until it is answered. */
struct budget_wait {
    struct loop *loop;
    struct loop_task *task; /* NULL: it has ended */
    struct purse_amount wanted;
    uint64_t reservation;
    host_budget_done_cb done;
    void *user;
    bool is_listed;           /* it waits for others; else for the disk */
    struct budget_wait *next; /* in the list */
};

/* ---- why not ---- */

static void append_who(const struct spending_refusal *refusal, struct strbuf *out)
{
    const struct pipeline *pipeline = run_pipeline(refusal->run);
    if (refusal->node == RECORD_NO_NODE) {
        strbuf_append_format(out, "the budget of '%.*s' ", STR_ARG(pipeline->id));
    } else {
        strbuf_append_format(out, "the budget of node '%.*s' ",
                             STR_ARG(pipeline->nodes[refusal->node].id));
    }
}

static int64_t left_of(int64_t limit, int64_t spent, int64_t held)
{
    return limit - spent > held ? limit - spent - held : 0;
}

static void append_cost(const struct spending_refusal *refusal, const struct purse_amount *wanted,
                        struct strbuf *out)
{
    const struct purse *purse = &refusal->purse;
    int64_t limit = refusal->settings->cost;
    char left[PURSE_TEXT_SIZE];
    char whole[PURSE_TEXT_SIZE];
    char most[PURSE_TEXT_SIZE];
    purse_format_dollars(purse_dollars(left_of(limit, purse->spent.cost, purse->held.cost)), left);
    purse_format_dollars(purse_dollars(limit), whole);
    purse_format_dollars(purse_dollars(wanted->cost), most);
    strbuf_append_format(out, "has $%s of its $%s left; the call may cost $%s", left, whole, most);
}

static void append_why(const struct spending_refusal *refusal, const struct purse_amount *wanted,
                       struct strbuf *out)
{
    const struct budget_settings *has = refusal->settings;
    const struct purse_amount *spent = &refusal->purse.spent;
    const struct purse_amount *held = &refusal->purse.held;
    char time[QUANTITY_TEXT_SIZE];
    append_who(refusal, out);
    switch (refusal->verdict) {
    case PURSE_NO_TOKENS:
        strbuf_append_format(out, "has %lld of its %lld tokens left; the call may take %lld",
                             (long long)left_of(has->tokens, spent->tokens, held->tokens),
                             (long long)has->tokens, (long long)wanted->tokens);
        return;
    case PURSE_NO_COST:
        append_cost(refusal, wanted, out);
        return;
    case PURSE_NO_CALLS:
        strbuf_append_format(out, "has %lld of its %lld calls left",
                             (long long)left_of(has->calls, spent->calls, held->calls),
                             (long long)has->calls);
        return;
    case PURSE_NO_TIME:
        quantity_format_duration(has->time_ms, time);
        strbuf_append_format(out, "lets no call begin after %s", time);
        return;
    case PURSE_NO_PRICE:
        strbuf_append_text(out, "is in money, and what the call costs is not known");
        return;
    case PURSE_FITS:
        break;
    }
    unreachable_state("verdict", (int)refusal->verdict);
}

/* ---- answers ---- */

static void answer(struct budget_wait *wait, const struct host_budget_answer *answer)
{
    wait->done(wait->user, answer);
    free(wait);
}

static void answer_status(struct budget_wait *wait, enum host_budget_status status)
{
    answer(wait, &(struct host_budget_answer){.status = status, .reservation = wait->reservation});
}

static void refuse(struct budget_wait *wait, const struct spending_refusal *refusal)
{
    struct strbuf why = STRBUF_INIT;
    append_why(refusal, &wait->wanted, &why);
    answer(wait, &(struct host_budget_answer){.status = HOST_BUDGET_REFUSED,
                                              .model = refusal->settings->model,
                                              .why = strbuf_str(&why)});
    strbuf_finish(&why);
}

static void on_saved(void *user, int status)
{
    answer_status(user, status == 0 ? HOST_BUDGET_GRANTED : HOST_BUDGET_FAILED);
}

/* ---- slips ---- */

/* False: out of memory. */
static bool add_slip(struct budget_wait *wait)
{
    struct budget_slip **slips = run_tasks_slips(wait->task);
    struct budget_slip *slip = calloc(1, sizeof(*slip));
    if (slip == NULL) {
        return false;
    }
    wait->reservation = ++wait->loop->desk.last_reservation;
    *slip = (struct budget_slip){
        .reservation = wait->reservation, .amount = wait->wanted, .next = *slips};
    *slips = slip;
    run_tasks_run(wait->task)->root->slips++;
    return true;
}

/* NULL: the task has none of this number. Owned. */
static struct budget_slip *take_slip(struct loop_task *task, uint64_t reservation)
{
    struct budget_slip **at = run_tasks_slips(task);
    while (*at != NULL && (*at)->reservation != reservation) {
        at = &(*at)->next;
    }
    struct budget_slip *slip = *at;
    if (slip != NULL) {
        *at = slip->next;
        run_tasks_run(task)->root->slips--;
    }
    return slip;
}

/* ---- asking ---- */

/* It is nothing but what others hold that it does not fit beside. */
static bool may_fit_later(const struct budget_wait *wait, const struct spending_refusal *refusal)
{
    struct purse idle = {.spent = refusal->purse.spent};
    bool holds = *run_tasks_slips(wait->task) != NULL;
    bool is_of_amount = refusal->verdict == PURSE_NO_TOKENS || refusal->verdict == PURSE_NO_COST ||
                        refusal->verdict == PURSE_NO_CALLS;
    struct budget_settings settings = *refusal->settings;
    settings.time_ms = BUDGET_NO_LIMIT;
    return is_of_amount && !holds && run_tasks_run(wait->task)->root->slips > 0 &&
           purse_ask(&settings, &idle, &wait->wanted, 0) == PURSE_FITS;
}

static void list(struct budget_wait *wait)
{
    struct budget_wait **at = &wait->loop->desk.first;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = wait;
    wait->is_listed = true;
    run_waits_note(&wait->loop->waits_told);
}

static void unlist(struct budget_wait *wait)
{
    struct budget_wait **at = &wait->loop->desk.first;
    while (wait->is_listed && *at != wait) {
        at = &(*at)->next;
    }
    if (wait->is_listed) {
        *at = wait->next;
        wait->next = NULL;
        wait->is_listed = false;
    }
}

static void fail_for_memory(struct loop *loop)
{
    struct error err = {0};
    (void)error_nomem(&err);
    run_driver_fail(loop, &err);
}

/* What is granted is told when it is durable; where nothing is bounded there is nothing to save. */
static void grant(struct budget_wait *wait, struct commit *commit)
{
    bool is_bounded = commit->batch.record_count > 0;
    unlist(wait);
    if (!is_bounded) {
        commit_destroy(commit);
        answer_status(wait, HOST_BUDGET_GRANTED);
    } else if (add_slip(wait)) {
        commit_add_ack(commit, on_saved, wait);
        run_driver_submit(commit);
    } else {
        commit_destroy(commit);
        fail_for_memory(wait->loop);
        answer_status(wait, HOST_BUDGET_FAILED);
    }
}

/* Asks the engine. A wait that goes on is in the list. */
static void ask(struct budget_wait *wait)
{
    const struct spender spender = run_tasks_spender(wait->task);
    struct spending_refusal refusal = {0};
    struct commit *commit = commit_create(wait->loop);
    int said = commit != NULL ? spender_reserve(&spender, &wait->wanted, clock_unix_ms(),
                                                &commit->batch, &refusal)
                              : E_NOMEM;
    if (said == SPENDER_GRANTED) {
        grant(wait, commit);
        return;
    }
    if (commit != NULL) {
        commit_destroy(commit);
    }
    if (said == SPENDER_REFUSED && may_fit_later(wait, &refusal)) {
        if (!wait->is_listed) {
            list(wait);
        }
        return;
    }
    unlist(wait);
    if (said == SPENDER_REFUSED) {
        refuse(wait, &refusal);
    } else if (said == SPENDER_GONE) {
        answer_status(wait, HOST_BUDGET_GONE);
    } else {
        fail_for_memory(wait->loop);
        answer_status(wait, HOST_BUDGET_FAILED);
    }
}

/* Something came back in the tree of `root`, or nobody there holds anything any more. */
static void ask_again(struct loop *loop, const struct loop_run *root)
{
    struct budget_wait *next = NULL;
    for (struct budget_wait *wait = loop->desk.first; wait != NULL; wait = next) {
        next = wait->next;
        if (run_tasks_run(wait->task)->root == root) {
            ask(wait);
        }
    }
}

static void desk_reserve(void *self, uint64_t token, const struct host_budget_wish *wish,
                         host_budget_done_cb done, void *user, void **out_wait)
{
    struct loop *loop = self;
    struct budget_wait *wait = calloc(1, sizeof(*wait));
    if (wait == NULL || loop->is_leaving) {
        free(wait);
        done(user, &(struct host_budget_answer){.status = loop->is_leaving ? HOST_BUDGET_GONE
                                                                           : HOST_BUDGET_FAILED});
        return;
    }
    *wait = (struct budget_wait){
        .loop = loop,
        .task = run_tasks_of(token),
        .wanted = {.tokens = wish->tokens, .cost = purse_cost_of(wish->cost), .calls = wish->calls},
        .done = done,
        .user = user};
    *out_wait = wait;
    ask(wait);
}

static void desk_abort(void *self, void *aborted)
{
    struct budget_wait *wait = aborted;
    (void)self; /* a wait knows its loop */
    if (wait->is_listed || wait->task == NULL) {
        unlist(wait);
        answer_status(wait, HOST_BUDGET_GONE);
    }
}

/* ---- settling ---- */

static void settle(struct loop_task *task, const struct purse_use *use,
                   const struct budget_slip *slip)
{
    struct loop *loop = run_tasks_run(task)->loop;
    const struct spender spender = run_tasks_spender(task);
    struct commit *commit = commit_create(loop);
    int status = commit != NULL ? spender_settle(&spender, use, slip != NULL ? &slip->amount : NULL,
                                                 clock_unix_ms(), &commit->batch)
                                : E_NOMEM;
    purse_total_add(&loop->numbers.spent, use);
    if (status == 0) {
        run_driver_submit(commit);
        return;
    }
    if (commit != NULL) {
        commit_destroy(commit);
    }
    fail_for_memory(loop);
}

static int64_t known(int64_t tokens)
{
    return tokens >= 0 ? tokens : PURSE_UNKNOWN;
}

static void desk_settle(void *self, uint64_t token, const struct host_budget_use *use)
{
    struct loop *loop = self;
    struct loop_task *task = run_tasks_of(token);
    struct loop_run *root = run_tasks_run(task)->root;
    const struct purse_use used = {.calls = use->calls,
                                   .input_tokens = known(use->input_tokens),
                                   .output_tokens = known(use->output_tokens),
                                   .cached_tokens = known(use->cached_tokens),
                                   .cost = purse_cost_of(use->cost)};
    if (loop->is_leaving) {
        return; /* the state is another process's */
    }
    struct budget_slip *slip = use->reservation != 0 ? take_slip(task, use->reservation) : NULL;
    settle(task, &used, slip);
    free(slip);
    ask_again(loop, root);
}

void budget_desk_end_task(struct loop_task *task)
{
    struct loop_run *root = run_tasks_run(task)->root;
    struct budget_slip **slips = run_tasks_slips(task);
    bool has_held = *slips != NULL;
    while (*slips != NULL) {
        struct budget_slip *slip = take_slip(task, (*slips)->reservation);
        const struct purse_use lost = {.calls = slip->amount.calls,
                                       .input_tokens = PURSE_UNKNOWN,
                                       .output_tokens = PURSE_UNKNOWN,
                                       .cached_tokens = PURSE_UNKNOWN,
                                       .cost = PURSE_UNKNOWN};
        settle(task, &lost, slip);
        free(slip);
    }
    if (has_held) {
        ask_again(root->loop, root);
    }
}

/* The host ends the operations of the task after the task: they find nobody then. */
static void leave(const struct loop_task *task)
{
    struct budget_wait *next = NULL;
    for (struct budget_wait *wait = run_tasks_run(task)->loop->desk.first; wait != NULL;
         wait = next) {
        next = wait->next;
        if (wait->task == task) {
            unlist(wait);
            wait->task = NULL;
        }
    }
}

void budget_desk_forget(struct loop_task *task)
{
    struct budget_slip **slips = run_tasks_slips(task);
    leave(task);
    while (*slips != NULL) {
        free(take_slip(task, (*slips)->reservation));
    }
}

/* ---- who waits ---- */

static bool is_below(const struct run *root, const struct run *run)
{
    const struct run *at = root;
    while (at != NULL && at != run) {
        at = engine_next_below(root, at);
    }
    return at != NULL;
}

void budget_desk_each_wait(const struct loop *loop, const struct run *root, budget_desk_cb each,
                           void *user)
{
    for (const struct budget_wait *wait = loop->desk.first; wait != NULL; wait = wait->next) {
        const struct spender spender = run_tasks_spender(wait->task);
        struct spending_refusal refusal;
        struct strbuf why = STRBUF_INIT;
        if (is_below(root, spender.run) &&
            spender_ask(&spender, &wait->wanted, clock_unix_ms(), &refusal) == SPENDER_REFUSED) {
            append_why(&refusal, &wait->wanted, &why);
            each(user, &spender, strbuf_str(&why));
        }
        strbuf_finish(&why);
    }
}

void budget_desk_init(struct host_budget *budget, struct loop *loop)
{
    *budget = (struct host_budget){
        .self = loop, .settle = desk_settle, .reserve = desk_reserve, .abort = desk_abort};
}
