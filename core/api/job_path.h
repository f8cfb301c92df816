/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_JOB_PATH_H
#define CORE_API_JOB_PATH_H

/*
 * Job path: where something happened, seen from the run that a client asks for: "say" in the run
 * itself, "each[1]/say" in a child run of it.
 *
 * Used by:  route_history, route_logs.
 * Uses:     base.
 * Threads:  [any]
 */

#include <stdbool.h>

#include "core/base/str.h"

/*
 * Appends the path of `path` (may be empty) in run `run_id`, seen from run `id`. False: that run is
 * neither `id` nor below it, and nothing is appended.
 */
bool job_path_append(struct str id, struct str run_id, struct str path, struct strbuf *out);

/*
 * `path` is `node`, or one of its executions, or inside it: "each", "each#2", "each[1].fix",
 * "each[1]/say". An empty `node` has all.
 */
bool job_path_is_inside(struct str path, struct str node);

#endif
