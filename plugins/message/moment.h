/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_MESSAGE_MOMENT_H
#define PLUGINS_MESSAGE_MOMENT_H

/*
 * Moment: milliseconds since 1970 as date and time.
 *
 * Used by:  gate, plugins that write messages.
 * Threads:  [any-thread]
 */

#include <stdint.h>

enum { MOMENT_BYTES = 32 };

/* "2026-11-22T22:10:00Z" */
void moment_write(int64_t unix_ms, char out[MOMENT_BYTES]);

/* "2026-11-22 22:10", of milliseconds that a zone's offset was added to. */
void moment_write_local(int64_t local_ms, char out[MOMENT_BYTES]);

#endif
