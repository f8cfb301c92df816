/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What expressions see of a run: PIPELINES section 7, "In scope". Nothing is copied: fields are
 * read from the run's state when an expression asks for them.
 */
#include "core/base/check.h"
#include "core/base/error.h"
#include "core/engine/loops.h"
#include "core/engine/run_state.h"
#include "core/value/secrets.h"
#include "core/value/value.h"

static struct cel cel_text(struct str text)
{
    return (struct cel){.type = CEL_STRING, .as.text = text};
}

static struct cel cel_time(int64_t unix_ms)
{
    struct cel cel = {.type = CEL_TIMESTAMP};
    cel.as.time.seconds = unix_ms / 1000;
    cel.as.time.nanos = (int32_t)(unix_ms % 1000) * 1000000;
    return cel;
}

static struct cel cel_document(const struct document *document)
{
    return cel_from_value(document, document_root(document));
}

enum { FIELD_FOUND = 0, FIELD_ABSENT = 1 };

static int optional_document(const struct document *document, struct cel *out)
{
    if (document == NULL) {
        return FIELD_ABSENT;
    }
    *out = cel_document(document);
    return FIELD_FOUND;
}

static int optional_time(int64_t unix_ms, struct cel *out)
{
    if (unix_ms == 0) {
        return FIELD_ABSENT;
    }
    *out = cel_time(unix_ms);
    return FIELD_FOUND;
}

/* ---- run ---- */

static int run_object_get(const void *object, uint32_t index, struct str field, struct cel *out,
                          struct error *err)
{
    const struct run *run = object;
    (void)index; /* there is one run in a scope */
    (void)err;
    if (str_equal(field, STR("id"))) {
        *out = cel_text(str_from(run->id));
    } else if (str_equal(field, STR("workflow"))) {
        *out = cel_text(run->pipeline->id);
    } else if (str_equal(field, STR("version"))) {
        *out = cel_text(run->pipeline->version);
    } else if (str_equal(field, STR("triggered_by"))) {
        *out = cel_text(str_from(run->triggered_by));
    } else if (str_equal(field, STR("status"))) {
        *out = cel_text(
            str_from(run_state_name(run->state == RUN_ENDING ? run->outcome : run->state)));
    } else if (str_equal(field, STR("started_at"))) {
        return optional_time(run->started_at, out);
    } else if (str_equal(field, STR("error"))) {
        return optional_document(run->error, out);
    } else {
        return FIELD_ABSENT;
    }
    return FIELD_FOUND;
}

static const struct cel_object_class run_class = {.name = "run", .get = run_object_get};

/* ---- event: what triggered the run ---- */

static int event_object_get(const void *object, uint32_t index, struct str field, struct cel *out,
                            struct error *err)
{
    const struct run *run = object;
    (void)index;
    (void)err;
    if (str_equal(field, STR("id"))) {
        *out = cel_text(str_from(run->id));
    } else if (str_equal(field, STR("type"))) {
        *out = cel_text(str_from(run->triggered_by));
    } else if (str_equal(field, STR("time"))) {
        return optional_time(run->started_at, out);
    } else if (str_equal(field, STR("data"))) {
        *out = cel_document(run->input);
    } else if (str_equal(field, STR("headers"))) {
        *out = cel_document(document_empty_map());
    } else {
        return FIELD_ABSENT;
    }
    return FIELD_FOUND;
}

static const struct cel_object_class event_class = {.name = "event", .get = event_object_get};

/* ---- a node ---- */

/* What undoes the node sees the output of the execution that it undoes, not of the latest. */
static const struct frame *undo_frame_of(const struct run_scope *scope, uint32_t node)
{
    const struct frame *frame = scope->frame;
    while (frame != NULL && (frame->kind != FRAME_UNDO || frame->owner != node)) {
        frame = frame->parent;
    }
    return frame;
}

