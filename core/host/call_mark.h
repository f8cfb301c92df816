/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_CALL_MARK_H
#define CORE_HOST_CALL_MARK_H

/*
 * Call mark: which node's code is on the loop's thread now. For a signal handler, which finds out
 * so who keeps the loop from taking signals: there is one loop that works in a process.
 *
 * Used by:  task; loop (late_signal).
 * Uses:     nothing.
 * Threads:  call_mark_set() [loop]; call_mark_get() [any], also in a signal handler
 */

#include <stdint.h>

struct call_mark {
    const char *plugin; /* its id; NULL: no node's code is on the loop */
    const char *type;
    uint64_t began_ns; /* uv_hrtime() */
};

/* The texts live at least until the next mark. */
void call_mark_set(const struct call_mark *mark);
struct call_mark call_mark_get(void);

#endif
