/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/scope.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/host/runtime.h"
#include "core/host/task.h"
#include "core/value/value.h"

/*
 * A slot's `scope` is written last and read first: who sees it sees the rest. `generation` counts
 * the lives of the slot, `holder` and `data` are constant during one.
 */
struct value_slot {
    _Atomic uint32_t generation;
    uint32_t is_bytes;
    _Atomic uint64_t scope; /* 0: free */
    const void *holder;     /* document, or value_bytes */
    const struct value *value;
    struct value scalar; /* `value` may point here */
};

struct value_block {
    struct value_block *next; /* of the scope, or free */
    uint32_t first_index;
    uint32_t reserved;
    struct value_slot slots[VALUE_BLOCK_SLOTS];
};

struct value_bytes {
    size_t n;
    char bytes[];
};

struct scope_memory {
    struct scope_memory *next;
    alignas(max_align_t) char bytes[];
};

static const uint32_t generation_mask = (1u << 29) - 1;

int value_table_init(struct value_table *table)
{
    *table = (struct value_table){.first_free = NULL};
    table->chunks = calloc(VALUE_CHUNKS, sizeof *table->chunks);
    if (table->chunks == NULL) {
        return E_NOMEM;
    }

    if (pthread_mutex_init(&table->lock, NULL) != 0) {
        free(table->chunks);
        table->chunks = NULL;
        return E_NOMEM;
    }
    return 0;
}

void value_table_finish(struct value_table *table)
{
    if (table->chunks == NULL) {
        return;
    }

    for (size_t i = 0; i * VALUE_CHUNK_BLOCKS < table->used_blocks; i++) {
        free(atomic_load(&table->chunks[i]));
    }
    free(table->chunks);
    table->chunks = NULL;
    (void)pthread_mutex_destroy(&table->lock);
}

/* Blocks that were never used; under the lock. False: out of memory or of numbers. */
static bool table_add_chunk(struct value_table *table)
{
    size_t chunk_index = table->used_blocks / VALUE_CHUNK_BLOCKS;
    if (chunk_index >= VALUE_CHUNKS) {
        return false;
    }

    struct value_block *chunk = calloc(VALUE_CHUNK_BLOCKS, sizeof *chunk);
    if (chunk == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < VALUE_CHUNK_BLOCKS; i++) {
        chunk[i].first_index = (table->used_blocks + i) * VALUE_BLOCK_SLOTS;
        chunk[i].next = i + 1 < VALUE_CHUNK_BLOCKS ? &chunk[i + 1] : NULL;
        for (size_t slot = 0; slot < VALUE_BLOCK_SLOTS; slot++) {
            atomic_init(&chunk[i].slots[slot].generation, 1);
        }
    }
    table->used_blocks += VALUE_CHUNK_BLOCKS;
    table->first_free = chunk;
    atomic_store_explicit(&table->chunks[chunk_index], chunk, memory_order_release);
    return true;
}

static struct value_block *table_take(struct value_table *table)
{
    struct value_block *block = NULL;
    (void)pthread_mutex_lock(&table->lock);
    if (table->first_free != NULL || table_add_chunk(table)) {
        block = table->first_free;
        table->first_free = block->next;
    }
    (void)pthread_mutex_unlock(&table->lock);
    return block;
}

static void table_give(struct value_table *table, struct value_block *first,
                       struct value_block *last)
{
    (void)pthread_mutex_lock(&table->lock);
    last->next = table->first_free;
    table->first_free = first;
    (void)pthread_mutex_unlock(&table->lock);
}

void scope_init(struct scope *scope, struct value_table *table, uint32_t owner, uint64_t handle)
{
    *scope = (struct scope){.table = table, .owner = owner, .handle = handle};
    (void)pthread_mutex_init(&scope->lock, NULL); /* default attributes: cannot fail on Linux */
}

static void slot_clear(struct value_slot *slot)
{
    atomic_store_explicit(&slot->scope, 0, memory_order_relaxed);
    uint32_t generation = atomic_load_explicit(&slot->generation, memory_order_relaxed);
    atomic_store_explicit(&slot->generation, generation == generation_mask ? 1 : generation + 1,
                          memory_order_release);
    if (slot->is_bytes != 0) {
        free((void *)(uintptr_t)slot->holder);
    } else {
        document_unref(slot->holder);
    }
}

