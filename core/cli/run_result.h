/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_RUN_RESULT_H
#define CORE_CLI_RUN_RESULT_H

/*
 * Run result: the one JSON document of `opstream run --json`.
 *
 * Used by:  cmd_run.
 * Uses:     run_view, value.
 * Threads:  [main]
 */

#include "core/base/str.h"

struct document;
struct error;
struct run_view;

/*
 * {execution_id, workflow, version, status, started_at, completed_at, total_duration_seconds,
 * step_results: [STEP], success_count, failure_count, output, error_message, error: {node?, code,
 * message, hint?, ...}, inner_results: [STEP], inner_results_left_out, inner_failures: [{path,
 * handled, error}], inner_failures_left_out, history: [id], history_left_out, endings: [{name,
 * status, error}], undone_count, undo_failure_count, not_undone_count, events_not_taken: [name]};
 * what is not there is null.
 *
 * A STEP is {step_id, path, status, attempt, started_at, completed_at, duration_seconds, output,
 * error}, of a loop with {errors, counts}, of a call of another pipeline with {child_run_id}.
 * step_results are the nodes of the root body, each with its latest visit and round;
 * inner_results are the first RUN_KEPT_STEPS_MOST steps that ended below them or before that.
 * `history` are the states that a state machine left, in order.
 *
 * `*out_document` is owned by the caller: document_unref(). Fails with E_NOMEM.
 */
int run_result_build(const struct run_view *view, struct str execution_id,
                     struct document **out_document, struct error *err);

#endif
