/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_HTTP_ANSWER_H
#define PLUGINS_HTTP_ANSWER_H

/*
 * Answer: from what ops.http got to the task's output or error.
 *
 * Used by:  the http plugin.
 * Uses:     sdk.h, request.h, status.h, text.h.
 * Threads:  [strand]
 */

#include "opstream/sdk.h"

/* Ends the task with the answer, well or badly, by the node's config. */
void answer_end(ops_task task, ops_val config, const ops_http_res *res);

/* Ends the task with what kept the answer away. */
void answer_fail(ops_task task, ops_val config, const ops_error *err);

#endif
