/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that are paid for. Tasks ask the budgets of their runs for the most that a call can take,
 * make the call once that is durable, and say what it took, or nothing; who does not fit beside
 * others asks again, then for a cheaper model, and then has failed with BUDGET. What a task leaves
 * open is settled with its end, as the loop does; what was open when the process died stays held.
 *
 * The ledger is the services': what they have charged no crash takes back. Against it, and what is
 * open, is held after each event what the runs know.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/engine/run_state.h"
#include "core/engine/spender.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_store.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/random_pipeline.h"

enum {
    MOST_SCOPES = 24, /* that one call counts for */
    CHEAPER = 1,      /* as `after` of an event: the budget's own model is asked */
    CHEAPER_BY = 4,
    TOKEN_COST = 1237, /* odd: as JSON its sums are no round numbers */
};

/* What a call counts for: a node of a frame, or a run. */
struct scope {
    struct sim_run *run;
    uint64_t frame;
    uint32_t node;                          /* RECORD_NO_NODE: the run itself */
    const struct budget_settings *settings; /* NULL: it is not bounded */
};

enum call_state {
    CALL_ASKED,   /* what it may take is on its way to the disk */
    CALL_OPEN,    /* it was made, and nobody has said what it took */
    CALL_SETTLED, /* that was said; it may be on its way to the disk */
    CALL_LOST,    /* its process has died: it counts as it was reserved, for ever */
    CALL_NEVER,   /* its reservation is gone with its process, and nobody has called */
};

struct sim_paid_call {
    struct sim_run *run;
    uint64_t frame;
    uint32_t node;
    uint32_t attempt;
    struct purse_amount amount;
    struct purse_use use;        /* what will be said of it */
    struct purse_amount charged; /* what the service says */
    enum call_state state;
    struct sim_run *written_in; /* whose records say it; NULL: nothing is bounded */
    uint64_t reserved_seq;
    struct sim_run *settled_in;
    uint64_t settled_seq;
    struct scope scopes[MOST_SCOPES];
    size_t scope_count;
};

/* ---- pipelines ---- */

static void write_budget(struct random *making, uint32_t chance, uint32_t most, struct strbuf *out)
{
    if (!random_percent(making, chance)) {
        return;
    }
    strbuf_append_format(out, ", budget: {tokens: %u", 20 + random_below(making, most));
    if (random_percent(making, 30)) {
        strbuf_append_format(out, ", calls: %u", 1 + random_below(making, most / 40 + 2));
    }
    if (random_percent(making, 30)) {
        strbuf_append_format(out, ", cost: 0.000%u", 100 + random_below(making, 800));
    }
    if (random_percent(making, 15)) {
        strbuf_append_format(out, ", time: %us", 2 + random_below(making, 10));
    }
    strbuf_append_text(out, random_percent(making, 50) ? ", on_exceeded: {model: small}}" : "}");
}

static void write_task(struct random *making, const char *id, struct strbuf *out)
{
    strbuf_append_format(out, "{id: %s, type: toy.task, config: {}", id);
    write_budget(making, 40, 200, out);
    if (random_percent(making, 60)) {
        strbuf_append_format(out, ", retry: {max_attempts: %u, initial_interval: 200ms}",
                             2 + random_below(making, 3));
    }
    strbuf_append_text(out, random_percent(making, 25) ? ", timeout: 4s" : "");
    strbuf_append_text(out, random_percent(making, 20) ? ", at_most_once: true" : "");
    strbuf_append_text(out, random_percent(making, 40) ? ", on_error: continue" : "");
    strbuf_append_text(
        out, random_percent(making, 20) ? ", compensate: {type: toy.task, timeout: 3s}" : "");
    if (random_percent(making, 25)) {
        strbuf_append_format(out, ", repeat: {until: '%s.attempts >= 3', max_iterations: 3}", id);
    }
    strbuf_append_char(out, '}');
}

static void write_call(struct random *making, const char *id, const char *child, struct strbuf *out)
{
    strbuf_append_format(out, "{id: %s, type: workflow, config: {workflow: %s%s}", id, child,
                         random_percent(making, 15) ? ", wait: false" : "");
    write_budget(making, 40, 400, out);
    strbuf_append_text(out, random_percent(making, 60) ? ", on_error: continue}" : "}");
}

