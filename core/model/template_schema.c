/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One walk over the schema, which copies it and changes what stands at the place of a value:
 *
 *     {"type": "integer"}    {"anyOf": [{"type": "integer"}, {"type": "string", "$ref":
 *                                                             "#/$defs/template"}]}
 *     {"type": "string"}     {"type": ["string", "number"]}
 */
#include "core/model/template_schema.h"

#include "core/base/error.h"
#include "core/value/builder.h"
#include "core/value/value.h"

/* Levels of a schema that fit into the document with what is put around them. */
enum { MAX_SCHEMA_DEPTH = 20 };

enum place {
    PLACE_VALUE, /* of a value: a template may stand there */
    PLACE_RULE,  /* of a rule about a value that is described elsewhere */
    PLACE_PLAIN, /* no templates: names of keys, conditions, what is raw */
};

struct walk {
    struct builder *b;
    struct str pointer; /* of the root */
    int status;         /* E_NOMEM: a text was cut */
};

/* What holds the schemas of a keyword. */
enum holder {
    HOLDS_NONE,
    HOLDS_ONE,
    HOLDS_LIST,
    HOLDS_MAP,
};

struct keyword {
    struct str name;
    enum holder holder;
    enum place place;
};

#define KEYWORD(name, holder, place)                                                               \
    {                                                                                              \
        {name, sizeof(name) - 1}, holder, place                                                    \
    }

static const struct keyword keywords[] = {
    KEYWORD("properties", HOLDS_MAP, PLACE_VALUE),
    KEYWORD("patternProperties", HOLDS_MAP, PLACE_VALUE),
    KEYWORD("additionalProperties", HOLDS_ONE, PLACE_VALUE),
    KEYWORD("unevaluatedProperties", HOLDS_ONE, PLACE_VALUE),
    KEYWORD("items", HOLDS_ONE, PLACE_VALUE),
    KEYWORD("prefixItems", HOLDS_LIST, PLACE_VALUE),
    KEYWORD("unevaluatedItems", HOLDS_ONE, PLACE_VALUE),
    KEYWORD("contains", HOLDS_ONE, PLACE_VALUE),
    KEYWORD("allOf", HOLDS_LIST, PLACE_RULE),
    KEYWORD("anyOf", HOLDS_LIST, PLACE_RULE),
    KEYWORD("oneOf", HOLDS_LIST, PLACE_RULE),
    KEYWORD("then", HOLDS_ONE, PLACE_RULE),
    KEYWORD("else", HOLDS_ONE, PLACE_RULE),
    KEYWORD("dependentSchemas", HOLDS_MAP, PLACE_RULE),
    KEYWORD("$defs", HOLDS_MAP, PLACE_RULE),
    KEYWORD("definitions", HOLDS_MAP, PLACE_RULE),
    KEYWORD("if", HOLDS_ONE, PLACE_PLAIN),
    KEYWORD("not", HOLDS_ONE, PLACE_PLAIN),
    KEYWORD("propertyNames", HOLDS_ONE, PLACE_PLAIN),
};

static const struct keyword *find_keyword(struct str name)
{
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        if (str_equal(keywords[i].name, name)) {
            return &keywords[i];
        }
    }
    return NULL;
}

static bool is_text(const struct value *value, struct str text)
{
    return value_is(value, VALUE_STRING) && str_equal(value_str(value), text);
}

static bool is_true(const struct value *value)
{
    return value_is(value, VALUE_BOOL) && value_bool(value);
}

static bool is_expression(const struct value *schema)
{
    return is_text(value_get(schema, STR("format")), STR("cel"));
}

/* `type` names `name`, alone or in a list. */
static bool has_type(const struct value *type, struct str name)
{
    for (size_t i = 0; value_is(type, VALUE_LIST) && i < value_count(type); i++) {
        if (is_text(value_at(type, i), name)) {
            return true;
        }
    }
    return is_text(type, name);
}