/* A node as it is, or as it is going to be once its end is applied. */
static struct run_node_view view_node(const struct run_scope *scope, uint32_t index)
{
    const struct frame *frame = frame_with_node(scope->frame, index);
    CHECK(frame != NULL);
    struct run_node_view view = run_frame_node_in(frame, index);
    const struct record *ending = scope->ending;
    const struct frame *undo = undo_frame_of(scope, index);
    if (undo != NULL) {
        view.state = NODE_COMPLETED;
        view.output = undo->item_document;
        return view;
    }
    if (ending == NULL || ending->node != index || ending->frame != frame->id) {
        return view;
    }
    if (ending->attempt > view.attempt) {
        view.attempt = ending->attempt;
        view.started_at_unix_ms = ending->at_unix_ms;
    }
    view.state = ending->node_state;
    view.ended_at_unix_ms = ending->at_unix_ms;
    view.output = ending->output;
    view.error = ending->error;
    view.detail = ending->detail;
    return view;
}

/* `node.x` is short for `node.output.x`. */
static int node_output_field(const struct document *output, struct str field, struct cel *out)
{
    const struct value *value = output != NULL ? value_get(document_root(output), field) : NULL;
    if (value == NULL) {
        return FIELD_ABSENT;
    }
    *out = cel_from_value(output, value);
    return FIELD_FOUND;
}

static int node_object_get(const void *object, uint32_t index, struct str field, struct cel *out,
                           struct error *err)
{
    struct run_node_view node = view_node(object, index);
    (void)err; /* an absent field is no error here */
    if (str_equal(field, STR("output"))) {
        return optional_document(node.output, out);
    }
    if (str_equal(field, STR("status"))) {
        *out = cel_text(str_from(node_state_name(node.state)));
        return FIELD_FOUND;
    }
    if (str_equal(field, STR("error"))) {
        return optional_document(node.error, out);
    }
    if (node.detail != NULL &&
        (str_equal(field, STR("errors")) || str_equal(field, STR("counts")))) {
        return node_output_field(node.detail, field, out);
    }
    if (str_equal(field, STR("attempts"))) {
        *out = (struct cel){.type = CEL_INT, .as.integer = node.attempt};
        return FIELD_FOUND;
    }
    if (str_equal(field, STR("started_at"))) {
        return optional_time(node.started_at_unix_ms, out);
    }
    if (str_equal(field, STR("finished_at"))) {
        return optional_time(node.ended_at_unix_ms, out);
    }
    return node_output_field(node.output, field, out);
}

static const struct cel_object_class node_class = {.name = "node", .get = node_object_get};

static struct cel cel_node(const struct run_scope *scope, uint32_t node)
{
    struct cel cel = {.type = CEL_OBJECT, .index = node};
    cel.as.object.class_ = &node_class;
    cel.as.object.object = scope;
    return cel;
}

static int nodes_object_get(const void *object, uint32_t index, struct str field, struct cel *out,
                            struct error *err)
{
    const struct run_scope *scope = object;
    (void)index;
    (void)err;
    const struct pipeline *pipeline = scope->run->pipeline;
    uint32_t body = (uint32_t)(scope->frame->body - pipeline->bodies);
    int64_t node = pipeline_find_visible(pipeline, body, field);
    if (node < 0) {
        return FIELD_ABSENT;
    }
    *out = cel_node(scope, (uint32_t)node);
    return FIELD_FOUND;
}

static const struct cel_object_class nodes_class = {.name = "nodes", .get = nodes_object_get};

/* ---- loops ---- */

/* The frame of the nearest iteration; with `loop` (or RECORD_NO_NODE) of this loop. */
static const struct frame *frame_of_loop(const struct run_scope *scope, uint32_t loop)
{
    const struct frame *frame = scope->frame;
    while (frame != NULL &&
           (frame->kind != FRAME_ITEM || (loop != RECORD_NO_NODE && frame->owner != loop))) {
        frame = frame->parent;
    }
    CHECK(frame != NULL);
    return frame;
}

/* Of the iterations; a frame that is kept for undoing has outlived its loop. */
static uint64_t count_of(const struct frame *frame)
{
    const struct run_node *loop = frame_node(frame->parent, frame->owner);
    return frame->count > 0 ? frame->count : loop_state_count(loop->loop);
}

