/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_SCHEMA_NODE_H
#define CORE_VALUE_SCHEMA_NODE_H

/*
 * A compiled schema: flat arrays of nodes (one for each subschema), of rules (what a node asks,
 * in the order in which it is checked) and of entries (the subschemas and names of one rule).
 * They point at each other by index. Private to schema_*.c.
 *
 * Used by:  schema_*.c.
 * Uses:     value, regex.
 * Threads:  [any]; nothing changes after schema_compile().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct document;
struct regex;
struct schema_format;
struct value;

/* "No subschema here". */
#define SCHEMA_NO_NODE UINT32_MAX

enum {
    SCHEMA_MAX_NODES = 100000,    /* subschemas of one schema */
    SCHEMA_MAX_PATTERNS = 1000,   /* regular expressions of one schema */
    SCHEMA_MAX_DEPTH = 512,       /* subschemas inside each other while a value is checked */
    SCHEMA_MAX_STEPS = 10000000,  /* subschemas, members and candidates that one check looks at */
    SCHEMA_MAX_VIOLATIONS = 1000, /* of one report */
    SCHEMA_MAX_REPORT_BYTES = 16 * 1024 * 1024,
};

/* What `type` allows, as bits. */
enum {
    SCHEMA_NULL = 1u << 0,
    SCHEMA_BOOLEAN = 1u << 1,
    SCHEMA_INTEGER = 1u << 2,
    SCHEMA_NUMBER = 1u << 3,
    SCHEMA_STRING = 1u << 4,
    SCHEMA_ARRAY = 1u << 5,
    SCHEMA_OBJECT = 1u << 6,
    SCHEMA_TYPE_COUNT = 7,
};

/* In the order in which they are checked: what is cheap and telling comes first. */
enum schema_rule_kind {
    SCHEMA_RULE_TYPE,
    SCHEMA_RULE_CONST,
    SCHEMA_RULE_ENUM,
    SCHEMA_RULE_MULTIPLE_OF,
    SCHEMA_RULE_MAXIMUM,
    SCHEMA_RULE_EXCLUSIVE_MAXIMUM,
    SCHEMA_RULE_MINIMUM,
    SCHEMA_RULE_EXCLUSIVE_MINIMUM,
    SCHEMA_RULE_MAX_LENGTH,
    SCHEMA_RULE_MIN_LENGTH,
    SCHEMA_RULE_PATTERN,
    SCHEMA_RULE_FORMAT,
    SCHEMA_RULE_MAX_ITEMS,
    SCHEMA_RULE_MIN_ITEMS,
    SCHEMA_RULE_UNIQUE_ITEMS,
    SCHEMA_RULE_CONTAINS, /* with minContains and maxContains */
    SCHEMA_RULE_ITEMS,    /* with prefixItems */
    SCHEMA_RULE_MAX_PROPERTIES,
    SCHEMA_RULE_MIN_PROPERTIES,
    SCHEMA_RULE_REQUIRED,
    SCHEMA_RULE_DEPENDENT_REQUIRED,
    SCHEMA_RULE_PROPERTY_NAMES,
    SCHEMA_RULE_PROPERTIES, /* with patternProperties and additionalProperties */
    SCHEMA_RULE_DEPENDENT_SCHEMAS,
    SCHEMA_RULE_REF,
    SCHEMA_RULE_ALL_OF,
    SCHEMA_RULE_ANY_OF,
    SCHEMA_RULE_ONE_OF,
    SCHEMA_RULE_NOT,
    SCHEMA_RULE_IF, /* entries: then, else */
    SCHEMA_RULE_UNEVALUATED_ITEMS,
    SCHEMA_RULE_UNEVALUATED_PROPERTIES,
};

struct schema_range {
    uint32_t first; /* of schema.entries */
    uint32_t count;
};

/* One subschema, name or pattern of a rule; what the rule does not need is empty. */
struct schema_entry {
    struct str key;
    uint32_t node;             /* or SCHEMA_NO_NODE */
    struct regex *regex;       /* owned by the schema; NULL: none */
    const struct value *names; /* of dependentRequired */
};

struct schema_rule {
    enum schema_rule_kind kind;
    uint32_t node; /* the one subschema, or SCHEMA_NO_NODE */
    struct schema_range entries;
    struct schema_range patterns; /* SCHEMA_RULE_PROPERTIES: patternProperties */
    const struct value *operand;  /* the keyword's value; SCHEMA_RULE_PROPERTIES: `properties` */
    uint64_t limit;               /* counts and lengths; SCHEMA_RULE_CONTAINS: minContains */
    uint64_t max;                 /* SCHEMA_RULE_CONTAINS: maxContains */
    unsigned types;               /* SCHEMA_RULE_TYPE */
    struct regex *regex;          /* SCHEMA_RULE_PATTERN; owned by the schema */
    const struct value *examples; /* SCHEMA_RULE_PATTERN: a list, or NULL */
    const struct schema_format *format;
};

struct schema_node {
    const struct value *source;        /* the map or boolean that it was compiled from */
    const struct value *default_value; /* or NULL */
    uint32_t first_rule;
    uint32_t rule_count;
    bool is_false;        /* the schema `false`: nothing is valid */
    bool is_secret;       /* marked writeOnly or x-ops-secret: messages don't show the value */
    bool has_unevaluated; /* asks what the rules before it have looked at */
};

struct schema {
    struct document *document; /* shared */
    const struct value *source;
    struct schema_node *nodes; /* node 0 is the whole schema */
    size_t node_count;
    size_t node_cap;
    struct schema_rule *rules;
    size_t rule_count;
    size_t rule_cap;
    struct schema_entry *entries;
    size_t entry_count;
    size_t entry_cap;
    bool has_annotations;
};

static inline const struct schema_rule *schema_rule_at(const struct schema *schema,
                                                       const struct schema_node *node, uint32_t i)
{
    return &schema->rules[node->first_rule + i];
}

static inline const struct schema_entry *schema_entry_at(const struct schema *schema,
                                                         struct schema_range range, uint32_t i)
{
    return &schema->entries[range.first + i];
}

/*
 * The number of subschemas of `rule` that look at the same value as the rule itself does
 * (allOf, $ref and their like), and the `i`th of them; it can be SCHEMA_NO_NODE.
 */
uint32_t schema_rule_in_place_count(const struct schema_rule *rule);
uint32_t schema_rule_in_place_node(const struct schema *schema, const struct schema_rule *rule,
                                   uint32_t i);

/* The types' names by bit: "null", "boolean", ...; static. */
extern const char *const schema_type_names[SCHEMA_TYPE_COUNT];

/* The bits of `value`'s type: a number without fraction is SCHEMA_INTEGER | SCHEMA_NUMBER. */
unsigned schema_type_of(const struct value *value);

#endif
