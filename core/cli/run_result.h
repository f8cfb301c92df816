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
 * step_results: [{step_id, status, attempt, started_at, completed_at, duration_seconds, output,
 * error}], success_count, failure_count, output, error_message}; what is not there is null.
 * `*out_document` is owned by the caller: document_unref(). Fails with E_NOMEM.
 */
int run_result_build(const struct run_view *view, struct str execution_id,
                     struct document **out_document, struct error *err);

#endif
