/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_SCOPE_H
#define CORE_HOST_SCOPE_H

/*
 * Scope: the values that a plugin can name, for as long as a task, a node or the plugin lives.
 *
 * A value handle is a slot in one table of the host; a scope takes slots from it in blocks and
 * gives them back when it ends. Reading a slot takes a hold on its scope first, so that its
 * documents cannot be freed meanwhile, whatever other threads do.
 *
 * Used by:  task, plugin, services.
 * Uses:     handle, value.
 * Threads:  [any], but init and finish of the table.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct document;
struct plugin;
struct scope_memory;
struct value;
struct value_block;

enum { VALUE_BLOCK_SLOTS = 8, VALUE_CHUNK_BLOCKS = 32, VALUE_CHUNKS = 131072 };

struct value_table {
    pthread_mutex_t lock; /* of the free list and of new chunks */
    struct value_block *first_free;
    uint32_t used_blocks;
    _Atomic(struct value_block *) *chunks;
};

/* Embedded in what lives as long: a task, or a struct of its own. */
struct scope {
    struct value_table *table;
    uint32_t owner;  /* plugin number */
    uint64_t handle; /* by which plugins name it: a task's or a scope's */
    uint64_t task;   /* the handle of the task that opened it; 0: nobody */
    pthread_mutex_t lock;
    struct value_block *blocks;  /* newest first */
    uint32_t used;               /* slots of the newest */
    struct scope_memory *memory; /* newest first */
    size_t memory_bytes;         /* what was asked for */
    bool is_open;                /* in the list of the task; under its lock, as the next two */
    struct scope *next_open;
    struct scope *previous_open;
};

/* What a value handle names. */
struct scope_value {
    const struct document *document; /* holds the value; NULL for bytes */
    const struct value *value;       /* NULL for bytes */
    struct str bytes;
    uint64_t scope; /* the handle of its scope */
};

/* Fails with E_NOMEM. */
int value_table_init(struct value_table *table);
void value_table_finish(struct value_table *table);

/* `handle` may still be 0 and be set before the scope is used. */
void scope_init(struct scope *scope, struct value_table *table, uint32_t owner, uint64_t handle);
/* Gives up all documents and texts; the values are over. */
void scope_finish(struct scope *scope);

/*
 * A new value in `scope`: `value` inside `document`, on which it takes a reference.
 * 0 when out of memory.
 */
uint64_t scope_add(struct scope *scope, const struct document *document, const struct value *value);
/*
 * The same for a part of a value of the scope. An instance or a plugin reads its settings for each
 * of its tasks, and its scope lives as long: there a part that has a value is not given another.
 */
uint64_t scope_add_part(struct scope *scope, const struct document *document,
                        const struct value *part);
/* The same for null, a bool, an int or a double, without a document. */
uint64_t scope_add_scalar(struct scope *scope, const struct value *scalar);
/* The same for bytes, which are copied. */
uint64_t scope_add_bytes(struct scope *scope, struct str bytes);

/* A NUL-terminated copy of `text` that lives as long as the scope; `.p` NULL: out of memory. */
struct str scope_dup(struct scope *scope, struct str text);

/* Cleared memory, aligned for any type, that lives as long as the scope; NULL: out of memory. */
void *scope_alloc(struct scope *scope, size_t size);

/*
 * [any] Scope `handle` (a task's, a node's, the plugin's) of `plugin`, with a hold:
 * scope_release(). NULL when there is none.
 */
struct scope *scope_acquire(struct plugin *plugin, uint64_t handle);
void scope_release(struct plugin *plugin, struct scope *scope);

/*
 * [any] Looks a value up. On true `*out` is valid until scope_release(*out_scope); false: it is
 * over, made up or another plugin's.
 */
bool value_acquire(struct plugin *plugin, uint64_t handle, struct scope_value *out,
                   struct scope **out_scope);

/* Adds how many values it has, and the bytes of its memory and texts. */
void scope_count(struct scope *scope, uint64_t *values, uint64_t *bytes);

/* The heap scope of a node or plugin: freed by the handle table. */
struct scope *scope_create(struct plugin *plugin);
void scope_destroy(void *scope);

#endif