/* A body inside a loop: it ends or not, and its calls count for all that it is in. */
static void write_loop(struct random *making, struct strbuf *out)
{
    strbuf_append_format(out,
                         "{id: each, for_each: [1, 2, 3], max_parallel: %u, max_failures: 100%%",
                         1 + random_below(making, 2));
    write_budget(making, 60, 500, out);
    strbuf_append_text(out, ", nodes: [");
    write_task(making, "w", out);
    if (random_percent(making, 50)) {
        strbuf_append_text(out, ", ");
        write_call(making, "sub", "last", out);
    }
    strbuf_append_text(out, "]}");
}

static void write_head(struct random *making, const char *id, uint32_t chance, uint32_t most,
                       struct strbuf *out)
{
    strbuf_append_format(out, " %s: {integrations: {toy: {max_concurrency: %d}}", id,
                         RANDOM_PIPELINE_TOY_LIMIT);
    strbuf_append_text(out, random_percent(making, 30) ? ", rollback: true" : "");
    write_budget(making, chance, most, out);
}

static void write_machine(struct random *making, struct strbuf *out)
{
    write_head(making, "last", 50, 300, out);
    strbuf_append_text(out, ", max_transitions: 6, initial_state: s, states: {s: {type: toy.task, "
                            "config: {}");
    write_budget(making, 40, 200, out);
    strbuf_append_text(out, ", transitions: {success: [{when: 's.attempts < 3', to: s}, {to: t}], "
                            "budget: u, error: t}}, t: {}, u: {}}}\n");
}

void sim_budget_write_pipeline(struct random *making, struct strbuf *out)
{
    strbuf_append_text(out, "workflows:\n");
    write_head(making, "main", 80, 900, out);
    strbuf_append_text(out, ", nodes: [");
    write_task(making, "a", out);
    strbuf_append_text(out, ", {id: spent, type: set, config: {}}, ");
    write_loop(making, out);
    strbuf_append_text(out, ", ");
    write_call(making, "call", "child", out);
    strbuf_append_text(out, ", ");
    write_task(making, "b", out);
    strbuf_append_text(out,
                       "], edges: [{source: a, target: spent, outcome: budget}, {source: call, "
                       "target: b, outcome: budget}]}\n");
    write_head(making, "child", 60, 400, out);
    strbuf_append_text(out, ", nodes: [");
    write_task(making, "x", out);
    strbuf_append_text(out, ", ");
    write_call(making, "below", "last", out);
    strbuf_append_text(out, "]}\n");
    write_machine(making, out);
}

/* ---- what a call counts for ---- */

static void add_scope(struct sim_paid_call *call, struct scope scope)
{
    SIM_HOLDS(call->run->sim, call->scope_count < MOST_SCOPES);
    call->scopes[call->scope_count++] = scope;
}

static void add_scopes_of_run(struct sim_paid_call *call, struct sim_run *run,
                              const struct frame *frame, uint32_t node)
{
    while (frame != NULL && node != RECORD_NO_NODE) {
        add_scope(call, (struct scope){run, frame->id, node, run->pipeline->nodes[node].budget});
        node = frame->owner;
        frame = frame->parent;
    }
    add_scope(call, (struct scope){run, 0, RECORD_NO_NODE, run->pipeline->budget});
}

/* Whose node waits for the end of this run; NULL: nobody's. */
static const struct frame *find_who_waits(const struct sim_run *run)
{
    bool is_waited_for = run->is_child && run->call.is_awaited && !run_is_ended(run->run) &&
                         run->caller->run != NULL;
    return is_waited_for ? frame_find(run->caller->run, run->call.frame) : NULL;
}

static void add_scopes(struct sim_paid_call *call)
{
    struct sim_run *run = call->run;
    const struct frame *frame = frame_find(run->run, call->frame);
    uint32_t node = call->node;
    while (frame != NULL) {
        add_scopes_of_run(call, run, frame, node);
        frame = find_who_waits(run);
        node = run->call.node;
        run = run->caller;
    }
}

static bool is_of(const struct scope *a, const struct scope *b)
{
    return a->run == b->run && a->frame == b->frame && a->node == b->node;
}

static bool counts_for(const struct sim_paid_call *call, const struct scope *scope)
{
    for (size_t i = 0; i < call->scope_count; i++) {
        if (is_of(&call->scopes[i], scope)) {
            return true;
        }
    }
    return false;
}

/* ---- the ledger ---- */

static int64_t known(int64_t number)
{
    return number > 0 ? number : 0;
}

