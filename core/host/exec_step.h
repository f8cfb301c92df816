/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_EXEC_STEP_H
#define CORE_HOST_EXEC_STEP_H

/*
 * Exec step: what opstream-exec and its parent agree on.
 *
 * Used by:  process.c, exec_main.c.
 * Uses:     nothing.
 * Threads:  [any]
 */

enum {
    EXEC_RESULT_FD = 3,
    EXEC_STATUS_FD = 4,
};

enum exec_step {
    EXEC_STEP_OPTIONS,
    EXEC_STEP_LIMITS,
    EXEC_STEP_CHDIR,
    EXEC_STEP_DESCRIPTORS,
    EXEC_STEP_EXEC,
    EXEC_STEP_COUNT,
};

#endif
