/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_BUDGET_H
#define CORE_HOST_BUDGET_H

/*
 * What the host needs of who keeps the budgets of runs. core/loop offers it over the engine; tests
 * give their own.
 *
 * Used by:  host (ops.budget), loop.
 * Uses:     base.
 * Threads:  [loop]
 */

#include <stdint.h>

#include "core/base/str.h"

enum host_budget_status {
    HOST_BUDGET_GRANTED,
    HOST_BUDGET_REFUSED,
    HOST_BUDGET_GONE,   /* nobody waits for the task any more */
    HOST_BUDGET_FAILED, /* the state cannot be written */
};

/* The most that calls can take. */
struct host_budget_wish {
    int64_t calls;
    int64_t tokens;
    double cost; /* US dollars; negative: not known */
};

/* Texts are borrowed. */
struct host_budget_answer {
    enum host_budget_status status;
    uint64_t reservation; /* GRANTED; 0: nothing is held, as nothing is bounded */
    struct str model;     /* REFUSED */
    struct str why;       /* REFUSED */
};

/* Once, from inside the call or later. */
typedef void (*host_budget_done_cb)(void *user, const struct host_budget_answer *answer);

/* What calls took; negative: not known. */
struct host_budget_use {
    uint64_t reservation; /* 0: none */
    int64_t calls;
    int64_t input_tokens;
    int64_t output_tokens;
    int64_t cached_tokens;
    double cost; /* US dollars */
};

/* `token` is that of a task that has not ended. */
struct host_budget {
    void *self;
    void (*settle)(void *self, uint64_t token, const struct host_budget_use *use);
    /*
     * What is granted is durable when `done` comes. `*out_wait` is set before anything else, and is
     * for abort() until then.
     */
    void (*reserve)(void *self, uint64_t token, const struct host_budget_wish *wish,
                    host_budget_done_cb done, void *user, void **out_wait);
    /* Who waits for others to settle is GONE at once; what is on its way to the disk goes on. */
    void (*abort)(void *self, void *wait);
};

#endif