static bool has_any(const struct value *schema, const struct str *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (value_get(schema, names[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* Some text with a template breaks a rule of the schema. */
static bool rules_templates(const struct value *schema)
{
    static const struct str always[] = {{"enum", 4},  {"const", 5}, {"$ref", 4}, {"allOf", 5},
                                        {"anyOf", 5}, {"oneOf", 5}, {"not", 3},  {"if", 2}};
    static const struct str of_texts[] = {{"pattern", 7}, {"format", 6}};
    const struct value *type = value_get(schema, STR("type"));
    return has_any(schema, always, sizeof(always) / sizeof(always[0])) ||
           has_any(schema, of_texts, sizeof(of_texts) / sizeof(of_texts[0])) ||
           (type != NULL && !has_type(type, STR("string")));
}

/* What the reader of a file sees of it whichever branch its value takes. */
static bool is_about(struct str name)
{
    static const struct str names[] = {
        {"title", 5}, {"description", 11}, {"default", 7}, {"examples", 8}, {"deprecated", 10}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_equal(names[i], name)) {
            return true;
        }
    }
    return false;
}

static bool is_dropped(const struct value_member *member)
{
    struct str name = value_str(&member->key);
    return str_starts_with(name, STR("x-")) || str_equal(name, STR("$schema")) ||
           str_equal(name, STR("$comment")) ||
           (str_equal(name, STR("format")) && is_text(&member->value, STR("cel")));
}

static void build_template_ref(struct builder *b)
{
    builder_member_string(b, STR("$ref"), STR("#/$defs/" TEMPLATE_SCHEMA_NAME));
}

static void build_ref(struct walk *walk, const struct value *ref)
{
    struct str text = value_is(ref, VALUE_STRING) ? value_str(ref) : STR("#");
    struct strbuf moved = STRBUF_INIT;
    strbuf_append_str(&moved, walk->pointer);
    strbuf_append_str(&moved, str_make(text.p + 1, text.n - 1));
    builder_string(walk->b, strbuf_str(&moved));
    if (strbuf_status(&moved) != 0) {
        walk->status = E_NOMEM;
    }
    strbuf_finish(&moved);
}

static void build_type(struct builder *b, const struct value *type, struct str more)
{
    builder_list_begin(b);
    for (size_t i = 0; value_is(type, VALUE_LIST) && i < value_count(type); i++) {
        builder_copy(b, value_at(type, i));
    }
    if (!value_is(type, VALUE_LIST)) {
        builder_copy(b, type);
    }
    builder_string(b, more);
    builder_list_end(b);
}

static void build_schema(struct walk *walk, const struct value *schema, enum place place);

static void build_held(struct walk *walk, const struct value *held, const struct keyword *keyword,
                       enum place around)
{
    enum place place = around == PLACE_PLAIN ? PLACE_PLAIN : keyword->place;
    if (keyword->holder == HOLDS_LIST && value_is(held, VALUE_LIST)) {
        builder_list_begin(walk->b);
        for (size_t i = 0; i < value_count(held); i++) {
            build_schema(walk, value_at(held, i), place);
        }
        builder_list_end(walk->b);
    } else if (keyword->holder == HOLDS_MAP && value_is(held, VALUE_MAP)) {
        builder_map_begin(walk->b);
        for (size_t i = 0; i < value_count(held); i++) {
            const struct value_member *member = value_member_at(held, i);
            builder_key(walk->b, value_str(&member->key));
            build_schema(walk, &member->value, place);
        }
        builder_map_end(walk->b);
    } else {
        build_schema(walk, held, place);
    }
}

/* Of branches that only say which members there are at most one fits, templates or not. */
static bool says_only_required(const struct value *branches)
{
    for (size_t i = 0; value_is(branches, VALUE_LIST) && i < value_count(branches); i++) {
        const struct value *branch = value_at(branches, i);
        if (!value_is(branch, VALUE_MAP) || value_count(branch) != 1 ||
            value_get(branch, STR("required")) == NULL) {
            return false;
        }
    }
    return true;
}

static void build_member(struct walk *walk, const struct value_member *member, enum place place)
{
    struct str name = value_str(&member->key);
    const struct keyword *keyword = find_keyword(name);
    bool is_one_of = str_equal(name, STR("oneOf")) && place != PLACE_PLAIN;
    if (is_dropped(member)) {
        return;
    }
    /* A template may become what one branch wants, or what another one does. */
    builder_key(walk->b, is_one_of && !says_only_required(&member->value) ? STR("anyOf") : name);
    if (keyword != NULL) {
        build_held(walk, &member->value, keyword, place);
    } else if (str_equal(name, STR("$ref"))) {
        build_ref(walk, &member->value);
    } else {
        builder_copy(walk->b, &member->value);
    }
}

enum selection {
    SELECT_ALL,
    SELECT_ABOUT,
    SELECT_RULES,
};

static void build_members(struct walk *walk, const struct value *schema, enum place place,
                          enum selection selection)
{
    for (size_t i = 0; i < value_count(schema); i++) {
        const struct value_member *member = value_member_at(schema, i);
        if (selection == SELECT_ALL ||
            is_about(value_str(&member->key)) == (selection == SELECT_ABOUT)) {
            build_member(walk, member, place);
        }
    }
}

/* Nothing but branches, one of which must fit: a template is one more. */
static bool is_choice(const struct value *schema)
{
    for (size_t i = 0; i < value_count(schema); i++) {
        const struct value_member *member = value_member_at(schema, i);
        struct str name = value_str(&member->key);
        if (!is_about(name) && !is_dropped(member) && !str_equal(name, STR("anyOf"))) {
            return false;
        }
    }
    return value_is(value_get(schema, STR("anyOf")), VALUE_LIST);
}

static void build_branches(struct walk *walk, const struct value *schema)
{
    struct builder *b = walk->b;
    build_members(walk, schema, PLACE_RULE, SELECT_ABOUT);
    builder_key(b, STR("anyOf"));
    builder_list_begin(b);
    if (is_choice(schema)) {
        const struct value *branches = value_get(schema, STR("anyOf"));
        for (size_t i = 0; i < value_count(branches); i++) {
            build_schema(walk, value_at(branches, i), PLACE_RULE);
        }
    } else {
        builder_map_begin(b);
        build_members(walk, schema, PLACE_RULE, SELECT_RULES);
        builder_map_end(b);
    }
    builder_map_begin(b);
    builder_member_string(b, STR("type"), STR("string"));
    build_template_ref(b);
    builder_map_end(b);
    builder_list_end(b);
}

/* A text or anything, which a template is, too. Numbers are text as they are written. */
static void build_text(struct walk *walk, const struct value *schema)
{
    const struct value *type = value_get(schema, STR("type"));
    bool has_number = has_type(type, STR("number")) || has_type(type, STR("integer"));
    for (size_t i = 0; i < value_count(schema); i++) {
        const struct value_member *member = value_member_at(schema, i);
        struct str name = value_str(&member->key);
        if (str_equal(name, STR("type")) && !has_number) {
            builder_key(walk->b, name);
            build_type(walk->b, type, STR("number"));
        } else if (!str_equal(name, STR("maxLength"))) {
            build_member(walk, member, PLACE_VALUE);
        }
    }
}

/* Bounded by MAX_SCHEMA_DEPTH, so recursion is shallow. */
static void build_schema(struct walk *walk, const struct value *schema, enum place place)
{
    if (!value_is(schema, VALUE_MAP)) {
        builder_copy(walk->b, schema);
        return;
    }
    builder_map_begin(walk->b);
    if (place != PLACE_VALUE || is_expression(schema) ||
        is_true(value_get(schema, STR("x-ops-raw")))) {
        build_members(walk, schema, place == PLACE_RULE ? PLACE_RULE : PLACE_PLAIN, SELECT_ALL);
    } else if (rules_templates(schema)) {
        build_branches(walk, schema);
    } else {
        build_text(walk, schema);
    }
    builder_map_end(walk->b);
}

/* Names of its own would be names of the whole document. */
static bool has_own_names(const struct value *value)
{
    static const struct str names[] = {{"$id", 3}, {"$anchor", 7}, {"$dynamicAnchor", 14}};
    if (value_is(value, VALUE_MAP) && has_any(value, names, sizeof(names) / sizeof(names[0]))) {
        return true;
    }
    bool is_map = value_is(value, VALUE_MAP);
    for (size_t i = 0; (is_map || value_is(value, VALUE_LIST)) && i < value_count(value); i++) {
        const struct value *inner = is_map ? &value_member_at(value, i)->value : value_at(value, i);
        if (has_own_names(inner)) {
            return true;
        }
    }
    return false;
}

static bool is_movable(const struct value *schema)
{
    return value_is(schema, VALUE_MAP) && schema->depth <= MAX_SCHEMA_DEPTH &&
           !has_own_names(schema);
}

static void build_properties(struct walk *walk, const struct value *properties,
                             const struct value *more)
{
    builder_key(walk->b, STR("properties"));
    builder_map_begin(walk->b);
    for (size_t i = 0; i < value_count(more); i++) {
        const struct value_member *member = value_member_at(more, i);
        builder_key(walk->b, value_str(&member->key));
        builder_copy(walk->b, &member->value);
    }
    for (size_t i = 0; value_is(properties, VALUE_MAP) && i < value_count(properties); i++) {
        const struct value_member *member = value_member_at(properties, i);
        if (value_get(more, value_str(&member->key)) == NULL) {
            builder_key(walk->b, value_str(&member->key));
            build_schema(walk, &member->value, PLACE_VALUE);
        }
    }
    builder_map_end(walk->b);
}

int template_schema_build(struct builder *b, const struct value *schema, struct str pointer,
                          const struct value *more)
{
    struct walk walk = {.b = b, .pointer = pointer};
    bool is_moved = is_movable(schema);
    if (!is_moved) {
        builder_member_string(b, STR("type"), STR("object"));
    }
    for (size_t i = 0; is_moved && i < value_count(schema); i++) {
        const struct value_member *member = value_member_at(schema, i);
        if (more == NULL || !str_equal(value_str(&member->key), STR("properties"))) {
            build_member(&walk, member, PLACE_RULE);
        }
    }
    if (more != NULL) {
        build_properties(&walk, is_moved ? value_get(schema, STR("properties")) : NULL, more);
    }
    return walk.status;
}
