/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_FAILING_ALLOC_H
#define TESTS_SUPPORT_FAILING_ALLOC_H

/*
 * Failing allocations, for programs made with opstream_unit_test(... WRAP_MALLOC).
 *
 *     for (long n = 0; ; n++) {
 *         failing_alloc_arm(n);
 *         int status = thing_create(&thing);
 *         bool is_reached = failing_alloc_disarm();
 *         if (!is_reached) { assert_int_equal(status, 0); thing_destroy(thing); break; }
 *         assert_int_equal(status, E_NOMEM);
 *     }
 */

#include <stdbool.h>

/* The `n`th allocation from now (0 is the next) of the calling thread fails, once. */
void failing_alloc_arm(long n);

/* Back to normal. True when the armed allocation was reached. */
bool failing_alloc_disarm(void);

#endif
