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
#include "core/model/catalogue.h"
#include "core/model/pipeline.h"

enum {
    STEPS_PER_BATCH = 512,
    DEFAULT_PLUGIN_CONCURRENCY = 25,
    DEFAULT_PROCESS_CONCURRENCY = 4,
};

/* What a run has to be told in this turn, because of another one. */
enum member_due {
    DUE_NOTHING,
    DUE_START,
    DUE_CANCEL,
    DUE_END, /* its parent has to be told of its end */
    DUE_UNDO,
    DUE_UNDONE, /* its caller has to be told that it has been undone */
};

/* A run and what the engine keeps beside it. */
struct member {
    struct run *run;
    void *user;
    struct dispatch_scope *scope; /* max_parallel_nodes; NULL: no limit, or not yet needed */
    struct member *caller;        /* whose node started it; NULL: nobody's, or it is gone */
    struct member *parent;        /* whose node waits for the run's end; NULL: nobody does */
    uint64_t parent_frame;
    uint32_t parent_node;
    uint32_t parent_attempt;
    struct member *next;
    struct member *previous;
    struct member *first_called; /* whose caller it is */
    struct member *next_called;
    struct member *previous_called;
    struct member *next_due; /* in the list of those to look at in this turn */
    enum member_due due;
    enum stop_reason stop_reason;
    bool has_continue; /* an EFFECT_CONTINUE is out */
    bool has_undo;     /* it has ended, and its caller may have it undone */
};

struct engine {
    struct engine_options options;
    struct dispatch *dispatch;
    struct member *members;
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
    if (engine->options.plugin_concurrency == 0) {
        engine->options.plugin_concurrency = DEFAULT_PLUGIN_CONCURRENCY;
    }
    if (engine->options.process_concurrency == 0) {
        engine->options.process_concurrency = DEFAULT_PROCESS_CONCURRENCY;
    }
    engine->dispatch = dispatch_create();
    if (engine->dispatch == NULL) {
        free(engine);
        return error_nomem(err);
    }
    *out_engine = engine;
    return 0;
}

/* The ticket of a node that has asked or is asking; NULL when it has none. */
static struct dispatch_ticket *find_ticket(const struct member *member, uint64_t frame,
                                           uint32_t node, bool *has_made)
{
    const struct pipeline *pipeline = run_pipeline(member->run);
    struct dispatch_ticket *tickets =
        run_frame_memory(member->run, frame, sizeof(*tickets), has_made);
    uint32_t first = pipeline->bodies[pipeline->nodes[node].body].first_node;
    return tickets != NULL ? &tickets[node - first] : NULL;
}

/* What a run that is given up still waits for or holds. */
static void release_tickets(struct engine *engine, struct member *member)
{
    const struct pipeline *pipeline = run_pipeline(member->run);
    uint64_t frame = 0;
    do {
        const struct body *body = &pipeline->bodies[run_frame_body(member->run, frame)];
        struct dispatch_ticket *ticket = find_ticket(member, frame, body->first_node, NULL);
        for (uint32_t i = 0; ticket != NULL && i < body->node_count; i++) {
            dispatch_release(engine->dispatch, &ticket[i]);
        }
    } while (run_next_frame(member->run, &frame));
}

static void link_called(struct member *caller, struct member *member)
{
    member->caller = caller;
    member->next_called = caller->first_called;
    if (caller->first_called != NULL) {
        caller->first_called->previous_called = member;
    }
    caller->first_called = member;
}

static void unlink_called(struct member *member)
{
    if (member->previous_called != NULL) {
        member->previous_called->next_called = member->next_called;
    } else if (member->caller != NULL) {
        member->caller->first_called = member->next_called;
    }
    if (member->next_called != NULL) {
        member->next_called->previous_called = member->previous_called;
    }
    member->caller = NULL;
    member->parent = NULL;
    member->next_called = NULL;
    member->previous_called = NULL;
}

static void member_destroy(struct engine *engine, struct member *member)
{
    release_tickets(engine, member);
    while (member->first_called != NULL) {
        unlink_called(member->first_called);
    }
    unlink_called(member);
    if (member->previous != NULL) {
        member->previous->next = member->next;
    } else {
        engine->members = member->next;
    }
    if (member->next != NULL) {
        member->next->previous = member->previous;
    }
    dispatch_scope_destroy(member->scope);
    run_destroy(member->run);
    free(member);
}

