/* SPDX-License-Identifier: Apache-2.0 */
#include "core/value/builder.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/grow.h"
#include "core/base/utf8.h"
#include "core/value/compose.h"

/*
 * A string of up to SHORT_STRING_BYTES is copied when it is embedded: less than what holding
 * its document may keep alive. RECENT_HELD: the same few documents are mostly embedded in turn.
 * PACK_MOST_BYTES: in larger ones the room that is left over is little beside what they hold.
 */
enum { SHORT_STRING_BYTES = 256, RECENT_HELD = 8, PACK_MOST_BYTES = 4096 };

struct builder {
    struct compose tree;
    bool is_key_due[VALUE_MAX_DEPTH]; /* of each open map: the next is a key */
    const struct document **held;     /* one reference each */
    size_t held_count;
    size_t held_cap;
    int status;       /* the first failure */
    const char *what; /* its text, static */
    struct str key;   /* of a doubled key, in the arena */
};

static struct builder *create(uint32_t bytes)
{
    struct builder *b = malloc(sizeof(*b));
    if (b == NULL) {
        return NULL;
    }
    if (compose_init(&b->tree, bytes) != 0) {
        free(b);
        return NULL;
    }
    b->held = NULL;
    b->held_count = 0;
    b->held_cap = 0;
    b->status = 0;
    b->what = "";
    b->key = STR("");
    return b;
}

struct builder *builder_create(void)
{
    return create(0);
}

/* One of the same strings and maps takes the same, but for where it is aligned. */
struct document *document_pack(const struct document *document)
{
    size_t used = document->arena.used_bytes;
    struct document *packed = NULL;
    bool is_packed = document->is_static || document->held_count > 0 || document->own_bytes > 0;
    if (is_packed || used > PACK_MOST_BYTES) {
        return document_ref(document);
    }
    struct builder *b = create((uint32_t)(used + sizeof(max_align_t)));
    builder_copy(b, &document->root);
    return builder_finish(b, &packed, NULL) == 0 ? packed : document_ref(document);
}

void builder_destroy(struct builder *b)
{
    if (b == NULL) {
        return;
    }
    for (size_t i = 0; i < b->held_count; i++) {
        document_unref(b->held[i]);
    }
    free(b->held);
    compose_finish(&b->tree);
    free(b);
}

static bool is_working(const struct builder *b)
{
    return b != NULL && b->status == 0;
}

static void fail(struct builder *b, int status, const char *what)
{
    b->status = status;
    b->what = what;
}

static bool is_in_map(const struct builder *b)
{
    return b->tree.depth > 0 && b->tree.frames[b->tree.depth - 1].type == VALUE_MAP;
}

/* A value is due here; in a map its key has been given. */
static void check_value_is_due(struct builder *b)
{
    if (b->tree.depth == 0) {
        CHECK(b->tree.count == 0);
    } else if (is_in_map(b)) {
        bool *is_key_due = &b->is_key_due[b->tree.depth - 1];
        CHECK(!*is_key_due);
        *is_key_due = true;
    }
}

static void push(struct builder *b, const struct value *node)
{
    if (compose_push(&b->tree, node) != 0) {
        fail(b, E_NOMEM, "");
    }
}

static void add(struct builder *b, const struct value *node)
{
    check_value_is_due(b);
    push(b, node);
}

void builder_null(struct builder *b)
{
    if (is_working(b)) {
        add(b, &(struct value){.type = VALUE_NULL});
    }
}

void builder_bool(struct builder *b, bool boolean)
{
    if (is_working(b)) {
        add(b, &(struct value){.type = VALUE_BOOL, .as.boolean = boolean});
    }
}

void builder_int(struct builder *b, int64_t integer)
{
    if (is_working(b)) {
        add(b, &(struct value){.type = VALUE_INT, .as.integer = integer});
    }
}

void builder_double(struct builder *b, double number)
{
    if (!is_working(b)) {
        return;
    }
    if (!isfinite(number)) {
        fail(b, E_INVALID, "a number is not finite (NaN or infinity), and JSON has no such");
        return;
    }
    add(b, &(struct value){.type = VALUE_DOUBLE, .as.number = number});
}

