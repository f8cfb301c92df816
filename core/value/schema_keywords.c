/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keywords, one row each. A row's function reads the keyword's value and adds a rule, an
 * entry or subschemas. Keywords that work together (contains and minContains, say) share a rule.
 */
#include "core/value/schema_compiler.h"

#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/value/regex.h"
#include "core/value/schema.h"
#include "core/value/schema_format.h"
#include "core/value/schema_number.h"
#include "core/value/schema_uri.h"
#include "core/value/value.h"

struct keyword {
    const char *name;
    size_t name_bytes;
    int (*read)(struct compiler *c, const struct keyword *keyword, const struct value *operand);
    enum schema_rule_kind kind; /* for rows that share a function */
};

static int fail(struct compiler *c, const struct keyword *keyword, const char *message)
{
    return compiler_fail_at(c, c->node, str_from(keyword->name), E_INVALID, "%s", message);
}

/* The node's rule of that kind, which an earlier keyword may have added. */
static struct schema_rule *share_rule(struct compiler *c, enum schema_rule_kind kind)
{
    const struct schema_node *node = &c->schema->nodes[c->node];
    for (uint32_t i = 0; i < node->rule_count; i++) {
        struct schema_rule *rule = &c->schema->rules[node->first_rule + i];
        if (rule->kind == kind) {
            return rule;
        }
    }
    return compiler_add_rule(c, kind);
}

static int add_operand_rule(struct compiler *c, enum schema_rule_kind kind,
                            const struct value *operand)
{
    struct schema_rule *rule = compiler_add_rule(c, kind);
    if (rule == NULL) {
        return E_NOMEM;
    }
    rule->operand = operand;
    return 0;
}

static struct schema_origin make_origin(const struct compiler *c, const struct keyword *keyword)
{
    return (struct schema_origin){.parent = c->node,
                                  .keyword = str_from(keyword->name),
                                  .resource = c->origins[c->node].resource};
}

static int read_subschema(struct compiler *c, const struct keyword *keyword,
                          const struct value *operand, uint32_t *out_node)
{
    struct schema_origin origin = make_origin(c, keyword);
    return compiler_add_node(c, operand, &origin, out_node);
}

/* Adds the members of a map of subschemas as entries. */
static int read_subschema_map(struct compiler *c, const struct keyword *keyword,
                              const struct value *operand, struct schema_range *out_range)
{
    if (!value_is(operand, VALUE_MAP)) {
        return fail(c, keyword, "must be a map whose members are schemas");
    }
    struct schema_range range = {(uint32_t)c->schema->entry_count, 0};
    for (size_t i = 0; i < value_count(operand); i++) {
        const struct value_member *member = value_member_at(operand, i);
        struct schema_origin origin = make_origin(c, keyword);
        origin.has_key = true;
        origin.key = value_str(&member->key);
        struct schema_entry entry = {.key = origin.key};
        int status = compiler_add_node(c, &member->value, &origin, &entry.node);
        status = status != 0 ? status : compiler_add_entry(c, entry);
        if (status != 0) {
            return status;
        }
        range.count++;
    }
    *out_range = range;
    return 0;
}

static int read_subschema_list(struct compiler *c, const struct keyword *keyword,
                               const struct value *operand, struct schema_range *out_range)
{
    if (!value_is(operand, VALUE_LIST) || value_count(operand) == 0) {
        return fail(c, keyword, "must be a list of at least one schema");
    }
    struct schema_range range = {(uint32_t)c->schema->entry_count, 0};
    for (uint32_t i = 0; i < value_count(operand); i++) {
        struct schema_origin origin = make_origin(c, keyword);
        origin.has_index = true;
        origin.index = i;
        struct schema_entry entry = {0};
        int status = compiler_add_node(c, value_at(operand, i), &origin, &entry.node);
        status = status != 0 ? status : compiler_add_entry(c, entry);
        if (status != 0) {
            return status;
        }
        range.count++;
    }
    *out_range = range;
    return 0;
}

