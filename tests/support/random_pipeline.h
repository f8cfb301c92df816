/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_RANDOM_PIPELINE_H
#define TESTS_SUPPORT_RANDOM_PIPELINE_H

/*
 * Pipelines that a seed makes: up to 24 nodes of all kinds with conditions, joins, error edges,
 * ports, time-outs and limits, some of whose expressions fail. For pipeline_fixture_load().
 *
 * Used by:  tests/sim, tests of engine.
 * Uses:     random.
 * Threads:  [any]
 */

struct random;
struct strbuf;

enum { RANDOM_PIPELINE_TOY_LIMIT = 2, RANDOM_PIPELINE_OTHER_LIMIT = 3 };

/* Appends the YAML text. The plugins 'toy' and 'other' have the limits above. */
void random_pipeline_write(struct random *random, struct strbuf *out);

#endif
