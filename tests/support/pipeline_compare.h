/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_PIPELINE_COMPARE_H
#define TESTS_SUPPORT_PIPELINE_COMPARE_H

/*
 * Pipeline compare: whether two pipelines are the same, each thing under the same number. For one
 * that was loaded again.
 *
 * Used by:  tests of model and cli.
 * Uses:     model.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stddef.h>

struct pipeline;

/*
 * True: they agree, down to the last field of nodes, edges, bodies and expressions, and so do the
 * pipelines that they run (by a name in the file). Else `text` says what differs first.
 */
bool pipeline_compare(const struct pipeline *a, const struct pipeline *b, char *text, size_t size);

#endif
