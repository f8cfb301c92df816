/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SEARCH_MOMENT_H
#define PLUGINS_SEARCH_MOMENT_H

/* Moments: RFC 3339 as in configs and outputs, and milliseconds since 1970 as in the index. */

#include "opstream/abi.h"

enum { MOMENT_BYTES = 40 };

/* 1, or 0 when it is none, or before the year 1 or after 9999. */
int moment_read(ops_str text, int64_t *out_unix_ms);

/* "2025-01-31T14:22:33.123Z". */
void moment_write(int64_t unix_ms, char out[MOMENT_BYTES]);

#endif