void scope_finish(struct scope *scope)
{
    uint32_t used = scope->used;
    struct value_block *last = NULL;
    for (struct value_block *block = scope->blocks; block != NULL; block = block->next) {
        for (uint32_t i = 0; i < used; i++) {
            slot_clear(&block->slots[i]);
        }
        used = VALUE_BLOCK_SLOTS;
        last = block;
    }
    if (last != NULL) {
        table_give(scope->table, scope->blocks, last);
    }
    while (scope->memory != NULL) {
        struct scope_memory *memory = scope->memory;
        scope->memory = memory->next;
        free(memory);
    }
    (void)pthread_mutex_destroy(&scope->lock);
}

/* Under the scope's lock; NULL when out of memory. */
static struct value_slot *scope_take_slot(struct scope *scope, uint32_t *out_index)
{
    if (scope->blocks == NULL || scope->used == VALUE_BLOCK_SLOTS) {
        struct value_block *block = table_take(scope->table);
        if (block == NULL) {
            return NULL;
        }
        block->next = scope->blocks;
        scope->blocks = block;
        scope->used = 0;
    }
    *out_index = scope->blocks->first_index + scope->used;
    return &scope->blocks->slots[scope->used++];
}

static uint64_t slot_handle(const struct value_slot *slot, uint32_t index)
{
    uint32_t generation = atomic_load_explicit(&slot->generation, memory_order_relaxed);
    return (uint64_t)HANDLE_VALUE << 61 | (uint64_t)generation << 32 | index;
}

/* `value` is NULL for bytes, and lies in the document `holder` or is a scalar that is copied. */
static uint64_t scope_fill_slot(struct scope *scope, uint32_t is_bytes, const void *holder,
                                const struct value *value, bool is_scalar)
{
    uint32_t index = 0;
    (void)pthread_mutex_lock(&scope->lock);
    struct value_slot *slot = scope_take_slot(scope, &index);
    (void)pthread_mutex_unlock(&scope->lock);
    if (slot == NULL) {
        return 0;
    }

    slot->is_bytes = is_bytes;
    slot->holder = holder;
    slot->value = value;
    if (is_scalar) {
        slot->scalar = *value;
        slot->value = &slot->scalar;
    }
    atomic_store_explicit(&slot->scope, scope->handle, memory_order_release);
    return slot_handle(slot, index);
}

uint64_t scope_add(struct scope *scope, const struct document *document, const struct value *value)
{
    bool is_scalar = value->type <= VALUE_DOUBLE; /* it may lie in a slot of another scope */
    uint64_t handle = scope_fill_slot(scope, 0, document, value, is_scalar);
    if (handle != 0) {
        (void)document_ref(document);
    }
    return handle;
}

/* The handle that names `part` already; 0: none does. Others may fill slots meanwhile. */
static uint64_t scope_find_part(struct scope *scope, const struct value *part)
{
    uint64_t handle = 0;
    (void)pthread_mutex_lock(&scope->lock);
    uint32_t used = scope->used;
    for (struct value_block *block = scope->blocks; block != NULL && handle == 0;
         block = block->next) {
        for (uint32_t i = 0; i < used && handle == 0; i++) {
            const struct value_slot *slot = &block->slots[i];
            bool is_filled = atomic_load_explicit(&slot->scope, memory_order_acquire) ==
                             scope->handle;
            handle = is_filled && slot->value == part ? slot_handle(slot, block->first_index + i)
                                                      : 0;
        }
        used = VALUE_BLOCK_SLOTS;
    }
    (void)pthread_mutex_unlock(&scope->lock);
    return handle;
}

uint64_t scope_add_part(struct scope *scope, const struct document *document,
                        const struct value *part)
{
    bool lives_long = handle_kind(scope->handle) != HANDLE_TASK && scope->task == 0;
    uint64_t handle = lives_long ? scope_find_part(scope, part) : 0;
    if (handle == 0) {
        handle = scope_fill_slot(scope, 0, document, part, false);
        (void)document_ref(handle != 0 ? document : NULL);
    }
    return handle;
}

uint64_t scope_add_scalar(struct scope *scope, const struct value *scalar)
{
    CHECK(scalar->type <= VALUE_DOUBLE);
    return scope_fill_slot(scope, 0, document_null(), scalar, true);
}

uint64_t scope_add_bytes(struct scope *scope, struct str bytes)
{
    struct value_bytes *copy = malloc(sizeof *copy + bytes.n);
    if (copy == NULL) {
        return 0;
    }

    copy->n = bytes.n;
    if (bytes.n > 0) {
        memcpy(copy->bytes, bytes.p, bytes.n);
    }
    uint64_t handle = scope_fill_slot(scope, 1, copy, NULL, false);
    if (handle == 0) {
        free(copy);
    }
    return handle;
}

