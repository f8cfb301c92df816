/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/arena.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum { CHUNK_FIRST_BYTES = 112, LARGE_PIECE_BYTES = 1024, CHUNK_LARGEST_BYTES = 256 * 1024 };

struct arena_chunk {
    alignas(max_align_t) struct arena_chunk *older;
    size_t size; /* of the bytes behind this header */
};

void arena_finish(struct arena *arena)
{
    if (arena == NULL) {
        return;
    }
    struct arena_chunk *chunk = arena->chunks;
    while (chunk != NULL) {
        struct arena_chunk *older = chunk->older;
        free(chunk);
        chunk = older;
    }
    *arena = ARENA_INIT;
}

size_t arena_size_bytes(const struct arena *arena)
{
    size_t size = 0;
    for (const struct arena_chunk *chunk = arena->chunks; chunk != NULL; chunk = chunk->older) {
        size += sizeof(*chunk) + chunk->size;
    }
    return size;
}

/* `size` bytes behind a header; NULL when out of memory. */
static char *add_chunk(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX - sizeof(struct arena_chunk)) {
        return NULL;
    }
    struct arena_chunk *chunk = malloc(sizeof(*chunk) + size);
    if (chunk == NULL) {
        return NULL;
    }
    chunk->older = arena->chunks;
    chunk->size = size;
    arena->chunks = chunk;
    return (char *)(chunk + 1);
}

/* Chunks double in size, so that a large arena takes few allocations and a small one is small. */
static size_t next_chunk_bytes(const struct arena *arena)
{
    size_t wanted = arena->chunk_bytes == 0 ? CHUNK_FIRST_BYTES : arena->chunk_bytes * 2;
    return wanted < CHUNK_LARGEST_BYTES ? wanted : CHUNK_LARGEST_BYTES;
}

/*
 * A large piece that the next chunk would not hold has one to itself: one long string among short
 * ones says nothing of what is still to come, and what is left of the chunk before stays in use.
 */
static char *take_from_new(struct arena *arena, size_t size)
{
    size_t wanted = next_chunk_bytes(arena);
    bool is_alone = size > wanted && size > LARGE_PIECE_BYTES;
    size_t bytes = size > wanted ? size : wanted;
    char *p = add_chunk(arena, bytes);
    if (p == NULL) {
        return NULL;
    }
    arena->used_bytes += size;
    if (!is_alone) {
        arena->chunk_bytes = bytes;
        arena->next = p + size;
        arena->end = p + bytes;
    }
    return p;
}

static char *arena_take(struct arena *arena, size_t size, size_t align)
{
    size_t padding = (size_t)(-(uintptr_t)arena->next & (align - 1));
    if (size > SIZE_MAX - align) {
        return NULL;
    }
    if (arena->next == NULL || size + padding > (size_t)(arena->end - arena->next)) {
        return take_from_new(arena, size);
    }
    char *p = arena->next + padding;
    arena->next = p + size;
    arena->used_bytes += size + padding;
    return p;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return arena_take(arena, size, alignof(max_align_t));
}

void *arena_calloc(struct arena *arena, size_t count, size_t size)
{
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return NULL;
    }
    void *p = arena_alloc(arena, bytes);
    if (p != NULL) {
        memset(p, 0, bytes);
    }
    return p;
}

char *arena_dup(struct arena *arena, struct str s)
{
    if (s.n == SIZE_MAX) {
        return NULL;
    }
    char *copy = arena_take(arena, s.n + 1, 1);
    if (copy == NULL) {
        return NULL;
    }
    if (s.n > 0) {
        memcpy(copy, s.p, s.n);
    }
    copy[s.n] = '\0';
    return copy;
}

struct str arena_dup_str(struct arena *arena, struct str s)
{
    char *copy = arena_dup(arena, s);
    return (struct str){copy, copy != NULL ? s.n : 0};
}
