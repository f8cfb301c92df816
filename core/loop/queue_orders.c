/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/queue_orders.h"

#include "core/base/error.h"
#include "core/engine/engine.h"
#include "core/engine/failure.h"
#include "core/engine/queue.h"
#include "core/loop/commit.h"
#include "core/loop/run_driver.h"
#include "core/model/catalogue.h"
#include "core/model/pipeline.h"
#include "core/value/schema.h"
#include "core/value/value.h"

static int decide(struct loop_run *run, const struct run_event *event, struct commit *commit,
                  struct error *err)
{
    return run_driver_decide(run, event, commit) ? 0 : error_nomem(err);
}

/* What waits for the breaker was asked again when it was loaded. */
static int try_now(struct loop_run *run, struct commit *commit, struct error *err)
{
    struct run_node_view view = run_node(run->run, 0);
    const struct run_event event = {
        .type = RUN_EVENT_TIMER, .timer = TIMER_WAIT, .attempt = view.attempt};
    return view.state == NODE_RUNNING && view.is_delayed ? decide(run, &event, commit, err) : 0;
}

/* It was judged when it was new: what a person wrote has to be what the type takes. */
static int check_input(const struct loop_run *run, const struct document *input, struct error *err)
{
    const struct node *node = &run_pipeline(run->run)->nodes[0];
    if (!value_is(document_root(input), VALUE_MAP)) {
        return error_set(err, E_INVALID, "the input has to be a map: the config of '%.*s'",
                         STR_ARG(node->type->name));
    }
    int status = schema_validate(node->type->config_schema, document_root(input), NULL, err);
    if (status != 0 && status != E_NOMEM) {
        error_prefix(err, "the input is no config of '%.*s': ", STR_ARG(node->type->name));
        return E_INVALID;
    }
    return status;
}

/* All attempts are there again, also those that ended the process. */
static int requeue(struct loop_run *run, const struct loop_command *command, struct commit *commit,
                   struct error *err)
{
    const struct run_event event = {.type = RUN_EVENT_RESOLVE,
                                    .resolution = RUN_RESOLVE_AGAIN,
                                    .output = command->data,
                                    .has_priority = command->has_priority,
                                    .priority = command->priority};
    int status = command->data != NULL ? check_input(run, command->data, err) : 0;
    if (status == 0 && run->crashes > 0) {
        run->crashes = 0;
        commit_add_mark(commit,
                        &(struct journal_mark){.run = run->number, .kind = JOURNAL_MARK_CRASHES});
    }
    return status == 0 ? decide(run, &event, commit, err) : status;
}

static int skip(struct loop_run *run, const struct loop_command *command, struct commit *commit,
                struct error *err)
{
    const struct run_event event = {
        .type = RUN_EVENT_RESOLVE, .resolution = RUN_RESOLVE_OUTPUT, .output = command->data};
    return decide(run, &event, commit, err);
}

static int drop(struct loop_run *run, struct commit *commit, struct error *err)
{
    cleanup_document struct document *failure =
        failure_create(FAILURE_DROPPED, STR("a person has dropped it"), NULL);
    const struct run_event event = {
        .type = RUN_EVENT_RESOLVE, .resolution = RUN_RESOLVE_FAIL, .error = failure};
    return decide(run, &event, commit, err);
}

/* One that still waits may be dropped, too. */
static int cancel(struct loop_run *run, struct commit *commit, struct error *err)
{
    const struct run_event event = {.type = RUN_EVENT_CANCEL, .reason = STOP_REQUESTED};
    return decide(run, &event, commit, err);
}

static int refuse_live(const struct loop_run *run, struct error *err)
{
    return error_set(err, E_CONFLICT,
                     "'%.*s' is not given up: it waits for its turn; 'opstream queue run' has it "
                     "tried now",
                     STR_ARG(run_id(run->run)));
}

int queue_orders_carry_out(struct loop_run *run, const struct loop_command *command,
                           struct commit *commit, struct error *err)
{
    if (!queue_is_item(run->run)) {
        return error_set(err, E_INVALID,
                         "'%.*s' is no item of the queue; 'opstream queue list' and 'opstream dlq "
                         "list' show them",
                         STR_ARG(run_id(run->run)));
    }
    bool is_given_up = run_node(run->run, 0).is_unknown;
    switch (command->action) {
    case LOOP_TRY:
        return is_given_up ? error_set(err, E_CONFLICT,
                                       "it is given up: 'opstream dlq requeue' has it tried again")
                           : try_now(run, commit, err);
    case LOOP_REQUEUE:
        return is_given_up ? requeue(run, command, commit, err) : refuse_live(run, err);
    case LOOP_SKIP:
        return is_given_up ? skip(run, command, commit, err) : refuse_live(run, err);
    case LOOP_DROP:
        return is_given_up ? drop(run, commit, err) : cancel(run, commit, err);
    default:
        return E_INVALID;
    }
}