static void add_amount(struct purse_amount *sum, const struct purse_amount *amount)
{
    sum->tokens += amount->tokens;
    sum->cost += known(amount->cost);
    sum->calls += amount->calls;
}

/* As it has to be known of a call that was settled. */
static struct purse_amount settled_amount(const struct sim_paid_call *call)
{
    const struct purse_use *use = &call->use;
    bool is_counted = use->input_tokens >= 0;
    return (struct purse_amount){.tokens = is_counted ? use->input_tokens + use->output_tokens
                                                      : call->amount.tokens,
                                 .cost = use->cost >= 0 ? use->cost : known(call->amount.cost),
                                 .calls = use->calls};
}

struct expected {
    struct purse purse;
    struct purse_amount charged;
    struct purse_total total;
};

static struct expected expect(const struct sim *sim, const struct scope *scope)
{
    struct expected sum = {0};
    for (size_t i = 0; i < sim->paid_count; i++) {
        const struct sim_paid_call *call = &sim->paid[i];
        if (!counts_for(call, scope)) {
            continue;
        }
        add_amount(&sum.charged, &call->charged);
        if (call->state == CALL_SETTLED) {
            const struct purse_amount spent = settled_amount(call);
            add_amount(&sum.purse.spent, &spent);
            purse_total_add(&sum.total, &call->use);
        } else if (call->state != CALL_NEVER) {
            add_amount(&sum.purse.held, &call->amount);
        }
    }
    return sum;
}

static bool is_same_amount(const struct purse_amount *a, const struct purse_amount *b)
{
    return a->tokens == b->tokens && a->cost == b->cost && a->calls == b->calls;
}

static bool is_within(int64_t limit, int64_t sum)
{
    return limit < 0 || sum <= limit;
}

/* Whatever crashes: what services have charged is never more than was allowed. */
static void check_never_more(const struct sim *sim, const struct scope *scope)
{
    const struct expected sum = expect(sim, scope);
    const struct budget_settings *has = scope->settings;
    bool never_more_is_spent_than_the_budget_allows = has == NULL ||
                                                      (is_within(has->tokens, sum.charged.tokens) &&
                                                       is_within(has->cost, sum.charged.cost) &&
                                                       is_within(has->calls, sum.charged.calls));
    SIM_HOLDS(sim, never_more_is_spent_than_the_budget_allows);
}

static const struct purse *find_purse(const struct scope *scope)
{
    const struct run *run = scope->run->run;
    if (scope->node == RECORD_NO_NODE) {
        return &run->purse;
    }
    const struct frame *frame = frame_find(run, scope->frame);
    const struct node_account *at = frame != NULL ? frame->accounts : NULL;
    while (at != NULL && at->node != scope->node) {
        at = at->next;
    }
    return at != NULL ? &at->purse : NULL; /* what it was in has ended */
}

static bool is_same_total(const struct purse_total *a, const struct purse_total *b)
{
    return a->calls == b->calls && a->input_tokens == b->input_tokens &&
           a->output_tokens == b->output_tokens && a->cost == b->cost &&
           a->uncounted == b->uncounted && a->unpriced == b->unpriced;
}

static void check_scope(const struct sim *sim, const struct scope *scope)
{
    if (scope->run->run == NULL) {
        return;
    }
    const struct expected sum = expect(sim, scope);
    const struct purse *purse = find_purse(scope);
    if (scope->settings != NULL && purse != NULL) {
        bool what_is_held_is_what_is_open_and_no_more =
            is_same_amount(&purse->held, &sum.purse.held);
        SIM_HOLDS(sim, what_is_held_is_what_is_open_and_no_more);
        bool each_call_is_spent_once = is_same_amount(&purse->spent, &sum.purse.spent);
        SIM_HOLDS(sim, each_call_is_spent_once);
    }
    if (scope->node == RECORD_NO_NODE) {
        bool the_run_knows_what_its_calls_took =
            is_same_total(run_spent(scope->run->run), &sum.total);
        SIM_HOLDS(sim, the_run_knows_what_its_calls_took);
    }
}

static bool is_first_of(const struct sim *sim, const struct sim_paid_call *call,
                        const struct scope *scope)
{
    for (const struct sim_paid_call *at = sim->paid; at != call; at++) {
        if (counts_for(at, scope)) {
            return false;
        }
    }
    return true;
}

