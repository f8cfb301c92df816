/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/schema_keys.h"

#include "core/model/report.h"
#include "core/model/tree.h"
#include "core/value/schema.h"

enum holds {
    HOLDS_NOTHING, /* no schemas */
    HOLDS_SCHEMA,
    HOLDS_SCHEMAS, /* a list or a map of them */
};

static enum holds holds_of(struct str keyword)
{
    static const char *const one[] = {
        "items", "additionalProperties", "propertyNames", "contains", "not", "if", "then", "else",
        NULL};
    static const char *const many[] = {
        "properties", "patternProperties", "$defs", "definitions", "allOf", "anyOf",
        "oneOf",      "prefixItems",       NULL};
    for (size_t i = 0; one[i] != NULL; i++) {
        if (str_equal_text(keyword, one[i])) {
            return HOLDS_SCHEMA;
        }
    }
    for (size_t i = 0; many[i] != NULL; i++) {
        if (str_equal_text(keyword, many[i])) {
            return HOLDS_SCHEMAS;
        }
    }
    return HOLDS_NOTHING;
}

static void check_schema(const struct report *report, const struct tree *tree);

/* The depth is that of the file's tree, which has its limit. */
static void check_within(const struct report *report, const struct tree_member *member)
{
    const struct tree *value = &member->value;
    enum holds holds = holds_of(member->key.text);
    if (holds == HOLDS_SCHEMA) {
        check_schema(report, value);
    }
    for (uint32_t i = 0; holds == HOLDS_SCHEMAS && i < value->count; i++) {
        if (tree_is(value, TREE_MAP)) {
            check_schema(report, &value->as.members[i].value);
        } else if (tree_is(value, TREE_LIST)) {
            check_schema(report, &value->as.items[i]);
        }
    }
}

static bool is_known(struct str key, struct str *out_nearest)
{
    return str_starts_with(key, STR("x-")) || schema_knows_keyword(key, out_nearest);
}

static void check_schema(const struct report *report, const struct tree *tree)
{
    for (uint32_t i = 0; tree_is(tree, TREE_MAP) && i < tree->count; i++) {
        const struct tree_member *member = &tree->as.members[i];
        struct str nearest = STR("");
        if (is_known(member->key.text, &nearest)) {
            check_within(report, member);
            continue;
        }
        report_warning(report, member->key.place,
                       "'%.*s' is no keyword of JSON Schema: it checks "
                       "nothing",
                       STR_ARG(member->key.text));
        if (nearest.n > 0) {
            report_hint(report, "did you mean '%.*s'?", STR_ARG(nearest));
        }
    }
}

void schema_keys_check(const struct report *report, const struct tree *tree)
{
    struct str nearest = STR("");
    bool has_keyword = !tree_is(tree, TREE_MAP) || tree->count == 0;
    for (uint32_t i = 0; !has_keyword && i < tree->count; i++) {
        has_keyword = is_known(tree->as.members[i].key.text, &nearest) || nearest.n > 0;
    }
    if (has_keyword) {
        check_schema(report, tree);
        return;
    }
    report_error(report, tree->as.members[0].key.place,
                 "'input' is a JSON Schema, and '%.*s' is no keyword of it",
                 STR_ARG(tree->as.members[0].key.text));
    report_hint(report, "write {type: object, properties: {%.*s: {type: string}}}",
                STR_ARG(tree->as.members[0].key.text));
}