static int compile_pattern(struct compiler *c, const struct keyword *keyword, struct str pattern,
                           struct regex **out_regex)
{
    struct str name = str_from(keyword->name);
    if (c->pattern_count >= SCHEMA_MAX_PATTERNS) {
        return compiler_fail_at(c, c->node, name, E_LIMIT,
                                "the schema has more than %d regular expressions",
                                (int)SCHEMA_MAX_PATTERNS);
    }
    struct error why = {0};
    int status = regex_compile(pattern, out_regex, &why);
    if (status != 0) {
        return compiler_fail_at(c, c->node, name, status, "%s", why.message);
    }
    c->pattern_count++;
    return 0;
}

static unsigned type_bit(struct str name)
{
    for (unsigned i = 0; i < SCHEMA_TYPE_COUNT; i++) {
        if (str_equal_text(name, schema_type_names[i])) {
            return 1u << i;
        }
    }
    return 0;
}

/* What programming languages call it, or NULL. */
static const char *meant_type(const struct value *name)
{
    static const char *const words[][2] = {
        {"int", "integer"},  {"str", "string"},    {"text", "string"}, {"bool", "boolean"},
        {"float", "number"}, {"double", "number"}, {"list", "array"},  {"dict", "object"},
        {"map", "object"},   {"any", "{}"},
    };
    for (size_t i = 0; value_is(name, VALUE_STRING) && i < sizeof(words) / sizeof(words[0]); i++) {
        if (str_equal_text(value_str(name), words[i][0])) {
            return words[i][1];
        }
    }
    return NULL;
}

/* The type that is nearly called so, or NULL. */
static const char *near_type(const struct value *name)
{
    struct suggest nearest =
        suggest_start(value_is(name, VALUE_STRING) ? value_str(name) : STR(""));
    for (unsigned i = 0; i < SCHEMA_TYPE_COUNT; i++) {
        suggest_offer(&nearest, str_from(schema_type_names[i]));
    }
    return nearest.best.n > 0 ? nearest.best.p : NULL;
}

static int fail_type(struct compiler *c, const struct keyword *keyword, const struct value *name,
                     const char *meant)
{
    if (strcmp(meant, "{}") == 0) {
        return fail(c, keyword, "'any' is no type: leave 'type' out");
    }
    return compiler_fail_at(c, c->node, str_make(keyword->name, keyword->name_bytes), E_INVALID,
                            "'%.*s' is no type: did you mean '%s'?", STR_ARG(value_str(name)),
                            meant);
}

static int read_type(struct compiler *c, const struct keyword *keyword, const struct value *operand)
{
    static const char *const must = "must be 'null', 'boolean', 'integer', 'number', 'string', "
                                    "'array' or 'object', or a list of different ones";
    bool is_list = value_is(operand, VALUE_LIST);
    size_t count = is_list ? value_count(operand) : 1;
    unsigned types = 0;
    for (size_t i = 0; i < count; i++) {
        const struct value *name = is_list ? value_at(operand, i) : operand;
        unsigned bit = value_is(name, VALUE_STRING) ? type_bit(value_str(name)) : 0;
        const char *meant = bit == 0 ? meant_type(name) : NULL;
        meant = bit == 0 && meant == NULL ? near_type(name) : meant;
        if (meant != NULL) {
            return fail_type(c, keyword, name, meant);
        }
        if (bit == 0 || (types & bit) != 0) {
            return fail(c, keyword, must);
        }
        types |= bit;
    }
    if (types == 0) {
        return fail(c, keyword, must);
    }
    struct schema_rule *rule = compiler_add_rule(c, keyword->kind);
    if (rule == NULL) {
        return E_NOMEM;
    }
    rule->types = types;
    return 0;
}

static int read_any(struct compiler *c, const struct keyword *keyword, const struct value *operand)
{
    return add_operand_rule(c, keyword->kind, operand);
}

static int read_enum(struct compiler *c, const struct keyword *keyword, const struct value *operand)
{
    if (!value_is(operand, VALUE_LIST)) {
        return fail(c, keyword, "must be a list of values");
    }
    return add_operand_rule(c, keyword->kind, operand);
}

