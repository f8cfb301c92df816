/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_PLUGIN_CHECK_H
#define CORE_CLI_PLUGIN_CHECK_H

/*
 * What `opstream plugin check` and the program that does it, opstream-plugin-check, both know:
 * their one table of options is that of cmd_plugin_check.
 *
 * Used by:  cmd_plugin_check, checker.
 * Uses:     nothing.
 * Threads:  [main]
 */

#define PLUGIN_CHECK_PROGRAM "opstream-plugin-check"

/* What holds when an option is not given. */
#define PLUGIN_CHECK_SEED    "1"
#define PLUGIN_CHECK_TASKS   "10000"
#define PLUGIN_CHECK_TIMEOUT "60"

/* The C library that this opstream is built with. */
#define PLUGIN_CHECK_TEXT_OF(n) #n
#define PLUGIN_CHECK_NUMBER(n)  PLUGIN_CHECK_TEXT_OF(n)
#define PLUGIN_CHECK_GLIBC                                                                         \
    PLUGIN_CHECK_NUMBER(__GLIBC__)                                                                 \
    "." PLUGIN_CHECK_NUMBER(__GLIBC_MINOR__)

#endif