void sim_budget_check(const struct sim *sim)
{
    for (size_t i = 0; sim->engine != NULL && i < sim->paid_count; i++) {
        const struct sim_paid_call *call = &sim->paid[i];
        for (size_t s = 0; s < call->scope_count; s++) {
            if (is_first_of(sim, call, &call->scopes[s])) {
                check_scope(sim, &call->scopes[s]);
            }
        }
    }
}

/* ---- asking ---- */

static struct spender spender_of(const struct sim_run *run, const struct sim_event *event)
{
    return (struct spender){
        .run = run->run, .frame = event->frame, .node = event->node, .attempt = event->attempt};
}

static struct sim_paid_call *add_call(struct sim_run *run, const struct sim_event *event,
                                      const struct purse_amount *amount)
{
    struct sim *sim = run->sim;
    struct sim_paid_call *calls =
        array_reserve(sim->paid, &sim->paid_cap, sim->paid_count + 1, sizeof(*calls));
    SIM_HOLDS(sim, calls != NULL);
    sim->paid = calls;
    struct sim_paid_call *call = &calls[sim->paid_count++];
    *call = (struct sim_paid_call){.run = run,
                                   .frame = event->frame,
                                   .node = event->node,
                                   .attempt = event->attempt,
                                   .amount = *amount,
                                   .state = CALL_ASKED};
    return call;
}

/* What the service charges, and what the plugin will say of it: that, nothing, or not a word. */
static void decide_use(struct sim_paid_call *call)
{
    struct random *random = &call->run->sim->random;
    uint32_t dice = random_below(random, 100);
    int64_t tokens = random_below(random, (uint32_t)call->amount.tokens + 1);
    if (dice < 10) {
        return; /* nothing was called after all */
    }
    bool has_price = call->amount.cost >= 0;
    call->charged = (struct purse_amount){
        .tokens = tokens, .cost = has_price ? tokens * TOKEN_COST : 0, .calls = 1};
    bool is_known = dice < 85;
    call->use =
        (struct purse_use){.calls = 1,
                           .input_tokens = is_known ? tokens / 2 : PURSE_UNKNOWN,
                           .output_tokens = is_known ? tokens - tokens / 2 : PURSE_UNKNOWN,
                           .cached_tokens = 0,
                           .cost = is_known && has_price ? call->charged.cost : PURSE_UNKNOWN};
}

/* The call is made: what it may take is durable, if it is bounded. */
static void make_call(struct sim_paid_call *call)
{
    struct sim *sim = call->run->sim;
    bool a_call_is_made_once_what_it_may_take_is_durable =
        call->written_in == NULL ||
        sim_store_last_seq(sim->store, call->written_in->number) >= call->reserved_seq;
    SIM_HOLDS(sim, a_call_is_made_once_what_it_may_take_is_durable ||
                       sim->plant == SIM_PLANT_B1); /* that one shows in what is spent */
    decide_use(call);
    call->state = CALL_OPEN;
    for (size_t i = 0; i < call->scope_count; i++) {
        check_never_more(sim, &call->scopes[i]);
    }
    if (random_percent(&sim->random, 85)) {
        sim_schedule(sim, (struct sim_event){.at = sim_later(sim, 600),
                                             .type = SIM_SETTLE,
                                             .run = call->run->index,
                                             .life = call->run->root->life,
                                             .turn = (uint64_t)(call - sim->paid)});
    }
}

void sim_budget_granted(struct sim *sim, size_t call)
{
    if (sim->paid[call].state == CALL_ASKED) {
        make_call(&sim->paid[call]);
    }
}

static void note_written(const struct batch *batch, struct sim_run **out_run, uint64_t *out_seq)
{
    if (batch->record_count > 0) {
        const struct record *last = &batch->records[batch->record_count - 1];
        *out_run = engine_run_user(last->run);
        *out_seq = last->seq;
    }
}

static void grant(struct sim_run *run, const struct sim_event *event, struct sim_commit *commit,
                  const struct purse_amount *wanted)
{
    struct sim *sim = run->sim;
    struct sim_paid_call *call = add_call(run, event, wanted);
    size_t index = sim->paid_count - 1;
    add_scopes(call);
    note_written(&commit->batch, &call->written_in, &call->reserved_seq);
    commit->answer = SIM_ANSWER_GRANTED;
    commit->call = index;
    commit->run = run;
    sim->granted++;
    sim_commit_submit(commit);
    if (sim->plant == SIM_PLANT_B1) {
        sim_budget_granted(sim, index);
    }
}

/* ---- refusals ---- */

