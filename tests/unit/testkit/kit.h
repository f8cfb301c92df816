/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_TESTKIT_KIT_H
#define TESTS_UNIT_TESTKIT_KIT_H

/*
 * Kit: what tests of the test host do again and again. What must not fail fails the test.
 */

#include "opstream/test.h"

ops_test_host *kit_open(const char *path, const ops_test_options *options);
/* What it complains of is the test's business. */
void kit_close(ops_test_host *host);

ops_test_task kit_start(ops_test_host *host, const char *type, const char *config);
/* kit_start(), and its end. */
const ops_test_result *kit_run(ops_test_host *host, const char *type, const char *config);

/* Fails unless `text` has `part`. */
void kit_expect_part(const char *text, const char *part);

/* The complaints of a kind. */
size_t kit_complaints(ops_test_host *host, uint32_t kind);

#endif
