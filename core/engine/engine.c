/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event is decided and applied; then all that can follow at once: effects for dispatch, what
 * dispatch admits (of any run), ready nodes, the end of a run. Much that is ready at once is done
 * in portions, so that the loop stays responsive and a batch small: EFFECT_CONTINUE asks for the
 * next.
 */
#include "core/engine/engine.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/engine/dispatch.h"
#include "core/engine/dispatch_limit.h"
#include "core/engine/dispatch_scope.h"
#include "core/engine/engine_state.h"
#include "core/engine/member.h"
#include "core/engine/refusal.h"
#include "core/engine/shared.h"
#include "core/engine/sleepers.h"
#include "core/engine/tickets.h"
#include "core/engine/waits.h"
#include "core/model/catalogue.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"

enum {
    DEFAULT_STEPS_PER_BATCH = 512,
    DEFAULT_PLUGIN_CONCURRENCY = 25,
    DEFAULT_PROCESS_CONCURRENCY = 4,
    DEFAULT_CALL_CONCURRENCY = 512,
};

/* One call of the engine. */
struct turn {
    struct engine *engine;
    int64_t now;
    struct batch *batch;
    size_t next_effect; /* of the batch: those before it have been looked at */
    struct member *first_due;
    struct member *last_due;
    unsigned steps;
};

int engine_create(const struct engine_options *options, struct engine **out_engine,
                  struct error *err)
{
    struct engine *engine = calloc(1, sizeof(*engine));
    if (engine == NULL) {
        return error_nomem(err);
    }
    engine->options = *options;
    if (engine->options.steps_per_batch == 0) {
        engine->options.steps_per_batch = DEFAULT_STEPS_PER_BATCH;
    }
    engine->dispatch = dispatch_create();
    engine->sleepers = sleepers_create();
    if (engine->dispatch == NULL || engine->sleepers == NULL) {
        engine_destroy(engine);
        return error_nomem(err);
    }
    engine->tickets = (struct tickets){
        .dispatch = engine->dispatch,
        .plugin_concurrency = options->plugin_concurrency > 0 ? options->plugin_concurrency
                                                              : DEFAULT_PLUGIN_CONCURRENCY,
        .process_concurrency = options->process_concurrency > 0 ? options->process_concurrency
                                                                : DEFAULT_PROCESS_CONCURRENCY,
        .call_concurrency = options->call_concurrency > 0 ? options->call_concurrency
                                                          : DEFAULT_CALL_CONCURRENCY,
    };
    *out_engine = engine;
    return 0;
}

void engine_set_instance(struct engine *engine, struct str instance)
{
    engine->instance = instance;
}

void engine_drop_member(struct engine *engine, struct member *member)
{
    member_release_tickets(member, engine->dispatch);
    rooms_drop(&engine->rooms, engine->dispatch, member);
    while (member->first_called != NULL) {
        member_unlink(member->first_called);
    }
    member_unlink(member);
    if (member->previous != NULL) {
        member->previous->next = member->next;
    } else {
        engine->members = member->next;
    }
    if (member->next != NULL) {
        member->next->previous = member->previous;
    }
    dispatch_scope_destroy(member->scope);
    strmap_finish(&member->guards);
    run_destroy(member->run);
    free(member);
}

void engine_destroy(struct engine *engine)
{
    if (engine == NULL) {
        return;
    }
    while (engine->members != NULL) {
        engine_drop_member(engine, engine->members);
    }
    sleepers_destroy(engine->sleepers);
    dispatch_destroy(engine->dispatch);
    free(engine);
}

/* ---- steps ---- */

static void member_due(struct turn *turn, struct member *member, enum member_due due)
{
    bool is_listed = member->due != DUE_NOTHING;
    member->due = due; /* a run that has ended needs no cancel any more */
    if (is_listed) {
        return;
    }
    member->next_due = NULL;
    if (turn->last_due == NULL) {
        turn->first_due = member;
    } else {
        turn->last_due->next_due = member;
    }
    turn->last_due = member;
}

/* A child's id is its parent's and the path of the node that runs it. */
static int member_create(struct engine *engine, const struct run_options *options,
                         struct member **out_member, struct error *err);

