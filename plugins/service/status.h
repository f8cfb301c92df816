/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SERVICE_STATUS_H
#define PLUGINS_SERVICE_STATUS_H

/*
 * Status: what a status of HTTP means for the node: which code, what effect, and when it may be
 * tried again. Whether it is, is the engine's to decide, by status and code.
 *
 * Used by:  plugins for services of HTTP.
 * Uses:     abi.h.
 * Threads:  [any-thread]
 */

#include <stdint.h>

#include "opstream/abi.h"

struct status_meaning {
    ops_status code;
    const char *symbol; /* "http.not_found"; static */
    const char *hint;   /* may be empty; static */
};

struct status_meaning status_read(int32_t status);

/*
 * Whether an unexpected `status` to a request with `method` (upper case) may have had an effect:
 * OPS_EFFECT_*. Safe methods have none.
 */
uint32_t status_effect(int32_t status, ops_str method);

/* Whether the request only reads (RFC 9110, 9.2.1). */
int status_is_safe(ops_str method);

/* Whether sending the request again does no harm (RFC 9110, 9.2.2). */
int status_is_idempotent(ops_str method);

/* "200" and "2xx": whether `status` is it. */
int status_matches(int32_t status, ops_str pattern);

/*
 * The wait that Retry-After asks for: seconds or a date of HTTP; at most one hour. 0 when it is
 * unreadable, negative or over.
 */
uint64_t status_retry_after_ms(ops_str value, int64_t now_unix);

/* The wait until x-ratelimit-reset, in seconds since 1970; the same limits. */
uint64_t status_reset_ms(ops_str value, int64_t now_unix);

#endif
