/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_PLAN_DATA_H
#define CORE_CLI_PLAN_DATA_H

/*
 * Plan data: what a pipeline would do, as a document for programs.
 *
 * Used by:  cmd_plan.
 * Uses:     model, value, plan_rows, plan_sure, plan_children.
 * Threads:  [main]
 */

struct document;
struct error;
struct pipeline;

/*
 * {workflow, name, version, file, node_count, max_parallel_nodes, timeout_seconds, error_policy,
 * rollback, secrets, BODY, endings: {on_failure: BODY, ...},
 * notifications: {start: BODY, ...}, workflows: [the same for each child]}
 *
 * A BODY has `steps: [[NODE]]`, or `states: [NODE]` with `initial_state` and `max_transitions`. A
 * NODE has `id, type, risk, may_not_run, after: [{node, outcome, when}], when, join,
 * timeout_seconds, on_error, max_concurrency, milestone`, and what applies of `transitions`,
 * `routes`, `ends`, `for_each`, `repeat`, `wait_for: {seconds, until, event, match,
 * timeout_seconds}`, `workflow` with `wait`, `compensate: NODE` and `body: BODY`. In a list of the
 * pipelines that are run each stands once, behind the first. `*out_document` is owned. Fails with
 * E_NOMEM.
 */
int plan_data_build(const struct pipeline *pipeline, struct document **out_document,
                    struct error *err);

#endif