static int start_child(struct turn *turn, const struct effect *effect)
{
    struct member *parent = member_of(effect->run);
    struct member *child = NULL;
    struct strbuf id = STRBUF_INIT;
    strbuf_append_str(&id, run_id(effect->run));
    strbuf_append_char(&id, '/');
    run_append_child_path(effect->run, effect, &id);
    const struct engine_options *own = &turn->engine->options;
    struct run_options options = {
        .number = own->next_run != NULL ? own->next_run(own->user) : 0,
        .pipeline = effect->child,
        .input = effect->config,
        .id = strbuf_str(&id),
        .triggered_by = STR("workflow"),
        .depth = run_depth(effect->run) + 1,
        .max_memory_mb = run_max_memory_mb(effect->run),
        .has_rollback = effect->attempt > 0 && run_has_rollback(effect->run),
        .secrets = run_secrets(effect->run),
    };
    int status = strbuf_status(&id);
    if (status == 0) {
        status = member_create(turn->engine, &options, &child, NULL);
    }
    strbuf_finish(&id);
    if (status != 0) {
        return status;
    }
    member_link(parent, child);
    child->parent = effect->attempt > 0 ? parent : NULL;
    child->parent_frame = effect->frame;
    child->parent_node = effect->node;
    child->parent_attempt = effect->attempt;
    member_due(turn, child, DUE_START);
    return 0;
}

/* It belongs to nobody: what becomes of the run that queued it is nothing to it. */
static int start_item(struct turn *turn, const struct effect *effect)
{
    const struct engine_options *own = &turn->engine->options;
    struct member *item = NULL;
    struct strbuf id = STRBUF_INIT;
    strbuf_append_str(&id, run_id(effect->run));
    strbuf_append_char(&id, '/');
    run_append_child_path(effect->run, effect, &id);
    struct run_options options = {
        .number = own->next_run != NULL ? own->next_run(own->user) : 0,
        .pipeline = effect->child,
        .input = effect->config,
        .id = strbuf_str(&id),
        .triggered_by = STR("queue"),
        .secrets = run_secrets(effect->run),
    };
    int status = strbuf_status(&id);
    if (status == 0) {
        status = member_create(turn->engine, &options, &item, NULL);
    }
    strbuf_finish(&id);
    if (status == 0) {
        item->origin = effect->run;
        member_due(turn, item, DUE_START);
    }
    return status;
}

/* A node whose child is told to stop; tasks are for who drives the engine. */
static void stop_child(struct turn *turn, const struct effect *effect)
{
    const struct node *node = &run_pipeline(effect->run)->nodes[effect->node];
    struct member *child =
        node->kind == NODE_WORKFLOW
            ? member_find_child(member_of(effect->run), effect->frame, effect->node)
            : NULL;
    if (child != NULL && child->due != DUE_END) {
        child->stop_reason = stop_reason_inside(effect->reason);
        if (child->due == DUE_NOTHING) {
            member_due(turn, child, DUE_CANCEL);
        }
    }
}

/* It has ended, and is there for its caller. */
static void undo_child(struct turn *turn, const struct effect *effect)
{
    struct member *child =
        member_find_called(member_of(effect->run), effect->frame, effect->node, effect->attempt);
    CHECK_NAMED(child != NULL, run_id(effect->run).p);
    member_due(turn, child, DUE_UNDO);
}