static int read_number(struct compiler *c, const struct keyword *keyword,
                       const struct value *operand)
{
    if (!value_is(operand, VALUE_INT) && !value_is(operand, VALUE_DOUBLE)) {
        return fail(c, keyword, "must be a number");
    }
    if (keyword->kind == SCHEMA_RULE_MULTIPLE_OF && !(value_number(operand) > 0)) {
        return fail(c, keyword, "must be a number above 0");
    }
    return add_operand_rule(c, keyword->kind, operand);
}

static bool read_count_value(const struct value *operand, uint64_t *out_count)
{
    if (!schema_number_is_whole(operand) || value_number(operand) < 0) {
        return false;
    }
    if (value_is(operand, VALUE_INT)) {
        *out_count = (uint64_t)value_int(operand);
    } else {
        double number = value_double(operand);
        *out_count = number < 0x1p64 ? (uint64_t)number : UINT64_MAX;
    }
    return true;
}

static int read_count(struct compiler *c, const struct keyword *keyword,
                      const struct value *operand)
{
    uint64_t count = 0;
    if (!read_count_value(operand, &count)) {
        return fail(c, keyword, "must be a whole number from 0");
    }
    struct schema_rule *rule = compiler_add_rule(c, keyword->kind);
    if (rule == NULL) {
        return E_NOMEM;
    }
    rule->limit = count;
    return 0;
}

static int read_unique(struct compiler *c, const struct keyword *keyword,
                       const struct value *operand)
{
    if (!value_is(operand, VALUE_BOOL)) {
        return fail(c, keyword, "must be true or false");
    }
    return value_bool(operand) ? add_operand_rule(c, keyword->kind, operand) : 0;
}

static int read_pattern(struct compiler *c, const struct keyword *keyword,
                        const struct value *operand)
{
    if (!value_is(operand, VALUE_STRING)) {
        return fail(c, keyword, "must be text: a regular expression");
    }
    struct regex *regex = NULL;
    int status = compile_pattern(c, keyword, value_str(operand), &regex);
    if (status != 0) {
        return status;
    }
    struct schema_rule *rule = compiler_add_rule(c, keyword->kind);
    if (rule == NULL) {
        regex_destroy(regex);
        return E_NOMEM;
    }
    const struct value *examples = value_get(c->schema->nodes[c->node].source, STR("examples"));
    rule->regex = regex;
    rule->operand = operand;
    rule->examples = value_is(examples, VALUE_LIST) && value_count(examples) > 0 ? examples : NULL;
    return 0;
}

static int read_format(struct compiler *c, const struct keyword *keyword,
                       const struct value *operand)
{
    if (!value_is(operand, VALUE_STRING)) {
        return fail(c, keyword, "must be text");
    }
    const struct schema_format *format = schema_format_find(value_str(operand));
    if (format == NULL) {
        c->schema->has_annotations = true;
        return 0;
    }
    struct schema_rule *rule = compiler_add_rule(c, keyword->kind);
    if (rule == NULL) {
        return E_NOMEM;
    }
    rule->format = format;
    return 0;
}

static bool is_name_list(const struct value *operand)
{
    if (!value_is(operand, VALUE_LIST)) {
        return false;
    }
    for (size_t i = 0; i < value_count(operand); i++) {
        if (!value_is(value_at(operand, i), VALUE_STRING)) {
            return false;
        }
    }
    return true;
}

static int read_required(struct compiler *c, const struct keyword *keyword,
                         const struct value *operand)
{
    if (!is_name_list(operand)) {
        return fail(c, keyword, "must be a list of property names");
    }
    return add_operand_rule(c, keyword->kind, operand);
}

