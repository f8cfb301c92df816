/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_RANDOM_WORKFLOWS_H
#define TESTS_SUPPORT_RANDOM_WORKFLOWS_H

/*
 * Files of several pipelines that a seed makes, with all that a pipeline can have: graphs with
 * nested loops and repeats, state machines, tools, child runs, endings and compensations, some of
 * whose expressions fail. For pipeline_fixture_load_str(): the first pipeline may call the others.
 *
 * Their input has `n` (0 to 11), `zero` (0) and `l`, a short list of lists. They wait for the
 * events `go`, `stop` and `other`.
 *
 * Used by:  tests/sim.
 * Uses:     random.
 * Threads:  [any]
 */

struct random;
struct strbuf;

/* Appends the YAML text. The plugins 'toy' and 'other' have the limits of random_pipeline.h. */
void random_workflows_write(struct random *random, struct strbuf *out);

/*
 * The same for runs whose end depends on nothing but their pipeline: no task is given a time, `now`
 * is not asked, and no choice depends on how many iterations are under way.
 */
void random_workflows_write_calm(struct random *random, struct strbuf *out);

#endif