static bool is_any_open(const struct sim_run *root, const struct sim_run *run,
                        const struct sim_event *task)
{
    const struct sim *sim = root->sim;
    for (size_t i = 0; i < sim->paid_count; i++) {
        const struct sim_paid_call *call = &sim->paid[i];
        bool is_open = call->state == CALL_OPEN || call->state == CALL_ASKED;
        bool is_own = run == NULL || (call->run == run && call->frame == task->frame &&
                                      call->node == task->node && call->attempt == task->attempt);
        if (is_open && is_own && call->run->root == root) {
            return true;
        }
    }
    return false;
}

static bool fits(int64_t limit, int64_t spent, int64_t held, int64_t wanted)
{
    return limit < 0 || spent + held + wanted <= limit;
}

static void check_refused_with_reason(struct sim_run *run, const struct sim_event *event,
                                      const struct purse_amount *wanted)
{
    struct sim_paid_call asked = {.run = run, .frame = event->frame, .node = event->node};
    bool has_reason = false;
    add_scopes(&asked);
    for (size_t i = 0; i < asked.scope_count; i++) {
        const struct budget_settings *has = asked.scopes[i].settings;
        const struct expected sum = expect(run->sim, &asked.scopes[i]);
        const struct purse_amount *spent = &sum.purse.spent;
        const struct purse_amount *held = &sum.purse.held;
        has_reason =
            has_reason ||
            (has != NULL &&
             (!fits(has->tokens, spent->tokens, held->tokens, wanted->tokens) ||
              !fits(has->calls, spent->calls, held->calls, wanted->calls) ||
              (has->cost >= 0 && wanted->cost < 0) ||
              !fits(has->cost, spent->cost, held->cost, known(wanted->cost)) || has->time_ms >= 0));
    }
    bool who_is_refused_does_not_fit = has_reason;
    SIM_HOLDS(run->sim, who_is_refused_does_not_fit);
}

/* The task gives up; or goes on without. */
static void end_refused(struct sim_run *run, const struct sim_event *event)
{
    struct document *error =
        pipeline_fixture_json("{\"code\": \"BUDGET\", \"message\": \"spent\"}");
    struct watched_node *task = run_watch_node(&run->watch, event->frame, event->node);
    run->sim->refused++;
    if (random_percent(&run->sim->random, 70)) {
        sim_ledger_outside(run, event->frame, event->node);
        run_watch_task_ended(&run->watch, task);
        sim_budget_end_task(run, event);
        sim_driver_tell(run,
                        &(struct run_event){.type = RUN_EVENT_FAILED,
                                            .frame = event->frame,
                                            .node = event->node,
                                            .attempt = event->attempt,
                                            .error = error},
                        SIM_ANSWER_NONE);
    }
    document_unref(error);
}

static void refuse(struct sim_run *run, const struct sim_event *event,
                   const struct purse_amount *wanted, const struct spending_refusal *refusal)
{
    struct sim *sim = run->sim;
    const struct purse idle = {.spent = refusal->purse.spent};
    bool fits_later = refusal->verdict != PURSE_NO_TIME && !is_any_open(run->root, run, event) &&
                      is_any_open(run->root, NULL, NULL) &&
                      purse_ask(refusal->settings, &idle, wanted, 0) == PURSE_FITS;
    struct sim_event again = *event;
    check_refused_with_reason(run, event, wanted);
    again.at = sim->now + 1 + random_below(&sim->random, 200);
    if (fits_later) {
        sim_schedule(sim, again);
    } else if (refusal->settings->model.n > 0 && event->after != CHEAPER) {
        again.after = CHEAPER;
        again.turn = event->turn / CHEAPER_BY;
        sim_schedule(sim, again);
    } else {
        end_refused(run, event);
    }
}

void sim_budget_ask(struct sim_run *run, const struct sim_event *event)
{
    struct sim *sim = run->sim;
    const struct spender spender = spender_of(run, event);
    bool has_price = event->turn % 16 != 7;
    const struct purse_amount wanted = {.tokens = (int64_t)event->turn,
                                        .cost = has_price ? (int64_t)event->turn * TOKEN_COST
                                                          : PURSE_UNKNOWN,
                                        .calls = 1};
    struct spending_refusal refusal = {0};
    struct watched_node *task = run_watch_node(&run->watch, event->frame, event->node);
    if (!task->is_live || task->attempt != event->attempt) {
        return;
    }
    struct sim_commit *commit = sim_commit_create(sim);
    int said = spender_reserve(&spender, &wanted, sim->now, &commit->batch, &refusal);
    SIM_HOLDS(sim, said >= 0);
    if (said == SPENDER_GRANTED) {
        grant(run, event, commit, &wanted);
        return;
    }
    sim_commit_submit(commit); /* it is empty */
    if (said == SPENDER_REFUSED) {
        refuse(run, event, &wanted, &refusal);
    }
}

