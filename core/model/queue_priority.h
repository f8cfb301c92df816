/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_QUEUE_PRIORITY_H
#define CORE_MODEL_QUEUE_PRIORITY_H

/*
 * Queue priority: which call of the retry queue goes before another one. People say it in words,
 * since a number leaves open which end comes first.
 *
 * Used by:  model, engine, journal, loop, api, cli.
 * Uses:     base.
 * Threads:  [any]
 */

#include <stdbool.h>

#include "core/base/str.h"

/* The lowest number is first. A journal keeps the numbers. */
enum queue_priority {
    QUEUE_PRIORITY_HIGH = -1,
    QUEUE_PRIORITY_NORMAL = 0,
    QUEUE_PRIORITY_LOW = 1,
};

/* "high", "normal", "low"; the table is ended by NULL. Static. */
extern const char *const queue_priority_words[];
const char *queue_priority_name(enum queue_priority priority);

/* False: `word` is none of them. */
bool queue_priority_find(struct str word, enum queue_priority *out_priority);

#endif
