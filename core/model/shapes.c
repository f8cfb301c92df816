/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/shapes.h"

#include "core/base/arena.h"
#include "core/model/catalogue.h"
#include "core/model/draft.h"
#include "core/model/pipeline.h"
#include "core/model/queue_item.h"
#include "core/value/schema.h"
#include "core/value/value.h"

/* A field that is there whatever a pipeline says. The list ends with a name that is NULL. */
struct field_type {
    const char *name;
    unsigned types;
};

/* The data that `schema`, a part of `root`, describes. */
struct shape {
    const struct value *root;
    const struct value *schema;
    const struct field_type *fields; /* of an object of the run's, a node for example; else NULL */
};

static const struct expr_shape unknown = {0};

static const struct field_type node_fields[] = {
    {"status", 1u << CEL_STRING},
    {"error", 1u << CEL_MAP},
    {"attempts", 1u << CEL_INT},
    {"from_cache", 1u << CEL_BOOL},
    {"from_fallback", 1u << CEL_BOOL},
    {"started_at", 1u << CEL_TIMESTAMP},
    {"finished_at", 1u << CEL_TIMESTAMP},
    {"stream", 0},
    {NULL, 0},
};
static const struct field_type run_fields[] = {
    {"id", 1u << CEL_STRING},      {"workflow", 1u << CEL_STRING},
    {"version", 1u << CEL_STRING}, {"triggered_by", 1u << CEL_STRING},
    {"status", 1u << CEL_STRING},  {"started_at", 1u << CEL_TIMESTAMP},
    {"error", 1u << CEL_MAP},      {NULL, 0},
};
static const struct field_type event_fields[] = {
    {"id", 1u << CEL_STRING},
    {"type", 1u << CEL_STRING},
    {"time", 1u << CEL_TIMESTAMP},
    {NULL, 0},
};
static const struct field_type iter_fields[] = {
    {"index", 1u << CEL_INT},
    {"first", 1u << CEL_BOOL},
    {"count", 1u << CEL_INT},
    {NULL, 0},
};

static const struct shape plain_node = {.fields = node_fields};
static const struct shape run_shape = {.fields = run_fields};
static const struct shape event_shape = {.fields = event_fields};
static const struct shape iter_shape = {.fields = iter_fields};

static const struct field_type *find_field(const struct field_type *fields, struct str name)
{
    for (; fields != NULL && fields->name != NULL; fields++) {
        if (str_equal_text(name, fields->name)) {
            return fields;
        }
    }
    return NULL;
}

/* ---- schemas ---- */

enum { MOST_REFERENCES = 16 };

/* Behind local references; NULL where they lead elsewhere or in a circle. */
static const struct value *follow(const struct value *root, const struct value *schema)
{
    for (int i = 0; i < MOST_REFERENCES && value_is(schema, VALUE_MAP); i++) {
        const struct value *reference = value_get(schema, STR("$ref"));
        if (reference == NULL) {
            return schema;
        }
        struct str text = value_is(reference, VALUE_STRING) ? value_str(reference) : STR("");
        if (!str_starts_with(text, STR("#/$defs/"))) {
            return NULL;
        }
        size_t prefix = sizeof("#/$defs/") - 1;
        schema =
            value_get(value_get(root, STR("$defs")), str_make(text.p + prefix, text.n - prefix));
    }
    return NULL;
}

static unsigned types_of_name(struct str name)
{
    static const struct {
        const char *name;
        unsigned types;
    } names[] = {
        {"null", 1u << CEL_NULL},
        {"boolean", 1u << CEL_BOOL},
        {"integer", 1u << CEL_INT | 1u << CEL_DOUBLE}, /* 1.0 is one */
        {"number", 1u << CEL_INT | 1u << CEL_DOUBLE},
        {"string", 1u << CEL_STRING},
        {"array", 1u << CEL_LIST},
        {"object", 1u << CEL_MAP},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_equal_text(name, names[i].name)) {
            return names[i].types;
        }
    }
    return 0;
}

static unsigned types_of(const struct value *schema)
{
    const struct value *type = value_get(schema, STR("type"));
    unsigned types = 0;
    if (value_is(type, VALUE_STRING)) {
        return types_of_name(value_str(type));
    }
    for (size_t i = 0; value_is(type, VALUE_LIST) && i < value_count(type); i++) {
        const struct value *name = value_at(type, i);
        types |= value_is(name, VALUE_STRING) ? types_of_name(value_str(name)) : 0;
    }
    return types;
}

