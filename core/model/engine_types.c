/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/engine_types.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/model/catalogue.h"
#include "core/value/json.h"
#include "core/value/schema.h"
#include "core/value/value.h"

struct engine_type_source {
    const char *name;
    enum node_kind kind;
    const char *summary;
    const char *config_schema;
};

/* In order of name. */
static const struct engine_type_source sources[] = {
    {"conditional", NODE_CONDITIONAL, "chooses between two ways by a condition",
     "{\"type\": \"object\", \"required\": [\"condition\"], \"additionalProperties\": false,"
     " \"properties\": {"
     "\"condition\": {\"format\": \"cel\", \"description\": \"what decides: true or false\"},"
     "\"true_edge\": {\"type\": \"string\", \"description\": \"the node, or named end, for true\"},"
     "\"false_edge\": {\"type\": \"string\","
     " \"description\": \"the node, or named end, for false\"}}}"},
    {"fail", NODE_FAIL, "fails with a message",
     "{\"type\": \"object\", \"required\": [\"message\"], \"additionalProperties\": false,"
     " \"properties\": {"
     "\"message\": {\"type\": \"string\", \"description\": \"what went wrong, for people\"},"
     "\"code\": {\"type\": \"string\", \"minLength\": 1,"
     " \"description\": \"for programs: capitals, digits and _\"}}}"},
    {"loop", NODE_LOOP, "runs its nodes once for each item of 'for_each'",
     "{\"type\": \"object\", \"properties\": {}, \"additionalProperties\": false}"},
    {"passthrough", NODE_PASSTHROUGH, "gives on what came before it",
     "{\"type\": \"object\", \"properties\": {}, \"additionalProperties\": false}"},
    {"queue.process", NODE_QUEUE,
     "has calls that wait in the retry queue made now, and waits for them",
     "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
     "\"workflow\": {\"type\": \"string\", \"minLength\": 1,"
     " \"description\": \"only calls of this workflow\"},"
     "\"node\": {\"type\": \"string\", \"minLength\": 1,"
     " \"description\": \"only calls of nodes with this id\"},"
     "\"max_items\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 1000, \"default\": 100,"
     " \"description\": \"so many calls at most, the oldest first\"},"
     "\"wait\": {\"type\": \"string\", \"format\": \"ops-duration\","
     " \"description\": \"how long to wait for calls that are put off, like 5m;"
     " without it these are left for later\"}}}"},
    {"router", NODE_ROUTER, "takes the first route whose condition is true",
     "{\"type\": \"object\", \"required\": [\"routes\"], \"additionalProperties\": false,"
     " \"properties\": {"
     "\"routes\": {\"type\": \"array\", \"minItems\": 1, \"maxItems\": 1000,"
     " \"description\": \"asked in this order\","
     " \"items\": {\"type\": \"object\", \"required\": [\"name\", \"when\"],"
     " \"additionalProperties\": false, \"properties\": {"
     "\"name\": {\"type\": \"string\", \"minLength\": 1, \"description\": \"the outcome\"},"
     "\"when\": {\"format\": \"cel\", \"description\": \"the condition\"}}}},"
     "\"default\": {\"type\": \"string\", \"minLength\": 1,"
     " \"description\": \"the outcome when no route's condition is true\"}}}"},
    {"set", NODE_SET, "its output is its config, with the templates filled in",
     "{\"type\": \"object\"}"},
    {"start", NODE_START, "its output is the run's input",
     "{\"type\": \"object\", \"properties\": {}, \"additionalProperties\": false}"},
    {"wait", NODE_WAIT, "ends after some seconds, at a time, or with an event",
     "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
     "\"seconds\": {\"type\": \"number\", \"minimum\": 0, \"description\": \"how long\"},"
     "\"until\": {\"type\": \"string\", \"format\": \"date-time\","
     " \"description\": \"a time like 2025-01-31T12:00:00Z\"},"
     "\"event\": {\"type\": \"string\", \"minLength\": 1,"
     " \"description\": \"the name of an event that is sent to the run\"},"
     "\"match\": {\"format\": \"cel\","
     " \"description\": \"which of these events: 'signal' has name, data and time\"},"
     "\"timeout\": {\"type\": \"string\","
     " \"description\": \"how long to wait for the event, like 30s\"}}}"},
    {"workflow", NODE_WORKFLOW, "runs another pipeline as a child run; its output is the child's",
     "{\"type\": \"object\", \"required\": [\"workflow\"], \"additionalProperties\": false,"
     " \"properties\": {"
     "\"workflow\": {\"type\": \"string\", \"minLength\": 1,"
     " \"description\": \"the id of the pipeline: of the same file, or of the library\"},"
     "\"input\": {\"type\": \"object\", \"default\": {},"
     " \"description\": \"the input of the child run\"},"
     "\"wait\": {\"type\": \"boolean\", \"default\": true,"
     " \"description\": \"false: go on while the child runs\"}}}"},
};

