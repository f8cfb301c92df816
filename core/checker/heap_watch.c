/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The blocks are in a table of a fixed size with open addressing, which comes from mmap(): nothing
 * here allocates. A block that is not found in it was there before the watch, or is the program's.
 * A block leaves the table before it is freed, so that nobody can have got its address again.
 */
#include "core/checker/heap_watch.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifdef OPSTREAM_HEAP_WATCH

enum {
    SLOTS = 1 << 20,         /* a power of two */
    SLOTS_USED = SLOTS / 2,  /* at most: what is more is counted, and never leaves */
    CALLERS_TOLD_APART = 64, /* by heap_watch_blame() */
    LEAST_ALIGNMENT = sizeof(void *),
};

struct slot {
    const char *block; /* NULL: empty */
    size_t size;
    const char *caller;
    uint32_t mark;
    uint32_t reserved0;
};

static struct watch {
    pthread_mutex_t mutex;
    atomic_bool is_on;
    uint32_t mark;
    struct slot *slots;
    struct heap_count count;
} watch = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* The C library's own, under the names that it has for who takes the others. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

/* Of the linker: where this program's code begins and ends. */
extern const char __executable_start[];
extern const char etext[];

/* ---- The table ---- */

static size_t home_of(const char *block)
{
    return (size_t)(((uint64_t)(uintptr_t)block >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 44) &
           (SLOTS - 1);
}

static size_t find(const char *block)
{
    size_t i = home_of(block);
    while (watch.slots[i].block != NULL && watch.slots[i].block != block) {
        i = (i + 1) & (SLOTS - 1);
    }
    return i;
}

/* What follows moves up, as long as it may stand there: no search stops too early. */
static void empty(size_t hole)
{
    for (size_t i = (hole + 1) & (SLOTS - 1); watch.slots[i].block != NULL;
         i = (i + 1) & (SLOTS - 1)) {
        size_t home = home_of(watch.slots[i].block);
        if (((i - home) & (SLOTS - 1)) >= ((i - hole) & (SLOTS - 1))) {
            watch.slots[hole] = watch.slots[i];
            hole = i;
        }
    }
    watch.slots[hole].block = NULL;
}

static void add(const char *block, size_t size, const char *caller)
{
    bool is_own = caller >= __executable_start && caller < etext;
    if (block == NULL || is_own || !atomic_load(&watch.is_on)) {
        return;
    }
    (void)pthread_mutex_lock(&watch.mutex); /* cannot fail: it is never destroyed */
    if (watch.count.blocks < SLOTS_USED) {
        watch.slots[find(block)] = (struct slot){block, size, caller, watch.mark, 0};
    }
    watch.count.blocks++;
    watch.count.bytes += size;
    (void)pthread_mutex_unlock(&watch.mutex);
}

/* `*out` is what it was; its block is NULL when it was not there. */
static void take(const char *block, struct slot *out)
{
    *out = (struct slot){.block = NULL};
    if (block == NULL || !atomic_load(&watch.is_on)) {
        return;
    }
    (void)pthread_mutex_lock(&watch.mutex);
    size_t i = find(block);
    *out = watch.slots[i];
    if (out->block != NULL) {
        empty(i);
        watch.count.blocks--;
        watch.count.bytes -= out->size;
    }
    (void)pthread_mutex_unlock(&watch.mutex);
}

/* ---- malloc() and its kin ---- */

#define SHOWN  __attribute__((visibility("default")))
#define CALLER ((const char *)__builtin_return_address(0))

SHOWN void *malloc(size_t size)
{
    void *block = __libc_malloc(size);
    add(block, size, CALLER);
    return block;
}

SHOWN void *calloc(size_t count, size_t size)
{
    void *block = __libc_calloc(count, size);
    add(block, count * size, CALLER);
    return block;
}

SHOWN void free(void *block)
{
    struct slot slot;
    take(block, &slot);
    __libc_free(block);
}

SHOWN void *realloc(void *block, size_t size)
{
    struct slot slot;
    take(block, &slot);
    void *moved = __libc_realloc(block, size);
    if (moved != NULL) {
        add(moved, size, CALLER);
    } else if (size > 0 && slot.block != NULL) {
        add(slot.block, slot.size, slot.caller); /* it stays */
    }
    return moved;
}

SHOWN void *memalign(size_t alignment, size_t size)
{
    void *block = __libc_memalign(alignment, size);
    add(block, size, CALLER);
    return block;
}

SHOWN void *aligned_alloc(size_t alignment, size_t size)
{
    void *block = __libc_memalign(alignment, size);
    add(block, size, CALLER);
    return block;
}

SHOWN int posix_memalign(void **out, size_t alignment, size_t size)
{
    if (alignment < LEAST_ALIGNMENT || (alignment & (alignment - 1)) != 0) {
        return EINVAL;
    }
    void *block = __libc_memalign(alignment, size);
    if (block == NULL) {
        return ENOMEM;
    }
    add(block, size, CALLER);
    *out = block;
    return 0;
}

/* ---- The watch ---- */

bool heap_watch_begin(void)
{
    const size_t bytes = SLOTS * sizeof(struct slot);
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return false;
    }
    watch.slots = memory;
    watch.count = (struct heap_count){0};
    watch.mark = 0;
    atomic_store(&watch.is_on, true);
    return true;
}

