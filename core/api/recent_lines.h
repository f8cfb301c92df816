/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_RECENT_LINES_H
#define CORE_API_RECENT_LINES_H

/*
 * Recent lines: what nodes have logged in the last moments, so that a stream which begins right
 * after its run has them, too.
 *
 * Used by:  job_streams.
 * Uses:     base.
 * Threads:  [any]; pure, one thread at a time.
 */

#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

enum {
    RECENT_LINES_MOST = 128,
    RECENT_LINES_MOST_BYTES = 64 * 1024,
    RECENT_LINES_MS = 5000, /* older ones go when the next comes */
};

struct recent_line {
    uint64_t run;
    int64_t at; /* unix ms */
    struct strbuf event;
};

/* All zero at first; recent_lines_finish(). Those that came last stay. */
struct recent_lines {
    struct recent_line lines[RECENT_LINES_MOST];
    size_t first;
    size_t count;
    size_t bytes;
};

void recent_lines_finish(struct recent_lines *recent);

/* `event` (copied) is the line as a stream tells it. Without memory it is left out. */
void recent_lines_add(struct recent_lines *recent, uint64_t run, int64_t at, struct str event);

/* Number `i` of them, in the order in which they came; NULL: there are not so many. Borrowed. */
const struct recent_line *recent_lines_at(const struct recent_lines *recent, size_t i);

#endif
