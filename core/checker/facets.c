/* SPDX-License-Identifier: Apache-2.0 */
#include "core/checker/facets.h"

#include <string.h>

#include "core/checker/chance.h"
#include "core/value/value.h"

enum { REFERENCES_MOST = 32 }; /* one after the other */

static const struct value *follow(const struct value *root, const struct value *schema)
{
    for (int i = 0; i < REFERENCES_MOST; i++) {
        const struct value *ref = value_get(schema, STR("$ref"));
        if (!value_is(ref, VALUE_STRING) || value_str(ref).n == 0 || value_str(ref).p[0] != '#') {
            break;
        }
        struct str text = value_str(ref);
        schema = value_pointer(root, str_make(text.p + 1, text.n - 1));
    }
    return schema;
}

static void add_facet(struct facets *facets, const struct value *schema)
{
    if (facets->count < FACETS_MOST && value_is(schema, VALUE_MAP)) {
        facets->maps[facets->count++] = schema;
        const struct value *referred = follow(facets->root, schema);
        if (referred != schema && facets->count < FACETS_MOST && value_is(referred, VALUE_MAP)) {
            facets->maps[facets->count++] = referred;
        }
    }
}

static void add_branch(struct facets *facets, const struct value *list, struct chance *chance)
{
    if (value_is(list, VALUE_LIST) && value_count(list) > 0) {
        size_t which = chance_below(chance, value_count(list));
        add_facet(facets, value_at(list, which));
    }
}

/* The list grows while it is walked: what is added may itself refer to more. */
void facets_collect(struct facets *facets, const struct value *root, const struct value *schema,
                    struct chance *chance)
{
    facets->root = root;
    facets->count = 0;
    add_facet(facets, schema);
    for (size_t i = 0; i < facets->count; i++) {
        const struct value *map = facets->maps[i];
        const struct value *all = value_get(map, STR("allOf"));
        for (size_t k = 0; value_is(all, VALUE_LIST) && k < value_count(all); k++) {
            add_facet(facets, value_at(all, k));
        }
        add_branch(facets, value_get(map, STR("oneOf")), chance);
        add_branch(facets, value_get(map, STR("anyOf")), chance);
        if (value_get(map, STR("if")) != NULL) {
            const char *which = chance_percent(chance, 50) ? "then" : "else";
            if (strcmp(which, "then") == 0) {
                add_facet(facets, value_get(map, STR("if")));
            }
            add_facet(facets, value_get(map, str_from(which)));
        }
    }
}

const struct value *facets_find(const struct facets *facets, const char *key)
{
    for (size_t i = 0; i < facets->count; i++) {
        const struct value *found = value_get(facets->maps[i], str_from(key));
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

size_t facets_size(const struct facets *facets, const char *key, size_t otherwise)
{
    const struct value *found = facets_find(facets, key);
    return value_is(found, VALUE_INT) && value_int(found) >= 0 ? (size_t)value_int(found)
                                                               : otherwise;
}

const struct value *facets_property(const struct facets *facets, struct str name)
{
    const struct value *found = NULL;
    for (size_t i = 0; i < facets->count; i++) {
        const struct value *property =
            value_get(value_get(facets->maps[i], STR("properties")), name);
        /* In a branch mostly a fixed value stands, which decides. */
        if (property != NULL && (found == NULL || value_get(property, STR("const")) != NULL ||
                                 value_get(property, STR("enum")) != NULL)) {
            found = property;
        }
    }
    return found != NULL ? found : facets_find(facets, "additionalProperties");
}
