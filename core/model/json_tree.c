/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict reader has checked the text and made the values; this walks text and values side by
 * side and notes where each begins. So it may trust the text: only white space, punctuation,
 * strings and scalars come along, in the order of the values.
 */
#include "core/model/json_tree.h"

#include <stdlib.h>

#include "core/base/arena.h"
#include "core/base/check.h"
#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/model/cursor.h"
#include "core/model/json_error.h"
#include "core/model/report.h"
#include "core/model/tree.h"
#include "core/model/tree_build.h"
#include "core/value/json.h"
#include "core/value/value.h"

struct open_value {
    struct tree tree;
    const struct value *value;
    size_t next; /* member or item */
    size_t first;
};

struct json_walk {
    const struct report *report;
    struct arena *arena;
    struct cursor cursor;
    struct tree *pending;
    size_t pending_count;
    size_t pending_cap;
    struct open_value open[TREE_MAX_DEPTH];
    uint32_t depth;
    bool is_doubled; /* keys were: reported, and all members are in the tree */
    struct tree root;
};

/* To the beginning of the next value or key. */
static void skip_between(struct cursor *cursor)
{
    while (cursor->offset < cursor->source.n &&
           strchr(" \t\r\n,:", cursor->source.p[cursor->offset]) != NULL) {
        cursor_step(cursor);
    }
}

static void skip_string(struct cursor *cursor)
{
    cursor_step(cursor);
    while (cursor->offset < cursor->source.n && cursor->source.p[cursor->offset] != '"') {
        if (cursor->source.p[cursor->offset] == '\\') {
            cursor_step(cursor);
        }
        cursor_step(cursor);
    }
    if (cursor->offset < cursor->source.n) {
        cursor_step(cursor);
    }
}

static void skip_word(struct cursor *cursor)
{
    while (cursor->offset < cursor->source.n &&
           strchr(" \t\r\n,:]}", cursor->source.p[cursor->offset]) == NULL) {
        cursor_step(cursor);
    }
}

static struct tree tree_here(const struct json_walk *walk)
{
    return (struct tree){
        .size = 1, .start = (uint32_t)walk->cursor.offset, .place = walk->cursor.place};
}

/* `out` has its place already; the cursor moves behind the scalar. */
static int read_scalar(struct json_walk *walk, const struct value *value, struct tree *out)
{
    struct cursor *cursor = &walk->cursor;
    if (value_type(value) == VALUE_STRING) {
        skip_string(cursor);
        out->kind = TREE_TEXT;
        out->style = TREE_DOUBLE_QUOTED;
        out->text = arena_dup_str(walk->arena, value_str(value));
        return out->text.p != NULL ? 0 : E_NOMEM;
    }
    skip_word(cursor);
    out->text = arena_dup_str(walk->arena,
                              str_make(cursor->source.p + out->start, cursor->offset - out->start));
    switch (value_type(value)) {
    case VALUE_BOOL:
        out->kind = TREE_BOOL;
        out->as.boolean = value_bool(value);
        break;
    case VALUE_INT:
        out->kind = TREE_INT;
        out->as.integer = value_int(value);
        break;
    case VALUE_DOUBLE:
        out->kind = TREE_DOUBLE;
        out->as.number = value_double(value);
        break;
    case VALUE_NULL:
    case VALUE_STRING:
    case VALUE_LIST:
    case VALUE_MAP:
        out->kind = TREE_NULL;
        break;
    }
    return out->text.p != NULL ? 0 : E_NOMEM;
}

static int add_tree(struct json_walk *walk, const struct tree *tree)
{
    if (walk->depth == 0) {
        walk->root = *tree;
        return 0;
    }
    struct tree *pending =
        array_reserve(walk->pending, &walk->pending_cap, walk->pending_count + 1, sizeof(*pending));
    if (pending == NULL) {
        return E_NOMEM;
    }
    walk->pending = pending;
    pending[walk->pending_count++] = *tree;
    return 0;
}

static int enter_value(struct json_walk *walk, const struct value *value)
{
    skip_between(&walk->cursor);
    struct tree tree = tree_here(walk);
    if (value_type(value) != VALUE_LIST && value_type(value) != VALUE_MAP) {
        int status = read_scalar(walk, value, &tree);
        return status != 0 ? status : add_tree(walk, &tree);
    }
    CHECK(walk->depth < TREE_MAX_DEPTH);
    tree.kind = value_type(value) == VALUE_LIST ? TREE_LIST : TREE_MAP;
    cursor_step(&walk->cursor);
    walk->open[walk->depth++] =
        (struct open_value){.tree = tree, .value = value, .first = walk->pending_count};
    return 0;
}

static int close_value(struct json_walk *walk)
{
    struct open_value top = walk->open[walk->depth - 1];
    size_t count = walk->pending_count - top.first;
    const struct tree *items = count > 0 ? walk->pending + top.first : NULL;
    int status = top.tree.kind == TREE_LIST
                     ? tree_build_list(&top.tree, items, count, walk->arena)
                     : tree_build_map(&top.tree, items, count / 2, walk->report, walk->arena);
    if (status == E_INVALID) {
        walk->is_doubled = true;
    } else if (status != 0) {
        return status;
    }
    skip_between(&walk->cursor);
    cursor_step(&walk->cursor);
    walk->pending_count = top.first;
    walk->depth--;
    return add_tree(walk, &top.tree);
}

static int walk_step(struct json_walk *walk)
{
    struct open_value *top = &walk->open[walk->depth - 1];
    if (top->next == value_count(top->value)) {
        return close_value(walk);
    }
    size_t i = top->next++;
    if (top->tree.kind == TREE_LIST) {
        return enter_value(walk, value_at(top->value, i));
    }
    const struct value_member *member = value_member_at(top->value, i);
    int status = enter_value(walk, &member->key);
    return status != 0 ? status : enter_value(walk, &member->value);
}

int json_tree_read(const struct report *report, struct arena *arena, struct tree *out_tree)
{
    static const struct json_limits limits = {.max_bytes = TREE_MAX_BYTES,
                                              .max_depth = TREE_MAX_DEPTH,
                                              .max_values = 1000 * 1000,
                                              .keeps_doubled = true};
    cleanup_document struct document *document = NULL;
    struct error err = {0};
    if (json_read(report->source, &limits, &document, &err) != 0) {
        if (err.code == E_NOMEM) {
            return E_NOMEM;
        }
        json_error_report(report, &err);
        return E_INVALID;
    }
    cleanup_free struct json_walk *walk = calloc(1, sizeof(*walk));
    if (walk == NULL) {
        return E_NOMEM;
    }
    walk->report = report;
    walk->arena = arena;
    walk->cursor = cursor_at_start(report->source, report->number);
    int status = enter_value(walk, document_root(document));
    while (status == 0 && walk->depth > 0) {
        status = walk_step(walk);
    }
    if (status == 0) {
        *out_tree = walk->root;
        status = walk->is_doubled ? E_INVALID : 0;
    }
    free(walk->pending);
    return status;
}
