/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_SANITIZE_H
#define CORE_ENGINE_SANITIZE_H

/*
 * Sanitize: results as a pipeline with `sanitize` keeps them. What comes to a run from outside
 * (outputs, items, failures, events) is masked before anything is decided with it, and what its
 * expressions make of it, and of its input, before it is recorded. So what is in memory is what is
 * in the records, and nodes read the same whether the process has died meanwhile or not.
 *
 * What nodes are given is left as it is: the input, the items of a loop, resolved configs, and so
 * the input of child runs and calls that wait in the queue.
 *
 * Used by:  decide, decision.
 * Uses:     value (sanitizer), model.
 * Threads:  [loop]
 */

#include <stdbool.h>

#include "core/engine/run.h"

struct decision;
struct document;

/* An event as it is decided with; it is to be finished. */
struct sanitized_event {
    struct run_event event;
    struct document *output;
    struct document *error;
    const struct document **items;
};

/* False: memory ran out, and that is marked; finish it in any case. */
bool sanitize_event(const struct decision *d, const struct run_event *event,
                    struct sanitized_event *out);
void sanitize_event_finish(struct sanitized_event *event);

/* In the place of `*document` (owned, may be NULL) what may be kept of it. */
void sanitize_value(const struct decision *d, struct document **document);
void sanitize_failure(const struct decision *d, struct document **failure);

#endif
