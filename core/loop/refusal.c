/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/refusal.h"

#include "core/base/error.h"
#include "core/engine/record.h"
#include "core/engine/run.h"
#include "core/expr/template.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"

enum { UNKNOWN_MOST = 5, EVENTS_MOST = 10 };

/* A call that is settled is no run that could be tried again: that would be another call. */
static int refuse_item(enum loop_action action, struct str state, struct error *err)
{
    static const char *const verbs[] = {
        [LOOP_CANCEL] = "cancel",   [LOOP_PAUSE] = "pause",     [LOOP_RESUME] = "resume",
        [LOOP_SEND] = "send it to", [LOOP_RESOLVE] = "resolve", [LOOP_TRY] = "wait for",
        [LOOP_REQUEUE] = "requeue", [LOOP_SKIP] = "skip",       [LOOP_DROP] = "drop",
    };
    const char *how = str_equal_text(state, "completed") ? "done" : "dropped";
    return error_set(err, E_CONFLICT, "the call is %s already: there is nothing to %s", how,
                     verbs[action]);
}

int refusal_ended(enum loop_action action, bool is_item, struct str state, struct error *err)
{
    static const char *const last_words[] = {
        [LOOP_CANCEL] = "there is nothing to cancel",
        [LOOP_PAUSE] = "there is nothing to pause",
        [LOOP_RESUME] = "'opstream retry' starts it again",
        [LOOP_SEND] = "nothing takes the event any more",
        [LOOP_RESOLVE] = "there is nothing to resolve",
        [LOOP_TRY] = "there is nothing to wait for",
        [LOOP_REQUEUE] = "'opstream retry' starts a run again",
        [LOOP_SKIP] = "there is nothing to skip",
        [LOOP_DROP] = "there is nothing to drop",
    };
    if (is_item) {
        return refuse_item(action, state, err);
    }
    bool is_done_to = str_equal_text(state, "cancelled");
    return error_set(err, E_CONFLICT, "the run has %s%.*s: %s", is_done_to ? "been " : "",
                     STR_ARG(state), last_words[action]);
}

/* ---- its nodes ---- */

/* What is looked for, and what there is. */
struct search {
    struct str path;
    enum node_state state; /* of the execution of that path */
    bool is_found;
    struct strbuf unknown; /* paths, the first few of them */
    size_t unknown_count;
};

static void look_at(const struct run *run, uint64_t frame, uint32_t node, struct search *search)
{
    struct strbuf own = STRBUF_INIT;
    struct run_node_view view = run_frame_node(run, frame, node);
    run_append_path(run, frame, node, &own);
    if (str_equal(strbuf_str(&own), search->path)) {
        search->is_found = true;
        search->state = view.state;
    }
    if (view.is_unknown && search->unknown_count++ < UNKNOWN_MOST) {
        strbuf_append_text(&search->unknown, search->unknown_count > 1 ? ", '" : "'");
        strbuf_append_str(&search->unknown, strbuf_str(&own));
        strbuf_append_char(&search->unknown, '\'');
    }
    strbuf_finish(&own);
}

static void look(const struct run *run, struct search *search)
{
    uint64_t frame = 0;
    do {
        const struct body *body = &run_pipeline(run)->bodies[run_frame_body(run, frame)];
        for (uint32_t i = body->first_node; i < body->first_node + body->node_count; i++) {
            look_at(run, frame, i, search);
        }
    } while (run_next_frame(run, &frame));
}

int refusal_not_paused(const struct run *run, struct error *err)
{
    struct search search = {0};
    look(run, &search);
    if (search.unknown_count > 0) {
        (void)error_set(err, E_CONFLICT,
                        "the run is not paused: it waits to hear what became of %.*s; 'opstream "
                        "resolve' says it",
                        STR_ARG(strbuf_str(&search.unknown)));
    } else {
        (void)error_set(err, E_CONFLICT, "the run is not paused: it is at work");
    }
    strbuf_finish(&search.unknown);
    return E_CONFLICT;
}

