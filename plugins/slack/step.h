/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SLACK_STEP_H
#define PLUGINS_SLACK_STEP_H

/*
 * Step: what the operations with steps of their own have in common; struct service_call's `user`.
 *
 * Used by:  post, slack, upload.
 * Uses:     compose.h, note.h, message/slack_talk.h.
 * Threads:  [strand]
 */

#include "compose.h"
#include "message/slack_talk.h"
#include "note.h"

enum { STEP_TS_BYTES = 64 };

/* In the task's memory. */
struct step {
    struct slack_talk talk; /* first */
    struct content content;
    struct note note;
    const struct problem *problem; /* that ends it when a last note is made */
};

/* Of `size` bytes, with a step first; NULL, and the task has failed. */
static inline void *step_make(struct service_call *call, size_t size)
{
    struct step *step = ops_task_alloc(call->task, size);
    call->user = step;
    if (step != NULL) {
        step->note.call = call;
    }
    return step;
}

static inline struct step *step_of(const struct service_call *call)
{
    return call->user;
}

/* Copies `s`, cut to the room that there is. */
static inline void step_copy(char *out, size_t size, ops_str s)
{
    (void)snprintf(out, size, "%.*s", (int)(s.n < size ? s.n : size - 1), s.n > 0 ? s.p : "");
}

#endif