void engine_destroy(struct engine *engine)
{
    if (engine == NULL) {
        return;
    }
    while (engine->members != NULL) {
        member_destroy(engine, engine->members);
    }
    dispatch_destroy(engine->dispatch);
    free(engine);
}

static struct member *member_of(const struct run *run)
{
    return run_user(run);
}

/* ---- scopes ---- */

static uint32_t plugin_limit(const struct engine *engine, const struct pipeline *pipeline,
                             const struct node *node)
{
    const struct integration *integration = pipeline_find_integration(pipeline, node->type->plugin);
    if (integration != NULL && integration->concurrency > 0) {
        return integration->concurrency;
    }
    bool has_processes = (node->type->flags & NODE_TYPE_PROCESSES) != 0;
    return has_processes ? engine->options.process_concurrency : engine->options.plugin_concurrency;
}

/* Scopes with other limits are other scopes: the key holds the limit. */
static int add_scope(struct turn *turn, struct dispatch_ticket *ticket, const struct strbuf *key,
                     uint32_t limit)
{
    struct dispatch_scope *scope = NULL;
    int status = strbuf_status(key);
    if (status == 0) {
        status = dispatch_scope(turn->engine->dispatch, strbuf_str(key), limit, &scope);
    }
    if (status == 0) {
        ticket->scopes[ticket->scope_count++] = scope;
    }
    return status;
}

/*
 * A node whose stream loops read goes on only while they do, and they may need the very permit that
 * it holds: it counts in no scope that others share.
 */
static int ticket_prepare(struct turn *turn, struct member *member, uint64_t frame, uint32_t index,
                          struct dispatch_ticket *ticket)
{
    const struct pipeline *pipeline = run_pipeline(member->run);
    const struct node *node = &pipeline->nodes[index];
    struct strbuf key = STRBUF_INIT;
    int status = 0;
    *ticket = (struct dispatch_ticket){.owner = member, .frame = frame, .node = index};
    if (!node->has_readers) {
        uint32_t limit = plugin_limit(turn->engine, pipeline, node);
        strbuf_append_format(&key, "plugin %u %.*s", limit, STR_ARG(node->type->plugin));
        status = add_scope(turn, ticket, &key, limit);
    }
    if (status == 0 && node->concurrency > 0) {
        strbuf_clear(&key); /* with its length an id cannot look like two */
        strbuf_append_format(&key, "node %u %zu %.*s %.*s", node->concurrency, pipeline->id.n,
                             STR_ARG(pipeline->id), STR_ARG(node->id));
        status = add_scope(turn, ticket, &key, node->concurrency);
    }
    if (member->scope != NULL && !node->has_readers) {
        ticket->scopes[ticket->scope_count++] = member->scope;
    }
    strbuf_finish(&key);
    return status;
}

/* What a run needs for its first task. */
static int member_prepare(struct member *member)
{
    const struct pipeline *pipeline = run_pipeline(member->run);
    if (member->scope == NULL && pipeline->max_parallel_nodes > 0) {
        member->scope = dispatch_scope_create(pipeline->max_parallel_nodes);
        if (member->scope == NULL) {
            return E_NOMEM;
        }
    }
    return 0;
}

static int member_want(struct turn *turn, struct member *member, uint64_t frame, uint32_t node)
{
    bool has_made = false;
    int status = member_prepare(member);
    struct dispatch_ticket *ticket = status == 0 ? find_ticket(member, frame, node, &has_made)
                                                 : NULL;
    if (ticket == NULL) {
        return E_NOMEM;
    }
    status = ticket_prepare(turn, member, frame, node, ticket);
    if (status == 0) {
        dispatch_want(turn->engine->dispatch, ticket);
    }
    return status;
}