void *scope_alloc(struct scope *scope, size_t size)
{
    struct scope_memory *memory = size < SIZE_MAX / 2 ? calloc(1, sizeof *memory + size) : NULL;
    if (memory == NULL) {
        return NULL;
    }

    (void)pthread_mutex_lock(&scope->lock);
    memory->next = scope->memory;
    scope->memory = memory;
    scope->memory_bytes += size;
    (void)pthread_mutex_unlock(&scope->lock);
    return memory->bytes;
}

struct str scope_dup(struct scope *scope, struct str text)
{
    char *copy = scope_alloc(scope, text.n + 1);
    if (copy != NULL && text.n > 0) {
        memcpy(copy, text.p, text.n);
    }
    return str_make(copy, copy != NULL ? text.n : 0);
}

struct scope *scope_acquire(struct plugin *plugin, uint64_t handle)
{
    if (handle_kind(handle) == HANDLE_TASK) {
        struct task *task = handle_acquire(&plugin->host->tasks, plugin->number, handle);
        return task != NULL ? &task->scope : NULL;
    }
    return handle_acquire(&plugin->host->scopes, plugin->number, handle);
}

void scope_release(struct plugin *plugin, struct scope *scope)
{
    struct host *host = plugin->host;
    bool is_task = handle_kind(scope->handle) == HANDLE_TASK;
    handle_release(is_task ? &host->tasks : &host->scopes, scope->handle);
}

static struct value_slot *slot_find(struct value_table *table, uint32_t index)
{
    uint32_t block_index = index / VALUE_BLOCK_SLOTS;
    if (block_index / VALUE_CHUNK_BLOCKS >= VALUE_CHUNKS) {
        return NULL;
    }

    struct value_block *chunk = atomic_load_explicit(
        &table->chunks[block_index / VALUE_CHUNK_BLOCKS], memory_order_acquire);
    if (chunk == NULL) {
        return NULL;
    }
    return &chunk[block_index % VALUE_CHUNK_BLOCKS].slots[index % VALUE_BLOCK_SLOTS];
}

static void slot_read(const struct value_slot *slot, uint64_t scope, struct scope_value *out)
{
    *out = (struct scope_value){.scope = scope};
    if (slot->is_bytes != 0) {
        const struct value_bytes *bytes = slot->holder;
        out->bytes = str_make(bytes->bytes, bytes->n);
    } else {
        out->document = slot->holder;
        out->value = slot->value;
    }
}

bool value_acquire(struct plugin *plugin, uint64_t handle, struct scope_value *out,
                   struct scope **out_scope)
{
    if (handle_kind(handle) != HANDLE_VALUE) {
        return false;
    }

    uint32_t wanted = (uint32_t)(handle >> 32) & generation_mask;
    struct value_slot *slot = slot_find(&plugin->host->values, (uint32_t)handle);
    if (slot == NULL || atomic_load_explicit(&slot->generation, memory_order_acquire) != wanted) {
        return false;
    }

    uint64_t scope_handle = atomic_load_explicit(&slot->scope, memory_order_acquire);
    struct scope *scope = scope_handle != 0 ? scope_acquire(plugin, scope_handle) : NULL;
    if (scope == NULL) {
        return false;
    }
    /* The slot may have begun another life between the two reads; held, its scope cannot end. */
    if (atomic_load_explicit(&slot->generation, memory_order_acquire) != wanted) {
        scope_release(plugin, scope);
        return false;
    }

    slot_read(slot, scope_handle, out);
    *out_scope = scope;
    return true;
}

void scope_count(struct scope *scope, uint64_t *values, uint64_t *bytes)
{
    (void)pthread_mutex_lock(&scope->lock);
    uint64_t used = scope->used;
    for (const struct value_block *block = scope->blocks; block != NULL; block = block->next) {
        *values += used;
        used = VALUE_BLOCK_SLOTS;
    }
    *bytes += scope->memory_bytes;
    (void)pthread_mutex_unlock(&scope->lock);
}

struct scope *scope_create(struct plugin *plugin)
{
    struct scope *scope = malloc(sizeof *scope);
    if (scope == NULL) {
        return NULL;
    }

    scope_init(scope, &plugin->host->values, plugin->number, 0);
    scope->handle = handle_create(&plugin->host->scopes, plugin->number, scope);
    if (scope->handle == 0) {
        scope_finish(scope);
        free(scope);
        return NULL;
    }
    return scope;
}

void scope_destroy(void *object)
{
    struct scope *scope = object;
    scope_finish(scope);
    free(scope);
}
