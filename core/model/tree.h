/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_TREE_H
#define CORE_MODEL_TREE_H

/*
 * Tree: what a YAML or JSON text says, before anything is known about pipelines. Each key and
 * value keeps its place and the text that it was written as.
 *
 * Trees live in an arena and never change. Aliases share their anchor's items, so a tree is no
 * larger than its text; the readers bound what it would be expanded.
 *
 * Used by:  model.
 * Uses:     base, value.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/model/pipeline.h"

struct arena;
struct builder;
struct error;
struct tree_member;

enum {
    TREE_MAX_BYTES = 4 * 1024 * 1024,
    TREE_MAX_DEPTH = 64,
    TREE_WALK_LEVELS = 8,      /* that a walk remembers; below, members are searched */
    TREE_MAX_ALIASED = 100000, /* nodes that aliases expand to */
};

enum tree_kind {
    TREE_NULL,
    TREE_BOOL,
    TREE_INT,
    TREE_DOUBLE,
    TREE_TEXT,
    TREE_LIST,
    TREE_MAP,
};

/* How a scalar was written: tells how offsets in its text relate to the source. */
enum tree_style {
    TREE_PLAIN,
    TREE_SINGLE_QUOTED,
    TREE_DOUBLE_QUOTED, /* JSON strings too */
    TREE_BLOCK,         /* | and > */
};

struct tree {
    uint8_t kind;    /* enum tree_kind */
    uint8_t style;   /* enum tree_style, of scalars */
    uint16_t height; /* nested lists and maps below it, with itself */
    uint32_t count;  /* items of a list, members of a map */
    uint32_t size;   /* nodes in all, with itself; stops at UINT32_MAX */
    uint32_t start;  /* byte offset in the source text */
    struct place place;
    struct str text; /* of scalars: the content; for plain ones the source */
    union {
        bool boolean;
        int64_t integer;
        double number;
        const struct tree *items;
        const struct tree_member *members;
    } as;
};

struct tree_member {
    struct tree key; /* a scalar; its text counts */
    struct tree value;
};

/* "a list", "a map", "text", "a whole number", ...: for messages. */
const char *tree_kind_name(const struct tree *tree);

static inline bool tree_is(const struct tree *tree, enum tree_kind kind)
{
    return tree != NULL && tree->kind == kind;
}

static inline bool tree_is_scalar(const struct tree *tree)
{
    return tree != NULL && tree->kind != TREE_LIST && tree->kind != TREE_MAP;
}

/* The member `key` of a map, borrowed; NULL when there is none, or `map` is NULL or no map. */
const struct tree_member *tree_find(const struct tree *map, struct str key);

/* Its value. */
const struct tree *tree_get(const struct tree *map, struct str key);

/*
 * The node that JSON pointer `pointer` names, borrowed, or the nearest one above it that is
 * there; `out_key` (may be NULL) gets the key it is under in its map, or NULL.
 */
const struct tree *tree_pointer(const struct tree *tree, struct str pointer,
                                const struct tree **out_key);

/* Where the pointers that were asked for last went on: begin with {0}. */
struct tree_walk {
    struct {
        const struct tree *map;
        uint32_t at; /* of the member */
    } levels[TREE_WALK_LEVELS];
};

/*
 * As tree_pointer(), for many pointers into one tree: in the order of the tree, or nearly, each
 * costs no search through the members of its maps.
 */
const struct tree *tree_pointer_near(const struct tree *tree, struct str pointer,
                                     struct tree_walk *walk);

/* The place of the byte `offset` of the scalar's text; the scalar's start when it has moved. */
struct place tree_place_at(const struct tree *scalar, struct str source, size_t offset);

/* The place of a byte of the source. */
struct place tree_place_of(struct str source, size_t offset);

/* How scalars are written where somebody knows more about them than their text says. */
struct tree_typing {
    /* The context of a member (`key` not NULL) or of the items of a list, or NULL. */
    const void *(*child)(void *user, const void *context, const struct str *key);
    /* True when it has written `scalar` itself. `context` is never NULL. */
    bool (*write)(void *user, const void *context, const struct tree *scalar, struct builder *b);
    void *user;
};

/* Adds `tree` to `b` as a JSON value. `typing` may be NULL; `context` is for the root. */
void tree_write(const struct tree *tree, const struct tree_typing *typing, const void *context,
                struct builder *b);

#endif