static int read_dependent_required(struct compiler *c, const struct keyword *keyword,
                                   const struct value *operand)
{
    static const char *const must = "must be a map whose members are lists of property names";
    if (!value_is(operand, VALUE_MAP)) {
        return fail(c, keyword, must);
    }
    struct schema_range range = {(uint32_t)c->schema->entry_count, 0};
    for (size_t i = 0; i < value_count(operand); i++) {
        const struct value_member *member = value_member_at(operand, i);
        if (!is_name_list(&member->value)) {
            return fail(c, keyword, must);
        }
        int status = compiler_add_entry(c, (struct schema_entry){.key = value_str(&member->key),
                                                                 .node = SCHEMA_NO_NODE,
                                                                 .names = &member->value});
        if (status != 0) {
            return status;
        }
        range.count++;
    }
    struct schema_rule *rule = compiler_add_rule(c, keyword->kind);
    if (rule == NULL) {
        return E_NOMEM;
    }
    rule->entries = range;
    return 0;
}

/* A keyword whose value is one subschema. */
static int read_schema(struct compiler *c, const struct keyword *keyword,
                       const struct value *operand)
{
    uint32_t node = SCHEMA_NO_NODE;
    int status = read_subschema(c, keyword, operand, &node);
    if (status != 0) {
        return status;
    }
    struct schema_rule *rule = share_rule(c, keyword->kind);
    if (rule == NULL) {
        return E_NOMEM;
    }
    rule->node = node;
    bool asks = keyword->kind == SCHEMA_RULE_UNEVALUATED_ITEMS ||
                keyword->kind == SCHEMA_RULE_UNEVALUATED_PROPERTIES;
    c->schema->nodes[c->node].has_unevaluated |= asks;
    return 0;
}

/* The rule of a keyword whose subschemas are `range`. */
static int share_range(struct compiler *c, const struct keyword *keyword,
                       const struct value *operand, struct schema_range range)
{
    struct schema_rule *rule = share_rule(c, keyword->kind);
    if (rule == NULL) {
        return E_NOMEM;
    }
    rule->entries = range;
    rule->operand = operand;
    return 0;
}

static int read_schema_list(struct compiler *c, const struct keyword *keyword,
                            const struct value *operand)
{
    struct schema_range range = {0};
    int status = read_subschema_list(c, keyword, operand, &range);
    return status == 0 ? share_range(c, keyword, operand, range) : status;
}

static int read_schema_map(struct compiler *c, const struct keyword *keyword,
                           const struct value *operand)
{
    struct schema_range range = {0};
    int status = read_subschema_map(c, keyword, operand, &range);
    return status == 0 ? share_range(c, keyword, operand, range) : status;
}

static int read_definitions(struct compiler *c, const struct keyword *keyword,
                            const struct value *operand)
{
    struct schema_range range = {0};
    return read_subschema_map(c, keyword, operand, &range);
}

static int read_unused_schema(struct compiler *c, const struct keyword *keyword,
                              const struct value *operand)
{
    uint32_t node = 0;
    return read_subschema(c, keyword, operand, &node);
}

static int read_pattern_properties(struct compiler *c, const struct keyword *keyword,
                                   const struct value *operand)
{
    struct schema_range range = {0};
    int status = read_subschema_map(c, keyword, operand, &range);
    for (uint32_t i = 0; i < range.count && status == 0; i++) {
        struct schema_entry *entry = &c->schema->entries[range.first + i];
        status = compile_pattern(c, keyword, entry->key, &entry->regex);
    }
    if (status != 0) {
        return status;
    }
    struct schema_rule *rule = share_rule(c, keyword->kind);
    if (rule == NULL) {
        return E_NOMEM;
    }
    rule->patterns = range;
    return 0;
}

static int read_contains(struct compiler *c, const struct keyword *keyword,
                         const struct value *operand)
{
    int status = read_schema(c, keyword, operand);
    if (status != 0) {
        return status;
    }
    struct schema_rule *rule = share_rule(c, keyword->kind);
    rule->limit = 1;
    rule->max = UINT64_MAX;
    const struct value *source = c->schema->nodes[c->node].source;
    const struct value *least = value_get(source, STR("minContains"));
    const struct value *most = value_get(source, STR("maxContains"));
    if (least != NULL) {
        (void)read_count_value(least, &rule->limit); /* minContains' own row complains */
    }
    if (most != NULL) {
        (void)read_count_value(most, &rule->max); /* maxContains' own row complains */
    }
    return 0;
}

