/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_ARENA_H
#define CORE_BASE_ARENA_H

/*
 * Arena: many small allocations that end together.
 *
 * Used by:  every folder of core but journal and loop.
 * Uses:     str.
 * Threads:  [any]; one arena belongs to one thread at a time.
 */

#include <stddef.h>

#include "core/base/str.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* newest first */
    char *next;                 /* free bytes of the newest chunk that has any */
    char *end;
    size_t used_bytes;  /* handed out, with padding */
    size_t chunk_bytes; /* of the newest chunk that holds more than one large piece */
};

#define ARENA_INIT ((struct arena){0})

/* Frees everything that came from the arena; it is empty and usable again. */
void arena_finish(struct arena *arena);

/* `size` bytes, aligned for any type, not cleared; NULL when out of memory. */
void *arena_alloc(struct arena *arena, size_t size);

/* The same, cleared; NULL too when count * size overflows. */
void *arena_calloc(struct arena *arena, size_t count, size_t size);

/* A NUL-terminated copy, not aligned; NULL when out of memory. */
char *arena_dup(struct arena *arena, struct str s);

/* The same as a slice; `.p` is NULL when out of memory. */
struct str arena_dup_str(struct arena *arena, struct str s);

/* What the arena has taken from the system. */
size_t arena_size_bytes(const struct arena *arena);

#endif
