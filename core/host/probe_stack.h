/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_PROBE_STACK_H
#define CORE_HOST_PROBE_STACK_H

/*
 * Probe stack: addresses of a process that crashed, as lines that people and addr2line can use:
 * "bad.so+0x1139 (build-id 3fa2...)".
 *
 * Used by:  probe.
 * Uses:     base, elf_note.
 * Threads:  [any]
 */

#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

enum { PROBE_STACK_LINES = 24 };

/* All borrowed. */
struct probe_stack {
    const uint64_t *addresses; /* the innermost first */
    size_t count;
    struct str maps;   /* as /proc/PID/maps; anything may stand there */
    const char *file;  /* the copy that was tried */
    const char *shown; /* what it is a copy of */
};

/* One line for each, PROBE_STACK_LINES at most; without a line end behind the last. */
void probe_stack_append(const struct probe_stack *stack, struct strbuf *out);

/* Bytes of a process as text: what is not printable ASCII, tab or line end is '?'. */
void probe_stack_append_text(struct str bytes, struct strbuf *out);

#endif
