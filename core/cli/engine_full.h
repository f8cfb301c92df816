/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_ENGINE_FULL_H
#define CORE_CLI_ENGINE_FULL_H

/*
 * Engine full: an engine that has no room for more says so, and when to ask again. Commands do, for
 * a while, and then end with EXIT_STUCK: nothing was begun.
 *
 * Used by:  engine_command, run_watch.
 * Uses:     value.
 * Threads:  [main]
 */

#include <stdint.h>

#include "core/base/str.h"

struct document;

enum {
    ENGINE_FULL_WAIT_MS = 60 * 1000,
    ENGINE_FULL_PAUSE_MS = 2 * 1000, /* a person waits: it asks again before it was told to */
};

#define ENGINE_FULL_WAITS "the engine has no room for more: waiting for up to 60 s\n"

/* All zero at first. */
struct engine_full {
    uint64_t waited_ms;
};

/* Whether the answer of this status (its body: NULL is fine) says so. */
bool engine_full_is(int http_status, const struct document *answer);

/*
 * How long to wait before asking again, at least 1 ms; those that were refused together do not come
 * back together. 0: it was waited for long enough.
 */
uint64_t engine_full_wait_ms(struct engine_full *full, const struct document *answer);

/* Appends what to say then. */
void engine_full_append(const struct document *answer, struct strbuf *out);

#endif
