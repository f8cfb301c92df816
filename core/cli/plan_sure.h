/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_PLAN_SURE_H
#define CORE_CLI_PLAN_SURE_H

/*
 * Plan sure: which nodes run in every run in which nothing fails, whatever its data are.
 *
 * Used by:  plan_text, plan_data.
 * Uses:     model.
 * Threads:  [main]
 */

#include <stdbool.h>

struct pipeline;

/*
 * One for each node of the pipeline: it is sure to run once its body does. A node with a `when` of
 * its own counts as running: what follows it does not depend on that. States are all sure, as
 * nobody can tell which will be visited. In a pipeline with very many routers some nodes where
 * their ways meet are held unsure. `*out_is_sure` is owned: free(). Fails with E_NOMEM.
 */
int plan_sure_find(const struct pipeline *pipeline, bool **out_is_sure);

#endif
