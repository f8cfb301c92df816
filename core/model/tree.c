/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/tree.h"

#include "core/base/check.h"
#include "core/base/utf8.h"
#include "core/value/builder.h"

const char *tree_kind_name(const struct tree *tree)
{
    switch ((enum tree_kind)tree->kind) {
    case TREE_NULL:
        return "nothing";
    case TREE_BOOL:
        return tree->as.boolean ? "true" : "false";
    case TREE_INT:
        return "a whole number";
    case TREE_DOUBLE:
        return "a number";
    case TREE_TEXT:
        return "text";
    case TREE_LIST:
        return "a list";
    case TREE_MAP:
        return "a map";
    }
    unreachable_state("tree", tree->kind);
}

const struct tree_member *tree_find(const struct tree *map, struct str key)
{
    if (!tree_is(map, TREE_MAP)) {
        return NULL;
    }
    for (uint32_t i = 0; i < map->count; i++) {
        if (str_equal(map->as.members[i].key.text, key)) {
            return &map->as.members[i];
        }
    }
    return NULL;
}

const struct tree *tree_get(const struct tree *map, struct str key)
{
    const struct tree_member *member = tree_find(map, key);
    return member != NULL ? &member->value : NULL;
}

/* Whether the escaped token of a JSON pointer stands for `key`. */
static bool token_is(struct str token, struct str key)
{
    size_t k = 0;
    for (size_t i = 0; i < token.n; i++, k++) {
        char c = token.p[i];
        if (c == '~' && i + 1 < token.n) {
            i++;
            c = token.p[i] == '1' ? '/' : '~';
        }
        if (k >= key.n || key.p[k] != c) {
            return false;
        }
    }
    return k == key.n;
}

static const struct tree *pointer_item(const struct tree *list, struct str token)
{
    size_t index = 0;
    if (token.n == 0 || token.n > 9) {
        return NULL;
    }
    for (size_t i = 0; i < token.n; i++) {
        if (token.p[i] < '0' || token.p[i] > '9') {
            return NULL;
        }
        index = index * 10 + (size_t)(token.p[i] - '0');
    }
    return index < list->count ? &list->as.items[index] : NULL;
}

/* The member of `map` that a token names, searched from number `first` on and around. */
static const struct tree_member *pointer_member(const struct tree *map, struct str token,
                                                uint32_t first)
{
    for (uint32_t i = 0; i < map->count; i++) {
        uint32_t at = first < map->count - i ? first + i : first - (map->count - i);
        if (token_is(token, map->as.members[at].key.text)) {
            return &map->as.members[at];
        }
    }
    return NULL;
}

/* Takes the token at the front off `pointer`; false when there is none. */
static bool take_token(struct str *pointer, struct str *out_token)
{
    if (pointer->n == 0 || pointer->p[0] != '/') {
        return false;
    }
    const char *slash = memchr(pointer->p + 1, '/', pointer->n - 1);
    size_t end = slash != NULL ? (size_t)(slash - pointer->p) : pointer->n;
    *out_token = str_make(pointer->p + 1, end - 1);
    *pointer = str_make(pointer->p + end, pointer->n - end);
    return true;
}

/* `walk` may be NULL, and so may `out_key`. */
static const struct tree *follow(const struct tree *tree, struct str pointer,
                                 struct tree_walk *walk, const struct tree **out_key)
{
    const struct tree *key = NULL;
    struct str token = {0};
    for (size_t level = 0; take_token(&pointer, &token); level++) {
        const struct tree_member *member = NULL;
        bool is_known = walk != NULL && level < TREE_WALK_LEVELS && tree->kind == TREE_MAP;
        if (tree->kind == TREE_MAP) {
            bool is_same = is_known && walk->levels[level].map == tree;
            member = pointer_member(tree, token, is_same ? walk->levels[level].at : 0);
        }
        const struct tree *next = member != NULL            ? &member->value
                                  : tree->kind == TREE_LIST ? pointer_item(tree, token)
                                                            : NULL;
        if (next == NULL) {
            break;
        }
        if (is_known) {
            walk->levels[level].map = tree;
            walk->levels[level].at = (uint32_t)(member - tree->as.members);
        }
        key = member != NULL ? &member->key : NULL;
        tree = next;
    }
    if (out_key != NULL) {
        *out_key = key;
    }
    return tree;
}

const struct tree *tree_pointer(const struct tree *tree, struct str pointer,
                                const struct tree **out_key)
{
    return follow(tree, pointer, NULL, out_key);
}

const struct tree *tree_pointer_near(const struct tree *tree, struct str pointer,
                                     struct tree_walk *walk)
{
    return follow(tree, pointer, walk, NULL);
}

struct place tree_place_of(struct str source, size_t offset)
{
    struct place place = {.line = 1, .column = 1};
    size_t line_start = 0;
    if (offset > source.n) {
        offset = source.n;
    }
    const char *at = source.p;
    const char *end = source.p + offset;
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        at++;
        place.line++;
        line_start = (size_t)(at - source.p);
    }
    place.column += (uint32_t)utf8_count(source.p + line_start, offset - line_start);
    return place;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The bytes that the escape at source[0] == '\\' takes in the source, and gives in the text. */
