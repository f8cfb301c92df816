/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Defaults of the address sanitizer, for builds with it. GCC 12's reads the places of thread-local
 * data from what libraries loaded later happen to have in memory before it, and its search for
 * leaks then ends at an address that is none.
 */

/* Called by the sanitizer before main(). */
__attribute__((visibility("default"))) const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "intercept_tls_get_addr=0";
}
