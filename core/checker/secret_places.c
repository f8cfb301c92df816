/* SPDX-License-Identifier: Apache-2.0 */
/* Recursion is bounded by VALUE_MAX_DEPTH, which no value exceeds. */
#include "core/checker/secret_places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/model/schema_marks.h"
#include "core/value/builder.h"
#include "core/value/schema.h"
#include "core/value/value.h"

enum { NAME_BYTES = 64 };

struct filling {
    struct secret_places *places;
    const struct value *root; /* of the schema */
    struct builder *b;
};

static bool is_marked(const struct filling *filling, const struct value *schema)
{
    return schema != NULL && schema_marks_flag(filling->root, schema, STR("x-ops-secret"));
}

/* Nobody would put a secret in place of one of a few words. */
static bool is_fixed(const struct value *schema)
{
    return value_get(schema, STR("const")) != NULL || value_get(schema, STR("enum")) != NULL;
}

static bool fill_secret(struct filling *filling, struct str text)
{
    struct secret_places *places = filling->places;
    char name[NAME_BYTES];
    char mark[NAME_BYTES + 16];
    char *value = memchr(text.p, '\0', text.n) == NULL ? str_dup(text) : NULL;
    (void)snprintf(name, sizeof name, "%s%zu", places->prefix, places->count);
    bool is_made = value != NULL && places->make(places->user, name, value);
    free(value);
    if (is_made) {
        (void)snprintf(mark, sizeof mark, "{{ secrets.%s }}", name);
        builder_string(filling->b, str_from(mark));
        places->count++;
    }
    return is_made;
}

static void fill(struct filling *filling, const struct value *value, const struct value *schema,
                 bool is_secret)
{
    const struct value *root = filling->root;
    is_secret = is_secret || is_marked(filling, schema);
    if (value_is(value, VALUE_MAP)) {
        builder_map_begin(filling->b);
        for (size_t i = 0; i < value_count(value); i++) {
            const struct value_member *member = value_member_at(value, i);
            struct str key = value_str(&member->key);
            builder_key(filling->b, key);
            fill(filling, &member->value,
                 schema != NULL ? schema_marks_child(root, schema, &key) : NULL, is_secret);
        }
        builder_map_end(filling->b);
    } else if (value_is(value, VALUE_LIST)) {
        builder_list_begin(filling->b);
        for (size_t i = 0; i < value_count(value); i++) {
            fill(filling, value_at(value, i),
                 schema != NULL ? schema_marks_child(root, schema, NULL) : NULL, is_secret);
        }
        builder_list_end(filling->b);
    } else if (!is_secret || !value_is(value, VALUE_STRING) ||
               (schema != NULL && is_fixed(schema)) || !fill_secret(filling, value_str(value))) {
        builder_copy(filling->b, value);
    }
}

int secret_places_fill(struct secret_places *places, const struct schema *schema,
                       const struct document *document, struct document **out_document,
                       struct error *err)
{
    const struct value *root = schema_source(schema);
    struct filling filling = {.places = places, .root = root, .b = builder_create()};
    places->count = 0;
    fill(&filling, document_root(document), root, false);
    return builder_finish(filling.b, out_document, err);
}
