/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_CGROUP_STEP_H
#define CORE_HOST_CGROUP_STEP_H

/*
 * Cgroup step: the control group of one child and of all that it starts, wherever they go.
 *
 *     cgroup_step_init() ─▶ the child is started in it ─▶ looked at, killed ─▶ cgroup_step_finish()
 *
 * Used by:  process.c.
 * Uses:     base, cgroup_home.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct cgroup_home;

enum {
    /* A limit of processes says nothing of threads, which the kernel counts with them: so many it
     * lets there be, to stop what doubles faster than it is counted. */
    CGROUP_STEP_TASKS = 1024,
    CGROUP_STEP_TASKS_EACH = 64, /* more, for each process that is allowed */
};

/* 0: none. */
struct cgroup_step_limits {
    uint64_t memory_bytes; /* of all together, with what they put into files in memory */
    uint64_t processes;
};

/* What the kernel tells of a group; 0 and false where it does not. */
struct cgroup_use {
    bool is_out_of_memory; /* it killed for it */
    bool is_out_of_tasks;  /* it refused to start one */
    uint64_t cpu_us;
    uint64_t max_memory_bytes;
};

struct cgroup_step {
    struct cgroup_home *home; /* NULL: there is no group */
    struct strbuf path;
    int fd; /* the folder */
    struct cgroup_use use;
};

/*
 * Makes a group; `home` (kept) may be NULL or not open. On failure there is none, which every other
 * function takes, and `home` notes why. End it with cgroup_step_finish().
 */
void cgroup_step_init(struct cgroup_step *step, struct cgroup_home *home,
                      const struct cgroup_step_limits *limits);

/* Is there a group? */
static inline bool cgroup_step_is_there(const struct cgroup_step *step)
{
    return step->home != NULL;
}

/* The processes in it; stops counting at `enough`. */
size_t cgroup_step_count(const struct cgroup_step *step, size_t enough);

/* What all that was ever in it has computed. */
uint64_t cgroup_step_cpu_us(const struct cgroup_step *step);

/* SIGKILL to all in it. */
void cgroup_step_kill(struct cgroup_step *step);

/*
 * Reads `use` and removes the group. False: something lives in it still; ask again. True when it is
 * gone, or can never be.
 */
bool cgroup_step_remove(struct cgroup_step *step);

/* Kills what is left, and removes the group, or leaves that to the home. */
void cgroup_step_finish(struct cgroup_step *step);

#endif
