/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Defaults of the address sanitizer for opstream-plugin-host, in builds with it: see asan_options.c
 * of core/cli. Besides, what a plugin leaks is no reason not to load it.
 */

/* Called by the sanitizer before main(). */
__attribute__((visibility("default"))) const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "intercept_tls_get_addr=0:detect_leaks=0";
}