static int read_contains_count(struct compiler *c, const struct keyword *keyword,
                               const struct value *operand)
{
    uint64_t count = 0;
    return read_count_value(operand, &count) ? 0
                                             : fail(c, keyword, "must be a whole number from 0");
}

/* if, then and else are one rule; without `if` the other two mean nothing. */
static int read_if(struct compiler *c, const struct keyword *keyword, const struct value *operand)
{
    const struct value *source = c->schema->nodes[c->node].source;
    uint32_t condition = SCHEMA_NO_NODE;
    int status = read_subschema(c, keyword, operand, &condition);
    struct schema_range range = {(uint32_t)c->schema->entry_count, 0};
    const struct keyword branches[] = {{.name = "then"}, {.name = "else"}};
    for (size_t i = 0; i < 2 && status == 0; i++) {
        const struct value *branch = value_get(source, str_from(branches[i].name));
        struct schema_entry entry = {.node = SCHEMA_NO_NODE};
        status = branch != NULL ? read_subschema(c, &branches[i], branch, &entry.node) : 0;
        status = status != 0 ? status : compiler_add_entry(c, entry);
        range.count++;
    }
    if (status != 0) {
        return status;
    }
    struct schema_rule *rule = compiler_add_rule(c, keyword->kind);
    if (rule == NULL) {
        return E_NOMEM;
    }
    rule->node = condition;
    rule->entries = range;
    return 0;
}

static int read_branch(struct compiler *c, const struct keyword *keyword,
                       const struct value *operand)
{
    const struct value *source = c->schema->nodes[c->node].source;
    return value_get(source, STR("if")) != NULL ? 0 : read_unused_schema(c, keyword, operand);
}

static int read_ref(struct compiler *c, const struct keyword *keyword, const struct value *operand)
{
    if (!value_is(operand, VALUE_STRING)) {
        return fail(c, keyword, "must be text");
    }
    return add_operand_rule(c, keyword->kind, operand);
}

static int read_draft(struct compiler *c, const struct keyword *keyword,
                      const struct value *operand)
{
    static const char draft[] = "https://json-schema.org/draft/2020-12/schema";
    bool is_text = value_is(operand, VALUE_STRING);
    struct str uri = is_text ? schema_uri_without_fragment(value_str(operand)) : STR("");
    bool is_draft = is_text && str_equal_text(uri, draft) &&
                    schema_uri_fragment(value_str(operand)).n == 0;
    return is_draft ? 0
                    : fail(c, keyword,
                           "must be 'https://json-schema.org/draft/2020-12/schema', the one draft "
                           "that is supported");
}

static int read_default(struct compiler *c, const struct keyword *keyword,
                        const struct value *operand)
{
    (void)keyword;
    c->schema->nodes[c->node].default_value = operand;
    return 0;
}

static int read_text(struct compiler *c, const struct keyword *keyword, const struct value *operand)
{
    return value_is(operand, VALUE_STRING) ? 0 : fail(c, keyword, "must be text");
}

static int read_flag(struct compiler *c, const struct keyword *keyword, const struct value *operand)
{
    return value_is(operand, VALUE_BOOL) ? 0 : fail(c, keyword, "must be true or false");
}

/* What no message may show. */
static int read_write_only(struct compiler *c, const struct keyword *keyword,
                           const struct value *operand)
{
    int status = read_flag(c, keyword, operand);
    if (status == 0) {
        c->schema->nodes[c->node].is_secret |= value_bool(operand);
    }
    return status;
}

/* An annotation of ours, so that nothing is asked of its value. */
static int read_secret_mark(struct compiler *c, const struct keyword *keyword,
                            const struct value *operand)
{
    (void)keyword;
    c->schema->nodes[c->node].is_secret |= value_is(operand, VALUE_BOOL) && value_bool(operand);
    return 0;
}

static int read_list(struct compiler *c, const struct keyword *keyword, const struct value *operand)
{
    return value_is(operand, VALUE_LIST) ? 0 : fail(c, keyword, "must be a list");
}

static int read_map(struct compiler *c, const struct keyword *keyword, const struct value *operand)
{
    return value_is(operand, VALUE_MAP) ? 0 : fail(c, keyword, "must be a map");
}

