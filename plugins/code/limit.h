/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_CODE_LIMIT_H
#define PLUGINS_CODE_LIMIT_H

/*
 * Limit: which of its limits ended a child, and how that is told.
 *
 * The host knows what it or the kernel killed the child for. Where the kernel only refuses (memory,
 * a file more, a longer file) the child goes on and ends in its own way: then what it said last
 * tells, and only for limits that the node has.
 */

#include "opstream/sdk.h"
#include "run.h"

struct limit_hit {
    ops_status code;
    const char *symbol; /* "code.memory_limit"; static */
    const char *hint;   /* static */
    struct text text;   /* "was killed at its limit of 512 MiB of memory"; text_finish() */
};

/* 1 when it was a limit; `answer` is what the runner told, or 0. */
int limit_find(const struct run *run, const ops_process_exit *exit, ops_val answer,
               struct limit_hit *out);

/* "512 MiB", "10 MB", "77 bytes" */
void limit_add_size(struct text *text, uint64_t bytes);

/* "250ms", "90s", "2m" */
void limit_add_duration(struct text *text, uint64_t ms);

#endif
