/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled into each test program: OPSTREAM_TEST_FILTER='*pattern*' runs only the tests whose name
 * matches.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

__attribute__((constructor)) static void choose_tests(void)
{
    const char *pattern = getenv("OPSTREAM_TEST_FILTER");
    if (pattern != NULL) {
        cmocka_set_test_filter(pattern);
    }
}
