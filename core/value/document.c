/* SPDX-License-Identifier: Apache-2.0 */
#include "core/value/document.h"

#include <stdint.h>
#include <stdlib.h>

/* Nobody writes to these: is_static is looked at before the count. */
static struct document static_null = {.is_static = true, .root = {.type = VALUE_NULL}};
static struct document static_map = {.is_static = true, .root = {.type = VALUE_MAP, .depth = 1}};
static struct document static_list = {.is_static = true, .root = {.type = VALUE_LIST, .depth = 1}};

/* A figure about the process, like those of malloc(): nothing is decided by it in this folder. */
static atomic_size_t total_bytes;

static size_t size_of(const struct document *document)
{
    return sizeof(*document) + document->own_bytes + arena_size_bytes(&document->arena);
}

void document_count(struct document *document)
{
    document->is_counted = true;
    document->reach_bytes = size_of(document);
    for (size_t i = 0; i < document->held_count; i++) {
        size_t held = document->held[i]->reach_bytes;
        size_t room = SIZE_MAX - document->reach_bytes;
        document->reach_bytes += held < room ? held : room;
    }
    (void)atomic_fetch_add_explicit(&total_bytes, size_of(document), memory_order_relaxed);
}

size_t document_reach_bytes(const struct document *document)
{
    return document->reach_bytes;
}

size_t document_total_bytes(void)
{
    return atomic_load_explicit(&total_bytes, memory_order_relaxed);
}

struct document *document_create(uint32_t own_bytes)
{
    struct document *document = malloc(sizeof(*document) + own_bytes);
    if (document == NULL) {
        return NULL;
    }
    *document = (struct document){.own_bytes = own_bytes, .root = {.type = VALUE_NULL}};
    if (own_bytes > 0) {
        document->arena.next = (char *)(document + 1);
        document->arena.end = document->arena.next + own_bytes;
    }
    atomic_init(&document->references, 1);
    return document;
}

struct document *document_ref(const struct document *document)
{
    /* The count is the one part of a document that changes, hence the cast. */
    struct document *mine = (struct document *)(uintptr_t)document;
    if (mine != NULL && !mine->is_static) {
        (void)atomic_fetch_add_explicit(&mine->references, 1, memory_order_relaxed);
    }
    return mine;
}

/* True when this was the last reference. */
static bool drop_reference(struct document *document)
{
    return !document->is_static &&
           atomic_fetch_sub_explicit(&document->references, 1, memory_order_acq_rel) == 1;
}

void document_unref(const struct document *document)
{
    struct document *mine = (struct document *)(uintptr_t)document;
    if (mine == NULL || !drop_reference(mine)) {
        return;
    }
    /* Documents hold documents in chains of any length: a list of the dead, not recursion. */
    mine->next_dead = NULL;
    while (mine != NULL) {
        struct document *dead = mine;
        mine = dead->next_dead;
        for (size_t i = 0; i < dead->held_count; i++) {
            struct document *held = (struct document *)(uintptr_t)dead->held[i];
            if (drop_reference(held)) {
                held->next_dead = mine;
                mine = held;
            }
        }
        if (dead->is_counted) {
            (void)atomic_fetch_sub_explicit(&total_bytes, size_of(dead), memory_order_relaxed);
        }
        arena_finish(&dead->arena);
        free(dead);
    }
}

const struct value *document_root(const struct document *document)
{
    return &document->root;
}

size_t document_size_bytes(const struct document *document)
{
    return document->arena.used_bytes;
}

struct document *document_null(void)
{
    return &static_null;
}

struct document *document_empty_map(void)
{
    return &static_map;
}

struct document *document_empty_list(void)
{
    return &static_list;
}
