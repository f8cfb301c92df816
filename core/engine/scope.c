/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What expressions see of a run (config/pipelines/README.md, "Expressions and templates"). Nothing
 * is copied: fields are read from the run's state when an expression asks for them.
 */
#include "core/base/check.h"
#include "core/base/error.h"
#include "core/engine/loops.h"
#include "core/engine/run_state.h"
#include "core/value/secrets.h"
#include "core/value/value.h"

/* Values are set member by member where they belong: see cel_set_value(). */
static void set_head(struct cel *out, enum cel_type type)
{
    out->type = (uint8_t)type;
    out->from_data = 0;
    out->reserved = 0;
    out->index = 0;
}

static void set_text(struct cel *out, struct str text)
{
    set_head(out, CEL_STRING);
    out->as.text = text;
}

static void set_time(struct cel *out, int64_t unix_ms)
{
    set_head(out, CEL_TIMESTAMP);
    out->as.time.seconds = unix_ms / 1000;
    out->as.time.nanos = (int32_t)(unix_ms % 1000) * 1000000;
}

static void set_object(struct cel *out, const struct cel_object_class *class_, const void *object)
{
    set_head(out, CEL_OBJECT);
    out->as.object.class_ = class_;
    out->as.object.object = object;
}

static void set_document(struct cel *out, const struct document *document)
{
    cel_set_value(out, document, document_root(document));
}

enum { FIELD_FOUND = 0, FIELD_ABSENT = 1 };

static int optional_document(const struct document *document, struct cel *out)
{
    if (document == NULL) {
        return FIELD_ABSENT;
    }
    set_document(out, document);
    return FIELD_FOUND;
}

