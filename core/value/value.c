/* SPDX-License-Identifier: Apache-2.0 */
#include "core/value/value.h"

#include "core/base/check.h"
#include "core/value/members.h"

const char *value_type_name(enum value_type type)
{
    switch (type) {
    case VALUE_NULL:
        return "null";
    case VALUE_BOOL:
        return "bool";
    case VALUE_INT:
        return "int";
    case VALUE_DOUBLE:
        return "double";
    case VALUE_STRING:
        return "string";
    case VALUE_LIST:
        return "list";
    case VALUE_MAP:
        return "map";
    }
    unreachable_state("value_type", (int)type);
}

double value_number(const struct value *value)
{
    if (value_is(value, VALUE_INT)) {
        return (double)value->as.integer;
    }
    return value_is(value, VALUE_DOUBLE) ? value->as.number : 0.0;
}

const struct value_member *value_member_at(const struct value *map, size_t i)
{
    return &map->as.members[i];
}

const struct value *value_get(const struct value *map, struct str key)
{
    if (!value_is(map, VALUE_MAP)) {
        return NULL;
    }
    const struct value_member *member = members_find(map, key);
    return member != NULL ? &member->value : NULL;
}

/* True when the escaped `token` of a pointer stands for `key`. */
static bool token_is_key(struct str token, struct str key)
{
    size_t at = 0;
    for (size_t i = 0; i < token.n; i++) {
        char c = token.p[i];
        if (c == '~') {
            i++;
            c = token.p[i] == '0' ? '~' : '/';
        }
        if (at == key.n || key.p[at] != c) {
            return false;
        }
        at++;
    }
    return at == key.n;
}

static const struct value *find_escaped(const struct value *map, struct str token)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct value_member *member = value_member_at(map, i);
        if (token_is_key(token, value_str(&member->key))) {
            return &member->value;
        }
    }
    return NULL;
}

/* Digits without a leading zero, below the list's count. */
static const struct value *find_item(const struct value *list, struct str token)
{
    size_t place = 0;
    if (token.n == 0 || token.n > 10 || (token.n > 1 && token.p[0] == '0')) {
        return NULL;
    }
    for (size_t i = 0; i < token.n; i++) {
        if (token.p[i] < '0' || token.p[i] > '9') {
            return NULL;
        }
        place = place * 10 + (size_t)(token.p[i] - '0');
    }
    return place < list->count ? value_at(list, place) : NULL;
}

/* Each "~" is followed by 0 or 1; `*out_is_escaped` tells whether there is any. */
static bool is_token_valid(struct str token, bool *out_is_escaped)
{
    *out_is_escaped = false;
    for (size_t i = 0; i < token.n; i++) {
        if (token.p[i] != '~') {
            continue;
        }
        *out_is_escaped = true;
        if (i + 1 == token.n || (token.p[i + 1] != '0' && token.p[i + 1] != '1')) {
            return false;
        }
    }
    return true;
}

static const struct value *step_down(const struct value *value, struct str token)
{
    bool is_escaped = false;
    if (!is_token_valid(token, &is_escaped)) {
        return NULL;
    }
    if (value_is(value, VALUE_LIST)) {
        return find_item(value, token);
    }
    if (value_is(value, VALUE_MAP)) {
        return is_escaped ? find_escaped(value, token) : value_get(value, token);
    }
    return NULL;
}

const struct value *value_pointer(const struct value *value, struct str pointer)
{
    size_t at = 0;
    while (value != NULL && at < pointer.n) {
        if (pointer.p[at] != '/') {
            return NULL;
        }
        at++;
        const char *slash = memchr(pointer.p + at, '/', pointer.n - at);
        size_t end = slash != NULL ? (size_t)(slash - pointer.p) : pointer.n;
        value = step_down(value, str_make(pointer.p + at, end - at));
        at = end;
    }
    return value;
}

void value_pointer_append(struct strbuf *out, struct str key)
{
    strbuf_append_char(out, '/');
    size_t done = 0;
    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] == '~' || key.p[i] == '/') {
            strbuf_append(out, key.p + done, i - done);
            strbuf_append_text(out, key.p[i] == '~' ? "~0" : "~1");
            done = i + 1;
        }
    }
    strbuf_append(out, key.n > 0 ? key.p + done : "", key.n - done);
}

static bool is_int_equal_double(int64_t integer, double number)
{
    /* 2^63 is a double and no int64_t; every double below it with no fraction is one. */
    if (!(number >= -0x1p63 && number < 0x1p63)) {
        return false;
    }
    int64_t whole = (int64_t)number;
    return whole == integer && (double)whole == number;
}

/* Everything but what containers hold. */
static bool is_node_equal(const struct value *a, const struct value *b)
{
    if (a->type == VALUE_INT && b->type == VALUE_DOUBLE) {
        return is_int_equal_double(a->as.integer, b->as.number);
    }
    if (a->type == VALUE_DOUBLE && b->type == VALUE_INT) {
        return is_int_equal_double(b->as.integer, a->as.number);
    }
    if (a->type != b->type) {
        return false;
    }
    switch ((enum value_type)a->type) {
    case VALUE_NULL:
        return true;
    case VALUE_BOOL:
        return a->as.boolean == b->as.boolean;
    case VALUE_INT:
        return a->as.integer == b->as.integer;
    case VALUE_DOUBLE:
        return a->as.number <= b->as.number && a->as.number >= b->as.number;
    case VALUE_STRING:
        return str_equal(value_str(a), value_str(b));
    case VALUE_LIST:
    case VALUE_MAP:
        return a->count == b->count && a->depth == b->depth;
    }
    unreachable_state("value_type", a->type);
}

/* A pair of containers of one type and count, compared up to child `next`. */
struct pair {
    const struct value *a;
    const struct value *b;
    size_t next;
};

/* The next two children to compare; `*out_b` is NULL when the second map lacks the key. */
static void pair_next(struct pair *pair, const struct value **out_a, const struct value **out_b)
{
    size_t i = pair->next++;
    if (pair->a->type == VALUE_LIST) {
        *out_a = value_at(pair->a, i);
        *out_b = value_at(pair->b, i);
        return;
    }
    const struct value_member *member = value_member_at(pair->a, i);
    const struct value_member *opposite = value_member_at(pair->b, i);
    struct str key = value_str(&member->key);
    *out_a = &member->value;
    /* Equal maps mostly have one order. */
    *out_b = str_equal(key, value_str(&opposite->key)) ? &opposite->value : value_get(pair->b, key);
}

/* The same block of children: documents share them. */
static bool is_same_block(const struct value *a, const struct value *b)
{
    return a->count == 0 || a->as.items == b->as.items;
}

bool value_equal(const struct value *a, const struct value *b)
{
    struct pair open[VALUE_MAX_DEPTH];
    size_t depth = 0;
    for (;;) {
        if (b == NULL || !is_node_equal(a, b)) {
            return false;
        }
        if ((a->type == VALUE_LIST || a->type == VALUE_MAP) && !is_same_block(a, b)) {
            CHECK(depth < VALUE_MAX_DEPTH);
            open[depth++] = (struct pair){.a = a, .b = b};
        }
        while (depth > 0 && open[depth - 1].next == open[depth - 1].a->count) {
            depth--;
        }
        if (depth == 0) {
            return true;
        }
        pair_next(&open[depth - 1], &a, &b);
    }
}
