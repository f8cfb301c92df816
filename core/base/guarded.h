/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_GUARDED_H
#define CORE_BASE_GUARDED_H

/*
 * Guarded memory: for secrets. Each block has pages of its own that are not swapped out, as far as
 * the limit on locked memory goes, and that stand in no core file; it is cleared when it is freed.
 *
 * Used by:  value (secrets), loop (the store of secrets).
 * Uses:     nothing.
 * Threads:  [any]
 */

#include <stddef.h>

/* `n` bytes, all zero. Owned: guarded_free(). NULL: out of memory. */
void *guarded_alloc(size_t n);

/* `n` is what guarded_alloc() was asked for. NULL is fine. */
void guarded_free(void *block, size_t n);

/*
 * From here on nobody but root can look into this process (/proc/PID/environ, mem, fd; gdb), and it
 * leaves no core file.
 */
void guarded_close_process(void);

#endif