static int optional_time(int64_t unix_ms, struct cel *out)
{
    if (unix_ms == 0) {
        return FIELD_ABSENT;
    }
    set_time(out, unix_ms);
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
        set_text(out, str_from(run->id));
    } else if (str_equal(field, STR("workflow"))) {
        set_text(out, run->pipeline->id);
    } else if (str_equal(field, STR("version"))) {
        set_text(out, run->pipeline->version);
    } else if (str_equal(field, STR("triggered_by"))) {
        set_text(out, str_from(run->triggered_by));
    } else if (str_equal(field, STR("status"))) {
        enum run_state state = run->state == RUN_ENDING ? run->outcome : run->state;
        set_text(out, str_from(run_state_name(state)));
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
        set_text(out, str_from(run->id));
    } else if (str_equal(field, STR("type"))) {
        set_text(out, str_from(run->triggered_by));
    } else if (str_equal(field, STR("time"))) {
        return optional_time(run->started_at, out);
    } else if (str_equal(field, STR("data"))) {
        set_document(out, run->input);
    } else if (str_equal(field, STR("headers"))) {
        set_document(out, document_empty_map());
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

static bool is_ending(const struct run_scope *scope, const struct frame *frame, uint32_t index)
{
    const struct record *ending = scope->ending;
    return ending != NULL && ending->node == index && ending->frame == frame->id;
}

static const struct frame *frame_of_node(const struct run_scope *scope, uint32_t index)
{
    const struct frame *frame = frame_with_node(scope->frame, index);
    CHECK(frame != NULL);
    return frame;
}

static const struct document *node_output(const struct run_scope *scope, uint32_t index)
{
    const struct frame *undo = undo_frame_of(scope, index);
    if (undo != NULL) {
        return undo->item_document;
    }
    const struct frame *frame = frame_of_node(scope, index);
    return is_ending(scope, frame, index) ? scope->ending->output
                                          : frame_node(frame, index)->output;
}

/* A node as it is, or as it is going to be once its end is applied. */
static struct run_node_view view_node(const struct run_scope *scope, uint32_t index)
{
    const struct frame *frame = frame_of_node(scope, index);
    struct run_node_view view = run_frame_node_in(frame, index);
    const struct record *ending = scope->ending;
    const struct frame *undo = undo_frame_of(scope, index);
    if (undo != NULL) {
        view.state = NODE_COMPLETED;
        view.output = undo->item_document;
        return view;
    }
    if (!is_ending(scope, frame, index)) {
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
    view.from = ending->from;
    return view;
}

/* `node.x` is short for `node.output.x`. */
static int node_output_field(const struct document *output, struct str field, struct cel *out)
{
    const struct value *value = output != NULL ? value_get(document_root(output), field) : NULL;
    if (value == NULL) {
        return FIELD_ABSENT;
    }
    cel_set_value(out, output, value);
    return FIELD_FOUND;
}

static int node_object_get(const void *object, uint32_t index, struct str field, struct cel *out,
                           struct error *err)
{
    (void)err;                             /* an absent field is no error here */
    if (str_equal(field, STR("output"))) { /* what nearly all expressions ask for */
        return optional_document(node_output(object, index), out);
    }
    struct run_node_view node = view_node(object, index);
    if (str_equal(field, STR("status"))) {
        set_text(out, str_from(node_state_name(node.state)));
        return FIELD_FOUND;
    }
    if (str_equal(field, STR("error"))) {
        return optional_document(node.error, out);
    }
    if (node.detail != NULL &&
        (str_equal(field, STR("errors")) || str_equal(field, STR("counts")))) {
        return node_output_field(node.detail, field, out);
    }
    if (str_equal_text(field, OUTPUT_CACHE_MARK) || str_equal_text(field, OUTPUT_FALLBACK_MARK)) {
        bool is_cache = str_equal_text(field, OUTPUT_CACHE_MARK);
        unsigned mark = is_cache ? OUTPUT_FROM_CACHE : OUTPUT_FROM_FALLBACK;
        *out = (struct cel){.type = CEL_BOOL, .as.boolean = (node.from & mark) != 0};
        return FIELD_FOUND;
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

static void set_node(struct cel *out, const struct run_scope *scope, uint32_t node)
{
    set_object(out, &node_class, scope);
    out->index = node;
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
    set_node(out, scope, (uint32_t)node);
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

/* ---- the milestone that a message is about ---- */

static int milestone_object_get(const void *object, uint32_t index, struct str field,
                                struct cel *out, struct error *err)
{
    const struct frame *frame = object;
    const struct node *def = &frame->run->pipeline->nodes[index];
    (void)err;
    if (str_equal(field, STR("output"))) {
        return optional_document(frame->item_document, out);
    }
    if (str_equal(field, STR("id")) || str_equal(field, STR("name"))) {
        set_text(out, str_equal(field, STR("id")) ? def->id : def->name);
        return FIELD_FOUND;
    }
    if (frame->detail != NULL &&
        (str_equal(field, STR("errors")) || str_equal(field, STR("counts")))) {
        return node_output_field(frame->detail, field, out);
    }
    return FIELD_ABSENT;
}

static const struct cel_object_class milestone_class = {.name = "node",
                                                        .get = milestone_object_get};

/* Only the message of one names it. */
static void set_milestone(struct cel *out, const struct frame *frame)
{
    while (frame->kind != FRAME_NOTICE) {
        frame = frame->parent;
        CHECK(frame != NULL);
    }
    set_object(out, &milestone_class, frame);
    out->index = notice_node(frame->index);
}

/* ---- secrets: only configs and settings read them, and those no record keeps ---- */

static int secrets_object_get(const void *object, uint32_t index, struct str field, struct cel *out,
                              struct error *err)
{
    const struct run_scope *scope = object;
    struct str value = field;
    (void)index;
    if (!scope->names_secrets) {
        int status = secrets_look(scope->run->secrets, field, &value, err);
        if (status != 0) {
            return status;
        }
    }
    set_text(out, value);
    return FIELD_FOUND;
}

/* Told to everybody: it says nothing of the value. */
static int secrets_object_has(const void *object, uint32_t index, struct str field,
                              struct error *err)
{
    const struct run_scope *scope = object;
    struct str value = STR("");
    struct error why = {0};
    (void)index;
    int status = secrets_look(scope->run->secrets, field, &value, &why);
    if (status == E_NOT_FOUND) {
        return FIELD_ABSENT;
    }
    return status != 0 ? error_set(err, status, "%s", why.message) : FIELD_FOUND;
}

static const struct cel_object_class secrets_class = {
    .name = "secrets", .get = secrets_object_get, .has = secrets_object_has};

static int fetch_fixed(const struct run_scope *scope, int slot, struct cel *out)
{
    const struct run *run = scope->run;
    switch ((enum pipeline_slot)slot) {
    case SLOT_INPUT:
        set_document(out, run->input);
        return 0;
    case SLOT_CONFIG:
        set_document(out, run->pipeline->config);
        return 0;
    case SLOT_RUN:
        set_object(out, &run_class, run);
        return 0;
    case SLOT_EVENT:
        set_object(out, &event_class, run);
        return 0;
    case SLOT_NOW:
        set_time(out, scope->now_unix_ms);
        return 0;
    case SLOT_DATE:
        set_text(out, str_from(run->date));
        return 0;
    case SLOT_TIME:
        set_text(out, str_from(run->time));
        return 0;
    case SLOT_NODES:
        set_object(out, &nodes_class, scope);
        return 0;
    case SLOT_ITER:
        set_object(out, &iter_class, frame_of_loop(scope, RECORD_NO_NODE));
        return 0;
    case SLOT_ACC:
        set_document(out, scope->acc);
        return 0;
    case SLOT_REDUCE_ITEM:
        set_document(out, scope->reduced);
        return 0;
    case SLOT_SIGNAL:
        set_document(out, scope->signal != NULL ? scope->signal : document_empty_map());
        return 0;
    case SLOT_SECRETS:
        set_object(out, &secrets_class, scope);
        return 0;
    case SLOT_MILESTONE:
        set_milestone(out, scope->frame);
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
        cel_set_value(out, frame->item_document, frame->item);
        return 0;
    }
    set_node(out, scope, (uint32_t)(slot - SLOT_NODE_FIRST));
    return 0;
}
