/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/schema_marks.h"

#include "core/value/value.h"

/* A $ref to a $ref and so on: schemas may go round in circles. */
enum { REF_MAX_HOPS = 16 };

static const struct value *follow_refs(const struct value *root, const struct value *schema)
{
    for (int hops = 0; hops < REF_MAX_HOPS; hops++) {
        const struct value *ref = value_get(schema, STR("$ref"));
        if (!value_is(ref, VALUE_STRING) || !str_starts_with(value_str(ref), STR("#"))) {
            return schema;
        }
        struct str text = value_str(ref);
        schema = value_pointer(root, str_make(text.p + 1, text.n - 1));
    }
    return NULL;
}

static bool is_index(struct str key)
{
    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] < '0' || key.p[i] > '9') {
            return false;
        }
    }
    return key.n > 0;
}

/* Without looking into branches. */
static const struct value *own_child(const struct value *schema, const struct str *key)
{
    const struct value *found = NULL;
    if (key != NULL) {
        found = value_get(value_get(schema, STR("properties")), *key);
        found = found != NULL ? found : value_get(schema, STR("additionalProperties"));
    }
    if (found == NULL && (key == NULL || is_index(*key))) {
        found = value_get(schema, STR("items"));
    }
    return value_is(found, VALUE_MAP) ? found : NULL;
}

static const struct str branch_keywords[] = {
    {"allOf", 5},
    {"anyOf", 5},
    {"oneOf", 5},
};

enum { BRANCH_KEYWORDS = sizeof(branch_keywords) / sizeof(branch_keywords[0]) };

const struct value *schema_marks_child(const struct value *root, const struct value *schema,
                                       const struct str *key)
{
    schema = follow_refs(root, schema);
    const struct value *found = own_child(schema, key);
    for (size_t k = 0; k < BRANCH_KEYWORDS && found == NULL; k++) {
        const struct value *branches = value_get(schema, branch_keywords[k]);
        size_t count = value_is(branches, VALUE_LIST) ? value_count(branches) : 0;
        for (size_t i = 0; i < count && found == NULL; i++) {
            found = own_child(follow_refs(root, value_at(branches, i)), key);
        }
    }
    return found;
}

/* The pointer's token with ~0 and ~1 put back, if it fits `buffer`. */
static struct str unescape_token(struct str token, char *buffer, size_t size)
{
    size_t n = 0;
    if (memchr(token.p, '~', token.n) == NULL) {
        return token;
    }
    for (size_t i = 0; i < token.n && n < size; i++) {
        char c = token.p[i];
        if (c == '~' && i + 1 < token.n) {
            i++;
            c = token.p[i] == '1' ? '/' : '~';
        }
        buffer[n++] = c;
    }
    return str_make(buffer, n);
}

const struct value *schema_marks_at(const struct value *root, struct str pointer)
{
    const struct value *schema = root;
    size_t at = 0;
    while (schema != NULL && at < pointer.n && pointer.p[at] == '/') {
        char buffer[256];
        size_t end = at + 1;
        while (end < pointer.n && pointer.p[end] != '/') {
            end++;
        }
        struct str key =
            unescape_token(str_make(pointer.p + at + 1, end - at - 1), buffer, sizeof(buffer));
        schema = schema_marks_child(root, schema, &key);
        at = end;
    }
    return schema;
}

/* `keyword` of the schema itself or of its first branch that has it. */
static const struct value *find_keyword(const struct value *root, const struct value *schema,
                                        struct str keyword)
{
    schema = follow_refs(root, schema);
    const struct value *found = value_get(schema, keyword);
    for (size_t k = 0; k < BRANCH_KEYWORDS && found == NULL; k++) {
        const struct value *branches = value_get(schema, branch_keywords[k]);
        size_t count = value_is(branches, VALUE_LIST) ? value_count(branches) : 0;
        for (size_t i = 0; i < count && found == NULL; i++) {
            found = value_get(follow_refs(root, value_at(branches, i)), keyword);
        }
    }
    return found;
}

static bool is_text_type(const struct value *type)
{
    return value_is(type, VALUE_STRING) && str_equal(value_str(type), STR("string"));
}

/* "string", or a list with "string" and nothing else but "null". */
static bool allows_only_text(const struct value *type)
{
    if (!value_is(type, VALUE_LIST)) {
        return is_text_type(type);
    }
    bool has_text = false;
    for (size_t i = 0; i < value_count(type); i++) {
        const struct value *item = value_at(type, i);
        bool is_text = is_text_type(item);
        if (!is_text &&
            !(value_is(item, VALUE_STRING) && str_equal(value_str(item), STR("null")))) {
            return false;
        }
        has_text = has_text || is_text;
    }
    return has_text;
}

static bool are_all_texts(const struct value *list)
{
    if (!value_is(list, VALUE_LIST) || value_count(list) == 0) {
        return false;
    }
    for (size_t i = 0; i < value_count(list); i++) {
        if (!value_is(value_at(list, i), VALUE_STRING)) {
            return false;
        }
    }
    return true;
}

bool schema_marks_wants_text(const struct value *root, const struct value *schema)
{
    schema = follow_refs(root, schema);
    const struct value *type = value_get(schema, STR("type"));
    return type != NULL ? allows_only_text(type) : are_all_texts(value_get(schema, STR("enum")));
}

bool schema_marks_flag(const struct value *root, const struct value *schema, struct str name)
{
    const struct value *found = find_keyword(root, schema, name);
    return value_is(found, VALUE_BOOL) && value_bool(found);
}

struct str schema_marks_unused(const struct value *root, const struct value *schema)
{
    const struct value *found = find_keyword(root, schema, STR("x-ops-unused"));
    return value_is(found, VALUE_STRING) ? value_str(found) : STR("");
}

bool schema_marks_is_expression(const struct value *root, const struct value *schema)
{
    const struct value *format = find_keyword(root, schema, STR("format"));
    return value_is(format, VALUE_STRING) && str_equal(value_str(format), STR("cel"));
}

bool schema_marks_is_closed(const struct value *root, const struct value *schema)
{
    schema = follow_refs(root, schema);
    const struct value *others = value_get(schema, STR("additionalProperties"));
    return value_is(others, VALUE_BOOL) && !value_bool(others) &&
           value_get(schema, STR("patternProperties")) == NULL;
}

const struct value *schema_marks_properties(const struct value *root, const struct value *schema)
{
    const struct value *properties = value_get(follow_refs(root, schema), STR("properties"));
    return value_is(properties, VALUE_MAP) ? properties : NULL;
}