static size_t escape_length(struct str source, size_t at, struct str text, size_t text_at,
                            size_t *out_given)
{
    char kind = at + 1 < source.n ? source.p[at + 1] : '\0';
    size_t length = kind == 'x' ? 4 : kind == 'u' ? 6 : kind == 'U' ? 10 : 2;
    uint32_t code = 0;
    *out_given = utf8_decode(text.p + text_at, text.n - text_at, &code);
    if (kind == 'u' && code > 0xFFFF) {
        length = 12; /* a surrogate pair */
    }
    return length;
}

/* One step of the walk through text and source side by side; false when they part. */
static bool walk_step(enum tree_style style, struct str source, size_t *at, struct str text,
                      size_t *text_at)
{
    char c = source.p[*at];
    if (style == TREE_DOUBLE_QUOTED && c == '\\') {
        if (*at + 1 < source.n && source.p[*at + 1] == '\n') {
            *at += 2; /* a folded line: gives nothing */
            return true;
        }
        size_t given = 0;
        *at += escape_length(source, *at, text, *text_at, &given);
        *text_at += given > 0 ? given : 1;
        return true;
    }
    if (c == text.p[*text_at]) {
        *at += style == TREE_SINGLE_QUOTED && c == '\'' ? 2 : 1;
        (*text_at)++;
        return true;
    }
    if (is_blank(c)) {
        (*at)++; /* indentation, or a fold that gave one blank already */
        return true;
    }
    if (is_blank(text.p[*text_at])) {
        (*text_at)++; /* what a fold gave where the source has moved on */
        return true;
    }
    return false;
}

/* Where the text of the scalar begins in the source. */
static size_t content_start(const struct tree *scalar, struct str source)
{
    size_t at = scalar->start;
    if (scalar->style == TREE_PLAIN) {
        return at;
    }
    if (scalar->style != TREE_BLOCK) {
        return at + 1;
    }
    const char *line_end = at < source.n ? memchr(source.p + at, '\n', source.n - at) : NULL;
    return line_end != NULL ? (size_t)(line_end - source.p) + 1 : source.n;
}

struct place tree_place_at(const struct tree *scalar, struct str source, size_t offset)
{
    if (!tree_is_scalar(scalar)) {
        return scalar->place;
    }
    size_t at = content_start(scalar, source);
    size_t text_at = 0;
    enum tree_style style = (enum tree_style)scalar->style;
    while (at < source.n && text_at < offset && text_at < scalar->text.n) {
        if (!walk_step(style, source, &at, scalar->text, &text_at)) {
            return scalar->place;
        }
    }
    /* The walk stops behind a fold's blank; the byte asked for is the next one that is no blank. */
    while (at < source.n && offset < scalar->text.n && !is_blank(scalar->text.p[offset]) &&
           is_blank(source.p[at])) {
        at++;
    }
    if (text_at < offset || at > source.n) {
        return scalar->place;
    }
    struct place place = tree_place_of(source, at);
    place.file = scalar->place.file;
    return place;
}

static void write_scalar(const struct tree *tree, struct builder *b)
{
    switch ((enum tree_kind)tree->kind) {
    case TREE_NULL:
        builder_null(b);
        break;
    case TREE_BOOL:
        builder_bool(b, tree->as.boolean);
        break;
    case TREE_INT:
        builder_int(b, tree->as.integer);
        break;
    case TREE_DOUBLE:
        builder_double(b, tree->as.number);
        break;
    case TREE_TEXT:
        builder_string(b, tree->text);
        break;
    case TREE_LIST:
    case TREE_MAP:
        unreachable_state("scalar", tree->kind);
    }
}

struct write_frame {
    const struct tree *tree;
    const void *context;
    uint32_t next;
};

static const void *child_context(const struct tree_typing *typing, const void *context,
                                 const struct str *key)
{
    return typing != NULL && context != NULL ? typing->child(typing->user, context, key) : NULL;
}

/* Begins a container, as a new frame, or adds a scalar. */
static void write_value(const struct tree *tree, const struct tree_typing *typing,
                        const void *context, struct builder *b, struct write_frame *frames,
                        uint32_t *depth)
{
    if (tree_is_scalar(tree)) {
        if (typing == NULL || context == NULL || !typing->write(typing->user, context, tree, b)) {
            write_scalar(tree, b);
        }
        return;
    }
    CHECK(*depth < TREE_MAX_DEPTH);
    frames[(*depth)++] = (struct write_frame){.tree = tree, .context = context};
    if (tree->kind == TREE_MAP) {
        builder_map_begin(b);
    } else {
        builder_list_begin(b);
    }
}

void tree_write(const struct tree *tree, const struct tree_typing *typing, const void *context,
                struct builder *b)
{
    struct write_frame frames[TREE_MAX_DEPTH];
    uint32_t depth = 0;
    write_value(tree, typing, context, b, frames, &depth);
    while (depth > 0) {
        struct write_frame *top = &frames[depth - 1];
        bool is_map = top->tree->kind == TREE_MAP;
        if (top->next == top->tree->count) {
            depth--;
            if (is_map) {
                builder_map_end(b);
            } else {
                builder_list_end(b);
            }
            continue;
        }
        uint32_t i = top->next++;
        if (!is_map) {
            write_value(&top->tree->as.items[i], typing, child_context(typing, top->context, NULL),
                        b, frames, &depth);
            continue;
        }
        const struct tree_member *member = &top->tree->as.members[i];
        builder_key(b, member->key.text);
        write_value(&member->value, typing, child_context(typing, top->context, &member->key.text),
                    b, frames, &depth);
    }
}
