/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/handle.h"

#include <stdbool.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/error.h"

static const uint32_t generation_mask = (1u << 29) - 1;

static uint32_t state_generation(uint64_t state)
{
    return (uint32_t)(state >> 32);
}

static uint32_t state_holds(uint64_t state)
{
    return (uint32_t)state;
}

static uint64_t state_make(uint32_t generation, uint32_t holds)
{
    return (uint64_t)generation << 32 | holds;
}

static struct handle_slot *slot_at(struct handle_table *table, uint32_t index)
{
    uint32_t chunk_index = index / HANDLE_CHUNK_SLOTS;
    if (chunk_index >= HANDLE_CHUNKS) {
        return NULL;
    }

    struct handle_slot *chunk =
        atomic_load_explicit(&table->chunks[chunk_index], memory_order_acquire);
    return chunk != NULL ? &chunk[index % HANDLE_CHUNK_SLOTS] : NULL;
}

static struct handle_slot *slot_of(struct handle_table *table, uint64_t handle)
{
    return handle_kind(handle) == table->kind ? slot_at(table, (uint32_t)handle) : NULL;
}

/* A slot that was never used; NULL when out of memory or of numbers. Under the lock. */
static struct handle_slot *slot_add(struct handle_table *table, uint32_t *out_index)
{
    uint32_t index = table->used;
    uint32_t chunk_index = index / HANDLE_CHUNK_SLOTS;
    if (chunk_index >= HANDLE_CHUNKS) {
        return NULL;
    }

    if (index % HANDLE_CHUNK_SLOTS == 0) {
        struct handle_slot *chunk = calloc(HANDLE_CHUNK_SLOTS, sizeof *chunk);
        if (chunk == NULL) {
            return NULL;
        }
        for (size_t i = 0; i < HANDLE_CHUNK_SLOTS; i++) {
            atomic_init(&chunk[i].state, state_make(1, 0));
        }
        atomic_store_explicit(&table->chunks[chunk_index], chunk, memory_order_release);
    }
    table->used++;
    *out_index = index;
    return slot_at(table, index);
}

static struct handle_slot *slot_take(struct handle_table *table, uint32_t *out_index)
{
    if (table->first_free == 0) {
        return slot_add(table, out_index);
    }

    *out_index = table->first_free - 1;
    struct handle_slot *slot = slot_at(table, *out_index);
    table->first_free = slot->next_free;
    return slot;
}

static void slot_free(struct handle_table *table, struct handle_slot *slot, uint32_t index)
{
    void *object = slot->object;
    table->destroy(object);
    (void)pthread_mutex_lock(&table->lock);
    slot->next_free = table->first_free;
    table->first_free = index + 1;
    table->live--;
    (void)pthread_mutex_unlock(&table->lock);
}

int handle_table_init(struct handle_table *table, enum handle_kind kind,
                      void (*destroy)(void *object))
{
    *table = (struct handle_table){.kind = kind, .destroy = destroy};
    table->chunks = calloc(HANDLE_CHUNKS, sizeof *table->chunks);
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

void handle_table_finish(struct handle_table *table)
{
    if (table->chunks == NULL) {
        return;
    }

    for (size_t i = 0; i < HANDLE_CHUNKS && i * HANDLE_CHUNK_SLOTS < table->used; i++) {
        free(atomic_load(&table->chunks[i]));
    }
    free(table->chunks);
    table->chunks = NULL;
    (void)pthread_mutex_destroy(&table->lock);
}

uint64_t handle_create(struct handle_table *table, uint32_t owner, void *object)
{
    uint32_t index = 0;
    (void)pthread_mutex_lock(&table->lock);
    struct handle_slot *slot = slot_take(table, &index);
    table->live += slot != NULL;
    (void)pthread_mutex_unlock(&table->lock);
    if (slot == NULL) {
        return 0;
    }

    slot->owner = owner;
    slot->object = object;
    uint32_t generation = state_generation(atomic_load(&slot->state));
    atomic_store_explicit(&slot->state, state_make(generation, 1), memory_order_release);
    return (uint64_t)table->kind << 61 | (uint64_t)generation << 32 | index;
}

void *handle_acquire(struct handle_table *table, uint32_t owner, uint64_t handle)
{
    struct handle_slot *slot = slot_of(table, handle);
    if (slot == NULL) {
        return NULL;
    }

    uint32_t wanted = (uint32_t)(handle >> 32) & generation_mask;
    uint64_t state = atomic_load_explicit(&slot->state, memory_order_relaxed);
    do {
        if (state_generation(state) != wanted || state_holds(state) == 0) {
            return NULL;
        }
    } while (!atomic_compare_exchange_weak_explicit(&slot->state, &state, state + 1,
                                                    memory_order_acquire, memory_order_relaxed));
    if (owner != 0 && slot->owner != owner) {
        handle_release(table, handle);
        return NULL;
    }
    return slot->object;
}

void handle_hold(struct handle_table *table, uint64_t handle)
{
    struct handle_slot *slot = slot_of(table, handle);
    CHECK(slot != NULL);
    uint64_t before = atomic_fetch_add_explicit(&slot->state, 1, memory_order_relaxed);
    CHECK(state_holds(before) > 0);
}

void handle_release(struct handle_table *table, uint64_t handle)
{
    struct handle_slot *slot = slot_of(table, handle);
    CHECK(slot != NULL);
    uint64_t before = atomic_fetch_sub_explicit(&slot->state, 1, memory_order_acq_rel);
    CHECK(state_holds(before) > 0);
    if (state_holds(before) == 1) {
        slot_free(table, slot, (uint32_t)handle);
    }
}

void handle_retire(struct handle_table *table, uint64_t handle)
{
    struct handle_slot *slot = slot_of(table, handle);
    CHECK(slot != NULL);
    uint32_t generation = (uint32_t)(handle >> 32) & generation_mask;
    uint32_t following = generation == generation_mask ? 1 : generation + 1;
    uint64_t state = atomic_load_explicit(&slot->state, memory_order_relaxed);
    do {
        CHECK(state_generation(state) == generation && state_holds(state) > 0);
    } while (!atomic_compare_exchange_weak_explicit(&slot->state, &state,
                                                    state_make(following, state_holds(state)),
                                                    memory_order_relaxed, memory_order_relaxed));
    handle_release(table, handle);
}

uint32_t handle_table_live(struct handle_table *table)
{
    (void)pthread_mutex_lock(&table->lock);
    uint32_t live = table->live;
    (void)pthread_mutex_unlock(&table->lock);
    return live;
}
