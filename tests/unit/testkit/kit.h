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

/*
 * A task with a thread of its own, which begins, is killed, and is given up by the host. The
 * thread goes on until kit_let_end(), which comes back when it has ended the task in vain.
 */
struct kit_lost {
    ops_test_task task;
    int socket;     /* the test's */
    int plugin_end; /* the thread's */
};
struct kit_lost kit_lose(ops_test_host *host);
void kit_let_end(struct kit_lost *lost);

/* Fails unless `text` has `part`. */
void kit_expect_part(const char *text, const char *part);

/* The complaints of a kind. */
size_t kit_complaints(ops_test_host *host, uint32_t kind);

#endif