/* A string node with a copy of `text`, known to be UTF-8; false after a failure. */
static bool copy_string(struct builder *b, struct str text, struct value *out_node)
{
    if (text.n > UINT32_MAX) {
        fail(b, E_LIMIT, "a string is longer than 4294967295 bytes");
        return false;
    }
    struct str copy = arena_dup_str(&b->tree.document->arena, text);
    if (copy.p == NULL) {
        fail(b, E_NOMEM, "");
        return false;
    }
    *out_node = (struct value){.type = VALUE_STRING, .count = (uint32_t)copy.n, .as.text = copy.p};
    return true;
}

static bool is_text(struct builder *b, struct str text, const char *what)
{
    if (text.n > 0 && utf8_valid_prefix(text.p, text.n) != text.n) {
        fail(b, E_INVALID, what);
        return false;
    }
    return true;
}

void builder_string(struct builder *b, struct str text)
{
    struct value node;
    if (is_working(b) && is_text(b, text, "a string is not UTF-8") && copy_string(b, text, &node)) {
        add(b, &node);
    }
}

void builder_hide(struct builder *b)
{
    if (is_working(b) && b->tree.count > 0) {
        struct value *last = &b->tree.nodes[b->tree.count - 1];
        last->flags |= last->type == VALUE_STRING ? VALUE_SECRET : 0;
    }
}

static void begin(struct builder *b, enum value_type type)
{
    if (!is_working(b)) {
        return;
    }
    check_value_is_due(b);
    if (compose_open(&b->tree, type) != 0) {
        fail(b, E_LIMIT, "nested deeper than 64 levels");
        return;
    }
    b->is_key_due[b->tree.depth - 1] = true;
}

static void end(struct builder *b, enum value_type type)
{
    if (!is_working(b)) {
        return;
    }
    CHECK(b->tree.depth > 0 && b->tree.frames[b->tree.depth - 1].type == type);
    size_t first = b->tree.frames[b->tree.depth - 1].first;
    size_t twice = 0;
    int status = compose_close(&b->tree, &twice);
    if (status == E_EXISTS) {
        b->key = value_str(&b->tree.nodes[first + 2 * twice]);
        fail(b, status, "");
    } else if (status != 0) {
        fail(b, status, "a list or map has more than 4294967295 children");
    }
}

void builder_list_begin(struct builder *b)
{
    begin(b, VALUE_LIST);
}

void builder_list_end(struct builder *b)
{
    end(b, VALUE_LIST);
}

void builder_map_begin(struct builder *b)
{
    begin(b, VALUE_MAP);
}

void builder_map_end(struct builder *b)
{
    if (is_working(b)) {
        CHECK(is_in_map(b) && b->is_key_due[b->tree.depth - 1]);
    }
    end(b, VALUE_MAP);
}

void builder_key(struct builder *b, struct str key)
{
    if (!is_working(b)) {
        return;
    }
    CHECK(is_in_map(b) && b->is_key_due[b->tree.depth - 1]);
    b->is_key_due[b->tree.depth - 1] = false;
    struct value node;
    if (is_text(b, key, "a key is not UTF-8") && copy_string(b, key, &node)) {
        push(b, &node);
    }
}

static bool hold(struct builder *b, const struct document *document)
{
    CHECK(document != NULL);
    for (size_t i = 0; i < RECENT_HELD && i < b->held_count; i++) {
        if (b->held[b->held_count - 1 - i] == document) {
            return true;
        }
    }
    const struct document **held = array_reserve((void *)b->held, &b->held_cap, b->held_count + 1,
                                                 sizeof(const struct document *));
    if (held == NULL) {
        fail(b, E_NOMEM, "");
        return false;
    }
    b->held = held;
    b->held[b->held_count++] = document_ref(document);
    return true;
}

/* The innermost open container has a child of this depth. */
static bool note_depth(struct builder *b, uint16_t depth)
{
    if (b->tree.depth + depth > VALUE_MAX_DEPTH) {
        fail(b, E_LIMIT, "nested deeper than 64 levels");
        return false;
    }
    if (b->tree.depth > 0 && b->tree.frames[b->tree.depth - 1].depth < depth) {
        b->tree.frames[b->tree.depth - 1].depth = depth;
    }
    return true;
}