static int refuse_dynamic(struct compiler *c, const struct keyword *keyword,
                          const struct value *operand)
{
    (void)operand;
    return fail(c, keyword, "is not supported: use $ref");
}

static int refuse_dependencies(struct compiler *c, const struct keyword *keyword,
                               const struct value *operand)
{
    (void)operand;
    return fail(c, keyword, "is of an older draft: use dependentRequired or dependentSchemas");
}

static int refuse_additional_items(struct compiler *c, const struct keyword *keyword,
                                   const struct value *operand)
{
    (void)operand;
    return fail(c, keyword, "is of an older draft: use prefixItems and items");
}

static int read_items(struct compiler *c, const struct keyword *keyword,
                      const struct value *operand)
{
    if (value_is(operand, VALUE_LIST)) {
        return fail(c, keyword, "must be a schema: for a list of schemas use prefixItems");
    }
    return read_schema(c, keyword, operand);
}

#define KEYWORD(name, read, kind)                                                                  \
    {                                                                                              \
        name, sizeof(name) - 1, read, kind                                                         \
    }

static const struct keyword keywords[] = {
    KEYWORD("$schema", read_draft, 0),
    KEYWORD("$comment", read_text, 0),
    KEYWORD("$vocabulary", read_map, 0),
    KEYWORD("$defs", read_definitions, 0),
    KEYWORD("definitions", read_definitions, 0),
    KEYWORD("$ref", read_ref, SCHEMA_RULE_REF),
    KEYWORD("$dynamicRef", refuse_dynamic, 0),
    KEYWORD("$recursiveRef", refuse_dynamic, 0),
    KEYWORD("dependencies", refuse_dependencies, 0),
    KEYWORD("additionalItems", refuse_additional_items, 0),
    KEYWORD("type", read_type, SCHEMA_RULE_TYPE),
    KEYWORD("const", read_any, SCHEMA_RULE_CONST),
    KEYWORD("enum", read_enum, SCHEMA_RULE_ENUM),
    KEYWORD("multipleOf", read_number, SCHEMA_RULE_MULTIPLE_OF),
    KEYWORD("maximum", read_number, SCHEMA_RULE_MAXIMUM),
    KEYWORD("exclusiveMaximum", read_number, SCHEMA_RULE_EXCLUSIVE_MAXIMUM),
    KEYWORD("minimum", read_number, SCHEMA_RULE_MINIMUM),
    KEYWORD("exclusiveMinimum", read_number, SCHEMA_RULE_EXCLUSIVE_MINIMUM),
    KEYWORD("maxLength", read_count, SCHEMA_RULE_MAX_LENGTH),
    KEYWORD("minLength", read_count, SCHEMA_RULE_MIN_LENGTH),
    KEYWORD("pattern", read_pattern, SCHEMA_RULE_PATTERN),
    KEYWORD("format", read_format, SCHEMA_RULE_FORMAT),
    KEYWORD("maxItems", read_count, SCHEMA_RULE_MAX_ITEMS),
    KEYWORD("minItems", read_count, SCHEMA_RULE_MIN_ITEMS),
    KEYWORD("uniqueItems", read_unique, SCHEMA_RULE_UNIQUE_ITEMS),
    KEYWORD("contains", read_contains, SCHEMA_RULE_CONTAINS),
    KEYWORD("minContains", read_contains_count, 0),
    KEYWORD("maxContains", read_contains_count, 0),
    KEYWORD("prefixItems", read_schema_list, SCHEMA_RULE_ITEMS),
    KEYWORD("items", read_items, SCHEMA_RULE_ITEMS),
    KEYWORD("maxProperties", read_count, SCHEMA_RULE_MAX_PROPERTIES),
    KEYWORD("minProperties", read_count, SCHEMA_RULE_MIN_PROPERTIES),
    KEYWORD("required", read_required, SCHEMA_RULE_REQUIRED),
    KEYWORD("dependentRequired", read_dependent_required, SCHEMA_RULE_DEPENDENT_REQUIRED),
    KEYWORD("propertyNames", read_schema, SCHEMA_RULE_PROPERTY_NAMES),
    KEYWORD("properties", read_schema_map, SCHEMA_RULE_PROPERTIES),
    KEYWORD("patternProperties", read_pattern_properties, SCHEMA_RULE_PROPERTIES),
    KEYWORD("additionalProperties", read_schema, SCHEMA_RULE_PROPERTIES),
    KEYWORD("dependentSchemas", read_schema_map, SCHEMA_RULE_DEPENDENT_SCHEMAS),
    KEYWORD("allOf", read_schema_list, SCHEMA_RULE_ALL_OF),
    KEYWORD("anyOf", read_schema_list, SCHEMA_RULE_ANY_OF),
    KEYWORD("oneOf", read_schema_list, SCHEMA_RULE_ONE_OF),
    KEYWORD("not", read_schema, SCHEMA_RULE_NOT),
    KEYWORD("if", read_if, SCHEMA_RULE_IF),
    KEYWORD("then", read_branch, 0),
    KEYWORD("else", read_branch, 0),
    KEYWORD("unevaluatedItems", read_schema, SCHEMA_RULE_UNEVALUATED_ITEMS),
    KEYWORD("unevaluatedProperties", read_schema, SCHEMA_RULE_UNEVALUATED_PROPERTIES),
    KEYWORD("default", read_default, 0),
    KEYWORD("title", read_text, 0),
    KEYWORD("description", read_text, 0),
    KEYWORD("examples", read_list, 0),
    KEYWORD("deprecated", read_flag, 0),
    KEYWORD("readOnly", read_flag, 0),
    KEYWORD("writeOnly", read_write_only, 0),
    KEYWORD("x-ops-secret", read_secret_mark, 0),
    KEYWORD("contentEncoding", read_text, 0),
    KEYWORD("contentMediaType", read_text, 0),
    KEYWORD("contentSchema", read_unused_schema, 0),
};