void sim_budget_plan(struct sim_run *run, const struct sim_event *task)
{
    struct sim *sim = run->sim;
    uint32_t calls = sim->has_budgets ? random_below(&sim->random, 4) : 0;
    for (uint32_t i = 0; i < calls; i++) {
        struct sim_event ask = *task;
        ask.type = SIM_RESERVE;
        ask.at = sim_later(sim, 700);
        ask.run = run->index;
        ask.life = run->root->life;
        ask.turn = 5 + random_below(&sim->random, 80);
        sim_schedule(sim, ask);
    }
}

/* ---- settling ---- */

enum settling {
    SETTLING,
    SETTLING_TWICE, /* nothing is held for it any more */
};

static void settle(struct sim_paid_call *call, enum settling settling)
{
    struct sim *sim = call->run->sim;
    const struct spender spender = {
        .run = call->run->run, .frame = call->frame, .node = call->node, .attempt = call->attempt};
    struct sim_commit *commit = sim_commit_create(sim);
    bool is_held = call->written_in != NULL && settling == SETTLING;
    int status = spender_settle(&spender, &call->use, is_held ? &call->amount : NULL, sim->now,
                                &commit->batch);
    SIM_HOLDS(sim, status == 0);
    bool who_is_at_work_can_settle = commit->batch.record_count > 0;
    SIM_HOLDS(sim, who_is_at_work_can_settle);
    note_written(&commit->batch, &call->settled_in, &call->settled_seq);
    call->state = CALL_SETTLED;
    sim_commit_submit(commit);
}

void sim_budget_settle(struct sim_run *run, const struct sim_event *event)
{
    struct sim *sim = run->sim;
    struct sim_paid_call *call = &sim->paid[event->turn];
    if (call->state != CALL_OPEN) {
        return; /* with the end of the task */
    }
    settle(call, SETTLING);
    if (sim->plant == SIM_PLANT_B3 && random_percent(&sim->random, 10)) {
        settle(call, SETTLING_TWICE);
    }
}

void sim_budget_end_task(struct sim_run *run, const struct sim_event *task)
{
    struct sim *sim = run->sim;
    for (size_t i = 0; i < sim->paid_count; i++) {
        struct sim_paid_call *call = &sim->paid[i];
        bool is_its = call->run == run && call->frame == task->frame && call->node == task->node &&
                      call->attempt == task->attempt;
        bool is_open = call->state == CALL_OPEN || call->state == CALL_ASKED;
        if (is_its && is_open) {
            call->use = (struct purse_use){call->amount.calls, PURSE_UNKNOWN, PURSE_UNKNOWN,
                                           PURSE_UNKNOWN, PURSE_UNKNOWN};
            if (sim->plant == SIM_PLANT_B2) {
                call->state = CALL_SETTLED;
            } else {
                settle(call, SETTLING);
            }
        }
    }
}

/* ---- the death of the process ---- */

static bool is_left(const struct sim *sim, const struct sim_run *run, uint64_t seq)
{
    return run == NULL || sim_store_last_seq(sim->store, run->number) >= seq;
}

void sim_budget_crash(struct sim *sim)
{
    for (size_t i = 0; i < sim->paid_count; i++) {
        struct sim_paid_call *call = &sim->paid[i];
        bool is_held = is_left(sim, call->written_in, call->reserved_seq);
        if (call->state == CALL_LOST || call->state == CALL_NEVER) {
            continue;
        }
        if (!is_held) {
            bool was_made = call->charged.calls > 0;
            call->state = CALL_NEVER;
            SIM_HOLDS(sim, !was_made || sim->plant == SIM_PLANT_B1);
            continue;
        }
        if (call->state != CALL_SETTLED || !is_left(sim, call->settled_in, call->settled_seq)) {
            call->state = CALL_LOST;
            sim->lost_calls++;
        }
        call->settled_in = NULL; /* for ever */
        call->written_in = NULL;
    }
}

void sim_budget_finish(struct sim *sim)
{
    free(sim->paid);
}