void builder_embed(struct builder *b, const struct document *document, const struct value *value)
{
    if (!is_working(b)) {
        return;
    }
    struct value node = *value;
    if (value->type == VALUE_STRING && value->count <= SHORT_STRING_BYTES) {
        if (copy_string(b, value_str(value), &node)) {
            node.flags = value->flags;
            add(b, &node);
        }
        return;
    }
    bool is_pointing = value->type == VALUE_STRING || value->type == VALUE_LIST ||
                       value->type == VALUE_MAP;
    if (is_pointing && value->count > 0 && !hold(b, document)) {
        return;
    }
    if (note_depth(b, value->depth)) {
        add(b, &node);
    }
}

/* Everything but what containers hold; those are begun. */
static void copy_node(struct builder *b, const struct value *value)
{
    switch ((enum value_type)value->type) {
    case VALUE_NULL:
    case VALUE_BOOL:
    case VALUE_INT:
    case VALUE_DOUBLE:
        add(b, value);
        return;
    case VALUE_STRING: {
        struct value node;
        if (copy_string(b, value_str(value), &node)) {
            node.flags = value->flags;
            add(b, &node);
        }
        return;
    }
    case VALUE_LIST:
    case VALUE_MAP:
        begin(b, (enum value_type)value->type);
        return;
    }
    unreachable_state("value_type", value->type);
}

void builder_copy(struct builder *b, const struct value *value)
{
    struct {
        const struct value *container;
        size_t next;
    } open[VALUE_MAX_DEPTH];
    size_t depth = 0;
    while (is_working(b)) {
        copy_node(b, value);
        if (value->type == VALUE_LIST || value->type == VALUE_MAP) {
            CHECK(depth < VALUE_MAX_DEPTH);
            open[depth].container = value;
            open[depth++].next = 0;
        }
        while (depth > 0 && open[depth - 1].next == open[depth - 1].container->count) {
            end(b, (enum value_type)open[--depth].container->type);
        }
        if (depth == 0) {
            return;
        }
        const struct value *container = open[depth - 1].container;
        size_t i = open[depth - 1].next++;
        if (container->type == VALUE_MAP) {
            builder_key(b, value_str(&value_member_at(container, i)->key));
            value = &value_member_at(container, i)->value;
        } else {
            value = value_at(container, i);
        }
    }
}

void builder_member_string(struct builder *b, struct str key, struct str text)
{
    builder_key(b, key);
    builder_string(b, text);
}

void builder_member_int(struct builder *b, struct str key, int64_t integer)
{
    builder_key(b, key);
    builder_int(b, integer);
}

void builder_member_double(struct builder *b, struct str key, double number)
{
    builder_key(b, key);
    builder_double(b, number);
}

void builder_member_bool(struct builder *b, struct str key, bool boolean)
{
    builder_key(b, key);
    builder_bool(b, boolean);
}

void builder_member_null(struct builder *b, struct str key)
{
    builder_key(b, key);
    builder_null(b);
}

/* Hands the held references over to the document. */
static int keep_held(struct builder *b)
{
    struct document *document = b->tree.document;
    if (b->held_count == 0) {
        return 0;
    }
    size_t bytes = b->held_count * sizeof(*b->held);
    document->held = arena_alloc(&document->arena, bytes);
    if (document->held == NULL) {
        return E_NOMEM;
    }
    memcpy((void *)document->held, b->held, bytes);
    document->held_count = b->held_count;
    b->held_count = 0;
    return 0;
}

static int report(const struct builder *b, struct error *err)
{
    if (b == NULL || b->status == E_NOMEM) {
        return error_nomem(err);
    }
    if (b->status == E_EXISTS) {
        return error_set(err, E_EXISTS, "the key '%.*s' is there twice", STR_ARG(b->key));
    }
    return error_set(err, b->status, "%s", b->what);
}

void builder_fail_nomem(struct builder *b)
{
    if (is_working(b)) {
        fail(b, E_NOMEM, "");
    }
}

int builder_finish(struct builder *b, struct document **out_document, struct error *err)
{
    if (is_working(b)) {
        CHECK(b->tree.depth == 0 && b->tree.count == 1);
        if (keep_held(b) != 0) {
            fail(b, E_NOMEM, "");
        }
    }
    if (!is_working(b)) {
        int status = report(b, err);
        builder_destroy(b);
        return status;
    }
    *out_document = compose_take(&b->tree);
    builder_destroy(b);
    return 0;
}