static struct expr_shape describe(struct draft *draft, const struct value *root,
                                  const struct value *schema, bool is_node)
{
    schema = follow(root, schema);
    if (schema == NULL) {
        return unknown;
    }
    struct shape *shape = arena_alloc(&draft->loader->arena, sizeof(*shape));
    if (shape == NULL) {
        draft->lacks_memory = true;
        return unknown;
    }
    *shape = (struct shape){.root = root, .schema = schema, .fields = is_node ? node_fields : NULL};
    unsigned types = is_node ? 1u << CEL_OBJECT : types_of(schema);
    return (struct expr_shape){.types = types, .shape = shape};
}

/* ---- data ---- */

static const struct value *output_schema(const struct draft *draft, uint32_t node)
{
    const struct node *def = &draft->nodes[node];
    bool is_known = def->kind == NODE_PLUGIN && def->type != NULL &&
                    def->type->output_schema != NULL && !queue_item_is_for(def);
    return is_known ? schema_source(def->type->output_schema) : NULL;
}

static struct expr_shape describe_slot(struct draft *draft, int slot)
{
    const struct schema *input = draft->storage->pipeline.input_schema;
    if (slot == SLOT_INPUT && input != NULL) {
        return describe(draft, schema_source(input), schema_source(input), false);
    }
    if (slot == SLOT_NOW) {
        return (struct expr_shape){.types = 1u << CEL_TIMESTAMP};
    }
    if (slot == SLOT_DATE || slot == SLOT_TIME) {
        return (struct expr_shape){.types = 1u << CEL_STRING};
    }
    const struct shape *fixed = slot == SLOT_RUN     ? &run_shape
                                : slot == SLOT_EVENT ? &event_shape
                                : slot == SLOT_ITER  ? &iter_shape
                                                     : NULL;
    if (slot >= SLOT_NODE_FIRST && slot < SLOT_ITEM_FIRST) {
        const struct value *schema = output_schema(draft, (uint32_t)(slot - SLOT_NODE_FIRST));
        if (schema != NULL) {
            return describe(draft, schema, schema, true);
        }
        fixed = &plain_node;
    }
    return fixed != NULL ? (struct expr_shape){.types = 1u << CEL_OBJECT, .shape = fixed} : unknown;
}

/* Objects have fields of their own; others of a node are short for those of its output. */
static struct expr_shape describe_field(struct draft *draft, const struct shape *shape,
                                        struct str field)
{
    const struct field_type *own = find_field(shape->fields, field);
    if (own != NULL) {
        return (struct expr_shape){.types = own->types};
    }
    if (str_equal(field, STR("output"))) {
        return describe(draft, shape->root, shape->schema, false);
    }
    const struct value *property = value_get(value_get(shape->schema, STR("properties")), field);
    return describe(draft, shape->root, property, false);
}

struct expr_shape shapes_describe(void *user, int slot, const void *above, const struct str *field)
{
    struct draft *draft = user;
    const struct shape *shape = above;
    if (shape == NULL) {
        return describe_slot(draft, slot);
    }
    if (shape->fields != NULL) {
        return field != NULL ? describe_field(draft, shape, *field) : unknown;
    }
    const struct value *inside =
        field != NULL ? value_get(value_get(shape->schema, STR("properties")), *field)
                      : value_get(shape->schema, STR("items"));
    return describe(draft, shape->root, inside, false);
}

/* What is asked often is asked first: a type check costs more. */
static bool knows(const struct draft *draft, const struct expr_reference *reference)
{
    int slot = reference->slot;
    if (slot == SLOT_INPUT) {
        return draft->storage->pipeline.input_schema != NULL;
    }
    if (slot < SLOT_NODE_FIRST) {
        return slot == SLOT_NOW || slot == SLOT_DATE || slot == SLOT_TIME || slot == SLOT_RUN ||
               slot == SLOT_EVENT || slot == SLOT_ITER;
    }
    return slot < SLOT_ITEM_FIRST &&
           (output_schema(draft, (uint32_t)(slot - SLOT_NODE_FIRST)) != NULL ||
            reference->path_count == 0 || find_field(node_fields, reference->path[0]) != NULL);
}

bool shapes_know(const struct draft *draft, const struct expr *expr)
{
    for (size_t i = 0; i < expr_reference_count(expr); i++) {
        if (knows(draft, expr_reference_at(expr, i))) {
            return true;
        }
    }
    return false;
}
