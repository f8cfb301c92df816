/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_TESTKIT_OWN_THREADS_H
#define CORE_TESTKIT_OWN_THREADS_H

/*
 * Own threads: what the threads that a plugin has started itself do just now, as the kernel shows
 * it. The host does not know them; what is at work in them can only be seen.
 *
 * Used by:  test host.
 * Uses:     host.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct host;

enum { OWN_THREADS_BEFORE = 64 };

/* The threads that were there before the plugin. With more of them, the rest are taken for its. */
struct own_threads {
    pid_t before[OWN_THREADS_BEFORE];
    size_t before_count;
};

struct own_threads_seen {
    bool is_there;  /* one at all */
    bool is_busy;   /* one runs, or reads from a disk */
    bool is_timed;  /* one sleeps, and wakes by itself */
    uint64_t turns; /* how often they have been at work: the same again means none was since */
};

void own_threads_begin(struct own_threads *threads);
struct own_threads_seen own_threads_look(const struct own_threads *threads, struct host *host);

#endif
