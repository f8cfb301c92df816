/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A plugin that does not give back what its tasks took, a little each time, chosen by a definition
 * FAULT_GROWS_*; with FAULT_FILLS it only fills what is bounded, which is no fault.
 */

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "opstream/sdk.h"

namespace
{

enum {
    BLOCK_BYTES = 16,
    SELDOM = 100,
    CACHED = 256,     /* entries */
    HEAP_MOST = 1500, /* blocks, then all of them are freed */
    BUFFER_STEP = 64,
    BUFFER_MOST = 64 * 1024,
};

struct block {
    block *next;
};

void *volatile last;   /* so that no compiler leaves it out */
block *kept = nullptr; /* freed by shutdown() */
int64_t height = 0;    /* of what is kept */

[[maybe_unused]] void leak()
{
    last = malloc(BLOCK_BYTES);
}

[[maybe_unused]] void keep()
{
    auto *one = static_cast<block *>(malloc(BLOCK_BYTES));
    if (one != nullptr) {
        one->next = kept;
        kept = one;
        height++;
    }
}

void empty()
{
    while (kept != nullptr) {
        block *one = kept;
        kept = one->next;
        free(one);
    }
    height = 0;
}

/* What fills up and stops: a cache, a heap that is emptied when it is high, a buffer. */
[[maybe_unused]] void fill(int64_t n)
{
    static void *cache[CACHED];
    static void *buffer = nullptr;
    static size_t room = 0;
    void **entry = &cache[n * 7 % CACHED];
    *entry = *entry != nullptr ? *entry : malloc(static_cast<size_t>(n) % 512 + 1);
    keep();
    if (height == HEAP_MOST) {
        empty();
    }
    void *grown = realloc(buffer, std::min<size_t>(room + BUFFER_STEP, BUFFER_MOST));
    if (grown != nullptr) {
        buffer = grown;
        room += BUFFER_STEP;
    }
}

void grow(int64_t n)
{
    (void)n;
#ifdef FAULT_GROWS_BY_BLOCK
    leak();
#endif
#ifdef FAULT_GROWS_SELDOM
    if (n % SELDOM == 0) {
        leak();
    }
#endif
#ifdef FAULT_GROWS_BY_NEW
    last = new char[BLOCK_BYTES];
#endif
#ifdef FAULT_GROWS_IN_THREAD
    std::thread(leak).join();
#endif
#ifdef FAULT_GROWS_UNTIL_SHUTDOWN
    keep();
#endif
#ifdef FAULT_GROWS_IN_PLACE
    static void *all = nullptr;
    void *more = realloc(all, static_cast<size_t>(n) * BLOCK_BYTES);
    all = more != nullptr ? more : all;
#endif
#ifdef FAULT_FILLS
    fill(n);
#endif
}

void fault_execute(ops_node *node, ops_task task, ops_val config)
{
    static int64_t n = 0;
    struct ops_map out = ops_map_begin(task);
    (void)node;
    (void)config;
    grow(++n);
    ops_map_i64(&out, "n", n);
    ops_complete_map(task, &out);
}

void fault_shutdown(ops_plugin *plugin)
{
    (void)plugin;
    empty();
}

const ops_node_type fault = OPS_NODE("fault", 0, fault_execute);

} /* namespace */

OPS_PLUGIN_WITH("fault", "1.0.0", ops_default_init, fault_shutdown, &fault);