int refusal_not_unknown(const struct run *run, struct str path, struct error *err)
{
    struct search search = {.path = path};
    struct strbuf text = STRBUF_INIT;
    look(run, &search);
    if (search.is_found) {
        strbuf_append_format(&text, "node '%.*s' is %s, not unknown", STR_ARG(path),
                             node_state_name(search.state));
    } else {
        strbuf_append_format(&text, "the run has no node '%.*s' at work", STR_ARG(path));
    }
    if (search.unknown_count > 0) {
        strbuf_append_format(&text, "; to be resolved: %.*s%s",
                             STR_ARG(strbuf_str(&search.unknown)),
                             search.unknown_count > UNKNOWN_MOST ? " and more" : "");
    } else {
        strbuf_append_text(&text, ": there is nothing to resolve");
    }
    (void)error_set(err, E_CONFLICT, "%.*s", STR_ARG(strbuf_str(&text)));
    strbuf_finish(&search.unknown);
    strbuf_finish(&text);
    return E_CONFLICT;
}

/* ---- events ---- */

/* The events that the nodes of a pipeline take. */
struct events {
    struct str name;
    bool is_taken;
    struct str seen[EVENTS_MOST];
    size_t count;
    bool has_more;
};

static void note_event(struct events *events, struct str name)
{
    size_t i = 0;
    events->is_taken = events->is_taken || str_equal(name, events->name);
    while (i < events->count && !str_equal(events->seen[i], name)) {
        i++;
    }
    if (i == EVENTS_MOST) {
        events->has_more = true;
    } else if (i == events->count) {
        events->seen[events->count++] = name;
    }
}

/* An event whose name is known only when the node runs may be any. */
static void note_wait(struct events *events, const struct template *config)
{
    const struct value *source = template_source(config);
    const struct value *event = value_get(source, STR("event"));
    if (template_is_dynamic(config, event != NULL ? event : source)) {
        events->is_taken = true;
    } else if (value_is(event, VALUE_STRING)) {
        note_event(events, value_str(event));
    }
}

/* Transitions of how a state's own work ends can be sent, too, but are not what events are for. */
static void note_transition(struct events *events, struct str name, uint32_t outcome)
{
    if (outcome >= OUTCOME_FIRST_NAMED) {
        note_event(events, name);
    } else {
        events->is_taken = events->is_taken || str_equal(name, events->name);
    }
}

static void note_events(const struct pipeline *pipeline, struct events *events)
{
    for (uint32_t i = 0; i < pipeline->node_count; i++) {
        const struct node *node = &pipeline->nodes[i];
        bool is_state = pipeline->bodies[node->body].kind == BODY_STATES;
        if (node->kind == NODE_WAIT) {
            note_wait(events, node->config);
        }
        for (uint32_t k = 0; is_state && k < node->out_count; k++) {
            uint32_t outcome = pipeline->edges[node->first_out + k].outcome;
            note_transition(events, pipeline->outcomes[outcome], outcome);
        }
    }
}

int refusal_event(const struct pipeline *pipeline, struct str name, struct error *err)
{
    struct events events = {.name = name};
    struct strbuf text = STRBUF_INIT;
    note_events(pipeline, &events);
    if (events.is_taken) {
        return 0;
    }
    strbuf_append_format(&text, "nothing in the run takes the event '%.*s'", STR_ARG(name));
    for (size_t i = 0; i < events.count; i++) {
        strbuf_append_format(&text, "%s'%.*s'", i == 0 ? "; there are: " : ", ",
                             STR_ARG(events.seen[i]));
    }
    strbuf_append_text(&text, events.has_more ? ", ..." : "");
    (void)error_set(err, E_INVALID, "%.*s", STR_ARG(strbuf_str(&text)));
    strbuf_finish(&text);
    return E_INVALID;
}

int refusal_too_many(const struct run *run, struct error *err)
{
    if (run_event_count(run) < REFUSAL_MOST_EVENTS) {
        return 0;
    }
    return error_set(err, E_LIMIT, "the run keeps %d events that nothing has taken, as many as may",
                     REFUSAL_MOST_EVENTS);
}
