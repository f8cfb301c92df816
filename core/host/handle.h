/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_HANDLE_H
#define CORE_HOST_HANDLE_H

/*
 * Handles: numbers that name objects across the plugin border. {kind:3, generation:29, index:32}.
 *
 * A number that is over, made up, of another kind or another plugin's finds nothing. Finding an
 * object takes a hold on it, so that it cannot be freed meanwhile, without a lock: generation and
 * holds are one 64-bit word that only changes by compare-and-swap.
 *
 *     create (one hold: "alive") -> acquire/release* -> retire (no new holds) -> last release
 *     frees the object and the slot
 *
 * Used by:  host.
 * Uses:     base.
 * Threads:  [any], but init and finish.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

enum handle_kind {
    HANDLE_VALUE = 1,
    HANDLE_TASK = 2,
    HANDLE_OP = 3,
    HANDLE_SCOPE = 4,
};

enum { HANDLE_CHUNK_SLOTS = 256, HANDLE_CHUNKS = 16384 };

struct handle_slot {
    _Atomic uint64_t state; /* generation << 32 | holds */
    uint32_t owner;         /* plugin number; constant while there are holds */
    uint32_t next_free;     /* index + 1; 0: none */
    void *object;
};

struct handle_table {
    enum handle_kind kind;
    void (*destroy)(void *object); /* [any] at the last release */
    pthread_mutex_t lock;          /* of the free list and of new chunks */
    uint32_t first_free;           /* index + 1 */
    uint32_t used;                 /* slots that were ever used */
    uint32_t live;
    _Atomic(struct handle_slot *) *chunks;
};

static inline enum handle_kind handle_kind(uint64_t handle)
{
    return (enum handle_kind)(handle >> 61);
}

/* Fails with E_NOMEM. */
int handle_table_init(struct handle_table *table, enum handle_kind kind,
                      void (*destroy)(void *object));
/* All handles must be retired and released. */
void handle_table_finish(struct handle_table *table);

/* A new handle of plugin number `owner` for `object`; 0 when out of memory. */
uint64_t handle_create(struct handle_table *table, uint32_t owner, void *object);

/*
 * The object with one more hold: handle_release(); NULL when `handle` names nothing of `owner`.
 * `owner` 0: of any plugin.
 */
void *handle_acquire(struct handle_table *table, uint32_t owner, uint64_t handle);

/* One more hold on an object on which the caller has one already. */
void handle_hold(struct handle_table *table, uint64_t handle);

/* Gives a hold up; the last one destroys the object. */
void handle_release(struct handle_table *table, uint64_t handle);

/* The handle is over from now on; gives the hold of handle_create() up. Once per handle. */
void handle_retire(struct handle_table *table, uint64_t handle);

/* Objects that are not destroyed yet. */
uint32_t handle_table_live(struct handle_table *table);

#endif
