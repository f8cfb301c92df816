/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/call_mark.h"

#include <stdatomic.h>

/* Without a lock, as a signal handler reads it. */
_Static_assert(ATOMIC_POINTER_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2, "waits in a handler");

static _Atomic(const char *) plugin_id;
static _Atomic(const char *) type_name;
static _Atomic uint64_t began_at_ns;

void call_mark_set(const struct call_mark *mark)
{
    atomic_store_explicit(&began_at_ns, mark->began_ns, memory_order_relaxed);
    atomic_store_explicit(&type_name, mark->type, memory_order_relaxed);
    atomic_store_explicit(&plugin_id, mark->plugin, memory_order_release);
}

struct call_mark call_mark_get(void)
{
    struct call_mark mark = {.plugin = atomic_load_explicit(&plugin_id, memory_order_acquire)};
    mark.type = atomic_load_explicit(&type_name, memory_order_relaxed);
    mark.began_ns = atomic_load_explicit(&began_at_ns, memory_order_relaxed);
    return mark;
}