enum { TYPE_COUNT = sizeof(sources) / sizeof(sources[0]) };

struct engine_types {
    struct node_type types[TYPE_COUNT];
    struct schema *schemas[TYPE_COUNT];
    struct node_type group; /* what nodes are that nobody writes a type for */
    struct node_type idle;
};

/* What `opstream nodes` tells; the model knows the outcomes of these two by their kind. */
static void fill_outcomes(struct node_type *type, enum node_kind kind)
{
    static const struct str branches[] = {{"true", 4}, {"false", 5}};
    if (kind == NODE_CONDITIONAL) {
        type->ports = branches;
        type->port_count = 2;
    }
    if (kind == NODE_ROUTER) {
        type->ports_from = STR("/routes/*/name");
    }
}

static int fill_type(struct engine_types *types, size_t i, struct error *err)
{
    cleanup_document struct document *document = NULL;
    int status = json_read(str_from(sources[i].config_schema), NULL, &document, err);
    if (status != 0) {
        return status;
    }
    status = schema_compile(document, &types->schemas[i], err);
    if (status != 0) {
        return status;
    }
    types->types[i] = (struct node_type){
        .name = str_from(sources[i].name),
        .summary = str_from(sources[i].summary),
        .risk = STR("low"),
        .flags = NODE_TYPE_IDEMPOTENT | NODE_TYPE_PURE,
        .config_schema = types->schemas[i],
    };
    fill_outcomes(&types->types[i], sources[i].kind);
    return 0;
}

int engine_types_create(struct engine_types **out_types, struct error *err)
{
    struct engine_types *types = calloc(1, sizeof(*types));
    if (types == NULL) {
        return error_nomem(err);
    }
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        int status = fill_type(types, i, err);
        if (status != 0) {
            engine_types_destroy(types);
            return status;
        }
    }
    types->group = *engine_types_of(types, NODE_LOOP);
    types->group.name = STR("group");
    types->group.summary = STR("runs its nodes");
    types->idle = *engine_types_of(types, NODE_PASSTHROUGH);
    types->idle.name = STR("idle");
    types->idle.summary = STR("waits for an event");
    *out_types = types;
    return 0;
}

void engine_types_destroy(struct engine_types *types)
{
    if (types == NULL) {
        return;
    }
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        schema_destroy(types->schemas[i]);
    }
    free(types);
}

const struct node_type *engine_types_find(const struct engine_types *types, struct str name,
                                          enum node_kind *out_kind)
{
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (str_equal(types->types[i].name, name)) {
            if (out_kind != NULL) {
                *out_kind = sources[i].kind;
            }
            return &types->types[i];
        }
    }
    return NULL;
}

const struct node_type *engine_types_of(const struct engine_types *types, enum node_kind kind)
{
    if (kind == NODE_GROUP || kind == NODE_IDLE) {
        return kind == NODE_GROUP ? &types->group : &types->idle;
    }
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (sources[i].kind == kind) {
            return &types->types[i];
        }
    }
    return NULL;
}

const struct node_type *engine_types_at(const struct engine_types *types, size_t i)
{
    return i < TYPE_COUNT ? &types->types[i] : NULL;
}