static int iter_object_get(const void *object, uint32_t index, struct str field, struct cel *out,
                           struct error *err)
{
    const struct frame *frame = object;
    (void)index;
    (void)err;
    if (str_equal(field, STR("index"))) {
        *out = (struct cel){.type = CEL_INT, .from_data = 1, .as.integer = (int64_t)frame->index};
    } else if (str_equal(field, STR("first"))) {
        *out = (struct cel){.type = CEL_BOOL, .as.boolean = frame->index == 0};
    } else if (str_equal(field, STR("count"))) {
        uint64_t count = count_of(frame);
        *out = (struct cel){.type = CEL_INT, .from_data = 1, .as.integer = (int64_t)count};
        return count == UINT64_MAX ? FIELD_ABSENT : FIELD_FOUND;
    } else {
        return FIELD_ABSENT;
    }
    return FIELD_FOUND;
}

static const struct cel_object_class iter_class = {.name = "iter", .get = iter_object_get};

/* ---- secrets: only configs and settings name them, and those no record keeps ---- */

static int secrets_object_get(const void *object, uint32_t index, struct str field, struct cel *out,
                              struct error *err)
{
    struct str value = secrets_find(object, field);
    (void)index;
    if (value.p == NULL) {
        return error_set(err, E_NOT_FOUND, "the secret '%.*s' is not set", STR_ARG(field));
    }
    *out = cel_text(value);
    return FIELD_FOUND;
}

static const struct cel_object_class secrets_class = {.name = "secrets", .get = secrets_object_get};

static struct cel cel_object(const struct cel_object_class *class_, const void *object)
{
    struct cel cel = {.type = CEL_OBJECT};
    cel.as.object.class_ = class_;
    cel.as.object.object = object;
    return cel;
}

static int fetch_fixed(const struct run_scope *scope, int slot, struct cel *out)
{
    const struct run *run = scope->run;
    switch ((enum pipeline_slot)slot) {
    case SLOT_INPUT:
        *out = cel_document(run->input);
        return 0;
    case SLOT_CONFIG:
        *out = cel_document(run->pipeline->config);
        return 0;
    case SLOT_RUN:
        *out = cel_object(&run_class, run);
        return 0;
    case SLOT_EVENT:
        *out = cel_object(&event_class, run);
        return 0;
    case SLOT_NOW:
        *out = cel_time(scope->now_unix_ms);
        return 0;
    case SLOT_DATE:
        *out = cel_text(str_from(run->date));
        return 0;
    case SLOT_TIME:
        *out = cel_text(str_from(run->time));
        return 0;
    case SLOT_NODES:
        *out = cel_object(&nodes_class, scope);
        return 0;
    case SLOT_ITER:
        *out = cel_object(&iter_class, frame_of_loop(scope, RECORD_NO_NODE));
        return 0;
    case SLOT_ACC:
        *out = cel_document(scope->acc);
        return 0;
    case SLOT_REDUCE_ITEM:
        *out = cel_document(scope->reduced);
        return 0;
    case SLOT_SIGNAL:
        *out = cel_document(scope->signal != NULL ? scope->signal : document_empty_map());
        return 0;
    case SLOT_SECRETS:
        *out = cel_object(&secrets_class, run->secrets);
        return 0;
    case SLOT_NODE_FIRST:
    case SLOT_ITEM_FIRST:
        break;
    }
    unreachable_state("slot", slot);
}

int run_scope_fetch(const void *user, int slot, struct cel *out, struct error *err)
{
    const struct run_scope *scope = user;
    (void)err; /* all roots are always there; their fields may not be */
    if (slot < SLOT_NODE_FIRST) {
        return fetch_fixed(scope, slot, out);
    }
    if (slot >= SLOT_ITEM_FIRST) {
        const struct frame *frame = frame_of_loop(scope, (uint32_t)(slot - SLOT_ITEM_FIRST));
        *out = cel_from_value(frame->item_document, frame->item);
        return 0;
    }
    *out = cel_node(scope, (uint32_t)(slot - SLOT_NODE_FIRST));
    return 0;
}
