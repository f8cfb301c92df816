/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_START_FAILURE_H
#define CORE_HOST_START_FAILURE_H

/*
 * Start failure: how a task, or a call of one, has failed that could not even be begun.
 *
 * Used by:  service_http, service_mail, loop.
 * Uses:     error.
 * Threads:  [any]
 */

/*
 * For `status` (enum error_code) the SDK's code without OPS_E_; static. What is missing or of
 * another build, as while a package is upgraded, is there again when that is done: "UNAVAILABLE".
 * NULL: that is the caller's to say.
 */
const char *start_failure_name(int status);

#endif