/* The table stays: a thread of the plugin may be in the middle of it. */
void heap_watch_end(void)
{
    atomic_store(&watch.is_on, false);
}

void heap_watch_mark(uint32_t mark)
{
    (void)pthread_mutex_lock(&watch.mutex);
    watch.mark = mark;
    (void)pthread_mutex_unlock(&watch.mutex);
}

struct heap_count heap_watch_count(void)
{
    (void)pthread_mutex_lock(&watch.mutex);
    struct heap_count count = watch.count;
    (void)pthread_mutex_unlock(&watch.mutex);
    return count;
}

struct culprit {
    const char *caller;
    uint64_t blocks;
};

static struct culprit find_worst(uint32_t mark)
{
    struct culprit culprits[CALLERS_TOLD_APART] = {{NULL, 0}};
    struct culprit worst = {NULL, 0};
    for (size_t i = 0; i < SLOTS; i++) {
        const struct slot *slot = &watch.slots[i];
        for (size_t k = 0; slot->block != NULL && slot->mark >= mark && k < CALLERS_TOLD_APART;
             k++) {
            if (culprits[k].caller == NULL || culprits[k].caller == slot->caller) {
                culprits[k].caller = slot->caller;
                culprits[k].blocks++;
                worst = culprits[k].blocks > worst.blocks ? culprits[k] : worst;
                break;
            }
        }
    }
    return worst;
}

bool heap_watch_blame(uint32_t mark, char *out, size_t size)
{
    Dl_info where;
    (void)pthread_mutex_lock(&watch.mutex);
    struct culprit worst = watch.slots != NULL ? find_worst(mark) : (struct culprit){NULL, 0};
    (void)pthread_mutex_unlock(&watch.mutex);
    if (worst.caller == NULL || dladdr(worst.caller, &where) == 0 || where.dli_fname == NULL) {
        return false;
    }
    const char *slash = strrchr(where.dli_fname, '/');
    /* One byte before it returns to is the call itself. */
    (void)snprintf(out, size, "%s+0x%zx", slash != NULL ? slash + 1 : where.dli_fname,
                   (size_t)(worst.caller - 1 - (const char *)where.dli_fbase));
    return true;
}

#else

bool heap_watch_begin(void)
{
    return true;
}

void heap_watch_end(void)
{
}

void heap_watch_mark(uint32_t mark)
{
    (void)mark;
}

struct heap_count heap_watch_count(void)
{
    return (struct heap_count){0};
}

bool heap_watch_blame(uint32_t mark, char *out, size_t size)
{
    (void)mark;
    (void)out;
    (void)size;
    return false;
}

#endif