/* Effects that dispatch carries out; the others are for who drives the engine. */
static int turn_dispatch_effects(struct turn *turn)
{
    for (; turn->next_effect < turn->batch->effect_count; turn->next_effect++) {
        const struct effect *effect = &turn->batch->effects[turn->next_effect];
        struct member *member = member_of(effect->run);
        int status = 0;
        if (effect->type == EFFECT_WANT_START) {
            status = tickets_want(&turn->engine->tickets, member, effect);
        } else if (effect->type == EFFECT_RELEASE) {
            tickets_release(&turn->engine->tickets, member, effect);
        } else if (effect->type == EFFECT_START_CHILD) {
            status = start_child(turn, effect);
        } else if (effect->type == EFFECT_QUEUE) {
            status = start_item(turn, effect);
        } else if (effect->type == EFFECT_STOP) {
            stop_child(turn, effect);
        } else if (effect->type == EFFECT_RUN_ENDED && member->parent != NULL) {
            member_due(turn, member, DUE_END);
        } else if (effect->type == EFFECT_UNDO_CHILD) {
            undo_child(turn, effect);
        } else if (effect->type == EFFECT_RUN_UNDONE) {
            member_due(turn, member, DUE_UNDONE);
        }
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

int engine_apply(struct run *run, struct batch *batch, size_t first)
{
    for (size_t i = first; i < batch->record_count; i++) {
        if (!run_name_record(run, &batch->records[i])) {
            return E_NOMEM;
        }
        run_apply(run, &batch->records[i]);
    }
    if (batch->record_count > first) {
        rooms_count(run, &batch->records[first], batch->record_count - first);
    }
    return run_has_failed(run) ? E_NOMEM : 0;
}

static int turn_step(struct turn *turn, struct run *run, const struct run_event *event)
{
    size_t first = turn->batch->record_count;
    if (turn->engine->options.value_bytes != NULL) {
        rooms_look(&turn->engine->rooms, run, event, turn->engine->options.value_bytes());
    }
    run_decide(run, event, turn->now, turn->batch);
    if (turn->batch->has_failed) {
        return E_NOMEM;
    }
    if (turn->batch->lacks_room) {
        turn->batch->lacks_room = false;
        rooms_hold(&turn->engine->rooms, run);
        return 0;
    }
    int status = engine_apply(run, turn->batch, first);
    turn->steps++;
    return status == 0 ? turn_dispatch_effects(turn) : status;
}

static int member_advance(struct turn *turn, struct member *member)
{
    while (run_has_work(member->run)) {
        if (turn->steps >= turn->engine->options.steps_per_batch) {
            if (!member->has_continue) {
                struct effect effect = {.run = member->run, .type = EFFECT_CONTINUE};
                batch_add_effect(turn->batch, &effect);
                member->has_continue = true;
            }
            return turn->batch->has_failed ? E_NOMEM : 0;
        }
        int status = turn_step(turn, member->run, &(struct run_event){.type = RUN_EVENT_ADVANCE});
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

static int turn_ticket(struct turn *turn, const struct dispatch_ticket *ticket,
                       struct run_event *event)
{
    struct member *member = ticket->owner;
    event->frame = ticket->frame;
    event->node = ticket->node;
    int status = turn_step(turn, member->run, event);
    return status == 0 ? member_advance(turn, member) : status;
}

static int turn_refused(struct turn *turn, const struct dispatch_ticket *ticket)
{
    struct document *failure = refusal_describe(ticket->guard);
    struct run_event event = {.type = RUN_EVENT_REFUSED, .error = failure};
    int status = failure != NULL ? turn_ticket(turn, ticket, &event) : E_NOMEM;
    document_unref(failure);
    return status;
}

/* What a permit that came back lets start, in any run, and whom a breaker refused. */
static int turn_admit(struct turn *turn)
{
    struct dispatch *dispatch = turn->engine->dispatch;
    struct dispatch_ticket *admitted = NULL;
    struct dispatch_ticket *refused = NULL;
    int status = 0;
    while (status == 0 && ((admitted = dispatch_next_admitted(dispatch)) != NULL ||
                           (refused = dispatch_next_refused(dispatch)) != NULL)) {
        struct run_event event = {.type = RUN_EVENT_ADMITTED};
        status = admitted != NULL ? turn_ticket(turn, admitted, &event)
                                  : turn_refused(turn, refused);
    }
    return status;
}

static int tell_parent(struct turn *turn, struct member *child)
{
    struct member *parent = child->parent;
    struct run_event event = {
        .type = RUN_EVENT_CHILD,
        .frame = child->parent_frame,
        .node = child->parent_node,
        .attempt = child->parent_attempt,
        .child_state = run_state(child->run),
        .port = run_pipeline(child->run)->id,
        .output = run_output(child->run),
        .error = run_error(child->run),
        .has_undo = run_has_undo(child->run) && run_has_rollback(parent->run),
    };
    child->parent = NULL; /* told once */
    child->has_undo = event.has_undo;
    int status = turn_step(turn, parent->run, &event);
    return status == 0 ? member_advance(turn, parent) : status;
}

static int tell_undone(struct turn *turn, const struct member *child)
{
    struct member *caller = child->caller;
    struct run_event event = {
        .type = RUN_EVENT_CHILD_UNDONE,
        .frame = child->parent_frame,
        .node = child->parent_node,
        .attempt = child->parent_attempt,
        .error = run_undo_error(child->run),
    };
    int status = turn_step(turn, caller->run, &event);
    return status == 0 ? member_advance(turn, caller) : status;
}

/* A cancel wins over a pause: what is undone for the run goes on, too. */
static int resume_undoing(struct turn *turn, const struct member *top)
{
    int status = 0;
    struct member *at = top->first_called;
    for (; status == 0 && at != NULL; at = member_next_below(top, at)) {
        if (run_is_paused(at->run) && run_is_undoing(at->run)) {
            status = turn_step(turn, at->run, &(struct run_event){.type = RUN_EVENT_RESUME});
            status = status == 0 ? member_advance(turn, at) : status;
        }
    }
    return status;
}

static int turn_event(struct turn *turn, struct member *member, const struct run_event *event)
{
    bool is_end = event->type == RUN_EVENT_CANCEL || event->type == RUN_EVENT_ABANDON;
    int status = is_end && run_is_paused(member->run) ? resume_undoing(turn, member) : 0;
    return status == 0 ? turn_step(turn, member->run, event) : status;
}

/* Runs that have to be told something: they start, are cancelled, or their parents go on. */
static int turn_due(struct turn *turn)
{
    struct member *member = turn->first_due;
    struct run_event event = {.type = RUN_EVENT_START};
    turn->first_due = member->next_due;
    if (turn->first_due == NULL) {
        turn->last_due = NULL;
    }
    enum member_due due = member->due;
    member->due = DUE_NOTHING;
    if (due == DUE_END) {
        return tell_parent(turn, member);
    }
    if (due == DUE_UNDONE) {
        return tell_undone(turn, member);
    }
    if (due == DUE_CANCEL) {
        event = (struct run_event){.type = RUN_EVENT_CANCEL, .reason = member->stop_reason};
    } else if (due == DUE_UNDO) {
        event.type = RUN_EVENT_UNDO;
    }
    int status = turn_event(turn, member, &event);
    return status == 0 ? member_advance(turn, member) : status;
}

/* `*out_status` is that of what could go on; false: nothing that waits for room could. */
static bool give_room(struct turn *turn, int *out_status)
{
    struct engine *engine = turn->engine;
    if (engine->rooms.first == NULL) {
        return false;
    }
    size_t total = engine->options.value_bytes();
    if (rooms_give(&engine->rooms, engine->dispatch, total)) {
        return true;
    }
    struct member *member = rooms_next_held(&engine->rooms, total);
    if (member != NULL) {
        *out_status = member_advance(turn, member);
        member_root(member)->has_last_word = false;
    }
    return member != NULL;
}

/* All that follows at once from what was done. */
static int turn_end(struct turn *turn, struct error *err)
{
    int status = turn_admit(turn);
    while (status == 0 && (turn->first_due != NULL || give_room(turn, &status))) {
        status = status == 0 && turn->first_due != NULL ? turn_due(turn) : status;
        if (status == 0) {
            status = turn_admit(turn);
        }
    }
    if (status == 0) {
        status = shared_note_changes(turn->engine->dispatch, turn->now, turn->batch);
    }
    return status == 0 ? 0 : error_nomem(err);
}

static int turn_run(struct turn *turn, struct run *run, const struct run_event *event,
                    struct error *err)
{
    int status = event != NULL ? turn_event(turn, member_of(run), event) : 0;
    if (status == 0) {
        status = member_advance(turn, member_of(run));
    }
    return status == 0 ? turn_end(turn, err) : error_nomem(err);
}

static struct turn turn_begin(struct engine *engine, int64_t now, struct batch *batch)
{
    dispatch_set_now(engine->dispatch, now);
    return (struct turn){
        .engine = engine, .now = now, .batch = batch, .next_effect = batch->effect_count};
}

static int member_create(struct engine *engine, const struct run_options *options,
                         struct member **out_member, struct error *err)
{
    struct member *member = calloc(1, sizeof(*member));
    if (member == NULL) {
        return error_nomem(err);
    }
    struct run_options own = *options;
    own.instance = engine->instance;
    member->user = options->user;
    own.user = member;
    int status = run_create(&own, &member->run, err);
    if (status != 0) {
        free(member);
        return status;
    }
    member->next = engine->members;
    if (engine->members != NULL) {
        engine->members->previous = member;
    }
    engine->members = member;
    *out_member = member;
    return 0;
}

int engine_start(struct engine *engine, const struct run_options *options, int64_t now_unix_ms,
                 struct batch *batch, struct run **out_run, struct error *err)
{
    struct member *member = NULL;
    int status = member_create(engine, options, &member, err);
    if (status != 0) {
        return status;
    }
    struct turn turn = turn_begin(engine, now_unix_ms, batch);
    status = turn_run(&turn, member->run, &(struct run_event){.type = RUN_EVENT_START}, err);
    if (status != 0) {
        batch_clear(batch);
        engine_drop_member(engine, member);
        return status;
    }
    *out_run = member->run;
    return 0;
}

int engine_handle(struct engine *engine, struct run *run, const struct run_event *event,
                  int64_t now_unix_ms, struct batch *batch, struct error *err)
{
    struct turn turn = turn_begin(engine, now_unix_ms, batch);
    return turn_run(&turn, run, event, err);
}

int engine_continue(struct engine *engine, struct run *run, int64_t now_unix_ms,
                    struct batch *batch, struct error *err)
{
    member_of(run)->has_continue = false;
    struct turn turn = turn_begin(engine, now_unix_ms, batch);
    return turn_run(&turn, run, NULL, err);
}

/* ---- what runs share ---- */

int engine_tick(struct engine *engine, int64_t now_unix_ms, struct batch *batch, struct error *err)
{
    struct turn turn = turn_begin(engine, now_unix_ms, batch);
    dispatch_tick(engine->dispatch);
    return turn_end(&turn, err);
}

int engine_order_breaker(struct engine *engine, struct str key, enum breaker_order order,
                         int64_t now_unix_ms, struct batch *batch, struct error *err)
{
    struct turn turn = turn_begin(engine, now_unix_ms, batch);
    int status = dispatch_obey(engine->dispatch, key, order, err);
    return status == 0 ? turn_end(&turn, err) : status;
}

int engine_reset_limit(struct engine *engine, struct str key, int64_t now_unix_ms,
                       struct batch *batch, struct error *err)
{
    struct turn turn = turn_begin(engine, now_unix_ms, batch);
    int status = shared_reset_limit(engine->dispatch, key, now_unix_ms, batch, err);
    return status == 0 ? turn_end(&turn, err) : status;
}

/* ---- calls that tasks make ---- */

int engine_want_call(struct engine *engine, struct dispatch_ticket *ticket, struct str url,
                     int64_t now_unix_ms, struct batch *batch, struct error *err)
{
    struct turn turn = turn_begin(engine, now_unix_ms, batch);
    if (tickets_want_call(&engine->tickets, ticket, url) != 0) {
        return error_nomem(err);
    }
    return turn_end(&turn, err);
}

int engine_end_call(struct engine *engine, struct dispatch_ticket *ticket,
                    const struct engine_call_end *end, int64_t now_unix_ms, struct batch *batch,
                    struct error *err)
{
    struct turn turn = turn_begin(engine, now_unix_ms, batch);
    if (end->frozen_until > now_unix_ms) {
        dispatch_limit_freeze(engine->dispatch, ticket, end->frozen_until);
    }
    int status = 0;
    if (end->has_remaining && end->resource.n > 0) {
        status = dispatch_limit_lower_resource(engine->dispatch, ticket, end->resource,
                                               end->remaining, end->reset_at);
    } else if (end->has_remaining) {
        dispatch_limit_lower(engine->dispatch, ticket, end->remaining, end->reset_at);
    }
    dispatch_release(engine->dispatch, ticket, BREAKER_IGNORED);
    return status == 0 ? turn_end(&turn, err) : error_nomem(err);
}

uint64_t engine_waiting(const struct engine *engine)
{
    return dispatch_waiting(engine->dispatch) + sleepers_nodes(engine->sleepers);
}

void *engine_run_user(const struct run *run)
{
    return member_of(run)->user;
}

void engine_set_run_user(struct run *run, void *user)
{
    member_of(run)->user = user;
}

struct run *engine_take_origin(const struct run *run)
{
    struct member *member = member_of(run);
    struct run *origin = member->origin;
    member->origin = NULL;
    return origin;
}

bool engine_find_call(const struct run *run, struct engine_call *out_call)
{
    const struct member *member = member_of(run);
    if (member->caller == NULL) {
        return false;
    }
    *out_call = (struct engine_call){.run = member->caller->run,
                                     .frame = member->parent_frame,
                                     .node = member->parent_node,
                                     .attempt = member->parent_attempt,
                                     .is_awaited = member->parent != NULL};
    return true;
}

/* ---- runs that go on in another process, or later ---- */

struct run *engine_next_below(const struct run *root, const struct run *at)
{
    const struct member *next = member_next_below(member_of(root), member_of(at));
    return next != NULL ? next->run : NULL;
}

int engine_restore(struct engine *engine, const struct run_options *options,
                   const struct engine_call *call, struct run **out_run, struct error *err)
{
    struct member *member = NULL;
    int status = member_create(engine, options, &member, err);
    if (status != 0) {
        return status;
    }
    if (call != NULL) {
        struct member *caller = member_of(call->run);
        member_link(caller, member);
        member->parent = call->is_awaited ? caller : NULL;
        member->parent_frame = call->frame;
        member->parent_node = call->node;
        member->parent_attempt = call->attempt;
    }
    sleepers_remove(engine->sleepers, options->number);
    *out_run = member->run;
    return 0;
}

/* Its caller was told of its end in the write that ended it. */
static void settle_ended(struct member *member)
{
    if (run_is_ended(member->run) && member->caller != NULL) {
        member->has_undo = run_has_undo(member->run) && run_has_rollback(member->caller->run);
        member->parent = NULL;
    }
}

static int recover_node(struct turn *turn, struct member *member, uint64_t frame, uint32_t node)
{
    const struct run_event event = {.type = RUN_EVENT_RECOVER, .frame = frame, .node = node};
    struct run_node_view view = run_frame_node(member->run, frame, node);
    const struct node *def = &run_pipeline(member->run)->nodes[node];
    bool is_live = view.state == NODE_RUNNING || view.state == NODE_STOPPING;
    if (!is_live) {
        return 0;
    }
    if (def->kind == NODE_WORKFLOW && !view.is_delayed &&
        member_find_child(member, frame, node) == NULL) {
        return E_CORRUPT;
    }
    return turn_step(turn, member->run, &event);
}

/* It may have to undo a run that is not there, or has not completed. */
static bool lacks_child(const struct member *member)
{
    struct run_attempt called;
    bool is_over = run_is_ended(member->run) && !run_is_undoing(member->run) && !member->has_undo;
    for (size_t i = 0; !is_over && run_undo_child(member->run, i, &called); i++) {
        const struct member *child =
            member_find_called(member, called.frame, called.node, called.attempt);
        if (child == NULL || run_state(child->run) != RUN_COMPLETED) {
            return true;
        }
    }
    return false;
}

static int recover_member(struct turn *turn, struct member *member)
{
    const struct pipeline *pipeline = run_pipeline(member->run);
    const struct run_event event = {.type = RUN_EVENT_RECOVER, .node = RECORD_NO_NODE};
    uint64_t frame = 0;
    int status = lacks_child(member) ? E_CORRUPT : turn_step(turn, member->run, &event);
    do {
        const struct body *body = &pipeline->bodies[run_frame_body(member->run, frame)];
        for (uint32_t i = 0; status == 0 && i < body->node_count; i++) {
            status = recover_node(turn, member, frame, body->first_node + i);
        }
    } while (status == 0 && run_next_frame(member->run, &frame));
    return status;
}

int engine_recover(struct engine *engine, struct run *root, int64_t now_unix_ms,
                   struct batch *batch, struct error *err)
{
    struct turn turn = turn_begin(engine, now_unix_ms, batch);
    struct member *top = member_of(root);
    int status = 0;
    for (struct member *at = top; at != NULL; at = member_next_below(top, at)) {
        settle_ended(at);
    }
    for (struct member *at = top; status == 0 && at != NULL; at = member_next_below(top, at)) {
        status = recover_member(&turn, at);
    }
    for (struct member *at = top; status == 0 && at != NULL; at = member_next_below(top, at)) {
        status = member_advance(&turn, at);
    }
    if (status == E_CORRUPT) {
        return error_set(err, E_CORRUPT,
                         "a node needs the run of another pipeline, which is not there");
    }
    return status == 0 ? turn_run(&turn, root, NULL, err) : error_nomem(err);
}

void engine_hold_starts(struct engine *engine)
{
    dispatch_hold(engine->dispatch);
}

/* What a run that has ended does is for its caller alone. */
static bool is_meant(const struct member *top, const struct member *at, enum run_event_type type)
{
    bool is_for_caller = type == RUN_EVENT_PAUSE && run_is_undoing(at->run);
    return !is_for_caller || (at != top && at->caller != NULL && run_is_paused(at->caller->run));
}

int engine_pause(struct engine *engine, struct run *root, enum run_event_type type,
                 int64_t now_unix_ms, struct batch *batch, struct error *err)
{
    struct turn turn = turn_begin(engine, now_unix_ms, batch);
    struct member *top = member_of(root);
    int status = 0;
    for (struct member *at = top; status == 0 && at != NULL; at = member_next_below(top, at)) {
        if (!is_meant(top, at, type)) {
            continue;
        }
        status = turn_step(&turn, at->run, &(struct run_event){.type = type});
        if (status == 0) {
            status = member_advance(&turn, at);
        }
    }
    return status == 0 ? turn_run(&turn, root, NULL, err) : error_nomem(err);
}