static void member_release(struct turn *turn, struct member *member, const struct effect *effect)
{
    struct dispatch_ticket *ticket = find_ticket(member, effect->frame, effect->node, NULL);
    if (ticket != NULL) {
        dispatch_release(turn->engine->dispatch, ticket);
    }
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

static struct member *find_child(const struct effect *effect)
{
    struct member *member = member_of(effect->run)->first_called;
    while (member != NULL && (member->parent == NULL || member->parent_frame != effect->frame ||
                              member->parent_node != effect->node || run_is_ended(member->run))) {
        member = member->next_called;
    }
    return member;
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
    struct run_options options = {
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
    link_called(parent, child);
    child->parent = effect->attempt > 0 ? parent : NULL;
    child->parent_frame = effect->frame;
    child->parent_node = effect->node;
    child->parent_attempt = effect->attempt;
    member_due(turn, child, DUE_START);
    return 0;
}

/* A node whose child is told to stop; tasks are for who drives the engine. */
static void stop_child(struct turn *turn, const struct effect *effect)
{
    const struct node *node = &run_pipeline(effect->run)->nodes[effect->node];
    struct member *child = node->kind == NODE_WORKFLOW ? find_child(effect) : NULL;
    if (child != NULL && child->due != DUE_END) {
        child->stop_reason = stop_reason_inside(effect->reason);
        if (child->due == DUE_NOTHING) {
            member_due(turn, child, DUE_CANCEL);
        }
    }
}

/* The child run that this attempt of a node was: it has ended, and is there for its caller. */
static void undo_child(struct turn *turn, const struct effect *effect)
{
    const struct member *caller = member_of(effect->run);
    struct member *child = turn->engine->members;
    while (child != NULL &&
           (child->caller != caller || child->parent_frame != effect->frame ||
            child->parent_node != effect->node || child->parent_attempt != effect->attempt)) {
        child = child->next;
    }
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
            status = member_want(turn, member, effect->frame, effect->node);
        } else if (effect->type == EFFECT_RELEASE) {
            member_release(turn, member, effect);
        } else if (effect->type == EFFECT_START_CHILD) {
            status = start_child(turn, effect);
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

static int turn_step(struct turn *turn, struct run *run, const struct run_event *event)
{
    size_t first = turn->batch->record_count;
    if (turn->engine->options.value_bytes != NULL) {
        run_note_value_bytes(run, turn->engine->options.value_bytes());
    }
    run_decide(run, event, turn->now, turn->batch);
    if (turn->batch->has_failed) {
        return E_NOMEM;
    }
    for (size_t i = first; i < turn->batch->record_count; i++) {
        run_apply(run, &turn->batch->records[i]);
    }
    if (run_has_failed(run)) {
        return E_NOMEM;
    }
    turn->steps++;
    return turn_dispatch_effects(turn);
}

static int member_advance(struct turn *turn, struct member *member)
{
    while (run_has_work(member->run)) {
        if (turn->steps >= STEPS_PER_BATCH) {
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

/* What a permit that came back lets start, in any run. */
static int turn_admit(struct turn *turn)
{
    struct dispatch_ticket *ticket = NULL;
    while ((ticket = dispatch_next_admitted(turn->engine->dispatch)) != NULL) {
        struct member *member = ticket->owner;
        int status = turn_step(turn, member->run,
                               &(struct run_event){.type = RUN_EVENT_ADMITTED,
                                                   .frame = ticket->frame,
                                                   .node = ticket->node});
        if (status == 0) {
            status = member_advance(turn, member);
        }
        if (status != 0) {
            return status;
        }
    }
    return 0;
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
    int status = turn_step(turn, member->run, &event);
    return status == 0 ? member_advance(turn, member) : status;
}

static int turn_run(struct turn *turn, struct run *run, const struct run_event *event,
                    struct error *err)
{
    int status = event != NULL ? turn_step(turn, run, event) : 0;
    if (status == 0) {
        status = member_advance(turn, member_of(run));
    }
    if (status == 0) {
        status = turn_admit(turn);
    }
    while (status == 0 && turn->first_due != NULL) {
        status = turn_due(turn);
        if (status == 0) {
            status = turn_admit(turn);
        }
    }
    return status == 0 ? 0 : error_nomem(err);
}

static struct turn turn_begin(struct engine *engine, int64_t now, struct batch *batch)
{
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
        member_destroy(engine, member);
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

void *engine_run_user(const struct run *run)
{
    return member_of(run)->user;
}

void engine_set_run_user(struct run *run, void *user)
{
    member_of(run)->user = user;
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
                                     .is_awaited = member->parent != NULL};
    return true;
}

bool engine_keeps(const struct run *run)
{
    return member_of(run)->has_undo && member_of(run)->caller != NULL;
}

void engine_remove(struct engine *engine, struct run *run)
{
    CHECK(run_is_ended(run));
    member_destroy(engine, member_of(run));
}
