/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_PLAN_ROWS_H
#define CORE_CLI_PLAN_ROWS_H

/*
 * Plan rows: the nodes of a pipeline in the order in which a plan shows them: body by body, step
 * by step, what is inside a node right behind it, the endings last.
 *
 * Used by:  plan_text, plan_data.
 * Uses:     model.
 * Threads:  [main]
 */

#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct pipeline;

/* One row: a node, or the title of an ending. */
struct plan_row {
    uint32_t node;   /* PIPELINE_NO_NODE: the title of the ending `body` */
    uint32_t body;   /* where the node is */
    uint32_t depth;  /* 0: in the root or an ending */
    uint32_t step;   /* from 1 on, in its body; 0: a state, or a title */
    uint32_t around; /* the row of the node that it is inside, or PIPELINE_NO_NODE */
};

struct plan_rows {
    struct plan_row *rows;
    size_t count;
    size_t cap;
};

/* Fails with E_NOMEM; end it in every case with plan_rows_finish(). */
int plan_rows_init(struct plan_rows *rows, const struct pipeline *pipeline);
void plan_rows_finish(struct plan_rows *rows);

/* "2.1": step 1 inside the node of step 2; nothing for states and titles. */
void plan_rows_append_step(const struct plan_rows *rows, size_t row, struct strbuf *out);

/* How many steps the body has. */
uint32_t plan_rows_count_steps(const struct pipeline *pipeline, uint32_t body);

#endif
