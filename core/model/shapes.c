/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/shapes.h"

#include "core/base/arena.h"
#include "core/model/catalogue.h"
#include "core/model/draft.h"
#include "core/model/pipeline.h"
#include "core/value/schema.h"
#include "core/value/value.h"

/* The data that `schema`, a part of `root`, describes. */
struct shape {
    const struct value *root;
    const struct value *schema;
    bool is_node; /* the node whose output it describes */
};

static const struct expr_shape unknown = {0};

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
    struct shape *shape = schema != NULL ? arena_alloc(&draft->loader->arena, sizeof(*shape))
                                         : NULL;
    if (shape == NULL) { /* without memory nothing is known, which is never wrong */
        return unknown;
    }
    *shape = (struct shape){.root = root, .schema = schema, .is_node = is_node};
    unsigned types = is_node ? 1u << CEL_OBJECT : types_of(schema);
    return (struct expr_shape){.types = types, .shape = shape};
}

/* ---- data ---- */

static const struct value *output_schema(const struct draft *draft, uint32_t node)
{
    const struct node *def = &draft->nodes[node];
    bool is_known = def->kind == NODE_PLUGIN && def->type != NULL &&
                    def->type->output_schema != NULL;
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
    bool is_node = slot >= SLOT_NODE_FIRST && slot < SLOT_ITEM_FIRST;
    const struct value *schema = is_node ? output_schema(draft, (uint32_t)(slot - SLOT_NODE_FIRST))
                                         : NULL;
    struct expr_shape plain_node = {.types = 1u << CEL_OBJECT};
    return schema != NULL ? describe(draft, schema, schema, true) : is_node ? plain_node : unknown;
}

/* A node has fields of its own; others are short for those of its output. */
static struct expr_shape describe_node_field(struct draft *draft, const struct shape *node,
                                             struct str field)
{
    static const struct {
        const char *name;
        unsigned types;
    } own[] = {
        {"status", 1u << CEL_STRING},         {"error", 1u << CEL_MAP},
        {"attempts", 1u << CEL_INT},          {"started_at", 1u << CEL_TIMESTAMP},
        {"finished_at", 1u << CEL_TIMESTAMP}, {"stream", 0},
    };
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (str_equal_text(field, own[i].name)) {
            return (struct expr_shape){.types = own[i].types};
        }
    }
    if (str_equal(field, STR("output"))) {
        return describe(draft, node->root, node->schema, false);
    }
    const struct value *property = value_get(value_get(node->schema, STR("properties")), field);
    return describe(draft, node->root, property, false);
}

struct expr_shape shapes_describe(void *user, int slot, const void *above, const struct str *field)
{
    struct draft *draft = user;
    const struct shape *shape = above;
    if (shape == NULL) {
        return describe_slot(draft, slot);
    }
    if (shape->is_node) {
        return field != NULL ? describe_node_field(draft, shape, *field) : unknown;
    }
    const struct value *inside =
        field != NULL ? value_get(value_get(shape->schema, STR("properties")), *field)
                      : value_get(shape->schema, STR("items"));
    return describe(draft, shape->root, inside, false);
}

bool shapes_know(const struct draft *draft, const struct expr *expr)
{
    for (size_t i = 0; i < expr_reference_count(expr); i++) {
        int slot = expr_reference_at(expr, i)->slot;
        bool is_node = slot >= SLOT_NODE_FIRST && slot < SLOT_ITEM_FIRST;
        if ((slot == SLOT_INPUT && draft->storage->pipeline.input_schema != NULL) ||
            slot == SLOT_NOW || slot == SLOT_DATE || slot == SLOT_TIME || is_node) {
            return true;
        }
    }
    return false;
}
