/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_PLAN_CHILDREN_H
#define CORE_CLI_PLAN_CHILDREN_H

/*
 * Plan children: the pipelines that a run of one may run, those of children included.
 *
 * Used by:  plan_text, plan_data.
 * Uses:     model.
 * Threads:  [main]
 */

#include <stddef.h>

struct pipeline;

struct plan_children {
    const struct pipeline **pipelines; /* the first one itself, then in the order of their use */
    size_t count;
    size_t cap;
};

/*
 * Children whose ids are known only when they run are not there. Fails with E_NOMEM; end it in
 * every case with plan_children_finish().
 */
int plan_children_init(struct plan_children *children, const struct pipeline *pipeline);
void plan_children_finish(struct plan_children *children);

#endif
