/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_MODEL_LOADING_H
#define TESTS_UNIT_MODEL_LOADING_H

/*
 * Loading: pipelines from a text of which the test knows all that is said about it.
 *
 * Used by:  test_load, test_bodies, test_egress, test_library, test_integration_files.
 * Uses:     model (load), base.
 * Threads:  [main]
 */

#include "core/base/str.h"

struct definitions;
struct load_options;

/*
 * The pipelines of a text without errors. Owned: definitions_destroy(). Fails the test unless the
 * warnings are `said`.
 */
struct definitions *loading_read(const struct load_options *options, const char *text,
                                 const char *said);

void assert_str(struct str found, const char *expected);

#endif