enum { KEYWORD_COUNT = sizeof(keywords) / sizeof(keywords[0]) };

/* The row of `name`, or KEYWORD_COUNT for an annotation. */
static size_t find_keyword(struct str name)
{
    size_t i = 0;
    while (i < KEYWORD_COUNT &&
           (keywords[i].name_bytes != name.n || memcmp(keywords[i].name, name.p, name.n) != 0)) {
        i++;
    }
    return i;
}

bool schema_knows_keyword(struct str name, struct str *out_nearest)
{
    /* Of these the references of a schema are made, before its keywords are read. */
    static const char *const names[] = {"$id", "$anchor", "$dynamicAnchor"};
    struct suggest nearest = suggest_start(name);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_equal_text(name, names[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < KEYWORD_COUNT; i++) {
        suggest_offer(&nearest, str_make(keywords[i].name, keywords[i].name_bytes));
    }
    *out_nearest = nearest.best;
    return find_keyword(name) < KEYWORD_COUNT;
}

/* In the table's order, whatever the order in the schema: some rows build upon earlier ones. */
int compiler_read_keywords(struct compiler *c)
{
    const struct value *source = c->schema->nodes[c->node].source;
    const struct value *operands[KEYWORD_COUNT + 1] = {NULL};
    for (size_t i = 0; value_is(source, VALUE_MAP) && i < value_count(source); i++) {
        const struct value_member *member = value_member_at(source, i);
        struct str key = value_str(&member->key);
        size_t row = find_keyword(key);
        bool is_sure = row < KEYWORD_COUNT && !str_starts_with(key, STR("x-"));
        int status = c->is_strict && !is_sure ? compiler_check_strictly(c, key, &member->value) : 0;
        if (status != 0) {
            return status;
        }
        operands[row] = &member->value;
    }
    c->schema->has_annotations |= operands[KEYWORD_COUNT] != NULL;
    for (size_t i = 0; i < KEYWORD_COUNT; i++) {
        int status = operands[i] != NULL ? keywords[i].read(c, &keywords[i], operands[i]) : 0;
        if (status != 0) {
            return status;
        }
    }
    return 0;
}
