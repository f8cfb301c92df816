/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CHECKER_HEAP_WATCH_H
#define CORE_CHECKER_HEAP_WATCH_H

/*
 * Heap watch: which blocks of malloc() others than this program hold: the plugin, and the libraries
 * that work for it. It is exact where the counts of the C library are not: they count what is kept
 * at hand for threads, and the host's own memory.
 *
 * A program that links this has malloc() and its kin from here: they pass each call on to the C
 * library, and while a watch is on they write down the blocks whose caller is not in the program.
 * With a sanitizer, which has a malloc() of its own, there is no watch and nothing is counted.
 *
 * Used by:  rule_growth.
 * Uses:     nothing.
 * Threads:  [any]; heap_watch_begin() and _end() [main].
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_count {
    uint64_t blocks;
    uint64_t bytes; /* that were asked for */
};

/* From now on blocks are written down; those that there are already are never counted. */
bool heap_watch_begin(void); /* false: out of memory */
void heap_watch_end(void);   /* nothing happens when there is none */

/* What is allocated from now on has the mark `mark`. */
void heap_watch_mark(uint32_t mark);

struct heap_count heap_watch_count(void);

/*
 * Writes which code allocated most of the blocks that have `mark` or a higher one, and are still
 * there: "x.so+0x11f3", as addr2line knows it. False: there are none.
 */
bool heap_watch_blame(uint32_t mark, char *out, size_t size);

#endif
